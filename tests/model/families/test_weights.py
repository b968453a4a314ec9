"""The parameters of a model and the matrices of its heads, against NumPy on the tensors by their names."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from model.capture import capture
from model.checkpoint import Checkpoint, load
from model.families.interface import AttentionCall, watching
from model.families.weights import BINS, circuit, histogram, matrices, parameters
from model.trace import Kind, Trace
from tests.model.families.folders import FAMILIES, make

TOLERANCE = 1e-5
UNKNOWN = ("gpt neox", "bloom", "deberta", "modernbert", "phi3")


@pytest.fixture(scope="module", params=FAMILIES)
def family(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture(scope="module")
def opened(family: str, tmp_path_factory: pytest.TempPathFactory) -> Checkpoint:
    path = tmp_path_factory.mktemp("folder") / "model"
    make(path, family)
    return load(path)


def test_every_parameter_once(opened: Checkpoint):
    net: Any = opened.elsewhere.net  # type: ignore[union-attr]
    known = parameters(opened)
    assert sum(one.n for one in known) == sum(one.numel() for one in net.parameters())
    for one in known:
        values = net.get_parameter(one.name).numpy()
        assert one.shape == values.shape
        assert one.norm == pytest.approx(np.sqrt((values.astype(np.float64) ** 2).sum()), rel=1e-4)
        assert one.largest == pytest.approx(np.abs(values).max())
    counts, edges = histogram(opened, known[0].name)
    assert len(counts) == BINS
    assert counts.sum() == known[0].n
    assert len(edges) == BINS + 1


def test_singular_values_are_those_of_the_whole_products(opened: Checkpoint, family: str):
    kinds = capture(opened, "a").kinds
    if family in UNKNOWN:
        with pytest.raises(ValueError, match="does not know how"):
            circuit(opened, kinds[0], 0, 0)
        return
    sizes: Any = opened.config
    for kind in kinds:
        found = matrices(opened, kind, 0)
        d_head = found.query.size(1) // found.n_heads
        assert found.key.shape[1] == found.value.shape[1] == d_head * found.n_key_heads
        assert found.output.shape[0] == d_head * found.n_heads
        for head in (0, sizes.n_heads - 1):
            shared = head // (found.n_heads // found.n_key_heads)
            query, key = found.query[:, head * d_head :][:, :d_head], found.key[:, shared * d_head :][:, :d_head]
            value, output = found.value[:, shared * d_head :][:, :d_head], found.output[head * d_head :][:d_head]
            shown = circuit(opened, kind, 0, head)
            for values, product in ((shown.query_key, query @ key.T), (shown.value_output, value @ output)):
                expected = np.linalg.svd(product.double().numpy(), compute_uv=False)
                np.testing.assert_allclose(values, expected[:d_head], atol=TOLERANCE)
                assert (expected[d_head:] < TOLERANCE).all()


@pytest.mark.parametrize("family", ["bert base", "gpt2", "llama"], indirect=True)
def test_queries_of_the_model_itself(opened: Checkpoint, family: str):
    """The values in a call of the model's own pass are what the matrices found make of what the layer was given."""
    elsewhere: Any = opened.elsewhere
    seen: list[AttentionCall] = []
    inputs: list[torch.Tensor] = []
    names = {"bert base": "encoder.layer.0.attention.self.query", "gpt2": "transformer.h.0.attn.c_attn"}
    part = elsewhere.net.get_submodule(names.get(family, "model.layers.0.self_attn.v_proj"))
    hook = part.register_forward_pre_hook(lambda module, given: inputs.append(given[0]))
    with watching(seen.append):
        capture(opened, "She has already left")
    hook.remove()
    found = matrices(opened, capture(opened, "a").kinds[0], 0)
    # Values are neither turned nor scaled, so they can be compared in every family.
    bias = {"bert base": "encoder.layer.0.attention.self.value.bias", "gpt2": "transformer.h.0.attn.c_attn.bias"}
    added = elsewhere.net.get_parameter(bias[family])[-found.value.size(1) :] if family in bias else 0.0
    expected = (inputs[0] @ found.value + added).unflatten(-1, (found.n_key_heads, -1)).transpose(1, 2)
    torch.testing.assert_close(seen[0].value, expected, atol=TOLERANCE, rtol=0)


@pytest.mark.parametrize("kind", ["encoder", "decoder", "cross"])
def test_our_own(kind: Kind):
    opened = load("translate-en-fr")
    found = matrices(opened, kind, 1)
    stack = "encoder" if kind == "encoder" else "decoder"
    part = "cross_attention" if kind == "cross" else "self_attention"
    state = opened.model.state_dict()
    assert torch.equal(found.query.T, state[f"{stack}.layers.1.{part}.query.weight"])
    d_head = opened.config.d_head
    product = found.query[:, d_head : 2 * d_head] @ found.key[:, d_head : 2 * d_head].T
    expected = np.linalg.svd(product.double().numpy(), compute_uv=False)[:d_head]
    np.testing.assert_allclose(circuit(opened, kind, 1, 1).query_key, expected, atol=TOLERANCE)


def test_a_recording_and_an_lstm_have_none(tmp_path: Path):
    path = tmp_path / "mine.trace.safetensors"
    Trace.of(np.full((1, 1, 2, 2), 0.5), ("a", "b")).save(path)
    with pytest.raises(ValueError, match="patterns, but no matrices"):
        circuit(load(path), "encoder", 0, 0)
    assert parameters(load(path)) == ()
    with pytest.raises(ValueError, match="This model has no layers of heads"):
        circuit(load("lstm-dates"), "cross", 0, 0)
