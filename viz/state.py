"""The only owner of session state, query parameters and caches."""

from __future__ import annotations

import gc
from dataclasses import dataclass, field
from pathlib import Path

import streamlit as st
import torch

from model import checkpoint
from model.capture import capture
from model.checkpoint import Checkpoint, CheckpointError
from model.tasks import TASKS
from model.trace import Kind, Trace
from viz.choice import telling_head
from viz.theme import Theme, theme_named

RUNS = Path("runs")
DEFAULT_CHECKPOINT = "translate-en-fr"
EXAMPLE_SENTENCE = "A little girl in a blue dress is playing in the green grass."
OVERVIEW = "overview_component"
CHECKPOINTS_KEPT, TRACES_KEPT, UPLOADS_KEPT = 8, 256, 4


@dataclass(slots=True)
class Visitor:
    """What belongs to one visitor and not into a link: the checkpoint files dropped on the page."""

    uploads: dict[str, Checkpoint] = field(default_factory=dict)
    file_error: str | None = None


@st.cache_resource
def prepare_process() -> None:
    """Once for the server: one thread a visitor, and a start-up heap that is not searched for garbage.

    Streamlit collects all garbage after every script run; with torch's many objects that takes longer
    than everything a keystroke does. What is loaded by now stays anyway, so it is set aside.
    """
    torch.set_num_threads(1)
    gc.collect()
    gc.freeze()


def visitor() -> Visitor:
    return st.session_state.setdefault("visitor", Visitor())


def theme() -> Theme:
    return theme_named(st.context.theme.type)


def checkpoint_names() -> list[str]:
    """What can be opened: dropped files, the checkpoints that ship, and what lies under ``runs/``."""
    runs = sorted(str(path.parent) for path in RUNS.glob(f"**/best{checkpoint.SUFFIX}"))
    shipped = sorted(checkpoint.pretrained(), key=lambda name: name != DEFAULT_CHECKPOINT)
    return [*visitor().uploads, *shipped, *runs]


def open_checkpoint(name: str) -> Checkpoint:
    """
    Raises:
        CheckpointError: it cannot be used.
    """
    if name in visitor().uploads:
        return visitor().uploads[name]
    path = checkpoint.find(name)
    status = path.stat()
    return _load(name, status.st_mtime_ns, status.st_size)


@st.cache_resource(max_entries=CHECKPOINTS_KEPT, show_spinner="Opening the checkpoint …")
def _load(name: str, modified: int, size: int) -> Checkpoint:
    return checkpoint.load(name)


def asked_checkpoint() -> str | None:
    """The checkpoint that the link asks for, whether it is there or not."""
    return st.query_params.get("checkpoint")


def file_dropped() -> None:
    """A checkpoint file was dropped on the page, or taken away: open it and choose it, or say what is wrong."""
    dropped = st.session_state["file"]
    visitor().file_error = None
    if dropped is None:
        return
    try:
        opened = checkpoint.loads(dropped.getvalue(), dropped.name.removesuffix(checkpoint.SUFFIX))
    except CheckpointError as error:
        visitor().file_error = f"This file cannot be opened. {error}"
        return
    name = f"{opened.name} (dropped)"
    uploads = visitor().uploads
    uploads.pop(name, None)
    while len(uploads) >= UPLOADS_KEPT:
        uploads.pop(next(iter(uploads)))
    uploads[name] = opened
    st.session_state["checkpoint"] = name
    checkpoint_changed()


def file_error() -> str | None:
    """Why the file dropped last cannot be opened."""
    return visitor().file_error


def trace(opened: Checkpoint, source: str, target: str | None = None) -> Trace:
    """The trace of a text, from the cache if anyone asked for it lately."""
    return _trace(opened.digest, opened.name, source, target, opened)


# A trace cannot be changed, so visitors share it as it is. The digest stands for the checkpoint in the key.
@st.cache_resource(max_entries=TRACES_KEPT, show_spinner=False)
def _trace(digest: str, name: str, source: str, target: str | None, _checkpoint: Checkpoint) -> Trace:
    return capture(_checkpoint, source, target)


def example(opened: Checkpoint) -> str:
    """A text that shows something of what this model does."""
    return TASKS[opened.task].example if opened.task in TASKS else EXAMPLE_SENTENCE


def first_head(opened: Checkpoint, kind: Kind) -> tuple[int, int]:
    """The layer and head (from 0) to open with: the one that says most on the example."""
    shown = trace(opened, example(opened))
    return telling_head(shown.map(kind)) if kind in shown.kinds else (0, 0)


def checkpoint_changed() -> None:
    """Another checkpoint: its own first head is shown, and an example nobody changed gives way to its own."""
    examples = {EXAMPLE_SENTENCE, *(task.example for task in TASKS.values())}
    stale = (
        "layer_number",
        "head_number",
        "token",
        *(["source"] if st.session_state.get("source") in examples else []),
    )
    for key in stale:
        st.session_state.pop(key, None)


def kind_changed(opened: Checkpoint) -> None:
    """Another kind of attention has other heads: show the one that says most."""
    _show_head(*first_head(opened, st.session_state["kind"]))


def head_clicked() -> None:
    """A head was clicked in the overview."""
    if chosen := st.session_state[OVERVIEW].get("chosen"):
        _show_head(int(chosen["layer"]), int(chosen["head"]))


def _show_head(layer: int, head: int) -> None:
    st.session_state["layer_number"], st.session_state["head_number"] = layer + 1, head + 1
