"""viz/look/picture.py: what is drawn is the map, with the rows, columns and scale that were asked for."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from model.text.tokenizer import Tokenizer
from tests.viz.helpers import map_of, random_map
from viz.look.picture import SCALES, mean_over_heads, picture, scaled

QUERIES, KEYS = ("<s>", " Un", " chien"), (" A", " do", "g", ".", "</s>")
PREDICTED = (" Un", " chien", "</s>")
WEIGHTS = [[0.1, 0.2, 0.3, 0.1, 0.3], [0.0, 0.5, 0.1, 0.2, 0.2], [0.0, 0.0, 0.0, 0.0, 1.0]]


def cross():
    return map_of([WEIGHTS], QUERIES, KEYS, predicted_tokens=PREDICTED)


def test_as_it_is():
    shown = picture(cross())
    assert shown.rows == ("<s> ▸  Un", " Un ▸  chien", " chien ▸ </s>")
    assert shown.columns == KEYS
    np.testing.assert_allclose(shown.pattern[0, 0], WEIGHTS)
    assert shown.notes == ()
    assert [shown.row_of(i) for i in range(3)] == [0, 1, 2]


def test_rows_by_what_is_fed_in_or_predicted():
    assert picture(cross(), rows="predicted").rows == PREDICTED
    assert picture(cross(), rows="fed in").rows == QUERIES
    encoder = random_map("abc", kind="encoder")
    assert picture(encoder).rows == picture(encoder, rows="fed in").rows == ("a", "b", "c")


def test_whole_words_sum_keys_and_average_queries():
    queries = (" la", " pet", "ite", "!")
    attention_map = map_of([[*WEIGHTS, [0.2] * 5]], queries, KEYS)
    shown = picture(attention_map, words=True)
    assert shown.rows == (" la", " petite", "!")
    assert shown.columns == (" A", " dog", ".", "</s>")
    expected = [[0.1, 0.5, 0.1, 0.3], [0.0, 0.3, 0.1, 0.6], [0.2, 0.4, 0.2, 0.2]]
    np.testing.assert_allclose(shown.pattern[0, 0], expected, atol=1e-6)
    assert shown.row_places == ((0,), (1, 2), (3,))
    assert [shown.row_of(i) for i in range(4)] == [0, 1, 1, 2]
    assert "summed" in shown.notes[0]


def test_a_row_of_a_word_is_named_by_the_word_read_before_it_and_the_word_it_writes():
    fed = ("<s>", " la", " pet", "ite", " fil", "le")
    attention_map = map_of([[[0.2] * 5] * 6], fed, KEYS, predicted_tokens=(*fed[1:], "</s>"))
    assert picture(attention_map, words=True).rows == (
        "<s> ▸  la", " la ▸  petite", " petite ▸  fille", " fille ▸ </s>"
    )  # fmt: skip


def test_whole_words_are_text_in_any_script():
    tokenizer = Tokenizer.characters()
    keys = (*tokenizer.labels(tokenizer.encode("Łukasz “日本” 🇫🇷.")), "</s>")
    shown = picture(random_map(keys[:-1], keys), words=True)
    assert shown.columns == ("Łukasz", " “", "日", "本", "”", " 🇫🇷", ".", "</s>")
    assert shown.rows == shown.columns[:-1]


def test_without_special_tokens_rows_sum_to_1_again():
    shown = picture(cross(), special=False)
    assert shown.rows == ("<s> ▸  Un", " Un ▸  chien")  # the last row writes </s>
    assert shown.columns == KEYS[:-1]
    np.testing.assert_allclose(shown.pattern[0, 0], [np.array(WEIGHTS[0][:4]) / 0.7, np.array(WEIGHTS[1][:4]) / 0.8])
    assert shown.row_of(2) is None
    assert "scaled" in shown.notes[0]


def test_a_row_of_which_nothing_is_left_is_hidden():
    shown = picture(cross(), rows="fed in", special=False)
    assert shown.rows == (" Un",)  # <s> is special, and " chien" looks at </s> alone
    assert shown.row_places == ((1,),)


def test_where_all_tokens_are_special_they_are_shown():
    attention_map = map_of([[[1.0]]], ("<s>",), ("</s>",), predicted_tokens=("</s>",))
    shown = picture(attention_map, special=False)
    assert (shown.rows, shown.columns, shown.notes) == (("<s> ▸ </s>",), ("</s>",), ())


TOKENS = st.lists(st.sampled_from([" a", "b", ".", " é", "⟨C3⟩", " ", "</s>", "'", " 9"]), min_size=1, max_size=11)


@given(TOKENS, TOKENS, st.booleans(), st.booleans())
def test_rows_sum_to_1_whatever_is_chosen(queries: list[str], keys: list[str], words: bool, special: bool):
    shown = picture(random_map(queries, keys), words=words, special=special)
    assert shown.pattern.shape == (2, 3, len(shown.rows), len(shown.columns))
    np.testing.assert_allclose(shown.pattern.sum(-1), 1, atol=1e-5)
    if special:
        assert "".join(shown.columns) == "".join(keys)
        assert [place for places in shown.row_places for place in places] == list(range(len(queries)))
    np.testing.assert_allclose(mean_over_heads(shown.pattern).sum(-1), 1, atol=1e-5)


@pytest.mark.parametrize("scale", SCALES)
def test_scales_go_from_0_to_1_and_keep_the_order(scale):
    weights = np.linspace(0, 1, 101)
    levels = scaled(weights, scale)
    assert (levels[0], levels[-1]) == (0, 1)
    assert (np.diff(levels) >= 0).all()


def test_scales_by_hand():
    assert scaled(np.array([0.25]), "linear") == [0.25]
    assert scaled(np.array([0.25]), "square root") == [0.5]
    np.testing.assert_allclose(scaled(np.array([0.1, 0.01, 0.0001]), "logarithm"), [2 / 3, 1 / 3, 0], atol=1e-7)
