"""The numbers of one step as a strip of colours; hovering over a cell shows what it was made from."""

from __future__ import annotations

import base64
from typing import Any

import numpy as np
from streamlit.components.v2 import component

from viz.components.sources import source
from viz.figures.strips import Operand, Strip
from viz.look.theme import Theme

_component = component(
    "headlight_strip",
    html=(
        '<div class="strip"><canvas tabindex="0" role="img"></canvas>'
        '<div class="legend"><span></span><i></i><span></span></div>'
        '<div class="tip" role="tooltip" hidden><b></b><p></p><div></div></div></div>'
    ),
    css=source("strips.css"),
    js=source("heat.js", "strips.js"),
)


def strip_component(strip: Strip, *, description: str, theme: Theme, key: str) -> None:
    """Draw a strip. Numbers travel as float32, what is only drawn as one byte a cell."""
    _component(
        key=key,
        data={
            "shape": strip.values.shape,
            "values": _float32(strip.values),
            "rows": strip.rows,
            "column": strip.column,
            "limits": [strip.low, strip.high],
            "scale": theme.diverging if strip.low < 0 else theme.scale,
            "diverging": theme.diverging,
            "framed": strip.framed,
            "strongest": strip.strongest,
            "steady": strip.steady,
            "accent": theme.accent,
            "masked": theme.faint,
            "tip": strip.tip,
            "operands": [_operand(operand) for operand in strip.operands],
            "description": description,
        },
    )


def _operand(operand: Operand) -> dict[str, Any]:
    shared = {"label": operand.label, "pick": operand.pick, "shape": operand.values.shape}
    if operand.pick == "number":
        return {**shared, "values": _float32(operand.values)}
    largest = float(np.abs(operand.values).max(initial=0.0)) or 1.0
    levels = np.rint(127.5 + 127.5 * operand.values / largest).astype(np.uint8)
    return {**shared, "values": base64.b64encode(levels.tobytes()).decode("ascii")}


def _float32(values: np.ndarray) -> str:
    return base64.b64encode(np.ascontiguousarray(values, dtype="<f4").tobytes()).decode("ascii")
