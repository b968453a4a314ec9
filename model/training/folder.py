"""A run folder: everything that passes between a training run and whoever watches it.

``run.json``: the options. ``log.jsonl``: one line per logged step. ``status.json``: the state of the process, written
every second while it lives. ``control.json``: what somebody wants it to do. ``checkpoints/``: one every ``keep_every``
steps. ``best.safetensors`` and ``last.safetensors``: the checkpoints to open; ``state.safetensors``: what resuming
needs. Each file is written whole or not at all, except for the log, which grows.
"""

from __future__ import annotations

import json
import os
import re
import socket
import time
from contextlib import suppress
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any, get_args, get_type_hints

from model.config import ModelConfig, TrainConfig
from model.files import SUFFIX
from model.training.data import DataConfig
from model.training.options import Options, no_run, read_options, write_json, write_options

STATES = ("queued", "running", "paused", "stopped", "finished", "failed")
WANTS = ("run", "pause", "stop")
SILENT_SECONDS = 15.0
"""A process that has not written its status for this long has ended."""
WITHOUT_A_WORD = "the process ended without a message (killed, or out of memory)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """The state of a training run.

    ``step`` of ``steps`` are done; ``seconds_left`` is an estimate, None while there is none; ``updated`` is in Unix
    seconds; ``place`` is the place in the queue from 1, otherwise 0; ``reason`` says why it failed or stopped.
    """

    state: str
    reason: str = ""
    pid: int = 0
    host: str = ""
    step: int = 0
    steps: int = 0
    tokens_per_second: float = 0.0
    seconds_left: float | None = None
    updated: float = 0.0
    place: int = 0

    @property
    def alive(self) -> bool:
        """Whether a process is waiting or training."""
        return self.state in ("queued", "running")


@dataclass(frozen=True, slots=True, kw_only=True)
class LogPoint:
    """A logged step; ``loss`` in nats per target token, smoothed as configured.

    ``valid_loss`` (nats, not smoothed) and ``valid_accuracy`` (share of tokens) are given if this step was validated.
    """

    step: int
    loss: float
    learning_rate: float
    n_tokens: int
    seconds: float
    valid_loss: float | None = None
    valid_accuracy: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RunView:
    """A run as its folder shows it at one moment. ``checkpoints`` are (step, file), from first to last."""

    path: Path
    data: DataConfig
    model: ModelConfig
    train: TrainConfig
    status: Status
    log: tuple[LogPoint, ...]
    checkpoints: tuple[tuple[int, Path], ...]

    @property
    def name(self) -> str:
        return self.path.name

    @property
    def best(self) -> Path | None:
        """The checkpoint that validated best, once there is one."""
        path = self.path / f"best{SUFFIX}"
        return path if path.is_file() else None

    @property
    def can_go_on(self) -> bool:
        """Whether no process is working on it and there are steps left to do."""
        return not self.status.alive and self.status.state != "finished"


def read_run(path: Path | str) -> RunView:
    """What the folder at ``path`` holds now.

    Raises:
        ValueError: it is not a run folder, or a file in it cannot be understood.
    """
    path = Path(path)
    data, model, train, _ = read_options(path)
    log = tuple(point for _, point in read_log(path))
    status = read_status(path) or _status_of_old(path, log, train)
    return RunView(
        path=path, data=data, model=model, train=train, status=status, log=log, checkpoints=kept_checkpoints(path)
    )


def ask(path: Path | str, want: str) -> None:
    """Ask the training run in ``path`` to ``pause`` or ``stop``; it saves its state and ends. ``run`` takes that back.

    Raises:
        ValueError: the folder is not a run, or ``want`` is not one of :data:`WANTS`.
    """
    if want not in WANTS:
        raise ValueError(f"a run can be asked to {', '.join(WANTS)}, but not to {want!r}")
    if not (Path(path) / "run.json").is_file():
        raise ValueError(no_run(Path(path)))
    write_json(Path(path) / "control.json", {"want": want})


def create(path: Path, options: Options) -> None:
    """Create a run folder, or turn a folder that holds no run into one.

    Raises:
        ValueError: it already holds a run, or a file that the run would overwrite.
        OSError: it cannot be created.
    """
    if (path / "run.json").exists():
        raise ValueError(f"{path} already holds a run: continue it with --resume, or choose another --out")
    if path.exists() and not path.is_dir():
        raise ValueError(f"{path} is a file, so it cannot be a run folder; choose another --out")
    names = ("log.jsonl", *(f"{name}{SUFFIX}" for name in ("best", "last", "state")))
    if found := [
        *(path / name for name in names if (path / name).exists()),
        *(file for _, file in kept_checkpoints(path)),
    ]:
        raise ValueError(f"{found[0]} already exists, and the run would overwrite it; choose another --out")
    path.mkdir(parents=True, exist_ok=True)
    write_options(path, options._replace(data=options.data.anchored()))


def discard(path: Path) -> None:
    """Remove what :func:`create` made for a run that never began; anything else in the folder stays."""
    for name in ("run.json", "status.json", "log.jsonl", "control.json"):
        (path / name).unlink(missing_ok=True)
    with suppress(OSError):  # it is not empty
        path.rmdir()


def read_status(path: Path) -> Status | None:
    """The status of a run, corrected: a process said to be waiting or training but gone has failed. None: none written.

    Raises:
        ValueError: ``status.json`` cannot be understood.
    """
    file = path / "status.json"
    try:
        values = json.loads(file.read_bytes())
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise ValueError(f"{file} cannot be read: {error}; remove it if no process is working on this run") from error
    try:
        return _judged(_status(values), time.time())
    except (AttributeError, TypeError, ValueError) as error:
        raise ValueError(f"{file} does not hold the status of a run: {error}") from error


def read_want(path: Path) -> str:
    """What ``control.json`` asks for; ``run`` if it asks for nothing that can be understood."""
    try:
        want = json.loads((path / "control.json").read_bytes())["want"]
    except (OSError, ValueError, KeyError, TypeError):
        return "run"
    return want if want in WANTS else "run"


def _status(values: dict[str, Any]) -> Status:
    status = Status(**{field.name: values[field.name] for field in fields(Status) if field.name in values})
    for field in fields(Status):
        value = getattr(status, field.name)
        if not isinstance(value, _KINDS[field.name]):
            raise ValueError(f"{field.name} is {value!r}")
    if status.state not in STATES:
        raise ValueError(f"there is no state {status.state!r}")
    return status


# An int will do where a float is meant.
_KINDS = {
    name: kind | int if float in (kind, *get_args(kind)) else kind for name, kind in get_type_hints(Status).items()
}


def _judged(status: Status, now: float) -> Status:
    gone = status.host == socket.gethostname() and not _lives(status.pid)
    if status.alive and (gone or now - status.updated > SILENT_SECONDS):
        return replace(status, state="failed", reason=WITHOUT_A_WORD, seconds_left=None, place=0)
    return status


def _lives(pid: int) -> bool:
    """Whether this machine has such a process, not counting zombies."""
    try:
        # The state comes after the name, which is in brackets and may contain any character.
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in ("Z", "X")
    except (OSError, IndexError):
        pass  # it is gone, or this is not Linux
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True  # it is someone else's
    return True


def _status_of_old(path: Path, log: tuple[LogPoint, ...], train: TrainConfig) -> Status:
    """The status of a run whose process never wrote one."""
    step = log[-1].step if log else 0
    state = "finished" if step >= train.steps else "stopped"
    return Status(state=state, step=step, steps=train.steps, updated=(path / "run.json").stat().st_mtime)


def read_log(path: Path) -> list[tuple[bytes, LogPoint]]:
    """The complete lines of the log in the folder ``path``, and what each says; a last line still being written is left
    out.

    Raises:
        ValueError: a line is not one that a run writes; the message names it. Blank lines are skipped.
    """
    file = path / "log.jsonl"
    try:
        text = file.read_bytes()
    except FileNotFoundError:
        return []
    found = []
    for number, line in enumerate(text[: text.rfind(b"\n") + 1].splitlines(keepends=True), start=1):
        try:
            if line.strip():
                found.append((line, _point(json.loads(line))))
        except (AttributeError, ValueError, TypeError, KeyError) as error:
            raise ValueError(
                f"{file}, line {number} does not hold the log of a run: {error!r}; remove that line"
            ) from error
    return found


def _point(line: dict[str, Any]) -> LogPoint:
    scores = line.pop("validation") or {"loss": None, "accuracy": None}
    return LogPoint(**line, valid_loss=scores["loss"], valid_accuracy=scores["accuracy"])


def checkpoint_file(path: Path, step: int) -> Path:
    """Where the run in the folder ``path`` keeps its checkpoint of ``step``."""
    return path / "checkpoints" / f"{step:08}{SUFFIX}"


def kept_checkpoints(path: Path) -> tuple[tuple[int, Path], ...]:
    """Step and file of each checkpoint that the run itself has kept, ignoring anything a person put there."""
    named = ((file.name.removesuffix(SUFFIX), file) for file in (path / "checkpoints").glob(f"*{SUFFIX}"))
    steps = ((int(name), file) for name, file in named if re.fullmatch("[0-9]{8,}", name))
    return tuple(sorted((step, file) for step, file in steps if file == checkpoint_file(path, step) and file.is_file()))
