"""A torch.nn.Transformer by its state dict: what is shown is what PyTorch's own modules compute from it."""

from __future__ import annotations

import json
import math
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from model.capture import capture
from model.checkpoint import CheckpointError, load
from model.decoding.candidates import candidates
from model.families import shelves
from model.network.positional import sinusoidal
from tests.model.families.folders import TEXT, bytes_

TOLERANCE = 1e-5
D, HEADS = 28, 4


class Theirs(nn.Module):
    """The model of PyTorch's own tutorial on translation, with other sizes."""

    def __init__(self, vocab_size: int, **options: Any) -> None:
        super().__init__()
        self.source, self.target = nn.Embedding(vocab_size, D), nn.Embedding(vocab_size, D)
        self.place = nn.Parameter(torch.randn(1, 67, D))
        self.transformer = nn.Transformer(D, HEADS, 2, 3, 37, batch_first=True, dropout=0.0, **options)
        self.generator = nn.Linear(D, vocab_size)

    def embedded(self, table: nn.Embedding, ids: Tensor, positional: str) -> Tensor:
        n = ids.size(1)
        positions = {"sinusoidal": sinusoidal(n, D), "none": torch.zeros(n, D), "place": self.place[0, :n]}[positional]
        return table(ids) * math.sqrt(D) + positions


def write(folder: Path, positional: str = "sinusoidal", tensors: Any = None, **options: Any) -> Theirs:
    torch.manual_seed(29)
    inner, _ = bytes_()
    theirs = Theirs(inner.get_vocab_size(), **options).eval().requires_grad_(False)
    for parameter in theirs.parameters():  # norms and biases as well
        parameter += 0.1 * torch.randn_like(parameter)
    folder.mkdir(parents=True, exist_ok=True)
    state = {name: tensor for name, tensor in theirs.state_dict().items() if positional == "place" or name != "place"}
    save_file(state, folder / "model.safetensors")
    inner.save(str(folder / "tokenizer.json"))
    described = {
        "format": "torch.nn.Transformer", "weights": "model.safetensors", "tokenizer": "tokenizer.json",
        "n_heads": HEADS, "source_embedding": "source.weight", "target_embedding": "target.weight",
        "output": "generator.weight", "output_bias": "generator.bias", "positional": positional,
        **options,
    }  # fmt: skip
    (folder / "mine.json").write_text(json.dumps(described))
    return theirs


@pytest.mark.parametrize("norm_first", [False, True])
@pytest.mark.parametrize("activation", ["relu", "gelu"])
@pytest.mark.parametrize("positional", ["sinusoidal", "none", "place"])
def test_it_does_what_pytorch_does(norm_first: bool, activation: str, positional: str, tmp_path: Path):
    theirs = write(tmp_path, positional, norm_first=norm_first, activation=activation)
    opened = load(tmp_path / "mine.json")
    tokens: Any = opened.tokenizer
    trace = capture(opened, TEXT)
    assert trace.source == TEXT
    ids = torch.tensor([[*tokens.encode(TEXT), tokens.end_id][: opened.config.max_len]])
    assert trace.source_ids == tuple(ids[0].tolist())
    with torch.no_grad():
        memory = x = theirs.embedded(theirs.source, ids, positional)
        for layer, pattern in zip(theirs.transformer.encoder.layers, trace.map("encoder").pattern, strict=True):
            one: Any = layer
            inside = one.norm1(x) if norm_first else x
            expected = one.self_attn(inside, inside, inside, average_attn_weights=False)[1]
            np.testing.assert_allclose(pattern, expected[0].numpy(), atol=TOLERANCE)
            x = one(x)
        memory = theirs.transformer.encoder(memory)
        written, logits = torch.tensor([[tokens.begin_id]]), torch.empty(0)
        limit = min(opened.config.max_len, 2 * ids.size(1) + 16, 128)
        while written.size(1) <= limit and written[0, -1] != tokens.end_id:
            y = theirs.embedded(theirs.target, written, positional)
            causal = nn.Transformer.generate_square_subsequent_mask(y.size(1))
            logits = theirs.generator(theirs.transformer.decoder(y, memory, tgt_mask=causal))
            best = logits[0, -1].index_fill(0, torch.tensor(tokens.begin_id), -torch.inf)
            written = torch.cat((written, best.argmax()[None, None]), dim=1)
    assert trace.predicted_ids == tuple(written[0, 1:].tolist())
    chosen = logits[0].softmax(-1)[range(logits.size(1)), written[0, 1:].tolist()]
    assert trace.probabilities is not None
    np.testing.assert_allclose(trace.probabilities, chosen.numpy(), atol=TOLERANCE)
    assert not trace.map("decoder").pattern[..., ~np.tri(logits.size(1), dtype=bool)].any()
    assert trace.map("cross").pattern.shape == (3, HEADS, logits.size(1), ids.size(1))
    first = candidates(opened, trace.source_ids, trace.predicted_ids, 3)[0]
    assert first.written.probability == pytest.approx(float(trace.probabilities[0]), abs=TOLERANCE)


def test_one_matrix_for_all_and_no_last_norm(tmp_path: Path):
    theirs = write(tmp_path)
    state = load_file(tmp_path / "model.safetensors")
    kept = {name: one for name, one in state.items() if name.startswith("transformer.") and "coder.norm" not in name}
    save_file({**kept, "source.weight": state["source.weight"]}, tmp_path / "model.safetensors")
    changes = {"target_embedding": "source.weight", "output": None, "output_bias": None}
    described = {**json.loads((tmp_path / "mine.json").read_text()), **changes}
    (tmp_path / "mine.json").write_text(json.dumps(described))
    opened = load(tmp_path / "mine.json")
    trace = capture(opened, "She has left", "elle")
    assert trace.teacher_forced
    assert trace.target == "elle"
    net: Any = theirs.transformer
    net.encoder.norm = net.decoder.norm = None
    fed = torch.tensor([[opened.tokenizer.begin_id, *trace.predicted_ids[:-1]]])  # type: ignore[attr-defined]
    with torch.no_grad():
        x = theirs.embedded(theirs.source, torch.tensor([trace.source_ids]), "sinusoidal")
        y = theirs.embedded(theirs.source, fed, "sinusoidal")
        causal = nn.Transformer.generate_square_subsequent_mask(fed.size(1))
        logits = (net(x, y, tgt_mask=causal) @ theirs.source.weight.T)[0]
    chosen = logits.softmax(-1)[range(fed.size(1)), list(trace.predicted_ids)]
    assert trace.probabilities is not None
    np.testing.assert_allclose(trace.probabilities, chosen.numpy(), atol=TOLERANCE)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"format": "onnx"}, "not the description of a torch.nn.Transformer"),
        ({"n_heads": 5}, "d_model is 28 and n_heads 5"),
        ({"n_heads": 0}, "d_model is 28 and n_heads 0"),
        ({"n_heads": "4"}, "the field 'n_heads' must be of type int, but it is '4'"),
        ({"more": 1}, "the description has no field 'more'"),
        ({"source_embedding": None}, "the field 'source_embedding' must be of type str"),
        ({"source_embedding": "none.weight"}, "the tensor none.weight is missing"),
        ({"output": "generator.other"}, "the tensor generator.other is missing"),
        ({"output_bias": None}, "the tensor generator.bias does not belong to the model described (1 in all)"),
        ({"activation": "swish"}, "activation must be one of relu, gelu, but it is 'swish'"),
        ({"weights": "../model.safetensors"}, "'../model.safetensors' must be a file beside the description"),
        ({"weights": "none.safetensors"}, "the file none.safetensors does not exist"),
        ({"tokenizer": "mine.json"}, "the tokenizer mine.json cannot be read"),
        ({"begin": "<begin>"}, "the tokenizer has no token '<begin>'"),
        ({"transformer": "other."}, "does not belong to the model described"),
    ],
)
def test_what_does_not_fit(changes: dict[str, Any], message: str, tmp_path: Path):
    write(tmp_path)
    described = {**json.loads((tmp_path / "mine.json").read_text()), **changes}
    (tmp_path / "mine.json").write_text(json.dumps(described))
    with pytest.raises(CheckpointError, match=re.escape(message)) as refused:
        load(tmp_path / "mine.json")
    assert str(refused.value).startswith("mine")


def test_damaged_weights(tmp_path: Path):
    write(tmp_path)
    file = tmp_path / "model.safetensors"
    whole = file.read_bytes()
    file.write_bytes(whole[:-7])
    with pytest.raises(CheckpointError, match=r"model\.safetensors is truncated or damaged"):
        load(tmp_path / "mine.json")
    state = load_file_of(whole, tmp_path)
    state["transformer.encoder.layers.1.linear1.bias"][2] = torch.inf
    save_file(state, file)
    with pytest.raises(CheckpointError, match="has values that are not finite"):
        load(tmp_path / "mine.json")
    state = load_file_of(whole, tmp_path)
    state["transformer.encoder.layers.99999999.linear1.bias"] = torch.zeros(3)
    save_file(state, file)
    with pytest.raises(CheckpointError, match="named for 100000000 layers, but there are only"):
        load(tmp_path / "mine.json")


def load_file_of(data: bytes, folder: Path) -> dict[str, Tensor]:
    (folder / "whole.safetensors").write_bytes(data)
    return load_file(folder / "whole.safetensors")


def test_it_is_offered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    write(tmp_path / "shelf")
    monkeypatch.setenv(shelves.FOLDERS, str(tmp_path / "shelf"))
    assert shelves.offered() == {"shelf/mine.json": str(tmp_path / "shelf" / "mine.json")}


def test_a_closed_one_takes_no_memory(tmp_path: Path):
    write(tmp_path)
    opened: Any = load(tmp_path / "mine.json").elsewhere
    opened.close()
    tensors = (*opened.net.parameters(), opened.source, opened.target, opened.output, opened.positions)
    assert {one.device.type for one in tensors} == {"meta"}
