"""The broken layer of the Guide: each fault is found by a check, and only the mended layer passes them all."""

import itertools

import pytest
import torch
from torch import nn

from model.anatomy.faults import BROKEN, FAULTS, MENDED, ORDER, check, run, written


@pytest.fixture
def reference() -> nn.MultiheadAttention:
    torch.manual_seed(5)
    layer = nn.MultiheadAttention(12, 3, batch_first=True).eval()
    with torch.no_grad():
        layer.in_proj_bias.normal_()
        layer.out_proj.bias.normal_()
    return layer


@pytest.fixture
def x() -> torch.Tensor:
    return torch.randn(1, 5, 12, generator=torch.Generator().manual_seed(7))


def failed(numbers: dict[str, int], reference: nn.MultiheadAttention, x: torch.Tensor) -> set[str]:
    """The checks that the layer does not pass, by their first words."""
    return {one.asks for one in check(numbers, reference, x) if one.passed is not True}


def test_only_the_mended_layer_passes(reference: nn.MultiheadAttention, x: torch.Tensor):
    layers = [dict(zip(FAULTS, numbers, strict=True)) for numbers in itertools.product(range(3), repeat=len(FAULTS))]
    assert [layer for layer in layers if not failed(layer, reference, x)] == [dict(MENDED)]


def test_the_mended_layer_is_pytorchs(reference: nn.MultiheadAttention, x: torch.Tensor):
    hidden = torch.ones(5, 5, dtype=torch.bool).triu(1)
    with torch.no_grad():
        output, weights = reference(x, x, x, attn_mask=hidden, average_attn_weights=False)
    returned, own, said = run(MENDED, reference, x)
    assert not said
    torch.testing.assert_close(returned, output)
    torch.testing.assert_close(own, weights)


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("projections", {"It has all its parameters"}),
        ("name", {"It has all its parameters", "It runs"}),
        ("heads", {"Each head has its own weights"}),
        ("scale", set()),  # only the comparison shows it
        ("mask", {"Each row of weights sums to 1", "No token sees a later one"}),
        ("axis", {"Each row of weights sums to 1", "No token sees a later one"}),
        ("result", {"It returns a vector for each token"}),
    ],
)
def test_each_fault_is_found(name: str, found: set[str], reference: nn.MultiheadAttention, x: torch.Tensor):
    missed = failed({**MENDED, name: BROKEN[name]}, reference, x)
    assert found < missed
    assert "Its output is that of `nn.MultiheadAttention`" in missed
    if name not in ("name", "result"):  # after which nothing more can be checked
        assert missed - found == {"Its output is that of `nn.MultiheadAttention`"}


def test_seven_faults_stand_in_the_layer_in_their_order():
    assert len(FAULTS) == 7
    code = written(BROKEN)
    places = [code.index(FAULTS[name].lines[BROKEN[name]]) for name in ORDER]
    assert places == sorted(places)
    assert all(0 <= fault.broken != fault.right < len(fault.lines) == 3 for fault in FAULTS.values())


def test_a_line_that_is_not_given_cannot_be_chosen(reference: nn.MultiheadAttention, x: torch.Tensor):
    with pytest.raises(IndexError):
        run({**MENDED, "scale": 3}, reference, x)
    with pytest.raises(KeyError):
        run({"scale": 0}, reference, x)
