"""Checkpoints that are open, one cache of them for the whole server, and what a page begins with."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from threading import Lock
from weakref import WeakValueDictionary

import streamlit as st

from model import checkpoint
from model.capture import capture
from model.checkpoint import Checkpoint, CheckpointError
from model.compare.lengths import PREFIX
from model.families import shelves
from model.interventions.experiment import Experiment, What
from model.interventions.experiment import experiment as run_experiment
from model.interventions.moving import Change, Displaced, displace
from model.network.capabilities import Capability
from model.text.tasks import TASKS
from model.trace import AttentionMap, Kind, Trace
from viz.look.choice import telling_head
from viz.look.examples import KNOWN, translates
from viz.state.keeping import Kept, trace_bytes
from viz.state.session import visitor, visitors
from viz.state.tracing import trace

RUNS = Path("runs")
DEFAULT_CHECKPOINT = "translate-en-fr"
EXAMPLE_SENTENCE = "A little girl in a blue dress is playing in the green grass."
CHECKPOINTS_KEPT, UPLOADS_KEPT = 32, 4


def prepare_first_look() -> None:
    """Before the first visitor: open the checkpoint and make the trace that the first page begins with."""
    with suppress(CheckpointError):  # the page will say what is wrong
        opened = open_shared(DEFAULT_CHECKPOINT)
        trace(opened, example(opened))


def checkpoint_names() -> list[str]:
    """What can be opened: dropped files, the checkpoints that ship, what lies under ``runs/``, and what the owner of
    the server allows besides (:mod:`model.families.shelves`)."""
    runs = sorted(str(path.parent) for path in RUNS.glob(f"**/best{checkpoint.SUFFIX}"))
    runs += [name for name in shelves.offered() if name not in runs]
    shipped = sorted(checkpoint.pretrained(), key=lambda name: (name != DEFAULT_CHECKPOINT, name.startswith(PREFIX)))
    return [*visitor().uploads, *shipped, *runs]


def transformer_like(name: str) -> str | None:
    """The Transformer that ships for what the LSTM ``name`` does, or the one that is shown first; None without."""
    shipped = checkpoint.pretrained()
    alike = [name.removeprefix("lstm-")] if name.startswith("lstm-") else []
    return next((other for other in (*alike, DEFAULT_CHECKPOINT) if other in shipped), None)


def open_checkpoint(name: str) -> Checkpoint:
    """The checkpoint of a name in :func:`checkpoint_names`.

    Raises:
        CheckpointError: it cannot be used.
    """
    opened = visitor().uploads.get(name) or open_shared(name)
    if opened is not visitor().from_shelf:
        visitor().let_go_of_shelf()
    return opened


def open_shared(name: str | Path) -> Checkpoint:
    """A checkpoint that all visitors share, by its name or file; loaded again once the file has changed.

    Raises:
        CheckpointError: it cannot be used.
    """
    offered = shelves.offered()
    where = offered.get(str(name), str(name))
    try:
        shelves.require_allowed(where)
    except shelves.NotAllowedError as error:
        raise CheckpointError(str(error)) from error
    path = checkpoint.find(where)
    is_folder = path.name == checkpoint.HUGGING_FACE
    load = _load_from_shelf if is_folder or str(name) in offered else _load
    return load(where, stamp(path.parent if is_folder else path))


def stamp(path: Path) -> tuple[int, int]:
    """By which a file, or what a folder lists, is known to be unchanged; also of one that is not there."""
    try:
        status = path.stat()
    except OSError:
        return 0, 0
    return status.st_mtime_ns, status.st_size


# No spinner: while a run goes on, its newest one is opened again and again.
@st.cache_resource(max_entries=CHECKPOINTS_KEPT, show_spinner=False)
def _load(name: str, stamp: tuple[int, int]) -> Checkpoint:
    return checkpoint.load(name)


@st.cache_resource(show_spinner=False)
def _from_shelves() -> tuple[WeakValueDictionary[tuple[str, tuple[int, int]], Checkpoint], Lock]:
    """What somebody has open from the owner's shelves, and who may open more."""
    return WeakValueDictionary(), Lock()


def _load_from_shelf(name: str, stamp: tuple[int, int]) -> Checkpoint:
    """A model or a recording of the owner's. It may be large: all who look at it share it; it is let go when nobody
    does."""
    known, opening = _from_shelves()
    with opening:
        found = known.get((name, stamp))
        if found is None:
            visitor().let_go_of_shelf()  # before memory is needed for another
            found = known[name, stamp] = checkpoint.load(name)
        visitor().from_shelf = found
    return found


def close_unused() -> None:
    """Give back the memory of what nobody has open from the shelves any more. Streamlit may refer to it for long: it
    remembers what callbacks of a session are called with, and the last session until the next one."""
    known, opening = _from_shelves()
    with opening:
        used = {id(one.from_shelf) for one in list(visitors().values())}
        for key, one in list(known.items()):
            if id(one) not in used and one.elsewhere is not None:
                del known[key]
                one.elsewhere.close()


def open_dropped(filename: str, data: bytes) -> str | None:
    """Open a checkpoint file that was dropped on the page; returns the name to choose it by, or None where
    :func:`file_error` says what is wrong."""
    visitor().file_error = None
    try:
        opened = checkpoint.loads(data, filename.removesuffix(checkpoint.SUFFIX))
    except CheckpointError as error:
        visitor().file_error = f"This file cannot be opened. {error}"
        return None
    name = f"{opened.name} (dropped)"
    uploads = visitor().uploads
    uploads.pop(name, None)
    while len(uploads) >= UPLOADS_KEPT:
        uploads.pop(next(iter(uploads)))
    uploads[name] = opened
    return name


def forget_file_error() -> None:
    """The file that could not be opened was taken away."""
    visitor().file_error = None


def file_error() -> str | None:
    """Why the file dropped last cannot be opened."""
    return visitor().file_error


def example(opened: Checkpoint) -> str:
    """A text that shows something of what this model does; of a recording, its own."""
    if Capability.TYPING not in opened.model.can:
        return capture(opened, "").source
    if opened.task in TASKS:
        return TASKS[opened.task].example
    known = translates(opened)
    return known.examples[0].text if known and known.examples else EXAMPLE_SENTENCE


def all_examples() -> set[str]:
    """Every text that a model may open with, or that a page offers."""
    offered = (example.text for known in KNOWN.values() for example in known.examples)
    return {EXAMPLE_SENTENCE, *(task.example for task in TASKS.values()), *offered}


def first_head(
    opened: Checkpoint, kind: Kind, choose: Callable[[AttentionMap], tuple[int, int]] = telling_head
) -> tuple[int, int]:
    """The layer and head (from 0) to open with: the one that says most on the example, or what ``choose`` finds."""
    shown = trace(opened, example(opened))
    return choose(shown.map(kind)) if kind in shown.kinds else (0, 0)


def layer_numbers(opened: Checkpoint, kind: Kind) -> tuple[int, ...]:
    """What its layers with attention of this kind are called, where not all of its layers have it."""
    shown = trace(opened, example(opened))
    return shown.map(kind).layer_numbers if kind in shown.kinds else ()


def experiment(opened: Checkpoint, source: str, what: What, kind: Kind, layer: int, head: int) -> Experiment:
    """:func:`model.interventions.experiment.experiment` on the model's own output for a text, from the cache if anyone
    asked for it lately. Of a head only "head" wants to know."""
    where: tuple[Kind, int, int] = (kind, layer, head) if what == "head" else (kind, 0, 0)
    before = trace(opened, source)
    key = (opened.digest, before.source, before.target, what, *where)
    return _experiments().found(key, lambda: run_experiment(opened, before, what, *where))


@st.cache_resource
def _experiments() -> Kept[tuple[object, ...], Experiment]:
    return Kept(lambda one: trace_bytes(one.forced, one.own))


def displaced(opened: Checkpoint, shown: Trace, change: Change) -> Displaced:
    """:func:`model.interventions.moving.displace` of the text of this trace, from the cache if anyone asked for it
    lately.

    Raises:
        ValueError: the shift is beyond the end of a learned table.
    """
    known = shown if not shown.teacher_forced and not shown.n_forced else None
    make = partial(displace, opened, shown.source, change, known)
    return _displaced().found((opened.digest, shown.source, change), make)


@st.cache_resource
def _displaced() -> Kept[tuple[object, ...], Displaced]:
    return Kept(lambda one: trace_bytes(one.before, one.after))
