"""Sentences as people type them: without capitals, final punctuation or apostrophes."""

from __future__ import annotations

import random
from collections.abc import Sequence

from model.text.reading import Pair

FINAL = ".!?…"
APOSTROPHES = "'’"


def with_casual(pairs: Sequence[Pair], share: float, seed: int) -> list[Pair]:
    """``pairs``, and after them a ``share`` of them once more, with the source as :func:`casual` writes it.

    The target stays as it is: what is typed carelessly is translated with care. The same arguments give the same
    pairs on every machine.

    Args:
        share: at least 0 and at most 1, of the pairs that are chosen at random.
    """
    random_ = random.Random(f"casual {seed}")
    chosen = sorted(random_.sample(range(len(pairs)), round(share * len(pairs))))
    return [*pairs, *((casual(pairs[i][0], random_), pairs[i][1]) for i in chosen)]


def casual(text: str, random_: random.Random) -> str:
    """``text`` as somebody in a hurry might type it.

    Each at random: lower case (7 of 10) or only a small first letter; no final punctuation (7 of 10), or a full stop
    where there was none (1 of 2); straight or typographic apostrophes, or none.
    """
    text = text.lower() if random_.random() < 0.7 else text[:1].lower() + text[1:]
    if text.endswith(tuple(FINAL)):
        if random_.random() < 0.7:
            text = text.rstrip(FINAL + " ") or text
    elif random_.random() < 0.5:
        text += "."
    apostrophe = random_.choices(("'", "’", ""), weights=(6, 2, 2))[0]
    return "".join(apostrophe if character in APOSTROPHES else character for character in text)
