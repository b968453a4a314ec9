"""Folders and files that mean harm, or are damaged: each is refused within a second with a sentence that says why."""

from __future__ import annotations

import json
import pickle
import re
import shutil
import struct
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from model.checkpoint import CheckpointError, load, loads
from model.families import huggingface
from tests.model.families.folders import make

SECONDS = 1.0
MEGABYTES = 150
Harm = Callable[[Path], object]


class Bomb:
    """Unpickled, it would leave a trace behind."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.path,)


def config(path: Path, **changes: Any) -> None:
    """The config of the folder, with other values; None leaves a field out."""
    file = path / "config.json"
    known = {**json.loads(file.read_text()), **changes}
    file.write_text(json.dumps({name: value for name, value in known.items() if value is not None}))


def tensors(path: Path, change: Callable[[dict[str, torch.Tensor]], object]) -> None:
    """The weights of the folder, changed."""
    file = path / "model.safetensors"
    found = load_file(file)
    change(found)
    save_file(found, file, {"format": "pt"})


def only_pickled(path: Path, name: str = "pytorch_model.bin") -> None:
    (path / "model.safetensors").unlink()
    (path / name).write_bytes(pickle.dumps(Bomb(path / "exploded")))


def zip_bomb(path: Path) -> None:
    (path / "model.safetensors").unlink()
    with zipfile.ZipFile(path / "model.safetensors", "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("weights", b"\0" * 50_000_000)


def cut(path: Path, to: int) -> None:
    file = path / "model.safetensors"
    file.write_bytes(file.read_bytes()[:to])


def header(path: Path, described: dict[str, Any], data: bytes = b"") -> None:
    written = json.dumps(described).encode()
    (path / "model.safetensors").write_bytes(struct.pack("<Q", len(written)) + written + data)


def huge(path: Path) -> None:
    header(path, {"a": {"dtype": "F32", "shape": [10**6, 10**6], "data_offsets": [0, 4 * 10**12]}})


def index(path: Path, file: str) -> None:
    (path / "model.safetensors").unlink()
    (path / "model.safetensors.index.json").write_text(json.dumps({"weight_map": {"a": file}}))


def another_tokenizer(path: Path) -> None:
    file = path / "tokenizer.json"
    known = json.loads(file.read_text())
    known["model"]["vocab"]["beyond"] = 1_000_000
    file.write_text(json.dumps(known))


def nan(found: dict[str, torch.Tensor]) -> None:
    found["bert.encoder.layer.1.attention.self.query.weight"][3, 5] = torch.nan


HARMS: dict[str, tuple[Harm, str]] = {
    "a pickle bomb": (only_pickled, "Such a file can run code when it is opened"),
    "a pickle bomb of another name": (
        lambda path: only_pickled(path, "model.ckpt"),
        "its weights are only in model.ckpt",
    ),
    "a zip bomb": (zip_bomb, "model.safetensors is truncated, or not a safetensors file"),
    "no weights": (lambda path: (path / "model.safetensors").unlink(), "the folder has no weights"),
    "empty weights": (lambda path: cut(path, 0), "is truncated, or not a safetensors file"),
    "cut in the header": (lambda path: cut(path, 99), "is truncated, or not a safetensors file"),
    "cut in the tensors": (lambda path: cut(path, -100), "is truncated or damaged: its tensors should take"),
    "a header of terabytes": (huge, "its tensors should take 4,000,000,000,000 bytes, but there are 0"),
    "a header that is no JSON": (
        lambda path: (path / "model.safetensors").write_bytes(struct.pack("<Q", 5) + b"{{{{{"),
        "the header of model.safetensors cannot be read",
    ),
    "tensors that lie about their size": (
        lambda path: header(path, {"a": {"dtype": "F32", "shape": [10**9], "data_offsets": [0, 4]}}, b"\0" * 4),
        "no tensor of the weights has an axis of that length",
    ),
    "an index that leads out": (
        lambda path: index(path, "../outside.safetensors"),
        "'../outside.safetensors' of model",
    ),
    "a million layers": (lambda path: config(path, num_hidden_layers=10**6), "the config asks for 1000000 layers"),
    "a layer too many": (lambda path: config(path, num_hidden_layers=3), "is missing (16 in all)"),
    "a layer too few": (
        lambda path: config(path, num_hidden_layers=1),
        "does not belong to BertForMaskedLM (16 in all)",
    ),
    "a boundless width": (lambda path: config(path, hidden_size=2**40), "d_model must be from 1 to 16777216"),
    "a width that is not there": (lambda path: config(path, hidden_size=2**20), "the config has hidden_size 1048576"),
    "a boundless inner width": (lambda path: config(path, intermediate_size=10**15), "intermediate_size"),
    "a million labels": (lambda path: config(path, num_labels=10**9), "num_labels"),
    "no layers": (lambda path: config(path, num_hidden_layers=0), "n_layers must be from 1"),
    "heads that do not divide": (lambda path: config(path, num_attention_heads=5), "cannot be opened by transformers"),
    "a missing tensor": (
        lambda path: tensors(path, lambda found: found.pop("bert.encoder.layer.0.output.dense.bias")),
        "the tensor bert.encoder.layer.0.output.dense.bias is missing (1 in all)",
    ),
    "a tensor too many": (
        lambda path: tensors(path, lambda found: found.update(extra=torch.zeros(3))),
        "the tensor extra does not belong to BertForMaskedLM (1 in all)",
    ),
    "a weight that is not a number": (
        lambda path: tensors(path, nan),
        "the tensor bert.encoder.layer.1.attention.self.query.weight has values that are not finite",
    ),
    "a tokenizer of another model": (another_tokenizer, "its tokenizer does not fit: it has a token 1000000"),
    "no tokenizer": (
        lambda path: [file.unlink() for file in path.glob("*token*")],
        "the folder has no tokenizer",
    ),
    "a tokenizer that is no JSON": (
        lambda path: (path / "tokenizer.json").write_text("{"),
        "its tokenizer cannot be read",
    ),
    "code of its own": (
        lambda path: config(path, model_type="mine", auto_map={"AutoModel": "mine.Model"}),
        "brings code of its own, which is never run here",
    ),
    "a class of another family": (
        lambda path: config(path, architectures=["GPT2LMHeadModel"]),
        "GPT2LMHeadModel is not a model of type 'bert'",
    ),
    "a class that is no model": (
        lambda path: config(path, architectures=["pipeline"], model_type="vits"),
        "the config asks for",
    ),
    "no type": (lambda path: config(path, model_type=None), "must name its model_type"),
    "a config that is no JSON": (lambda path: (path / "config.json").write_text("{"), "config.json is not JSON"),
    "a config that is nested without end": (
        lambda path: (path / "config.json").write_text("[" * 10**6),
        "config.json is not JSON",
    ),
    "a config that is a list": (lambda path: (path / "config.json").write_text("[]"), "must be a JSON object"),
}


@pytest.fixture(scope="module")
def healthy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("healthy") / "bert"
    make(path, "bert")
    load(path)  # also loads transformers, which takes its time once
    return path


def megabytes() -> float:
    """Memory that this process has."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096 / 1e6


@pytest.mark.parametrize("harm", HARMS)
def test_a_folder_that_cannot_be_used(harm: str, healthy: Path, tmp_path: Path):
    path = tmp_path / "bert"
    shutil.copytree(healthy, path)
    change, message = HARMS[harm]
    change(path)
    before, begun = megabytes(), time.monotonic()
    with pytest.raises(CheckpointError, match=re.escape(message)) as refused:
        load(path)
    assert time.monotonic() - begun < SECONDS
    assert megabytes() - before < MEGABYTES
    assert str(refused.value).startswith("bert")
    assert len(str(refused.value)) < 600
    assert "\n" not in str(refused.value)
    assert not (path / "exploded").exists()


def test_bits_that_were_flipped(healthy: Path, tmp_path: Path):
    """Wherever a bit of the header is wrong, the folder is refused or its sizes are as they were."""
    whole = (healthy / "model.safetensors").read_bytes()
    for place in (3, 9, 40, 77, 130, 301):
        path = tmp_path / str(place)
        shutil.copytree(healthy, path)
        flipped = bytearray(whole)
        flipped[place] ^= 0b01000000
        (path / "model.safetensors").write_bytes(flipped)
        with pytest.raises(CheckpointError, match=f"^{place}[: ]"):
            load(path)


def test_a_recursive_symbolic_link(healthy: Path, tmp_path: Path):
    path = tmp_path / "loop"
    path.mkdir()
    (path / "config.json").symlink_to(path / "config.json")
    with pytest.raises(CheckpointError, match="there is no checkpoint"):
        load(path)


def test_weights_alone_do_not_say_how_they_are_used(healthy: Path):
    with pytest.raises(CheckpointError, match="open its folder"):
        loads((healthy / "model.safetensors").read_bytes(), "model")


def test_without_transformers_it_is_said_how_to_get_it(healthy: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(huggingface, "find_spec", lambda name: None)
    with pytest.raises(CheckpointError, match="the package transformers: pip install -r requirements"):
        load(healthy)


def test_weights_over_the_limit(healthy: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(huggingface, "LARGEST", 10_000)
    with pytest.raises(CheckpointError, match="its weights take 0 MB, but this program opens at most 0 MB"):
        load(healthy)


def test_a_model_id_is_no_path():
    begun = time.monotonic()
    with pytest.raises(CheckpointError, match="there is no checkpoint 'google-bert/bert-base-uncased'"):
        load("google-bert/bert-base-uncased")
    assert time.monotonic() - begun < SECONDS
