"""The only owner of session state, query parameters and caches."""

from __future__ import annotations

import gc
from dataclasses import dataclass, field
from pathlib import Path

import streamlit as st
import torch

from model import checkpoint
from model.capture import capture
from model.checkpoint import Checkpoint
from model.tasks import TASKS
from model.trace import Kind, Trace
from viz.choice import telling_head
from viz.theme import Theme, theme_named

RUNS = Path("runs")
DEFAULT_CHECKPOINT = "translate-en-fr"
EXAMPLE_SENTENCE = "A little girl in a blue dress is playing in the green grass."
CHECKPOINTS_KEPT, TRACES_KEPT, UPLOADS_KEPT = 8, 256, 4


@dataclass(slots=True)
class Visitor:
    """What belongs to one visitor and not into a link: the checkpoint files dropped on the page."""

    uploads: dict[str, Checkpoint] = field(default_factory=dict)


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


def keep_upload(filename: str, data: bytes) -> str:
    """Open a dropped file and return the name under which it can be chosen.

    Raises:
        CheckpointError: it cannot be used.
    """
    opened = checkpoint.loads(data, filename.removesuffix(checkpoint.SUFFIX))
    name = f"{opened.name} (dropped)"
    uploads = visitor().uploads
    uploads.pop(name, None)
    while len(uploads) >= UPLOADS_KEPT:
        uploads.pop(next(iter(uploads)))
    uploads[name] = opened
    return name


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


def forget_example() -> None:
    """After another checkpoint was chosen: an example nobody changed gives way to the new one's."""
    examples = {EXAMPLE_SENTENCE, *(task.example for task in TASKS.values())}
    if st.session_state.get("source") in examples:
        del st.session_state["source"]
    for key in ("layer_number", "head_number", "token"):
        st.session_state.pop(key, None)


def choose_head(key: str) -> None:
    """Take over the head that was clicked in the overview component ``key``."""
    chosen = st.session_state[key].get("chosen")
    if chosen:
        st.session_state["layer_number"] = int(chosen["layer"]) + 1
        st.session_state["head_number"] = int(chosen["head"]) + 1
