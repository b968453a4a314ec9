"""model/network/dropout.py: what it drops, what it keeps."""

import pytest
import torch

from model.network.dropout import dropout

N = 199_999  # not a multiple of the eight decisions in one draw


@pytest.mark.parametrize("p", [0.1, 0.25, 0.5, 0.9])
def test_the_share_of_zeros_is_p_and_the_mean_is_kept(p: float):
    dropped = dropout(torch.ones(N), p, training=True)
    share = (dropped == 0).float().mean().item()
    spread = (p * (1 - p) / N) ** 0.5
    assert share == pytest.approx(p, abs=1 / 512 + 4 * spread)  # p is rounded to a multiple of 1/256
    assert dropped.mean().item() == pytest.approx(1, abs=4 * spread / (1 - p))
    assert len(dropped.unique()) == 2  # 0, and 1 scaled


@pytest.mark.parametrize(("p", "training"), [(0.5, False), (0.0, True)])
def test_it_is_the_identity_in_eval_and_without_p(p: float, training: bool):
    x = torch.randn(5, 7)
    assert dropout(x, p, training) is x


@pytest.mark.parametrize("p", [0.997, 0.999, 1 - 1e-9])
def test_a_p_close_to_one_leaves_something(p: float):
    dropped = dropout(torch.ones(N), p, training=True)
    assert dropped.isfinite().all()
    assert dropped.mean().item() == pytest.approx(1, abs=0.2)


def test_the_gradient_passes_where_the_value_does():
    x = torch.randn(11, 13, requires_grad=True)
    y = dropout(x, 0.3, training=True)
    y.sum().backward()
    assert x.grad is not None
    assert torch.equal(x.grad == 0, y == 0)


def test_the_seed_decides():
    x = torch.ones(7, 11)
    draws = []
    for seed in (1, 1, 2):
        torch.manual_seed(seed)
        draws.append(dropout(x, 0.5, training=True))
    assert torch.equal(draws[0], draws[1])
    assert not torch.equal(draws[0], draws[2])
