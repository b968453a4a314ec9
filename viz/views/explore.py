"""Explore, the first page: type a sentence, see its translation and the attention that made it."""

from __future__ import annotations

import html
from collections.abc import Callable

import streamlit as st

from model.checkpoint import Checkpoint
from model.tasks import TRANSLATION
from model.trace import AttentionMap, Trace
from viz import state
from viz.attention import head_heatmap
from viz.components.choices import choose_checkpoint, choose_head, choose_kind, type_source
from viz.components.overview import overview
from viz.look import Look
from viz.panels.atlas import atlas_panel
from viz.theme import for_markdown
from viz.words import KIND_NAMES, describe_row, reading

WIDTHS = (5, 6)
# By the name on its button, what opens below the pictures.
PANELS: dict[str, Callable[[Look], None]] = {"Atlas": atlas_panel}
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
    if opened is not None:
        _live(opened)


@st.fragment
def _live(opened: Checkpoint) -> None:
    """What changes with every keystroke and every choice."""
    typed, translated = st.columns(WIDTHS, gap="medium")
    with typed:
        trace = type_source(opened)
    with translated:
        _translation(opened, trace)

    left, right = st.columns(WIDTHS, gap="medium")
    with left:
        kind = choose_kind(opened, trace)
    with right:
        layer, head, row = choose_head(opened, trace, trace.map(kind))
    look = Look(opened=opened, trace=trace, kind=kind, layer=layer, head=head, row=row)
    _pictures(look)
    _panel(look)


def _pictures(look: Look) -> None:
    """All heads at a glance, and the chosen one large and in words."""
    attention_map, layer, head, row = look.attention_map, look.layer, look.head, look.row

    left, right = st.columns(WIDTHS, gap="medium")
    # The head first: its chart takes the browser longest, and draws while the rest is sent.
    with right:
        with st.container(key="words"):
            st.markdown(_words(attention_map, layer, head, row))
        with st.container(key="head"):
            figure = head_heatmap(attention_map, layer, head, pinned=row, theme=state.theme())
            st.plotly_chart(figure, theme=None, config={"displaylogo": False, "displayModeBar": False})
    with left, st.container(key="overview"):
        overview(attention_map, layer, head, theme=state.theme(), key=state.OVERVIEW, on_choose=state.head_clicked)
        st.caption("Every layer and head. Click one to see it large.")


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


def _words(attention_map: AttentionMap, layer: int, head: int, row: int) -> str:
    where = f"**{KIND_NAMES[attention_map.kind]}, layer {layer + 1}, head {head + 1}.**"
    return f"{where} {for_markdown(describe_row(attention_map, layer, head, row))}\n\n{reading(attention_map.kind)}"
