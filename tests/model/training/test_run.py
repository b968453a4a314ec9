"""model/training/run.py: the same run gives the same bytes, however often it is interrupted."""

import json
import re
import shutil
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest
import torch

from model import checkpoint
from model.config import TrainConfig
from model.training import data
from model.training import loop as training
from model.training.data import DataConfig
from model.training.loop import Validation
from model.training.run import Run

SIZES = {"n_layers": 1, "n_heads": 3, "d_model": 6, "d_ff": 7, "max_len": 23, "dropout": 0.2, "attention_dropout": 0.1}
CONFIG = TrainConfig(steps=11, batch_tokens=200, warmup=3, average=0.5, validate_every=2, checkpoint_every=3)
FILES = ("best.safetensors", "last.safetensors", "state.safetensors", "run.json")


@pytest.fixture(autouse=True)
def _few_to_validate(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(data, "VALID_EXAMPLES", 5)


def begin(folder: Path, config: TrainConfig = CONFIG, **data: Any) -> Run:
    data = data or {"task": "reverse", "examples": 37}
    return Run.start(folder, DataConfig(**data), SIZES | ({} if "task" in data else {"vocab_size": 263}), config)


def contents(folder: Path) -> dict[str, Any]:
    """The bytes of a run's files, and its log without the times."""
    log = [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]
    return {**{name: (folder / name).read_bytes() for name in FILES}, "log": [{**line, "seconds": 0} for line in log]}


@pytest.fixture
def uninterrupted(tmp_path: Path) -> dict[str, Any]:
    assert len(list(begin(tmp_path / "whole").steps())) == CONFIG.steps
    return contents(tmp_path / "whole")


def text_files(folder: Path) -> dict[str, Any]:
    pairs = {"source": "a dog\na cat\n", "target": "ein Hund\neine Katze\n"}
    pairs |= {f"valid_{name}": text for name, text in pairs.items()}
    for name, text in pairs.items():
        (folder / name).write_text(text)
    return {name: str(folder / name) for name in pairs}


def test_the_same_options_give_the_same_bytes(uninterrupted: dict[str, Any], tmp_path: Path):
    torch.rand(7)  # what was drawn before plays no part
    list(begin(tmp_path / "again").steps())
    assert contents(tmp_path / "again") == uninterrupted


def test_another_seed_gives_another_model(uninterrupted: dict[str, Any], tmp_path: Path):
    list(
        begin(tmp_path / "other", TrainConfig(**{**json.loads(uninterrupted["run.json"])["train"], "seed": 1})).steps()
    )
    other = contents(tmp_path / "other")
    assert [name for name in FILES if other[name] == uninterrupted[name]] == []


@pytest.mark.parametrize("stops", [(1,), (4, 5), (6, 9)])
def test_a_stopped_run_goes_on_to_the_same_bytes(stops: tuple[int, ...], uninterrupted: dict[str, Any], tmp_path: Path):
    carried = begin(tmp_path / "run")
    for stop in stops:
        steps = carried.steps()
        assert isinstance(steps, Generator)
        for step in steps:
            if step.step == stop:
                steps.close()  # as Ctrl-C does
        assert checkpoint.load(tmp_path / "run").training["step"] <= stop
        carried = Run.resume(tmp_path / "run")
        assert carried.state.step == stop
    list(carried.steps())
    assert contents(tmp_path / "run") == uninterrupted


@pytest.mark.parametrize("killed_at", [3, 5, 8, 11])
def test_a_killed_run_goes_on_to_the_same_bytes(killed_at: int, uninterrupted: dict[str, Any], tmp_path: Path):
    """A copy of the folder is what a power cut leaves: no chance to save."""
    for step in begin(tmp_path / "run").steps():
        if step.step == killed_at:
            shutil.copytree(tmp_path / "run", tmp_path / "copy")
    with (tmp_path / "copy" / "log.jsonl").open("a") as log:
        log.write('{"step": 1')  # cut off while being written
    resumed = Run.resume(tmp_path / "copy")
    assert resumed.state.step == (killed_at if killed_at == CONFIG.steps else killed_at // 3 * 3)
    list(resumed.steps())
    assert contents(tmp_path / "copy") == uninterrupted


def test_the_folder_says_what_the_run_is(uninterrupted: dict[str, Any], tmp_path: Path):
    described = json.loads(uninterrupted["run.json"])
    assert described["data"]["task"] == "reverse"
    assert described["model"]["vocab_size"] == 259
    assert TrainConfig(**described["train"]) == CONFIG
    assert [line["step"] for line in uninterrupted["log"]] == [1, 2, 3, 4, 5, 6, 8, 10, 11]
    loaded = checkpoint.load(tmp_path / "whole")
    assert loaded.task == "reverse"
    assert loaded.name == "whole"
    validated = [line for line in uninterrupted["log"] if line["validation"]]
    assert [line["step"] for line in validated] == [2, 4, 6, 8, 10, 11]
    best = max(validated, key=lambda line: (line["validation"]["accuracy"], -line["validation"]["loss"]))
    assert loaded.training["step"] == best["step"]
    assert loaded.training["validation"] == best["validation"]
    assert loaded.training["examples"] == 37
    assert checkpoint.load(tmp_path / "whole" / "last.safetensors").training["step"] == CONFIG.steps


def test_the_best_is_the_most_accurate_and_then_the_surest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    scores = iter([(0.1, 3.0), (0.5, 2.0), (0.5, 2.0), (0.5, 1.0), (0.4, 0.5), (0.2, 0.1)])  # at steps 2, 4, … 10, 11

    def validate(*_: object) -> Validation:
        accuracy, loss = next(scores)
        return Validation(loss=loss, accuracy=accuracy)

    monkeypatch.setattr(training, "validate", validate)
    steps = begin(tmp_path / "run").steps()
    bests = [checkpoint.load(tmp_path / "run").training["step"] for step in steps if step.validation]
    assert bests == [2, 4, 4, 8, 8, 8]


def test_text_files_learn_a_vocabulary(tmp_path: Path):
    files = text_files(tmp_path)
    carried = Run.start(tmp_path / "run", DataConfig(**files), {**SIZES, "vocab_size": 263}, CONFIG)
    list(carried.steps())
    loaded = checkpoint.load(tmp_path / "run")
    assert loaded.task == "translate"
    assert loaded.config.vocab_size == len(loaded.tokenizer) == 263
    Path(files["source"]).write_text("a dog\na cow\n")
    with pytest.raises(ValueError, match="cannot go on: its training data is no longer what it was"):
        Run.resume(tmp_path / "run")


def test_a_folder_is_not_overwritten(tmp_path: Path):
    begin(tmp_path / "run")
    with pytest.raises(ValueError, match=r"already holds a run: continue it with --resume"):
        begin(tmp_path / "run")


def test_a_bad_option_leaves_no_folder(tmp_path: Path):
    with pytest.raises(ValueError, match="d_model is 7 and n_heads is 3"):
        Run.start(tmp_path / "run", DataConfig(task="copy", examples=5), {**SIZES, "d_model": 7}, CONFIG)
    assert not (tmp_path / "run").exists()


def test_what_holds_no_run_cannot_go_on(tmp_path: Path):
    with pytest.raises(ValueError, match=r"is not a run folder: it has no run\.json"):
        Run.resume(tmp_path)
    list(begin(tmp_path / "run").steps())
    shutil.copy(tmp_path / "run" / "last.safetensors", tmp_path / "state.safetensors")
    with pytest.raises(ValueError, match="does not hold the state of a run"):
        Run.resume(tmp_path)


def test_a_training_that_explodes_leaves_the_last_good_checkpoint(tmp_path: Path):
    config = TrainConfig(steps=99, learning_rate=1e30, warmup=0, checkpoint_every=1, batch_tokens=200)
    with pytest.raises(FloatingPointError):
        list(begin(tmp_path / "run", config).steps())
    assert checkpoint.load(tmp_path / "run" / "last.safetensors").training["step"] >= 1
    assert Run.resume(tmp_path / "run").state.step >= 1


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "source, target, valid_source, valid_target is not given"),
        ({"source": "a", "target": "b", "valid_source": "c"}, "valid_target is not given"),
        ({"task": "copy", "source": "a"}, "either a task or text files, not both"),
        ({"task": "cop"}, "task must be one of copy, reverse, sort, repeat, dates, but it is 'cop'"),
        ({"task": "copy", "examples": 0}, "examples must be a whole number of at least 1, but it is 0"),
        ({"task": "copy", "examples": 2.5}, "examples must be .* 2.5"),
        ({"task": "copy", "examples": True}, "examples must be .* True"),
    ],
)
def test_data_that_is_no_data_is_refused(options: dict[str, Any], message: str):
    with pytest.raises(ValueError, match=message):
        DataConfig(**options)


def test_a_task_trains_and_validates_on_different_targets():
    train, valid = DataConfig(task="dates", examples=97).pairs(seed=0)
    assert len(train) == 97
    assert len(valid) == 5
    assert {target for _, target in train}.isdisjoint(target for _, target in valid)


def test_a_missing_file_is_named(tmp_path: Path):
    files = text_files(tmp_path)
    Path(files["valid_target"]).unlink()
    with pytest.raises(ValueError, match=re.escape(f"{files['valid_target']} cannot be read")):
        begin(tmp_path / "run", **files)
