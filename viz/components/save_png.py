"""A button that turns an SVG into a PNG in the browser and saves it; the server has no part in it."""

from __future__ import annotations

import json
from typing import TypedDict

from streamlit.components.v2 import component

from viz.components.sources import script, style
from viz.export.provenance import Provenance


class PngData(TypedDict):
    """What ``save_png.js`` saves under a ``name``."""

    svg: str
    provenance: str
    name: str


_component = component(
    "headlight_save_png",
    html='<button type="button">Download PNG</button><p role="alert" hidden></p>',
    css=style("save_png"),
    js=script("save_png"),
)


def save_png(svg: str, made: Provenance, *, file_name: str, key: str) -> None:
    """Offer ``svg`` as a PNG of two pixels for each of its own; what it was made from is in the file as text."""
    said = json.dumps(made.items(), ensure_ascii=False)
    data: PngData = {"svg": svg, "provenance": said, "name": file_name}
    _component(key=key, data=data)
