"""The polite ways to end a training run: a signal, a request in its folder, or the end of the program that started
it."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager


class Asked:
    """Whether somebody wants the run to end; it then finishes its step and saves its state.

    ``state`` is what the run will be afterwards, ``paused`` or ``stopped``, and ``reason`` why; the first to ask
    decides.
    """

    def __init__(self) -> None:
        self.state = self.reason = ""
        self._event = threading.Event()

    def __bool__(self) -> bool:
        return self._event.is_set()

    def to(self, state: str, reason: str = "") -> None:
        """Ask for ``state``."""
        if not self:
            self.state, self.reason = state, reason
            self._event.set()

    def wait(self, seconds: float) -> None:
        """Return when somebody asks, or after ``seconds`` at the latest."""
        self._event.wait(seconds)


@contextmanager
def signals_ask(asked: Asked) -> Iterator[None]:
    """The first Ctrl-C or polite kill asks for ``stopped``; a second one raises KeyboardInterrupt."""

    def ask(signal_number: int, frame: object) -> None:
        if asked:
            raise KeyboardInterrupt
        asked.to("stopped", f"it was sent the signal {signal.Signals(signal_number).name}")

    before = {number: signal.signal(number, ask) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def end_of_input_asks(asked: Asked) -> None:
    """Ask for ``stopped`` once standard input closes: whoever held its other end is gone, however that happened."""

    def watch() -> None:
        try:
            while os.read(0, 4096):  # not sys.stdin: its lock would hold up the end of this process
                pass
        except OSError:
            pass  # it was closed from the start
        asked.to("stopped", "the program that started it has ended")

    threading.Thread(target=watch, daemon=True).start()


def end_of_parent_asks(asked: Asked) -> None:
    """Ask for ``stopped`` once the process that started this one is gone; under ``torchrun``, standard input does not
    tell."""
    parent = os.getppid()

    def watch() -> None:
        while os.getppid() == parent and not asked:
            asked.wait(1.0)
        asked.to("stopped", "the program that started it has ended")

    threading.Thread(target=watch, daemon=True).start()
