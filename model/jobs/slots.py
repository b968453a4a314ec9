"""A queue without a server: training runs under one folder wait until fewer than a given number are running.

A running one holds a lock on one of ``.slots/0`` … ``.slots/{n-1}``, a waiting one on a file named after its arrival
time. The system releases the locks of a process however it ends, so a killed one blocks nothing.
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from model.jobs.stopping import Asked

EVERY_SECONDS = 0.3
WAITING = "wait-"


@contextmanager
def slot(root: Path, at_most: int, on_place: Callable[[int], None], asked: Asked) -> Iterator[bool]:
    """Wait for one of ``at_most`` slots under ``root`` and hold it; first come, first served.

    Args:
        on_place: called with the place in the queue, from 1, at every check.
        asked: ends the waiting.

    Returns:
        Whether there is a slot: False if the waiting was ended.

    Raises:
        ValueError: ``at_most`` is below 1, or this system has no file locks.
    """
    if at_most < 1:
        raise ValueError(f"at least one run must be allowed at a time, but --at-most is {at_most}")
    folder = root / ".slots"
    folder.mkdir(parents=True, exist_ok=True)
    ticket, waiting = _ticket(folder)
    held = None
    try:
        try:
            while not asked:
                place = 1 + sum(_is_held(other) for other in folder.glob(f"{WAITING}*") if other.name < ticket.name)
                if place == 1 and (held := _free(folder, at_most)) is not None:
                    break
                on_place(place)
                asked.wait(EVERY_SECONDS)
        finally:
            ticket.unlink(missing_ok=True)
            os.close(waiting)
        yield held is not None
    finally:
        if held is not None:
            os.close(held)


def _ticket(folder: Path) -> tuple[Path, int]:
    """A file that says since when this process has been waiting, and its descriptor, which holds the lock."""
    descriptor, name = tempfile.mkstemp(dir=folder, prefix="new-")
    _lock(descriptor)  # before it gets the name by which the others find it
    ticket = folder / f"{WAITING}{time.time_ns():020}-{os.getpid()}"
    Path(name).rename(ticket)
    return ticket, descriptor


def _free(folder: Path, at_most: int) -> int | None:
    """The descriptor of a slot that nobody held; None if there was none."""
    for number in range(at_most):
        descriptor = os.open(folder / str(number), os.O_RDWR | os.O_CREAT, 0o666)
        if _lock(descriptor):
            return descriptor
        os.close(descriptor)
    return None


def _is_held(ticket: Path) -> bool:
    """Whether its process is still alive; the ticket of a dead one is removed."""
    try:
        descriptor = os.open(ticket, os.O_RDWR)
    except FileNotFoundError:
        return False
    try:
        if not _lock(descriptor):
            return True
        ticket.unlink(missing_ok=True)
        return False
    finally:
        os.close(descriptor)


def _lock(descriptor: int) -> bool:
    try:
        import fcntl
    except ModuleNotFoundError as error:
        raise ValueError("this system has no file locks, so --queue cannot be used") from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
