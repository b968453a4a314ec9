"""model/positional.py: against the paper's formula in NumPy."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from model.positional import sinusoidal


@given(n_positions=st.integers(1, 5000), pairs=st.integers(1, 67))
def test_sinusoidal_is_the_papers_formula(n_positions: int, pairs: int):
    position, i = np.arange(n_positions)[:, None], np.arange(pairs)
    angle = position / np.power(10000.0, 2 * i / (2 * pairs))
    expected = np.empty((n_positions, 2 * pairs))
    expected[:, 0::2], expected[:, 1::2] = np.sin(angle), np.cos(angle)
    actual = sinusoidal(n_positions, 2 * pairs).numpy()
    assert actual.dtype == np.float32
    np.testing.assert_allclose(actual, expected, rtol=0, atol=1e-6)


def test_position_zero_by_hand():
    assert sinusoidal(3, 6)[0].tolist() == [0, 1, 0, 1, 0, 1]


def test_an_odd_width_is_refused():
    with pytest.raises(ValueError, match="even d_model, but d_model is 7"):
        sinusoidal(5, 7)
