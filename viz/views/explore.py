"""Explore, the first page: type a sentence, see its translation and the attention that made it."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from model.checkpoint import Checkpoint
from model.trace import Kind
from viz import decoding, live, state
from viz.choice import row_options
from viz.components.choices import (
    choose_checkpoint,
    choose_display,
    choose_kind,
    choose_layer_and_head,
    choose_overlay,
    choose_view,
    left_out_notice,
    type_source,
)
from viz.components.pictures import OUTPUT, pictures, pictures_data
from viz.look import Chosen, Look, View
from viz.panels.atlas import atlas_panel
from viz.panels.decoder import decoder_panel
from viz.panels.export import export_panel
from viz.panels.forcing import forcing_notice
from viz.picture import Display, Picture, displayed

WIDTHS = (5, 6)
DECODER = "Decoder"
# By the name on its button, what opens below the pictures.
PANELS: dict[str, Callable[[Look, Picture, Display], None]] = {
    DECODER: lambda look, shown, display: decoder_panel(look),
    "Atlas": lambda look, shown, display: atlas_panel(look),
    "Export": export_panel,
}
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
    """What changes with the text. The pictures are ahead of it while someone types; see :mod:`viz.live`."""
    state.draw_whole_page_if_stale()
    forced = decoding.forced(opened)
    state.typed_trace(opened, forced)  # before anything is sent, so that the browser draws once
    with st.container(key="texts"):
        trace = type_source(opened, forced, followed=True)
        st.container(key="translation").html(OUTPUT)
    left_out_notice(trace)
    forcing_notice(opened, trace, forced, chosen_below=state.asked("panel") == DECODER)
    n_heads = trace.map(kind).n_heads
    several = view in ("Lines", "Lines across") and n_heads > 1
    chosen = Chosen(
        opened=opened,
        forced=forced,
        kind=kind,
        layer=layer,
        head=head,
        row_name=state.pinned(row_options(trace.map(kind))),
        view=view,
        overlay=tuple(choose_overlay(n_heads, head)) if several else (head,),
        display=display,
        theme=state.theme(),
    )
    look = chosen.look(trace)
    pictures(
        pictures_data(chosen, look, state.source()),
        follow=live.follow(chosen),
        on_choose=state.head_clicked,
        on_pin=state.row_clicked,
    )
    if state.asked("panel") and (name := _choose_panel()) is not None:
        with st.container(key="panel_body"):
            PANELS[name](look, displayed(look.attention_map, display), display)


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
