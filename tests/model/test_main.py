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


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "without a task, text files are needed; source, target, valid_source, valid_target is not given"),
        (("--task", "copy", "--source", "a"), "either a task or text files"),
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
    command = [sys.executable, "-m", "model", "train", "--out", str(folder), *SMALL]
    with subprocess.Popen(
        [*command, "--steps", "1000000", "--validate-every", "1000000"],
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
