"""What layers cost, against the table of the paper."""

import math

import pytest

from model.compare.costs import layer_costs, reach


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
