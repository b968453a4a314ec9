"""What a keystroke changes, as one component: the output, all heads at a glance, and one of them in words and large."""

from __future__ import annotations

import html
from collections.abc import Callable
from typing import Any

from streamlit.components.v2 import component

from model.tasks import TRANSLATION
from viz import state
from viz.choice import AUTO, row_options
from viz.components import head, links, overview
from viz.components.head import head_data
from viz.components.links import Layout, links_data
from viz.components.overview import overview_data
from viz.components.sources import Address, part, source
from viz.look import Chosen, Look, View
from viz.picture import Picture, displayed
from viz.words import KIND_NAMES, describe_row, reading

LAYOUTS: dict[View, Layout] = {"Lines": "columns", "Lines across": "lines", "Text": "text"}
OUTPUT = '<div class="output"><label></label><p class="target"></p></div>'
"""Where on the page the component writes what the model made of the text."""
_component = component(
    "headlight_pictures",
    html=f"""<div class="pictures">
<div class="st-key-overview">{overview.HTML}</div>
<div class="st-key-words"></div>
<div class="st-key-head">{head.HTML}{links.HTML}</div>
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


def pictures(data: dict[str, Any], *, follow: str, on_choose: Callable[[], None], on_pin: Callable[[], None]) -> None:
    """Draw ``data``, and what the server makes of each text that is typed from then on.

    Args:
        data: of :func:`pictures_data`.
        follow: of :func:`viz.live.follow`.
        on_choose: is called when a head is chosen: ``chosen`` is ``{"layer": …, "head": …}``, from 0.
        on_pin: is called when a row is pinned: ``pinned`` is ``{"name": …}``, of :func:`viz.choice.row_options`
            (None: the row that was pinned is let go).
    """
    _component(key=state.PICTURES, data={**data, "follow": follow}, on_chosen_change=on_choose, on_pinned_change=on_pin)


def pictures_data(chosen: Chosen, look: Look, text: str) -> dict[str, Any]:
    """What ``pictures.js`` draws.

    Args:
        chosen: how to look.
        look: at the text.
        text: as it was typed; the trace has what the model read of it.
    """
    shown, display, theme = displayed(look.attention_map, chosen.display), chosen.display, chosen.theme
    row, names = shown.row_of(look.row), row_options(look.attention_map)
    pinned = chosen.row_name if chosen.row_name in names else AUTO
    where = f"{KIND_NAMES[look.kind]}, layer {look.layer + 1}, head {look.head + 1}."
    said = _says(shown, look, row)
    data: dict[str, Any] = {
        "text": text,
        "label": "Translation" if look.opened.task == TRANSLATION else f"Output of the task {look.opened.task}",
        "target": look.trace.target,
        "words": _words(chosen, shown, where, said),
        "names": [names[places[0]] for places in shown.row_places],
        "addresses": [
            Address(name="source", value=text, initial=state.example(look.opened)),
            Address(name="token", value=pinned, initial=AUTO),
        ],
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
            shown,
            look.layer,
            look.head,
            pinned=row,
            scale=display.scale,
            description=f"{where} {said}",
            theme=theme,
        )
    else:
        data["links"] = links_data(
            shown, look.layer, chosen.overlay, layout=LAYOUTS[chosen.view], pinned=row, theme=theme
        )
    return data


def _words(chosen: Chosen, shown: Picture, where: str, said: str) -> str:
    """HTML, in which whatever a person typed is escaped."""
    notes = "".join(f" <strong>Note:</strong> {note}." for note in shown.notes)
    how = reading(shown.kind, chosen.display.rows, drawn=chosen.view == "Heatmap")
    return f"<p><strong>{where}</strong> {html.escape(said)}</p><p>{how}{notes}</p>"


def _says(shown: Picture, look: Look, row: int | None) -> str:
    """The row to explain, in words."""
    if row is None:
        return "The row to explain is hidden with the special tokens; click another one."
    return describe_row(shown, look.layer, look.head, row)
