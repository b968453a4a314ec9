"""The recurrent model, in network/ and decoding/: the papers' formulas, PyTorch's cells, and one step at a time."""

from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from model import checkpoint
from model.capture import capture
from model.checkpoint import CheckpointError
from model.config import MEANINGLESS, TrainConfig
from model.decoding.begin import begin
from model.decoding.search import beam_search, greedy
from model.network.attention import padding_mask
from model.network.build import build
from model.network.recurrent import Recurrent, RecurrentEncoder
from model.text.tokenizer import BOS_ID, PAD_ID, Tokenizer
from model.training import data
from model.training.data import DataConfig
from model.training.run import Run
from tests.model.helpers import close, shaken, tiny

BATCH, SOURCE, TARGET = 3, 7, 5
D_MODEL, D_FF = 13, 34
OPTIONS = {"architecture": "lstm", "d_model": D_MODEL, "d_ff": D_FF, **MEANINGLESS["lstm"]}


@pytest.fixture(params=[1, 3], ids="layers {}".format)
def model(request: pytest.FixtureRequest) -> Recurrent:
    built = build(tiny(**OPTIONS, n_layers=request.param))
    assert isinstance(built, Recurrent)
    return shaken(built).eval().requires_grad_(False)


@pytest.fixture
def source() -> Tensor:
    source = torch.randint(3, 263, (BATCH, SOURCE))
    source[1, 3:] = source[2, 1:] = PAD_ID
    return source


@pytest.fixture
def target() -> Tensor:
    return torch.randint(3, 263, (BATCH, TARGET))


def cell_of(lstm: nn.Module, direction: str = "") -> nn.LSTMCell:
    """PyTorch's cell with the weights of one direction of a layer: a second reckoning of each step."""
    assert isinstance(lstm, nn.LSTM)
    cell = nn.LSTMCell(lstm.input_size, lstm.hidden_size)
    state = lstm.state_dict()
    cell.load_state_dict({name: state[f"{name}_l0{direction}"] for name in cell.state_dict()})
    return cell.requires_grad_(False)


def run_cell(cell: nn.LSTMCell, inputs: Tensor, state: Tensor | None = None) -> Tensor:
    """``[position, in]`` to ``[position, hidden]``, one position after the other."""
    hidden = torch.zeros(cell.hidden_size) if state is None else state
    memory, states = torch.zeros(cell.hidden_size), []
    for x in inputs:
        hidden, memory = cell(x, (hidden, memory))
        states.append(hidden)
    return torch.stack(states)


def encoded_by_cells(encoder: RecurrentEncoder, x: Tensor) -> Tensor:
    for layer in encoder.layers:
        forwards = run_cell(cell_of(layer), x)
        backwards = run_cell(cell_of(layer, "_reverse"), x.flip(0)).flip(0)
        x = torch.cat((forwards, backwards), dim=1)
    return x


def decoded_by_cells(model: Recurrent, target: Tensor, memory: Tensor) -> tuple[Tensor, Tensor]:
    """Hidden vectors and pattern of one row, by the formulas: ``v · tanh(W s + U h)``, a softmax, a mean."""
    decoder, attention = model.decoder, model.decoder.attention
    backward = memory[0, D_FF // 2 :]
    starts = torch.tanh(decoder.start.weight @ backward + decoder.start.bias).split(D_FF)
    x = run_cell(cell_of(decoder.layers[0]), model.embedding(target[None])[0], starts[0])
    patterns, contexts = [], []
    for state in x:
        scores = [
            attention.score.weight[0]
            @ torch.tanh(attention.query.weight @ state + attention.query.bias + attention.key.weight @ h)
            for h in memory
        ]
        patterns.append(torch.stack(scores).softmax(0))
        contexts.append(sum(weight * h for weight, h in zip(patterns[-1], memory, strict=True)))
    context = torch.stack([torch.as_tensor(one) for one in contexts])
    for layer, start in zip(decoder.layers[1:], starts[1:], strict=True):
        x = run_cell(cell_of(layer), torch.cat((x, context), dim=1), start)
    return torch.tanh(decoder.output(torch.cat((x, context), dim=1))), torch.stack(patterns)


def test_the_encoder_is_pytorchs_cells_both_ways(model: Recurrent, source: Tensor):
    hidden = model.encode(source, padding_mask(source, PAD_ID)).hidden
    for row, ids in enumerate(source):
        real = ids[ids != PAD_ID]
        close(hidden[row, : len(real)], encoded_by_cells(model.encoder, model.embedding(real[None])[0]))
    assert hidden[1, 3:].eq(0).all()


def test_the_decoder_is_the_papers_formulas(model: Recurrent, source: Tensor, target: Tensor):
    ids = source[:1]
    memory = model.encode(ids, None).hidden
    decoded = model.decode(target[:1], memory, None)
    hidden, pattern = decoded_by_cells(model, target[0], memory[0])
    close(decoded.hidden[0], hidden)
    close(decoded.cross_patterns[0][0, 0], pattern)
    assert len(decoded.cross_patterns) == 1
    assert decoded.self_patterns == ()


def test_padding_changes_nothing(model: Recurrent, source: Tensor, target: Tensor):
    together = model(source, target)
    for row, ids in enumerate(source):
        real = ids[ids != PAD_ID]
        alone = model(real[None], target[row : row + 1])
        close(together.hidden[row], alone.hidden[0])
        close(together.cross_patterns[0][row, :, :, : len(real)], alone.cross_patterns[0][0])
        assert together.cross_patterns[0][row, :, :, len(real) :].eq(0).all()


def test_a_later_token_changes_no_earlier_row(model: Recurrent, source: Tensor, target: Tensor):
    changed = target.clone()
    changed[:, 3:] = (changed[:, 3:] + 1) % 263
    before, after = model(source, target), model(source, changed)
    assert torch.equal(before.hidden[:, :3], after.hidden[:, :3])
    assert torch.equal(before.cross_patterns[0][:, :, :3], after.cross_patterns[0][:, :, :3])
    assert not torch.allclose(before.hidden[:, 3], after.hidden[:, 3])


def test_steps_are_the_full_pass(model: Recurrent, source: Tensor, target: Tensor):
    mask = padding_mask(source, PAD_ID)
    memory = model.encode(source, mask).hidden
    full = model.decode(target, memory, mask)
    decoder = begin(model, memory, mask, TARGET)
    for i in range(TARGET):
        step = decoder.step(target[:, i])
        assert decoder.length == i + 1
        close(step.logits, model.unembed(full.hidden[:, i]))
        close(torch.from_numpy(step.cross_pattern[0]), full.cross_patterns[0][:, :, i])
        assert step.self_pattern.shape == (0, BATCH, 1, i + 1)


def test_reordered_rows_go_on_as_if_they_had_always_been_there(model: Recurrent, source: Tensor):
    memory = model.encode(source[:1].expand(3, -1), None).hidden
    first, order, second = torch.tensor([5, 11, 17]), torch.tensor([2, 2, 0]), torch.tensor([23, 29, 31])
    decoder = begin(model, memory, None, 2)
    decoder.step(first)
    decoder.reorder(order)
    expected = model.decode(torch.stack((first[order], second), dim=1), memory, None)
    close(decoder.step(second).logits, model.unembed(expected.hidden[:, 1]))


def test_a_beam_of_one_is_greedy(model: Recurrent, source: Tensor):
    source = torch.cat((source.where(source != PAD_ID, PAD_ID), torch.full((BATCH, 1), PAD_ID)), dim=1)
    assert [found[0].ids for found in beam_search(model, source, 1)] == greedy(model, source)


def test_greedy_is_recomputation(model: Recurrent, source: Tensor):
    (found,) = greedy(model, source[:1])
    fed = [BOS_ID]
    for written in found:
        logits = model.unembed(model(source[:1], torch.tensor([fed])).hidden[0, -1])
        assert written == int(logits[2:].argmax()) + 2
        fed.append(written)
    assert found


@pytest.mark.parametrize("drop", ["dropout", "attention_dropout"])
def test_dropout_is_for_training_only(drop: str, source: Tensor, target: Tensor):
    model = build(tiny(**OPTIONS, **{drop: 0.5}))
    assert not torch.allclose(model(source, target).hidden, model(source, target).hidden)
    model.eval()
    assert torch.equal(model(source, target).hidden, model(source, target).hidden)


def test_forget_gates_begin_open():
    model = build(tiny(**OPTIONS))
    for module in model.modules():
        if isinstance(module, nn.LSTM):
            state = module.state_dict()
            gates = (state["bias_ih_l0"] + state["bias_hh_l0"]).view(4, -1)  # input, forget, cell, output
            assert gates[1].eq(1).all()
            assert gates[[0, 2, 3]].eq(0).all()


@pytest.mark.parametrize(
    ("name", "value"), [("n_heads", 3), ("norm", "pre"), ("activation", "gelu"), ("positional", "sinusoidal")]
)
def test_what_means_nothing_is_refused(name: str, value: object):
    with pytest.raises(ValueError, match=rf"{name} means nothing for architecture 'lstm'.*{value!r}"):
        tiny(**{**OPTIONS, "d_model": 12, name: value})


def test_the_state_is_split_in_two_halves():
    with pytest.raises(ValueError, match="d_ff must be even for architecture 'lstm'"):
        tiny(**{**OPTIONS, "d_ff": 37})


def test_a_trace_has_one_map(characters: Tokenizer, tmp_path: Path):
    model = shaken(build(tiny(**{**OPTIONS, "vocab_size": len(characters)})))
    checkpoint.save(tmp_path / "one.safetensors", model, characters, task="reverse", training={})
    opened = checkpoint.load(tmp_path / "one.safetensors")
    free = capture(opened, "abc")
    assert free.kinds == ("cross",)
    cross = free.map("cross")
    assert cross.pattern.shape[:2] == (1, 1)
    assert cross.key_tokens == ("a", "b", "c", "</s>")
    assert cross.query_tokens[0] == "<s>"
    assert cross.predicted_tokens is not None
    assert cross.query_tokens[1:] == cross.predicted_tokens[:-1]
    whole, by_steps = capture(opened, "abc", "xyz"), capture(opened, "abc", prefix=characters.encode("xyz"))
    first, second = (torch.tensor(trace.map("cross").pattern[:, :, :4]) for trace in (whole, by_steps))
    close(first, second)


def test_a_file_that_does_not_fit_is_refused(characters: Tokenizer, tmp_path: Path):
    model = build(tiny(**{**OPTIONS, "vocab_size": len(characters)}))
    path = tmp_path / "one.safetensors"
    checkpoint.save(path, model, characters, task="reverse", training={})
    tensors, described = checkpoint.read(path.read_bytes(), "")
    for change, message in (
        ({"d_ff": D_FF + 2}, "decoder.attention.query.weight has shape 13×34, but the config asks for 13×36"),
        ({"architecture": "transformer"}, "encoder.layers.0.feed_forward.inner.weight is missing"),
        ({"architecture": "gru"}, "architecture must be one of transformer, decoder, lstm, but it is 'gru'"),
    ):
        checkpoint.write(path, tensors, {**described, "config": {**described["config"], **change}})
        with pytest.raises(CheckpointError, match=message):
            checkpoint.load(path)


def test_an_interrupted_run_comes_to_the_same_weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(data, "VALID_EXAMPLES", 5)
    sizes = {**OPTIONS, "n_layers": 2, "max_len": 23, "dropout": 0.2}
    config = TrainConfig(steps=7, batch_tokens=200, warmup=3, validate_every=2, checkpoint_every=3)
    for name, stop in (("whole", None), ("parts", 4)):
        run = Run.start(tmp_path / name, DataConfig(task="reverse", examples=37), sizes, config)
        steps = run.steps()
        for step in steps:
            if step.step == stop:
                steps.close()
        if stop:
            list(Run.resume(tmp_path / name).steps())
    whole, parts = ((tmp_path / name / "state.safetensors").read_bytes() for name in ("whole", "parts"))
    assert whole == parts


def test_it_learns_to_copy():
    torch.manual_seed(1)
    model = build(tiny(**{**OPTIONS, "vocab_size": 11, "d_model": 16}))
    optimiser = torch.optim.Adam(model.parameters(), lr=0.01)
    for _ in range(150):
        ids = torch.randint(3, 11, (32, 3))
        ends = torch.full((32, 1), 2)
        logits = model.unembed(model(torch.cat((ids, ends), 1), torch.cat((ends - 1, ids), 1)).hidden)
        loss = nn.functional.cross_entropy(logits.flatten(0, 1), torch.cat((ids, ends), 1).flatten())
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    ids = torch.tensor([[3, 9, 5, 2], [7, 7, 4, 2]])
    assert greedy(model.eval(), ids) == [(3, 9, 5), (7, 7, 4)]
