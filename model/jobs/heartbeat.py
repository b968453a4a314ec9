"""``status.json`` of a run folder, kept up to date by a thread for as long as the process lives."""

from __future__ import annotations

import json
import os
import socket
import threading
import time
from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from model.jobs.stopping import Asked
from model.training.folder import Status, read_want
from model.training.options import write_json

EVERY_SECONDS = 1.0
STATE_AFTER = {"pause": "paused", "stop": "stopped"}


class Heartbeat:
    """Writes the state of the process, and passes on what ``control.json`` asks for.

    A disk that is briefly full should not end a training run that has nothing to save at that moment, so what the
    thread cannot write now it writes the next time.
    """

    def __init__(self, folder: Path, steps: int, asked: Asked, *, state: str) -> None:
        self._folder, self._asked = folder, asked
        self._status = Status(state=state, pid=os.getpid(), host=socket.gethostname(), steps=steps)
        self._lock = threading.Lock()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._beat, daemon=True)

    def __enter__(self) -> Self:
        self.update()
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.end()

    def end(self) -> None:
        """Stop writing on its own."""
        self._ended.set()
        self._thread.join()

    def set_place(self, place: int) -> None:
        """Set the place in the queue."""
        self.update(place=place)

    def update(self, **changes: Any) -> None:
        """Set fields of the status; a new state or place is written at once, the rest at the next beat."""
        with self._lock:
            before, self._status = self._status, replace(self._status, **changes)
            if (before.state, before.place) != (self._status.state, self._status.place) or not before.updated:
                self._write()

    def _beat(self) -> None:
        while not self._ended.wait(EVERY_SECONDS):
            if (state := STATE_AFTER.get(read_want(self._folder))) is not None:
                self._asked.to(state)
            with self._lock:
                self._write()

    def _write(self) -> None:
        self._status = replace(self._status, updated=time.time())
        write_status(self._folder, asdict(self._status))


def write_status(folder: Path, status: Mapping[str, Any]) -> None:
    """Write ``status.json``; on a full disk in place, where a short text still fits, or not at all."""
    path = folder / "status.json"
    try:
        write_json(path, status, durable=False)
    except OSError:
        try:
            with path.open("r+") as file:
                file.write(json.dumps(status) + "\n")
                file.truncate()
        except OSError:
            pass
