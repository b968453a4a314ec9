"""model/checkpoint.py: what was saved comes back, and no other file is taken for a checkpoint."""

import hashlib
import json
import os
import pickle
import re
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from safetensors.torch import save as save_tensors
from torch import Tensor, nn

from model import checkpoint
from model.checkpoint import CheckpointError
from model.config import LONGEST, to_dict
from model.network.transformer import Transformer
from model.text.tokenizer import Tokenizer
from tests.model.helpers import tiny

TASK, TRAINING = "reverse", {"steps": 7, "validation": {"loss": 0.5}}
A_BIAS = "encoder.layers.0.self_attention.query.bias"
SHARED = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40)  # a file, only read


@pytest.fixture
def small() -> Transformer:
    torch.manual_seed(1)
    return Transformer(tiny(vocab_size=259, n_layers=1))


@pytest.fixture
def path(small: Transformer, characters: Tokenizer, tmp_path: Path) -> Path:
    path = tmp_path / "small.safetensors"
    checkpoint.save(path, small, characters, task=TASK, training=TRAINING)
    return path


def raw(header: bytes, body: bytes = b"") -> bytes:
    return struct.pack("<Q", len(header)) + header + body


def forge(data: bytes, tensors: dict[str, Tensor] | None = None, **described: Any) -> bytes:
    """A well-formed file whose tensors or description are other than those of ``data``."""
    old_tensors, old_described = checkpoint.read(data, "")
    metadata = {"headlight": json.dumps({**old_described, **described})}
    return save_tensors(old_tensors if tensors is None else tensors, metadata)


def test_what_is_saved_comes_back(path: Path, small: Transformer, characters: Tokenizer):
    loaded = checkpoint.load(path)
    assert loaded.name == "small"
    assert loaded.task == TASK
    assert loaded.training == TRAINING
    assert loaded.config == small.config
    assert loaded.tokenizer.to_json() == characters.to_json()
    assert loaded.digest == hashlib.sha256(path.read_bytes()).hexdigest()
    assert isinstance(loaded.model, nn.Module)
    assert not loaded.model.training
    assert not any(parameter.requires_grad for parameter in loaded.model.parameters())
    for name, tensor in small.state_dict().items():
        assert torch.equal(loaded.model.state_dict()[name], tensor)


def test_the_same_content_gives_the_same_bytes(path: Path, small: Transformer, characters: Tokenizer, tmp_path: Path):
    checkpoint.save(tmp_path / "again", small, characters, task=TASK, training=dict(reversed(TRAINING.items())))
    assert (tmp_path / "again").read_bytes() == path.read_bytes()


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_other_number_formats_are_opened_as_float32(
    dtype: torch.dtype, path: Path, small: Transformer, characters: Tokenizer
):
    checkpoint.save(path, small, characters, task=TASK, training={}, dtype=dtype)
    for name, tensor in checkpoint.load(path).model.state_dict().items():
        assert tensor.dtype == torch.float32
        assert torch.equal(tensor, small.state_dict()[name].to(dtype).float())


def test_float16_takes_half_the_room(path: Path, small: Transformer, characters: Tokenizer, tmp_path: Path):
    checkpoint.save(tmp_path / "half", small, characters, task=TASK, training=TRAINING, dtype=torch.float16)
    saved = path.stat().st_size - (tmp_path / "half").stat().st_size
    assert saved == pytest.approx(2 * sum(parameter.numel() for parameter in small.parameters()), rel=0.01)


@pytest.mark.parametrize("broken", ["fsync", "replace"])
def test_a_crash_while_saving_leaves_the_old_file(
    broken: str, path: Path, small: Transformer, characters: Tokenizer, monkeypatch: pytest.MonkeyPatch
):
    before = path.read_bytes()

    def crash(*_: object) -> None:
        raise OSError("no space left on device")

    monkeypatch.setattr(*((os, "fsync") if broken == "fsync" else (Path, "replace")), crash)
    with pytest.raises(OSError, match="no space left"):
        checkpoint.save(path, small, characters, task="copy", training={})
    assert path.read_bytes() == before
    assert list(path.parent.iterdir()) == [path]


def test_names_paths_and_run_folders(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    data = path.read_bytes()
    (tmp_path / "my-run").mkdir()
    (tmp_path / "my-run" / "best.safetensors").write_bytes(data)
    (tmp_path / "my-run" / "last.safetensors").write_bytes(data)
    monkeypatch.setattr(checkpoint, "PRETRAINED", tmp_path)
    assert checkpoint.pretrained() == ("small",)
    for name, expected in (
        ("small", "small"),
        (path, "small"),
        (str(path), "small"),
        (tmp_path / "my-run", "my-run"),
        (tmp_path / "my-run" / "last.safetensors", "my-run"),
    ):
        assert checkpoint.load(name).name == expected


@pytest.mark.parametrize("name", ["", "nowhere", "../small", "a/b", "a\0b", "\ud800", "a" * 5000, "~", "."])
def test_a_name_of_nothing_is_refused(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(CheckpointError, match=r"there is no checkpoint|cannot be read"):
        checkpoint.load(name)


def test_a_file_cut_off_anywhere_is_refused(path: Path):
    data = path.read_bytes()
    for length in (*range(0, 17), 100, len(data) // 3, len(data) // 2, len(data) - 1):
        with pytest.raises(CheckpointError, match=r"^cut is truncated, or not a safetensors file"):
            checkpoint.loads(data[:length], "cut")


class Bomb:
    """Leaves a mark when unpickled."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[Callable[..., object], tuple[object, ...]]:
        return Path.touch, (self.mark,)


def test_nothing_is_unpickled(tmp_path: Path):
    mark, pickled = tmp_path / "mark", pickle.dumps(Bomb(tmp_path / "mark"))
    torch.save({"weights": Bomb(mark)}, tmp_path / "torch.safetensors")
    (tmp_path / "pickle.safetensors").write_bytes(pickled)
    for name in ("torch", "pickle"):
        with pytest.raises(CheckpointError, match="not a safetensors file"):
            checkpoint.load(tmp_path / f"{name}.safetensors")
    assert not mark.exists()
    pickle.loads(pickled)  # the bomb works
    assert mark.exists()


DEEP = "[" * 200_000  # too deep for Python's JSON


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (save_tensors({"a": torch.ones(3)}), "not written by Headlight"),
        (save_tensors({"a": torch.ones(3)}, {"format": "pt"}), "not written by Headlight"),
        (raw(b"{}"), "not written by Headlight"),
        (raw(b'{"__metadata__": null}'), "not written by Headlight"),
        (raw(b"[]"), "not a safetensors file"),
        (raw(b"\xff\xfe"), "not a safetensors file"),
        (struct.pack("<Q", 2**63) + b"{}", "not a safetensors file"),
        (raw(b'{"a": {"dtype": "F32", "shape": [99999999999], "data_offsets": [0, 4]}}', b"1234"), "not a safetensors"),
        (save_tensors({}, {"headlight": "not JSON"}), "'headlight' is not JSON"),
        (save_tensors({}, {"headlight": DEEP}), "'headlight' is not JSON"),
        (save_tensors({}, {"headlight": "[]"}), r"version \[\], but this program reads version 1"),
        (save_tensors({}, {"headlight": "{}"}), "version None"),
        (save_tensors({}, {"headlight": '{"version": 2}'}), "version 2, but this program reads version 1"),
    ],
)
def test_a_foreign_file_is_refused(data: bytes, message: str):
    with pytest.raises(CheckpointError, match=f"^odd(:| ).*{message}"):
        checkpoint.loads(data, "odd")


@pytest.mark.parametrize(
    ("described", "message"),
    [
        ({"config": None}, "the field 'config' must be a dict, but it is None"),
        ({"config": {}}, "vocab_size"),
        ({"tokenizer": 7}, "the field 'tokenizer' must be a str, but it is 7"),
        ({"tokenizer": "{}"}, "the tokenizer cannot be read"),
        ({"task": None}, "the field 'task' must be a str"),
        ({"training": []}, "the field 'training' must be a dict"),
        ({"version": 0}, "version 0"),
    ],
)
def test_a_wrong_description_is_refused(described: dict[str, Any], message: str, path: Path):
    with pytest.raises(CheckpointError, match=message):
        checkpoint.loads(forge(path.read_bytes(), **described), "forged")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"vocab_size": 263}, "vocab_size is 263, but the tokenizer has 259 tokens"),
        ({"d_model": 60}, "shape .*30.*, but the config asks for .*60"),
        ({"d_ff": 41}, r"feed_forward\.\w+\.\w+ has shape .*37.*, but the config asks for .*41"),
        ({"n_heads": 7}, "d_model is 30 and n_heads is 7"),
        ({"n_layers": 2}, r"the tensor \w+\.layers\.1\.\S+ is missing"),
        ({"norm": "pre"}, r"the tensor decoder\.norm\.bias is missing \(4 in all\)"),
        ({"dropout": 2}, "dropout must be at least 0 and below 1, but it is 2"),
        ({"dropout": 10**400}, "dropout"),
        ({"colour": 1}, "no field colour"),
        # Sizes that would take more memory than there is, or hours, if they were believed.
        ({"n_layers": 10**9}, "n_layers"),
        ({"max_len": 10**12}, f"max_len must be at most {LONGEST}, but it is {10**12}"),
        ({"d_ff": 2**24}, "shape"),
        ({"d_ff": 2**62}, "d_ff"),
        ({"d_model": 3 * 2**22}, "shape"),
        ({"d_model": 3 * 10**30}, "d_model"),
    ],
)
def test_a_config_that_does_not_fit_its_file_is_refused(options: dict[str, Any], message: str, path: Path):
    data = path.read_bytes()
    config = {**to_dict(checkpoint.loads(data, "").config), **options}
    with pytest.raises(CheckpointError, match=message):
        checkpoint.loads(forge(data, config=config), "forged")


def _without(name: str) -> Callable[[dict[str, Tensor]], dict[str, Tensor]]:
    return lambda tensors: {key: tensor for key, tensor in tensors.items() if key != name}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (_without(A_BIAS), f"the tensor {A_BIAS} is missing (1 in all)"),
        (lambda tensors: {}, "n_layers is 1, but the file has only 0 tensors"),
        (
            lambda tensors: tensors | {"more": torch.ones(1)},
            "the tensor more does not belong to a model of architecture",
        ),
        (lambda t: t | {A_BIAS: torch.ones(29)}, f"the tensor {A_BIAS} has shape 29, but the config asks for 30"),
        (lambda t: t | {A_BIAS: torch.ones(3, 10)}, f"the tensor {A_BIAS} has shape 3×10, but the config asks for 30"),
        (lambda t: t | {A_BIAS: torch.ones(30, dtype=torch.int32)}, f"the tensor {A_BIAS} has the number format"),
        (lambda t: t | {A_BIAS: torch.ones(30) * torch.nan}, f"the tensor {A_BIAS} has values that are not finite"),
        (lambda t: t | {A_BIAS: torch.ones(30) / 0}, f"the tensor {A_BIAS} has values that are not finite"),
        (
            lambda t: t | {A_BIAS: torch.ones(30).double() * 1e300},
            f"the tensor {A_BIAS} has values that are not finite",
        ),
        (lambda t: t | {A_BIAS: (torch.ones(30) * torch.nan).to(torch.float8_e4m3fn)}, "values that are not finite"),
    ],
    ids=["missing", "none", "more", "length", "shape", "integers", "nan", "inf", "float64", "float8"],
)
def test_tensors_that_do_not_fit_are_named(
    change: Callable[[dict[str, Tensor]], dict[str, Tensor]], message: str, path: Path
):
    data = path.read_bytes()
    tensors, _ = checkpoint.read(data, "")
    with pytest.raises(CheckpointError, match=re.escape(message)):
        checkpoint.loads(forge(data, change(tensors)), "forged")


@given(data=st.binary(max_size=97), header=st.booleans())
@example(data=b"", header=True)
def test_random_bytes_are_refused(data: bytes, header: bool):
    with pytest.raises(CheckpointError):
        checkpoint.loads(raw(data) if header else data, "noise")


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=7),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=7), inner, max_size=3),
    max_leaves=5,
)


@SHARED
@given(field=st.sampled_from(sorted(to_dict(tiny()))), value=json_values)
def test_whatever_a_config_says_the_answer_is_an_error_or_a_model(path: Path, field: str, value: object):
    data = path.read_bytes()
    config = to_dict(checkpoint.loads(data, "").config) | {field: value}
    try:
        loaded = checkpoint.loads(forge(data, config=config), "forged")
    except CheckpointError:
        return
    assert to_dict(loaded.config) == config


@SHARED
@given(fraction=st.floats(0, 1, exclude_max=True), byte=st.integers(1, 255))
def test_a_flipped_byte_of_the_header_gives_an_error_or_a_model(path: Path, fraction: float, byte: int):
    data = bytearray(path.read_bytes())
    (n_header,) = struct.unpack("<Q", data[:8])
    data[int(fraction * (8 + n_header))] ^= byte
    try:
        loaded = checkpoint.loads(bytes(data), "flipped")
    except CheckpointError:
        return
    assert loaded.digest != hashlib.sha256(path.read_bytes()).hexdigest()
