"""Caches that are bounded in bytes."""

from viz.state.keeping import Kept


def kept(most: int = 100, entries: int = 256) -> Kept[str, bytes]:
    return Kept(len, entries=entries, most=most)


def test_the_least_lately_asked_for_goes_first():
    cache = kept(entries=2)
    for key in "ab":
        cache.put(key, b"12345")
    assert cache.get("a") == b"12345"
    cache.put("c", b"12345")
    assert list(cache.values) == ["a", "c"]
    assert cache.bytes == 10


def test_a_large_value_takes_the_place_of_many():
    cache = kept(most=100)
    for key in "abcd":
        cache.put(key, bytes(25))
    cache.put("e", bytes(60))
    assert list(cache.values) == ["d", "e"]
    assert cache.bytes == 85


def test_one_that_is_too_large_is_kept_until_the_next():
    cache = kept(most=100)
    cache.put("a", bytes(500))
    assert cache.get("a") is not None
    cache.put("b", bytes(10))
    assert list(cache.values) == ["b"]
    assert cache.bytes == 10


def test_what_is_put_again_counts_once():
    cache = kept()
    cache.put("a", bytes(30))
    cache.put("a", bytes(20))
    assert cache.bytes == 20


def test_only_what_is_not_kept_is_made():
    cache, made = kept(), []
    for _ in range(2):
        assert cache.found("a", lambda: made.append(1) or b"made") == b"made"
    assert made == [1]
