"""model/__main__.py: the command line, in this process and, for Ctrl-C, in its own."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest

from model import checkpoint
from model.__main__ import main
from model.jobs import command
from model.training import data, run
from model.training.folder import read_run

ROOT = Path(__file__).parents[2]
SMALL = [
    *("--task", "reverse", "--examples", "37", "--n-layers", "1", "--n-heads", "3", "--d-model", "6", "--d-ff", "7"),
    *("--max-len", "23", "--batch-tokens", "200"),
]


@pytest.fixture(autouse=True)
def _as_it_was(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Few examples to validate; the handler that ``main`` sets is taken back."""
    monkeypatch.setattr(data, "VALID_EXAMPLES", 5)
    before = signal.getsignal(signal.SIGTERM)
    yield
    signal.signal(signal.SIGTERM, before)


def train(out: Path, *arguments: str) -> int:
    return main(["train", "--out", str(out), *arguments])


def test_training_prints_its_score_and_leaves_a_checkpoint(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    assert train(tmp_path / "run", *SMALL, "--steps", "5", "--dropout", "0.3") == 0
    printed = json.loads(capsys.readouterr().out)
    loaded = checkpoint.load(tmp_path / "run")
    assert printed["steps"] == 5
    assert printed["accuracy"] == loaded.training["validation"]["accuracy"]
    assert (loaded.config.d_model, loaded.config.dropout, loaded.config.max_len) == (6, 0.3, 23)


def test_resuming_a_finished_run_changes_nothing(tmp_path: Path):
    assert train(tmp_path / "run", *SMALL, "--steps", "3") == 0

    def contents() -> dict[str, bytes]:
        return {path.name: path.read_bytes() for path in (tmp_path / "run").iterdir() if path.name != "status.json"}

    before = contents()
    assert train(tmp_path / "run", "--resume") == 0
    assert contents() == before
    assert read_run(tmp_path / "run").status.state == "finished"


def test_a_requeued_run_takes_the_same_command_and_more_steps(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    folder = tmp_path / "run"
    assert train(folder, *SMALL, "--steps", "3") == 0
    for options in (("--steps", "3"), ("--steps", "5"), ("--steps", "5")):
        assert train(folder, *SMALL, *options, "--resume") == 0
    assert [point.step for point in read_run(folder).log] == [1, 2, 3, 5]
    assert read_run(folder).status.state == "finished"
    assert read_run(folder).status.steps == 5
    before = (folder / "run.json").read_bytes()
    capsys.readouterr()
    for options, message in (
        (("--seed", "3"), "--seed is 0 and cannot be 3"),
        (("--task", "copy", "--warmup", "1"), "--task is reverse and cannot be copy, --warmup is 400 and cannot be 1"),
        (("--source", "a"), "--source is not given and cannot be a"),
        (("--steps", "4"), "--steps 4 is fewer than the 5 of the run that you are continuing"),
        (("--steps", "0"), "--steps 0 is fewer than"),
        (("--d-model", "9"), "--d-model is 6 and cannot be 9"),
    ):
        assert train(folder, *options, "--resume") == 2
        assert message in capsys.readouterr().err
    assert (folder / "run.json").read_bytes() == before


def test_a_vocabulary_that_turned_out_smaller_is_the_same_option(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    (tmp_path / "a").write_text("a dog\na cat\n")
    files = [
        word for name in ("source", "target", "valid-source", "valid-target") for word in (f"--{name}", f"{tmp_path}/a")
    ]
    options = [*files, *SMALL[4:], "--vocab-size", "999", "--steps", "2"]
    assert train(tmp_path / "run", *options) == 0
    assert read_run(tmp_path / "run").model.vocab_size < 999
    for _ in range(2):
        assert train(tmp_path / "run", *options, "--resume") == 0
    capsys.readouterr()
    assert train(tmp_path / "run", "--vocab-size", "998", "--resume") == 2
    assert "--vocab-size is 999 and cannot be 998" in capsys.readouterr().err


@pytest.mark.parametrize("fast", [False, True])
def test_slow_bfloat16_is_warned_of(
    fast: bool, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(command, "has_fast_bfloat16", lambda: fast)
    for precision in ("bfloat16", "float32"):
        options = ["--steps", "1", "--precision", precision, "--device", "cpu"]
        assert train(tmp_path / precision, *SMALL, *options) == 0
        warned = "warning: this processor" in (said := capsys.readouterr().err)
        assert warned == (precision == "bfloat16" and not fast)
        assert ("--precision float32" in said) == warned


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "without a task, text files are needed; source, target, valid_source, valid_target is not given"),
        (("--task", "copy", "--source", "a"), "either a task or text files"),
        (("--task", "copy", "--start-from", "no/such"), "there is no checkpoint 'no/such'"),
        (("--task", "copy", "--start-from", "translate-en-fr"), "reads pieces of words, but a task needs a token for"),
        (
            ("--task", "copy", "--start-from", "reverse", "--n-layers", "7"),
            "--n-layers is 1 in reverse and cannot be 7",
        ),
        (("--source", "a", "--target", "b", "--valid-source", "c", "--valid-target", "d"), "a cannot be read"),
        ((*SMALL, "--examples", "0"), "examples must be"),
        ((*SMALL, "--n-heads", "4"), "d_model is 6 and n_heads is 4"),
        ((*SMALL, "--learning-rate", "nan"), "learning_rate must be a number above 0, but it is nan"),
        ((*SMALL, "--norm", "middle"), "norm must be one of post, pre, but it is 'middle'"),
        ((*SMALL, "--max-len", "1"), "of 37 training pairs, none fits max_len 1"),
        ((*SMALL, "--learning-rate", "1e30", "--warmup", "0"), "the training diverged at step "),
        (("--resume",), "is not a run folder"),
        (("--resume", "--task", "copy"), "is not a run folder"),
    ],
)
def test_an_error_is_a_line_and_status_2(
    arguments: tuple[str, ...], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    assert train(tmp_path / "run", *arguments) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    (error,) = [line for line in captured.err.splitlines() if line.startswith("error: ")]
    assert message in error


@pytest.mark.parametrize(
    "arguments",
    [[], ["train"], ["fly"], ["train", "--out", "x", "--task", "fly"], ["train", "--out", "x", "--steps", "a"]],
)
def test_wrong_usage_is_status_2(arguments: list[str], capsys: pytest.CaptureFixture[str]):
    with pytest.raises(SystemExit) as stopped:
        main(arguments)
    assert stopped.value.code == 2
    assert "usage: python -m model" in capsys.readouterr().err


def test_help_knows_every_option(capsys: pytest.CaptureFixture[str]):
    with pytest.raises(SystemExit) as stopped:
        main(["train", "--help"])
    assert stopped.value.code == 0
    printed = capsys.readouterr().out
    for option in ("--task", "--resume", "--n-layers", "--attention-dropout", "--learning-rate", "--validate-every"):
        assert option in printed


@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_leaves_a_checkpoint_that_goes_on(stop: signal.Signals, tmp_path: Path):
    folder = tmp_path / "run"
    arguments = [sys.executable, "-m", "model", "train", "--out", str(folder), *SMALL]
    with subprocess.Popen(
        [*arguments, "--steps", "1000000", "--validate-every", "1000000"],
        cwd=ROOT,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        log = folder / "log.jsonl"
        try:
            while process.poll() is None and not (log.exists() and log.read_text().count("\n")):
                time.sleep(0.05)
            process.send_signal(stop)
            _, errors = process.communicate(timeout=600)
        finally:
            process.kill()
    assert process.returncode == 130, errors
    assert errors.endswith("stopped\n")
    assert "Traceback" not in errors
    stopped_at = checkpoint.load(folder).training["step"]
    assert stopped_at >= 1
    resumed = run.Run.resume(folder)
    assert resumed.state.step == stopped_at
    steps = resumed.steps()
    assert isinstance(steps, Generator)
    assert next(steps).step == stopped_at + 1
    steps.close()
    assert checkpoint.load(folder / "last.safetensors").training["step"] == stopped_at + 1
