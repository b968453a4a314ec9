"""A sentence split into words for alignment: finer than the words on screen, so that an article is its own word: l’,
eau."""

from __future__ import annotations

import re

import numpy as np

SPACED = re.compile(r"\S+")
"""A word is what stands between spaces, as in text that is already tokenised."""
PLAIN = re.compile(r"[^\W\d_]+|\d+|(?:[^\w\s]|_)+")
"""A word is a run of letters, of digits or of punctuation; hardly any token is part of two of them."""


def word_numbers(text: str, places: np.ndarray, word: re.Pattern[str]) -> np.ndarray:
    """The word, from 0, to which the character at each of ``places`` in ``text`` belongs; −1 for none."""
    numbers = np.full(len(text) + 1, -1)  # the last one for the place −1
    for number, found in enumerate(word.finditer(text)):
        numbers[found.start() : found.end()] = number
    return numbers[places]


def is_word(text: str) -> bool:
    """Whether it has letters or digits, so that a dictionary may have it."""
    return any(character.isalnum() for character in text)
