"""model/heads/splitting.py: what a word is, and which one a token belongs to."""

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from model.heads.splitting import PLAIN, SPACED, is_word, word_numbers
from model.text.tokenizer import Tokenizer


@pytest.mark.parametrize(
    ("word", "expected"),
    [(SPACED, ["l'eau,", "c'est", "25°"]), (PLAIN, ["l", "'", "eau", ",", "c", "'", "est", "25", "°"])],
)
def test_words(word: re.Pattern[str], expected: list[str]):
    assert word.findall("l'eau, c'est 25°") == expected


@given(st.text(max_size=30))
def test_every_token_ends_in_the_text(text: str):
    for tokenizer in (Tokenizer.characters(), Tokenizer.train(["the dog sees the dog", "thé, the dog's thé"] * 3, 283)):
        ids = tokenizer.encode(text)
        whole = tokenizer.decode(ids)
        places = tokenizer.places([*ids, 2])
        assert places[-1] == -1
        assert all(-1 <= place < len(whole) for place in places[:-1])
        for n, place in enumerate(places[:-1], start=1):  # what the first n tokens say ends there
            said = tokenizer.decode(ids[:n])
            assert "\ufffd" in said or said == whole[: place + 1]


def test_places_become_words():
    text = "l'eau, 25"
    places = np.array([0, 1, 4, 5, 6, 7, 8, -1])
    assert word_numbers(text, places, SPACED).tolist() == [0, 0, 0, 0, -1, 1, 1, -1]
    assert word_numbers(text, places, PLAIN).tolist() == [0, 1, 2, 3, -1, 4, 4, -1]
    assert [is_word(word) for word in PLAIN.findall(text)] == [True, False, True, False, True]
