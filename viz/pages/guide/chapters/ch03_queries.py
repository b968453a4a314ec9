"""Queries, keys and values."""

from __future__ import annotations

import numpy as np

from model.anatomy.dissect import dissect
from model.anatomy.steps import Anatomy
from model.network.attention import MultiHeadAttention
from viz.figures.side_by_side import common_limit, vectors_panel
from viz.look.look import Look
from viz.pages.guide.chapters.chapter import Chapter, Further, Question, chart, head_query, row_name
from viz.state import session

IDEA = """
Think of a library. You come with a question, the **query**. Each book has a label on its spine, the **key**, and
something inside, the **value**. You compare your query with every key, and take from each book in proportion to how
well its key matches, compared with all the others: the shares always add up to 1, even if nothing matches well.

Here every token plays all three roles: three **weight matrices** turn its vector into a query, a key and a value. Each
head has its own matrices, so each head asks a different question. The same matrices are used at every position.

**“Weights” means two things.** Weight matrices are *parameters*: they were set in training and are the same for every
sentence. *Attention weights* are computed anew for each sentence; they are what the heatmaps show.

The query belongs to the row you choose; keys and values are those of all tokens.
"""
EQUATION = r"\begin{aligned}q_t&=x_t\,W_Q+b_Q\\k_j&=x_j\,W_K+b_K\\v_j&=x_j\,W_V+b_V\end{aligned}"
NAMES = {"query": "the query", "key": "the keys", "value": "the values"}


def taken_apart(look: Look, row: int | None = None) -> Anatomy:
    """The row on show, or another one."""
    return dissect(look.opened, look.trace, look.kind, look.layer, look.head, look.row if row is None else row)


def show(look: Look) -> None:
    anatomy = taken_apart(look)
    parts = {name: anatomy.step(name).value for name in NAMES}
    limit = common_limit([np.concatenate([np.atleast_2d(part).ravel() for part in parts.values()])])
    for name, part in parts.items():
        tokens = (anatomy.tokens[anatomy.query],) if name == "query" else anatomy.keys
        title = f"{NAMES[name]}, {part.shape[-1]} numbers{' each' * (name != 'query')}"
        chart(vectors_panel(tokens, np.atleast_2d(part), title, limit, theme=session.theme()), f"qkv_{name}", share=0.6)


def ask(look: Look) -> Question | None:
    n = len(look.attention_map.query_tokens)
    if n < 2:
        return None
    other = (look.row + 1) % n
    here, there = taken_apart(look), taken_apart(look, other)
    changed = tuple(name for name in NAMES if not np.array_equal(here.step(name).value, there.step(name).value))
    options = [("query",), ("key", "value"), tuple(NAMES)]
    if changed not in options:  # without positions, the same token twice asks the same
        return None
    return Question(
        text=f"Choose row {other + 1}, {row_name(look, other)}, instead of row {look.row + 1}, {row_name(look)}. What "
        "changes?",
        options=("only the query", "the keys and the values", "all three"),
        answer=options.index(changed),
        why="We took the head apart for both rows. Keys and values are computed for all tokens at once, whichever "
        f"token is asking. Only the query belongs to the row; it changes by up to "
        f"{np.abs(here.step('query').value - there.step('query').value).max():.2f}.",
        hint=f"Choose row {other + 1} above and watch the three pictures: which of them change? The row only decides "
        "which token asks; every token already has its key and value.",
    )


def further(look: Look) -> Further:
    return Further(label="Every number of this head in Anatomy", page="anatomy", query=head_query(look))


CHAPTER = Chapter(
    title="Queries, keys and values", idea=IDEA, equation=EQUATION, show=show, sources=(MultiHeadAttention,), ask=ask,
    further=further, chooses_head=True,
)  # fmt: skip
