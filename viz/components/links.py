"""Tokens and the lines between them, or the text shaded by attention; hovering over a token needs no server."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, TypedDict

from model.trace import READ_THEN_WRITTEN
from viz.components.sources import packed
from viz.look.picture import Picture, Scale
from viz.look.theme import Theme, show_token

Layout = Literal["columns", "lines", "text"]
"""Two columns with lines between them; two lines of text, one above the other; or text that is shaded."""
HINTS: dict[Layout, str] = {
    "columns": "Hover over a token to see only its lines.",
    "lines": "Hover over a token to see only its lines.",
    "text": "Hover over a token to see where it looks, or who looks at it.",
}
HTML = """<div class="links"><p class="hint"></p><p class="legend"></p><div class="sides"><div>
<div class="side queries"><span class="name">attends from</span></div>
<div class="side keys"><span class="name">attends to</span></div>
</div><canvas></canvas></div></div>"""


class LinksData(TypedDict):
    """What ``links.js`` draws.

    ``weights`` are :func:`packed`, ``[head, row, column]``; ``written`` stands for each row where the rows are a text;
    ``together`` are the rows whose lines or mean are shown, the pinned one among them (empty: no others);
    ``colours`` has one for each head of the layer, ``ink`` the two that can be read on a pale and on a strong colour
    of the ``scale``.
    """

    layout: Layout
    heads: list[int]
    chosen: int
    weights: str
    rows: list[str]
    columns: list[str]
    written: list[str]
    pinned: int | None
    together: list[int]
    colours: list[str]
    mode: Scale
    scale: tuple[str, ...]
    ink: list[str]
    accent: str
    hint: str


def links_data(
    picture: Picture,
    layer: int,
    heads: Sequence[int],
    *,
    chosen: int,
    layout: Layout,
    pinned: int | None,
    scale: Scale,
    theme: Theme,
    together: Sequence[int] = (),
) -> LinksData:
    """What ``links.js`` draws: the heads of a layer, one or several over each other, each in a colour of its own.

    Args:
        picture: what to draw from.
        layer: from 0.
        heads: from 0.
        chosen: the one of them that is on show; the others are compared with it.
        layout: how the tokens stand.
        pinned: the row that is marked.
        scale: from weight to colour, in text that is shaded.
        theme: the colours.
        together: the rows that are shown together, ascending and with the pinned one; none where there is only one.
    """
    return {
        "layout": layout,
        "heads": list(heads),
        "chosen": chosen,
        "weights": packed(picture.pattern[layer, list(heads)]),
        "rows": [show_token(token) for token in picture.rows],
        "columns": [show_token(token) for token in picture.columns],
        "written": [_in_a_text(name) if layout != "columns" else show_token(name) for name in picture.rows],
        "pinned": pinned,
        "together": list(together),
        "colours": [theme.head(i) for i in range(picture.pattern.shape[1])],
        "mode": scale,
        "scale": theme.scale,
        "ink": [theme.text, theme.inverse],
        "accent": theme.accent,
        "hint": HINTS[layout],
    }


def _in_a_text(name: str) -> str:
    """A row in a running text, where the token that is read stands before it: the one that is written, and the mark."""
    _, then, written = name.rpartition(READ_THEN_WRITTEN)
    return then.strip() + show_token(written)
