"""Explore, the first page: type a sentence, see its translation and the attention that made it."""

from __future__ import annotations

import html
from collections.abc import Callable
from functools import partial

import streamlit as st

from model.checkpoint import Checkpoint
from model.tasks import TRANSLATION
from model.trace import Trace
from viz import state
from viz.components.choices import (
    choose_checkpoint,
    choose_display,
    choose_head,
    choose_kind,
    row_options,
    type_source,
)
from viz.components.head import head as head_component
from viz.components.overview import overview
from viz.look import Look
from viz.panels.atlas import atlas_panel
from viz.panels.decoder import decoder_panel
from viz.panels.forcing import DECODER, forcing_notice
from viz.picture import Display, Picture, picture
from viz.theme import for_markdown
from viz.words import KIND_NAMES, describe_row, reading

WIDTHS = (5, 6)
# By the name on its button, what opens below the pictures.
PANELS: dict[str, Callable[[Look], None]] = {DECODER: decoder_panel, "Atlas": atlas_panel}
STYLE = """<style>
.stMainBlockContainer { padding-top: 2.5rem; padding-bottom: 2rem; }
h1.headlight { font-size: 1.75rem; line-height: 1.2; padding: 0; }
h1.headlight small { font-size: 1rem; font-weight: 400; opacity: 0.7; }
.st-key-translation { min-height: 6.25rem; }
.st-key-translation label { font-size: 0.875rem; }
.st-key-translation .target {
  font-size: 1.35rem; line-height: 1.3; min-height: 2.6em; margin: 0; overflow-wrap: anywhere;
}
.st-key-words { min-height: 5.5rem; }
.st-key-words p { margin-bottom: 0.3rem; }
</style>"""
TITLE = '<h1 class="headlight">Headlight <small>See what a Transformer pays attention to, while you type.</small></h1>'


def page() -> None:
    """The whole page; what a keystroke changes is a fragment of its own."""
    st.html(STYLE)
    left, right = st.columns(WIDTHS, gap="medium", vertical_alignment="bottom")
    left.html(TITLE)
    with right:
        opened = choose_checkpoint()
        display = choose_display()
    if opened is not None:
        _live(opened, display)


@st.fragment
def _live(opened: Checkpoint, display: Display) -> None:
    """What changes with every keystroke and every choice."""
    typed, translated = st.columns(WIDTHS, gap="medium")
    with typed:
        forced = state.forced(opened)
        trace = type_source(opened, forced)
    with translated:
        _translation(opened, trace)
        forcing_notice(opened, trace, forced)

    left, right = st.columns(WIDTHS, gap="medium")
    with left:
        kind = choose_kind(opened, trace)
    with right:
        layer, head, row = choose_head(opened, trace, trace.map(kind))
    look = Look(opened=opened, trace=trace, kind=kind, layer=layer, head=head, row=row)
    _pictures(look, display)
    _panel(look)


def _pictures(look: Look, display: Display) -> None:
    """All heads at a glance, and the chosen one large and in words."""
    layer, head, theme = look.layer, look.head, state.theme()
    shown = picture(look.attention_map, rows=display.rows, words=display.words, special=display.special)
    row = shown.row_of(look.row)
    said = _says(shown, layer, head, row)
    options = row_options(look.attention_map)

    left, right = st.columns(WIDTHS, gap="medium")
    with right:
        with st.container(key="words"):
            where = f"**{KIND_NAMES[look.kind]}, layer {layer + 1}, head {head + 1}.**"
            st.markdown(f"{where} {for_markdown(said)}\n\n{reading(look.kind, display.rows)}{_notes(shown)}")
        with st.container(key="head"):
            head_component(
                shown,
                layer,
                head,
                pinned=row,
                scale=display.scale,
                description=f"{KIND_NAMES[look.kind]}, layer {layer + 1}, head {head + 1}. {said}",
                theme=theme,
                key=state.HEAD,
                on_pin=partial(state.row_clicked, [options[places[0]] for places in shown.row_places]),
            )
    with left, st.container(key="overview"):
        overview(
            shown,
            layer,
            head,
            scale=display.scale,
            each_head=display.each_head,
            means=display.means,
            theme=theme,
            key=state.OVERVIEW,
            on_choose=state.head_clicked,
        )
        st.caption("Every layer (L) and head (H). Click one to see it large.")


def _says(shown: Picture, layer: int, head: int, row: int | None) -> str:
    """The row to explain, in words."""
    if row is None:
        return "The row to explain is hidden with the special tokens; click another one."
    return describe_row(shown, layer, head, row)


def _notes(shown: Picture) -> str:
    return "".join(f" **Note:** {note}." for note in shown.notes)


def _panel(look: Look) -> None:
    """What a person opens below the pictures."""
    if not PANELS:
        return
    name = st.segmented_control(
        "Go further", list(PANELS), key="panel", bind="query-params", label_visibility="collapsed"
    )
    if name is not None:
        with st.container(key="panel_body"):
            PANELS[name](look)


def _translation(opened: Checkpoint, trace: Trace) -> None:
    with st.container(key="translation"):
        label = "Translation" if opened.task == TRANSLATION else f"Output of the task {opened.task}"
        st.html(f'<label>{label}</label><p class="target">{html.escape(trace.target) or "&nbsp;"}</p>')
