"""The pictures of the page Explore as drawings to take along: the overview, a head, its lines, a measure."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from model.heads.measures import Measure
from viz.export.drawing import Anchor, Box, Cells, Curve, Drawing, Item, Text
from viz.export.provenance import COLUMNS_ARE, ROWS_ARE, Provenance
from viz.export.sheet import PAD, SIZE, framed, label, legend, text_width, wrapped
from viz.look.picture import Picture, Scale, scaled
from viz.look.theme import LIGHT, Theme, coloured, ink, short_token, show_token
from viz.look.thumbnails import block_names, thumbnails

AXIS = 22  # for the name of an axis
ROOM = 16  # the least between two names of an axis
SIDE = 640  # of a head with many cells
LARGEST_CELL, GAP_FROM = 32, 7
ALL_NAMED = 64
TURN = -60  # of the names of columns
SINE, COSINE = 0.87, 0.5
FAINTEST = 0.02  # a line of less weight is not drawn, or there would be nothing but lines
LINE, REACH = 22, 300  # from a token to the next, and from the queries to the keys
APART = 3  # the lines of two heads, or equal ones would hide each other
PANEL, PANEL_GAP, MEAN_GAP = 116, 6, 10
FEW = 12  # heads in a layer whose values still fit into their cells


def head_drawing(
    picture: Picture,
    layer: int,
    head: int,
    made: Provenance,
    *,
    scale: Scale = "linear",
    pinned: int | None = None,
    theme: Theme = LIGHT,
) -> Drawing:
    """One head (layer and head from 0) as a heatmap: rows are queries, columns keys; row ``pinned`` is framed."""
    weights = picture.pattern[layer, head]
    rows, columns = map(short_token, picture.rows), [short_token(token) for token in picture.columns]
    row_names = list(rows)
    cell = _cell(max(weights.shape))
    left = PAD + AXIS + max(map(text_width, row_names)) + 6
    names_height = max(map(text_width, columns)) * SINE
    top = PAD + 24 + AXIS + names_height + 10
    height, width = (n * cell for n in weights.shape)
    items: list[Item] = [
        Cells(
            x=left,
            y=top,
            width=width,
            height=height,
            colours=coloured(scaled(weights, scale), theme.scale),
            values=weights,
            rows=[show_token(token) for token in picture.rows],
            columns=[show_token(token) for token in picture.columns],
            name="weight",
            gap=cell >= GAP_FROM,
        ),
        *_row_names(row_names, left - 6, top, cell, theme),
        *_column_names(columns, left, top - 8, cell, theme),
        label(left + width / 2, PAD + 24 + AXIS / 2, f"{COLUMNS_ARE} →", theme, "middle"),
        label(PAD + AXIS / 2, top + height / 2, f"← {ROWS_ARE}", theme, "middle", turn=-90),
    ]
    if pinned is not None:
        y = top + pinned * cell
        items.append(Box(x=left - 1, y=y, width=width + 2, height=cell, stroke=theme.accent))
    items += legend(left + max(0, width / 2 - 150), top + height + 14, scale, theme)
    right = left + max(width + max(map(text_width, columns)) * COSINE, 310)
    return framed(items, right, top + height + 60, made, theme)


def overview_drawing(
    picture: Picture,
    made: Provenance,
    *,
    chosen: tuple[int, int] | None = None,
    scale: Scale = "linear",
    each_head: bool = False,
    means: bool = True,
    theme: Theme = LIGHT,
) -> Drawing:
    """Every head as a small heatmap, layers down and heads across; ``chosen`` (layer, head from 0) is framed."""
    n_layers, n_heads = picture.pattern.shape[:2]
    weights = thumbnails(picture.pattern, means)  # [panel, row, column]
    shown = weights / np.maximum(weights.max(axis=(1, 2), keepdims=True), 1e-9) if each_head else weights
    side = max(24.0, min(PANEL, 900 / (n_heads + means)))
    left, top, step = PAD + 48, PAD + 24 + 20, side + PANEL_GAP
    places = [(layer, head) for layer in range(n_layers) for head in range(n_heads)]
    if means:
        places += [(layer, n_heads) for layer in range(n_layers + 1)]
    corner = {
        (layer, head): (
            left + head * step + MEAN_GAP * (head == n_heads), top + layer * step + MEAN_GAP * (layer == n_layers)
        )
        for layer, head in places
    }  # fmt: skip
    rows = block_names(list(map(show_token, picture.rows)), "mean")
    columns = block_names(list(map(show_token, picture.columns)), "sum")
    items: list[Item] = [
        Cells(
            x=corner[place][0],
            y=corner[place][1],
            width=side,
            height=side,
            colours=coloured(scaled(level, scale), theme.scale),
            values=values,
            rows=rows,
            columns=columns,
            name=f"{_panel_name(*place, n_layers, n_heads)}, weight",
        )
        for place, level, values in zip(places, shown, weights, strict=True)
    ]
    items += _grid_names(n_layers, n_heads, means, corner, left, top, side, theme)
    if chosen is not None:
        x, y = corner[chosen]
        items.append(Box(x=x - 2, y=y - 2, width=side + 4, height=side + 4, stroke=theme.accent))
    bottom = max(y for _, y in corner.values()) + side
    says = f"In each: rows are {ROWS_ARE}, columns {COLUMNS_ARE}."
    items.append(label(left, bottom + 16, says, theme))
    items += [] if each_head else legend(left, bottom + 34, scale, theme)
    right = max(x for x, _ in corner.values()) + side
    return framed(items, max(right, left + 380), bottom + (34 if each_head else 80), made, theme)


def lines_drawing(
    picture: Picture, layer: int, heads: Sequence[int], made: Provenance, *, theme: Theme = LIGHT
) -> Drawing:
    """Queries on the left, keys on the right, a line for each weight, wider for a larger one; several heads
    (from 0) of a layer lie over each other, each in a colour of its own."""
    rows, columns = ([show_token(token) for token in axis] for axis in (picture.rows, picture.columns))
    left = PAD + max(text_width(ROWS_ARE), *(text_width(row, 14) for row in rows)) + 8
    top, right = PAD + 24 + LINE, left + REACH
    items: list[Item] = []
    for place, head in enumerate(heads):
        weights = picture.pattern[layer, head]
        for query, key in np.argwhere(weights >= FAINTEST):
            y0, y1 = (top + LINE * (at + 0.5) + APART * (place - (len(heads) - 1) / 2) for at in (query, key))
            weight, middle = float(weights[query, key]), left + REACH / 2
            items.append(
                Curve(
                    points=((left, y0), (middle, y0), (middle, y1), (right, y1)),
                    colour=theme.head(head),
                    width=0.5 + 3.5 * weight,
                    opacity=round(0.8 * weight, 3),
                    says=f"head {head + 1}: from “{rows[query]}” to “{columns[key]}”: {weight:.3f}",
                )
            )
    items += [
        label(left - 6, top - LINE / 2, ROWS_ARE, theme, "end"),
        label(right + 6, top - LINE / 2, COLUMNS_ARE, theme),
    ]
    sides: tuple[tuple[list[str], float, Anchor], ...] = ((rows, left - 6, "end"), (columns, right + 6, "start"))
    for names, x, anchor in sides:
        items += [
            Text(x=x, y=top + LINE * (place + 0.5), text=name, size=14, colour=theme.text, anchor=anchor)
            for place, name in enumerate(names)
        ]
    bottom = top + LINE * max(len(rows), len(columns))
    note = f"A wider line is a larger weight; weights below {FAINTEST} have none."
    items.append(label(PAD, bottom + 14, note, theme))
    for place, head in enumerate(heads if len(heads) > 1 else ()):
        name = f"— head {head + 1}"
        items.append(Text(x=PAD + 76 * place, y=bottom + 32, text=name, colour=theme.head(head), bold=True))
    width = right + max(text_width(COLUMNS_ARE), *(text_width(column, 14) for column in columns)) + 8
    return framed(items, width, bottom + (46 if len(heads) > 1 else 28), made, theme)


def atlas_drawing(
    measure: Measure,
    values: np.ndarray,
    made: Provenance,
    *,
    chosen: tuple[int, int] | None = None,
    theme: Theme = LIGHT,
) -> Drawing:
    """One measure of every head, ``values`` ``[layer, head]``; where it is undefined (NaN), its cell is empty."""
    n_layers, n_heads = values.shape
    scale = theme.diverging if measure.low < 0 else theme.scale
    high = measure.high if measure.high is not None else float(np.nan_to_num(values).max()) or 1.0
    levels = (np.nan_to_num(values, nan=measure.low) - measure.low) / (high - measure.low)
    colours = coloured(levels, scale)
    colours[np.isnan(values)] = coloured(np.zeros(1), (theme.inverse, theme.inverse))[0]
    width, height = (56, 34) if n_heads <= FEW else (32, 24)
    left, top = PAD + 40, PAD + 24 + 42
    corner = {(layer, head): (left + head * width, top + layer * height) for layer, head in np.ndindex(values.shape)}
    names = [f"L{layer + 1}" for layer in range(n_layers)], [f"H{head + 1}" for head in range(n_heads)]
    items: list[Item] = [
        label(left, top - 32, measure.name.capitalize() + (f" ({measure.unit})" if measure.unit else ""), theme),
        Cells(
            x=left, y=top, width=n_heads * width, height=n_layers * height, colours=colours, values=values,
            rows=names[0], columns=names[1], name=measure.name, gap=True,
        ),
    ]  # fmt: skip
    items += [label(left - 8, top + (i + 0.5) * height, name, theme, "end") for i, name in enumerate(names[0])]
    items += [label(left + (i + 0.5) * width, top - 12, name, theme, "middle") for i, name in enumerate(names[1])]
    for (layer, head), (x, y) in corner.items() if n_heads <= FEW else ():
        value = values[layer, head]
        said, colour = ("–", theme.text) if np.isnan(value) else (f"{value:.2f}", ink(colours[layer, head]))
        items.append(Text(x=x + width / 2, y=y + height / 2, text=said, colour=colour, anchor="middle"))
    if chosen is not None:
        x, y = corner[chosen]
        items.append(Box(x=x, y=y, width=width, height=height, stroke=theme.accent))
    bottom = top + n_layers * height
    lines = wrapped(measure.definition, max(n_heads * width, 420))
    items += [label(left, bottom + 18 + 15 * i, line, theme) for i, line in enumerate(lines)]
    right = left + max(n_heads * width, 420)
    return framed(items, right, bottom + 18 + 15 * len(lines), made, theme)


def _cell(n: int) -> float:
    """The side of a cell where there are ``n`` in a line: up to ``ALL_NAMED``, every name has room."""
    return max(ROOM, min(LARGEST_CELL, SIDE / n)) if n <= ALL_NAMED else max(1.0, SIDE / n)


def _row_names(names: Sequence[str], x: float, top: float, cell: float, theme: Theme) -> list[Item]:
    every = int(np.ceil(ROOM / cell))  # names that have no room are left out
    return [
        Text(x=x, y=top + (i + 0.5) * cell, text=name, colour=theme.text, anchor="end", size=SIZE)
        for i, name in enumerate(names)
        if i % every == 0
    ]


def _column_names(names: Sequence[str], left: float, y: float, cell: float, theme: Theme) -> list[Item]:
    every = int(np.ceil(ROOM / cell))
    return [
        Text(x=left + (i + 0.5) * cell, y=y, text=name, colour=theme.text, turn=TURN, size=SIZE)
        for i, name in enumerate(names)
        if i % every == 0
    ]


def _grid_names(
    n_layers: int,
    n_heads: int,
    means: bool,
    corner: dict[tuple[int, int], tuple[float, float]],
    left: float,
    top: float,
    side: float,
    theme: Theme,
) -> list[Item]:
    rows = [*(f"L{layer + 1}" for layer in range(n_layers)), *(["all"] if means else [])]
    columns = [*(f"H{head + 1}" for head in range(n_heads)), *(["mean"] if means else [])]
    last = n_heads if means else 0
    items: list[Item] = [
        label(left - 8, corner[layer, last if layer == n_layers else 0][1] + side / 2, name, theme, "end")
        for layer, name in enumerate(rows)
    ]
    every = int(np.ceil(28 / (side + PANEL_GAP)))
    items += [
        label(corner[0, head][0] + side / 2, top - 10, name, theme, "middle")
        for head, name in enumerate(columns)
        if head % every == 0 or head == n_heads
    ]
    return items


def _panel_name(layer: int, head: int, n_layers: int, n_heads: int) -> str:
    if layer == n_layers:
        return "mean of all heads"
    return f"mean of layer {layer + 1}" if head == n_heads else f"layer {layer + 1}, head {head + 1}"
