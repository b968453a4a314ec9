"""Who left is forgotten, and what they had open with them, also when nobody comes after them.

Streamlit keeps the session of a connection that broke for a while, should its page come back, and lets it go when the
next visitor comes: after a class that would be the next morning.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from logging import getLogger

import streamlit as st
from streamlit.runtime import Runtime, get_instance

from viz.state.memory import give_back
from viz.state.opening import close_unused
from viz.state.session import visitors

LOG = getLogger(__name__)
LOOK_EVERY = 10  # seconds, at most


@dataclass(slots=True)
class Absent:
    """Since when visitors have no connection, in seconds of a steady clock; they are given up after ``patience``."""

    patience: float
    since: dict[str, float] = field(default_factory=dict)

    def gone(self, known: Iterable[str], here: Callable[[str], bool], now: float) -> list[str]:
        """Which of the ``known`` visitors will not come back."""
        self.since = {one: self.since.get(one, now) for one in known if not here(one)}
        return [one for one, left in self.since.items() if now - left >= self.patience]


async def forget_who_left() -> None:
    """For ever, in the server's event loop: close the sessions of those who left, and give back the memory of what was
    let go since the last time."""
    runtime = get_instance()
    kept: float = st.get_option("server.disconnectedSessionTTL")
    every = min(LOOK_EVERY, max(1, kept / 4))
    absent = Absent(kept - 2 * every)  # once Streamlit's own time is over, it does not find them any more

    def here(name: str) -> bool:
        found = visitors().get(name)
        return found is not None and runtime.is_active_session(found.session)

    async def look(large: set[int]) -> set[int]:
        gone = absent.gone(list(visitors()), here, time.monotonic())
        for name in gone:
            _forget(runtime, name)
        still = {id(one.from_shelf) for one in list(visitors().values()) if one.from_shelf is not None}
        if gone or large - still:
            await asyncio.to_thread(_give_back, collect=not any(map(here, list(visitors()))))
        return still

    await _repeat(look, every)


async def _repeat(look: Callable[[set[int]], Awaitable[set[int]]], every: float) -> None:
    """Call ``look`` every so many seconds with what it returned last; one that fails is written down, and the next one
    comes all the same: nobody would notice that memory does not come back."""
    seen: set[int] = set()
    while True:
        await asyncio.sleep(every)
        try:
            seen = await look(seen)
        except Exception:
            LOG.exception("Who left could not be forgotten; next try in %g s", every)


def _give_back(*, collect: bool) -> None:
    close_unused()  # waits while somebody opens one
    give_back(collect=collect)


def _forget(runtime: Runtime, name: str) -> None:
    """Streamlit's objects of a session refer to each other, so they stay for a while; what may be large must not."""
    if (left := visitors().pop(name, None)) is not None:
        left.let_go()
        runtime.close_session(left.session)
