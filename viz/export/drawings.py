"""Heatmaps to take along: one head, and all of them at a glance."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from viz.export.drawing import Anchor, Box, Cells, Drawing, Item, Line, Text
from viz.export.provenance import Provenance
from viz.export.sheet import PAD, SIZE, framed, label, legend, text_width
from viz.look.geometry import (
    COLUMNS_ARE,
    GAP_FROM,
    LARGEST_PANEL,
    LEGEND_WIDTH,
    PANEL_GAP,
    ROWS_ARE,
    TURN,
    head_label,
    layer_label,
    named,
    panel_place,
)
from viz.look.hatching import MASKED, masked_cells, strokes
from viz.look.picture import Picture, Scale, layer_number, scaled
from viz.look.theme import LIGHT, Theme, coloured, short_token, show_token
from viz.look.thumbnails import block_names, thumbnails

AXIS = 22  # for the name of an axis
ROOM = 16  # the least between two names of an axis
SIDE = 640  # of a head with many cells
LARGEST_CELL = 32
STRIP_GAP = 8  # between the rows and their mean
ALL_NAMED = 64
SIDEWAYS = math.cos(math.radians(TURN))  # of a name that leans, and as much of it goes up
OVER = 6  # the least that is left of a cell by a name that stands over it
PANEL_NAME = 28  # the least between two names of panels
Corners = dict[tuple[int, int], tuple[float, float]]


def head_drawing(
    picture: Picture,
    layer: int,
    head: int,
    made: Provenance,
    *,
    scale: Scale = "linear",
    marked: Sequence[int] = (),
    theme: Theme = LIGHT,
) -> Drawing:
    """One head (layer and head from 0) as a heatmap: rows are queries, columns keys; the rows ``marked`` are framed,
    and where there are several, a strip below says where they look on average."""
    weights, masked = picture.pattern[layer, head], masked_cells(picture, layer, head)
    rows, columns = ([short_token(token) for token in names] for names in (picture.rows, picture.columns))
    cell = _cell(max(weights.shape))
    widest = max(map(text_width, columns))
    between = columns[1:-1] if len(columns) > 2 else columns  # the marks at both ends may reach out
    turn = 0 if max(map(text_width, between)) <= cell - OVER else TURN
    high, beyond = (SIZE, 0) if turn == 0 else (widest * SIDEWAYS, widest * SIDEWAYS)
    beside = [*rows, *([f"mean of {len(marked)}"] if len(marked) > 1 else [])]
    left, top = PAD + AXIS + max(map(text_width, beside)) + 6, PAD + 24 + AXIS + high + 10
    height, width = (n * cell for n in weights.shape)
    colours = np.where(masked[..., None], _rgb(theme.inverse), coloured(scaled(weights, scale), theme.scale))
    items: list[Item] = [
        Cells(
            x=left, y=top, width=width, height=height, colours=colours,
            values=weights, rows=[show_token(token) for token in picture.rows],
            columns=[show_token(token) for token in picture.columns], name="weight", gap=cell >= GAP_FROM,
        ),
        *_hatch(masked, left, top, cell, theme),
        *_row_names(rows, left - 6, top, cell, theme),
        *_column_names(columns, left, top - 8, cell, turn, theme),
        label(left + width / 2, PAD + 24 + AXIS / 2, f"{COLUMNS_ARE} →", theme, "middle"),
        label(PAD + AXIS / 2, top + height / 2, f"← {ROWS_ARE}", theme, "middle", turn=-90),
    ]  # fmt: skip
    items += [Box(x=left - 1, y=top + row * cell, width=width + 2, height=cell, stroke=theme.accent) for row in marked]
    bottom = top + height
    if len(marked) > 1:
        items += _mean_strip(picture, weights[list(marked)], left, bottom + STRIP_GAP, cell, scale, theme)
        bottom += STRIP_GAP + max(cell, ROOM)
    more = f"; {MASKED}" if masked.any() else ""
    items += legend(left + max(0, width / 2 - LEGEND_WIDTH / 2), bottom + 14, scale, theme, more=more)
    return framed(items, left + max(width + beyond, 310), bottom + 60, made, theme)


def _hatch(masked: np.ndarray, left: float, top: float, cell: float, theme: Theme) -> list[Item]:
    """Strokes across the cells that their rows may not look at."""
    return [
        Line(start=(left + x0 * cell, top + y0 * cell), end=(left + x1 * cell, top + y1 * cell), colour=theme.hatch)
        for (x0, y0), (x1, y1) in strokes(masked, cell)
    ]


def _rgb(colour: str) -> np.ndarray:
    """``#rrggbb`` as uint8 ``[3]``."""
    return np.frombuffer(bytes.fromhex(colour[1:]), dtype=np.uint8)


def _mean_strip(
    picture: Picture, weights: np.ndarray, left: float, top: float, cell: float, scale: Scale, theme: Theme
) -> list[Item]:
    """Where the rows with these weights, ``[row, column]``, look on average."""
    mean, height, width = weights.mean(0, keepdims=True), max(cell, ROOM), cell * weights.shape[1]
    name = f"mean of {len(weights)}"
    return [
        Cells(
            x=left, y=top, width=width, height=height, colours=coloured(scaled(mean, scale), theme.scale),
            values=mean, rows=[name], columns=[show_token(token) for token in picture.columns], name="weight",
            gap=cell >= GAP_FROM,
        ),
        Box(x=left - 1, y=top, width=width + 2, height=height, stroke=theme.accent),
        label(left - 6, top + height / 2, name, theme, "end"),
    ]  # fmt: skip


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
    side = max(24.0, min(LARGEST_PANEL, 900 / (n_heads + means)))
    left, top = PAD + 48, PAD + 24 + 20
    places = [(layer, head) for layer in range(n_layers) for head in range(n_heads)]
    if means:
        places += [(layer, n_heads) for layer in range(n_layers + 1)]
    corner = {
        (layer, head): (left + panel_place(head, n_heads, side), top + panel_place(layer, n_layers, side))
        for layer, head in places
    }
    items = _panels(picture, corner, side, scale=scale, each_head=each_head, means=means, theme=theme)
    items += _grid_names(picture, means, corner, left, top, side, theme)
    if chosen is not None:
        x, y = corner[chosen]
        items.append(Box(x=x - 2, y=y - 2, width=side + 4, height=side + 4, stroke=theme.accent))
    bottom = max(y for _, y in corner.values()) + side
    says = f"In each: rows are {ROWS_ARE}, columns {COLUMNS_ARE}."
    items.append(label(left, bottom + 16, says, theme))
    items += [] if each_head else legend(left, bottom + 34, scale, theme)
    right = max(x for x, _ in corner.values()) + side
    return framed(items, max(right, left + 380), bottom + (34 if each_head else 80), made, theme)


def _panels(
    picture: Picture,
    corner: Corners,
    side: float,
    *,
    scale: Scale,
    each_head: bool,
    means: bool,
    theme: Theme,
) -> list[Item]:
    """The small heatmaps; their corners come in the order of :func:`viz.look.thumbnails.thumbnails`."""
    weights = thumbnails(picture.pattern, means)  # [panel, row, column]
    shown = weights / np.maximum(weights.max(axis=(1, 2), keepdims=True), 1e-9) if each_head else weights
    rows = block_names(list(map(show_token, picture.rows)), "mean")
    columns = block_names(list(map(show_token, picture.columns)), "sum")
    return [
        Cells(
            x=x, y=y, width=side, height=side, colours=coloured(scaled(level, scale), theme.scale), values=values,
            rows=rows, columns=columns, name=f"{_panel_name(picture, *place)}, weight",
        )
        for (place, (x, y)), level, values in zip(corner.items(), shown, weights, strict=True)
    ]  # fmt: skip


def _cell(n: int) -> float:
    """The side of a cell where there are ``n`` in a line: up to ``ALL_NAMED``, every name has room."""
    return max(ROOM, min(LARGEST_CELL, SIDE / n)) if n <= ALL_NAMED else max(1.0, SIDE / n)


def _row_names(names: Sequence[str], x: float, top: float, cell: float, theme: Theme) -> list[Item]:
    return [
        Text(x=x, y=top + (i + 0.5) * cell, text=names[i], colour=theme.text, anchor="end", size=SIZE)
        for i in named(len(names), cell, ROOM)
    ]


def _column_names(names: Sequence[str], left: float, y: float, cell: float, turn: float, theme: Theme) -> list[Item]:
    anchor: Anchor = "start" if turn else "middle"
    return [
        Text(x=left + (i + 0.5) * cell, y=y, text=names[i], colour=theme.text, turn=turn, anchor=anchor, size=SIZE)
        for i in named(len(names), cell, ROOM)
    ]


def _grid_names(
    picture: Picture, means: bool, corner: Corners, left: float, top: float, side: float, theme: Theme
) -> list[Item]:
    n_layers, n_heads = picture.pattern.shape[:2]
    rows = [layer_label(layer, picture.layer_numbers) for layer in range(n_layers)] + (["all"] if means else [])
    last = n_heads if means else 0
    items: list[Item] = [
        label(left - 8, corner[layer, last if layer == n_layers else 0][1] + side / 2, name, theme, "end")
        for layer, name in enumerate(rows)
    ]
    above = {head: head_label(head) for head in named(n_heads, side + PANEL_GAP, PANEL_NAME)}
    above |= {n_heads: "mean"} if means else {}
    items += [label(corner[0, head][0] + side / 2, top - 10, name, theme, "middle") for head, name in above.items()]
    return items


def _panel_name(picture: Picture, layer: int, head: int) -> str:
    n_layers, n_heads = picture.pattern.shape[:2]
    if layer == n_layers:
        return "mean of all heads"
    number = layer_number(layer, picture.layer_numbers)
    return f"mean of layer {number}" if head == n_heads else f"layer {number}, head {head + 1}"
