"""More sentences made from existing ones: as people type them, and with the names of more people."""

from __future__ import annotations

import random
import re
from collections.abc import Sequence

from model.text.reading import Pair

FINAL = ".!?…"
APOSTROPHES = "'’"

_MEN = (
    "Adam Ahmed Alex Ali Andrew Antoine Arthur Ben Carlos Chris Daniel David Emil Eric Felix George Hans Harry Hugo "
    "Ibrahim Ivan Jack James Jan Jonas Joseph Karim Kenji Kevin Leo Liam Louis Lucas Marco Mark Martin Max Michael "
    "Mohamed Nicolas Noah Oliver Omar Oscar Paul Peter Pierre Raj Robert Sam Samuel Sven Theo Thomas Tim Victor Wei "
    "William Yusuf"
)
_WOMEN = (
    "Aisha Alice Amina Amy Anna Anne Camille Carmen Chloe Clara Claire Diana Elena Elise Ella Emily Emma Eva Fatima "
    "Grace Hannah Ines Ingrid Isabel Jane Jeanne Julia Julie Kate Laura Lea Lena Lily Lina Lisa Lucy Maria Maya Mei "
    "Mia Nadia Nina Nora Olga Olivia Paula Priya Rosa Ruth Sara Sarah Sofia Sophie Susan Yuki Zoe"
)
MEN, WOMEN = _MEN.split(), _WOMEN.split()
"""First names from many countries that are spelled the same in English and French."""

KNOWN = {"Tom": ("Tom", MEN), "John": ("John", MEN), "Mary": ("Marie|Mary", WOMEN)}
"""A name in the source, its counterpart in the target, and the names that can replace it."""

ELIDED = re.compile(r"\b(d|qu|jusqu|lorsqu|puisqu|quoiqu)e (?=[AEIOU])", re.IGNORECASE)
"""French words that lose their last letter before a vowel: "de Tom", but "d'Anna"."""


def with_names(pairs: Sequence[Pair], share: float, seed: int) -> list[Pair]:
    """``pairs``, followed by a ``share`` of those that name somebody, repeated with somebody else's name.

    Somebody is one of :data:`KNOWN`, in the source and in the target; the new name is of the same sex, so that French
    words that agree with the name still do. The same arguments give the same pairs on every machine.

    Args:
        share: from 0 to 1; that part of the pairs that name somebody is chosen at random.
    """
    random_ = random.Random(f"names {seed}")
    named = [(pair, name) for pair in pairs for name in KNOWN if _names(pair, name)]
    chosen = sorted(random_.sample(range(len(named)), round(share * len(named))))
    return [*pairs, *(_renamed(*named[i], random_) for i in chosen)]


def with_casual(pairs: Sequence[Pair], share: float, seed: int) -> list[Pair]:
    """``pairs``, followed by a ``share`` of them repeated with the source as :func:`casual` writes it.

    The target stays as it is: what is typed carelessly is translated with care. The same arguments give the same
    pairs on every machine.

    Args:
        share: from 0 to 1; that part of the pairs is chosen at random.
    """
    random_ = random.Random(f"casual {seed}")
    chosen = sorted(random_.sample(range(len(pairs)), round(share * len(pairs))))
    return [*pairs, *((casual(pairs[i][0], random_), pairs[i][1]) for i in chosen)]


def casual(text: str, random_: random.Random) -> str:
    """``text`` as somebody in a hurry might type it.

    Chosen at random: all lower case (7 in 10) or only a lower-case first letter; no final punctuation (7 in 10), or a
    full stop where there was none (1 in 2); straight or typographic apostrophes, or none.
    """
    text = text.lower() if random_.random() < 0.7 else text[:1].lower() + text[1:]
    if text.endswith(tuple(FINAL)):
        if random_.random() < 0.7:
            text = text.rstrip(FINAL + " ") or text
    elif random_.random() < 0.5:
        text += "."
    apostrophe = random_.choices(("'", "’", ""), weights=(6, 2, 2))[0]
    return "".join(apostrophe if character in APOSTROPHES else character for character in text)


def _names(pair: Pair, name: str) -> bool:
    source, target = pair
    return bool(re.search(rf"\b{name}\b", source) and re.search(rf"\b({KNOWN[name][0]})\b", target))


def _renamed(pair: Pair, name: str, random_: random.Random) -> Pair:
    source, target = pair
    written, others = KNOWN[name]
    other = random_.choice(others)
    renamed = re.sub(rf"\b({written})\b", other, target)
    return re.sub(rf"\b{name}\b", other, source), ELIDED.sub(r"\1'", renamed)
