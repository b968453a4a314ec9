"""What an experiment changed of a text, as values and words."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import TYPE_CHECKING

import numpy as np

from model.text.tokenizer import SPECIAL
from model.trace import Trace
from viz.look.doubt import Certainty, certainty
from viz.look.theme import show_token
from viz.look.words import share

if TYPE_CHECKING:
    from model.interventions.experiment import Experiment, What

TAKEN: dict[What, str] = {
    "head": "Without this head",
    "scale": "Without scale",
    "positions": "Without positions",
}
"""What is taken from the model, as a choice."""
SHAKEN, MOST_SHAKEN = 0.01, 3
"""By how much a word's probability must have fallen to be told, and how many are."""
NOTICED = 0.05
"""Nats, less than which hardly anything changed."""


@dataclass(frozen=True, slots=True)
class Part:
    """A word of a text, with the space before it, and whether the other text does not have it there."""

    text: str
    changed: bool


def compared(before: Sequence[str], after: Sequence[str]) -> tuple[list[Part], list[Part]]:
    """The words of two texts; spaces before them do not count."""
    matcher = SequenceMatcher(None, [word.strip() for word in before], [word.strip() for word in after], autojunk=False)
    blocks = matcher.get_matching_blocks()
    kept = ({b.a + i for b in blocks for i in range(b.size)}, {b.b + i for b in blocks for i in range(b.size)})
    first, second = (
        [Part(word, i not in same) for i, word in enumerate(words)]
        for words, same in zip((before, after), kept, strict=True)
    )
    return first, second


def words_of(sure: Certainty) -> list[str]:
    """The words of an output, each with the space before it."""
    return [word.text for word in sure.words if word.text]


def verdict(before: Sequence[Part], after: Sequence[Part], found: Experiment, what: What, unit: str) -> str:
    """How much changed; a word that gave way to another is one."""
    n = max(sum(part.changed for part in parts) for parts in (before, after))
    if n:
        return f"{n} {unit}{'s' * (n != 1)} changed"
    if _comparable(found) and abs(total := _total(found)) >= NOTICED:
        return f"Same {unit}s, but {'less' if total < 0 else 'more'} likely"
    return (
        "Hardly anything changed: here the model can do without this head"
        if what == "head"
        else "Hardly anything changed on this text; try another"
    )


def how_likely(found: Experiment) -> str:
    """How likely the first output was, and is now; empty where the changed model could not be fed all of it as it
    was."""
    if not _comparable(found):
        return ""
    n, total = found.n_compared, _total(found)
    before, after = (share(_whole(trace, n)) for trace in (found.before, found.forced))
    factor = math.exp(total)
    times = f"× {factor:.2f}" if factor >= 0.01 else "less than × 0.01"
    goes = f"{'falls' if total < 0 else 'rises'} from {before} to {after}"
    if before == after:
        goes = f"stays at {before}"
    return f"The probability of “before” {goes} ({times}; Δ\u00a0log-probability\u00a0{signed(total)})."


def less_likely(found: Experiment, *, by_word: bool) -> str:
    """The words of the first output that lost most; empty where none lost much. ``by_word`` as for
    :func:`viz.look.doubt.certainty`."""
    if not _comparable(found):
        return ""
    pairs = zip(_told(found.before, by_word), _told(found.forced, by_word), strict=False)
    lost = sorted(((p - q, word, p, q) for (word, p), (_, q) in pairs), key=lambda one: -one[0])
    said = [
        f"“{word}”\u00a0{share(p)}\u00a0→\u00a0{share(q)}" for less, word, p, q in lost[:MOST_SHAKEN] if less >= SHAKEN
    ]
    return f"Less likely now: {', '.join(said)}." if said else ""


def _comparable(found: Experiment) -> bool:
    """Whether the changed model was fed all of the first output as it was."""
    return 0 < found.n_compared == len(found.before.predicted_ids)


def _total(found: Experiment) -> float:
    """By how much the log-probability of the first output changed, in nats."""
    return float(found.log_probabilities.sum())


def _whole(trace: Trace, n: int) -> float:
    """The product of the probabilities of its first ``n`` tokens."""
    return 1.0 if trace.probabilities is None else float(trace.probabilities[:n].astype(np.float64).prod())


def _told(trace: Trace, by_word: bool) -> list[tuple[str, float]]:
    """The words of a trace with their probabilities, the token that ends it among them."""
    told = [
        (show_token(word.text.strip() or word.text), word.probability)
        for word in certainty(trace, by_word=by_word).words
        if word.probability is not None
    ]
    names = next((one.predicted_tokens for one in trace.maps if one.predicted_tokens), ())
    if trace.probabilities is not None and names and names[-1] in SPECIAL:
        told.append((names[-1], float(trace.probabilities[-1])))
    return told


def signed(number: float) -> str:
    """A number with its sign, and a true minus."""
    return f"{number:+.2f}".replace("-", "−")
