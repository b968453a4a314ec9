"""viz/look/choice.py: what is shown first says something."""

import numpy as np
import pytest

from model.text.tokenizer import SPECIAL
from model.trace import AttentionMap
from tests.viz.helpers import map_of, random_map
from viz.look.choice import telling_head, telling_row, turns

KEYS = (" a", " blue", " dress", "</s>")
ROWS = (" une", " robe", " bleue", "</s>")
FLAT = [[0.25] * 4] * 4
ON_THE_MARKER = [[0.0, 0.0, 0.0, 1.0]] * 4
ON_ONE_WORD = [[0.0, 1.0, 0.0, 0.0]] * 4
ALIGNED = [[0.8, 0.1, 0.1, 0.0], [0.1, 0.1, 0.8, 0.0], [0.1, 0.8, 0.1, 0.0], [0.1, 0.0, 0.0, 0.9]]


@pytest.mark.parametrize("place", range(4))
def test_the_head_that_points_at_different_words_is_chosen(place: int):
    heads = [FLAT, ON_THE_MARKER, ON_ONE_WORD]
    heads.insert(place, ALIGNED)
    attention_map = map_of(heads, ["<s>", *ROWS[:-1]], KEYS, predicted_tokens=ROWS)
    assert telling_head(attention_map) == (0, place)


def test_the_layer_counts():
    pattern = np.array([[FLAT, ON_ONE_WORD], [FLAT, FLAT], [FLAT, ALIGNED]], dtype=np.float32)
    attention_map = AttentionMap(kind="cross", pattern=pattern, query_tokens=ROWS, key_tokens=KEYS)
    assert telling_head(attention_map) == (2, 1)


@pytest.mark.parametrize("keys", [["</s>"], ["<s>", "</s>"], ["<pad>", "</s>", "<s>"]])
def test_a_text_of_markers_only_has_a_head_too(keys: list[str]):
    assert set(keys) <= SPECIAL
    assert telling_head(random_map(keys, kind="encoder")) == (0, 0)
    assert telling_row(random_map(keys, kind="encoder"), 1, 2) in range(len(keys))


def test_one_token():
    assert telling_head(random_map(["dog"], kind="encoder")) in {(layer, head) for layer in (0, 1) for head in range(3)}
    assert telling_row(random_map(["dog"], kind="encoder"), 0, 0) == 0


def row(head: list[list[float]], rows: tuple[str, ...] = ROWS, keys: tuple[str, ...] = KEYS) -> int:
    return telling_row(map_of([FLAT, head], rows, keys), 0, 1)


def test_the_row_off_the_diagonal_is_chosen():
    assert row([[0.9, 0.1, 0.0, 0.0], [0.0, 0.9, 0.1, 0.0], [0.9, 0.1, 0.0, 0.0], [0.0, 0.0, 0.0, 1.0]]) == 2


def test_of_rows_equally_far_the_sharper_is_chosen():
    assert row([[0.3, 0.7, 0.0, 0.0], [0.05, 0.0, 0.95, 0.0], [0.2, 0.2, 0.6, 0.0], [0.0, 0.0, 0.0, 1.0]]) == 1


def test_a_row_that_looks_at_a_marker_is_not_chosen():
    assert row([[0.0, 0.0, 0.0, 1.0], [0.0, 0.6, 0.4, 0.0], [0.0, 0.0, 0.1, 0.9], [1.0, 0.0, 0.0, 0.0]]) == 1


def test_a_row_of_punctuation_is_not_chosen():
    head = [[0.6, 0.4, 0.0, 0.0], [0.0, 0.6, 0.4, 0.0], [1.0, 0.0, 0.0, 0.0], [0.0, 0.0, 0.0, 1.0]]
    assert row(head, (" une", " robe", ".", "</s>")) in (0, 1)
    assert row(head) == 2


def test_where_no_row_says_anything_the_sharpest_is_chosen():
    assert row([[0.0, 0.3, 0.0, 0.7], [0.0, 0.1, 0.0, 0.9], [0.0, 0.2, 0.0, 0.8], FLAT[0]]) == 1


def test_a_head_that_shows_a_change_of_order_comes_first():
    straight = [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]
    turned = [[1.0, 0.0, 0.0], [0.0, 0.1, 0.9], [0.0, 0.9, 0.1]]
    attention_map = map_of([straight, turned], (" une", " robe", " bleue"), (" a", " blue", " dress"))
    assert telling_head(attention_map) == (0, 1)
    assert telling_row(attention_map, 0, 1) == 2
    np.testing.assert_allclose(turns(attention_map), [[[0, 0, 0], [0, 0, 0.81]]], atol=1e-6)


def test_punctuation_and_markers_do_not_turn():
    weights = [[0.0, 0.0, 1.0], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0]]
    assert turns(map_of([weights], (" a", ".", "</s>"), (" a", " b", " c"))).max() == 0
    assert turns(map_of([weights], (" a", " b", " c"), ("</s>", ".", " c"))).max() == 0
