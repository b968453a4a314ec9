"""The only owner of session state, query parameters and caches; parts of it are in the modules that say so."""

from __future__ import annotations

import gc
import sys
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from secrets import token_urlsafe
from typing import Any
from urllib.parse import urlencode

import streamlit as st
import torch
from streamlit.navigation.page import StreamlitPage
from threadpoolctl import threadpool_limits

from model import checkpoint
from model.capture import capture
from model.checkpoint import Checkpoint, CheckpointError
from model.compare.lengths import PREFIX, SEED, LengthScore, score_lengths
from model.interventions.moving import Change, Displaced, displace
from model.text.tasks import TASKS
from model.trace import Kind, Trace
from viz.look.choice import AUTO, telling_head
from viz.look.forcing import OWN, Forcing
from viz.look.look import Chosen
from viz.look.theme import Theme, theme_named

RUNS = Path("runs")
DEFAULT_CHECKPOINT = "translate-en-fr"
EXAMPLE_SENTENCE = "A little girl in a blue dress is playing in the green grass."
CHOICES = ("checkpoint", "source", "kind", "layer_number", "head_number", "token")
"""Keys of the widgets that several pages have."""
FORCING = ("decoder_mode", "prefix", "tokens", "target")
"""Keys of what the decoder is made to write; a link to a view has them only where something is."""
OVERLAY, ZOOM = "overlay", "zoom"
"""Keys of what is chosen by a click in the pictures, as text; see :mod:`viz.state.clicked`."""
SETTLE_SECONDS = 0.2  # after a page was drawn for the first time, before its choices get into the address
TURN_SECONDS = 0.0005  # of computing, when another thread waits
CHECKPOINTS_KEPT, TRACES_KEPT, UPLOADS_KEPT = 16, 256, 4


@dataclass(slots=True, weakref_slot=True)
class Visitor:
    """What belongs to one visitor and not into a link: dropped files, and what was measured here."""

    name: str = field(default_factory=token_urlsafe)
    page: str | None = None  # the one on show
    arriving: bool = False  # it is being drawn for the first time since it is on show
    uploads: dict[str, Checkpoint] = field(default_factory=dict)
    file_error: str | None = None
    lengths: dict[str, list[LengthScore]] = field(default_factory=dict)
    kept: dict[str, Any] = field(default_factory=dict)
    source: str | None = None
    draft: tuple[str, tuple[int, ...]] = ("", ())  # what was written last, and by which checkpoint (its digest)
    chosen: Chosen | None = None  # on the first page


@st.cache_resource
def prepare_process() -> None:
    """Once for the server: one thread a visitor, turns that are short, and a start-up heap not searched for garbage.

    A product of small matrices that NumPy's library shares out over two threads waits for the second one,
    and the browser or another visitor has that core.

    The thread that sends what is ready waits for its turn while another one computes: 5 ms, as Python has it, are a
    good part of a keystroke.

    Streamlit collects all garbage after every script run; with torch's many objects that takes longer
    than everything a keystroke does. What is loaded by now stays anyway, so it is set aside.
    """
    torch.set_num_threads(1)
    threadpool_limits(1, user_api="blas")
    sys.setswitchinterval(TURN_SECONDS)
    gc.freeze()


def prepare_first_look() -> None:
    """Before the first visitor: open the checkpoint and make the trace that the first page begins with."""
    with suppress(CheckpointError):  # the page will say what is wrong
        opened = _open(DEFAULT_CHECKPOINT)
        trace(opened, example(opened))


def visitor() -> Visitor:
    return st.session_state.setdefault("visitor", Visitor())


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


def theme() -> Theme:
    return theme_named(st.context.theme.type)


def checkpoint_names() -> list[str]:
    """What can be opened: dropped files, the checkpoints that ship, and what lies under ``runs/``."""
    runs = sorted(str(path.parent) for path in RUNS.glob(f"**/best{checkpoint.SUFFIX}"))
    shipped = sorted(checkpoint.pretrained(), key=lambda name: (name != DEFAULT_CHECKPOINT, name.startswith(PREFIX)))
    return [*visitor().uploads, *shipped, *runs]


def transformer_like(name: str) -> str | None:
    """The Transformer that ships for what the LSTM ``name`` does, or the one that is shown first; None without."""
    shipped = checkpoint.pretrained()
    alike = [name.removeprefix("lstm-")] if name.startswith("lstm-") else []
    return next((other for other in (*alike, DEFAULT_CHECKPOINT) if other in shipped), None)


def choose_checkpoint(name: str) -> None:
    """Open another checkpoint; only from a callback, before the page is drawn."""
    st.session_state["checkpoint"] = name
    checkpoint_changed()


def open_checkpoint(name: str) -> Checkpoint:
    """
    Raises:
        CheckpointError: it cannot be used.
    """
    if name in visitor().uploads:
        return visitor().uploads[name]
    return _open(name)


def _open(name: str) -> Checkpoint:
    status = checkpoint.find(name).stat()
    return _load(name, status.st_mtime_ns, status.st_size)


@st.cache_resource(max_entries=CHECKPOINTS_KEPT, show_spinner=False)
def _load(name: str, modified: int, size: int) -> Checkpoint:
    return checkpoint.load(name)


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
        st.session_state["source"] = st.query_params.get("source", example(opened) if typed is None else typed)
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
    if text == example(opened):
        st.query_params.pop("source", None)
    else:
        st.query_params["source"] = text


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


def trace(
    opened: Checkpoint,
    source: str,
    target: str | None = None,
    prefix: tuple[int, ...] = (),
    draft: tuple[int, ...] = (),
) -> Trace:
    """The trace of a text, from the cache if anyone asked for it lately; ``draft`` as in :func:`capture`."""
    return _trace(opened.digest, opened.name, source, target, prefix, opened, draft)


# A trace cannot be changed, so visitors share it as it is. The digest stands for the checkpoint in the key; the draft
# only makes the same trace faster.
@st.cache_resource(max_entries=TRACES_KEPT, show_spinner=False)
def _trace(
    digest: str,
    name: str,
    source: str,
    target: str | None,
    prefix: tuple[int, ...],
    _checkpoint: Checkpoint,
    _draft: tuple[int, ...],
) -> Trace:
    return capture(_checkpoint, source, target, prefix=prefix, draft=_draft)


def typed_trace(opened: Checkpoint, forced: Forcing) -> Trace:
    """The trace of what is typed."""
    return drafted_trace(visitor(), opened, forced, begin_source(opened))


def drafted_trace(who: Visitor, opened: Checkpoint, forced: Forcing, text: str) -> Trace:
    """The trace of a text that ``who`` types. Most of what is written stays from one keystroke to the next, so it is
    the next one's draft."""
    digest, draft = who.draft
    found = trace(opened, text, forced.target, forced.prefix, draft if digest == opened.digest else ())
    who.draft = opened.digest, found.predicted_ids
    return found


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
    show_head(*first_head(opened, st.session_state["kind"]))


def show_head(layer: int, head: int) -> None:
    """Show a head, from 0; only from a callback, before the page is drawn."""
    st.session_state["layer_number"], st.session_state["head_number"] = layer + 1, head + 1


def asked(key: str, default: str = "") -> str:
    """What a widget says that stands further down on the page; on the first run only the link knows."""
    return st.session_state.get(key, st.query_params.get(key)) or default


def displaced(opened: Checkpoint, source: str, change: Change) -> Displaced:
    """:func:`model.interventions.moving.displace`, from the cache if anyone asked for it lately.

    Raises:
        ValueError: the shift is beyond the end of a learned table.
    """
    return _displaced(opened.digest, source, change, opened)


@st.cache_resource(max_entries=TRACES_KEPT, show_spinner=False)
def _displaced(digest: str, source: str, change: Change, _checkpoint: Checkpoint) -> Displaced:
    return displace(_checkpoint, source, change)


def measure_lengths(models: Mapping[str, Checkpoint], strings: int) -> None:
    """Measure the accuracy of each model by the length of the string, and keep it for this visitor."""
    seed = SEED + 1  # not the strings of the record
    visitor().lengths = {name: list(score_lengths(model, strings=strings, seed=seed)) for name, model in models.items()}


def keep(name: str, measurement: Any) -> None:
    """Keep for this visitor what a button of the Guide measured; only the last of each name's."""
    visitor().kept[name] = measurement


def kept(name: str) -> Any | None:
    """What :func:`keep` was given last; None before."""
    return visitor().kept.get(name)


def show_chapter(number: int) -> None:
    """Open a chapter of the Guide, from 1."""
    st.session_state["chapter"] = number


def measured_lengths() -> Mapping[str, list[LengthScore]]:
    """What :func:`measure_lengths` found last; empty before."""
    return visitor().lengths
