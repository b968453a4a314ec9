"""The lines of a head, or of several that lie over each other, to take along."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from viz.export.drawing import Anchor, Curve, Drawing, Item, Text
from viz.export.provenance import Provenance
from viz.export.sheet import PAD, framed, label, text_width
from viz.look.geometry import APART, COLUMNS_ARE, FAINTEST, ROWS_ARE, stroke
from viz.look.picture import Picture
from viz.look.theme import LIGHT, Theme, show_token

LINE, REACH = 22, 300  # from a token to the next, and from the queries to the keys


def lines_drawing(
    picture: Picture,
    layer: int,
    heads: Sequence[int],
    made: Provenance,
    *,
    together: Sequence[int] = (),
    theme: Theme = LIGHT,
) -> Drawing:
    """Queries on the left, keys on the right, a line for each weight, wider for a larger one; several heads
    (from 0) of a layer lie over each other, each in a colour of its own. Of several rows that are
    chosen ``together``, only their lines are drawn."""
    rows, columns = ([show_token(token) for token in axis] for axis in (picture.rows, picture.columns))
    left = PAD + max(text_width(ROWS_ARE), *(text_width(row, 14) for row in rows)) + 8
    top, right = PAD + 24 + LINE, left + REACH
    items: list[Item] = []
    for place, head in enumerate(heads):
        beside = APART * (place - (len(heads) - 1) / 2)
        weights = picture.pattern[layer, head]
        if together:
            weights = np.where(np.isin(np.arange(len(weights)), together)[:, None], weights, 0)
        items += _lines(weights, head, rows, columns, left, top + beside, theme)
    items += [
        label(left - 6, top - LINE / 2, ROWS_ARE, theme, "end"),
        label(right + 6, top - LINE / 2, COLUMNS_ARE, theme),
    ]
    sides: tuple[tuple[list[str], float, Anchor], ...] = ((rows, left - 6, "end"), (columns, right + 6, "start"))
    for names, x, anchor in sides:
        items += [
            Text(
                x=x, y=top + LINE * (place + 0.5), text=name, size=14, colour=theme.text, anchor=anchor,
                bold=names is rows and place in together,
            )
            for place, name in enumerate(names)
        ]  # fmt: skip
    bottom = top + LINE * max(len(rows), len(columns))
    note = f"The wider the line, the larger the weight; weights below {FAINTEST} get no line."
    items.append(label(PAD, bottom + 14, note, theme))
    if together:
        bottom += 16
        items.append(label(PAD, bottom + 14, f"Only the {len(together)} chosen rows have lines.", theme))
    for place, head in enumerate(heads if len(heads) > 1 else ()):
        name = f"— head {head + 1}"
        items.append(Text(x=PAD + 76 * place, y=bottom + 32, text=name, colour=theme.head(head), bold=True))
    width = right + max(text_width(COLUMNS_ARE), *(text_width(column, 14) for column in columns)) + 8
    return framed(items, width, bottom + (46 if len(heads) > 1 else 28), made, theme)


def _lines(
    weights: np.ndarray, head: int, rows: list[str], columns: list[str], left: float, top: float, theme: Theme
) -> Iterator[Curve]:
    """The lines of one head, from the queries at ``left`` to the keys."""
    middle, right = left + REACH / 2, left + REACH
    for query, key in np.argwhere(weights >= FAINTEST):
        y0, y1 = (top + LINE * (at + 0.5) for at in (query, key))
        weight = float(weights[query, key])
        width, opacity = stroke(weight)
        yield Curve(
            points=((left, y0), (middle, y0), (middle, y1), (right, y1)), colour=theme.head(head), width=width,
            opacity=round(opacity, 3), says=f"head {head + 1}: from “{rows[query]}” to “{columns[key]}”: {weight:.3f}",
        )  # fmt: skip
