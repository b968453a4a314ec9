"""The layer in code, three times."""

from __future__ import annotations

from pathlib import Path

import streamlit as st
import torch
from torch import nn

from model import snippets
from model.capture import attention_at, watch
from model.network.attention import MultiHeadAttention, causal_mask
from viz.look.look import Look
from viz.look.numbers import power_of_ten
from viz.pages.guide.chapters.chapter import Chapter, Further, Question, head_query

IDEA = """
Chapters 4 and 5 come to about ten lines of code. Here they are written out, then done with PyTorch’s own layer, then
with Keras. Each example runs as it stands: copy it into a file. Each makes the same weight matrices from the same seed,
so all three print the same numbers. The tests of this project run them and compare.

What differs is convention: which side a weight matrix is on, whether a mask marks what is **allowed** or what is
**forbidden**, and whether you get the attention weights of each head or their mean.
"""
EQUATION = (
    r"\begin{aligned}H_i&=\text{softmax}\big(Q_iK_i^\top/\sqrt{d_\text{head}}\big)V_i\\"
    r"\text{MultiHead}(x)&=[\,H_1\,\dots\,H_h\,]\,W_O\end{aligned}"
)
FILES = {"PyTorch, written out": "from_scratch", "nn.MultiheadAttention": "with_torch", "Keras": "with_keras"}


def text(name: str) -> str:
    """The snippet as it stands in its file."""
    return (Path(snippets.__file__).parent / f"{name}.py").read_text(encoding="utf-8")


@torch.inference_mode()
def difference(look: Look) -> tuple[float, float]:
    """By how much PyTorch's layer with this model's parameters misses our output and attention weights, on the
    sentence."""
    points = watch(look.opened, look.trace).within(*attention_at(look.kind, look.layer))
    layer = look.opened.model.layers("encoder" if look.kind == "encoder" else "decoder")[look.layer]
    x = points["input"]
    hidden = None if look.kind == "encoder" else ~causal_mask(x.size(1))
    output, weights = same_weights(layer.self_attention)(x, x, x, attn_mask=hidden, average_attn_weights=False)
    return (points["output"] - output).abs().max().item(), (points["pattern"] - weights).abs().max().item()


def same_weights(ours: MultiHeadAttention) -> nn.MultiheadAttention:
    """PyTorch's layer with the parameters of ours."""
    layer = nn.MultiheadAttention(ours.query.out_features, ours.n_heads, batch_first=True).eval()
    parts = (ours.query, ours.key, ours.value)
    with torch.no_grad():
        layer.in_proj_weight.copy_(torch.cat([part.weight for part in parts]))
        layer.in_proj_bias.copy_(torch.cat([part.bias for part in parts]))
        layer.out_proj.weight.copy_(ours.output.weight)
        layer.out_proj.bias.copy_(ours.output.bias)
    return layer


def show(look: Look) -> None:
    if look.opened.model.embedding.positional.acts.nothing:  # PyTorch's layer knows no encoding that acts on scores
        output, weights = difference(look)
        st.markdown(
            f"**On your sentence**, layer {look.layer + 1} of this model’s {look.kind} and `nn.MultiheadAttention` "
            f"with the same parameters differ by at most {power_of_ten(weights)} in the attention weights "
            f"and {power_of_ten(output)} in the output."
        )
    for tab, name in zip(st.tabs(list(FILES)), FILES.values(), strict=True):
        tab.code(text(name), wrap_lines=True)
    st.caption("Keras is not part of this app; install it to run the third example: `pip install keras`.")


def ask(look: Look) -> Question:
    n = 5
    forbidden = torch.ones(n, n, dtype=torch.bool).triu(1)
    return Question(
        text="In `nn.MultiheadAttention`, what does True in a boolean `attn_mask` mean? In the second example, change "
        "`triu(1)` to `tril(-1)` and run it: which keys are hidden now?",
        options=("this key may be attended to", "this key is hidden"),
        answer=1 if _hides(forbidden) else 0,
        why="We tried it: the layer gives the keys marked True a weight of 0. In this project’s own code, as in the "
        "first example, True means allowed.",
        hint="In the second example the mask is called `forbidden`. In the first one, `causal` goes into `masked_fill` "
        "only after `~` has inverted it.",
    )


@torch.inference_mode()
def _hides(mask: torch.Tensor) -> bool:
    """Whether PyTorch gives no weight where ``mask`` is True."""
    layer = nn.MultiheadAttention(4, 1, batch_first=True).eval()
    x = torch.ones(1, len(mask), 4)
    weights = layer(x, x, x, attn_mask=mask)[1][0]
    return bool((weights[mask] == 0).all())


def further(look: Look) -> Further:
    return Further(label="This layer’s numbers, in Anatomy", page="anatomy", query=head_query(look))


CHAPTER = Chapter(
    title="In code", idea=IDEA, equation=EQUATION, show=show, sources=(same_weights,), ask=ask, further=further,
    chooses_head=True,
)  # fmt: skip
