"""viz/look/words.py: the sentence says what the numbers say."""

import re
from typing import Any

import numpy as np
import pytest

from model.trace import KINDS, AttentionMap
from tests.viz.helpers import map_of, random_map
from viz.components.views import HEATMAP, VIEWS
from viz.look.picture import Picture, picture
from viz.look.words import (
    KIND_NAMES,
    SHORT_KIND_NAMES,
    clearest,
    describe_row,
    describe_rows,
    meaning,
    reading,
)

KEYS = (" a", " blue", " dress", "</s>")


def described(weights: list[float], keys: tuple[str, ...] = KEYS, query: str = " bleue") -> str:
    """The sentence for the last of two queries; the first is a decoy."""
    decoy = [0.0] * (len(weights) - 1) + [1.0]
    return describe_row(picture(map_of([[decoy, weights]], ["decoy", query], keys)), 0, 0, 1)


@pytest.mark.parametrize(
    ("weights", "sentence"),
    [
        ([0.1, 0.71, 0.12, 0.07], "“bleue” looks mostly at “blue” (71%), then at “dress” (12%)."),
        ([0.0, 0.5, 0.3, 0.2], "“bleue” looks partly at “blue” (50%), then at “dress” (30%)."),
        ([0.3, 0.1, 0.2, 0.4], "“bleue” looks partly at “</s>” (40%), then at “a” (30%)."),
        ([0.0, 0.0, 0.5, 0.5], "“bleue” looks equally at “dress” and “</s>” (50% each)."),
        ([0.3, 0.3, 0.1, 0.3], "“bleue” spreads its attention: no token gets more than 30%, and 3 get that much."),
        ([1.0, 0.0, 0.0, 0.0], "“bleue” looks mostly at “a” (100%)."),
        ([0.0, 0.0, 0.0, 0.0], "“bleue” has nothing to look at here."),
    ],
)
def test_a_row_in_words(weights: list[float], sentence: str):
    assert described(weights) == sentence


def test_a_row_that_is_spread():
    keys = ("u", "v", "w", "x", "y", "z", "!")
    sentence = described([0.1, 0.2, 0.13, 0.16, 0.14, 0.12, 0.15], keys)
    assert sentence == "“bleue” spreads its attention: most at “v” (20%) and “x” (16%), the rest over 5 others."


def test_a_row_with_one_key():
    assert described([1.0], ("</s>",)) == "“bleue” looks at “</s>” (100%), the only token it may see."


def test_a_row_with_two_keys():
    assert described([0.4, 0.6], ("a", "b")) == "“bleue” looks mostly at “b” (60%), then at “a” (40%)."


def test_a_decoder_row_is_named_as_asked():
    attention_map = map_of([[[0.0, 1.0]]], ["<s>"], ["a", "b"], predicted_tokens=(" bleue",))
    assert describe_row(picture(attention_map), 0, 0, 0).startswith("“<s> ▸ bleue” looks mostly at “b”")
    predicted = picture(attention_map, rows="predicted")
    assert describe_row(predicted, 0, 0, 0).startswith("“bleue” looks mostly at “b”")
    fed_in = picture(attention_map, rows="fed in")
    assert describe_row(fed_in, 0, 0, 0).startswith("“<s>” looks mostly at “b”")
    assert "“a ▸ b”" in reading("cross", HEATMAP)
    assert "the token being written" in reading("cross", HEATMAP, "predicted")
    assert "the token read last" in reading("cross", HEATMAP, "fed in")


def test_the_same_token_twice_is_told_apart():
    said = described([0.1, 0.6, 0.3], ("a", "1", "1"))
    assert said == "“bleue” looks mostly at “1” (token 2, 60%), then at “1” (token 3, 30%)."
    assert (
        described([0.3, 0.6, 0.1], ("a", "1", "1")) == "“bleue” looks mostly at “1” (token 2, 60%), then at “a” (30%)."
    )
    said = described([0.0, 0.5, 0.5], ("a", "1", "1"))
    assert said == "“bleue” looks equally at “1” (token 2) and “1” (token 3, 50% each)."


def test_what_is_invisible_is_named():
    assert described([0.0, 1.0], ("a", "\n"), " ").startswith("“␣” looks mostly at “⏎”")


@pytest.mark.parametrize(("layer", "head", "query"), [(0, 0, 0), (1, 2, 4), (0, 1, 3)])
def test_the_numbers_are_those_of_the_pattern(layer: int, head: int, query: int):
    attention_map = random_map("abcde", "uvwxyz!")
    weights = attention_map.pattern[layer, head, query]
    found = re.findall(r"“(.)” \((\d+%)\)", describe_row(picture(attention_map), layer, head, query))
    largest, second = sorted(range(7), key=lambda key: -weights[key])[:2]
    assert found == [
        (attention_map.key_tokens[largest], f"{100 * weights[largest]:.0f}%"),
        (attention_map.key_tokens[second], f"{100 * weights[second]:.0f}%"),
    ]


def test_each_kind_says_how_to_read_it():
    readings = [reading(kind, HEATMAP) for kind in KINDS]
    assert len(set(readings)) == 3
    for text in readings:
        assert text.startswith("Each cell: how much attention ")
        assert "(left)" in text
        assert "(above)" in text
        assert "The attention of a row sums to 1" in text
    assert set(KIND_NAMES) == set(SHORT_KIND_NAMES) == set(KINDS)


def test_each_view_says_what_carries_a_weight_and_where():
    for view in VIEWS:
        said = reading("cross", view)
        assert said.startswith(f"{view.mark}: how much attention the token being written ({view.query}) pays to")
        assert f"each token of the source ({view.key}), from 0 to 1: {view.strength}." in said
        assert f"Click a {view.unit} to explain it" in said


def test_what_a_token_fed_in_may_look_at():
    assert "pays to each token before it" in reading("decoder", HEATMAP, "predicted")
    assert "pays to itself and each token before it" in reading("decoder", HEATMAP, "fed in")


def test_a_strong_link_is_not_called_a_translation_or_a_reason():
    said = "not which word translates which"
    assert [kind for kind in KINDS if said in reading(kind, HEATMAP)] == ["cross"]
    assert all("how much the output depends on it" in reading(kind, HEATMAP) for kind in KINDS)


def clear(rows: list[list[float]], queries: list[str], keys: tuple[str, ...] = KEYS) -> str:
    return clearest(picture(map_of([rows], queries, keys)), 0, 0)


def test_the_clearest_rows_come_first():
    rows = [
        [0.4, 0.2, 0.2, 0.2],
        [0.0, 0.6, 0.4, 0.0],
        [0.05, 0.0, 0.95, 0.0],
        [0.7, 0.1, 0.1, 0.1],
        [0.0, 0.5, 0.5, 0],
    ]
    said = clear(rows, [" un", " bleu", " robe", " une", " et"])
    assert said == "“robe” → “dress” 95%, “une” → “a” 70%, “bleu” → “blue” 60%."


def test_rows_and_keys_of_the_same_name_are_told_apart():
    rows = [[0.6, 0.4, 0.0, 0.0], [0.0, 0.9, 0.1, 0.0], [0.7, 0.3, 0.0, 0.0]]
    assert (
        clear(rows, [" un", " bleu", " un"]) == "“bleu” → “blue” 90%, “un” (row 3) → “a” 70%, “un” (row 1) → “a” 60%."
    )
    assert clear([[0.2, 0.1, 0.7]], [" un"], (" a", " b", " a")) == "“un” → “a” (token 3) 70%."


def test_a_special_token_is_not_clear():
    """Most weight on ``</s>`` says little, and ``</s>`` itself is no text."""
    rows = [[0.0, 0.0, 0.1, 0.9], [1.0, 0.0, 0.0, 0.0], [0.0, 0.0, 0.55, 0.45]]
    assert clear(rows, [" une", "</s>", " robe"]) == "“robe” → “dress” 55% (aside from the row “</s>”)."
    assert clear([[0.4, 0.3, 0.3, 0], [0.9, 0.1, 0, 0]], [" une", "</s>"]).endswith("word (aside from the row “</s>”).")


def test_a_head_without_a_clear_row_says_so():
    assert clear([[0.4, 0.3, 0.2, 0.1]], [" un"]).startswith("none: ")
    assert clear([[1.0]], ["</s>"], ("</s>",)).startswith("none: ")


def decoder(rows: list[list[float]]) -> Picture:
    tokens = ("<s>", " un", " chien", " court")
    return picture(
        AttentionMap(
            kind="decoder",
            pattern=np.array([[rows]]),
            query_tokens=tokens,
            key_tokens=tokens,
            predicted_tokens=(" un", " chien", " court", "</s>"),
        )
    )


def test_a_decoder_row_speaks_of_the_tokens_it_may_see():
    shown = decoder([[1, 0, 0, 0], [0.5, 0.5, 0, 0], [0.4, 0.2, 0.4, 0], [0.22, 0.24, 0.2, 0.34]])
    assert describe_row(shown, 0, 0, 0) == "“<s> ▸ un” looks at “<s>” (100%), the only token it may see."
    assert describe_row(shown, 0, 0, 1) == "“un ▸ chien” looks equally at “<s>” and “un” (50% each)."
    spread = decoder([[1, 0, 0, 0], [0.5, 0.5, 0, 0], [0.4, 0.2, 0.4, 0], [0.24, 0.21, 0.31, 0.24]])
    assert "partly" in describe_row(spread, 0, 0, 3)
    wide = decoder([[1, 0, 0, 0], [0.5, 0.5, 0, 0], [0.35, 0.33, 0.32, 0], [0.249, 0.246, 0.248, 0.257]])
    assert describe_row(wide, 0, 0, 2) == "“chien ▸ court” looks partly at “<s>” (35%), then at “un” (33%)."


def test_rows_together_look_where_they_do_on_average():
    weights = [[1, 0, 0, 0], [0.5, 0.5, 0, 0], [0.1, 0.8, 0.1, 0], [0.25, 0.25, 0.25, 0.25]]
    shown = decoder(weights)
    assert describe_rows(shown, 0, 0, (1, 2)) == (
        "On average, “un ▸ chien” and “chien ▸ court” look mostly at “un” (65%), then at “<s>” (30%)."
    )
    assert describe_rows(shown, 0, 0, (0, 2, 3)).startswith(
        "On average, “<s> ▸ un”, “chien ▸ court” and “court ▸ </s>” look partly at “<s>” (45%)"
    )
    many = map_of([[[0.2] * 5] * 6], tuple("uvwxyz"), tuple("abcde"))
    assert describe_rows(picture(many), 0, 0, range(6)) == (
        "On average, 6 rows from “u” to “z” spread their attention: no token gets more than 20%, and 5 get that much."
    )


def test_a_row_with_little_choice_is_not_a_strong_link():
    shown = decoder([[1, 0, 0, 0], [0.1, 0.9, 0, 0], [0.1, 0.8, 0.1, 0], [0, 0, 1, 0]])
    assert clearest(shown, 0, 0) == "“chien ▸ court” → “un” 80% (aside from the rows “court ▸ </s>” and “un ▸ chien”)."


FRENCH: dict[str, Any] = {"unit": "word", "source": "English", "target": "French"}


@pytest.mark.parametrize(
    ("said", "sentence"),
    [
        (
            meaning("cross", HEATMAP, **FRENCH),
            "word being written (after ▸); the dark cells are the English words it looks at.",
        ),
        (
            meaning("cross", HEATMAP, "predicted", **FRENCH),
            "a French word being written; the dark cells are the English words",
        ),
        (meaning("encoder", HEATMAP, **FRENCH), "an English word; the dark cells are the English words it looks at."),
        (
            meaning("decoder", HEATMAP, **FRENCH),
            "written (after ▸); the dark cells are the earlier French words it looks at.",
        ),
        (
            meaning("decoder", HEATMAP, "fed in", **FRENCH),
            "word just written; the dark cells are the French words up to it",
        ),
        (meaning("cross", HEATMAP, dark=True, **FRENCH), "; the bright cells are the English words"),
        (
            meaning("cross", HEATMAP, unit="character"),
            "a character being written (after ▸); the dark cells are the characters",
        ),
        (meaning("encoder", HEATMAP, unit="word"), "a word of your text; the dark cells are the words it looks at."),
        (
            meaning("decoder", HEATMAP, unit="token", reads_in_decoder=True),
            "a token to come next (after ▸); the dark cells are the earlier",
        ),
    ],
)
def test_the_first_sentence_has_no_term(said: str, sentence: str):
    assert sentence in said
    assert said.startswith("Each row is a")


def test_the_first_sentence_says_row_only_of_rows():
    for view in VIEWS:
        said = meaning("cross", view, **FRENCH)
        assert ("row" in said) == (view.unit == "row")
        assert not {"query", "key", "token", "attention"} & set(re.findall(r"\w+", said))
