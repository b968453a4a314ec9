"""A saved trace, opened like a checkpoint: it has read one text and reads no other."""

from pathlib import Path

import numpy as np
import pytest

from model.capture import capture
from model.checkpoint import CheckpointError, load, loads
from model.network.capabilities import Capability
from model.trace import Trace


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "mine.trace.safetensors"
    Trace.of(np.full((2, 3, 5, 5), 0.2), ("The", "cat", "sat", "down", "."), name="my model").save(path)
    return path


def test_it_opens_from_a_file_and_from_bytes(file: Path):
    for opened in (load(file), loads(file.read_bytes(), "mine.trace")):
        assert opened.name == "mine.trace"
        assert opened.model.can == {Capability.ENCODER}
        for text in ("", "something else"):
            trace = capture(opened, text)
            assert trace.source == "The cat sat down ."
            assert trace.map("encoder").n_heads == 3
    assert len(opened.digest) == 64


def test_its_card(file: Path):
    elsewhere = load(file).elsewhere
    assert elsewhere is not None
    card = elsewhere.card()
    assert card["Recorded from"] == "my model"
    assert card["Attention"] == "encoder: 2 layers × 3 heads, 5 × 5"


def test_what_it_cannot_do(file: Path):
    elsewhere = load(file).elsewhere
    assert elsewhere is not None
    with pytest.raises(ValueError, match="does not include the other tokens that the model could have written"):
        elsewhere.likely((1,), (2,))
    assert elsewhere.masked("some text", 1) == "some text"


def test_a_damaged_one(file: Path):
    with pytest.raises(CheckpointError, match="is truncated, or not a safetensors file"):
        loads(file.read_bytes()[:-50], "mine")
