"""What the atlas keeps and asks for: which row is marked, and surveys of many sentences."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import streamlit as st

from model.capture import capture
from model.checkpoint import Checkpoint
from model.heads.survey import Survey, begin
from model.heads.survey import advance as carry_on
from viz.state import choosing

TABLE, TEXT, FILE, SCATTER = "atlas_table", "atlas_text", "atlas_file", "atlas_scatter"
PORTION = 0.15  # seconds; other visitors wait as long


@dataclass(slots=True)
class Surveys:
    """What belongs to one visitor. A survey stands with the digest of its checkpoint: the one that runs, and the last
    that was completed."""

    running: tuple[str, Survey] | None = None
    finished: tuple[str, Survey] | None = None
    error: str | None = None
    clicked: int | None = None  # the point of the scatter, last


def _surveys() -> Surveys:
    return st.session_state.setdefault("surveys", Surveys())


def select_row(row: int) -> None:
    """Mark the row of the atlas, from 0, whose head is on show."""
    selection = {"selection": {"rows": [row], "columns": [], "cells": []}}
    if st.session_state.get(TABLE, {}).get("selection", {}).get("rows") != [row]:
        st.session_state[TABLE] = selection


def row_chosen(n_heads: int, numbers: Sequence[int]) -> None:
    """A row of the atlas was ticked; its rows are all heads, ``n_heads`` a layer, whose ``numbers`` are those of
    :func:`choosing.show_head`."""
    if rows := st.session_state[TABLE]["selection"]["rows"]:
        choosing.show_head(*divmod(rows[0], n_heads), numbers=numbers)


def point_chosen(n_heads: int, numbers: Sequence[int]) -> None:
    """A point was clicked; points are all heads as in :func:`row_chosen`. A second click on one takes the browser's
    mark from it; if another head was chosen since, it is this one that is wanted."""
    points = st.session_state[SCATTER]["selection"]["points"]
    if points:
        _surveys().clicked = int(points[-1]["point_index"])
    if (clicked := _surveys().clicked) is not None:
        choosing.show_head(*divmod(clicked, n_heads), numbers=numbers)


def start(opened: Checkpoint) -> None:
    """Begin to measure the heads on the sentences of the atlas: those in its file, or, without one, those typed."""
    dropped = st.session_state.get(FILE)
    _surveys().running = _surveys().error = None
    try:
        survey = begin(dropped.getvalue() if dropped is not None else st.session_state.get(TEXT, ""))
    except ValueError as wrong:
        _surveys().error = f"{'This file' if dropped is not None else 'This text'} cannot be used. {wrong}"
        return
    _surveys().running = opened.digest, survey


def running(opened: Checkpoint) -> Survey | None:
    """The survey that is under way; one of another checkpoint ends here."""
    known = _surveys().running
    if known is None or known[0] != opened.digest:
        _surveys().running = None
        return None
    return known[1]


def advance(opened: Checkpoint) -> Survey | None:
    """Carry on the survey that is under way by one portion; None where none is, any more or at all."""
    survey = running(opened)
    if survey is None:
        return None
    survey = carry_on(survey, partial(capture, opened), PORTION)
    if survey.done:
        _surveys().running, _surveys().finished = None, (opened.digest, survey)
        return None
    _surveys().running = opened.digest, survey
    return survey


def cancel() -> None:
    """Give up the survey that is under way; the last one that was completed stays."""
    _surveys().running = None


def finished(opened: Checkpoint) -> Survey | None:
    """The last survey that was completed, if it was of this checkpoint."""
    known = _surveys().finished
    return known[1] if known is not None and known[0] == opened.digest else None


def error() -> str | None:
    """Why the sentences of the atlas cannot be read."""
    return _surveys().error
