"""How often one visitor may ask the server while typing."""

from __future__ import annotations

import time
from dataclasses import dataclass

A_SECOND, AT_ONCE = 50, 100  # a key held down repeats 30 times a second


@dataclass(slots=True)
class Pace:
    """A token bucket, and which question is the newest. Only the thread that hears the questions gives turns."""

    left: float = AT_ONCE
    at: float = 0.0
    newest: int = 0

    def turn(self, now: float | None = None) -> int | None:
        """The number of the next question; None if it comes too soon. ``now`` is in seconds of a steady clock."""
        now = time.monotonic() if now is None else now
        self.left = min(AT_ONCE, self.left + (now - self.at) * A_SECOND)
        self.at = now
        if self.left < 1:
            return None
        self.left -= 1
        self.newest += 1
        return self.newest

    def superseded(self, turn: int) -> bool:
        return turn < self.newest
