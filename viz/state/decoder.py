"""What the decoder panel keeps and asks for: what the decoder is made to write, and which step is on show."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import streamlit as st

from model.checkpoint import Checkpoint
from model.decoding.beam_tree import BeamTree, beam_tree
from model.decoding.candidates import Step, candidates
from model.network.capabilities import Capability
from model.trace import Trace
from viz.look.forcing import BEGINNING, OWN, TARGET, Forcing, forcing, read_ids, write_ids
from viz.state import link

KEPT = 64


def steps(opened: Checkpoint, shown: Trace, k: int) -> tuple[Step, ...]:
    """The ``k`` likeliest tokens at each step of a trace."""
    return _steps(opened.digest, shown.source_ids, shown.predicted_ids, k, opened)


@st.cache_resource(max_entries=KEPT, show_spinner=False)
def _steps(
    digest: str, source: tuple[int, ...], target: tuple[int, ...], k: int, _checkpoint: Checkpoint
) -> tuple[Step, ...]:
    return candidates(_checkpoint, source, target, k)


def search(opened: Checkpoint, shown: Trace, beam: int, length_penalty: float) -> BeamTree:
    """What beam search does with the source of a trace."""
    return _search(opened.digest, shown.source_ids, beam, length_penalty, opened)


@st.cache_resource(max_entries=KEPT, show_spinner=False)
def _search(
    digest: str, source: tuple[int, ...], beam: int, length_penalty: float, _checkpoint: Checkpoint
) -> BeamTree:
    return beam_tree(_checkpoint, source, beam, length_penalty)


TEXTS = ("prefix", "tokens", "target")
MORE, SECOND = "more", "second"
GOING_ON = ("10", "30", "60")
"""How many tokens one can ask for, as a link has it."""


def begin() -> None:
    """Before any of it is asked: a text that is set while its widget is not there gets into the link only if it has had
    a value before."""
    for key in TEXTS:
        if key not in st.session_state:
            st.session_state[key] = link.asked(key)


def forced(opened: Checkpoint) -> Forcing:
    """What the decoder is made to write."""
    texts = {key: link.asked(key) for key in TEXTS}
    found = forcing(opened.tokenizer, link.asked("decoder_mode", OWN), **texts)
    if reads_pairs(opened):
        return replace(found, target=link.asked(SECOND) or None)
    return replace(found, more=asked_more()) if goes_on(opened) else found


def reads_pairs(opened: Checkpoint) -> bool:
    """Whether it is a model from elsewhere that reads one text, or two, and writes none."""
    can = opened.model.can
    return opened.elsewhere is not None and Capability.TYPING in can and Capability.WRITING not in can


def goes_on(opened: Checkpoint) -> bool:
    """Whether it is a model that reads and writes in one, and goes on with a text only when asked."""
    can = opened.model.can
    return opened.elsewhere is not None and Capability.WRITING in can and Capability.ENCODER not in can


def asked_more() -> int:
    """How many tokens such a model is to write."""
    asked = link.asked(MORE)
    return int(asked) if asked in GOING_ON else 0


def mode_chosen(shown: str) -> None:
    """Another way of decoding was chosen; a target that is yet to be typed starts with the one ``shown``."""
    if st.session_state["decoder_mode"] == TARGET and not link.asked("target"):
        st.session_state["target"] = shown


def prefix_typed() -> None:
    """A beginning was typed: the numbers of the tokens of another one no longer count."""
    st.session_state["tokens"] = ""


def tokens_typed(opened: Checkpoint) -> None:
    """Numbers of tokens were typed: they are the beginning, if they can be."""
    try:
        ids = read_ids(opened.tokenizer, st.session_state["tokens"])
    except ValueError:
        return
    if ids is not None:
        st.session_state["prefix"] = opened.tokenizer.decode(ids)


def take(opened: Checkpoint, ids: tuple[int, ...]) -> None:
    """Make what is written begin with exactly ``ids``."""
    st.session_state["decoder_mode"] = BEGINNING
    st.session_state["prefix"] = opened.tokenizer.decode(ids)
    st.session_state["tokens"] = write_ids(opened.tokenizer, ids)


def own_again() -> None:
    """Let the model write on its own."""
    st.session_state["decoder_mode"] = OWN


def asked_step() -> int:
    """The step of the target to look at, from 1, whether it is there or not."""
    try:
        return int(link.asked("step", "1"))
    except ValueError:
        return 1


def show_step(number: int) -> None:
    st.session_state["step"] = number


def step_chosen(rows: Sequence[str], number: int) -> None:
    """A step was chosen: the heatmap shows it, if it is one of its ``rows``."""
    show_step(number)
    if number <= len(rows):
        st.session_state["token"] = rows[number - 1]


def step_slid(rows: Sequence[str], shown: int) -> None:
    """The slider was moved; not if it says what was ``shown``, as when its other end has changed."""
    if asked_step() != shown:
        step_chosen(rows, asked_step())
