"""How sure a model is of what it writes, by the probabilities of its own tokens."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

import numpy as np

from model.text.tokenizer import SPECIAL, label_bytes
from model.text.words import begins_word
from model.trace import Trace

SURE, LIKELY = 0.5, 0.2
"""A word whose probability is below the first is doubtful, below the second a guess."""
Mark = Literal["", "doubtful", "guess"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Word:
    """A part of an output; ``probability`` is the product over its tokens, None where there is none to tell."""

    text: str
    probability: float | None = None

    @property
    def counts(self) -> bool:
        """Whether it is a word that the model was more or less sure of, and not punctuation or a space."""
        return self.probability is not None and any(map(str.isalnum, self.text))

    @property
    def mark(self) -> Mark:
        """How unsure the model was of it."""
        if not self.counts or self.probability is None or self.probability >= SURE:
            return ""
        return "doubtful" if self.probability >= LIKELY else "guess"


@dataclass(frozen=True, slots=True, kw_only=True)
class Certainty:
    """How sure a model is of an output: ``words``, which together are its text; ``whole``, the product over all its
    tokens, the one that ends it included; and their number ``n_tokens``."""

    words: tuple[Word, ...]
    whole: float | None = None
    n_tokens: int = 0

    @property
    def n_words(self) -> int:
        """How many words there are that count."""
        return sum(word.counts for word in self.words)

    @property
    def n_unsure(self) -> int:
        """How many of them are marked."""
        return sum(word.mark != "" for word in self.words)

    @property
    def per_token(self) -> float | None:
        """The geometric mean of the probabilities of the tokens."""
        return None if self.whole is None else self.whole ** (1 / self.n_tokens)


def certainty(trace: Trace, *, by_word: bool) -> Certainty:
    """How sure the model was of the target of a trace, also where it was made to write it.

    Args:
        trace: of any model.
        by_word: put the tokens of a word together; else each token stands for itself.
    """
    n = len(trace.predicted_ids)
    if trace.probabilities is None or not n:
        return Certainty(words=(Word(text=trace.target),))
    names = next((one.predicted_tokens for one in trace.maps if one.predicted_tokens), ())[-n:]
    probabilities = trace.probabilities.astype(np.float64)
    whole = float(probabilities.prod())
    words = _words(trace.target, names, probabilities, by_word)
    return Certainty(words=words or (Word(text=trace.target),), whole=whole, n_tokens=n)


def _words(target: str, names: Sequence[str], probabilities: np.ndarray, by_word: bool) -> tuple[Word, ...]:
    """The words of ``target``; none where the names of its tokens do not spell it."""
    written = [place for place, name in enumerate(names) if name not in SPECIAL]
    if not written:
        return ()
    pieces = [label_bytes(names[place]) for place in written]
    text = b"".join(pieces).decode("utf-8", errors="replace")
    if text.removeprefix(" ") != target.removeprefix(" "):
        return ()
    begins = begins_word(pieces) if by_word else _begins_character(pieces)
    starts = [i for i, begin in enumerate(begins) if begin]
    words = [
        Word(
            text=b"".join(pieces[start:end]).decode("utf-8", errors="replace"),
            probability=float(probabilities[written[start:end]].prod()),
        )
        for start, end in pairwise([*starts, len(pieces)])
    ]
    if len(text) > len(target):  # the space before the first word
        words[0] = Word(text=words[0].text.removeprefix(" "), probability=words[0].probability)
    return tuple(words)


def _begins_character(pieces: Sequence[bytes]) -> list[bool]:
    """Whether a token begins with a whole character, not with the rest of one that was cut across tokens."""
    return [i == 0 or not piece or piece[0] & 0xC0 != 0x80 for i, piece in enumerate(pieces)]
