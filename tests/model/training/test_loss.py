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


@given(
    logits=st.integers(2, 7).flatmap(
        lambda vocab: st.lists(
            st.lists(st.floats(width=32, allow_nan=False, allow_infinity=False), min_size=vocab, max_size=vocab),
            min_size=1,
            max_size=3,
        )
    ),
    smoothing=st.sampled_from([0.0, 0.1]),
    target=st.integers(0, 6),
    low=st.booleans(),
)
@example(logits=[[0.0, 2000.0]], smoothing=0.1, target=0, low=False)
@example(logits=[[1e30, -1e30, 3e38]], smoothing=0.0, target=1, low=True)
def test_it_is_torchs_for_all_finite_logits(logits: list[list[float]], smoothing: float, target: int, low: bool):
    """With the identity as weights the logits are the rows themselves; logits of bfloat16 are taken as they are."""
    hidden = torch.tensor(logits)
    if low:
        hidden = hidden.bfloat16().clamp(-3e38, 3e38).float()
    vocab = hidden.shape[1]
    index = torch.full((len(hidden),), target % vocab)
    hidden, theirs = hidden.clone().requires_grad_(), hidden.clone().requires_grad_()
    with torch.autocast("cpu", torch.bfloat16, enabled=low):
        actual = linear_cross_entropy(hidden, torch.eye(vocab), index, smoothing)
    expected = F.cross_entropy(theirs, index, label_smoothing=smoothing)
    assert actual.item() >= 0
    close(actual, expected)
    if expected.isfinite():
        (ours,), (others,) = torch.autograd.grad(actual, hidden), torch.autograd.grad(expected, theirs)
        close(ours, others, 0.01 if low else 1e-5)


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
