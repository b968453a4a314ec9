"""All maps of a trace, with all their views, on a page that needs no server."""

from __future__ import annotations

import base64
import zlib
from collections.abc import Mapping
from dataclasses import replace
from typing import TypedDict

import numpy as np

from model.heads.habits import describe_heads
from model.heads.observed import observe
from model.trace import AttentionMap, Trace
from viz.components import head, links, overview
from viz.components.head import head_data
from viz.components.links import Layout, links_data
from viz.components.sources import bundle, style
from viz.look.choice import first_kind, telling_head, telling_row
from viz.look.picture import SCALES, Display, Picture, RowNames, Scale, displayed, layer_number, rows_named
from viz.look.theme import DARK, LIGHT, Theme
from viz.look.words import KIND_NAMES

LEVELS = 4095
"""In so many parts of 1 a weight is told: 12 bits."""
LAYOUTS: Mapping[str, Layout] = {"Lines": "columns", "Lines across": "lines", "Text": "text"}
CHANGING = (
    "weights",
    "heads",
    "chosen",
    "pinned",
    "together",
    "zoom",
    "mode",
    "scale",
    "accent",
    "ink",
    "colours",
    "description",
)
"""What the page itself says of a view."""
PLACES = {"head": (head.HTML, style("head")), "links": (links.HTML, style("links"))}
"""By script, where it draws, and how that looks."""
HTML = f"""<div class="notebook">
<p class="text"></p>
<div class="bar"><div class="kinds" role="group" aria-label="Attention"></div>
<div class="views" role="group" aria-label="Picture"></div>
<label>Colour scale <select>{"".join(f"<option>{scale}</option>" for scale in SCALES)}</select></label></div>
<div class="all">{overview.HTML}</div>
<div class="one"><p class="words" aria-live="polite"></p>
{"".join(f'<div data-script="{name}" hidden>{html}</div>' for name, (html, _) in PLACES.items())}</div>
</div>"""
STYLE = "\n".join((style("overview"), *(css for _, css in PLACES.values()), style("notebook")))
SCRIPT = f"""{bundle("notebook")}
$notebook.notebook({{ data: JSON.parse(document.getElementById("maps").textContent), parentElement: document }});"""
"""Of a page in which the data is the JSON of an element ``#maps``."""


class ViewData(TypedDict):
    """What a ``script`` draws, under a ``name``, but the weights, the colours and what a person chooses."""

    name: str
    script: str
    data: Mapping[str, object]


class MapData(TypedDict):
    """``weights`` are :func:`twelve_bits`, ``[layer, head, row, column]``; ``first`` is the layer, the head and the row
    to begin with, from 0, and ``words`` say of each head what it does; ``sharing`` heads beside each other have the
    same keys and values; ``numbers`` are what the layers are called."""

    name: str
    shape: tuple[int, ...]
    numbers: list[int]
    sharing: int
    weights: str
    first: tuple[int, int, int | None]
    words: list[str]
    views: list[ViewData]


class ThemeData(TypedDict):
    """The colours of one mode; ``colours`` has one for each head of a layer."""

    ground: str
    text: str
    accent: str
    scale: tuple[str, ...]
    ink: tuple[str, str]
    colours: list[str]


class NotebookData(TypedDict):
    """What ``notebook.js`` shows: first the map of this number, ``shown``."""

    text: str
    shown: int
    mode: Scale
    maps: list[MapData]
    themes: Mapping[str, ThemeData]


def notebook_data(trace: Trace, display: Display) -> NotebookData:
    """What ``notebook.js`` shows of a trace: at most 2 bytes a cell of its maps, and its words besides."""
    n_heads = max(one.n_heads for one in trace.maps)
    whole = replace(display, special=True)  # without the special tokens nothing may be left
    return {
        "text": " → ".join(filter(None, (trace.source.strip(), trace.target.strip()))),
        "shown": trace.kinds.index(first_kind(trace)),
        "mode": display.scale,
        "maps": [
            _map(one, _not_empty(displayed(one, display)) or displayed(one, whole), display.rows) for one in trace.maps
        ],
        "themes": {theme.name: _theme(theme, n_heads) for theme in (LIGHT, DARK)},
    }


def twelve_bits(weights: np.ndarray) -> str:
    """Weights from 0 to 1 as whole numbers of :data:`LEVELS`: first the upper eight bits of each, then the other four,
    two to a byte. The two are apart since so they are deflated better, as most of the upper ones are alike; base64."""
    numbers = np.rint(weights.reshape(-1) * LEVELS).astype(np.uint16)
    lower = np.pad(numbers & 15, (0, len(numbers) % 2)).astype(np.uint8)
    planes = (numbers >> 4).astype(np.uint8).tobytes() + (lower[::2] | lower[1::2] << 4).tobytes()
    return base64.b64encode(zlib.compress(planes)).decode("ascii")


def _not_empty(shown: Picture) -> Picture | None:
    return shown if shown.rows and shown.columns else None


def _map(attention_map: AttentionMap, shown: Picture, rows: RowNames) -> MapData:
    layer, best = telling_head(attention_map)
    return {
        "name": KIND_NAMES[shown.kind],
        "shape": shown.pattern.shape,
        "numbers": [layer_number(layer, shown.layer_numbers) for layer in range(shown.pattern.shape[0])],
        "sharing": shown.n_sharing,
        "weights": twelve_bits(shown.pattern),
        "first": (layer, best, shown.row_of(telling_row(attention_map, layer, best))),
        "words": describe_heads(observe(attention_map), rows_named(attention_map, rows)),
        "views": _views(shown),
    }


def _views(shown: Picture) -> list[ViewData]:
    """The views of a map, as their own functions give them."""
    heatmap = head_data(shown, 0, 0, pinned=None, scale="linear", description="", theme=LIGHT)
    found: list[ViewData] = [{"name": "Heatmap", "script": "head", "data": _fixed(heatmap)}]
    for name, layout in LAYOUTS.items():
        lines = links_data(shown, 0, (0,), chosen=0, layout=layout, pinned=None, scale="linear", theme=LIGHT)
        found.append({"name": name, "script": "links", "data": _fixed(lines)})
    return found


def _fixed(data: Mapping[str, object]) -> Mapping[str, object]:
    """What stays the same for every head and colour scheme."""
    return {key: value for key, value in data.items() if key not in CHANGING}


def _theme(theme: Theme, n_heads: int) -> ThemeData:
    return {
        "ground": theme.inverse,
        "text": theme.text,
        "accent": theme.accent,
        "scale": theme.scale,
        "ink": (theme.text, theme.inverse),
        "colours": [theme.head(i) for i in range(n_heads)],
    }
