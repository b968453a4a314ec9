"""model/decoding/sampling.py against the warpers of transformers."""

from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers.generation.logits_process import TemperatureLogitsWarper, TopKLogitsWarper, TopPLogitsWarper

from model.capture import capture
from model.checkpoint import Checkpoint
from model.decoding.sampling import narrowed, next_logits, sample
from model.network.transformer import Transformer
from model.text.tokenizer import EOS_ID, Tokenizer
from tests.model.helpers import shaken, tiny


@settings(deadline=None)
@given(
    st.integers(0, 997), st.floats(0.1, 3), st.integers(0, 13), st.floats(0.05, 1).filter(lambda p: abs(p - 1) > 1e-4)
)
def test_it_narrows_as_transformers_does(seed: int, temperature: float, top_k: int, top_p: float):
    logits = 3 * torch.randn(2, 11, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    ids: Any = torch.zeros((2, 1), dtype=torch.long)
    expected = TemperatureLogitsWarper(temperature)(ids, logits)
    if top_k:
        expected = TopKLogitsWarper(top_k)(ids, expected)
    expected = TopPLogitsWarper(top_p)(ids, expected).softmax(-1)
    found = narrowed(logits, temperature, top_k, top_p)
    torch.testing.assert_close(found, expected)


def test_with_nothing_set_it_is_the_softmax():
    logits = torch.randn(7, 5)
    torch.testing.assert_close(narrowed(logits), logits.softmax(-1))
    assert narrowed(logits, top_p=1e-9).max(-1).values.tolist() == [1] * 7


@pytest.fixture(scope="module")
def checkpoint(characters: Tokenizer) -> Checkpoint:
    torch.manual_seed(3)
    model = shaken(Transformer(tiny(vocab_size=len(characters)))).eval()
    return Checkpoint(name="random", model=model, tokenizer=characters, task="copy", training={}, digest="3")


def test_the_likeliest_alone_is_greedy_and_a_seed_repeats_itself(checkpoint: Checkpoint):
    own = capture(checkpoint, "cab")
    assert sample(checkpoint, own.source_ids, 1.0, 1, 1.0, seed=5) == own.predicted_ids
    drawn = {seed: sample(checkpoint, own.source_ids, 2.0, 0, 1.0, seed) for seed in (2, 3)}
    assert drawn[2] == sample(checkpoint, own.source_ids, 2.0, 0, 1.0, 2) != drawn[3]
    assert all(token_id >= EOS_ID for ids in drawn.values() for token_id in ids)


def test_the_logits_give_the_probabilities_of_the_trace(checkpoint: Checkpoint):
    own = capture(checkpoint, "cab")
    assert own.probabilities is not None
    found = narrowed(next_logits(checkpoint, own.source_ids, own.predicted_ids))
    written = found[torch.arange(len(found)), torch.tensor(own.predicted_ids)]
    ratio = written / torch.tensor(own.probabilities)  # <pad> and <s> are left out: no less
    assert (ratio > 1 - 1e-4).all()
    assert (found.argmax(-1) == torch.tensor(own.predicted_ids)).all()
