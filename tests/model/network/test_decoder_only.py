"""The decoder-only model, in network/ and decoding/: PyTorch's layers as an oracle, and one step at a time."""

from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from model import checkpoint
from model.capture import capture
from model.checkpoint import CheckpointError
from model.config import LONGEST, POSITIONALS
from model.decoding.begin import begin
from model.decoding.candidates import candidates
from model.decoding.search import beam_search, greedy
from model.heads.measures import tally
from model.network.attention import padding_mask
from model.network.build import build
from model.network.decoder_only import LanguageModel, joined
from model.text.tasks import generate
from model.text.tokenizer import BOS_ID, EOS_ID, PAD_ID, Tokenizer
from tests.model.helpers import OracleAttention, close, oracle_encoder, shaken, tiny, with_factor

BATCH, SOURCE, TARGET = 3, 7, 5


def built(**options: object) -> LanguageModel:
    model = build(tiny(architecture="decoder", **options))
    assert isinstance(model, LanguageModel)
    return shaken(model).eval().requires_grad_(False)


FACTOR = "a factor"
ALL = [("pre", "gelu", "sinusoidal"), *(("post", "relu", name) for name in (*POSITIONALS, FACTOR))]


@pytest.fixture(params=ALL, ids=str)
def model(request: pytest.FixtureRequest) -> LanguageModel:
    norm, activation, positional = request.param
    if positional == FACTOR:
        return with_factor(built(norm=norm, activation=activation, positional="none"))
    return built(norm=norm, activation=activation, positional=positional)


@pytest.fixture
def source() -> Tensor:
    source = torch.randint(3, 263, (BATCH, SOURCE))
    for row, n in enumerate((SOURCE, 4, 1)):
        source[row, n - 1] = EOS_ID
        source[row, n:] = PAD_ID
    return source


@pytest.fixture
def target() -> Tensor:
    return torch.cat((torch.full((BATCH, 1), BOS_ID), torch.randint(3, 263, (BATCH, TARGET - 1))), dim=1)


def test_source_and_target_are_one_sequence():
    ids, places = joined(torch.tensor([[5, 7, EOS_ID], [11, EOS_ID, PAD_ID]]), torch.tensor([[BOS_ID, 13]] * 2))
    assert ids.tolist() == [[BOS_ID, 5, 7, BOS_ID, 13], [BOS_ID, 11, BOS_ID, 13, PAD_ID]]
    assert places.tolist() == [[3, 4], [2, 3]]


@pytest.mark.parametrize("norm", ["post", "pre"])
def test_it_is_pytorchs_masked_encoder(norm: str, source: Tensor, target: Tensor):
    model = built(norm=norm)
    oracle = oracle_encoder(model.decoder, model.config).eval()
    ids = torch.cat((torch.full((1, 1), BOS_ID), source[:1, :-1], target[:1]), dim=1)
    mask = nn.Transformer.generate_square_subsequent_mask(ids.size(1))
    expected = oracle(model.embedding(ids), mask=mask, is_causal=False)
    close(model(source[:1], target[:1]).hidden, expected[:, SOURCE:])
    for layer, pattern in zip(oracle.layers, model(source[:1], target[:1]).decoder_patterns, strict=True):
        assert isinstance(layer.self_attn, OracleAttention)
        close(pattern, layer.self_attn.pattern)


def test_padding_changes_nothing(model: LanguageModel, source: Tensor, target: Tensor):
    together = model(source, target)
    for row, ids in enumerate(source):
        real = ids[ids != PAD_ID]
        alone, n = model(real[None], target[row : row + 1]), len(real) + TARGET
        close(together.hidden[row], alone.hidden[0])
        for found, expected in zip(together.decoder_patterns, alone.decoder_patterns, strict=True):
            close(found[row, :, :n, :n], expected[0])


def test_a_later_token_changes_no_earlier_row(model: LanguageModel, source: Tensor, target: Tensor):
    changed = target.clone()
    changed[:, 3:] = (changed[:, 3:] + 1) % 263
    before, after = model(source, target).hidden, model(source, changed).hidden
    close(before[:, :3], after[:, :3])
    assert not torch.allclose(before[:, 3], after[:, 3])


def test_steps_are_the_full_pass(model: LanguageModel, source: Tensor, target: Tensor):
    mask = padding_mask(source, PAD_ID)
    memory = model.encode(source, mask).hidden
    full = model.decode(target, memory, mask)
    decoder = begin(model, memory, mask, TARGET)
    for i in range(TARGET):
        step = decoder.step(target[:, i])
        assert decoder.length == i + 1
        close(step.logits, model.unembed(full.hidden[:, i]))
        for row, n in enumerate((source != PAD_ID).sum(1).tolist()):
            for layer, pattern in zip(step.self_pattern, full.self_patterns, strict=True):
                close(torch.from_numpy(layer[row, :, SOURCE - n :]), pattern[row, :, n + i, : n + i + 1])
            assert (step.self_pattern[:, row, :, : SOURCE - n] == 0).all()
        assert step.cross_pattern.size == 0


def test_reordered_rows_go_on_as_if_they_had_always_been_there(model: LanguageModel, source: Tensor):
    same = source[1:2, :4].expand(3, -1)
    first, order, second = torch.tensor([5, 11, 17]), torch.tensor([2, 2, 0]), torch.tensor([23, 29, 31])
    decoder = begin(model, same, None, 2)
    decoder.step(first)
    decoder.reorder(order)
    expected = model.decode(torch.stack((first[order], second), dim=1), same, None)
    close(decoder.step(second).logits, model.unembed(expected.hidden[:, 1]))


def test_a_beam_of_one_is_greedy_and_greedy_is_recomputation(model: LanguageModel, source: Tensor):
    found = greedy(model, source)
    assert [hypotheses[0].ids for hypotheses in beam_search(model, source, 1)] == found
    fed = [BOS_ID]
    for written in found[0]:
        logits = model.unembed(model(source[:1], torch.tensor([fed])).hidden[0, -1])
        assert written == int(logits[EOS_ID:].argmax()) + EOS_ID
        fed.append(written)
    assert found[0]


def test_the_longest_source_and_target_fit():
    model = built(max_len=SOURCE)
    source, target = torch.full((1, SOURCE), 5), torch.full((1, SOURCE), 7)
    assert model(source, target).hidden.shape == (1, SOURCE, 30)
    with pytest.raises(ValueError, match="max_len"):
        model(source, torch.full((1, SOURCE + 1), 7))


def test_twice_the_longest_text_must_be_a_text():
    with pytest.raises(ValueError, match="max_len must be at most 32768 for architecture 'decoder'"):
        tiny(architecture="decoder", max_len=LONGEST // 2 + 1)


@pytest.fixture
def opened(characters: Tokenizer, tmp_path: Path) -> checkpoint.Checkpoint:
    model = built(vocab_size=len(characters))
    checkpoint.save(tmp_path / "one.safetensors", model, characters, task="repeat", training={})
    return checkpoint.load(tmp_path / "one.safetensors")


def test_a_trace_has_one_map_of_all_that_was_read_and_written(opened: checkpoint.Checkpoint):
    trace = capture(opened, "abc", "xy")
    assert trace.kinds == ("decoder",)
    shown = trace.map("decoder")
    assert shown.query_tokens == ("<s>", "a", "b", "c", "<s>", "x", "y")
    assert shown.predicted_tokens == ("a", "b", "c", "<s>", "x", "y", "</s>")
    assert (shown.pattern * (1 - torch.ones(7, 7).tril().numpy()) == 0).all()
    assert trace.probabilities is not None
    assert trace.probabilities.shape == (3,)
    assert (trace.source, trace.target, trace.n_forced) == ("abc", "xy", 3)
    assert len(trace.predicted_ids) == 3


def test_its_own_target_is_traced_as_the_same_target_given(opened: checkpoint.Checkpoint, characters: Tokenizer):
    whole, forced = capture(opened, "abc", "xyz"), capture(opened, "abc", prefix=(*characters.encode("xyz"), EOS_ID))
    assert whole.predicted_ids == forced.predicted_ids
    close(torch.tensor(whole.map("decoder").pattern), torch.tensor(forced.map("decoder").pattern))
    free = capture(opened, "abc")
    steps = candidates(opened, free.source_ids, free.predicted_ids, 2)
    assert [step.rank for step in steps] == [1] * len(free.predicted_ids)


def test_a_file_that_does_not_fit_is_refused(opened: checkpoint.Checkpoint, tmp_path: Path):
    path = tmp_path / "one.safetensors"
    tensors, described = checkpoint.read(path.read_bytes(), "")
    for change, message in (
        ({"d_ff": 41}, "decoder.layers.0.feed_forward.inner.weight has shape 37×30, but the config asks for 41×30"),
        ({"architecture": "transformer"}, "encoder.layers.0.feed_forward.inner.weight is missing"),
    ):
        checkpoint.write(path, tensors, {**described, "config": {**described["config"], **change}})
        with pytest.raises(CheckpointError, match=message):
            checkpoint.load(path)


def test_a_file_from_before_there_were_architectures_is_a_transformer(characters: Tokenizer, tmp_path: Path):
    path = tmp_path / "old.safetensors"
    model = build(tiny(vocab_size=len(characters)))
    checkpoint.save(path, model, characters, task="reverse", training={})
    tensors, described = checkpoint.read(path.read_bytes(), "")
    del described["config"]["architecture"]
    checkpoint.write(path, tensors, described)
    assert checkpoint.load(path).config == model.config
    assert model.config.architecture == "transformer"


def test_the_shipped_model_has_an_induction_head():
    """Olsson et al. 2022: prefix matching by a second layer that builds on a head for the previous token; copying."""
    opened = checkpoint.load("repeat")
    total, looked_at, written = None, [], []
    for source, _ in generate("repeat", 40, seed=11, held_out=True):
        trace = capture(opened, source)
        shown = trace.map("decoder")
        measured = tally(shown)
        total = measured if total is None else total + measured
        rows = slice(len(trace.source_ids) + 1, -1)  # of the second copy, without that which writes </s>
        looked_at += [shown.key_tokens[key] for key in shown.pattern[1, :, rows].mean(0).argmax(-1)]
        written += (shown.predicted_tokens or ())[rows]
    assert total is not None
    values = total.values()
    assert values["previous"][0].max() >= 0.9
    assert values["induction"][1].max() >= 0.9
    assert values["induction"][0].max() < 0.2
    assert sum(map(str.__eq__, looked_at, written)) / len(written) >= 0.95
