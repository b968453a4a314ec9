"""What choosing one thing does to what else is chosen: another checkpoint has other heads, another text has other rows.

Most of it is called by widgets, before the page is drawn anew.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import streamlit as st

from model.checkpoint import Checkpoint
from viz.look.choice import AUTO, option_named
from viz.look.forcing import OWN
from viz.look.picture import layer_number
from viz.state import opening
from viz.state.link import CHOICES, CLICKED, MEAN, TOGETHER, ZOOM, asked, source
from viz.state.session import visitor


def choose_checkpoint(name: str) -> None:
    """Open another checkpoint; only from a callback, before the page is drawn."""
    st.session_state["checkpoint"] = name
    checkpoint_changed()


def file_dropped() -> None:
    """A checkpoint file was dropped on the page, or taken away: open it and choose it, or say what is wrong."""
    dropped = st.session_state["file"]
    if dropped is None:
        opening.forget_file_error()
    elif (name := opening.open_dropped(dropped.name, dropped.getvalue())) is not None:
        choose_checkpoint(name)


def checkpoint_changed() -> None:
    """Another checkpoint: its own first head is shown, and an example nobody changed gives way to its own."""
    given = st.session_state.get("source") in opening.all_examples()
    shown = visitor().shown is not None  # the text of a recording, which was not typed
    stale = ("layer_number", "head_number", *(["source"] if given or shown else []))
    if given and not shown:
        visitor().source = None
    visitor().shown = None
    for key in stale:
        st.session_state.pop(key, None)
    _begin_anew()


def _begin_anew() -> None:
    """What was chosen for one text is let go: the row, the part in view, and what the model was made to write."""
    texts = dict.fromkeys((TOGETHER, ZOOM, MEAN, "prefix", "tokens", "target", "reference", "second"), "")
    first = {"token": AUTO, "decoder_mode": OWN, "step": 1, **texts}
    for key, value in first.items():
        if key in st.session_state:
            st.session_state[key] = value


def begin_examples(examples: Mapping[str, str]) -> None:
    """Before the buttons with the key "example": the one of what stands in the text field is chosen.

    Args:
        examples: the texts, by the names on the buttons.
    """
    st.session_state["example"] = next((name for name, text in examples.items() if text == source()), None)


def example_chosen(examples: Mapping[str, str]) -> None:
    """A click on one of those buttons: its text is typed; a click on the one that is chosen changes nothing."""
    if (name := st.session_state["example"]) is not None:
        st.session_state["source"] = visitor().source = examples[name]
        _begin_anew()


def type_source(text: str) -> None:
    """Type a text into the field; only from a callback, before the page is drawn."""
    st.session_state["source"] = visitor().source = text
    _begin_anew()


def choose_elsewhere(name: str) -> None:
    """Make the pages that show a checkpoint open with this one, and with whatever else its link says."""
    for key in (*CHOICES, *CLICKED):
        st.session_state.pop(key, None)
    visitor().source = None
    st.session_state["checkpoint"] = name


def kind_changed(opened: Checkpoint) -> None:
    """Another kind of attention has other heads, rows and columns: show the head that says most, and all of it."""
    st.session_state[ZOOM] = st.session_state[TOGETHER] = ""
    kind = st.session_state["kind"]
    show_head(*opening.first_head(opened, kind), numbers=opening.layer_numbers(opened, kind))


def show_head(layer: int, head: int, *, numbers: Sequence[int] = ()) -> None:
    """Show a head, from 0, of layers with these ``numbers`` (:func:`viz.look.picture.layer_number`); only from a
    callback, before the page is drawn."""
    st.session_state["layer_number"] = layer_number(layer, numbers)
    st.session_state["head_number"] = head + 1
    leave_mean()


def leave_mean() -> None:
    """A head itself is on show, and no mean."""
    st.session_state[MEAN] = ""


def keep_row(options: Sequence[str]) -> None:
    """Before a list of rows: the row that was chosen, by the visitor or the link, under the name it has now."""
    name = asked("token", AUTO)
    known = option_named(options, name)
    if known in (None, name):
        return
    if "token" in st.session_state:
        st.session_state["token"] = known
    else:
        st.query_params["token"] = known
        st.rerun()  # what is set before a widget is first drawn does not get into the address


def keep_choice(key: str, options: list, first: object) -> None:
    """Before a widget whose options come and go: what was chosen, by the visitor or the link, if it is still
    among them; a step that is gone gives way to the nearest."""
    if key not in st.session_state:
        return
    chosen = st.session_state[key]
    if chosen in options:
        return
    numbers = [one for one in options if isinstance(one, int)]
    if isinstance(chosen, int) and numbers:
        st.session_state[key] = min(numbers, key=lambda one: abs(one - chosen))
    else:
        st.session_state[key] = first
