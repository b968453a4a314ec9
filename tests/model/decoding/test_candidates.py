"""model/decoding/candidates.py: at each step the likeliest tokens of the model's own distribution."""

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from model.capture import capture
from model.checkpoint import Checkpoint
from model.decoding.candidates import candidates
from model.network.transformer import Transformer
from model.text.tokenizer import BOS_ID, EOS_ID, PAD_ID, Tokenizer
from tests.model.helpers import shaken, tiny

K = 7


@pytest.fixture(scope="module")
def checkpoint(characters: Tokenizer) -> Checkpoint:
    torch.manual_seed(3)
    model = shaken(Transformer(tiny(vocab_size=len(characters)))).eval()
    return Checkpoint(name="random", model=model, tokenizer=characters, task="copy", training={}, digest="3")


def read(checkpoint: Checkpoint, source: str) -> list[int]:
    return [*checkpoint.tokenizer.encode(source), EOS_ID]


@torch.inference_mode()
def distribution(checkpoint: Checkpoint, source: str, target: list[int]) -> np.ndarray:
    """``[target, vocab]``, by a whole forward pass."""
    output = checkpoint.model(torch.tensor([read(checkpoint, source)]), torch.tensor([[BOS_ID, *target[:-1]]]))
    return checkpoint.model.unembed(output.hidden[0]).softmax(-1).numpy()


def test_they_are_the_largest_of_the_softmax(checkpoint: Checkpoint):
    target = [*checkpoint.tokenizer.encode("cab!"), EOS_ID]
    expected = distribution(checkpoint, "dab", target)
    steps = candidates(checkpoint, read(checkpoint, "dab"), target, K)
    assert len(steps) == len(target)
    for step, token_id, row in zip(steps, target, expected, strict=True):
        assert step.written.token_id == token_id
        assert step.written.probability == pytest.approx(row[token_id], rel=1e-5)
        assert step.rank == 1 + sum(other > row[token_id] for other in row[EOS_ID:])
        order = [token for token in np.argsort(-row) if token not in (PAD_ID, BOS_ID)][:K]
        assert [best.token_id for best in step.best] == order
        np.testing.assert_allclose([best.probability for best in step.best], row[order], rtol=1e-5)
        assert [best.label for best in step.best] == list(checkpoint.tokenizer.labels(order))


@given(source=st.text(max_size=9), target=st.text(max_size=4), k=st.integers(1, 400))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_they_are_sorted_and_sum_to_one_at_most(checkpoint: Checkpoint, source: str, target: str, k: int):
    for step in candidates(checkpoint, read(checkpoint, source), [*checkpoint.tokenizer.encode(target), EOS_ID], k):
        probabilities = [best.probability for best in step.best]
        assert len(probabilities) == min(k, len(checkpoint.tokenizer) - 2)
        assert probabilities == sorted(probabilities, reverse=True)
        assert 0 < sum(probabilities) <= 1 + 1e-5


def test_the_own_translation_takes_the_first_at_each_step(checkpoint: Checkpoint):
    trace = capture(checkpoint, "dab")
    steps = candidates(checkpoint, trace.source_ids, trace.predicted_ids, 1)
    assert tuple(step.best[0].token_id for step in steps) == trace.predicted_ids
    assert {step.rank for step in steps} == {1}
    assert trace.probabilities is not None
    np.testing.assert_allclose([step.written.probability for step in steps], trace.probabilities, rtol=1e-4)


def test_padding_is_no_candidate(checkpoint: Checkpoint):
    (step,) = candidates(checkpoint, read(checkpoint, "dab"), [EOS_ID], 10_000)
    assert {best.token_id for best in step.best} == set(range(EOS_ID, len(checkpoint.tokenizer)))


def test_nothing_written_has_no_steps(checkpoint: Checkpoint):
    assert candidates(checkpoint, read(checkpoint, "dab"), [], K) == ()


@pytest.mark.parametrize(
    ("target", "message"),
    [
        ([5, 9999], "there is no token 9999 to write: they are 2 to 258"),
        ([-1], "there is no token -1"),
        ([PAD_ID], "there is no token 0"),
        ([BOS_ID, 5], "there is no token 1"),
        ([5, EOS_ID, 6], "token 2 is </s>, which ends the target, but 1 more follow"),
        ([5] * 30, "max_len is 23 tokens"),
    ],
)
def test_what_cannot_be_written(checkpoint: Checkpoint, target: list[int], message: str):
    with pytest.raises(ValueError, match=message):
        candidates(checkpoint, read(checkpoint, "dab"), target, K)
