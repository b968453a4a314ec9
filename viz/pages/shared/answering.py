"""Texts that are typed, drawn one after the other: those that wait for the same model in common passes."""

from __future__ import annotations

import asyncio
import gzip
import json
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from itertools import groupby
from typing import NamedTuple

from model.families.stopping import GivenUpError, given_up_when
from model.trace import Trace
from viz.state.session import Following, Visitor
from viz.state.tracing import Typed, typed_traces

COMPRESSION = 1  # of gzip: a third of the bytes already, for a tenth of the time that 9 takes
OURS, ELSEWHERE = ThreadPoolExecutor(1, "live"), ThreadPoolExecutor(1, "live-elsewhere")
"""One answer after the other: two threads take the interpreter from each other in the midst of an answer, and both are
done later. Models from elsewhere may be large; who looks at one keeps nobody else waiting."""
TOGETHER = 8  # texts in common passes: each then takes about half the time, and the first waits for the last


class Asked(NamedTuple):
    """A text to be drawn for a visitor, as their page followed it, and where the answer goes: the bytes, or None if a
    newer text was asked for meanwhile."""

    visitor: Visitor
    following: Following
    text: str
    turn: int
    zipped: bool
    answer: asyncio.Future[bytes | None]

    @property
    def superseded(self) -> bool:
        return self.visitor.pace.superseded(self.turn)

    @property
    def model(self) -> str:
        return self.following.opened.digest

    def tell(self, make: Callable[[], bytes | None]) -> None:
        """Answer with what ``make`` gives, or the error that it raises; from any thread."""
        try:
            settle = self.answer.set_result, make()
        except Exception as error:
            settle = self.answer.set_exception, error
        with suppress(RuntimeError):  # the server is going down
            self.answer.get_loop().call_soon_threadsafe(self._settle, *settle)

    def _settle(self, how: Callable[..., None], what: object) -> None:
        if not self.answer.done():  # else who asked is gone
            how(what)


WAITING: deque[Asked] = deque()


async def answered(visitor: Visitor, following: Following, text: str, turn: int, zipped: bool) -> bytes | None:
    """What the browser draws of a text, as bytes, zipped or not; None if a newer one was asked for before its turn
    came, or before a model from elsewhere, which may be large, was done with it."""
    asked = Asked(visitor, following, text, turn, zipped, asyncio.get_running_loop().create_future())
    if following.opened.elsewhere is None:
        WAITING.append(asked)
        OURS.submit(answer_waiting)
    else:
        ELSEWHERE.submit(asked.tell, lambda: _alone(asked))
    return await asked.answer


def answer_waiting() -> None:
    """Answer the texts that have waited longest."""
    asked: list[Asked] = []
    with suppress(IndexError):  # no more do
        while len(asked) < TOGETHER:
            asked.append(WAITING.popleft())
    for one in asked:
        if one.superseded:
            one.tell(lambda: None)
    newest = sorted((one for one in asked if not one.superseded), key=lambda one: one.model)
    for _, group in groupby(newest, key=lambda one: one.model):
        _together(list(group))


def _together(asked: Sequence[Asked]) -> None:
    """Answer texts of one model. If they fail, each is tried alone, so that none takes another with it."""
    try:
        traces = typed_traces(asked[0].following.opened, [_typed(one) for one in asked])
    except Exception:
        for one in asked:
            one.tell(lambda one=one: _alone(one))
        return
    for one, trace in zip(asked, traces, strict=True):
        one.tell(lambda one=one, trace=trace: _body(one, trace))


def _alone(asked: Asked) -> bytes | None:
    if asked.superseded:
        return None
    try:
        with given_up_when(lambda: asked.superseded):
            return _body(asked, typed_traces(asked.following.opened, [_typed(asked)])[0])
    except GivenUpError:
        return None


def _typed(asked: Asked) -> Typed:
    return Typed(asked.visitor, asked.following.forced, asked.text)


def _body(asked: Asked, trace: Trace) -> bytes:
    data = asked.following.draw(trace, asked.text)
    body = json.dumps(data, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()
    return gzip.compress(body, COMPRESSION) if asked.zipped else body
