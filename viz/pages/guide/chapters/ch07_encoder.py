"""The encoder, and what it is not."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import streamlit as st

from model.interventions.influence import another_token, influence, states
from model.network.transformer import EncoderLayer
from viz.figures.bars import beside_bars
from viz.figures.side_by_side import weights_panel
from viz.look.look import Look
from viz.pages.guide.chapters.chapter import Chapter, Further, Question, chart, ids, quoted
from viz.state import session

IDEA = r"""
A layer of the encoder does two things. **Attention** lets every token gather information from all the others. A
**feed-forward** network then works on each token by itself (with the usual $d_\text{ff}=4\,d_\text{model}$ it has two
thirds of a layer’s parameters). A **residual** connection runs around each of the two: the input is added to the
output, so a layer changes a vector rather than replacing it, and the gradient has a direct path back. **LayerNorm**
keeps the numbers in range. The formula has it *after* the sum, as Vaswani et al. (2017) do; most models today have it
*before* each part, which makes training stable without warming up the learning rate (Xiong et al. 2020).

Layers are stacked. They have the same shape, but **each has its own parameters**. Before the first layer a vector says
“this word”; after the last, “this word, in this sentence”.

**Mistake: thinking the encoder is a recurrent network.** Nothing is read from left to right, and no memory is passed
along. There is no mask either, so the last word can change the vector of the first.
"""
EQUATION = (
    r"\begin{aligned}y&=\text{LayerNorm}\big(x+\text{MultiHead}(x)\big)\\"
    r"x'&=\text{LayerNorm}\big(y+\text{FeedForward}(y)\big)\end{aligned}"
)
CHANGED = 1e-4


def last_word(look: Look) -> int | None:
    """The place of the last token with a letter or digit; None if it is the only token, or there is none."""
    tokens = look.trace.map("encoder").key_tokens[:-1]  # without </s>
    places = [place for place, token in enumerate(tokens) if any(map(str.isalnum, token))]
    return places[-1] if places and len(tokens) > 1 else None


def show(look: Look) -> None:
    tokens, theme = look.trace.map("encoder").key_tokens, session.theme()
    if (place := last_word(look)) is not None:
        change = influence(look.opened, ids(look), place)
        (other,) = look.opened.tokenizer.labels([another_token(look.opened, ids(look)[place])])
        st.markdown(
            f"**Change one word: what else changes?** {quoted(tokens[place])} becomes {quoted(other)}. The bars show "
            "by how much the encoder’s vector of each token changes. In a network that reads from left to right, all "
            "bars above the framed one would be 0."
        )
        chart(beside_bars(tokens, {"relative change": change}, framed=place, theme=theme), "last_word")
        st.markdown(_reached(tokens, change, place))
    after = states(look.opened, ids(look))
    names = ["embedded", *(f"L{layer}" for layer in range(1, len(after)))]
    chart(
        weights_panel(
            _kept(after),
            names,
            tokens,
            "what is left of the embedding after each layer (L)",
            axes=("after", "token"),
            theme=theme,
        ),
        "states",
    )
    if look.opened.config.norm == "pre":
        st.caption("This model normalises what goes into each part, not the sum: x + MultiHead(LayerNorm(x)).")
    st.caption("The cosine of each vector with the embedding it started as; negative values are drawn as 0.")


def _reached(tokens: Sequence[str], change: np.ndarray, place: int) -> str:
    """How far the change of one token reaches, in a sentence."""
    others = np.delete(np.arange(len(change)), place)
    n, most = int((change[others] > CHANGED).sum()), int(others[change[others].argmax()])
    if n == 0:
        return f"**No other vector changes by {CHANGED:.2%} or more.**"
    before = int((change[:place] > CHANGED).sum())
    return (
        f"**{n} of the {len(others)} other vectors change, {before} of them before the framed one;** that of "
        f"{quoted(tokens[most])} changes most, by {change[most]:.0%} of its length."
    )


def _kept(states: np.ndarray) -> np.ndarray:
    """The cosine of each state with the first one, ``[layer + 1, token]``, at least 0."""
    norms = np.linalg.norm(states, axis=-1)
    return np.maximum(0, (states * states[0]).sum(-1) / np.maximum(norms * norms[0], 1e-9))


def ask(look: Look) -> Question | None:
    if (place := last_word(look)) is None:
        return None
    changed = influence(look.opened, ids(look), place) > CHANGED
    answer = (
        0 if not changed[:place].any() and not changed[place + 1 :].any() else 1 if not changed[:place].any() else 2
    )
    return Question(
        text=f"Change only the last word, {quoted(look.trace.map('encoder').key_tokens[place])}. Which vectors of the "
        "encoder’s output change?",
        options=("only that one", "that one and those after it", "also those before it"),
        answer=answer,
        why=f"This model computed both: {changed.sum()} of {len(changed)} vectors change, {changed[:place].sum()} "
        "of them before it.",
        hint="Look at the bars above the framed one: are they all 0? An encoder has no mask.",
    )


def further(look: Look) -> Further:
    return Further(
        label="A whole encoder layer, step by step, in Anatomy", page="anatomy", query={"kind": "Encoder self"}
    )


CHAPTER = Chapter(
    title="The encoder", idea=IDEA, equation=EQUATION, show=show, sources=(EncoderLayer.forward, influence), ask=ask,
    further=further, kinds=("encoder",),
)  # fmt: skip
