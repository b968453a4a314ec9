"""model/text/words.py: words of any script, and no token within a character."""

from itertools import pairwise

import pytest
import regex
from hypothesis import given
from hypothesis import strategies as st

from model.text.tokenizer import Tokenizer, joined, label_bytes
from model.text.words import begins_word, graphemes, word_starts

FAMILY, SCOTLAND = "👨\u200d👩\u200d👧", "🏴\U000e0067\U000e0062\U000e0073\U000e0063\U000e0074\U000e007f"
PIECES = [
    "a",
    "é",
    "e\u0301",
    " ",
    "  ",
    ".",
    "’",
    "-",
    "日",
    "か\u3099",
    "ي",
    "नि",
    "วั",
    "🔦",
    "👍🏽",
    FAMILY,
    "🇫🇷",
    SCOTLAND,
    "7",
]
texts = st.lists(st.sampled_from(PIECES), max_size=13).map("".join)


def split(text: str) -> list[str]:
    return [text[start:end] for start, end in pairwise([*sorted(word_starts(text)), len(text)])]


@given(texts)
def test_characters_are_those_of_unicode(text: str):
    assert list(graphemes(text)) == regex.findall(r"\X", text)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Łukasz walks.", ["Łukasz", " walks", "."]),
        ("“Non !” dit-elle.", ["“", "Non", " !”", " dit-elle", "."]),
        ("don't ‘quote’ 'me'", ["don't", " ‘", "quote", "’", " '", "me", "'"]),
        ("مرحبا، يا عالم؟", ["مرحبا", "،", " يا", " عالم", "؟"]),
        ("नमस्ते दुनिया।", ["नमस्ते", " दुनिया", "।"]),
        ("日本のテスト。", ["日", "本", "の", "テ", "ス", "ト", "。"]),
        ("สวัสดี", ["ส", "วั", "ส", "ดี"]),
        (f"ok {FAMILY}🇫🇷🇩🇪!", ["ok", f" {FAMILY}", "🇫🇷", "🇩🇪", "!"]),
        ("한국어 문장", ["한국어", " 문장"]),
        ("a\u00a0b\u3000c\nd  e", ["a", "\u00a0", "b", "\u3000", "c", "\n", "d", " ", " e"]),
        ("3.5 <= x", ["3", ".", "5", " <=", " x"]),
        ("", []),
    ],
)
def test_words_by_hand(text: str, words: list[str]):
    assert split(text) == words


@given(texts)
def test_a_word_of_bytes_is_a_word_of_the_text(text: str):
    """With a token for each byte, words of tokens are those of the text."""
    tokenizer = Tokenizer.characters()
    labels = tokenizer.labels(tokenizer.encode(text))
    words: list[list[str]] = []
    for label, begins in zip(labels, begins_word(list(map(label_bytes, labels))), strict=True):
        words = [*words, [label]] if begins else [*words[:-1], [*words[-1], label]]
    assert [joined(word) for word in words] == split(joined(labels))


def test_a_token_over_the_end_of_a_word_joins_the_two():
    assert begins_word([b" caf", "é.".encode(), "日".encode()[:2], "日本".encode()[2:4], "本".encode()[1:]]) == [
        True, False, True, False, False,
    ]  # fmt: skip
