"""What the page Train keeps and asks for: the runs of this server, and who started what."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import streamlit as st

from model.checkpoint import PRETRAINED
from model.config import ModelConfig, TrainConfig
from model.jobs.launch import OUTPUT, Launcher, free_name, reserve
from model.jobs.limits import Limits, read_limits
from model.jobs.publish import FILE
from model.jobs.publish import publish as publish_checkpoint
from model.jobs.uploads import keep_pairs, read_uploads
from model.text.reading import Pair
from model.text.tasks import TASKS
from model.training.data import DataConfig
from model.training.folder import RunView, ask, read_run, read_status
from viz.state import choosing, link, opening

NEW = "+ New run"
"""The choice that is no run, and can be no run's name: start one."""
SHIPPED = PRETRAINED / "runs"
EXAMPLE = "reverse-example"
"""The finished run that ships, with which the page opens."""
RUN, TEXT, OVERVIEW, HEAD = "run", "text", "run_overview", "run_head_component"
KIND, CHOSEN, ROW = "run_kind", "head", "row"
IMPATIENCE = 0.5  # seconds between two looks at a run whose curve has no point yet
PATIENCE = 2.0  # seconds between two looks at a run that goes on
SELDOM = 6.0  # at one that does not, and at the list
VIEWS_KEPT = 64
TAIL = 2000  # characters of what a process said


@dataclass(slots=True)
class Lab:
    """What belongs to one visitor: why something could not be done, the run of a link that is not here, the run that
    was started just now, and what was published, by run."""

    problem: str | None = None
    missing: str | None = None
    started: str | None = None
    published: dict[str, str] = field(default_factory=dict)


def lab() -> Lab:
    return st.session_state.setdefault("lab", Lab())


def limits() -> Limits:
    """
    Raises:
        ValueError: the server's owner has set one that is no number.
    """
    return read_limits()


@st.cache_resource
def launcher(root: Path, limits: Limits) -> Launcher:
    """The one of this server; its processes end when it does."""
    return Launcher(root, limits)


def folder(name: str) -> Path:
    """Of this server's run of that name, else of one that ships."""
    own, shipped = opening.RUNS / name, SHIPPED / name
    return shipped if not own.exists() and shipped.is_dir() else own


def runs() -> list[RunView]:
    """Every run of this server, the youngest first, and after them what ships; what is none, or broken, is left out."""
    found = []
    for file in (*opening.RUNS.glob("*/run.json"), *SHIPPED.glob("*/run.json")):
        if folder(file.parent.name) != file.parent:
            continue  # one of this server has its name
        try:
            found.append((file.is_relative_to(SHIPPED), -file.stat().st_mtime, view(file.parent.name)))
        except (ValueError, OSError):
            continue
    return [run for *_, run in sorted(found, key=lambda item: item[:2])]


def view(name: str) -> RunView:
    """A run as it stands now.

    Raises:
        ValueError: it is no run, or a file in it cannot be understood.
    """
    path = folder(name)
    stamps = tuple(opening.stamp(path / part) for part in ("run.json", "log.jsonl", "checkpoints", FILE))
    seen = _view(path, stamps)
    return replace(seen, status=read_status(path) or seen.status)


# Reading a long log takes longer than anything else here, and every visitor who watches asks for it.
@st.cache_resource(max_entries=VIEWS_KEPT, show_spinner=False)
def _view(path: Path, stamps: Sequence[tuple[int, int]]) -> RunView:
    return read_run(path)


def starting(name: str) -> bool:
    """A process was started for a run that has written nothing yet."""
    return launcher(opening.RUNS, limits()).is_at(opening.RUNS / name)


def said(name: str) -> str:
    """The end of what the process of a run has said."""
    try:
        return (folder(name) / OUTPUT).read_text(encoding="utf-8", errors="replace")[-TAIL:].strip()
    except OSError:
        return ""


def newest(run: RunView) -> tuple[int, Path] | None:
    """The step and file of the last checkpoint; the step is the run's where the file does not tell it."""
    if run.checkpoints:
        return run.checkpoints[-1]
    return (run.status.step, run.best) if run.best else None


@st.cache_resource(max_entries=4, show_spinner="Reading the files …")
def uploaded(files: tuple[tuple[str, str, bytes], ...]) -> tuple[list[Pair], list[Pair]]:
    """:func:`model.jobs.uploads.read_uploads`; ``files`` are (part, name, content)."""
    return read_uploads({part: (name, content) for part, name, content in files})


def unused_name(beginning: str) -> str:
    return free_name(opening.RUNS, beginning)


def start(
    name: str,
    data: DataConfig | None,
    model: ModelConfig,
    train: TrainConfig,
    pairs: tuple[list[Pair], list[Pair]] | None = None,
    augment: float = 0.0,
) -> None:
    """Start a run and show it, or say why not. ``pairs`` are kept in its folder; ``data`` is then None, and ``augment``
    the share of them that is learned once more as people type."""
    lab().problem = None
    folder = None
    try:
        started = launcher(opening.RUNS, limits())
        started.require_room()
        folder = reserve(opening.RUNS, name)
        if pairs is not None:
            data = keep_pairs(*pairs, folder / "data", augment)
        assert data is not None
        started.start(folder, data, model, train)
    except (ValueError, OSError) as error:
        if folder is not None:
            shutil.rmtree(folder, ignore_errors=True)
        lab().problem = f"The run was not started: {error}"
        return
    lab().started = name
    st.rerun()


def show_started() -> None:
    """Before the list of runs: if one was started just now, show it."""
    if (name := lab().started) is not None:
        lab().started = None
        show(name)


def show(name: str) -> None:
    """Show a run, or with :data:`NEW` the form; only before the list of runs, or from a callback."""
    st.session_state[RUN] = name
    forget_choices()


def forget_choices() -> None:
    """What was chosen in one run means nothing in another."""
    lab().problem = lab().missing = None
    for key in (TEXT, KIND, CHOSEN, ROW, "publish_name"):
        st.session_state.pop(key, None)


def row_chosen(table: str, names: Sequence[str]) -> None:
    """A row of a list of runs was ticked."""
    if rows := st.session_state[table]["selection"]["rows"]:
        show(names[int(rows[0])])


def want(name: str, what: str) -> None:
    """Ask a run to pause or stop."""
    _try(lambda: ask(opening.RUNS / name, what))


def resume(name: str) -> None:
    """Let a run go on."""
    _try(lambda: launcher(opening.RUNS, limits()).resume(opening.RUNS / name))


def _try(act: Callable[[], None]) -> None:
    """Do something, or say why it cannot be done."""
    lab().problem = None
    try:
        act()
    except (ValueError, OSError) as error:
        lab().problem = f"That cannot be done: {error}"


def publish(name: str) -> None:
    """Publish the best checkpoint of a run under the name that was typed, and choose it for Explore."""
    lab().problem = None
    source, wanted = opening.RUNS / name / FILE, st.session_state["publish_name"].strip()
    try:
        folder = publish_checkpoint(source, opening.RUNS, wanted or name)
    except (ValueError, OSError) as error:
        lab().problem = f"It was not published: {error}"
        return
    lab().published[name] = str(folder)
    choosing.choose_elsewhere(str(folder))


def published(name: str) -> str | None:
    """The checkpoint that this visitor published of a run."""
    return lab().published.get(name)


def problem() -> str | None:
    """Why the last thing could not be done."""
    return lab().problem


def example(run: RunView) -> str:
    """A text that shows something of what a run learns."""
    task = TASKS.get(run.data.task or "")
    return opening.EXAMPLE_SENTENCE if task is None else task.example


def text(run: RunView) -> str:
    """The visitor's sentence, as it is typed now."""
    return link.asked(TEXT) or example(run)


def asked_run() -> str | None:
    """The run that the link asks for, whether it is there or not."""
    return st.query_params.get(RUN)


def head_name(layer: int, head: int) -> str:
    """What a head, from 0, is called in the list of heads."""
    return f"layer {layer + 1}, head {head + 1}"


def head_clicked() -> None:
    """A head was clicked in the overview."""
    if chosen := st.session_state[OVERVIEW].get("chosen"):
        st.session_state[CHOSEN] = head_name(int(chosen["layer"]), int(chosen["head"]))


def row_clicked(options: Sequence[str]) -> None:
    """A row was clicked in the heatmap, or let go."""
    if (pinned := st.session_state[HEAD].get("pinned")) is not None:
        st.session_state[ROW] = options[0 if pinned["row"] is None else int(pinned["row"]) + 1]
