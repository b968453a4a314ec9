"""Where words begin in a text in any script, and how a person counts its characters."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence
from itertools import accumulate, pairwise

ESCAPES = "surrogateescape"
WITHIN = "'’-‐‑·"
"""Part of a word when between two letters or digits: “don't”, “well-known”, “col·legi”."""
JOINER = "\u200d"
UNSPACED = (
    *("CJK ", "IDEOGRAPHIC ", "HIRAGANA ", "KATAKANA ", "KATAKANA-HIRAGANA ", "HALFWIDTH KATAKANA ", "BOPOMOFO "),
    *("THAI ", "LAO ", "KHMER ", "MYANMAR "),
)
"""The first words of Unicode's letter names in scripts that put no spaces between words."""
REGIONAL = range(0x1F1E6, 0x1F200)  # two of them are a flag
MODIFIERS, TAGS = range(0x1F3FB, 0x1F400), range(0xE0020, 0xE0080)  # of the emoji before them


def graphemes(text: str) -> Iterator[str]:
    """What a person sees as one character: a letter with its marks, an emoji with everything it is joined from.

    These are the extended grapheme clusters of Unicode's annex 29 (section 3.1.1), except for Korean syllables written
    as separate parts, conjuncts of Indic scripts, and line ends.
    """
    cluster = ""
    for character in text:
        if cluster and _continues(cluster, character):
            cluster += character
        else:
            if cluster:
                yield cluster
            cluster = character
    if cluster:
        yield cluster


def begins_word(pieces: Sequence[bytes]) -> list[bool]:
    """For each of a text's ``pieces`` (tokens), whether a word begins with it; none begins within a character."""
    text = b"".join(pieces).decode("utf-8", ESCAPES)
    starts = sorted(word_starts(text))
    words = (text[start:end] for start, end in pairwise([*starts, len(text)]))
    begins = {0, *accumulate(len(word.encode("utf-8", ESCAPES)) for word in words)}
    ends = accumulate(map(len, pieces))
    return [end - len(piece) in begins for piece, end in zip(pieces, ends, strict=True)]


def word_starts(text: str) -> set[int]:
    """The places in ``text`` at which a word begins.

    Words end at spaces, and where letters and punctuation meet; a space belongs to the word after it. In a script
    without spaces each character counts as a word (finding the words would take a dictionary), and so does each emoji.
    """
    places, clusters, at = [], list(graphemes(text)), 0
    for cluster in clusters:
        places.append(at)
        at += len(cluster)
    kinds = [_kind(cluster) for cluster in clusters]
    for i in range(1, len(clusters) - 1):
        if clusters[i] in WITHIN and kinds[i - 1] == kinds[i + 1] == "word":
            kinds[i] = "word"
    met = zip(pairwise(kinds), clusters, places[1:], strict=False)
    return {*places[:1], *(at for (before, kind), last, at in met if _parts(before, kind, last))}


def _continues(cluster: str, character: str) -> bool:
    code = ord(character)
    if unicodedata.category(character) in ("Mn", "Me", "Mc") or character in (JOINER, "\u200c"):
        return True
    if code in MODIFIERS or code in TAGS:
        return True
    if code in REGIONAL:
        return len(cluster) == 1 and ord(cluster) in REGIONAL
    return cluster[-1] == JOINER and unicodedata.category(character) == "So"


def _kind(cluster: str) -> str:
    first = cluster[0]
    if first.isspace():
        return "space"
    if unicodedata.category(first) == "So":
        return "alone"
    if not (first.isalnum() or unicodedata.category(first) == "Cs"):  # Cs: part of a letter
        return "mark"
    return "alone" if unicodedata.name(first, "").startswith(UNSPACED) else "word"


def _parts(before: str, kind: str, last: str) -> bool:
    """Whether a word begins between the cluster ``last``, of kind ``before``, and the next one, of kind ``kind``."""
    if before == "space" and kind != "space":
        return last != " "  # a line break or a tab is a word of its own
    return kind in ("space", "alone") or before == "alone" or before != kind
