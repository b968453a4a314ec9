"""model/training/loss.py: against F.cross_entropy, value and gradients."""

import pytest
import torch
import torch.nn.functional as F
from hypothesis import example, given
from hypothesis import strategies as st
from torch import Tensor

from model.training.loss import ROWS_AT_A_TIME, linear_cross_entropy
from tests.model.helpers import close


def draw(rows: int, vocab: int, d_model: int) -> tuple[Tensor, Tensor, Tensor]:
    hidden, weight = torch.randn(rows, d_model, requires_grad=True), torch.randn(vocab, d_model, requires_grad=True)
    return hidden, weight, torch.randint(vocab, (rows,))


def gradients(loss: Tensor, *inputs: Tensor) -> tuple[Tensor, ...]:
    return torch.autograd.grad(3 * loss, inputs)  # times 3: what arrives from above counts


@given(
    rows=st.integers(1, 2 * ROWS_AT_A_TIME + 3),
    vocab=st.integers(2, 37),
    d_model=st.integers(1, 11),
    smoothing=st.sampled_from([0.0, 0.1, 0.7]),
    seed=st.integers(0, 99),
)
@example(rows=ROWS_AT_A_TIME, vocab=5, d_model=3, smoothing=0.1, seed=0)
@example(rows=ROWS_AT_A_TIME + 1, vocab=5, d_model=3, smoothing=0.1, seed=0)
def test_it_is_torchs_cross_entropy(rows: int, vocab: int, d_model: int, smoothing: float, seed: int):
    torch.manual_seed(seed)
    hidden, weight, target = draw(rows, vocab, d_model)
    actual = linear_cross_entropy(hidden, weight, target, smoothing)
    expected = F.cross_entropy(F.linear(hidden, weight), target, label_smoothing=smoothing)
    close(actual, expected)
    for one, other in zip(gradients(actual, hidden, weight), gradients(expected, hidden, weight), strict=True):
        close(one, other)


def test_a_uniform_guess_costs_the_log_of_the_vocabulary():
    hidden, weight, target = draw(5, 7, 3)
    close(linear_cross_entropy(0 * hidden, weight, target, 0.1), torch.tensor(7.0).log())


def test_under_autocast_the_products_run_in_bfloat16():
    hidden, weight, target = draw(11, 37, 7)
    with torch.autocast("cpu", torch.bfloat16):
        low = linear_cross_entropy(hidden, weight, target, 0.1)
    full = linear_cross_entropy(hidden, weight, target, 0.1)
    assert low.dtype == torch.float32
    assert low.item() != full.item()
    assert low.item() == pytest.approx(full.item(), rel=0.02)
    for one, other in zip(gradients(low, hidden, weight), gradients(full, hidden, weight), strict=True):
        assert one.dtype == torch.float32
        close(one, other, tolerance=0.05)
