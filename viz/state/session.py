"""What belongs to one visitor and not into a link, and how this process serves them all."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from secrets import token_urlsafe
from typing import Any
from weakref import WeakValueDictionary

import streamlit as st
import torch
from streamlit.runtime.scriptrunner import get_script_run_ctx
from threadpoolctl import threadpool_limits

from model.checkpoint import Checkpoint
from model.compare.lengths import SEED, LengthScore, score_lengths
from model.trace import Trace
from viz.look.forcing import Forcing
from viz.look.theme import Theme, theme_named
from viz.state.pace import Pace

TURN_SECONDS = 0.0005  # of computing, when another thread waits


@dataclass(frozen=True, slots=True)
class Following:
    """How a page follows what is typed in it: of a text's trace and the text itself, ``draw`` makes what the browser
    draws, as values that JSON has."""

    opened: Checkpoint
    forced: Forcing
    draw: Callable[[Trace, str], Mapping[str, object]]


@dataclass(slots=True, weakref_slot=True)
class Visitor:
    """What belongs to one visitor and not into a link: dropped files, and what was measured here."""

    name: str = field(default_factory=token_urlsafe)  # which nobody can guess
    session: str = ""  # as Streamlit calls it
    page: str | None = None  # the one on show
    by_link: bool = False  # the address decided what it shows, not what was chosen before
    chapter: str | None = None  # of the Guide, the one on show there
    done: set[int] = field(default_factory=set)  # its chapters whose question was answered
    loading: bool = False  # that page is being drawn and nothing of it was on screen
    arriving: bool = False  # it is being drawn for the first time since it is on show
    uploads: dict[str, Checkpoint] = field(default_factory=dict)
    file_error: str | None = None
    lengths: dict[str, list[LengthScore]] = field(default_factory=dict)
    kept: dict[str, Any] = field(default_factory=dict)
    source: str | None = None
    shown: str | None = None  # the text of a recording, while it is open
    from_shelf: Checkpoint | None = None  # the model from elsewhere that is open
    traces: dict[tuple[Any, ...], Trace] = field(default_factory=dict)  # of such a model; they may be large
    draft: tuple[str, tuple[int, ...]] = ("", ())  # what was written last, and by which checkpoint (its digest)
    following: Following | None = None  # the page on show, if it follows what is typed
    pace: Pace = field(default_factory=Pace)

    def let_go(self) -> None:
        """Keep nothing that may be large; they have left."""
        self.let_go_of_shelf()
        self.uploads, self.kept, self.lengths = {}, {}, {}

    def let_go_of_shelf(self) -> None:
        """The model from elsewhere is not open any more, if one was; the pictures do not follow it either."""
        if self.following is not None and self.following.opened is self.from_shelf:
            self.following = None
        self.from_shelf, self.traces = None, {}


@st.cache_resource
def prepare_process() -> None:
    """Once for the server: one thread a visitor, and turns that are short.

    A product of small matrices that NumPy's library shares out over two threads waits for the second one,
    and the browser or another visitor has that core.

    The thread that sends what is ready waits for its turn while another one computes: 5 ms, as Python has it, are a
    good part of a keystroke.
    """
    torch.set_num_threads(1)
    threadpool_limits(1, user_api="blas")
    sys.setswitchinterval(TURN_SECONDS)


@st.cache_resource
def visitors() -> WeakValueDictionary[str, Visitor]:
    """All who are here, or may come back, by their name."""
    return WeakValueDictionary()


def visitor() -> Visitor:
    """Whose page is being drawn."""
    if "visitor" not in st.session_state:
        context = get_script_run_ctx()
        found = Visitor(session=context.session_id if context is not None else "")
        st.session_state["visitor"] = visitors()[found.name] = found
    return st.session_state["visitor"]


def theme() -> Theme:
    return theme_named(st.context.theme.type)


def keep(name: str, measurement: Any) -> None:
    """Keep for this visitor what a button of the Guide measured; only the last of each name's."""
    visitor().kept[name] = measurement


def kept(name: str) -> Any | None:
    """What :func:`keep` was given last; None before."""
    return visitor().kept.get(name)


def measure_lengths(models: Mapping[str, Checkpoint], strings: int) -> None:
    """Measure the accuracy of each model by the length of the string, and keep it for this visitor."""
    seed = SEED + 1  # not the strings of the record
    visitor().lengths = {name: list(score_lengths(model, strings=strings, seed=seed)) for name, model in models.items()}


def measured_lengths() -> Mapping[str, list[LengthScore]]:
    """What :func:`measure_lengths` found last; empty before."""
    return visitor().lengths
