"""model/interventions/positions.py: other positions, the same weights, and nothing changed for anybody else."""

from pathlib import Path

import numpy as np
import pytest
import torch

from model import checkpoint
from model.capture import capture
from model.checkpoint import Checkpoint
from model.config import POSITIONALS
from model.interventions.positions import shifted, stretched, without_positions
from model.network.transformer import Transformer
from model.text.tokenizer import Tokenizer
from tests.model.helpers import close, shaken, tiny

TEXT = "abcabd"
EXTENDABLE = [name for name in POSITIONALS if name != "learned"]


def saved(positional: str, characters: Tokenizer, folder: Path) -> Checkpoint:
    model = shaken(Transformer(tiny(vocab_size=len(characters), positional=positional)))
    path = folder / f"{positional}.safetensors"
    checkpoint.save(path, model, characters, task="reverse", training={})
    return checkpoint.load(path)


@pytest.fixture(params=POSITIONALS)
def opened(request: pytest.FixtureRequest, characters: Tokenizer, tmp_path: Path) -> Checkpoint:
    return saved(request.param, characters, tmp_path)


def source_of(opened: Checkpoint) -> torch.Tensor:
    return torch.tensor([opened.tokenizer.encode(TEXT)])


def test_the_first_one_stays_as_it_was(opened: Checkpoint):
    before, digest = capture(opened, TEXT, TEXT), opened.digest
    others = [without_positions(opened), shifted(opened, 5), stretched(opened, 19)]
    assert len({digest, *(other.digest for other in others)}) == 4
    after = capture(opened, TEXT, TEXT)
    for one, other in zip(before.maps, after.maps, strict=True):
        assert np.array_equal(one.pattern, other.pattern)
    ours = {parameter.data_ptr() for parameter in opened.model.parameters()}
    for other in others:
        assert other.model is not opened.model
        weights = {p.data_ptr() for name, p in other.model.state_dict().items() if "positional" not in name}
        assert weights <= ours  # shared, not copied


def test_without_positions_shuffled_tokens_give_shuffled_outputs(opened: Checkpoint):
    model, source = without_positions(opened).model, source_of(opened)
    order = torch.tensor([3, 0, 5, 1, 4, 2])
    assert (model.embedding.positions == 0).all()
    close(model.encode(source[:, order], None).hidden, model.encode(source, None).hidden[:, order])


def test_a_shift_changes_what_knows_the_place_and_not_what_knows_the_distance(opened: Checkpoint):
    source, target = source_of(opened), source_of(opened)
    before, after = opened.model(source, target), shifted(opened, 7).model(source, target)
    if opened.model.embedding.positional.adds:
        assert (before.hidden - after.hidden).abs().max() > 0.01
    else:
        close(after.hidden, before.hidden)


@pytest.mark.parametrize("positional", ["sinusoidal", "learned"])
def test_a_shift_adds_the_vectors_of_later_positions(positional: str, characters: Tokenizer, tmp_path: Path):
    opened = saved(positional, characters, tmp_path)
    moved = shifted(opened, 7).model.embedding.positions
    assert torch.equal(moved[:16], opened.model.embedding.positions[7:])
    assert len(moved) == {"sinusoidal": 23, "learned": 16}[positional]


@pytest.mark.parametrize("positional", EXTENDABLE)
def test_stretched_reads_more_and_says_the_same_of_what_fitted(positional: str, characters: Tokenizer, tmp_path: Path):
    opened = saved(positional, characters, tmp_path)
    longer = stretched(opened, 61)
    assert capture(opened, 40 * "a").source_dropped == 18
    assert capture(longer, 40 * "a").source_dropped == 0
    close(
        longer.model(source_of(opened), source_of(opened)).hidden,
        opened.model(source_of(opened), source_of(opened)).hidden,
    )


def test_a_learned_table_has_an_end(characters: Tokenizer, tmp_path: Path):
    opened = saved("learned", characters, tmp_path)
    with pytest.raises(ValueError, match="max_len, which is 23, but 24 positions"):
        stretched(opened, 24)
    with pytest.raises(ValueError, match="23 is not below 23"):
        shifted(opened, 23)
    assert shifted(opened, 22).config.max_len == 1


def test_a_negative_shift_is_refused(opened: Checkpoint):
    with pytest.raises(ValueError, match="shift must be at least 0, but it is -1"):
        shifted(opened, -1)
