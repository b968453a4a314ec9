"""viz/look/thumbnails.py: small pictures of large patterns keep what rows mean."""

import numpy as np

from tests.viz.helpers import random_map
from viz.look.thumbnails import ALL_CELLS, MOST_CELLS, block_names, fitting, thinned, thumbnails


def test_a_small_pattern_is_left_as_it_is():
    pattern = random_map("abcde", "uvw").pattern
    assert thinned(pattern) is pattern


def test_rows_of_a_large_pattern_still_sum_to_1():
    pattern = random_map(["a"] * 131, ["b"] * 157).pattern
    small = thinned(pattern)
    assert small.shape == (2, 3, MOST_CELLS, MOST_CELLS)
    np.testing.assert_allclose(small.sum(-1), 1, atol=1e-5)


def test_a_sharp_head_stays_sharp():
    """Each query looks at its own place: so does each block."""
    n = 4 * MOST_CELLS
    small = thinned(np.eye(n, dtype=np.float32)[None, None])
    np.testing.assert_allclose(small[0, 0], np.eye(MOST_CELLS), atol=1e-6)


def test_blocks_of_queries_are_averaged_and_those_of_keys_summed():
    n = 2 * MOST_CELLS
    pattern = np.zeros((1, 1, n, n), dtype=np.float32)
    pattern[0, 0, :, 0] = 1  # all look at the first key
    pattern[0, 0, 0, :2] = (0.25, 0.75)  # both in the first block
    pattern[0, 0, 1, :3] = (0.5, 0.0, 0.5)  # half in the second
    small = thinned(pattern)[0, 0]
    np.testing.assert_allclose(small[0, :2], [0.75, 0.25])
    np.testing.assert_allclose(small[1:, 0], 1)


def test_the_means_come_last():
    pattern = random_map("abcde", "uvw").pattern
    panels = thumbnails(pattern, means=True)
    assert len(panels) == 2 * 3 + 2 + 1
    np.testing.assert_allclose(panels[6], pattern[0].mean(0), atol=1e-6)
    np.testing.assert_allclose(panels[-1], pattern.mean((0, 1)), atol=1e-6)


def test_a_block_is_named_by_its_ends():
    names = block_names([str(i) for i in range(2 * MOST_CELLS)], "sum")
    assert (names[0], names[-1]) == ("0 … 1 (sum)", "126 … 127 (sum)")
    assert block_names(["a", "b"], "sum") == ["a", "b"]


def test_of_many_heads_each_has_fewer_cells():
    assert fitting(72) == MOST_CELLS
    for n_panels in (300, 6241):
        assert fitting(n_panels) ** 2 * n_panels <= ALL_CELLS
    pattern = np.random.default_rng(7).dirichlet(np.ones(67), (2, 3, 67)).astype(np.float32)
    small = thumbnails(pattern, means=True, most=11)
    assert small.shape == (9, 11, 11)
    np.testing.assert_allclose(small.sum(-1), 1, atol=1e-5)
