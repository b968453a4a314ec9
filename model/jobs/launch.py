"""Training runs started by a server, each in its own process, with the same command as in a terminal."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from contextlib import suppress
from dataclasses import dataclass, field, fields
from pathlib import Path

from model.config import ModelConfig, TrainConfig
from model.jobs.limits import Limits
from model.training.data import DataConfig

PUBLISHED = "published"
"""The folder for published checkpoints, next to the runs; so no run may have this name."""
OUTPUT = "output.txt"
"""The file in the run folder that gets the output of the process."""
LONGEST_NAME = 60
NICENESS = 10  # a responsive page matters more than a training step


def check_name(name: str) -> str:
    """``name``, if a folder may be called that.

    Raises:
        ValueError: it may not.
    """
    allowed = all(character.isalnum() or character in " ._-" for character in name)
    if not name or not allowed or not name[0].isalnum() or name != name.strip() or len(name) > LONGEST_NAME:
        raise ValueError(
            f"a name has up to {LONGEST_NAME} letters, digits, dots, hyphens, underscores and spaces, and must begin "
            f"with a letter or digit, but this one is {name!r}"
        )
    if name == PUBLISHED:
        raise ValueError(f"the name {PUBLISHED!r} is taken; choose another")
    return name


def free_name(root: Path, beginning: str) -> str:
    """The first of ``beginning-1``, ``beginning-2``, … that does not exist under ``root``."""
    number = 1
    while (root / f"{beginning}-{number}").exists():
        number += 1
    return f"{beginning}-{number}"


def reserve(root: Path, name: str) -> Path:
    """Create an empty folder for a run, which nobody else gets.

    Raises:
        ValueError: the name is taken or not allowed.
    """
    folder = root / check_name(name)
    root.mkdir(parents=True, exist_ok=True)
    try:
        folder.mkdir()
    except FileExistsError as error:
        raise ValueError(f"there is already a run called {name!r}; choose another name") from error
    return folder


def arguments(data: DataConfig, model: ModelConfig, train: TrainConfig) -> list[str]:
    """The same settings as options of ``python -m model train``."""
    given = {field.name: getattr(config, field.name) for config in (data, model, train) for field in fields(config)}
    if data.task is None:
        del given["examples"]
    else:
        del given["vocab_size"]  # a task has its own
    options = []
    for name, value in given.items():
        option = f"--{name.replace('_', '-')}"
        if isinstance(value, tuple):
            options += [option, *value] if value else []
        elif value is not None:
            options.append(f"{option}={value}")
    return options


@dataclass(slots=True)
class Launcher:
    """The processes that one server started under ``root``.

    Each holds the end of a pipe; when the server is gone, however that happened, the pipe closes, and the training run
    saves its state and ends.
    """

    root: Path
    limits: Limits
    _processes: dict[Path, subprocess.Popen[bytes]] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def start(self, folder: Path, data: DataConfig, model: ModelConfig, train: TrainConfig) -> None:
        """Start a run in a folder from :func:`reserve`.

        Raises:
            ValueError: no more may wait.
        """
        self.require_room()
        self._launch(folder, arguments(data, model, train))

    def resume(self, folder: Path) -> None:
        """Continue a run.

        Raises:
            ValueError: no more may wait, or a process is already working on it.
        """
        self.require_room()
        self._launch(folder, ["--resume"])

    def require_room(self) -> None:
        """
        Raises:
            ValueError: nothing is started here, or no more runs may wait.
        """
        if self.limits.at_once == 0:
            raise ValueError(
                "this server does not start training runs; whoever runs it can allow them (HEADLIGHT_AT_ONCE)"
            )
        if (busy := self.running()) >= self.limits.at_once + self.limits.queued:
            raise ValueError(
                f"{busy} runs are already running or waiting here, the most allowed; try again when one is done"
            )

    def running(self) -> int:
        """How many of the processes have not ended."""
        with self._lock:
            self._forget_ended()
            return len(self._processes)

    def is_at(self, folder: Path) -> bool:
        """Whether a process of this server is working on a run."""
        with self._lock:
            self._forget_ended()
            return folder in self._processes

    def _launch(self, folder: Path, options: list[str]) -> None:
        queue = [f"--queue={self.root}", f"--at-most={self.limits.at_once}", "--stop-with-parent"]
        command = [sys.executable, "-m", "model", "train", f"--out={folder}", *queue, *options]
        threads = max(1, (os.cpu_count() or 1) // max(1, self.limits.at_once))
        with self._lock, (folder / OUTPUT).open("ab") as output:
            self._forget_ended()
            if folder in self._processes:
                raise ValueError(f"a process is already working on the run {folder.name!r}")
            process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=output,
                env={"OMP_NUM_THREADS": str(threads), **os.environ, "PYTHONPATH": _python_path()},
                start_new_session=True,  # Ctrl-C in the server's terminal is for the server
            )
            self._processes[folder] = process
        if hasattr(os, "setpriority"):
            os.setpriority(os.PRIO_PROCESS, process.pid, NICENESS)
        with suppress(OSError):  # Linux, if set to, first shares the processor between sessions
            Path(f"/proc/{process.pid}/autogroup").write_text(str(NICENESS), encoding="ascii")

    def _forget_ended(self) -> None:
        for folder in [folder for folder, process in self._processes.items() if process.poll() is not None]:
            del self._processes[folder]


def _python_path() -> str:
    """Where the process finds this package, whatever folder the server was started in."""
    return os.pathsep.join([str(Path(__file__).parents[2]), *filter(None, [os.environ.get("PYTHONPATH")])])
