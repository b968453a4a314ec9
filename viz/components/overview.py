"""All layers × heads of one kind at a glance; a click chooses a head."""

from __future__ import annotations

import base64
from collections.abc import Callable
from pathlib import Path

import numpy as np
from streamlit.components.v2 import component

from model.trace import AttentionMap
from viz.theme import Theme

_HERE = Path(__file__).parent
_component = component(
    "headlight_overview",
    html='<canvas tabindex="0" role="group"></canvas><div class="tip" hidden></div>',
    css=(_HERE / "overview.css").read_text(encoding="utf-8"),
    js=(_HERE / "overview.js").read_text(encoding="utf-8"),
)


def overview(
    attention_map: AttentionMap, layer: int, head: int, *, theme: Theme, key: str, on_choose: Callable[[], None]
) -> None:
    """Draw every head as a small heatmap and mark the chosen one.

    Weights travel as one byte each: a panel is a few dozen pixels wide, finer steps cannot be seen.

    A click, or an arrow key, sets ``chosen`` of the component's state to ``{"layer": …, "head": …}``, from 0,
    and calls ``on_choose``.
    """
    weights = np.rint(attention_map.pattern * 255).astype(np.uint8)
    _component(
        key=key,
        data={
            "shape": weights.shape,
            "weights": base64.b64encode(weights.tobytes()).decode("ascii"),
            "chosen": [layer, head],
            "scale": theme.scale,
            "accent": theme.accent,
        },
        on_chosen_change=on_choose,
    )
