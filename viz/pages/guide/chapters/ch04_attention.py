"""Self-attention: scores, scale, mask, softmax, weighted sum."""

from __future__ import annotations

import math
from functools import partial

import numpy as np
import streamlit as st

from model.anatomy import arithmetic
from model.anatomy.dissect import dissect, seen_in
from model.anatomy.mistakes import VARIANTS, head_scores
from model.network.attention import attention
from viz.components.bars import bars, keep_room
from viz.components.followed import said
from viz.components.head import head_part, matrix_data
from viz.look.choice import row_options
from viz.look.hatching import masked
from viz.look.look import Look
from viz.look.theme import Theme
from viz.pages.guide.chapters.ch03_queries import taken_apart
from viz.pages.guide.chapters.chapter import (
    Chapter,
    Further,
    Parts,
    Question,
    among,
    beside,
    head_query,
    numbered,
    quoted,
    row_name,
)
from viz.pages.guide.chapters.openings import masked_head, masked_row
from viz.state import session
from viz.state.clicked import row_of_part_pinned
from viz.state.presentation import presenting

IDEA = r"""
1. **Scores.** Take the **dot product** of the query with each key: a large one means they match.
2. **Scale.** If the $d$ products that a dot product adds up are independent, each with variance 1, their sum has
   variance $d$, so its standard deviation is $\sqrt d$. Divided by $\sqrt{d_\text{head}}$, scores do not grow with the
   size of the head; otherwise softmax would give one key nearly everything and leave almost no gradient to learn from
   (Vaswani et al. 2017, section 3.2.1).
3. **Mask.** A decoder must not look at what it has not written yet. Those scores become −∞. The first row may see one
   token only, `<s>`, so that one gets all of its weight.
4. **Softmax.** Scores become attention weights: positive, adding up to 1.
5. **Weighted sum.** The head’s output is the weighted average of the **values**: not of the words, and not of the
   layer’s inputs.

This is the decoder’s self-attention, where there is something to mask. In a row “a ▸ b” the query is that of “a”, the
token **fed in**; “b” is what the model writes next.
"""
EQUATION = r"\text{Attention}(Q,K,V)=\text{softmax}\!\left(\frac{QK^\top}{\sqrt{d_\text{head}}}+\text{mask}\right)V"
WRONG = {
    "wrong axis": "<b>Mistake: softmax over the wrong axis.</b> Columns sum to 1, but rows do not. In code: "
    "<code>dim=-2</code> instead of <code>dim=-1</code>.",
    "no scale": "<b>Mistake: no scale.</b> Rows sum to 1, so nothing looks wrong. But the largest scores take more "
    "than their share, and in training the others get less gradient.{scale}",
    "mask after softmax": "<b>Mistake: the mask after the softmax.</b> The hidden tokens have already taken their "
    "share: rows sum to less than 1, and how much less gives away tokens that must not be seen.",
}
STEPS, RIGHT, MISTAKEN, COMPARED = "row_steps", "variant_right", "variant_wrong", "variant_compared"
"""The parts of the chapter."""
NOTICED, ROUNDED = 0.05, 0.0005
"""A difference of a weight that is marked, and of a sum that is none."""


def show(look: Look) -> Parts:
    if not presenting():
        keep_room(STEPS, len(look.attention_map.key_tokens))
    said(STEPS)
    mistake = st.segmented_control(
        "The whole head: a correct version and one with a "
        "mistake", list(WRONG), default=next(iter(WRONG)), required=True,
        key="variant", bind="query-params",
    )  # fmt: skip
    if presenting():  # in the column of what it explains
        said(COMPARED)
    rows = row_options(look.attention_map)
    for column, title, place in zip(beside(2), ("right", mistake), (RIGHT, MISTAKEN), strict=True):
        with column:
            st.markdown(f"**{title}**")
            head_part(place, on_pin=partial(row_of_part_pinned, place, rows))
    if not presenting():
        said(COMPARED)
    return partial(_parts, mistake, session.theme())


def _parts(mistake: str, theme: Theme, look: Look) -> dict[str, object]:
    """One row step by step, and the whole head with and without a mistake."""
    seen = seen_in(look.opened, look.trace)
    at = (look.opened, look.trace, look.kind, look.layer, look.head)
    anatomy, scores = dissect(*at, look.row, seen), head_scores(*at, seen)
    columns = {
        "q · k": anatomy.step("products").value,
        "÷ √d, masked": anatomy.step("masked").value,
        "softmax": anatomy.step("weights").value,
    }
    right, wrong = VARIANTS["right"](scores), VARIANTS[mistake](scores)
    changed = np.abs(wrong - right) >= NOTICED
    names, hidden, none = look.attention_map.row_names(), masked(look.attention_map), np.zeros_like(changed)
    drawn = {
        place: matrix_data(
            pattern, names, anatomy.keys, pinned=anatomy.query, masked=hidden, marked=marked, theme=theme,
            description=f"The whole head, {title}: {len(names)} queries by {len(anatomy.keys)} keys.",
        )
        for place, title, pattern, marked in (
            (RIGHT, "correct", right, none), (MISTAKEN, f"with a mistake ({mistake})", wrong, changed)
        )
    }  # fmt: skip
    said_of = WRONG[mistake].format(scale=_scale(look.opened.config.d_head, right, wrong))
    return {
        STEPS: bars(anatomy.keys, columns, framed=anatomy.query, theme=theme),
        **drawn,
        COMPARED: f"<p>{said_of} {_compared(right, wrong, changed)}</p>",
    }


def _scale(d_head: int, right: np.ndarray, wrong: np.ndarray) -> str:
    """What the scale does in this head: its size, and the largest weight of a row that has a choice."""
    before, after = (pattern[1:].max(1).mean() if len(pattern) > 1 else 1.0 for pattern in (right, wrong))
    return (
        f" Here d<sub>head</sub> = {d_head}, so scores are {math.sqrt(d_head):.1f} times as large, and the largest "
        f"weight of a row is {after:.2f} on average instead of {before:.2f} (the first row has no choice)."
    )


def _compared(right: np.ndarray, wrong: np.ndarray, changed: np.ndarray) -> str:
    """What a mistake changes in the weights of a head, in a sentence."""
    sums = wrong.sum(1)
    if not changed.any():
        return f"<b>Here it changes no weight by {NOTICED} or more.</b> Try a different head or a longer sentence."
    n, most = int(changed.sum()), np.unravel_index(np.abs(wrong - right).argmax(), right.shape)
    summed = f"rows sum to between {sums.min():.3f} and {sums.max():.3f}; without it, to 1"
    if np.abs(sums - 1).max() < ROUNDED:
        summed = "rows still sum to 1"
    return (
        f"<b>{n} weight{'s' * (n > 1)} (marked) {'are' if n > 1 else 'is'} off by {NOTICED} or more; one is "
        f"{wrong[most]:.2f} instead of {right[most]:.2f}.</b> With the mistake, {summed}."
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
    opens_on=masked_head, opens_row=masked_row, follows=True,
)  # fmt: skip
