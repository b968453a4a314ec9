"""Attention right and wrong, against the model's own pattern and PyTorch."""

import copy
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from model import checkpoint
from model.anatomy.mistakes import (
    VARIANTS,
    HeadScores,
    head_scores,
    mask_after_softmax,
    right,
    without_scale,
    wrong_axis,
)
from model.capture import capture
from model.checkpoint import Checkpoint
from model.config import POSITIONALS
from model.network.transformer import Transformer
from model.text.tokenizer import Tokenizer
from model.trace import Kind
from tests.model.helpers import shaken, tiny, with_factor


@pytest.fixture
def saved(request: pytest.FixtureRequest, tmp_path: Path) -> Checkpoint:
    torch.manual_seed(3)
    config = tiny(vocab_size=len(Tokenizer.characters()), positional=request.param)
    model = shaken(Transformer(config)).eval()
    checkpoint.save(tmp_path / "a.safetensors", model, Tokenizer.characters(), task="copy", training={})
    return checkpoint.load(tmp_path / "a.safetensors")


def scores_of(opened: Checkpoint, kind: Kind, head: int) -> tuple[HeadScores, np.ndarray]:
    trace = capture(opened, "seven", "five")
    return head_scores(opened, trace, kind, 1, head), trace.map(kind).pattern[1, head]


@pytest.mark.parametrize("saved", POSITIONALS, indirect=True)
@pytest.mark.parametrize("kind", ["encoder", "decoder"])
def test_done_right_it_is_the_models_pattern(saved: Checkpoint, kind: Kind):
    for head in range(3):
        scores, pattern = scores_of(saved, kind, head)
        np.testing.assert_allclose(right(scores), pattern, atol=1e-5)


@pytest.mark.parametrize("saved", ["none"], indirect=True)
@pytest.mark.parametrize("kind", ["encoder", "decoder"])
def test_a_factor_is_in_the_scores(saved: Checkpoint, kind: Kind):
    model = copy.deepcopy(saved.model)
    assert isinstance(model, Transformer)
    saved = replace(saved, model=with_factor(model))
    for head in range(3):
        scores, pattern = scores_of(saved, kind, head)
        np.testing.assert_allclose(right(scores), pattern, atol=1e-5)


@pytest.mark.parametrize("saved", ["rotary"], indirect=True)
def test_only_self_attention(saved: Checkpoint):
    trace = capture(saved, "seven", "five")
    with pytest.raises(ValueError, match="cross-attention"):
        head_scores(saved, trace, "cross", 0, 0)


def test_the_mistakes_by_hand():
    """Two tokens, scores ln 3 and 0; the first may not see the second."""
    products = np.array([[0.0, np.log(3)], [np.log(3), 0.0]]) * 2
    head = HeadScores(products=products, bias=np.zeros((2, 2)), allowed=np.tri(2, dtype=bool), d_head=4)
    np.testing.assert_allclose(right(head), [[1, 0], [3 / 4, 1 / 4]])
    np.testing.assert_allclose(wrong_axis(head), [[1 / 4, 0], [3 / 4, 1]])
    np.testing.assert_allclose(without_scale(head), [[1, 0], [9 / 10, 1 / 10]])
    np.testing.assert_allclose(mask_after_softmax(head), [[1 / 4, 0], [3 / 4, 1 / 4]])


def test_each_mistake_differs_from_what_is_right_and_where_it_must():
    rng = np.random.default_rng(1)
    head = HeadScores(products=rng.normal(size=(7, 7)), bias=np.zeros((7, 7)), allowed=np.tri(7, dtype=bool), d_head=5)
    found = {name: function(head) for name, function in VARIANTS.items()}
    assert all((pattern[~head.allowed] == 0).all() for pattern in found.values())
    np.testing.assert_allclose(found["wrong axis"].sum(0), 1)
    assert (found["mask after softmax"].sum(1)[:-1] < 1).all()
    np.testing.assert_allclose(found["no scale"], right(replace(head, d_head=1)))
    oracle = torch.tensor(head.scores).masked_fill(~torch.tensor(head.allowed), -torch.inf).softmax(1)
    np.testing.assert_allclose(found["right"], oracle)
