"""model/training/loop.py: the loop, its schedules and scores, against NumPy and torch.nn.functional."""

import itertools
import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from model.config import TrainConfig
from model.network.transformer import Transformer
from model.text.tokenizer import PAD_ID, Tokenizer
from model.training.batching import Batch, Examples
from model.training.loop import TrainState, batch_loss, fit, learning_rate, validate
from tests.model.helpers import close, shaken, tiny

WORDS = ["".join(letters) for n in (1, 2, 3) for letters in itertools.product("abc", repeat=n)]


@pytest.fixture
def examples(characters: Tokenizer) -> Examples:
    """Copying: targets of one to three letters."""
    return Examples.encode([(word, word) for word in WORDS], characters, max_len=23)


def start(config: TrainConfig, **options: object) -> TrainState:
    torch.manual_seed(config.seed)
    return TrainState.start(Transformer(tiny(vocab_size=259, **options)), config)


def weights(model: torch.nn.Module) -> Tensor:
    return torch.nn.utils.parameters_to_vector(model.parameters()).detach().clone()


def flat_loss(model: Transformer, batch: Batch, smoothing: float) -> Tensor:
    logits = model.unembed(model(batch.source, batch.target_in).hidden)
    return F.cross_entropy(
        logits.flatten(0, 1), batch.target_out.flatten(), ignore_index=PAD_ID, label_smoothing=smoothing
    )


@given(
    peak=st.floats(1e-6, 1),
    warmup=st.integers(0, 97),
    after=st.integers(1, 97),
    schedule=st.sampled_from(["inverse_sqrt", "cosine", "constant"]),
)
def test_learning_rates_are_the_papers(peak: float, warmup: int, after: int, schedule: str):
    ramp = max(1, warmup)
    steps = ramp + after
    config = TrainConfig(steps=steps, learning_rate=peak, warmup=warmup, schedule=schedule)
    step = np.arange(1, steps + 1, dtype=float)
    expected = {
        # Vaswani et al. 2017, equation 3, with its constant chosen so that the peak is ``peak``
        "inverse_sqrt": peak * np.sqrt(ramp) * np.minimum(step**-0.5, step * ramp**-1.5),
        "cosine": peak * np.where(step < ramp, step / ramp, 0.5 * (1 + np.cos(np.pi * (step - ramp) / after))),
        "constant": peak * np.minimum(1, step / ramp),
    }[schedule]
    actual = [learning_rate(number, config) for number in range(1, steps + 1)]
    np.testing.assert_allclose(actual, expected, rtol=1e-9, atol=1e-12 * peak)
    assert max(actual) == pytest.approx(peak)


def test_it_learns_to_copy(examples: Examples):
    config = TrainConfig(steps=100, warmup=20, learning_rate=1e-2, batch_tokens=160, validate_every=50)
    steps = list(fit(start(config), examples, examples, config))
    assert [step.step for step in steps] == list(range(1, 101))
    assert [step.step for step in steps if step.validation] == [50, 100]
    assert steps[0].loss > 4  # of ln 259 = 5.6 when nothing is known
    last = steps[-1].validation
    assert last is not None
    assert last.accuracy > 0.9
    assert last.loss < 0.5
    assert steps[-1].loss < 1.5  # smoothed, so never near 0


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_the_loss_is_torchs_over_the_real_tokens(smoothing: float, examples: Examples):
    model, batch = Transformer(tiny(vocab_size=259)), examples.batch(np.array([0, 5, 30]))
    assert (batch.target_out == PAD_ID).any()
    actual = batch_loss(model, batch, TrainConfig(label_smoothing=smoothing))
    # F.cross_entropy spreads the smoothing over the vocabulary just so.
    close(actual, flat_loss(model, batch, smoothing))


@pytest.mark.parametrize("batch_tokens", [7, 4096])
def test_validation_is_torchs_whatever_the_batches(batch_tokens: int, examples: Examples):
    model = Transformer(tiny(vocab_size=259)).eval()
    shaken(model)
    everything = examples.batch(np.arange(len(examples)))
    scores = validate(model, examples, TrainConfig(batch_tokens=batch_tokens))
    assert scores.loss == pytest.approx(flat_loss(model, everything, 0.0).item(), abs=1e-5)
    guesses = model.unembed(model(everything.source, everything.target_in).hidden).argmax(-1)
    real = everything.target_out != PAD_ID
    assert scores.accuracy == pytest.approx((guesses == everything.target_out)[real].float().mean().item())


@pytest.mark.parametrize("decay", [0.0, 0.15, 0.9])
def test_the_average_follows_the_weights(decay: float, examples: Examples):
    config = TrainConfig(steps=5, average=decay, batch_tokens=60, learning_rate=0.01, warmup=0)
    state = start(config)
    expected = weights(state.model)
    for number, _ in enumerate(fit(state, examples, examples, config)):
        kept = min(decay, (1 + number) / (10 + number))  # less at first, when the average knows little
        expected = kept * expected + (1 - kept) * weights(state.model)
        close(weights(state.average), expected, tolerance=1e-6)
    assert torch.equal(weights(state.average), weights(state.model)) == (decay == 0)


def test_gradients_are_clipped(examples: Examples):
    norms = []
    for clip_norm in (1e-3, 1e9):
        config = TrainConfig(steps=1, clip_norm=clip_norm)
        state = start(config)
        list(fit(state, examples, examples, config))
        gradients = [parameter.grad for parameter in state.model.parameters() if parameter.grad is not None]
        norms.append(torch.nn.utils.get_total_norm(gradients).item())
    assert norms[0] == pytest.approx(1e-3, rel=1e-3)
    assert 1e-2 < norms[1] < 1e3


def test_the_first_update_is_adams(examples: Examples):
    """Adam's first step moves each weight by the rate, whatever the gradient; weight decay comes on top."""
    config = TrainConfig(steps=1, warmup=0, learning_rate=1e-3, weight_decay=0.5, clip_norm=1e9)
    state = start(config)
    before = weights(state.model)
    list(fit(state, examples, examples, config))
    gradient = torch.cat([p.grad.flatten() for p in state.model.parameters() if p.grad is not None])
    clear = gradient.abs() > 1e-5  # beside which Adam's epsilon is nothing
    assert clear.float().mean() > 0.5
    expected = before * (1 - 1e-3 * 0.5) - 1e-3 * gradient.sign()
    close(weights(state.model)[clear], expected[clear], tolerance=1e-6)


def test_bfloat16_trains_to_about_the_same(examples: Examples):
    losses = []
    for precision in ("float32", "bfloat16"):
        config = TrainConfig(steps=7, warmup=3, precision=precision)
        state = start(config)
        losses.append([step.loss for step in fit(state, examples, examples, config)])
        assert {parameter.dtype for parameter in state.model.parameters()} == {torch.float32}
    assert losses[0] != losses[1]
    assert losses[0] == pytest.approx(losses[1], rel=0.05)


def test_a_loss_that_is_no_number_stops_the_training(examples: Examples):
    config = TrainConfig(steps=50, learning_rate=1e30, warmup=0)
    with pytest.raises(FloatingPointError, match=r"smaller learning_rate than 1e\+30 or a longer warmup than 0"):
        list(fit(start(config), examples, examples, config))


def test_the_seed_decides_and_other_draws_do_not(examples: Examples):
    """Whoever reads the steps may use PyTorch's random numbers in between."""
    ends = []
    for seed, draws in ((3, 0), (3, 5), (4, 0)):
        config = TrainConfig(steps=5, seed=seed, batch_tokens=60)
        state = start(config, dropout=0.3)
        for _ in fit(state, examples, examples, config):
            torch.rand(draws)
        assert not torch.equal(state.rng, start(config, dropout=0.3).rng)  # each step drops anew
        ends.append(weights(state.model))
    assert torch.equal(ends[0], ends[1])
    assert not torch.equal(ends[0], ends[2])


def test_steps_report_what_happened(examples: Examples):
    config = TrainConfig(steps=3, warmup=2, learning_rate=0.01, batch_tokens=10**6, validate_every=2)
    steps = list(fit(start(config), examples, examples, config))
    n_tokens = sum(len(word) + 1 for word in WORDS)
    assert [step.n_tokens for step in steps] == [n_tokens] * 3  # all in one batch
    assert [step.learning_rate for step in steps] == [0.005, 0.01, pytest.approx(0.01 * math.sqrt(2 / 3))]
    assert [step.validation is not None for step in steps] == [False, True, True]  # the last one always
    assert all(step.seconds > 0 for step in steps)
