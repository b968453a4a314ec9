"""What layers cost, against the table of the paper; measured times are only looked at for their shape."""

import math

import pytest

from model.compare.costs import growth, layer_costs, measure, reach
from tests.model.helpers import tiny


def test_the_table_by_hand():
    rows = {cost.name.split(",")[0]: cost for cost in layer_costs(29, 7)}
    assert [(c.operations, c.sequential, c.path) for c in rows.values()] == [
        (29 * 29 * 7, 1, 1),
        (29 * 49, 29, 29),
        (3 * 29 * 49, 1, 4),  # 3, 9, 27, 81 tokens wide
        (8 * 29 * 7, 1, 4),
    ]


def test_self_attention_is_cheaper_while_the_text_is_shorter_than_a_vector():
    """As the paper says below its table."""
    for n, d in ((31, 128), (128, 31)):
        attention, recurrent, *_ = layer_costs(n, d)
        assert (attention.operations < recurrent.operations) == (n < d)


@pytest.mark.parametrize("n", [1, 2, 3, 4, 9, 10, 27, 28, 243, 1000])
def test_reach_is_the_rounded_up_logarithm(n: int):
    assert reach(n, 3) == max(1, math.ceil(round(math.log(n, 3), 9)))


def test_a_text_has_a_token():
    with pytest.raises(ValueError, match="n must be at least 1"):
        layer_costs(0, 7)


def test_measured_lengths_and_sizes():
    found = list(measure(tiny(), lengths=(5, 11), repeats=1))
    assert [timing.n for timing in found] == [5, 11]
    assert [timing.pattern_bytes for timing in found] == [3 * 25 * 4, 3 * 121 * 4]  # heads, weights, bytes of a float32
    assert all(timing.attention > 0 and timing.recurrent > 0 for timing in found)


@pytest.mark.parametrize("power", [1, 2, 2.5])
def test_growth_finds_the_power(power: float):
    lengths = [3, 7, 19, 41]
    assert growth(lengths, [5 * n**power for n in lengths]) == pytest.approx(power)
    with pytest.raises(ValueError, match="two points"):
        growth([3], [1.0])
