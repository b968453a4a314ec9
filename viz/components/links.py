"""Tokens and the lines between them, or the text shaded by attention; hovering over a token needs no server."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

from viz.components.sources import packed
from viz.picture import Picture
from viz.theme import Theme, show_token

Layout = Literal["columns", "lines", "text"]
"""Two columns with lines between them; two lines of text, one above the other; or text that is shaded."""
HINTS: dict[Layout, str] = {
    "columns": "Left: tokens that attend. Right: tokens attended to. A wider line is a larger weight. "
    "Hover over a token to see its lines alone.",
    "lines": "Above: tokens that attend. Below: tokens attended to. A wider line is a larger weight. "
    "Hover over a token to see its lines alone.",
    "text": "Hover over a token above: the text below shows where it looks. The stronger the colour, the more; weak "
    "attention is shown stronger than in the heatmap.",
}
HTML = """<div class="links"><p class="hint"></p><p class="legend"></p><div class="sides"><div>
<div class="side queries"><span class="name">attends from</span></div>
<div class="side keys"><span class="name">attends to</span></div>
</div><canvas></canvas></div></div>"""


def links_data(
    picture: Picture,
    layer: int,
    heads: Sequence[int],
    *,
    layout: Layout,
    pinned: int | None,
    theme: Theme,
) -> dict[str, Any]:
    """What ``links.js`` draws: the heads of a layer, one or several over each other, each in a colour of its own.

    Args:
        picture: what to draw from.
        layer: from 0.
        heads: from 0.
        layout: how the tokens stand.
        pinned: the row that is marked.
        theme: the colours.
    """
    return {
        "layout": layout,
        "heads": [f"head {head + 1}" for head in heads],
        "weights": packed(picture.pattern[layer, list(heads)]),
        "rows": [show_token(token) for token in picture.rows],
        "columns": [show_token(token) for token in picture.columns],
        "pinned": pinned,
        "colours": [theme.heads[i % len(theme.heads)] for i in range(len(heads))],
        "scale": theme.scale,
        "ink": [theme.text, theme.inverse],
        "accent": theme.accent,
        "hint": HINTS[layout],
    }
