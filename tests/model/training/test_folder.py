"""model/training/folder.py: what whoever watches a run finds in its folder."""

import json
import os
import socket
import subprocess
import sys
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from model import checkpoint
from model.config import ModelConfig, TrainConfig
from model.training import folder
from model.training.data import DataConfig
from model.training.folder import Status, ask, read_run, read_want
from model.training.options import write_json
from model.training.run import Run

DATA = DataConfig(task="reverse", examples=37)
SIZES: dict[str, Any] = {"n_layers": 1, "n_heads": 3, "d_model": 6, "d_ff": 7, "max_len": 23}
CONFIG = TrainConfig(steps=11, batch_tokens=200, warmup=3, validate_every=7, keep_every=4)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """The folder of a run that was trained to its end."""
    list(Run.start(tmp_path / "run", DATA, SIZES, CONFIG).steps())
    return tmp_path / "run"


def put_status(path: Path, **values: Any) -> None:
    here = {"state": "running", "pid": os.getpid(), "host": socket.gethostname(), "updated": time.time()}
    write_json(path / "status.json", asdict(Status(**{**here, **values})))


def test_a_run_is_read_as_it_was_written(path: Path):
    view = read_run(path)
    assert (view.name, view.path) == ("run", path)
    assert view.data == DATA
    assert view.model == ModelConfig(**SIZES, vocab_size=259)
    assert view.train == CONFIG
    assert [point.step for point in view.log] == [1, 2, 3, 5, 7, 10, 11]
    lines = [json.loads(line) for line in (path / "log.jsonl").read_text().splitlines()]
    assert [point.loss for point in view.log] == [line["loss"] for line in lines]
    assert [point.valid_loss for point in view.log] == [(line["validation"] or {}).get("loss") for line in lines]
    assert [point.step for point in view.log if point.valid_accuracy is not None] == [7, 11]


def test_checkpoints_are_kept_from_the_untrained_weights_to_the_last(path: Path):
    checkpoints = read_run(path).checkpoints
    assert [step for step, _ in checkpoints] == [0, 4, 8, 11]
    assert [checkpoint.load(file).training["step"] for _, file in checkpoints] == [0, 4, 8, 11]
    assert checkpoint.load(checkpoints[-1][1]).digest == checkpoint.load(path / "last.safetensors").digest
    assert read_run(path).best == path / "best.safetensors"


def test_a_run_without_a_status_is_as_far_as_its_log(path: Path):
    status = read_run(path).status
    assert (status.state, status.step, status.steps) == ("finished", 11, 11)
    log = path / "log.jsonl"
    log.write_text("".join(log.read_text().splitlines(keepends=True)[:3]))
    status = read_run(path).status
    assert (status.state, status.step) == ("stopped", 3)
    assert read_run(path).can_go_on


def test_a_line_that_is_being_written_is_not_read(path: Path):
    with (path / "log.jsonl").open("a") as log:
        log.write('{"step": 12, "los')
    assert read_run(path).log[-1].step == 11
    (path / "log.jsonl").unlink()
    assert read_run(path).log == ()


def test_a_process_that_lives_is_believed(path: Path):
    put_status(path, step=3, steps=11, tokens_per_second=5.0, seconds_left=7.0)
    view = read_run(path)
    assert view.status.state == "running"
    assert view.status.seconds_left == 7.0
    assert not view.can_go_on


@pytest.mark.parametrize("state", ["running", "queued"])
def test_a_process_that_is_gone_has_failed(state: str, path: Path):
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        process.wait()
    put_status(path, state=state, pid=process.pid, step=3, seconds_left=7.0)
    view = read_run(path)
    assert view.status.state == "failed"
    assert "killed, or out of memory" in view.status.reason
    assert (view.status.step, view.status.seconds_left) == (3, None)
    assert view.can_go_on


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="the system does not tell by /proc")
def test_a_process_that_nobody_waited_for_has_failed_all_the_same(path: Path):
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        time.sleep(0.1)
        while Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z":
            time.sleep(0.01)
        put_status(path, pid=process.pid)
        assert read_run(path).status.state == "failed"


def test_a_process_elsewhere_is_believed_for_a_while(path: Path):
    put_status(path, pid=2**22 + 1, host="elsewhere")
    assert read_run(path).status.state == "running"
    put_status(path, pid=os.getpid(), updated=time.time() - 1.5 * folder.SILENT_SECONDS)
    assert read_run(path).status.state == "failed"


@pytest.mark.parametrize("state", ["paused", "stopped", "finished", "failed"])
def test_what_has_ended_stays_as_it_ended(state: str, path: Path):
    put_status(path, state=state, reason="so it is", updated=0.0, pid=1)
    assert (read_run(path).status.state, read_run(path).status.reason) == (state, "so it is")
    assert read_run(path).can_go_on == (state != "finished")


def test_a_request_is_found(path: Path):
    assert read_want(path) == "run"
    for want in ("pause", "stop", "run"):
        ask(path, want)
        assert read_want(path) == want
    (path / "control.json").write_text('{"want": "fly"}')
    assert read_want(path) == "run"


def test_what_nobody_can_do_is_refused(path: Path, tmp_path: Path):
    with pytest.raises(ValueError, match="can be asked to run, pause, stop, but not to 'fly'"):
        ask(path, "fly")
    with pytest.raises(ValueError, match="is not a run folder"):
        ask(tmp_path, "stop")
    assert not (tmp_path / "control.json").exists()


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("run.json", None, r"is not a run folder: it has no run\.json"),
        ("run.json", "{", "is not JSON"),
        ("run.json", "[]", "does not hold the options of a run"),
        ("run.json", '{"data": {"task": "fly"}}', "task must be one of"),
        ("status.json", "[1]", "does not hold the status of a run"),
        ("status.json", '{"state": "flying"}', "no state 'flying'"),
        ("status.json", '{"state": "running", "pid": "x"}', "does not hold the status"),
        ("status.json", "{", "cannot be read"),
        ("log.jsonl", "{}\n", "does not hold the log of a run"),
        ("log.jsonl", "\xff\n", "does not hold the log of a run"),
    ],
)
def test_a_folder_that_is_no_run_is_refused(name: str, text: str | None, message: str, path: Path):
    (path / name).unlink(missing_ok=True)
    if text is not None:
        (path / name).write_text(text, encoding="latin-1")
    with pytest.raises(ValueError, match=message) as refused:
        read_run(path)
    assert str(path) in str(refused.value)


def test_what_is_not_there_is_no_run(tmp_path: Path):
    (tmp_path / "file").write_text("")
    for path in (tmp_path / "nothing", tmp_path / "file", tmp_path):
        with pytest.raises(ValueError, match="is not a run folder"):
            read_run(path)


def test_reading_needs_no_torch():
    program = "import sys, model.training.folder, model.jobs.command; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], cwd=Path(__file__).parents[3]).returncode == 0
