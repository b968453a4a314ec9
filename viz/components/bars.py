"""Numbers as bars, as HTML that may follow the text: a table, each number beside its bar."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence

import numpy as np

from viz.look.numbers import fixed
from viz.look.theme import Theme, show_token

ROWS_AT_ONCE, LINE = 4, 1.65
"""Tokens by which the room for bars grows, and how high one is, in letters: as ``bars.css`` has it."""


def bars(names: Sequence[str], columns: Mapping[str, np.ndarray], *, framed: int | None = None, theme: Theme) -> str:
    """Several numbers for each token, side by side, each column on its own scale; minus infinity is written out and has
    no bar. The row ``framed`` has the colour of what is chosen. For :func:`viz.components.followed.said`."""
    heads = "".join(f"<th>{html.escape(title)}</th>" for title in columns)
    scales = [_scale(values) for values in columns.values()]
    rows = []
    for place, name in enumerate(names):
        cells = [_cell(values[place], *scale) for values, scale in zip(columns.values(), scales, strict=True)]
        chosen = ' class="framed"' if place == framed else ""
        rows.append(f"<tr{chosen}><th scope=row>{html.escape(show_token(name))}</th>{''.join(cells)}</tr>")
    colours = f"--bar: {theme.scale[5]}; --chosen: {theme.accent}"
    return (
        f'<div class="bars" style="{colours}"><table><thead><tr><td></td>{heads}</tr></thead>'
        f"<tbody>{''.join(rows)}</tbody></table></div>"
    )


def keep_room(name: str, n: int) -> None:
    """Keep the room that bars for ``n`` tokens need in the part ``name``, and for a few more: what stands below them
    does not move when they come, nor with every token that is typed."""
    import streamlit as st

    rows = ROWS_AT_ONCE * -(-n // ROWS_AT_ONCE) + 1
    st.html(f"<style>.st-key-said_{name} {{ min-height: calc({rows * LINE} * var(--type-small)); }}</style>")


def _scale(values: np.ndarray) -> tuple[float, float]:
    """The least and the largest number that have a bar, 0 among them."""
    finite = values[np.isfinite(values)]
    return min(0.0, float(finite.min(initial=0))), max(0.0, float(finite.max(initial=0)))


def _cell(value: float, low: float, high: float) -> str:
    text = f"<span>{fixed(float(value), 2)}</span>"
    if not np.isfinite(value):
        return f"<td><div>{text}</div></td>"
    span = (high - low) or 1.0
    bar = f"--from: {(min(value, 0.0) - low) / span:.4f}; --share: {abs(value) / span:.4f}"
    return f'<td><div>{text}<i style="{bar}"></i></div></td>'
