"""A picture as one HTML file that needs no network: the SVG, the numbers, and a few lines that say them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from viz.export.document import STYLE as DOCUMENT_STYLE
from viz.export.document import details, document
from viz.export.drawing import Cells, Drawing
from viz.export.numbers import Numbers, as_json, shortest
from viz.export.provenance import Provenance
from viz.export.svg import svg

SCRIPT = Path(__file__).with_name("standalone.js")
STYLE = """figure { margin: 0; overflow-x: auto; }
.tip { position: fixed; padding: 0.2rem 0.5rem; border-radius: 0.4rem; background: %(text)s; color: %(ground)s;
  pointer-events: none; max-width: 20rem; overflow-wrap: anywhere; }
[hidden] { display: none; }
.line:hover { stroke-opacity: 1; stroke-width: 5; }"""


def to_html(drawing: Drawing, numbers: Numbers, made: Provenance, *, ink: str) -> bytes:
    """The page; ``ink`` is the colour of its text. Pointing at a cell or a line shows its query, key and weight."""
    tables = [_table(item, numbers.what) for item in drawing.items if isinstance(item, Cells) and item.name]
    figure = f'<figure>{svg(drawing, made)}</figure>\n<div class="tip" role="status" hidden></div>'
    return document(
        drawing.title,
        f"{figure}\n{details(made.items())}",
        style=f"{DOCUMENT_STYLE}\n{STYLE}" % {"ground": drawing.background, "text": ink},
        data={"numbers": as_json(numbers, made), "tables": tables},
        script=SCRIPT.read_text(encoding="utf-8"),
    ).encode("utf-8")


def _table(item: Cells, what: str) -> dict[str, Any]:
    return {
        "x": item.x, "y": item.y, "width": item.width, "height": item.height, "name": item.name, "what": what,
        "rows": list(item.rows), "columns": list(item.columns), "values": shortest(item.values),
    }  # fmt: skip
