"""What an experiment changed of a text, as values and words."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import TYPE_CHECKING

from viz.look.doubt import Certainty
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
SHAKEN = 0.01
"""By how much less the likeliest token must have become to be told."""


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


def verdict(before: Sequence[Part], after: Sequence[Part], what: What, unit: str) -> str:
    """How much changed; a word that gave way to another is one."""
    n = max(sum(part.changed for part in parts) for parts in (before, after))
    if n:
        return f"{n} {unit}{'s' * (n != 1)} changed"
    return (
        "Nothing changed: here the model can do without this head’s pattern"
        if what == "head"
        else "Nothing changed on this text; try another"
    )


def how_likely(found: Experiment) -> str:
    """How much likelier, or less likely, the first output became; empty where the changed model could not be fed all of
    it as it was."""
    if found.n_compared < len(found.before.predicted_ids):
        return ""
    total = float(found.log_probabilities.sum())
    factor = math.exp(total)
    times = f"{factor:.2f}" if factor >= 0.01 else "less than 0.01"
    return f"“Before” is now {times} times as likely (Δ log-probability {signed(total)})."


def shaken(found: Experiment, names: Sequence[str]) -> str:
    """The token of the first output that lost most; empty where none lost much. ``names`` are of its tokens."""
    before, after = found.before.probabilities, found.forced.probabilities
    n = found.n_compared
    if before is None or after is None or not n:
        return ""
    lost = before[:n] - after[:n]
    worst = int(lost.argmax())
    if lost[worst] < SHAKEN:
        return ""
    token = show_token(names[worst])
    return f"Most affected: “{token}”, from {share(float(before[worst]))} to {share(float(after[worst]))}."


def signed(number: float) -> str:
    """A number with its sign, and a true minus."""
    return f"{number:+.2f}".replace("-", "−")
