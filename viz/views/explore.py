"""Explore, the first page: type a sentence, see its translation and the attention that made it."""

from __future__ import annotations

import html
from collections.abc import Callable
from functools import partial

import streamlit as st

from model.checkpoint import Checkpoint
from model.tasks import TRANSLATION
from model.trace import Kind, Trace
from viz import state
from viz.components.choices import (
    AUTO,
    View,
    choose_checkpoint,
    choose_display,
    choose_kind,
    choose_layer_and_head,
    choose_overlay,
    choose_row,
    choose_view,
    row_options,
    type_source,
)
from viz.components.head import head as head_component
from viz.components.links import Layout, links
from viz.components.overview import overview
from viz.look import Look
from viz.panels.atlas import atlas_panel
from viz.panels.decoder import decoder_panel
from viz.panels.export import export_panel
from viz.panels.forcing import DECODER, forcing_notice
from viz.picture import Display, Picture, picture
from viz.words import KIND_NAMES, describe_row, reading

WIDTHS = (5, 6)
# By the name on its button, what opens below the pictures.
PANELS: dict[str, Callable[[Look, Picture, Display], None]] = {
    DECODER: lambda look, shown, display: decoder_panel(look),
    "Atlas": lambda look, shown, display: atlas_panel(look),
    "Export": export_panel,
}
LAYOUTS: dict[View, Layout] = {"Lines": "columns", "Lines across": "lines", "Text": "text"}
STYLE = """<style>
.stMainBlockContainer { padding-top: 4rem; padding-bottom: 2rem; }
h1.headlight { font-size: 1.75rem; line-height: 1.2; padding: 0; }
h1.headlight small { font-size: 1rem; font-weight: 400; opacity: 0.7; }
.st-key-translation label { font-size: 0.875rem; }
.st-key-translation .target {
  font-size: 1.3rem; line-height: 1.3; min-height: 2.6em; margin: 0; overflow-wrap: anywhere;
}
.st-key-words { min-height: 5.5rem; }
.st-key-words p { margin: 0 0 0.3rem; }
</style>"""
TITLE = '<h1 class="headlight">Headlight <small>See what a Transformer pays attention to, while you type.</small></h1>'


def page() -> None:
    """The whole page. What a keystroke changes is a fragment of its own, with as few elements as can be:
    the browser builds each of them anew at each keystroke."""
    state.whole_page_shows_head()
    st.html(STYLE)
    left, right = st.columns(WIDTHS, gap="medium", vertical_alignment="bottom")
    left.html(TITLE)
    with right:
        opened = choose_checkpoint()
    if opened is None:
        return
    left, right = st.columns(WIDTHS, gap="medium", vertical_alignment="bottom")
    example = state.trace(opened, state.example(opened))
    with left:
        kind = choose_kind(opened, example)
    with right, st.container(horizontal=True, vertical_alignment="bottom"):
        layer, head = choose_layer_and_head(opened, example, example.map(kind))
        view = choose_view()
        display = choose_display()
    _live(opened, kind, layer, head, view, display)


@st.fragment
def _live(opened: Checkpoint, kind: Kind, layer: int, head: int, view: View, display: Display) -> None:
    """What changes with every keystroke."""
    state.show_head_on_whole_page()
    left, right = st.columns(WIDTHS, gap="medium")
    with left:
        forced = state.forced(opened)
        trace = type_source(opened, forced, to_address=False)
        _translation(opened, trace)
        forcing_notice(opened, trace, forced)
    with right:
        row = choose_row(trace.map(kind), layer, head)
    look = Look(opened=opened, trace=trace, kind=kind, layer=layer, head=head, row=row)
    shown = picture(look.attention_map, rows=display.rows, words=display.words, special=display.special)
    with left:
        _overview(look, shown, display)
    with right:
        _head(look, shown, view, display)
    _panel(look, shown, display)


def _overview(look: Look, shown: Picture, display: Display) -> None:
    """All heads at a glance."""
    with st.container(key="overview"):
        overview(
            shown,
            look.layer,
            look.head,
            scale=display.scale,
            each_head=display.each_head,
            means=display.means,
            theme=state.theme(),
            key=state.OVERVIEW,
            on_choose=state.head_clicked,
        )


def _head(look: Look, shown: Picture, view: View, display: Display) -> None:
    """The chosen head in words, and large."""
    row = shown.row_of(look.row)
    where = f"{KIND_NAMES[look.kind]}, layer {look.layer + 1}, head {look.head + 1}."
    said = _says(shown, look.layer, look.head, row)
    notes = "".join(f" <strong>Note:</strong> {note}." for note in shown.notes)
    with st.container(key="words"):
        st.html(f"<p><strong>{where}</strong> {html.escape(said)}</p><p>{reading(look.kind, display.rows)}{notes}</p>")
    names = row_options(look.attention_map)
    options = [names[places[0]] for places in shown.row_places]
    address = state.source_address(look.opened)
    with st.container(key="head"):
        if view == "Heatmap":
            head_component(
                shown,
                look.layer,
                look.head,
                pinned=row,
                scale=display.scale,
                description=f"{where} {said}",
                theme=state.theme(),
                address=address,
                key=state.HEAD,
                on_pin=partial(state.row_clicked, state.HEAD, options, AUTO),
            )
        else:
            several = view != "Text" and shown.pattern.shape[1] > 1
            links(
                shown,
                look.layer,
                choose_overlay(shown.pattern.shape[1], look.head) if several else [look.head],
                layout=LAYOUTS[view],
                pinned=row,
                theme=state.theme(),
                address=address,
                key=state.LINKS,
                on_pin=partial(state.row_clicked, state.LINKS, options, AUTO),
            )


def _says(shown: Picture, layer: int, head: int, row: int | None) -> str:
    """The row to explain, in words."""
    if row is None:
        return "The row to explain is hidden with the special tokens; click another one."
    return describe_row(shown, layer, head, row)


def _panel(look: Look, shown: Picture, display: Display) -> None:
    """What a person opens below the pictures."""
    name = st.segmented_control(
        "Go further", list(PANELS), key="panel", bind="query-params", label_visibility="collapsed"
    )
    if name is not None:
        with st.container(key="panel_body"):
            PANELS[name](look, shown, display)


def _translation(opened: Checkpoint, trace: Trace) -> None:
    with st.container(key="translation"):
        label = "Translation" if opened.task == TRANSLATION else f"Output of the task {opened.task}"
        st.html(f'<label>{label}</label><p class="target">{html.escape(trace.target) or "&nbsp;"}</p>')
