"""Pictures of attention patterns: pure functions from a map to a Plotly figure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import plotly.graph_objects as go

from model.trace import AttentionMap
from viz.figures.plot import cell_axis, colour_bar_below, figure, frame, heatmap
from viz.look.geometry import COLUMNS_ARE, LEGEND, ROWS_ARE, TICKS, TURN
from viz.look.theme import LIGHT, Theme, for_plotly, short_token

HEIGHT = 520
INVISIBLE = str.maketrans("01", "\u200b\u200c")  # binary digits of no width
MARGIN = {"l": 136, "r": 64, "t": 108, "b": 60}


def head_heatmap(
    attention_map: AttentionMap, layer: int, head: int, *, pinned: int | None = None, theme: Theme = LIGHT
) -> go.Figure:
    """One head as a heatmap: rows are queries, columns keys, the colour is the weight from 0 to 1.

    The plot area has the same place and size for every text, so that nothing jumps while a person types.

    Args:
        attention_map: the map to draw from.
        layer: from 0.
        head: from 0.
        pinned: the query whose row is framed.
        theme: the colours.

    Raises:
        IndexError: there is no such layer, head or query.
    """
    pattern = attention_map.pattern[layer, head]  # [query, key]
    rows, columns = attention_map.row_names(), attention_map.key_tokens
    gap = 1 if pattern.size <= 2500 else 0
    trace = heatmap(
        pattern, theme.scale, 0, 1,
        x=_names(columns), y=_names(rows), xgap=gap, ygap=gap,
        hovertemplate="query %{y}<br>key %{x}<br>weight <b>%{z:.3f}</b><extra></extra>",
        colorbar=colour_bar_below(LEGEND, tickvals=TICKS["linear"]),
    )  # fmt: skip
    cells = cell_axis(type="category", automargin=False)
    return figure(
        [trace],
        theme,
        height=HEIGHT,
        margin=MARGIN,
        xaxis={**cells, "side": "top", "tickangle": TURN, "title": {"text": COLUMNS_ARE, "standoff": 4}},
        yaxis={**cells, "autorange": "reversed", "title": {"text": ROWS_ARE, "standoff": 4}},
        shapes=[] if pinned is None else [_row_frame(range(len(rows))[pinned], theme)],
        uirevision=f"{len(rows)} {len(columns)}",  # a zoom outlasts what changes within the same axes
        dragmode="zoom",
    )


def _names(tokens: Sequence[str]) -> list[str]:
    """A name for each token, unique although tokens repeat: from the second on, they end in an invisible number.

    Plotly then has the tokens as categories and thins their labels by itself, to the width there is and
    to the zoom.
    """
    seen: Counter[str] = Counter()
    names = []
    for token in map(short_token, tokens):
        number = f"{seen[token]:b}".translate(INVISIBLE) if seen[token] else ""
        names.append(for_plotly(token) + number)
        seen[token] += 1
    return names


def _row_frame(row: int, theme: Theme) -> dict[str, Any]:
    return frame(theme, xref="paper", x0=0, x1=1, y0=row - 0.5, y1=row + 0.5)
