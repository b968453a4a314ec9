"""The parameters of the address: what a link restores, and what goes along from page to page."""

from __future__ import annotations

from urllib.parse import urlencode

import streamlit as st
from streamlit.navigation.page import StreamlitPage

from model.checkpoint import Checkpoint
from model.text.tasks import TASKS
from model.trace import Trace
from viz.look.choice import AUTO
from viz.look.forcing import OWN, Forcing
from viz.state import opening
from viz.state.session import visitor

CHOICES = ("checkpoint", "source", "kind", "layer_number", "head_number", "token")
"""Keys of the widgets that several pages have."""
FORCING = ("decoder_mode", "prefix", "tokens", "target")
"""Keys of what the decoder is made to write; a link to a view has them only where something is."""
OVERLAY, ZOOM = "overlay", "zoom"
"""Keys of what is chosen by a click in the pictures, as text; see :mod:`viz.state.clicked`."""
SETTLE_SECONDS = 0.2  # after a page was drawn for the first time, before its choices get into the address


def show_page(page: StreamlitPage) -> None:
    """Draw a page. If it is another one than before, what was chosen there is chosen here too, and in the address.

    A widget belongs to its page. Streamlit hands its value to the widget with the same key on another page only
    once that was drawn with its default, so the values are set before; and it gets into the address only
    when the page is drawn again. (After Back and Forward in the browser, the address decides.)
    """
    switched = visitor().page not in (None, page.url_path)
    visitor().page = page.url_path
    carried = [key for key in (*CHOICES, *FORCING) if switched and key in st.session_state]
    for key in carried:
        st.session_state[key] = st.session_state[key]
    page.run()
    if carried:
        visitor().arriving = True
        _draw_again()


@st.fragment(run_every=SETTLE_SECONDS)
def _draw_again() -> None:
    """Soon after the page was drawn, not in the same run: only what a run ends with is kept."""
    if not visitor().arriving:
        st.rerun()
    visitor().arriving = False


def choose_checkpoint(name: str) -> None:
    """Open another checkpoint; only from a callback, before the page is drawn."""
    st.session_state["checkpoint"] = name
    checkpoint_changed()


def query(kind: str) -> str:
    """The end of a link to what is on show, from its "?". It says which checkpoint, text, ``kind`` of attention
    (as its button does), layer and head even where they are the first choice, which may be another elsewhere."""
    chosen = {key: str(st.session_state[key]) for key in CHOICES if key in st.session_state}
    if chosen.get("token") == AUTO:
        del chosen["token"]
    clicked = {key: st.session_state.get(key, "") for key in (OVERLAY, ZOOM)}
    said = {**st.query_params.to_dict(), **chosen, **clicked, "kind": kind}
    return "?" + urlencode({key: text for key, text in said.items() if text or key not in clicked})


def address() -> str:
    """Where this page is, without a query."""
    return (st.context.url or "").partition("?")[0]


def begin_source(opened: Checkpoint) -> str:
    """Before the text field, which is not bound to the address: its first text is the link's, else the one that
    was typed on the page before, else the example."""
    if "source" not in st.session_state:
        typed = visitor().source
        st.session_state["source"] = st.query_params.get("source", opening.example(opened) if typed is None else typed)
    return st.session_state["source"]


def source() -> str:
    """What stands in the text field."""
    return st.session_state["source"]


def keep_source() -> None:
    """After the text field: keep its text for the next page, where the field is another one."""
    visitor().source = st.session_state["source"]


def write_source(opened: Checkpoint) -> None:
    """Write the text into the address now; the example is left out of it."""
    text = st.session_state["source"]
    if text == opening.example(opened):
        st.query_params.pop("source", None)
    else:
        st.query_params["source"] = text


def asked_checkpoint() -> str | None:
    """The checkpoint that the link asks for, whether it is there or not."""
    return st.query_params.get("checkpoint")


def file_dropped() -> None:
    """A checkpoint file was dropped on the page, or taken away: open it and choose it, or say what is wrong."""
    dropped = st.session_state["file"]
    if dropped is None:
        opening.forget_file_error()
    elif (name := opening.open_dropped(dropped.name, dropped.getvalue())) is not None:
        choose_checkpoint(name)


def typed_trace(opened: Checkpoint, forced: Forcing) -> Trace:
    """The trace of what is typed."""
    return opening.drafted_trace(visitor(), opened, forced, begin_source(opened))


def checkpoint_changed() -> None:
    """Another checkpoint: its own first head is shown, and an example nobody changed gives way to its own."""
    examples = {opening.EXAMPLE_SENTENCE, *(task.example for task in TASKS.values())}
    stale = ("layer_number", "head_number", *(["source"] if st.session_state.get("source") in examples else []))
    if "source" in stale:
        visitor().source = None
    for key in stale:
        st.session_state.pop(key, None)
    first = {"token": AUTO, ZOOM: "", "decoder_mode": OWN, "prefix": "", "tokens": "", "target": "", "step": 1}
    for key, value in first.items():
        if key in st.session_state:
            st.session_state[key] = value


def choose_elsewhere(name: str) -> None:
    """The pages that show a checkpoint shall open with this one, and with what its link says besides."""
    for key in (*CHOICES, OVERLAY, ZOOM):
        st.session_state.pop(key, None)
    visitor().source = None
    st.session_state["checkpoint"] = name


def kind_changed(opened: Checkpoint) -> None:
    """Another kind of attention has other heads, rows and columns: show the head that says most, and all of it."""
    st.session_state[ZOOM] = ""
    show_head(*opening.first_head(opened, st.session_state["kind"]))


def show_head(layer: int, head: int) -> None:
    """Show a head, from 0; only from a callback, before the page is drawn."""
    st.session_state["layer_number"], st.session_state["head_number"] = layer + 1, head + 1


def asked(key: str, default: str = "") -> str:
    """What a widget says that stands further down on the page; on the first run only the link knows."""
    return st.session_state.get(key, st.query_params.get(key)) or default


def show_chapter(number: int) -> None:
    """Open a chapter of the Guide, from 1."""
    st.session_state["chapter"] = number
