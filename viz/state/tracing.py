"""The traces that were asked for lately: one cache of them for the whole server."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field
from threading import Lock
from typing import NamedTuple

import streamlit as st

from model.capture import Text, capture, capture_together
from model.checkpoint import Checkpoint
from model.families.proof import HeadPass
from model.trace import Kind, Trace
from viz.look.forcing import Forcing
from viz.state.session import Visitor, visitor

TRACES_KEPT = 256
TRACES_OF_ONE, LARGE_TRACES = 16, 100_000_000
"""Of a model from elsewhere: traces that are kept for one visitor, and the bytes that more than two may have: that of
the text on show, and that of the example, which says which head to begin with."""


class Key(NamedTuple):
    """What a trace depends on. The digest stands for the checkpoint."""

    digest: str
    name: str
    source: str
    target: str | None
    prefix: tuple[int, ...]


@dataclass(slots=True)
class Kept:
    """Traces by what they depend on, the least lately asked for forgotten first. A trace cannot be changed, so visitors
    share it as it is."""

    most: int
    traces: OrderedDict[Key, Trace] = field(default_factory=OrderedDict)
    lock: Lock = field(default_factory=Lock)

    def get(self, key: Key) -> Trace | None:
        with self.lock:
            if key in self.traces:
                self.traces.move_to_end(key)
            return self.traces.get(key)

    def put(self, key: Key, made: Trace) -> None:
        with self.lock:
            self.traces[key] = made
            while len(self.traces) > self.most:
                self.traces.popitem(last=False)


# Not Streamlit's own cache of a function: that takes a tenth of a keystroke, and knows nothing of several at once.
@st.cache_resource
def _kept() -> Kept:
    return Kept(TRACES_KEPT)


class Typed(NamedTuple):
    """A text that a visitor types, and what they make the decoder write."""

    who: Visitor
    forced: Forcing
    text: str


def trace(
    opened: Checkpoint, source: str, target: str | None = None, prefix: tuple[int, ...] = (), more: int = 0
) -> Trace:
    """The trace of a text, from the cache if anyone asked for it lately; arguments as of :func:`capture`."""
    if opened.elsewhere is not None:
        return _of_elsewhere(visitor(), opened, source, target, prefix, more)
    key = Key(opened.digest, opened.name, source, target, prefix)
    if (found := _kept().get(key)) is None:
        found = capture(opened, source, target, prefix=prefix)
        _kept().put(key, found)
    return found


def typed_traces(opened: Checkpoint, typed: Sequence[Typed]) -> list[Trace]:
    """The traces of texts that visitors type. Those of the model's own output that nobody asked for lately are made in
    common passes; most of what is written stays from one keystroke to the next, so it is the next one's draft."""
    if opened.elsewhere is not None:
        return [_of_elsewhere(who, opened, text, *_forced(forced), forced.more) for who, forced, text in typed]
    kept = _kept()
    keys = [Key(opened.digest, opened.name, text, *_forced(forced)) for _, forced, text in typed]
    found = {key: known for key in keys if (known := kept.get(key)) is not None}
    own = {
        key: Text(key.source, key.prefix, _draft(one.who, opened))
        for key, one in zip(keys, typed, strict=True)
        if key not in found and key.target is None
    }
    made = dict(zip(own, capture_together(opened, list(own.values())), strict=True)) if own else {}
    made |= {key: capture(opened, key.source, key.target) for key in keys if key not in found and key not in made}
    for key, one in made.items():
        kept.put(key, one)
    traces = [(found | made)[key] for key in keys]
    for one, shown in zip(typed, traces, strict=True):
        one.who.draft = opened.digest, shown.predicted_ids
    return traces


def head_pass(opened: Checkpoint, shown: Trace, kind: Kind, layer: int, head: int) -> HeadPass:
    """What stood in one head of a model from elsewhere, in the pass that a trace is of.

    Raises:
        ValueError: it does not tell.
    """
    if opened.elsewhere is None:
        raise ValueError("The page Anatomy takes the heads of this model apart.")
    return opened.elsewhere.head(shown, kind, layer, head)


def _forced(forced: Forcing) -> tuple[str | None, tuple[int, ...]]:
    return forced.target, forced.prefix


def _draft(who: Visitor, opened: Checkpoint) -> tuple[int, ...]:
    digest, draft = who.draft
    return draft if digest == opened.digest else ()


def _of_elsewhere(
    who: Visitor, opened: Checkpoint, source: str, target: str | None, prefix: tuple[int, ...], more: int
) -> Trace:
    """One of the last traces of ``who``, or a new one; they may have hundreds of megabytes, so few are kept."""
    asked = opened.digest, source, target, prefix, more
    found = who.traces.pop(asked, None) or capture(opened, source, target, prefix=prefix, more=more)
    who.traces[asked] = found
    while len(who.traces) > 2 and sum(map(_size, who.traces.values())) > LARGE_TRACES:
        who.traces.pop(next(iter(who.traces)), None)
    while len(who.traces) > TRACES_OF_ONE:
        who.traces.pop(next(iter(who.traces)), None)
    return found


def _size(shown: Trace) -> int:
    return sum(one.pattern.nbytes for one in shown.maps)
