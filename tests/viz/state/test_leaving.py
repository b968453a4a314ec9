"""Who left is forgotten."""

from viz.state.leaving import Absent
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
