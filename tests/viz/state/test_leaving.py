"""Who left is forgotten."""

import asyncio

import pytest

from viz.state.leaving import Absent, _repeat
from viz.state.session import Visitor


def test_who_comes_back_in_time_stays():
    absent, here = Absent(patience=100), {"a"}
    known = ["a", "b"]
    assert absent.gone(known, here.__contains__, 0) == []
    assert absent.gone(known, here.__contains__, 90) == []
    here.add("b")
    assert absent.gone(known, here.__contains__, 95) == []
    here.clear()
    assert absent.gone(known, here.__contains__, 110) == []
    assert absent.gone(known, here.__contains__, 209) == []
    assert absent.gone(known, here.__contains__, 210) == known


def test_who_is_known_no_more_is_not_waited_for():
    absent = Absent(patience=100)
    absent.gone(["a"], lambda _: False, 0)
    assert absent.gone([], lambda _: False, 200) == []
    assert absent.since == {}


def test_what_may_be_large_is_let_go():
    visitor = Visitor(uploads={"a": object()}, kept={"b": object()}, traces={(): object()})  # type: ignore[dict-item]
    visitor.let_go()
    assert not any((visitor.uploads, visitor.kept, visitor.traces, visitor.lengths))


def test_one_look_that_fails_is_not_the_last(caplog: pytest.LogCaptureFixture):
    asked: list[set[int]] = []

    async def look(seen: set[int]) -> set[int]:
        asked.append(seen)
        if len(asked) == 2:
            raise OSError("for once")
        if len(asked) == 4:
            raise asyncio.CancelledError
        return {len(asked)}

    with pytest.raises(asyncio.CancelledError):
        asyncio.run(_repeat(look, 0))
    assert asked == [set(), {1}, {1}, {3}]
    assert "for once" in caplog.text
