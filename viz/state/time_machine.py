"""What the time machine keeps and asks for: histories under way, and checkpoints of a run."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from urllib.parse import urlencode

import streamlit as st

from model import checkpoint
from model.checkpoint import Checkpoint
from model.heads.history import History, Moment, advance, read_moment, thinned
from model.trace import Trace
from model.training.folder import RunView
from viz.state import opening
from viz.state import train as lab

SHOWN, STEP, KIND, HEAD, MEASURE = "machine", "machine_step", "machine_kind", "machine_head", "machine_measure"
OTHER, OTHER_STEP, OTHER_HEAD = "machine_other", "machine_other_step", "machine_other_head"
OWN_STEP = "machine_own_step"
PORTION = 0.15  # seconds of reading at once; other visitors wait as long
MOMENTS_KEPT, CHECKPOINTS_KEPT = 512, 8


@dataclass(slots=True)
class Replays:
    """What belongs to one visitor: the history of each run on show, by its name, those that were
    cancelled, and the last step that each slider had."""

    histories: dict[str, History] = field(default_factory=dict)
    cancelled: set[str] = field(default_factory=set)
    newest: dict[str, int] = field(default_factory=dict)


def replays() -> Replays:
    return st.session_state.setdefault("replays", Replays())


def shown_at_first(run: RunView) -> bool:
    """The pictures of a run that goes on are of its newest checkpoint; after that, of any."""
    return not run.status.alive


def shown(run: RunView) -> bool:
    """The time machine of a run is open, also where its switch stands further down on the page."""
    if SHOWN in st.session_state:
        return bool(run.checkpoints) and st.session_state[SHOWN]
    asked = st.query_params.get(SHOWN, "").lower()
    return bool(run.checkpoints) and (asked == "true" if asked else shown_at_first(run))


def history(run: RunView, source: str, fed: str) -> History:
    """The history of a text as far as it is known: one of another text begins anew, one of a run that has
    gone on goes on."""
    files = thinned(run.checkpoints)
    known = replays().histories.get(run.name)
    if (
        known is None
        or (known.source, known.fed) != (source, fed)
        or known.files[: known.n_read] != files[: known.n_read]
    ):
        known = History(files=files, source=source, fed=fed)
    known = replace(known, files=files)
    kept = {name: one for name, one in replays().histories.items() if name != run.name}
    # Two runs are on show at most.
    replays().histories = dict([*kept.items()][-1:]) | {run.name: known}
    return known


def read_on(run: RunView) -> History:
    """Carry the history of a run on by one portion."""
    known = advance(replays().histories[run.name], _moment, PORTION)
    replays().histories[run.name] = known
    return known


def cancelled(run: RunView) -> bool:
    return run.name in replays().cancelled


def cancel(*runs: str) -> None:
    """Read no further; what was read stays."""
    replays().cancelled |= set(runs)


def go_on(*runs: str) -> None:
    replays().cancelled -= set(runs)


def _moment(step: int, path: Path, source: str, fed: str) -> Moment:
    return _kept_moment(str(path), _stamp(path), step, source, fed)


# The file is read, used and let go: a run has more checkpoints than a server keeps open.
@st.cache_resource(max_entries=MOMENTS_KEPT, show_spinner=False)
def _kept_moment(path: str, stamp: tuple[int, int], step: int, source: str, fed: str) -> Moment:
    return read_moment(checkpoint.load(path), step, source, fed)


def open_step(path: Path) -> Checkpoint:
    """The checkpoint of one step.

    Raises:
        CheckpointError: it cannot be used.
    """
    return _opened(str(path), _stamp(path))


@st.cache_resource(max_entries=CHECKPOINTS_KEPT, show_spinner=False)
def _opened(path: str, stamp: tuple[int, int]) -> Checkpoint:
    return checkpoint.load(path)


def trace(opened: Checkpoint, source: str, fed: str | None = None) -> Trace:
    return opening.trace(opened, source, fed)


def _stamp(path: Path) -> tuple[int, int]:
    """By which a file is known to be unchanged."""
    try:
        status = path.stat()
    except OSError:
        return 0, 0
    return status.st_mtime_ns, status.st_size


def text(run: RunView) -> str:
    """The visitor's sentence, as it is typed now."""
    return st.session_state.get(lab.TEXT) or lab.example(run)


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


def follow(key: str, newest: int) -> None:
    """Before a slider over the steps of a run that goes on: one that stood at the end stays there."""
    before = replays().newest.get(key)
    if before is not None and st.session_state.get(key) == before:
        st.session_state[key] = newest
    replays().newest[key] = newest


def head_clicked(component: str, key: str) -> None:
    """A head was clicked in an overview."""
    if chosen := st.session_state[component].get("chosen"):
        st.session_state[key] = lab.head_name(int(chosen["layer"]), int(chosen["head"]))


def link() -> str:
    """The end of a link to what is on show, from its "?"."""
    return "?" + urlencode(st.query_params.to_dict())
