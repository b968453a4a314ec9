"""Why heads rest on special tokens: a row of attention weights must sum to 1."""

from __future__ import annotations

import numpy as np
import streamlit as st

from model.anatomy.arithmetic import softmax
from model.heads.measures import measure
from model.heads.rows import Rows
from model.text.tokenizer import SPECIAL
from model.trace import AttentionMap
from viz.figures.bars import beside_bars
from viz.figures.side_by_side import weights_panel
from viz.look.look import Look
from viz.look.numbers import power_of_ten
from viz.look.words import KIND_NAMES
from viz.pages.guide.chapters.ch03_queries import taken_apart
from viz.pages.guide.chapters.ch05_heads import contributions
from viz.pages.guide.chapters.chapter import Chapter, Further, Question, chart, head_query, row_name
from viz.pages.guide.chapters.openings import resting_head, resting_row
from viz.state import session

IDEA = """
Many pictures here show one strong column at `<s>` or `</s>`. Is the end of the sentence really that important? Hardly.
Softmax makes each row **sum to 1**, so a head cannot look at nothing. If none of the words match its query, the weight
still has to go somewhere. Training finds a place where it does little harm: a token that is always there and says
little.

In layers 6 to 10 of BERT, more than half of the attention goes to the separator `[SEP]` (Clark et al. 2019, section
3.2, who suspect that it is a head’s way of doing nothing). In large language models it goes to the first tokens of the
text, whatever they are: **attention sinks** (Xiao et al. 2024).

**Mistake: reading a meaning into a strong column.** Attention weights are *shares*. What a head adds also depends on
the values it sums and on W_O; the bars show how much that is for the row you choose.
"""
EQUATION = (
    r"\begin{aligned}\sum_j\alpha_{tj}&=1\quad\text{whatever the scores}\\"
    r"\text{softmax}(s_1,\dots,s_n)&=\text{softmax}(s_1+c,\dots,s_n+c)\end{aligned}"
)
LOWER = 10.0
"""By how much the question lowers all scores of a row."""


def resting(attention_map: AttentionMap) -> np.ndarray:
    """The share of each head's weight that goes to special tokens, ``[layer, head]``; rows with a single key to look at
    do not count. NaN where no row counts."""
    return measure(attention_map)["special"]


def by_chance(attention_map: AttentionMap) -> float:
    """:func:`resting` of a head that attends evenly to every token it may see."""
    allowed = Rows(attention_map).allowed
    even = AttentionMap(
        kind=attention_map.kind,
        pattern=(allowed / allowed.sum(-1, keepdims=True))[None, None],
        query_tokens=attention_map.query_tokens,
        key_tokens=attention_map.key_tokens,
    )
    return float(resting(even)[0, 0])


def show(look: Look) -> None:
    shown, theme = look.attention_map, session.theme()
    share, chance = resting(shown), by_chance(shown)
    if np.isnan(share).any():
        st.info("Here every row has only one token to look at, so it has no choice. Type a longer sentence.")
        return
    layers = [f"L{layer + 1}" for layer in range(shown.n_layers)]
    heads = [f"H{head + 1}" for head in range(shown.n_heads)]
    chart(
        weights_panel(
            share, layers, heads, "decoder self-attention: share on special tokens", axes=("layer", "head"), theme=theme
        ),
        "resting",
    )
    st.markdown(
        f"**{np.count_nonzero(share > 0.5)} of {share.size} heads of the decoder’s self-attention give more than half "
        f"of their weight to special tokens.** A head that attends evenly would give them {chance:.2f}; the one shown "
        f"gives {share[look.layer, look.head]:.2f}. {_elsewhere(look)}"
    )
    _row(look, heads)


def _elsewhere(look: Look) -> str:
    """The mean share in the other kinds of attention, beside chance."""
    others = [look.trace.map(kind) for kind in look.trace.kinds if kind != look.kind]
    means = [
        f"{resting(one).mean():.2f} on average in {KIND_NAMES[one.kind].lower()} "
        f"({by_chance(one):.2f} if spread evenly)"
        for one in others
        if not np.isnan(resting(one)).any()
    ]
    return f"Elsewhere: {', '.join(means)}." if means else ""


def _row(look: Look, heads: list[str]) -> None:
    """What the heads of this layer give to special tokens in the row on show, and what they add."""
    shown, anatomy = look.attention_map, taken_apart(look)
    special = np.array([token in SPECIAL for token in shown.key_tokens])
    columns = {
        "weight on special tokens": shown.pattern[look.layer, :, look.row, special].sum(0),
        "length (norm) of what it adds": np.linalg.norm(contributions(anatomy), axis=1),
    }
    st.markdown(f"Layer {look.layer + 1}, row {look.row + 1}, {row_name(look)}:")
    chart(beside_bars(heads, columns, framed=look.head, theme=session.theme()), "resting_row")
    lengths = np.linalg.norm(anatomy.step("value").value, axis=1)
    if special.any() and not special.all():
        st.caption(
            f"In head {look.head + 1}, the values of special tokens have an average length of "
            f"{lengths[special].mean():.2f}, those of the other tokens {lengths[~special].mean():.2f}."
        )


def ask(look: Look) -> Question:
    """What lower scores change, tried on the row on show."""
    scores = taken_apart(look).step("masked").value
    before, after = softmax(scores), softmax(scores - LOWER)
    moved = float(np.abs(after - before).max())
    fallen, stayed = after.sum() < 0.5, moved < 1e-6
    return Question(
        text=f"Suppose nothing matches the query of row {look.row + 1}, {row_name(look)}: lower all its scores by "
        f"{LOWER:g}. What happens to its attention weights?",
        options=("all fall to nearly 0", "they stay as they are", "the largest falls, the others rise"),
        answer=0 if fallen else 1 if stayed else 2,
        why=f"We tried it on this head’s scores: the weights sum to {after.sum():.3f}, and none changes by more than "
        f"{power_of_ten(moved)}. Softmax sees only differences; a head cannot say “nothing here”.",
        hint="Softmax divides e to the power of each score by the sum of all of them. Lowering all scores by the same "
        "amount divides both by the same number. See the second formula.",
    )


def further(look: Look) -> Further:
    return Further(label="This head in Explore", page="explore", query=head_query(look))


CHAPTER = Chapter(
    title="Why heads rest on special tokens", idea=IDEA, equation=EQUATION, show=show,
    sources=(softmax, resting, by_chance), ask=ask, further=further, kinds=("decoder",), chooses_head=True,
    opens_on=resting_head, opens_row=resting_row,
)  # fmt: skip
