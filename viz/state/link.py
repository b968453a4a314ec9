"""The parameters of the address: what a link restores, and what goes along from page to page."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from urllib.parse import urlencode

import streamlit as st
from streamlit.navigation.page import StreamlitPage
from streamlit.runtime.scriptrunner import get_script_run_ctx

from model.checkpoint import Checkpoint
from model.network.capabilities import Capability
from model.trace import Trace
from viz.look.choice import AUTO
from viz.look.forcing import Forcing
from viz.state import opening, tracing
from viz.state.session import visitor


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """A parameter of the link that the state has to know, beyond the widget that has its key.

    Pages that carry its ``group`` (:data:`viz.pages.PAGES`) go on with it; ``bound`` that on every page that has it
    a widget writes it into the address, ``typed`` that it stands in a text field.
    """

    key: str
    group: str | None = None
    bound: bool = True
    typed: bool = False


PARAMETERS = (
    Parameter(key="checkpoint", group="head"),
    Parameter(key="source", group="head", bound=False, typed=True),
    Parameter(key="kind", group="head"),
    Parameter(key="layer_number", group="head"),
    Parameter(key="head_number", group="head"),
    Parameter(key="token", group="head", bound=False),
    Parameter(key="decoder_mode", group="forcing"),
    Parameter(key="prefix", group="forcing", typed=True),
    Parameter(key="tokens", group="forcing", typed=True),
    Parameter(key="target", group="forcing", typed=True),
    Parameter(key="more", group="forcing"),
    Parameter(key="second", group="forcing", typed=True),
    Parameter(key="together", bound=False),
    Parameter(key="overlay", bound=False),
    Parameter(key="zoom", bound=False),
    Parameter(key="mean", bound=False),
    Parameter(key="text", bound=False, typed=True),
    Parameter(key="string", typed=True),
    Parameter(key="reference", typed=True),
    Parameter(key="presentation", bound=False),
    Parameter(key="controls", bound=False),
)
GROUPS = {
    group: tuple(one.key for one in PARAMETERS if one.group == group)
    for group in dict.fromkeys(one.group for one in PARAMETERS if one.group)
}
CHOICES = GROUPS["head"]
TYPED = tuple(one.key for one in PARAMETERS if one.typed)
UNBOUND = tuple(one.key for one in PARAMETERS if not one.bound)
TOGETHER, OVERLAY, ZOOM, MEAN = "together", "overlay", "zoom", "mean"
CLICKED = (TOGETHER, OVERLAY, ZOOM, MEAN)
"""Keys of what is chosen by a click in the pictures, as text; see :mod:`viz.state.clicked`."""
LONGEST = 10_000
"""Characters of a text: more than any model here reads, and about as many as an address can hold."""
SETTLE_SECONDS = 0.2  # after a page was drawn for the first time, before its choices get into the address


def show_page(page: StreamlitPage, carries: Collection[str]) -> None:
    """Draw a page. If it is another one than before, what was chosen there is chosen here too, and, of the groups of
    parameters that it ``carries``, in the address.

    A widget belongs to its page. Streamlit hands its value to the widget with the same key on another page only
    once that was drawn with its default, so the values are set before; and it gets into the address only
    when the page is drawn again.
    """
    arrived_by_history = _by_history()
    switched = visitor().page not in (None, page.url_path) and not arrived_by_history
    if visitor().page != page.url_path or arrived_by_history:
        visitor().by_link, visitor().chapter = not switched, None
    visitor().loading = visitor().page != page.url_path
    visitor().page = page.url_path
    if arrived_by_history:
        _forget(UNBOUND)
    _write_one_line()
    _shorten()
    kept = [key for group in GROUPS.values() for key in group if switched and key in st.session_state]
    for key in kept:
        st.session_state[key] = st.session_state[key]
    page.run()
    visitor().loading = False
    if any(key in kept for group in carries for key in GROUPS[group]):
        visitor().arriving = True
        _draw_again()


def _by_history() -> bool:
    """Whether this run is one of Back or Forward in the browser: then the address decides."""
    context = get_script_run_ctx()
    return context is not None and context.is_history_navigation


def _forget(keys: Iterable[str]) -> None:
    """From now on the address decides what they are."""
    for key in keys:
        st.session_state.pop(key, None)
    visitor().source = None


def _write_one_line() -> None:
    """A text field has one line, and its browser leaves out line breaks: where a link brings some, each becomes a
    space before anybody reads it, so that field, model and address hold the same text."""
    broken = {key: text for key in TYPED if (text := st.query_params.get(key, "")) != one_line(text)}
    for key, text in broken.items():
        st.query_params[key] = one_line(text)
    if broken:
        st.rerun()  # a widget that is bound to the address has read it already


def _shorten() -> None:
    """Before the text fields: a text without end would keep everybody else waiting, too."""
    for key in TYPED:
        if len(text := st.session_state.get(key) or "") > LONGEST:
            st.session_state[key] = text[:LONGEST]
            st.toast(
                f"A text has at most {LONGEST:,} characters here. The other {len(text) - LONGEST:,} were left out."
            )


def one_line(text: str) -> str:
    """A text without line breaks of any kind."""
    return " ".join(text.splitlines())


@st.fragment(run_every=SETTLE_SECONDS)
def _draw_again() -> None:
    """Soon after the page was drawn, not in the same run: only what a run ends with is kept."""
    if not visitor().arriving:
        st.rerun()
    visitor().arriving = False


def query(kind: str) -> str:
    """The end of a link to what is on show, from its "?". It says which checkpoint, text, ``kind`` of attention
    (as its button does), layer and head even where they are the first choice, which may be another elsewhere."""
    chosen = {key: str(st.session_state[key]) for key in CHOICES if key in st.session_state}
    if chosen.get("token") == AUTO:
        del chosen["token"]
    clicked = {key: st.session_state.get(key, "") for key in CLICKED}
    said = {**st.query_params.to_dict(), **chosen, **clicked, "kind": kind}
    return "?" + urlencode({key: text for key, text in said.items() if text or key not in clicked})


def here() -> str:
    """The end of this address, from its "?"."""
    return "?" + urlencode(st.query_params.to_dict())


def address() -> str:
    """Where this page is, without a query."""
    return (st.context.url or "").partition("?")[0]


def begin_text(key: str, first: str) -> None:
    """Before a text field that is not bound to the address: what it says is the link's, or ``first``."""
    if key not in st.session_state:
        st.session_state[key] = st.query_params.get(key, first)


def write_text(key: str, first: str) -> None:
    """After such a field: write its text into the address; ``first`` is left out of it."""
    text = st.session_state[key]
    if text == first:
        st.query_params.pop(key, None)
    else:
        st.query_params[key] = text


def begin_source(opened: Checkpoint) -> None:
    """:func:`begin_text` for the sentence: what was typed on the page before goes before the example."""
    if Capability.TYPING not in opened.model.can:  # its own text stands there, and what was typed waits
        st.session_state["source"] = visitor().shown = opening.example(opened)
        return
    typed = visitor().source
    begin_text("source", opening.example(opened) if typed is None else typed)
    _shorten()


def source() -> str:
    """What stands in the text field."""
    return st.session_state["source"]


def keep_source() -> None:
    """After the text field: keep its text for the next page, where the field is another one."""
    if source() != visitor().shown:
        visitor().source = source()


def write_source(opened: Checkpoint) -> None:
    """:func:`write_text` for the sentence."""
    write_text("source", opening.example(opened))


def asked_checkpoint() -> str | None:
    """The checkpoint that the link asks for, or the one on show, which a link may leave out; there or not."""
    return st.query_params.get("checkpoint") or st.session_state.get("checkpoint")


def typed_trace(opened: Checkpoint, forced: Forcing) -> Trace:
    """The trace of what is typed, after :func:`begin_source`."""
    return tracing.typed_traces(opened, [tracing.Typed(visitor(), forced, source())])[0]


def asked(key: str, default: str = "") -> str:
    """What was chosen, as text, also where the widget stands further down on the page; on the first run only the link
    knows."""
    chosen = st.session_state[key] if key in st.session_state else ",".join(st.query_params.get_all(key))
    return default if chosen in (None, "") else str(chosen)
