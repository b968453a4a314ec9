"""A text over the steps of a training."""

from pathlib import Path

import numpy as np
import pytest

from model import checkpoint
from model.capture import capture
from model.checkpoint import Checkpoint, CheckpointError
from model.decoding.search import translate
from model.heads.history import (
    MOST_TOKENS,
    History,
    Moment,
    advance,
    formations,
    formed_at,
    least_change,
    moment_of,
    read_moment,
    thinned,
)
from model.heads.measures import NAMED, measure
from tests.helpers import save_letters

STEPS = (0, 10, 20, 30, 40)
NAN = float("nan")


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Checkpoint:
    return save_letters(tmp_path_factory.mktemp("history") / "00000007.safetensors")


@pytest.mark.parametrize(
    ("values", "step"),
    [
        ([0.0, 0.1, 0.4, 0.6, 1.0], 30),
        ([0.0, 0.6, 0.4, 0.6, 1.0], 30),  # it was over half-way before, but not for good
        ([0.0, 1.0, 1.0, 1.0, 1.0], 10),
        ([0.0, 0.0, 0.0, 0.0, 1.0], 40),
        ([0.0, 0.5, 0.5, 0.5, 1.0], 10),  # half-way is enough
        ([0.0, -0.2, -0.5, -0.8, -0.9], 20),  # falling
        ([0.5, 0.5, 0.5, 0.5, 0.5], None),
        ([0.0, 1.0, 1.0, 0.5, 0.24], None),  # it came and went
        ([0.0, NAN, 0.9, NAN, 1.0], 40),
        ([NAN, 0.1, 0.9, 1.0, 1.0], None),
        ([0.0, 0.1, 0.9, 1.0, NAN], None),
    ],
)
def test_a_head_forms_where_its_measure_passes_half_way_for_good(values: list[float], step: int | None):
    assert formed_at(STEPS, values, NAMED["evenness"]) == step


@pytest.mark.parametrize(
    ("values", "step"),
    [
        ([0.1, 0.4, 0.45, 0.6, 0.7], 30),  # not at 0.4, half-way, but where most of the weight is there
        ([0.1, 0.6, 0.5, 0.6, 0.9], 30),
        ([0.1, 0.2, 0.3, 0.4, 0.45], 20),  # never most of it: half-way
        ([0.6, 0.7, 0.8, 0.95, 0.95], 20),  # it had most of it before
    ],
)
def test_a_head_is_called_by_what_it_does_from_where_it_does_it_mostly(values: list[float], step: int):
    assert formed_at(STEPS, values, NAMED["anti-diagonal"]) == step


def test_one_checkpoint_forms_nothing():
    assert formed_at((0,), [1.0], NAMED["evenness"]) is None
    assert formed_at((), [], NAMED["evenness"]) is None


def test_a_change_counts_by_what_the_measure_can_be():
    least = {one.name: least_change(one) for one in NAMED.values()}
    assert least["previous"] == 0.25
    assert least["monotonicity"] == 0.5  # from -1 to 1
    assert least["entropy"] == least["distance"] == 1


def test_formations_come_with_the_largest_change_first():
    still, rising, falling = [0.5] * 5, [0.0, 0.0, 0.5, 0.5, 0.5], [4.0, 4.0, 4.0, 0.0, 0.0]
    values = {
        "previous": np.array([[[a, b]] for a, b in zip(still, rising, strict=True)]),
        "entropy": np.array([[[a, b]] for a, b in zip(falling, still, strict=True)]),
    }
    found = formations(STEPS, values)
    assert [(one.name, one.layer, one.head, one.step) for one in found] == [
        ("entropy", 0, 0, 30),
        ("previous", 0, 1, 20),
    ]
    assert (found[0].start, found[0].end) == (4, 0)


@pytest.mark.parametrize("n", [1, 2, 5, 7, 8, 13, 29, 101])
def test_few_of_many_checkpoints_include_the_first_and_the_last(n: int):
    files = [(step, Path(str(step))) for step in range(n)]
    found = thinned(files, 7)
    assert len(found) <= 7
    assert (*found[:1], *found[-1:]) == (files[0], files[-1])
    assert list(found) == sorted(set(found))
    assert n > 7 or list(found) == files


def test_a_moment_is_what_the_checkpoint_does(opened: Checkpoint):
    moment = read_moment(opened, 7, "abc", "cba")
    trace = capture(opened, "abc", "cba")
    assert (moment.step, moment.digest) == (7, opened.digest)
    assert moment.written == dict(translate(opened, ["abc"]))[0] == "abc"
    for one in trace.maps:
        np.testing.assert_allclose(moment.levels[one.kind] / 255, one.pattern, atol=0.5 / 255 + 1e-6)
        for name, values in measure(one).items():
            np.testing.assert_array_equal(moment.measures[one.kind][name], values)


def test_of_a_long_text_no_patterns_are_kept(opened: Checkpoint):
    trace = capture(opened, "ab", "ab")
    assert moment_of(trace, 1, "", "").levels.keys() == {"encoder", "decoder", "cross"}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("model.heads.history.MOST_TOKENS", 2)
        assert moment_of(trace, 1, "", "").levels == {}
    assert MOST_TOKENS > 20  # what the tasks are trained on


def test_reading_on_takes_portions_and_skips_what_is_broken(opened: Checkpoint, tmp_path: Path):
    files = tuple((step, tmp_path / f"{step}.safetensors") for step in (0, 5, 11))
    for _, path in files:
        checkpoint.save(path, opened.model, opened.tokenizer, task="copy", training={})
    files[1][1].write_bytes(b"broken")
    asked: list[int] = []

    def read(step: int, path: Path, source: str, fed: str) -> Moment:
        asked.append(step)
        return read_moment(checkpoint.load(path), step, source, fed)

    history = advance(History(files=files, source="ab", fed="ba"), read, 0)
    assert (history.n_read, history.steps, history.done) == (1, (0,), False)
    history = advance(advance(history, read, 0), read, 0)
    assert history.done
    assert asked == [0, 5, 11]
    assert history.steps == (0, 11)
    ((step, why),) = history.skipped
    assert step == 5
    assert "truncated" in why
    assert history.values("cross")["entropy"].shape == (2, 2, 3)  # step, layer, head
    assert advance(history, read, 0) is history


def test_another_error_is_not_hidden(tmp_path: Path):
    def read(*_: object) -> Moment:
        raise RuntimeError("no")

    with pytest.raises(RuntimeError):
        advance(History(files=((0, tmp_path),), source="", fed=""), read, 0)
    assert issubclass(CheckpointError, ValueError)


def test_without_a_moment_there_are_no_values():
    assert History(files=(), source="", fed="").values("cross") == {}
