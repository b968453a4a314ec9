"""One run at one step, as the time machine shows it: which checkpoint, what it is fed, and what it writes."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import streamlit as st

from model.checkpoint import Checkpoint, CheckpointError
from model.trace import Trace
from model.training.folder import RunView
from viz.look.theme import for_markdown
from viz.pages.train.forming import right_answer
from viz.state import opening, tracing


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """One run at one step: the model, fed ``fed`` (``trace``), and by itself (``own``)."""

    run: RunView
    fed: str
    step: int
    opened: Checkpoint
    trace: Trace
    own: Trace

    @property
    def written(self) -> str:
        """What the model writes by itself."""
        return self.own.target


def newest(run: RunView, text: str) -> Side | None:
    """The last checkpoint that can be opened, which says what all are fed."""
    for step, path in reversed(run.checkpoints):
        try:
            opened = opening.open_shared(path)
        except CheckpointError:
            continue
        own = tracing.trace(opened, text)
        answer = right_answer(run, text)
        fed = own.target if answer is None else answer
        trace = tracing.trace(opened, text, fed)
        return Side(run=run, fed=fed, step=step, opened=opened, trace=trace, own=own)
    return None


def at_step(run: RunView, text: str, fed: str, step: int) -> Side | None:
    """A run at a step; a message where its file is broken."""
    path: Path = dict(run.checkpoints)[step]
    try:
        opened = opening.open_shared(path)
    except CheckpointError as error:
        st.error(f"The checkpoint at step {step:,} cannot be used; choose another step. {for_markdown(str(error))}")
        return None
    own = tracing.trace(opened, text)
    return Side(run=run, fed=fed, step=step, opened=opened, trace=tracing.trace(opened, text, fed), own=own)
