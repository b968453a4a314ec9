"""Explore, the first page: type a sentence, see its translation and the attention that made it."""

from __future__ import annotations

import html
from collections.abc import Callable
from functools import partial

import streamlit as st

from model.checkpoint import Checkpoint
from model.tasks import TRANSLATION
from model.trace import Kind, Trace
from viz import decoding, state
from viz.components.choices import (
    View,
    choose_checkpoint,
    choose_display,
    choose_kind,
    choose_layer_and_head,
    choose_overlay,
    choose_view,
    left_out_notice,
    pinned_row,
    row_options,
    type_source,
)
from viz.components.head import head_data
from viz.components.links import Layout, links_data
from viz.components.overview import overview_data
from viz.components.pictures import pictures
from viz.look import Look
from viz.panels.atlas import atlas_panel
from viz.panels.decoder import decoder_panel
from viz.panels.export import export_panel
from viz.panels.forcing import forcing_notice
from viz.picture import Display, Picture, picture
from viz.words import KIND_NAMES, describe_row, reading

WIDTHS = (5, 6)
DECODER = "Decoder"
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
.st-key-texts { display: grid; grid-template-columns: minmax(0, 5fr) minmax(0, 6fr); gap: 0 2rem; }
@media (max-width: 640px) { .st-key-texts { grid-template-columns: minmax(0, 1fr); } }
.st-key-translation label { font-size: 0.875rem; }
.st-key-translation .target {
  font-size: 1.3rem; line-height: 1.3; min-height: 2.6em; margin: 0; overflow-wrap: anywhere;
}
</style>"""
TITLE = '<h1 class="headlight">Headlight <small>See what a Transformer pays attention to, while you type.</small></h1>'


def page() -> None:
    """The whole page. What a keystroke changes is a fragment of its own, with as few elements as can be:
    the browser builds each of them anew at each keystroke."""
    state.whole_page_drawn()
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
    if not state.asked("panel"):
        _choose_panel()


@st.fragment
def _live(opened: Checkpoint, kind: Kind, layer: int, head: int, view: View, display: Display) -> None:
    """What changes with every keystroke."""
    state.draw_whole_page_if_stale()
    forced = decoding.forced(opened)
    state.typed_trace(opened, forced)  # before anything is sent, so that the browser draws once
    with st.container(key="texts"):
        trace = type_source(opened, forced, to_address=False)
        _translation(opened, trace)
    left_out_notice(trace)
    forcing_notice(opened, trace, forced, chosen_below=state.asked("panel") == DECODER)
    look = Look(
        opened=opened, trace=trace, kind=kind, layer=layer, head=head, row=pinned_row(trace.map(kind), layer, head)
    )
    shown = picture(look.attention_map, rows=display.rows, words=display.words, special=display.special)
    _pictures(look, shown, view, display)
    if state.asked("panel") and (name := _choose_panel()) is not None:
        with st.container(key="panel_body"):
            PANELS[name](look, shown, display)


def _pictures(look: Look, shown: Picture, view: View, display: Display) -> None:
    """All heads at a glance, and the chosen one in words and large."""
    theme, addresses = state.theme(), [state.source_address(look.opened), state.pinned_address()]
    row = shown.row_of(look.row)
    where = f"{KIND_NAMES[look.kind]}, layer {look.layer + 1}, head {look.head + 1}."
    said = _says(shown, look.layer, look.head, row)
    overview = overview_data(
        shown,
        look.layer,
        look.head,
        scale=display.scale,
        each_head=display.each_head,
        means=display.means,
        theme=theme,
    )
    head = links = None
    if view == "Heatmap":
        head = head_data(
            shown,
            look.layer,
            look.head,
            pinned=row,
            scale=display.scale,
            description=f"{where} {said}",
            theme=theme,
            addresses=addresses,
        )
    else:
        several = view != "Text" and shown.pattern.shape[1] > 1
        heads = choose_overlay(shown.pattern.shape[1], look.head) if several else [look.head]
        links = links_data(shown, look.layer, heads, layout=LAYOUTS[view], pinned=row, theme=theme, addresses=addresses)
    names = row_options(look.attention_map)
    options = [names[places[0]] for places in shown.row_places]
    notes = "".join(f" <strong>Note:</strong> {note}." for note in shown.notes)
    how = f"{reading(look.kind, display.rows, drawn=view == 'Heatmap')}{notes}"
    pictures(
        overview,
        f"<p><strong>{where}</strong> {html.escape(said)}</p><p>{how}</p>",
        head=head,
        links=links,
        key=state.PICTURES,
        on_choose=state.head_clicked,
        on_pin=partial(state.row_clicked, options),
    )


def _says(shown: Picture, layer: int, head: int, row: int | None) -> str:
    """The row to explain, in words."""
    if row is None:
        return "The row to explain is hidden with the special tokens; click another one."
    return describe_row(shown, layer, head, row)


def _choose_panel() -> str | None:
    """What a person opens below the pictures; while none is open, the buttons are no part of what a keystroke draws."""
    return st.segmented_control(
        "Go further",
        list(PANELS),
        key="panel",
        bind="query-params",
        label_visibility="collapsed",
        on_change=state.panel_chosen,
    )


def _translation(opened: Checkpoint, trace: Trace) -> None:
    with st.container(key="translation"):
        label = "Translation" if opened.task == TRANSLATION else f"Output of the task {opened.task}"
        st.html(f'<label>{label}</label><p class="target">{html.escape(trace.target) or "&nbsp;"}</p>')
