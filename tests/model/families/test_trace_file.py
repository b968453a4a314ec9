"""A trace file: what was written is read again, and what is no trace is refused with a sentence."""

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import save as save_arrays

from model.families import trace_file
from model.families.trace_file import FORMAT, TraceFileError, loads
from model.trace import AttentionMap, Trace


def weights(*shape: int) -> np.ndarray:
    drawn = np.random.default_rng(5).random(shape, dtype=np.float32) + 0.1
    return drawn / drawn.sum(-1, keepdims=True)


def whole() -> Trace:
    source, fed, written = ("ô", " b", "⟨C3⟩"), ("<s>", "x"), ("x", "</s>")
    return Trace(
        model_name="mine",
        maps=(
            AttentionMap(
                kind="encoder", pattern=weights(2, 6, 3, 3), query_tokens=source, key_tokens=source, n_key_heads=2
            ),
            AttentionMap(
                kind="cross", pattern=weights(2, 6, 2, 3), query_tokens=fed, key_tokens=source, predicted_tokens=written
            ),
        ),
        source="ô b",
        target="x",
        n_forced=1,
        source_ids=(7, 9, 2),
        predicted_ids=(3, 2),
        probabilities=np.array([0.25, 1.0], np.float32),
        source_dropped=4,
        target_cut=True,
    )


def test_what_was_written_is_read_again(tmp_path: Path):
    path = tmp_path / "new" / "one.trace.safetensors"
    whole().save(path)
    read = Trace.load(path)
    for one, other in zip(whole().maps, read.maps, strict=True):
        np.testing.assert_array_equal(one.pattern, other.pattern)
        assert one.query_tokens == other.query_tokens
        assert one.key_tokens == other.key_tokens
        assert one.n_key_heads == other.n_key_heads
        assert one.predicted_tokens == other.predicted_tokens
    np.testing.assert_array_equal(read.probabilities, whole().probabilities)
    for name in trace_file.PLAIN:
        assert getattr(read, name) == getattr(whole(), name)
    assert [found.name for found in path.parent.iterdir()] == [path.name]


def described(**changes: Any) -> bytes:
    tokens = list("abc")
    said: dict[str, Any] = {
        "version": 1,
        "model_name": "mine",
        "source": "abc",
        "maps": {"encoder": {"query_tokens": tokens, "key_tokens": tokens}},
    }
    arrays = changes.pop("arrays", {"encoder": weights(2, 5, 3, 3)})
    return save_arrays(arrays, {FORMAT: json.dumps({**said, **changes})})


def test_what_it_describes():
    assert loads(described(), "one").map("encoder").n_heads == 5


def nan() -> np.ndarray:
    pattern = weights(2, 5, 3, 3)
    pattern[1, 4, 2, 0] = np.nan
    return pattern


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "one is truncated, or not a safetensors file"),
        (described()[:-9], "one is truncated"),
        (b"\xff" * 64, "one is truncated"),
        (save_arrays({"encoder": weights(1, 1, 3, 3)}), "holds no trace: its metadata has no field 'headlight_trace'"),
        (save_arrays({}, {FORMAT: "{"}), "is not JSON"),
        (save_arrays({}, {FORMAT: "[" * 100_000}), "is not JSON"),
        (described(version=2), "has format version 2, but this program reads version 1"),
        (described(arrays={}), "the maps described are encoder, but the tensors in the file are none"),
        (described(arrays={"encoder": weights(2, 5, 3, 3), "extra": weights(1, 1)}), "are encoder, extra"),
        (
            described(arrays={"encoder": weights(2, 5, 3, 4)}),
            "with 3 queries and 3 keys, but its shape is (2, 5, 3, 4)",
        ),
        (described(arrays={"encoder": nan()}), "each row of the encoder pattern must hold weights"),
        (described(maps={"self": {}}, arrays={"self": weights(1, 1, 3, 3)}), "the maps described are self"),
        (described(maps=3), "one: "),
        (described(maps={"encoder": {"query_tokens": "abc", "key_tokens": "abc"}}), "tokens must be a list of texts"),
        (described(maps={"encoder": {"query_tokens": [1, 2, 3], "key_tokens": [1, 2, 3]}}), "a list of texts"),
        (described(source=3), "the field 'source' must be of type str, but it is 3"),
        (described(source_ids=[1.5]), "the field 'source_ids' must be a list of whole numbers"),
        (described(n_forced="many"), "the field 'n_forced' must be of type int"),
    ],
)
def test_what_is_no_trace_is_refused(data: bytes, message: str):
    with pytest.raises(TraceFileError, match=re.escape(message)):
        loads(data, "one")


def test_a_file_that_is_not_there(tmp_path: Path):
    with pytest.raises(ValueError, match="cannot be read: No such file"):
        Trace.load(tmp_path / "none.trace.safetensors")
