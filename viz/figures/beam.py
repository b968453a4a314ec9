"""Beam search as a tree in HTML: a column for each step, a row for each branch."""

from __future__ import annotations

import html
import math
from collections import defaultdict
from typing import TYPE_CHECKING

from model.text.tokenizer import BOS_ID, SPECIAL_TOKENS
from viz.look.numbers import fixed, short_probability
from viz.look.theme import LIGHT, Theme, show_token

if TYPE_CHECKING:
    from model.decoding.beam_tree import BeamTree, Fate, Node

LEGEND: dict[Fate | str, str] = {
    "best": "on the way to the best target",
    "kept": "kept",
    "finished": "finished, with its rank",
    "discarded": "discarded",
}


def tree_html(tree: BeamTree, *, discarded: bool, theme: Theme = LIGHT) -> str:
    """The tree with its legend. A node's first child stands in its row, further ones in rows below.

    Args:
        tree: the search.
        discarded: whether to show the beginnings that were given up at once.
        theme: the colours.
    """
    shown = [place for place, node in enumerate(tree.nodes) if discarded or node.fate != "discarded"]
    rows, parents = tree_rows(tree, shown), {tree.nodes[place].parent for place in shown}
    best = set(tree.path(tree.leaves[0]))
    ranks = {leaf: rank for rank, leaf in enumerate(tree.leaves, start=1)}
    parts = [_cell("root goes-on best", 0, 0, html.escape(SPECIAL_TOKENS[BOS_ID]), "the beginning")]
    for place in shown:
        node, row = tree.nodes[place], rows[place]
        above = 0 if node.parent is None else rows[node.parent]
        if row != above:
            parts.append(f'<i style="grid-column:{node.step};grid-row:{above + 1}/{row + 2}"></i>')
        classes = [node.fate, *["best"] * (place in best), *["goes-on"] * (place in parents)]
        label = html.escape(show_token(node.label)) + (f"<sup>{ranks[place]}</sup>" if place in ranks else "")
        parts.append(_cell(" ".join(classes), row, node.step, label, _title(node)))
    drawn = [name for name in LEGEND if discarded or name != "discarded"]
    legend = "".join(f'<span><b class="{name}">&nbsp;</b> {LEGEND[name]}</span>' for name in drawn)
    return f'{_style(theme)}<div class="beam-legend">{legend}</div><div class="beam">{"".join(parts)}</div>'


def tree_rows(tree: BeamTree, shown: list[int]) -> dict[int, int]:
    """The row (from 0) of each of the nodes ``shown``, so that no two branches cross."""
    children: dict[int | None, list[int]] = defaultdict(list)
    for place in shown:
        children[tree.nodes[place].parent].append(place)
    rows: dict[int, int] = {}
    n_rows = 0
    waiting = children[None][::-1]
    while waiting:
        place = waiting.pop()
        parent = tree.nodes[place].parent
        above = 0 if parent is None else rows[parent]
        rows[place] = above if place == children[parent][0] else n_rows
        n_rows = max(n_rows, rows[place] + 1)
        waiting += children[place][::-1]
    return rows


def _cell(classes: str, row: int, step: int, label: str, title: str) -> str:
    return (
        f'<span class="{classes}" style="grid-row:{row + 1};grid-column:{step + 1}" title="{html.escape(title)}">'
        f"<bdi>{label}</bdi></span>"
    )


def _title(node: Node) -> str:
    return (
        f"step {node.step}, {node.fate}: probability {short_probability(math.exp(node.log_probability))}, "
        f"total log-probability so far {fixed(node.total, 2)}"
    )


def _style(theme: Theme) -> str:
    """A cell is a line from the left, the token, and, if it goes on, a line to the right; ``i`` is a line down."""
    return f"""<style>
.beam {{
  display: grid; grid-auto-rows: 2rem; grid-auto-columns: max-content; justify-content: start;
  overflow-x: auto; padding: 0.5rem 0;
}}
.beam span {{ display: flex; align-items: center; }}
.beam span::before {{ content: ""; width: 0.7rem; border-top: 1px solid {theme.text}; }}
.beam .goes-on::after {{ content: ""; flex: 1; min-width: 0.7rem; border-top: 1px solid {theme.text}; }}
.beam .root::before {{ border: none; }}
.beam i {{ justify-self: end; margin: 1rem 0; border-left: 1px solid {theme.text}; }}
.beam bdi, .beam-legend b {{
  border: 1px solid {theme.text}; border-radius: 4px; padding: 0.1rem 0.4rem; white-space: pre; font-size: 0.9rem;
  font-weight: 400; background: {theme.scale[0]}; color: {theme.text};
}}
.beam .finished bdi, .beam-legend .finished {{ background: {theme.scale[5]}; color: {theme.scale[0]}; }}
.beam .discarded bdi, .beam-legend .discarded {{ border-style: dashed; opacity: 0.65; background: transparent; }}
.beam .best bdi, .beam-legend .best {{ border: 2px solid {theme.accent}; }}
.beam sup {{ font-size: 0.7rem; padding-left: 0.2rem; }}
.beam-legend {{ display: flex; flex-wrap: wrap; gap: 0.3rem 1.2rem; font-size: 0.875rem; }}
</style>"""
