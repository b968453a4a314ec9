"""What every picture to take along has around it: a title, a legend, and the words that say where it comes from."""

from __future__ import annotations

import textwrap
import unicodedata
from collections.abc import Sequence

import numpy as np

from viz.export.drawing import Anchor, Cells, Drawing, Item, Text
from viz.export.provenance import Provenance
from viz.look.geometry import LEGEND, LEGEND_WIDTH, TICKS
from viz.look.picture import Scale, scaled
from viz.look.theme import Theme, coloured

SIZE, SMALL = 12, 10
PAD = 14  # around the whole
LEGEND_STEPS = 96


def framed(items: Sequence[Item], right: float, bottom: float, made: Provenance, theme: Theme) -> Drawing:
    """With a title above, and below what must not get lost even where only the picture is left."""
    words = made.items()
    title = f"{words['attention']}, {made.where}"
    width = max(right + PAD, 520.0)
    said = {
        name: words[name]
        for name in ("checkpoint", "digest", "source", "output", "decoding", "display", "note")
        if words.get(name)
    }
    caption = [
        line for name, text in said.items() for line in wrapped(f"{name}: {_printable(text)}", width - 2 * PAD, SMALL)
    ]
    lines = [
        Text(x=PAD, y=bottom + 12 + 14 * i, text=line, size=SMALL, colour=theme.text) for i, line in enumerate(caption)
    ]
    return Drawing(
        width=round(width, 2),
        height=round(bottom + 12 + 14 * len(lines) + PAD, 2),
        background=theme.inverse,
        title=title,
        description=f"{title}. " + ". ".join(f"{name}: {text}" for name, text in words.items()),
        items=(Text(x=PAD, y=PAD + 6, text=title, size=15, colour=theme.text, bold=True), *items, *lines),
    )


def legend(x: float, y: float, scale: Scale, theme: Theme, *, more: str = "") -> list[Item]:
    """The colours from weight 0 to 1, and what ``more`` is to be said of them."""
    levels = np.linspace(0, 1, LEGEND_STEPS)[None]
    colours = coloured(levels, theme.scale)
    bar = Cells(x=x, y=y, width=LEGEND_WIDTH, height=10, colours=colours, values=levels, rows=(), columns=(), name="")
    ticks = [
        label(x + LEGEND_WIDTH * float(scaled(np.array(weight), scale)), y + 20, f"{weight:g}", theme, "middle")
        for weight in TICKS[scale]
    ]
    return [bar, *ticks, label(x + LEGEND_WIDTH / 2, y + 36, f"{LEGEND}{more}", theme, "middle")]


def label(x: float, y: float, text: str, theme: Theme, anchor: Anchor = "start", turn: float = 0) -> Text:
    return Text(x=x, y=y, text=text, colour=theme.text, anchor=anchor, turn=turn)


def text_width(text: str, size: float = SIZE) -> float:
    """About how wide a text is: no font is at hand to ask."""
    return size * sum(1.0 if unicodedata.east_asian_width(c) in "WF" else 0.58 for c in text)


def wrapped(text: str, width: float, size: float = SIZE) -> list[str]:
    """The lines of a text that may be ``width`` wide."""
    mean = text_width(text, size) / max(1, len(text))
    return textwrap.wrap(text, max(20, int(width / mean))) if text else [""]


def _printable(text: str) -> str:
    return "".join(character if character.isprintable() else "\ufffd" for character in text)
