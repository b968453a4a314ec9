"""Explore, the first page: type a sentence, see its translation and the attention that made it."""

from __future__ import annotations

import html
from collections.abc import Callable

import streamlit as st

from model.checkpoint import Checkpoint, CheckpointError
from model.tasks import TRANSLATION
from model.trace import AttentionMap, Kind, Trace
from viz import state
from viz.attention import head_heatmap, row_tokens
from viz.choice import first_kind, telling_row
from viz.components.overview import overview
from viz.look import Look
from viz.theme import show_token
from viz.words import KIND_NAMES, SHORT_KIND_NAMES, describe_row, reading

AUTO = "most telling"
WIDTHS = (5, 6)
PANELS: dict[str, Callable[[Look], None]] = {}  # by the name on its button, what opens below the pictures
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
        opened = _choose_checkpoint()
    if opened is not None:
        _live(opened)


def _choose_checkpoint() -> Checkpoint | None:
    """The checkpoint to look at: one of the server's, or a file dropped here."""
    names = state.checkpoint_names()
    asked = state.asked_checkpoint()
    with st.container(horizontal=True, vertical_alignment="bottom"):
        name = st.selectbox(
            "Checkpoint",
            names,
            key="checkpoint",
            bind="query-params",
            on_change=state.checkpoint_changed,
            placeholder="There is none yet",
        )
        with st.popover("Open a file", icon=":material/upload_file:"):
            st.file_uploader("Checkpoint file", type="safetensors", key="file", on_change=state.file_dropped)
            st.caption("`best.safetensors` of a run folder, as `python -m model train` writes it.")
    if message := state.file_error():
        st.error(message)
    if name is None:
        st.info("There is no checkpoint yet. Train one: `python -m model train --task reverse --out runs/reverse`")
        return None
    if asked is not None and asked not in names:
        st.warning(f"The checkpoint “{asked}” of this link is not on this server; this is “{name}”.")
    try:
        return state.open_checkpoint(name)
    except CheckpointError as error:
        st.error(f"This checkpoint cannot be opened. {error}")
        return None


@st.fragment
def _live(opened: Checkpoint) -> None:
    """What changes with every keystroke and every choice."""
    typed, translated = st.columns(WIDTHS, gap="medium")
    with typed:
        source = st.text_input(
            "Source sentence",
            state.example(opened),
            key="source",
            live="0ms",
            bind="query-params",
            placeholder="Nothing typed: the model reads only </s>",
        )
        trace = state.trace(opened, source)
        _notes(trace)
    with translated:
        _translation(opened, trace)

    left, right = st.columns(WIDTHS, gap="medium")
    with left:
        kind = _choose_kind(opened, trace)
    with right:
        layer, head, row = _choose_head(opened, trace, trace.map(kind))
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


def _notes(trace: Trace) -> None:
    if trace.source_dropped:
        st.warning(
            f"This model reads at most {len(trace.map('encoder').key_tokens)} tokens: the last {trace.source_dropped} "
            f"of your text are left out. It read: {_plain(trace.source)}"
        )


def _choose_kind(opened: Checkpoint, trace: Trace) -> Kind:
    return st.segmented_control(
        "Attention",
        trace.kinds,
        format_func=SHORT_KIND_NAMES.__getitem__,
        default=first_kind(trace),
        required=True,
        key="kind",
        bind="query-params",
        on_change=state.kind_changed,
        args=(opened,),
        width="stretch",
    )


def _choose_head(opened: Checkpoint, trace: Trace, attention_map: AttentionMap) -> tuple[int, int, int]:
    """The layer, head and row on show, from 0; on screen they count from 1."""
    # The same for all kinds: what a link leaves out must not depend on what it says.
    first_layer, first_head = state.first_head(opened, first_kind(trace))
    with st.container(horizontal=True):
        layer = _choose_number("Layer", "layer_number", attention_map.n_layers, first_layer)
        head = _choose_number("Head", "head_number", attention_map.n_heads, first_head)
        rows = row_tokens(attention_map)
        names = [AUTO, *(f"{position} {show_token(token)}" for position, token in enumerate(rows, start=1))]
        asked = st.selectbox("Row to explain", names, key="token", bind="query-params")
    row = telling_row(attention_map, layer, head) if asked == AUTO else names.index(asked) - 1
    return layer, head, row


def _choose_number(label: str, key: str, n: int, first: int) -> int:
    return st.selectbox(label, list(range(1, n + 1)), index=first, key=key, bind="query-params", width=88) - 1


def _words(attention_map: AttentionMap, layer: int, head: int, row: int) -> str:
    where = f"**{KIND_NAMES[attention_map.kind]}, layer {layer + 1}, head {head + 1}.**"
    return f"{where} {_plain(describe_row(attention_map, layer, head, row))}\n\n{reading(attention_map.kind)}"


def _plain(text: str) -> str:
    """Text that Markdown shows letter for letter."""
    return "".join(f"&#{ord(c)};" if c.isascii() and not c.isalnum() and c not in " .,()" else c for c in text)
