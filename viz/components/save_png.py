"""A button that turns an SVG into a PNG in the browser and saves it; the server has no part in it."""

from __future__ import annotations

import json

from streamlit.components.v2 import component

from viz.components.sources import source
from viz.export.provenance import Provenance

_component = component(
    "headlight_save_png",
    html='<button type="button">Download PNG</button><p role="alert" hidden></p>',
    css=source("save_png.css"),
    js=source("save_png.js"),
)


def save_png(svg: str, made: Provenance, *, file_name: str, key: str) -> None:
    """Offer ``svg`` as a PNG of two pixels for each of its own; what it was made from is in the file as text."""
    said = json.dumps(made.items(), ensure_ascii=False)
    _component(key=key, data={"svg": svg, "provenance": said, "name": file_name})
