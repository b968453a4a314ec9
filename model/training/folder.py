"""A run folder: all there is between a training and whoever watches it.

``run.json``: the options. ``log.jsonl``: a line a logged step. ``status.json``: how the process fares, written
every second while it lives. ``control.json``: what somebody wants of it. ``checkpoints/``: one every
``keep_every`` steps. ``best.safetensors`` and ``last.safetensors``: the checkpoints to open;
``state.safetensors``: what resuming needs. Each file is written under another name and renamed, except for
the log, which grows; so whoever reads finds whole files.
"""

from __future__ import annotations

import json
import os
import socket
import tempfile
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any

from model.config import ModelConfig, TrainConfig, from_dict, to_dict
from model.training.data import DataConfig

STATES = ("queued", "running", "paused", "stopped", "finished", "failed")
WANTS = ("run", "pause", "stop")
SILENT_SECONDS = 15.0
"""A process that has not written its status for so long has ended."""
WITHOUT_A_WORD = "the process ended without a word (killed, or out of memory)"
SUFFIX = ".safetensors"


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """How a training fares.

    ``step`` of ``steps`` are made; ``seconds_left`` is an estimate, None while there is none; ``updated`` is in
    Unix seconds; ``place`` is the place in the queue from 1, else 0; ``reason`` says why it failed or stopped.
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
        """A process waits or trains."""
        return self.state in ("queued", "running")


@dataclass(frozen=True, slots=True, kw_only=True)
class LogPoint:
    """A logged step; ``loss`` in nats a target token, smoothed as configured.

    ``valid_loss`` (nats, not smoothed) and ``valid_accuracy`` (share of tokens) where this step was validated.
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
    """A run as its folder shows it at one moment. ``checkpoints`` are (step, file), from the first to the last."""

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
        """No process is at it, and there are steps left to make."""
        return not self.status.alive and self.status.state != "finished"


def read_run(path: Path | str) -> RunView:
    """What the folder at ``path`` holds now.

    Raises:
        ValueError: it is no run folder, or a file in it cannot be understood.
    """
    path = Path(path)
    data, model, train = read_options(path)
    log = _read_log(path / "log.jsonl")
    status = read_status(path) or _status_of_old(path, log, train)
    return RunView(
        path=path, data=data, model=model, train=train, status=status, log=log, checkpoints=_checkpoints(path)
    )


def list_runs(root: Path | str) -> list[RunView]:
    """Every run folder directly under ``root``, the youngest first; what is no run, or broken, is left out."""
    found = []
    for path in Path(root).glob("*/run.json"):
        try:
            found.append((path.stat().st_mtime, read_run(path.parent)))
        except (ValueError, OSError):
            continue
    return [view for _, view in sorted(found, key=lambda item: item[0], reverse=True)]


def ask(path: Path | str, want: str) -> None:
    """Ask the training in ``path`` to ``pause`` or ``stop``; it saves its state and ends. ``run`` takes that back.

    Raises:
        ValueError: the folder is no run, or ``want`` is none of :data:`WANTS`.
    """
    if want not in WANTS:
        raise ValueError(f"a run can be asked to {', '.join(WANTS)}, but not to {want!r}")
    if not (Path(path) / "run.json").is_file():
        raise ValueError(_no_run(Path(path)))
    write_json(Path(path) / "control.json", {"want": want})


def create(path: Path, data: DataConfig, model: ModelConfig, train: TrainConfig) -> None:
    """Make a run folder, or make one of a folder that holds no run.

    Raises:
        ValueError: it holds a run already.
        OSError: it cannot be made.
    """
    if (path / "run.json").exists():
        raise ValueError(f"{path} already holds a run: continue it with --resume, or choose another --out")
    if path.exists() and not path.is_dir():
        raise ValueError(f"{path} is a file, so it cannot be a run folder; choose another --out")
    path.mkdir(parents=True, exist_ok=True)
    write_options(path, data, model, train)


def write_options(path: Path, data: DataConfig, model: ModelConfig, train: TrainConfig) -> None:
    """Write ``run.json``."""
    write_json(path / "run.json", {"data": asdict(data), "model": to_dict(model), "train": to_dict(train)})


def discard(path: Path) -> None:
    """Remove what :func:`create` made of a run that never began; what else lies in the folder stays."""
    for name in ("run.json", "status.json", "log.jsonl", "control.json"):
        (path / name).unlink(missing_ok=True)
    with suppress(OSError):  # it is not empty
        path.rmdir()


def read_options(path: Path) -> tuple[DataConfig, ModelConfig, TrainConfig]:
    """What ``run.json`` says.

    Raises:
        ValueError: the folder is no run, or its options are none.
    """
    file = path / "run.json"
    try:
        described = json.loads(file.read_bytes())
    except (FileNotFoundError, NotADirectoryError) as error:
        raise ValueError(_no_run(path)) from error
    except OSError as error:
        raise ValueError(f"{file} cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise ValueError(f"{file} is not JSON: {error}") from error
    try:
        data = DataConfig(**described["data"])
        return data, from_dict(ModelConfig, described["model"]), from_dict(TrainConfig, described["train"])
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(f"{file} does not hold the options of a run: {error}") from error


def read_status(path: Path) -> Status | None:
    """How the process of a run fares, judged: one that waits or trains but is gone has failed. None: none written.

    Raises:
        ValueError: ``status.json`` cannot be understood.
    """
    file = path / "status.json"
    try:
        values = json.loads(file.read_bytes())
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise ValueError(f"{file} cannot be read: {error}") from error
    try:
        return _judged(_status(values), time.time())
    except (AttributeError, TypeError, ValueError) as error:
        raise ValueError(f"{file} does not hold the status of a run: {error}") from error


def read_want(path: Path) -> str:
    """What ``control.json`` asks for; ``run`` where nobody asks for anything that can be understood."""
    try:
        want = json.loads((path / "control.json").read_bytes())["want"]
    except (OSError, ValueError, KeyError, TypeError):
        return "run"
    return want if want in WANTS else "run"


def write_json(path: Path, value: Mapping[str, Any]) -> None:
    """Write ``value`` whole or not at all."""
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.stem}-")
    try:
        with os.fdopen(handle, "w") as file:
            file.write(json.dumps(value, indent=2) + "\n")
        Path(temporary).chmod(0o644)  # a temporary file is private, a run is not
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def _status(values: dict[str, Any]) -> Status:
    status = Status(**{field.name: values[field.name] for field in fields(Status) if field.name in values})
    for field in fields(Status):
        value = getattr(status, field.name)
        if not isinstance(value, _KINDS[str(field.type)]):
            raise ValueError(f"{field.name} is {value!r}")
    if status.state not in STATES:
        raise ValueError(f"there is no state {status.state!r}")
    return status


_KINDS = {"str": str, "int": int, "float": int | float, "float | None": int | float | None}


def _judged(status: Status, now: float) -> Status:
    gone = status.host == socket.gethostname() and not _lives(status.pid)
    if status.alive and (gone or now - status.updated > SILENT_SECONDS):
        return replace(status, state="failed", reason=WITHOUT_A_WORD, seconds_left=None, place=0)
    return status


def _lives(pid: int) -> bool:
    """Whether this machine has such a process, one that has ended but was not yet waited for left out."""
    try:
        # The state comes after the name, which stands in brackets and may hold any character.
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in ("Z", "X")
    except (OSError, IndexError):
        pass  # it is gone, or this is no Linux
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True  # it is someone else's
    return True


def _status_of_old(path: Path, log: tuple[LogPoint, ...], train: TrainConfig) -> Status:
    """The status of a run whose process wrote none."""
    step = log[-1].step if log else 0
    state = "finished" if step >= train.steps else "stopped"
    return Status(state=state, step=step, steps=train.steps, updated=(path / "run.json").stat().st_mtime)


def _read_log(path: Path) -> tuple[LogPoint, ...]:
    """The lines that are whole; the last one may be in the middle of being written."""
    try:
        text = path.read_bytes()
    except FileNotFoundError:
        return ()
    lines = text[: text.rfind(b"\n") + 1].splitlines()
    try:
        return tuple(_point(json.loads(line)) for line in lines)
    except (ValueError, TypeError, KeyError) as error:
        raise ValueError(f"{path} does not hold the log of a run: {error!r}") from error


def _point(line: dict[str, Any]) -> LogPoint:
    scores = line.pop("validation") or {"loss": None, "accuracy": None}
    return LogPoint(**line, valid_loss=scores["loss"], valid_accuracy=scores["accuracy"])


def _checkpoints(path: Path) -> tuple[tuple[int, Path], ...]:
    files = (path / "checkpoints").glob(f"*{SUFFIX}")
    return tuple(sorted((int(file.stem), file) for file in files if file.stem.isdigit()))


def _no_run(path: Path) -> str:
    return f"{path} is not a run folder: it has no run.json; a run folder is what `python -m model train --out` writes"
