"""What was computed lately, in caches that are bounded in bytes: what is kept of a long text has megabytes."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from threading import Lock
from typing import Generic, TypeVar

from model.trace import Trace

ENTRIES, BYTES = 256, 64_000_000

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


@dataclass(slots=True)
class Kept(Generic[K, V]):
    """Values by what they depend on, the least lately asked for forgotten first. They cannot be changed, so visitors
    share them as they are. ``size`` tells the bytes of one.

    Not Streamlit's own cache of a function: that counts entries, takes a tenth of a keystroke, and knows nothing of
    several at once.
    """

    size: Callable[[V], int]
    entries: int = ENTRIES
    most: int = BYTES
    bytes: int = 0
    values: OrderedDict[K, V] = field(default_factory=OrderedDict)
    lock: Lock = field(default_factory=Lock)

    def get(self, key: K) -> V | None:
        with self.lock:
            if key in self.values:
                self.values.move_to_end(key)
            return self.values.get(key)

    def put(self, key: K, made: V) -> None:
        """Keep a value, even if it alone is too large."""
        with self.lock:
            self._drop(key)
            self.values[key] = made
            self.bytes += self.size(made)
            while len(self.values) > 1 and (len(self.values) > self.entries or self.bytes > self.most):
                self._drop(next(iter(self.values)))

    def _drop(self, key: K) -> None:
        if (known := self.values.pop(key, None)) is not None:
            self.bytes -= self.size(known)

    def found(self, key: K, make: Callable[[], V]) -> V:
        """The value of a key, made if it is not kept."""
        if (known := self.get(key)) is None:
            known = make()
            self.put(key, known)
        return known


def trace_bytes(*traces: Trace | None) -> int:
    """The bytes of their patterns."""
    return sum(one.pattern.nbytes for trace in traces if trace is not None for one in trace.maps)
