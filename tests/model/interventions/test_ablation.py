"""One head made uniform."""

import copy
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from model import checkpoint
from model.capture import capture
from model.checkpoint import Checkpoint
from model.interventions.ablation import ablate, ablate_all, uniform_head, without_head
from model.network.transformer import Transformer
from model.text.tokenizer import Tokenizer
from model.trace import KINDS, Kind
from tests.helpers import save_letters
from tests.model.helpers import shaken, tiny


@pytest.fixture(scope="module")
def letters(tmp_path_factory: pytest.TempPathFactory) -> Checkpoint:
    return save_letters(tmp_path_factory.mktemp("ablation") / "letters.safetensors")


@pytest.fixture(scope="module")
def random(tmp_path_factory: pytest.TempPathFactory) -> Checkpoint:
    torch.manual_seed(11)
    path, tokenizer = tmp_path_factory.mktemp("ablation") / "random.safetensors", Tokenizer.characters()
    model = shaken(Transformer(tiny(vocab_size=len(tokenizer)))).eval()
    checkpoint.save(path, model, tokenizer, task="copy", training={})
    return checkpoint.load(path)


@pytest.mark.parametrize("kind", KINDS)
def test_its_pattern_is_uniform_over_what_it_may_see_and_the_others_of_its_layer_stay(random: Checkpoint, kind: Kind):
    trace = capture(random, "seven", "five")
    before = trace.map(kind).pattern
    after = capture(random, "seven", "five", taps=uniform_head(trace, kind, 0, 1)).map(kind).pattern
    n, m = after.shape[2:]
    seen = np.tri(n) if kind == "decoder" else np.ones((n, m))
    np.testing.assert_allclose(after[0, 1], seen / seen.sum(1, keepdims=True), atol=1e-6)
    np.testing.assert_array_equal(after[0, [0, 2]], before[0, [0, 2]])
    assert np.abs(before[0, 1] - after[0, 1]).max() > 0.01


def test_uniform_is_what_queries_of_zero_give(random: Checkpoint):
    """The same model with the weights of one head's queries set to 0, in its own words and on a given target."""
    free = capture(random, "seven")
    zeroed: Any = copy.deepcopy(random.model)
    for part in (
        zeroed.decoder.layers[1].cross_attention.query.weight,
        zeroed.decoder.layers[1].cross_attention.query.bias,
    ):
        part[20:] = 0
    other, taps = replace(random, model=zeroed), uniform_head(free, "cross", 1, 2)
    for target in (None, "five"):
        ours, oracle = capture(random, "seven", target, taps=taps), capture(other, "seven", target)
        assert ours.predicted_ids == oracle.predicted_ids
        for kind in KINDS:
            np.testing.assert_allclose(ours.map(kind).pattern, oracle.map(kind).pattern, atol=1e-5)
    np.testing.assert_array_equal(free.map("cross").pattern, capture(random, "seven").map("cross").pattern)


def test_without_a_head_is_what_zeros_in_its_part_of_w_o_give(random: Checkpoint):
    before = capture(random, "seven", "five")
    zeroed: Any = copy.deepcopy(random.model)
    zeroed.decoder.layers[1].cross_attention.output.weight[:, 20:] = 0
    other, taps = replace(random, model=zeroed), without_head(before, "cross", 1, 2)
    ours, oracle = capture(random, "seven", "five", taps=taps), capture(other, "seven", "five")
    assert ours.probabilities is not None
    assert oracle.probabilities is not None
    assert before.probabilities is not None
    np.testing.assert_allclose(ours.probabilities, oracle.probabilities, atol=1e-6)
    assert np.abs(ours.probabilities - before.probabilities).max() > 1e-4
    np.testing.assert_array_equal(ours.map("cross").pattern, before.map("cross").pattern)


def test_the_one_head_that_copies_is_needed_and_no_other(letters: Checkpoint):
    before = capture(letters, "transform")
    results = list(ablate_all(letters, before))
    assert len(results) == 3 * 2 * 3
    assert [(r.kind, r.layer, r.head) for r in results if not r.same] == [("cross", 0, 0)]
    (needed,) = [r for r in results if not r.same]
    assert needed.forced.target == before.target
    assert needed.forced.probabilities is not None
    assert before.probabilities is not None
    assert needed.forced.probabilities.mean() < 0.5 * before.probabilities.mean()
    assert ablate(letters, before, "encoder", 1, 1).output == "transform"


@pytest.mark.parametrize(("layer", "head"), [(2, 0), (-1, 0), (0, 3)])
def test_a_head_that_is_not_there(random: Checkpoint, layer: int, head: int):
    with pytest.raises(ValueError, match="was asked for"):
        uniform_head(capture(random, "seven"), "encoder", layer, head)
