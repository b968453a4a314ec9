"""The numbers of one step as a strip of colours; hovering over a cell shows what it was made from."""

from __future__ import annotations

import base64
from typing import TypedDict

import numpy as np
from streamlit.components.v2 import component

from viz.components.followed import PartData
from viz.components.sources import loaded, script, style
from viz.figures.strips import Operand, Pick, Strip
from viz.look.theme import Theme


class OperandData(TypedDict):
    """What a cell was made from: ``values`` are float32 where a number is picked, else one byte each."""

    label: str
    pick: Pick
    shape: tuple[int, ...]
    values: str


class StripData(TypedDict):
    """What ``strips.js`` draws: ``values`` are float32, ``limits`` those of the
    ``scale``, and ``diverging`` the scale of the operands; below, as HTML, a ``verdict``; the others are as in
    :class:`viz.figures.strips.Strip`."""

    shape: tuple[int, ...]
    values: str
    rows: tuple[str, ...] | None
    column: str
    limits: tuple[float, float]
    scale: tuple[str, ...]
    diverging: tuple[str, ...]
    framed: int | None
    strongest: int | None
    steady: bool
    room: int | None
    accent: str
    masked: str
    tip: str
    operands: list[OperandData]
    description: str
    verdict: str


_component = component(
    "headlight_strip",
    html=(
        '<div class="strip"><canvas tabindex="0" role="img" aria-label="The numbers of a step"></canvas>'
        '<div class="legend"><span></span><i></i><span></span></div>'
        '<div class="tip" role="tooltip" hidden><b></b><p></p><div></div></div>'
        '<p class="verdict"></p></div>'
    ),
    css=style("strips", "badge"),
    js=loaded("scripts/strips.js", script("strips")),
)


def strip_component(name: str) -> None:
    """The place of the part ``name`` of a page: a strip, with :class:`StripData`."""
    _component(key=name, data=PartData(name=name))


def strip_data(strip: Strip, *, description: str, verdict: str, theme: Theme) -> StripData:
    """What is drawn of a strip. Numbers travel as float32, what is only drawn as one byte a cell."""
    return {
        "shape": strip.values.shape,
        "values": _float32(strip.values),
        "rows": strip.rows,
        "column": strip.column,
        "limits": (strip.low, strip.high),
        "scale": theme.diverging if strip.low < 0 else theme.scale,
        "diverging": theme.diverging,
        "framed": strip.framed,
        "strongest": strip.strongest,
        "steady": strip.steady,
        "room": strip.room,
        "accent": theme.accent,
        "masked": theme.faint,
        "tip": strip.tip,
        "operands": [_operand(operand) for operand in strip.operands],
        "description": description,
        "verdict": verdict,
    }


def _operand(operand: Operand) -> OperandData:
    values = _float32(operand.values) if operand.pick == "number" else _levels(operand.values)
    return {"label": operand.label, "pick": operand.pick, "shape": operand.values.shape, "values": values}


def _levels(values: np.ndarray) -> str:
    """Numbers as one byte each: 0 is in the middle."""
    largest = float(np.abs(values).max(initial=0.0)) or 1.0
    return base64.b64encode(np.rint(127.5 + 127.5 * values / largest).astype(np.uint8).tobytes()).decode("ascii")


def _float32(values: np.ndarray) -> str:
    return base64.b64encode(np.ascontiguousarray(values, dtype="<f4").tobytes()).decode("ascii")
