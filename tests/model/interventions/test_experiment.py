"""Experiments: a head, the scale of the scores, or the positions are taken from a model."""

import math
from pathlib import Path

import numpy as np
import pytest
import torch

from model import checkpoint
from model.anatomy.mistakes import head_scores
from model.anatomy.mistakes import without_scale as pattern_without_scale
from model.capture import capture
from model.checkpoint import Checkpoint
from model.interventions.experiment import experiment, without_scale
from model.interventions.positions import without_positions
from model.network.build import build
from model.text.tokenizer import Tokenizer
from tests.model.helpers import shaken, tiny


@pytest.fixture(params=["sinusoidal", "rotary", "alibi"])
def random(request: pytest.FixtureRequest, tmp_path: Path) -> Checkpoint:
    torch.manual_seed(13)
    tokenizer = Tokenizer.characters()
    model = shaken(build(tiny(vocab_size=len(tokenizer), positional=request.param))).eval()
    checkpoint.save(tmp_path / "random.safetensors", model, tokenizer, task="copy", training={})
    return checkpoint.load(tmp_path / "random.safetensors")


def test_without_scale_the_first_layer_has_the_pattern_of_the_known_mistake(random: Checkpoint):
    """Layer 0 of the encoder reads what it always reads, so it must be what :mod:`model.anatomy.mistakes` computes."""
    before = capture(random, "seven", "five")
    after = capture(random, "seven", "five", taps=without_scale(before)).map("encoder").pattern
    for head in range(before.map("encoder").n_heads):
        expected = pattern_without_scale(head_scores(random, before, "encoder", 0, head))
        np.testing.assert_allclose(after[0, head], expected, atol=1e-5)
    assert np.abs(after - before.map("encoder").pattern).max() > 0.01


def test_both_are_fed_the_first_output_and_the_second_writes_its_own(random: Checkpoint):
    before = capture(random, "seven")
    found = experiment(random, before, "positions", "cross", 0, 0)
    assert found.before is before
    assert found.forced.teacher_forced
    assert before.target.startswith(found.forced.target)
    assert found.own.target == capture(without_positions(random), "seven").target
    assert found.same == (found.own.target == before.target)


def test_the_change_is_the_difference_of_log_probabilities(random: Checkpoint):
    before = capture(random, "seven")
    found = experiment(random, before, "scale", "cross", 0, 0)
    n = found.n_compared
    assert found.before.predicted_ids[:n] == found.forced.predicted_ids[:n]
    first, second = (
        math.prod(np.asarray(trace.probabilities, np.float64)[:n].tolist()) for trace in (before, found.forced)
    )
    assert math.isclose(found.log_probabilities.sum(), math.log(second / first), rel_tol=1e-4)


def test_a_head_that_is_not_there_cannot_be_taken(random: Checkpoint):
    with pytest.raises(ValueError, match="head 9 was asked for"):
        experiment(random, capture(random, "seven"), "head", "cross", 0, 9)
