"""viz/look/hatching.py: what a row may not look at, and the strokes across it."""

import numpy as np
import pytest

from tests.viz.helpers import random_map
from viz.look.hatching import APART, masked, masked_cells, runs, strokes
from viz.look.picture import picture

TOKENS = ("<s>", " a", " b", "c", "d", " e")


@pytest.mark.parametrize(
    ("kind", "expected"), [("decoder", np.triu(np.ones((6, 6)), 1)), ("encoder", np.zeros((6, 6)))]
)
def test_in_a_decoder_what_comes_later_is_masked(kind, expected: np.ndarray):
    np.testing.assert_array_equal(masked(random_map(TOKENS, kind=kind)), expected.astype(bool))


@pytest.mark.parametrize("words", [False, True])
def test_in_a_picture_the_masked_cells_are_those_a_row_may_not_see(words: bool):
    one = random_map(TOKENS, kind="decoder", predicted_tokens=(*TOKENS[1:], "</s>"))
    causal = np.where(masked(one), 0, one.pattern)
    object.__setattr__(one, "pattern", (causal / causal.sum(-1, keepdims=True)).astype(np.float32))
    shown = picture(one, words=words)
    cells = masked_cells(shown, 1, 2)
    assert cells.any()
    for row in range(len(shown.rows)):
        assert (~cells[row]).sum() == shown.n_visible(row)


def test_what_has_weight_is_not_hatched():
    shown = picture(random_map(TOKENS, kind="decoder", predicted_tokens=(*TOKENS[1:], "</s>")))
    assert not masked_cells(shown, 0, 0).any()


def test_each_stroke_stays_in_the_masked_cells_and_all_of_them_are_crossed():
    cells = np.random.default_rng(5).random((7, 9)) < 0.5
    crossed = np.zeros_like(cells)
    for (x0, y0), (x1, y1) in strokes(cells, 20):
        assert x1 - x0 == y0 - y1 > 0
        for step in range(int(x1 - x0)):
            crossed[int(y0) - 1 - step, int(x0) + step] = True
    np.testing.assert_array_equal(crossed, cells)


def test_small_cells_have_fewer_strokes():
    cells = np.triu(np.ones((90, 90), bool), 1)
    assert len(strokes(cells, 1)) <= len(strokes(cells, 20)) / (APART - 1)
    assert strokes(np.zeros((3, 3), bool), 20) == []


def test_the_last_run_of_each_row():
    cells = np.array([[0, 1, 0, 1, 1, 0], [0, 0, 0, 0, 0, 0], [1, 1, 1, 1, 1, 1]], bool)
    assert runs(cells) == [(3, 5), (0, 0), (0, 6)]
    assert runs(np.zeros((2, 3), bool)) == []
