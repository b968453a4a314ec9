"""Take it with you: what is on screen as a picture or as numbers, and the link that restores it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal, get_args

import numpy as np
import streamlit as st

from model.heads.measures import Measure, measure, measures_of
from viz.components.save_png import save_png
from viz.export.atlas import atlas_drawing
from viz.export.drawing import Drawing
from viz.export.drawings import head_drawing, overview_drawing
from viz.export.lines import lines_drawing
from viz.export.numbers import (
    Numbers,
    all_numbers,
    head_numbers,
    measure_numbers,
    overlaid_numbers,
    to_csv,
    to_json,
    to_npz,
)
from viz.export.provenance import Provenance, file_name, provenance
from viz.export.standalone import to_html
from viz.export.svg import svg
from viz.look.geometry import FAINTEST
from viz.look.look import Look
from viz.look.picture import Display, Picture, displayed
from viz.look.theme import Theme
from viz.look.words import SHORT_KIND_NAMES, describe_rows
from viz.notebook import Explored
from viz.state import clicked, link, session

What = Literal["Overview", "Head", "Lines", "Atlas"]
Format = Literal["PNG", "SVG", "PDF", "HTML", "CSV", "NPZ", "JSON"]
WHAT: tuple[What, ...] = get_args(What)
FORMATS: tuple[Format, ...] = get_args(Format)
MOST_SENT = 1024  # cells that go to the browser as rectangles, at every keystroke
SAYS: dict[Format, str] = {
    "PNG": "A picture at twice the screen’s resolution, for slides and documents. Your browser makes it.",
    "SVG": "A picture that stays sharp at any size and whose text stays text.",
    "PDF": "A document whose text can be selected and searched.",
    "HTML": "A page that works offline: point at a cell or a line to see its query, key and weight.",
    "CSV": "A table for spreadsheets; the lines above it say where the numbers come from.",
    "NPZ": "For NumPy: `numpy.load(file)`, then `values`, the names of each axis, and `provenance`.",
    "JSON": "The numbers with their names, and where they come from.",
}
MIME: dict[Format, str] = {
    "SVG": "image/svg+xml",
    "PDF": "application/pdf",
    "HTML": "text/html",
    "CSV": "text/csv",
    "NPZ": "application/octet-stream",
    "JSON": "application/json",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """What is to be exported: how to draw it and its numbers, both made only when they are asked for."""

    made: Provenance
    draw: Callable[[], Drawing]
    numbers: Callable[[], Numbers]
    theme: Theme


def export_panel(look: Look, shown: Picture, display: Display) -> None:
    """Choose what and in which format, and take it. ``shown`` and ``display`` are what is on screen."""
    left, right = st.columns(2)
    with left:
        what: What = st.segmented_control(
            "What", WHAT, default="Head", required=True, key="export_what", bind="query-params"
        )
    with right:
        form: Format = st.segmented_control(
            "Format", FORMATS, default="PNG", required=True, key="export_format", bind="query-params", wrap=True
        )
    shown, display = _not_empty(look, shown, display)
    sheet = _sheet(what, look, shown, display)
    name = file_name(sheet.made, what.lower(), form.lower())
    with st.container(key="export_take"):
        if form == "PNG":
            drawn = svg(sheet.draw(), sheet.made, most=MOST_SENT)
            save_png(drawn, sheet.made, file_name=name, key="save_png")
        else:
            st.download_button(
                f"Download {form}",
                lambda: _file(sheet, form),
                file_name=name,
                mime=MIME[form],
                on_click="ignore",
                key="export_download",
            )
        st.caption(f"{SAYS[form]} It names the checkpoint (with its digest), the sentence and what each axis is.")
    _everything(look, shown, display)
    st.markdown("**Link** to this view. On another machine it needs the same checkpoint.")
    st.code(f"{link.address()}{sheet.made.link}", language=None, wrap_lines=True)


def _everything(look: Look, shown: Picture, display: Display) -> None:
    """All there is of this text, to be explored without the app."""
    made = provenance(look.opened, look.trace, shown, display, None, link=link.query(SHORT_KIND_NAMES[look.kind]))
    said = {name: text for name, text in made.items().items() if name not in ("attention", "layer", "head")}
    page = Explored(trace=look.trace, display=display, said=said)
    with st.container(key="export_all"):
        st.download_button(
            "Download everything, as one page",
            lambda: page.html().encode("utf-8", "replace"),
            file_name=file_name(made, "everything", "html"),
            mime=MIME["HTML"],
            on_click="ignore",
            key="export_everything",
        )
        st.caption("Every head of every layer and kind, to explore offline in a browser.")


def _file(sheet: Sheet, form: Format) -> bytes:
    """The contents of a file; called when a person takes it, in a thread where Streamlit is not at hand."""
    match form:
        case "SVG":
            return svg(sheet.draw(), sheet.made).encode("utf-8")
        case "PDF":
            from viz.export.pdf import pdf

            return pdf(sheet.draw(), sheet.made)
        case "HTML":
            return to_html(sheet.draw(), sheet.numbers(), sheet.made, ink=sheet.theme.text)
        case "CSV":
            return to_csv(sheet.numbers(), sheet.made)
        case "NPZ":
            return to_npz(sheet.numbers(), sheet.made)
        case "JSON":
            return to_json(sheet.numbers(), sheet.made)
        case "PNG":
            raise ValueError("the browser makes a PNG")


def _not_empty(look: Look, shown: Picture, display: Display) -> tuple[Picture, Display]:
    """What is shown, or, if nothing of it is left, the same with the special tokens."""
    if shown.rows and shown.columns:
        return shown, display
    st.info("Without its special tokens nothing would be left of this text, so the export keeps them.")
    return displayed(look.attention_map, replace(display, special=True)), display


def _sheet(what: What, look: Look, shown: Picture, display: Display) -> Sheet:
    layer, head, theme = look.layer, look.head, session.theme()
    heads = clicked.overlay(shown.pattern.shape[1], head)
    everything = what in ("Overview", "Atlas")
    made = provenance(
        look.opened,
        look.trace,
        shown,
        display,
        None if everything else (layer, head),
        overlaid=heads if what == "Lines" else (),
        link=link.query(SHORT_KIND_NAMES[look.kind]),
    )
    together = look.together(shown)
    rows = together or [row for row in (shown.row_of(look.row),) if row is not None]
    if what in ("Head", "Lines") and together:
        made = replace(made, notes=(*made.notes, describe_rows(shown, layer, head, together).rstrip(".")))
    if what == "Atlas":
        one, values = _choose_measure(look)
        return Sheet(
            made=made,
            draw=lambda: atlas_drawing(
                one, values[one.name], made, chosen=(layer, head), numbers=shown.layer_numbers, theme=theme
            ),
            numbers=lambda: measure_numbers(values, shown.layer_numbers),
            theme=theme,
        )
    draws: dict[str, Callable[[], Drawing]] = {
        "Overview": lambda: overview_drawing(
            shown, made, chosen=(layer, head), scale=display.scale, each_head=display.each_head, means=display.means,
            theme=theme,
        ),
        "Head": lambda: head_drawing(
            shown, layer, head, made, scale=display.scale, marked=rows, theme=theme
        ),
        "Lines": lambda: lines_drawing(shown, layer, heads, made, together=together, theme=theme),
    }  # fmt: skip
    return Sheet(
        made=made,
        draw=draws[_drawable(what, shown.pattern[layer, heads][:, list(together) or slice(None)])],
        numbers=lambda: _weights(what, shown, layer, head, heads),
        theme=theme,
    )


def _weights(what: What, shown: Picture, layer: int, head: int, heads: Sequence[int]) -> Numbers:
    """The weights in a picture: of all heads, of those that lie over each other, or of one."""
    if what == "Overview":
        return all_numbers(shown.pattern, shown.rows, shown.columns, shown.layer_numbers)
    if what == "Lines" and len(heads) > 1:
        return overlaid_numbers(shown.pattern[layer, list(heads)], heads, shown.rows, shown.columns)
    return head_numbers(shown.pattern[layer, head], shown.rows, shown.columns)


def _drawable(what: What, weights: np.ndarray) -> What:
    """What can be drawn of heads with these weights."""
    if what != "Lines" or weights.max() >= FAINTEST:
        return what
    st.info(f"No weight of this head is {FAINTEST} or more, so there are no lines to draw; you get its heatmap.")
    return "Head"


def _choose_measure(look: Look) -> tuple[Measure, Mapping[str, np.ndarray]]:
    """Which measure the picture shows, of the values of all on this sentence."""
    values = measure(look.attention_map)
    by_name = {one.name: one for one in measures_of(look.kind)}
    name = st.selectbox(
        "Measure in the picture", list(by_name), format_func=str.capitalize, key="export_measure", bind="query-params"
    )
    if np.isnan(values[name]).all():
        defined = next((other for other in by_name if not np.isnan(values[other]).all()), name)
        st.info(
            f"No row of this text has what “{name}” measures, so the measure is undefined for every head. "
            + (f"You get “{defined}”." if defined != name else "No measure is defined here: every cell is a dash.")
        )
        name = defined
    return by_name[name], values
