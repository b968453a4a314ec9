"""What a keystroke changes, as one component: the output, all heads at a glance, and one of them in words and large."""

from __future__ import annotations

import html
from typing import Any

from streamlit.components.v2 import component

from model.heads.habits import describe
from model.text.tasks import TRANSLATION
from viz.components import head, links, overview
from viz.components.head import head_data
from viz.components.links import Layout, links_data
from viz.components.overview import overview_data
from viz.components.sources import Address, part, source
from viz.look.choice import AUTO, first_kind, row_options
from viz.look.look import Chosen, Look
from viz.look.picture import Display, Picture, View, displayed
from viz.look.words import KIND_NAMES, SHORT_KIND_NAMES, clearest, describe_row, reading, where_cut
from viz.state import clicked, opening

TOKENS = (
    "A token is a word, a piece of one, or a character; <b>&lt;s&gt;</b> marks the beginning of a text, "
    "<b>&lt;/s&gt;</b> its end."
)
LAYOUTS: dict[View, Layout] = {"Lines": "columns", "Lines across": "lines", "Text": "text"}
OWN = ("source", "token", "overlay", "zoom")
"""Of what a link says, what no widget on this page is bound to."""
OUTPUT = '<div class="output"><label></label><p class="target"></p></div>'
"""Where on the page the component writes what the model made of the text."""
_component = component(
    "headlight_pictures",
    html=f"""<div class="pictures">
<div class="st-key-overview">{overview.HTML}</div>
<div class="st-key-words"></div>
<div class="st-key-head">{head.HTML}{links.HTML}</div>
<div class="st-key-reading"></div>
</div>""",
    css=source("overview.css", "head.css", "links.css", "pictures.css"),
    js="\n".join(
        (
            source("heat.js"),
            *(part(name, f"{name}.js") for name in ("overview", "head", "links")),
            source("pictures.js"),
        )
    ),
    isolate_styles=False,
)


def pictures(data: dict[str, Any], *, follow: str) -> None:
    """Draw ``data``, and what the server makes of each text that is typed from then on. What is clicked in the pictures
    is told to :mod:`viz.state.clicked`.

    Args:
        data: of :func:`pictures_data`.
        follow: of :func:`viz.pages.explore.live.follow`.
    """
    _component(
        key=clicked.PICTURES,
        data={**data, "follow": follow},
        on_chosen_change=clicked.head_chosen,
        on_pinned_change=clicked.row_pinned,
        on_overlaid_change=clicked.heads_overlaid,
        on_zoomed_change=clicked.zoomed,
    )


def pictures_data(chosen: Chosen, look: Look, text: str) -> dict[str, Any]:
    """What ``pictures.js`` draws.

    Args:
        chosen: how to look.
        look: at the text.
        text: as it was typed; the trace has what the model read of it.
    """
    shown, display, theme = displayed(look.attention_map, chosen.display), chosen.display, chosen.theme
    row, names = shown.row_of(look.row), row_options(look.attention_map)
    said = f"{_where(look)} {_says(shown, look, row)}"
    data: dict[str, Any] = {
        "text": text,
        "label": _label(look),
        "target": look.trace.target,
        "words": _words(shown, look, row),
        "reading": _reading(chosen, shown),
        "names": [names[places[0]] for places in shown.row_places],
        "addresses": _addresses(chosen, look, text),
        "overview": overview_data(
            shown,
            look.layer,
            look.head,
            scale=display.scale,
            each_head=display.each_head,
            means=display.means,
            theme=theme,
        ),
        "head": None,
        "links": None,
    }
    if chosen.view == "Heatmap":
        data["head"] = head_data(
            shown, look.layer, look.head, pinned=row, scale=display.scale, description=said, theme=theme,
            zoom=chosen.zoom,
        )  # fmt: skip
    else:
        data["links"] = links_data(
            shown, look.layer, chosen.overlay if chosen.view != "Text" else (look.head,), chosen=look.head,
            layout=LAYOUTS[chosen.view], pinned=row, scale=display.scale, theme=theme,
        )  # fmt: skip
    return data


def _label(look: Look) -> str:
    """What the model's output is, and where it was cut."""
    label = "Translation" if look.opened.task == TRANSLATION else f"Output of the task {look.opened.task}"
    cut = where_cut(look.trace)
    return f"{label}. {cut}" if cut else label


def _addresses(chosen: Chosen, look: Look, text: str) -> list[Address]:
    """What a link must say to restore this view, but for the panels below."""
    shown, plain, kind = chosen.display, Display(), first_kind(look.trace)
    layer, head = opening.first_head(look.opened, kind)
    pinned = chosen.row_name if chosen.row_name in row_options(look.attention_map) else AUTO
    others = [number for number in chosen.overlay if number != chosen.head]
    values = {
        "source": (text, opening.example(look.opened)),
        "kind": (SHORT_KIND_NAMES[chosen.kind], SHORT_KIND_NAMES[kind]),
        "layer_number": (str(chosen.layer + 1), str(layer + 1)),
        "head_number": (str(chosen.head + 1), str(head + 1)),
        "token": (pinned, AUTO),
        "view": (chosen.view, "Heatmap"),
        "overlay": (clicked.write_overlay(others), ""),
        "zoom": (clicked.write_zoom(chosen.zoom), ""),
        "scale": (shown.scale, plain.scale),
        "rows": (shown.rows, plain.rows),
        **{
            key: (str(now).lower(), str(first).lower())
            for key, now, first in (
                ("special", shown.special, plain.special),
                ("whole_words", shown.words, plain.words),
                ("means", shown.means, plain.means),
                ("each_head", shown.each_head, plain.each_head),
            )
        },
    }
    return [
        Address(name=name, value=value, initial=initial, own=name in OWN) for name, (value, initial) in values.items()
    ]


def _where(look: Look) -> str:
    return f"{KIND_NAMES[look.kind]}, layer {look.layer + 1}, head {look.head + 1}."


def _words(shown: Picture, look: Look, row: int | None) -> str:
    """HTML, in which whatever a person typed is escaped: what the head does, and where one row looks."""
    lines = {
        _where(look): f"On this text it {describe(look.attention_map, look.layer, look.head)}.",
        "Strongest links:": clearest(shown, look.layer, look.head),
        "Selected:": _says(shown, look, row),
    }
    return "".join(f"<p><strong>{name}</strong> {html.escape(said)}</p>" for name, said in lines.items())


def _reading(chosen: Chosen, shown: Picture) -> str:
    """HTML on how to read the large picture, and what was done to it."""
    how = reading(shown.kind, chosen.display.rows, chosen.view)
    notes = "".join(f"<p><strong>Note:</strong> {note}.</p>" for note in shown.notes)
    means = "<b>mean</b>, <b>all</b>: over the heads of a layer, and over every head." if chosen.display.means else ""
    return f"{notes}<p>{how}</p><p>{TOKENS} {means}</p>"


def _says(shown: Picture, look: Look, row: int | None) -> str:
    """The row to explain, in words."""
    if row is None:
        return "the row to explain is hidden with the special tokens; click another one."
    return describe_row(shown, look.layer, look.head, row)
