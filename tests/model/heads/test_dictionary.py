"""model/heads/dictionary.py: expectation maximisation by hand, and against a loop over words."""

import random
from collections import defaultdict

import pytest

from model.heads.dictionary import NULL, learn, learn_from, translations

PAIRS = [("das Haus", "the house"), ("das Buch", "the book"), ("ein Buch", "a book")]
SPLIT = [(source.split(), target.split()) for source, target in PAIRS]


def test_two_rounds_by_hand():
    first = translations(SPLIT, iterations=1)
    # Each target word comes from NULL or one of two source words alike: “das” gets a third of four words, “the” twice.
    assert {word: first["das", word] for word in ("the", "house", "book")} == pytest.approx(
        {"the": 1 / 2, "house": 1 / 4, "book": 1 / 4}
    )
    second = translations(SPLIT, iterations=2)
    # From NULL come the 1/3, house 1/6, book 1/3; from “Haus” the 1/2, house 1/2; from “Buch” the 1/4, book 1/2.
    the = (1 / 2) / (1 / 3 + 1 / 2 + 1 / 2) + (1 / 2) / (1 / 3 + 1 / 2 + 1 / 4)
    house = (1 / 4) / (1 / 6 + 1 / 4 + 1 / 2)
    book = (1 / 4) / (1 / 3 + 1 / 4 + 1 / 2)
    assert second["das", "the"] == pytest.approx(the / (the + house + book))


def test_it_is_the_algorithm_word_by_word():
    random_ = random.Random(2)
    pairs = [
        ([random_.choice("abcde") for _ in range(random_.randint(1, 5))], [random_.choice("uvwxyz") for _ in range(3)])
        for _ in range(23)
    ]
    table: dict[tuple[str, str], float] = defaultdict(lambda: 1.0)
    for _ in range(4):
        counts: dict[tuple[str, str], float] = defaultdict(float)
        totals: dict[str, float] = defaultdict(float)
        for source, target in pairs:
            for written in target:
                norm = sum(table[word, written] for word in [NULL, *source])
                for word in [NULL, *source]:
                    counts[word, written] += table[word, written] / norm
                    totals[word] += table[word, written] / norm
        table = defaultdict(float, {(word, written): n / totals[word] for (word, written), n in counts.items()})
    found = translations(pairs, iterations=4)
    assert found == pytest.approx({pair: value for pair, value in table.items() if pair[0] != NULL})


def test_a_dictionary_is_learned():
    entries = learn(SPLIT * 3)
    assert {("das", "the"), ("Haus", "house"), ("Buch", "book"), ("ein", "a")} <= entries
    assert ("ein", "house") not in entries  # they never meet
    assert learn(SPLIT, least=0.99) == frozenset()


def test_a_rare_word_is_not_the_translation_of_a_common_one():
    pairs = [("the dog", "le chien"), ("the cat", "le chat")] * 40 + [("the zyzzyva", "le truc chien chat")]
    entries = learn_from(pairs)
    assert ("zyzzyva", "truc") in entries
    assert ("zyzzyva", "chien") not in entries
    assert translations([(a.split(), b.split()) for a, b in pairs])["zyzzyva", "chien"] > 0.01


def test_words_are_in_lower_case_and_without_marks():
    assert learn_from([("Go!", "Va !")]) == {("go", "va")}
    with pytest.raises(ValueError, match="there are no words to learn a dictionary from"):
        learn_from([("!", "?")])
