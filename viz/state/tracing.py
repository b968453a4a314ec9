"""The traces that were asked for lately: one cache of them for the whole server."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import streamlit as st

from model.capture import Text, capture, capture_together
from model.checkpoint import Checkpoint
from model.families.proof import HeadPass
from model.trace import Kind, Trace
from viz.look.forcing import Forcing
from viz.state.keeping import Kept, trace_bytes
from viz.state.session import Visitor, visitor

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


@st.cache_resource
def _kept() -> Kept[Key, Trace]:
    return Kept(trace_bytes)


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
    return _kept().found(key, lambda: capture(opened, source, target, prefix=prefix))


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
    while len(who.traces) > 2 and trace_bytes(*who.traces.values()) > LARGE_TRACES:
        who.traces.pop(next(iter(who.traces)), None)
    while len(who.traces) > TRACES_OF_ONE:
        who.traces.pop(next(iter(who.traces)), None)
    return found
