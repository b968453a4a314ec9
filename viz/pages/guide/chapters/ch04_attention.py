"""Self-attention: scores, scale, mask, softmax, weighted sum."""

from __future__ import annotations

import streamlit as st

from model.anatomy import arithmetic
from model.anatomy.mistakes import VARIANTS, head_scores
from model.network.attention import attention
from viz.figures.bars import beside_bars
from viz.figures.side_by_side import weights_panel
from viz.look.look import Look
from viz.pages.guide.chapters.ch03_queries import taken_apart
from viz.pages.guide.chapters.chapter import Chapter, Further, Question, among, chart, head_query, numbered, quoted
from viz.state import session

IDEA = r"""
1. **Scores.** Take the **dot product** of the query with each key: a large one means they match.
2. **Scale.** The more dimensions a dot product sums over, the more it varies, up and down. Divided by
   $\sqrt{d_\text{head}}$, scores stay where softmax does not saturate (Vaswani et al. 2017, section 3.2.1).
3. **Mask.** A decoder must not look at what it has yet to write. Those scores become −∞.
4. **Softmax.** Scores become attention weights: positive, adding up to 1.
5. **Weighted sum.** The head's output is the weighted average of the **values**: not of the words, and not of the
   layer's inputs.

This is the decoder's self-attention, where there is something to mask. A row here is a token that was **fed in**.
"""
EQUATION = r"\text{Attention}(Q,K,V)=\text{softmax}\!\left(\frac{QK^\top}{\sqrt{d_\text{head}}}+\text{mask}\right)V"
WRONG = {
    "right": "As it should be: every row sums to 1, and nothing lies right of the diagonal.",
    "wrong axis": "**Mistake: softmax over the wrong axis.** Columns sum to 1, rows do not. In code: `dim=-2` instead "
    "of `dim=-1`.",
    "no scale": "**Mistake: no scale.** Rows sum to 1, so nothing looks wrong; but the largest scores take more "
    "than their share, and in training the others get less gradient.",
    "mask after softmax": "**Mistake: the mask after the softmax.** The hidden tokens have already taken their share: "
    "rows sum to less than 1, and how much less gives away tokens that must not be seen.",
}


def show(look: Look) -> None:
    anatomy, theme = taken_apart(look), session.theme()
    columns = {
        "q · k": anatomy.step("products").value,
        "÷ √d, masked": anatomy.step("masked").value,
        "softmax": anatomy.step("weights").value,
    }
    chart(beside_bars(anatomy.keys, columns, framed=anatomy.query, theme=theme), "row_steps")
    variant = st.segmented_control(
        "The whole head, right and wrong", list(WRONG), default="right", required=True, key="variant",
        bind="query-params",
    )  # fmt: skip
    pattern = VARIANTS[variant](head_scores(look.opened, look.trace, look.kind, look.layer, look.head))
    sums = pattern.sum(1)
    st.markdown(f"{WRONG[variant]} The smallest row sum here is {sums.min():.3f}, the largest {sums.max():.3f}.")
    chart(weights_panel(pattern, anatomy.tokens, anatomy.keys, variant, theme=theme), "variants")


def ask(look: Look) -> Question | None:
    anatomy = taken_apart(look)
    weights, n = anatomy.step("weights").value, anatomy.query + 1
    if n < 2:
        return None
    best = int(weights.argmax())
    scores = anatomy.step("masked").value
    return among(
        f"Token {n}, {quoted(anatomy.tokens[anatomy.query])}, was fed in. It may see {n} tokens, itself included. "
        "Which of them gets the most attention?",
        numbered(anatomy.keys[:n]),
        best,
        f"{quoted(anatomy.keys[best])} has the largest score, {scores[best]:.2f}; softmax makes it "
        f"{weights[best]:.3f}.",
    )


def further(look: Look) -> Further:
    return Further(label="These steps, number by number, in Anatomy", page="anatomy", query=head_query(look))


CHAPTER = Chapter(
    title="Self-attention", idea=IDEA, equation=EQUATION, show=show, sources=(attention, arithmetic.softmax), ask=ask,
    further=further, kinds=("decoder",), chooses_head=True,
)  # fmt: skip
