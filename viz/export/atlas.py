"""A measure of every head, to take along."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from model.heads.measures import Measure
from viz.export.drawing import Box, Cells, Drawing, Item, Text
from viz.export.provenance import Provenance
from viz.export.sheet import PAD, framed, label, wrapped
from viz.look.geometry import FEW, MEASURE_ROW, head_label, layer_label
from viz.look.measured import measured
from viz.look.theme import LIGHT, Theme, ink


def atlas_drawing(
    measure: Measure,
    values: np.ndarray,
    made: Provenance,
    *,
    chosen: tuple[int, int] | None = None,
    numbers: Sequence[int] = (),
    theme: Theme = LIGHT,
) -> Drawing:
    """One measure of every head, ``values`` ``[layer, head]``; where it is undefined (NaN), its cell is empty.
    ``numbers`` are what the layers are called in their model."""
    n_layers, n_heads = values.shape
    colours = measured(measure, values, theme).colours
    width, height = (56, MEASURE_ROW) if n_heads <= FEW else (32, 24)
    left, top = PAD + 40, PAD + 24 + 42
    corner = {(layer, head): (left + head * width, top + layer * height) for layer, head in np.ndindex(values.shape)}
    rows, columns = [layer_label(layer, numbers) for layer in range(n_layers)], [*map(head_label, range(n_heads))]
    items: list[Item] = [
        label(left, top - 32, measure.name.capitalize() + (f" ({measure.unit})" if measure.unit else ""), theme),
        Cells(
            x=left, y=top, width=n_heads * width, height=n_layers * height, colours=colours, values=values,
            rows=rows, columns=columns, name=measure.name, gap=True,
        ),
    ]  # fmt: skip
    items += [label(left - 8, top + (i + 0.5) * height, name, theme, "end") for i, name in enumerate(rows)]
    items += [label(left + (i + 0.5) * width, top - 12, name, theme, "middle") for i, name in enumerate(columns)]
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
