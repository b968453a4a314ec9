"""An exercise: an attention layer with seven faults, mended line by line and checked by running it."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import streamlit as st
import torch
from streamlit.delta_generator import DeltaGenerator
from torch import Tensor, nn

from model.anatomy.faults import AGREE, BROKEN, FAULTS, MENDED, ORDER, Check, causal, check, run, written
from model.capture import attention_at, watch
from viz.figures.side_by_side import weights_panel
from viz.look.hatching import masked
from viz.look.look import Look
from viz.look.theme import for_markdown
from viz.pages.guide.chapters.ch14_code import same_weights
from viz.pages.guide.chapters.chapter import Chapter, Further, Question, chart, head_query
from viz.state import session
from viz.state.presentation import presenting

IDEA = """
This layer has **seven faults** of the kind you find in articles about Transformers. One of them stops the program. The
others are worse: the program runs, and the result is wrong.

Choose a line for each of the seven places. The layer is rebuilt from your lines at once and run **on your sentence**,
with the weight matrices of the first layer of this model’s decoder. Its output must match that of PyTorch’s own layer,
`nn.MultiheadAttention`, with the same matrices.

You need not guess: like tests, the checks say what is wrong. A layer whose rows sum to 1 may still be wrong, and so may
one that raises no error.

**What else such articles get wrong.** That the layers of a stack are *identical*: they have the same shape, but each
has its own parameters (chapter 7). That attention sums the *inputs*: it sums values (chapter 4). That encoder and
decoder are recurrent networks: neither is (chapters 7 and 8). That the last linear map acts on the attention weights:
it acts on the heads’ outputs (chapter 5). And that attention gives a model a *larger capacity*: not by itself. Capacity
comes with parameters; what attention made possible is training in parallel, which made larger models affordable
(chapter 10).
"""
EQUATION = (
    r"\begin{gathered}H_i=\text{softmax}\!\left(\frac{Q_iK_i^\top}{\sqrt{d_\text{head}}}+\text{mask}\right)V_i\\"
    r"\text{output}=[\,H_1\dots H_h\,]\,W_O+b_O\end{gathered}"
)
NOTICED = 0.05
"""A difference of a weight that is marked."""
MARKS = {True: ":green[:material/check:]", False: ":red[:material/close:]", None: ":gray[:material/remove:]"}


@torch.inference_mode()
def task(look: Look) -> tuple[nn.MultiheadAttention, Tensor]:
    """PyTorch's layer with the parameters of the decoder's first one, and what that one is given on the sentence,
    ``[1, token, d_model]``."""
    x = watch(look.opened, look.trace).within(*attention_at("decoder", 0))["input"]
    return same_weights(look.opened.model.layers("decoder")[0].self_attention), x


def show(look: Look) -> None:
    reference, x = task(look)
    code, choices, checked, weights = _places()
    with choices:
        chosen = _choose()
    with code:
        st.code(written(chosen), line_numbers=True, wrap_lines=True)
    checks = check(chosen, reference, x)
    with checked:
        st.markdown(_verdict(chosen, checks))
        st.markdown("\n".join(f"- {MARKS[one.passed]} {one.says}{_found(one)}" for one in checks))
    with weights:
        _weights(look, chosen, reference, x)


def _places() -> tuple[DeltaGenerator, DeltaGenerator, DeltaGenerator, DeltaGenerator]:
    """Where code, choices, checks and weights stand: below each other; in a presentation, on three leaves."""
    if not presenting():
        return st.container(), st.container(), st.container(), st.container()
    choosing, code, weights = st.tabs(["Choose lines, see what is wrong", "The layer", "Its weights"])
    return code, choosing.container(key="fault_choices"), choosing.container(), weights


def _choose() -> dict[str, int]:
    """The line of each place, as the visitor left it."""
    kept: Mapping[str, int] = session.kept("faults") or BROKEN
    chosen = {}
    for place, name in enumerate(ORDER, start=1):
        lines = FAULTS[name].lines
        chosen[name] = st.radio(
            f"**{place} · {FAULTS[name].asks}**", range(len(lines)), kept[name], key=f"fault_{name}",
            format_func=lambda number, lines=lines: f"`{lines[number]}`",
        )  # fmt: skip
    session.keep("faults", chosen)
    return chosen


def _found(one: Check) -> str:
    return f": {for_markdown(one.found)}" if one.found else " (cannot be checked yet)"


def _verdict(chosen: Mapping[str, int], checks: tuple[Check, ...]) -> str:
    """How far the layer is, and once it is mended, what each fault did."""
    passed = sum(one.passed is True for one in checks)
    if passed < len(checks):
        return f"**{passed} of {len(checks)} checks passed.**"
    faults = "\n".join(f"- **{FAULTS[name].fault}:** {FAULTS[name].why}" for name in ORDER)
    return f"**All {len(checks)} checks passed: the layer is fixed.** What was wrong:\n\n{faults}"


def _weights(look: Look, chosen: Mapping[str, int], reference: nn.MultiheadAttention, x: Tensor) -> None:
    """The first head's weights in PyTorch's layer and, if it gets that far, in this one, with a mark where they
    differ."""
    weights = run(chosen, reference, x)[1]
    with torch.inference_mode():
        right = reference(x, x, x, attn_mask=causal(x), average_attn_weights=False)[1][0, 0].numpy()
    shown, pictures = look.trace.map("decoder"), {"as it should be": right}
    if weights is not None:
        pictures["this layer"] = weights[0, 0].numpy()
    for column, (name, pattern) in zip(st.columns(2), pictures.items(), strict=False):
        marked = np.abs(pattern - right) >= NOTICED
        panel = weights_panel(
            pattern,
            shown.row_names(),
            shown.key_tokens,
            name,
            marked=marked,
            masked=masked(shown),
            bar=False,
            theme=session.theme(),
        )
        with column:
            chart(panel, f"faults_{'right' if name == 'as it should be' else 'own'}", share=0.7)
    if weights is not None:
        n = int((np.abs(pictures["this layer"] - right) >= NOTICED).sum())
        st.caption(
            f"The first head’s attention weights. {n} of them (marked) differ by {NOTICED} or more."
            if n
            else f"The first head’s attention weights: none differs by {NOTICED} or more."
        )


def ask(look: Look) -> Question:
    """Which fault the sums of the rows do not show, tried with each of them alone."""
    reference, x = task(look)
    names = ("mask", "scale", "axis")
    hidden = [name for name in names if _sums_to_one(run({**MENDED, name: BROKEN[name]}, reference, x)[1])]
    answer = names.index("scale") if hidden == ["scale"] else len(names)
    return Question(
        text="Suppose only one fault is left. Which of these would the row sums **not** reveal?",
        options=(*(FAULTS[name].fault for name in names), "none of them alone"),
        answer=answer,
        why=f"We tried each of them alone: with the fault “{FAULTS['scale'].fault}” every row still sums to 1. Only "
        "the comparison with a correct layer shows it."
        if hidden == ["scale"]
        else "We tried each of them alone: in a sentence this short the sums do not single out one fault.",
        hint="Fix all seven places, then put back one fault at a time and read what the checks say about the row sums.",
    )


def _sums_to_one(weights: Tensor | None) -> bool:
    return weights is not None and bool(((weights.sum(-1) - 1).abs() < AGREE).all())


def further(look: Look) -> Further:
    return Further(label="A correct layer, number by number, in Anatomy", page="anatomy", query=head_query(look))


CHAPTER = Chapter(
    title="Find the seven faults", idea=IDEA, equation=EQUATION, show=show, sources=(check, run), ask=ask,
    further=further, kinds=("decoder",),
)  # fmt: skip
