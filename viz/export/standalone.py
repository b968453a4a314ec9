"""A picture as one HTML file that needs no network: the SVG, the numbers, and a few lines that say them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from viz.export.drawing import Cells, Drawing
from viz.export.numbers import Numbers, as_json, shortest
from viz.export.provenance import Provenance
from viz.export.svg import escaped, svg

SCRIPT = Path(__file__).with_name("standalone.js")
STYLE = """body { margin: 1rem; font: 14px system-ui, sans-serif; background: %(ground)s; color: %(text)s; }
figure { margin: 0; overflow-x: auto; }
.tip { position: fixed; padding: 0.2rem 0.5rem; border-radius: 0.4rem; background: %(text)s; color: %(ground)s;
  pointer-events: none; max-width: 20rem; overflow-wrap: anywhere; }
[hidden] { display: none; }
.line:hover { stroke-opacity: 1; stroke-width: 5; }
dt { font-weight: 600; margin-top: 0.5rem; } dd { margin: 0; overflow-wrap: anywhere; }"""
PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src data:; style-src 'unsafe-inline';
 script-src 'unsafe-inline'">
<title>{title}</title>
<style>{style}</style>
</head>
<body>
<figure>{picture}</figure>
<div class="tip" role="status" hidden></div>
<dl>{details}</dl>
<script type="application/json" id="numbers">{numbers}</script>
<script type="application/json" id="tables">{tables}</script>
<script>{script}</script>
</body>
</html>
"""


def to_html(drawing: Drawing, numbers: Numbers, made: Provenance, *, ink: str) -> bytes:
    """The page; ``ink`` is the colour of its text. Pointing at a cell or a line shows its query, key and weight."""
    details = "".join(f"<dt>{escaped(name)}</dt><dd>{escaped(text)}</dd>" for name, text in made.items().items())
    tables = [_table(item, numbers.what) for item in drawing.items if isinstance(item, Cells) and item.name]
    return PAGE.format(
        title=escaped(drawing.title),
        style=STYLE % {"ground": drawing.background, "text": ink},
        picture=svg(drawing, made),
        details=details,
        numbers=_embedded(as_json(numbers, made)),
        tables=_embedded(tables),
        script=SCRIPT.read_text(encoding="utf-8"),
    ).encode("utf-8")


def _table(item: Cells, what: str) -> dict[str, Any]:
    return {
        "x": item.x, "y": item.y, "width": item.width, "height": item.height, "name": item.name, "what": what,
        "rows": list(item.rows), "columns": list(item.columns), "values": shortest(item.values),
    }  # fmt: skip


def _embedded(data: Any) -> str:
    """JSON that cannot end the element it stands in."""
    return json.dumps(data).replace("<", "\\u003c")
