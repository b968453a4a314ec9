"""The measurements of architectures, with tiny sizes; no test asserts a time."""

from pathlib import Path

import numpy as np
import pytest
import torch

from model.compare import record as compare
from model.compare.cost import CostPlan, fused_attention, peak_bytes
from model.compare.distance import FIRST_LETTER, FIRST_NOISE, DistancePlan, accuracy, sequences
from model.compare.points import CONTENDERS, LAYERS, SYMBOLS, DistanceScore, LayerCost, StepTime
from model.compare.record import Going, recorded, recorded_part
from model.compare.steps import StepPlan, lstm_like, steps_in_sequence
from model.config import MEANINGLESS, ModelConfig
from model.network.attention import MultiHeadAttention
from model.network.build import build
from model.network.sizes import count_parameters
from model.text.tokenizer import BOS_ID, EOS_ID, PAD_ID

STEPS = StepPlan(lengths=(3, 5), tokens=15, repeats=1, n_layers=1, d_model=8, d_ff=11)
DISTANCE = DistancePlan(distances=(2, 3), updates=2, texts=5, learning_rates=(0.01,), seeds=(0,), d_model=8, n_tested=7)
COST = CostPlan(lengths=(5, 7, 11), repeats=2, d_model=8, n_heads=2)


@pytest.mark.parametrize("plan", [STEPS, DISTANCE, COST])
def test_the_plan_knows_how_much_it_yields(plan: compare.Plan):
    assert len(list(plan.measure())) == plan.total


def test_step_times():
    points = [point for point in STEPS.measure() if point is not None]
    assert [(p.architecture, p.n, p.texts) for p in points] == [
        ("transformer", 3, 5), ("lstm", 3, 5), ("transformer", 5, 3), ("lstm", 5, 3),
    ]  # fmt: skip
    assert all(p.seconds > 0 for p in points)
    assert [p.in_sequence for p in points] == [5, 7, 5, 11]
    for p in points:
        assert p.parameters == sum(w.numel() for w in build(STEPS.configs()[p.architecture]).parameters())


@pytest.mark.parametrize("sizes", [(2, 128, 256), (4, 128, 512), (1, 32, 64)])
def test_the_lstm_has_the_same_size(sizes: tuple[int, int, int]):
    n_layers, d_model, d_ff = sizes
    config = ModelConfig(vocab_size=259, n_layers=n_layers, d_model=d_model, d_ff=d_ff)
    lstm = lstm_like(config)
    assert lstm.architecture == "lstm"
    assert abs(count_parameters(lstm) / count_parameters(config) - 1) < 0.02
    # Written as a search over all sizes.
    every = [
        ModelConfig(
            vocab_size=259, n_layers=n_layers, d_model=d_model, d_ff=size, architecture="lstm", **MEANINGLESS["lstm"]
        )
        for size in range(2, 600, 2)
    ]
    assert lstm == min(every, key=lambda one: abs(count_parameters(one) - count_parameters(config)))


def test_steps_that_are_not_counted():
    with pytest.raises(ValueError, match="'decoder'"):
        steps_in_sequence(ModelConfig(vocab_size=7, architecture="decoder"), 3)


def test_the_steps_of_an_lstm_are_those_it_takes():
    """Counted by running it: each layer goes through the text once, one token after the other."""
    config = lstm_like(ModelConfig(vocab_size=259, n_layers=3, d_model=8, n_heads=2, d_ff=11))
    model, walked = build(config), []
    for module in model.modules():
        if isinstance(module, torch.nn.LSTM):
            module.register_forward_hook(lambda _, inputs, __: walked.append(inputs[0].size(1)))
    ids = torch.full((2, 7), 5)
    model(ids, ids)
    assert sum(walked) + 1 == steps_in_sequence(config, 7)  # and the attention


def test_the_letter_stands_at_its_distance():
    batch = sequences(np.random.default_rng(0), 5, 3, read=False)
    assert batch.source.tolist() == [[EOS_ID]] * 5
    assert batch.target_in.shape == batch.target_out.shape == (5, 5)
    letters = batch.target_in[:, 1]
    assert (batch.target_in[:, 0] == BOS_ID).all()
    assert ((letters >= FIRST_LETTER) & (letters < FIRST_NOISE)).all()
    assert (batch.target_in[:, 2:] >= FIRST_NOISE).all()
    assert (batch.target_in < FIRST_NOISE + SYMBOLS).all()
    assert torch.equal(batch.target_out[:, -1], letters)
    assert (batch.target_out[:, :-1] == PAD_ID).all()


def test_the_letter_to_be_read_stands_as_far_from_where_the_decoder_begins():
    batch = sequences(np.random.default_rng(0), 5, 3, read=True)
    assert batch.source.shape == (5, 4)
    assert torch.equal(batch.source[:, -1:], batch.target_out)
    assert (batch.source[:, :3] >= FIRST_NOISE).all()
    assert batch.target_in.tolist() == [[BOS_ID]] * 5


def test_accuracy_counts_the_last_rows():
    batch = sequences(np.random.default_rng(0), 50, 2, read=False)
    model = build(DISTANCE.configs()[CONTENDERS[0]]).eval()
    logits = model.unembed(model(batch.source, batch.target_in).hidden)
    right = [int(row[-1].argmax()) == int(out[-1]) for row, out in zip(logits, batch.target_out, strict=True)]
    assert accuracy(model, batch) == pytest.approx(sum(right) / 50)


def test_a_near_letter_is_learnt_and_the_budget_is_the_same():
    plan = DistancePlan(distances=(2,), updates=120, learning_rates=(0.01,), seeds=(0,), n_tested=200)
    scores = [point for point in plan.measure() if point is not None]
    assert [one.contender for one in scores] == list(CONTENDERS)
    assert min(one.accuracy for one in scores) > 0.9
    assert max(one.parameters for one in scores) < 1.02 * min(one.parameters for one in scores)


def test_the_costs_of_each_layer():
    points = [point for point in COST.measure() if point is not None]
    assert [(p.n, p.layer) for p in points] == [(n, layer) for n in COST.lengths for layer in LAYERS]
    again = [point for point in COST.measure() if point is not None]
    assert [p.peak_bytes for p in points] == [p.peak_bytes for p in again]


def test_peak_memory_is_what_is_held_at_once():
    size = 4 * 1000 * 1000  # bytes of a matrix

    def three_of_which_two_at_once() -> None:
        for _ in range(3):
            one = torch.ones(1000, 1000)
            other = one.clone()
            del one, other

    assert peak_bytes(three_of_which_two_at_once) == 2 * size
    assert peak_bytes(lambda: None) == 0


def test_attention_holds_its_weights_and_the_fused_one_does_not():
    peaks = {p.layer: p.peak_bytes for p in CostPlan(lengths=(512,), repeats=1).measure() if p is not None}
    weights = 4 * 512 * 512 * 4  # heads, queries, keys, bytes
    kept, fused, *_ = LAYERS
    assert peaks[kept] >= 2 * weights  # scores and pattern
    assert peaks[fused] < weights


def test_fused_attention_gives_the_same():
    torch.manual_seed(0)
    layer = MultiHeadAttention(ModelConfig(vocab_size=1, n_heads=3, d_model=12)).eval()
    x = torch.randn(2, 5, 12)
    torch.testing.assert_close(fused_attention(layer, x), layer(x, x)[0], atol=1e-6, rtol=1e-5)


def test_measuring_leaves_the_random_numbers_of_others_alone():
    torch.manual_seed(3)
    expected = torch.rand(2)
    torch.manual_seed(3)
    for plan in (STEPS, DISTANCE, COST):
        list(plan.measure())
    assert torch.equal(torch.rand(2), expected)


def test_a_measurement_can_be_left_at_any_step():
    going = Going(COST)
    going.advance(0.0)
    assert (going.n_done, going.done, going.points) == (1, False, [])
    while not going.done:
        going.advance(0.0)
    measured = going.finish()
    assert len(measured.points) == len(LAYERS) * 3
    assert measured.plan == COST


def test_the_record_is_read_as_it_was_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(compare, "MEASURED", tmp_path / "record.json")
    monkeypatch.setattr(compare, "PLANS", {"steps": STEPS, "distance": DISTANCE, "cost": COST})
    monkeypatch.setattr(torch, "set_num_threads", lambda n: None)
    assert recorded_part("cost") is None
    compare.main(["cost"])
    assert set(recorded()) == {"cost"}
    compare.main()
    kinds = {"steps": StepTime, "distance": DistanceScore, "cost": LayerCost}
    for name, measured in recorded().items():
        assert measured.plan == compare.PLANS[name]
        assert {type(point) for point in measured.points} == {kinds[name]}
    with pytest.raises(ValueError, match="no part speed"):
        compare.main(["speed"])


@pytest.mark.parametrize("text", ["[]", "3", '{"cost": {}}', '{"cost": {"plan": {"x": 1}}}', "no JSON"])
def test_what_is_no_record(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str):
    monkeypatch.setattr(compare, "MEASURED", tmp_path / "record.json")
    compare.MEASURED.write_text(text)
    assert recorded_part("cost") is None
