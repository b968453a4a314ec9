"""model/decoding/incremental.py: one position at a time gives what the whole pass gives."""

import pytest
import torch

from model.config import POSITIONALS
from model.decoding.incremental import IncrementalDecoder
from model.network.attention import padding_mask
from model.network.transformer import Transformer, TransformerDecoder
from model.text.tokenizer import PAD_ID
from tests.model.helpers import close, shaken, tiny, with_factor

BATCH, SOURCE, TARGET = 2, 7, 5


FACTOR = "a factor"
ALL = [("pre", "gelu", "sinusoidal"), *(("post", "relu", name) for name in (*POSITIONALS, FACTOR))]


@pytest.fixture(params=ALL, ids=str)
def model(request: pytest.FixtureRequest) -> Transformer:
    norm, activation, positional = request.param
    config = tiny(norm=norm, activation=activation, positional="none" if positional == FACTOR else positional)
    made = shaken(Transformer(config)).eval().requires_grad_(False)
    return with_factor(made) if positional == FACTOR else made


@pytest.fixture
def source() -> torch.Tensor:
    source = torch.randint(3, 263, (BATCH, SOURCE))
    source[1, 3:] = PAD_ID
    return source


def test_steps_are_the_full_pass(model: Transformer, source: torch.Tensor):
    mask = padding_mask(source, PAD_ID)
    memory = model.encode(source, mask).hidden
    target = torch.randint(3, 263, (BATCH, TARGET))
    full = model.decode(target, memory, mask)
    decoder = IncrementalDecoder(model, memory, mask, TARGET)
    for i in range(TARGET):
        step = decoder.step(target[:, i])
        close(step.logits, model.unembed(full.hidden[:, i]))
        for found, expected in zip(step.self_pattern, full.self_patterns, strict=True):
            close(torch.from_numpy(found), expected[:, :, i, : i + 1])
        for found, expected in zip(step.cross_pattern, full.cross_patterns, strict=True):
            close(torch.from_numpy(found), expected[:, :, i])


def test_reading_several_at_once_is_stepping(model: Transformer, source: torch.Tensor):
    memory = model.encode(source[:1], None).hidden
    ids = torch.randint(3, 263, (TARGET,)).tolist()
    one, several = (IncrementalDecoder(model, memory, None, TARGET) for _ in range(2))
    expected = [one.step(torch.tensor([token])) for token in ids]
    found = [several.step(torch.tensor(ids[:1])), *several.read(ids[1:4])]
    several.rewind(3)  # the fourth is forgotten, and read again
    found[3:] = [several.step(torch.tensor(ids[3:4])), *several.read(ids[4:])]
    for step, other in zip(found, expected, strict=True):
        close(step.logits, other.logits)
        close(torch.from_numpy(step.self_pattern), torch.from_numpy(other.self_pattern))
        close(torch.from_numpy(step.cross_pattern), torch.from_numpy(other.cross_pattern))


def test_reordered_rows_go_on_as_if_they_had_always_been_there(model: Transformer, source: torch.Tensor):
    one = source[:1].expand(3, -1)
    memory = model.encode(one, None).hidden
    first, order, second = torch.tensor([5, 11, 17]), torch.tensor([2, 2, 0]), torch.tensor([23, 29, 31])
    decoder = IncrementalDecoder(model, memory, None, 2)
    decoder.step(first)
    decoder.reorder(order)
    expected = model.decode(torch.stack((first[order], second), dim=1), memory, None)
    close(decoder.step(second).logits, model.unembed(expected.hidden[:, 1]))


def test_memory_without_cross_attention_is_refused(model: Transformer, source: torch.Tensor):
    memory = model.encode(source, None).hidden
    model.decoder = TransformerDecoder(model.config, cross_attention=False)
    with pytest.raises(ValueError, match="cross-attention"):
        IncrementalDecoder(model, memory, None, TARGET)
