"""model/text/augment.py: what is typed in a hurry is the same sentence."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from model.text.augment import APOSTROPHES, FINAL, casual, with_casual


def bare(text: str) -> str:
    """What no haste changes."""
    kept = "".join(character for character in text.lower() if character not in APOSTROPHES)
    return kept.rstrip(FINAL + " ")


@given(st.text(alphabet="abcXYZ '’.!?", min_size=1, max_size=17), st.integers(0, 10**6))
def test_only_case_apostrophes_and_the_end_change(text: str, seed: int):
    assert bare(casual(text, random.Random(seed))) == bare(text)


def test_each_change_is_made():
    random_ = random.Random(5)
    found = {casual("It's me.", random_) for _ in range(500)}
    assert found == {
        first + apostrophe + last
        for first in ("it",)
        for apostrophe in ("'s me", "’s me", "s me")
        for last in (".", "")
    }
    assert {casual("Hi", random_) for _ in range(50)} == {"hi", "hi."}
    assert {casual("Ann is IN", random_) for _ in range(99)} == {"ann is in", "ann is IN", "ann is in.", "ann is IN."}


@pytest.mark.parametrize("share", [0.0, 0.4, 1.0])
def test_the_share_is_of_all_pairs(share: float):
    pairs = [(f"Dog {i}.", str(i)) for i in range(101)]
    found = with_casual(pairs, share, seed=7)
    assert found[: len(pairs)] == pairs
    assert len(found) == len(pairs) + round(share * len(pairs))
    assert len({target for _, target in found[len(pairs) :]}) == len(found) - len(pairs)  # none twice
