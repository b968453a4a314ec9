"""What the time machine keeps and asks for: histories under way, and checkpoints of a run."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path

import streamlit as st

from model import checkpoint
from model.heads.history import History, Moment, advance, read_moment, thinned
from model.training.folder import RunView
from viz.state import link, opening
from viz.state import train as lab

SHOWN, STEP, KIND, HEAD, MEASURE = "machine", "machine_step", "machine_kind", "machine_head", "machine_measure"
OTHER, OTHER_STEP, OTHER_HEAD = "machine_other", "machine_other_step", "machine_other_head"
OWN_STEP = "machine_own_step"
PORTION = 0.15  # seconds of reading at once; other visitors wait as long
MOMENTS_KEPT = 512


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
    return bool(run.checkpoints) and link.asked(SHOWN, str(shown_at_first(run))).lower() == "true"


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
    return _kept_moment(str(path), opening.stamp(path), step, source, fed)


# The file is read, used and let go: a run has more checkpoints than a server keeps open.
@st.cache_resource(max_entries=MOMENTS_KEPT, show_spinner=False)
def _kept_moment(path: str, stamp: tuple[int, int], step: int, source: str, fed: str) -> Moment:
    return read_moment(checkpoint.load(path), step, source, fed)


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
