"""Self-attention: scores, scale, mask, softmax, weighted sum."""

from __future__ import annotations

import math

import numpy as np
import streamlit as st

from model.anatomy import arithmetic
from model.anatomy.mistakes import VARIANTS, head_scores
from model.network.attention import attention
from viz.figures.bars import beside_bars
from viz.figures.side_by_side import weights_panel
from viz.look.hatching import masked
from viz.look.look import Look
from viz.pages.guide.chapters.ch03_queries import taken_apart
from viz.pages.guide.chapters.chapter import (
    Chapter,
    Further,
    Question,
    among,
    beside,
    chart,
    head_query,
    numbered,
    quoted,
    row_name,
)
from viz.pages.guide.chapters.openings import masked_head, masked_row
from viz.state import session

IDEA = r"""
1. **Scores.** Take the **dot product** of the query with each key: a large one means they match.
2. **Scale.** If the $d$ products that a dot product adds up are independent, each with variance 1, their sum has
   variance $d$, so its standard deviation is $\sqrt d$. Divided by $\sqrt{d_\text{head}}$, scores do not grow with the
   size of a head; else softmax would give one key nearly everything and leave almost no gradient to learn from (Vaswani
   et al. 2017, section 3.2.1).
3. **Mask.** A decoder must not look at what it has not written yet. Those scores become −∞.
4. **Softmax.** Scores become attention weights: positive, adding up to 1.
5. **Weighted sum.** The head’s output is the weighted average of the **values**: not of the words, and not of the
   layer’s inputs.

This is the decoder’s self-attention, where there is something to mask. In a row “a ▸ b” the query is that of “a”, the
token **fed in**; “b” is what the model writes next.
"""
EQUATION = r"\text{Attention}(Q,K,V)=\text{softmax}\!\left(\frac{QK^\top}{\sqrt{d_\text{head}}}+\text{mask}\right)V"
WRONG = {
    "wrong axis": "**Mistake: softmax over the wrong axis.** Columns sum to 1, and rows do not. In code: `dim=-2` "
    "instead of `dim=-1`.",
    "no scale": "**Mistake: no scale.** Rows sum to 1, so nothing looks wrong. But the largest scores take more than "
    "their share, and in training the others get less gradient.{scale}",
    "mask after softmax": "**Mistake: the mask after the softmax.** The hidden tokens have already taken their share: "
    "rows sum to less than 1, and how much less gives away tokens that must not be seen.",
}
NOTICED, ROUNDED = 0.05, 0.0005
"""A difference of a weight that is marked, and of a sum that is none."""


def show(look: Look) -> None:
    anatomy, theme = taken_apart(look), session.theme()
    columns = {
        "q · k": anatomy.step("products").value,
        "÷ √d, masked": anatomy.step("masked").value,
        "softmax": anatomy.step("weights").value,
    }
    chart(beside_bars(anatomy.keys, columns, framed=anatomy.query, theme=theme), "row_steps")
    mistake = st.segmented_control(
        "The whole head: a correct version and one with a "
        "mistake", list(WRONG), default=next(iter(WRONG)), required=True,
        key="variant", bind="query-params",
    )  # fmt: skip
    scores = head_scores(look.opened, look.trace, look.kind, look.layer, look.head)
    right, wrong = VARIANTS["right"](scores), VARIANTS[mistake](scores)
    changed = np.abs(wrong - right) >= NOTICED
    for column, name, pattern in zip(beside(2), ("right", mistake), (right, wrong), strict=True):
        panel = weights_panel(
            pattern, look.attention_map.row_names(), anatomy.keys, name, framed=anatomy.query,
            marked=changed if name == mistake else None, masked=masked(look.attention_map), bar=False, theme=theme,
        )  # fmt: skip
        with column:
            chart(panel, f"variant_{'right' if name == 'right' else 'wrong'}", share=0.44)
    said = WRONG[mistake].format(scale=_scale(look.opened.config.d_head, right, wrong))
    st.markdown(f"{said} {_compared(right, wrong, changed)}")


def _scale(d_head: int, right: np.ndarray, wrong: np.ndarray) -> str:
    """What the scale does in this head: its size, and the largest weight of a row that has a choice."""
    before, after = (pattern[1:].max(1).mean() if len(pattern) > 1 else 1.0 for pattern in (right, wrong))
    return (
        f" Here $d_\\text{{head}}={d_head}$, so scores are {math.sqrt(d_head):.1f} times as large, and the largest "
        f"weight of a row is {after:.2f} on average instead of {before:.2f} (the first row has no choice)."
    )


def _compared(right: np.ndarray, wrong: np.ndarray, changed: np.ndarray) -> str:
    """What a mistake changes in the weights of a head, in a sentence."""
    sums = wrong.sum(1)
    if not changed.any():
        return f"**Here it changes no weight by {NOTICED} or more.** Try a different head or a longer sentence."
    n, most = int(changed.sum()), np.unravel_index(np.abs(wrong - right).argmax(), right.shape)
    summed = f"rows sum to between {sums.min():.3f} and {sums.max():.3f}; without it, to 1"
    if np.abs(sums - 1).max() < ROUNDED:
        summed = "rows still sum to 1"
    return (
        f"**{n} weight{'s' * (n > 1)} (marked) {'are' if n > 1 else 'is'} off by {NOTICED} or more; one is "
        f"{wrong[most]:.2f} instead of {right[most]:.2f}.** With the mistake, {summed}."
    )


def ask(look: Look) -> Question | None:
    anatomy = taken_apart(look)
    weights, n = anatomy.step("weights").value, anatomy.query + 1
    if n < 2:
        return None
    best = int(weights.argmax())
    scores = anatomy.step("masked").value
    return among(
        f"Row {n}, {row_name(look)}: the token fed in, {quoted(anatomy.tokens[anatomy.query])}, may see {n} tokens, "
        "itself included. Which of them gets the most attention?",
        numbered(anatomy.keys[:n]),
        best,
        f"{quoted(anatomy.keys[best])} has the largest score, {scores[best]:.2f}; softmax turns it into "
        f"{weights[best]:.3f}.",
        "Softmax keeps the order of the scores: in the middle column, look for the bar that reaches furthest to the "
        "right. −∞ means hidden.",
    )


def further(look: Look) -> Further:
    return Further(label="These steps, number by number, in Anatomy", page="anatomy", query=head_query(look))


CHAPTER = Chapter(
    title="Self-attention", idea=IDEA, equation=EQUATION, show=show, sources=(attention, arithmetic.softmax), ask=ask,
    further=further, kinds=("decoder",), chooses_head=True,
    opens_on=masked_head, opens_row=masked_row,
)  # fmt: skip
