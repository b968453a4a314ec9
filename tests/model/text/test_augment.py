"""model/text/augment.py: what is typed in a hurry is the same sentence; another name changes nothing else."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from model.text.augment import APOSTROPHES, FINAL, MEN, WOMEN, casual, with_casual, with_names


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


def test_another_name_of_the_same_sex_takes_its_place_on_both_sides():
    pairs = [("Tom sleeps.", "Tom dort."), ("Mary is tired.", "Marie est fatiguée."), ("A dog.", "Un chien.")]
    made = with_names(pairs * 60, 1.0, seed=2)
    assert made[:180] == pairs * 60
    assert {source.removesuffix(" sleeps.") for source, target in made[180:] if target.endswith(" dort.")} <= set(MEN)
    women = {(source.split()[0], target.split()[0]) for source, target in made[180:] if "fatiguée" in target}
    assert len(women) > 9
    assert all(source == target and source in WOMEN for source, target in women)
    assert len(made) == 180 + 120  # the dog has no name
    assert with_names(pairs * 60, 1.0, seed=2) == made != with_names(pairs * 60, 1.0, seed=3)


def test_french_words_lose_their_vowel_before_a_name_that_begins_with_one():
    targets = [target for _, target in with_names([("I know Tom.", "Je pense que Tom, le fils de Tom")] * 90, 1.0, 5)]
    assert "Je pense qu'Ali, le fils d'Ali" in targets
    assert "Je pense que Max, le fils de Max" in targets
    assert not any(f"e {vowel}" in target for target in targets for vowel in "AEIOU")


def test_who_is_named_on_one_side_alone_keeps_the_name():
    assert with_names([("Tom's dog", "son chien"), ("Tommy", "Tommy"), ("Mary", "Maria")], 1.0, seed=1) == [
        ("Tom's dog", "son chien"),
        ("Tommy", "Tommy"),
        ("Mary", "Maria"),
    ]
