"""model/training/run.py: the same run gives the same bytes, however often it is interrupted."""

import json
import re
import shutil
from collections.abc import Generator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from model import checkpoint
from model.config import TrainConfig, to_dict
from model.training import data
from model.training import loop as training
from model.training.data import DataConfig
from model.training.folder import read_run
from model.training.loop import Validation, learning_rate
from model.training.run import Run

SIZES = {"n_layers": 1, "n_heads": 3, "d_model": 6, "d_ff": 7, "max_len": 23, "dropout": 0.2, "attention_dropout": 0.1}
CONFIG = TrainConfig(steps=11, batch_tokens=200, warmup=3, average=0.5, validate_every=2, checkpoint_every=3)
FILES_OF_TEXT = ("source", "target", "valid_source", "valid_target")
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
    with pytest.raises(ValueError, match="cannot be continued: its training data has changed"):
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
    shutil.copy(tmp_path / "run" / "run.json", tmp_path)
    with pytest.raises(ValueError, match="does not hold the state of a run"):
        Run.resume(tmp_path)


def test_what_a_person_keeps_in_a_run_folder_stays(tmp_path: Path):
    folder = tmp_path / "run"
    steps = begin(folder, replace(CONFIG, keep_every=2)).steps()
    while next(steps).step < 5:  # the last state that was saved is of step 3
        pass
    kept = folder / "checkpoints"
    ours = {path.name for path in kept.iterdir()}
    assert ours == {f"{step:08}.safetensors" for step in (0, 2, 4)}
    (kept / ".ipynb_checkpoints").mkdir()  # as Jupyter makes it
    mine = ["checkpoints/step-10-best.safetensors", "checkpoints/notes.txt", "checkpoints/²².safetensors", ".my-notes"]
    mine += ["checkpoints/99.safetensors", ".best-of-all", "checkpoints/.a.unfinished"]
    for name in mine:
        (folder / name).write_bytes((folder / "last.safetensors").read_bytes())
    left = folder / ".state.safetensors.0123abcd.unfinished"
    left.write_text("half")
    assert Run.resume(folder).state.step == 3
    assert {path.name for path in kept.glob("0*")} == {f"{step:08}.safetensors" for step in (0, 2)}
    assert all((folder / name).is_file() for name in mine)
    assert (kept / ".ipynb_checkpoints").is_dir()
    assert not left.exists()
    assert [step for step, _ in read_run(folder).checkpoints] == [0, 2]


@pytest.mark.parametrize("name", ["best.safetensors", "log.jsonl", "checkpoints/00000007.safetensors"])
def test_no_run_is_begun_over_a_persons_file(name: str, tmp_path: Path):
    (tmp_path / "run" / "checkpoints").mkdir(parents=True)
    (tmp_path / "run" / name).write_text("mine")
    with pytest.raises(ValueError, match=f"{name} already exists, and the run would overwrite it"):
        begin(tmp_path / "run")
    assert (tmp_path / "run" / name).read_text() == "mine"


def test_blank_lines_in_the_log_are_passed_over_and_others_named(tmp_path: Path):
    list(begin(tmp_path / "run").steps())
    log = tmp_path / "run" / "log.jsonl"
    before = log.read_text()
    log.write_text(f"\n{before}\n \n")
    Run.resume(tmp_path / "run")
    assert log.read_text() == before
    log.write_text(f"{before}seen by me\n")
    line = before.count("\n") + 1
    with pytest.raises(ValueError, match=rf"log\.jsonl, line {line} does not hold the log of a run.*remove that line"):
        Run.resume(tmp_path / "run")


def test_a_run_goes_on_from_another_working_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    text_files(tmp_path)
    monkeypatch.chdir(tmp_path)
    files: dict[str, Any] = {name: name for name in FILES_OF_TEXT}
    begin(tmp_path / "run", **files)
    list(begin(tmp_path / "begun", **files).steps())
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    list(Run.resume(tmp_path / "run").steps())
    assert contents(tmp_path / "run") == contents(tmp_path / "begun")
    (tmp_path / "source").rename("a.en")
    with pytest.raises(ValueError, match=r"source no longer exists; put it back, or say where it is now with --source"):
        Run.resume(tmp_path / "run")
    Run.resume(tmp_path / "run", given={"source": ["a.en"]})
    monkeypatch.chdir(tmp_path)
    Run.resume(tmp_path / "run")  # which knows the new place
    (tmp_path / "valid_target").write_text("ein Hund\neine Kuh\n")
    before = (tmp_path / "run" / "run.json").read_bytes()
    for changed, part in (("source", "training"), ("valid_target", "validation")):
        with pytest.raises(ValueError, match=f"its {part} data has changed since the start"):
            Run.resume(tmp_path / "run", given={changed: [str(tmp_path / "valid_target")]})
    assert (tmp_path / "run" / "run.json").read_bytes() == before


@pytest.mark.parametrize("several", [False, True])
def test_a_run_of_an_earlier_version_goes_on(several: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Its state holds the data too, its files are strings or lists, and it knows nothing of what came later."""
    files = text_files(tmp_path)
    list(begin(tmp_path / "whole", **files).steps())
    steps = begin(tmp_path / "run", **files).steps()
    assert isinstance(steps, Generator)
    while next(steps).step < 5:
        pass
    steps.close()
    state, described = tmp_path / "run" / "state.safetensors", json.loads((tmp_path / "run" / "run.json").read_text())
    tensors, saved = checkpoint.read(state.read_bytes(), "state")
    monkeypatch.chdir(tmp_path)
    described["data"] |= {name: [name] if several else name for name in FILES_OF_TEXT}
    if not several:
        del described["data"]["augment"]
    del described["vocab_asked"], saved["valid_fingerprint"]
    checkpoint.write(state, tensors, {**saved, "data": described["data"]})
    (tmp_path / "run" / "run.json").write_text(json.dumps(described))
    carried = Run.resume(tmp_path / "run")
    assert carried.state.step == 5
    list(carried.steps())
    assert contents(tmp_path / "run") == contents(tmp_path / "whole")


@pytest.mark.parametrize("schedule", ["inverse_sqrt", "cosine"])
def test_more_steps_lengthen_a_run(schedule: str, tmp_path: Path):
    short, long = (replace(CONFIG, steps=steps, schedule=schedule, validate_every=2) for steps in (8, 14))
    list(begin(tmp_path / "run", short).steps())
    list(begin(tmp_path / "whole", long).steps())
    made = list(Run.resume(tmp_path / "run", given={"steps": 14}).steps())
    assert [step.step for step in made] == list(range(9, 15))
    assert [step.learning_rate for step in made] == [learning_rate(step, long) for step in range(9, 15)]
    assert read_run(tmp_path / "run").train == long
    assert Run.resume(tmp_path / "run").state.step == 14
    if schedule == "inverse_sqrt":  # which does not depend on how many there will be
        assert contents(tmp_path / "run") == contents(tmp_path / "whole")


def test_a_training_that_explodes_leaves_the_last_good_checkpoint(tmp_path: Path):
    config = TrainConfig(steps=99, learning_rate=1e30, warmup=0, checkpoint_every=1, batch_tokens=200)
    with pytest.raises(
        FloatingPointError, match=r"diverged at step 2: the loss is nan.*what was saved at step 1 is kept"
    ):
        list(begin(tmp_path / "run", config).steps())
    assert checkpoint.load(tmp_path / "run" / "last.safetensors").training["step"] >= 1
    assert Run.resume(tmp_path / "run").state.step >= 1


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"learning_rate": 1e38, "validate_every": 1, "average": 0.0}, "the validation loss is nan"),
        ({"learning_rate": 1e38, "keep_every": 0, "average": 0.5}, "no longer finite"),
        (
            {"learning_rate": 3e5, "weights": "float16"},
            "has values that are too large for torch.float16, though not for float32",
        ),
    ],
)
def test_nothing_is_saved_that_does_not_open(options: dict[str, Any], message: str, tmp_path: Path):
    common = {"steps": 9, "warmup": 0, "checkpoint_every": 1, "keep_every": 1, "batch_tokens": 200}
    with pytest.raises(FloatingPointError, match=f"diverged at step 1: .*{message}.*a smaller learning_rate than"):
        list(begin(tmp_path / "run", TrainConfig(**{**common, **options})).steps())
    for path in (tmp_path / "run").rglob("*.safetensors"):
        if path.name != "state.safetensors":
            checkpoint.load(path)
    for line in (tmp_path / "run" / "log.jsonl").read_text().splitlines():
        json.loads(line, parse_constant=lambda name: pytest.fail(f"{name} is no JSON"))
    assert Run.resume(tmp_path / "run").state.step == 0


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "source, target, valid_source, valid_target is not given"),
        ({"source": "a", "target": "b", "valid_source": "c"}, "valid_target is not given"),
        ({"task": "copy", "source": "a"}, "either a task or text files, not both"),
        ({"task": "cop"}, "task must be one of copy, reverse, sort, repeat, dates, but it is 'cop'"),
        ({"task": "copy", "examples": 0}, "examples must be a whole number, at least 1, but it is 0"),
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


def test_a_run_starts_from_the_weights_and_the_vocabulary_of_a_checkpoint(tmp_path: Path):
    files = text_files(tmp_path)
    list(begin(tmp_path / "first", **files).steps())
    first = checkpoint.load(tmp_path / "first")
    (tmp_path / "other").mkdir()
    other = text_files(tmp_path / "other")
    Path(other["source"]).write_text("a cow\na pig\n")
    run = Run.start(
        tmp_path / "run",
        DataConfig(**other, start_from=str(tmp_path / "first")),
        to_dict(first.config),
        replace(CONFIG, learning_rate=1e-12),
    )
    assert run.tokenizer.to_json() == first.tokenizer.to_json()
    for name, tensor in run.state.model.state_dict().items():
        assert tensor.equal(first.model.state_dict()[name])
    list(run.steps())
    for name, tensor in checkpoint.load(tmp_path / "run").model.state_dict().items():
        torch.testing.assert_close(tensor, first.model.state_dict()[name], rtol=0, atol=1e-6)


def test_a_checkpoint_that_was_changed_since_the_run_was_described_is_refused(tmp_path: Path):
    files = text_files(tmp_path)
    list(begin(tmp_path / "first", **files).steps())
    config = checkpoint.load(tmp_path / "first").config
    with pytest.raises(ValueError, match="is no longer the checkpoint that this run was set up with"):
        Run.start(
            tmp_path / "run",
            DataConfig(**files, start_from=str(tmp_path / "first")),
            to_dict(replace(config, n_layers=2)),
            CONFIG,
        )
    assert not (tmp_path / "run").exists()
