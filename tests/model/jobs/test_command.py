"""model/jobs/command.py as processes: they wait, pause, are killed, lose their parent, and run out of room."""

import json
import os
import resource
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from model import checkpoint
from model.jobs.command import why
from model.training.folder import RunView, ask, read_run

ROOT = Path(__file__).parents[3]
SMALL = [
    *("--task", "reverse", "--examples", "97", "--n-layers", "1", "--n-heads", "3", "--d-model", "6", "--d-ff", "7"),
    *("--max-len", "23", "--batch-tokens", "200", "--dropout", "0.2", "--average", "0.5", "--device", "cpu"),
]
ENDLESS = [*SMALL, "--steps", "1000000", "--validate-every", "1000000", "--checkpoint-every", "1000000"]
ENVIRONMENT = {**os.environ, "OMP_NUM_THREADS": "1"}
PATIENCE = 300.0  # seconds; reached only when something is wrong


def command(folder: Path, *options: str) -> list[str]:
    return [sys.executable, "-m", "model", "train", "--out", str(folder), *options]


@contextmanager
def started(folder: Path, *options: str, **popen: Any) -> Iterator[subprocess.Popen[str]]:
    """A training that is killed in the end, if it has not ended."""
    with subprocess.Popen(
        command(folder, *options),
        **{"cwd": ROOT, "env": ENVIRONMENT, "stdin": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True, **popen},
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def finished(folder: Path, *options: str, **popen: Any) -> tuple[int, str]:
    """Status and errors of a training that ends by itself."""
    with started(folder, *options, **popen) as process:
        errors = process.communicate(timeout=PATIENCE)[1]
    return process.returncode, errors


def seen(folder: Path, condition: Callable[[RunView], bool]) -> RunView:
    """The run, once it is so."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        if (folder / "run.json").exists() and condition(view := read_run(folder)):
            return view
        time.sleep(0.05)
    raise AssertionError(f"it never came to be so: {read_run(folder).status}")


def trains(view: RunView) -> bool:
    return view.status.state == "running" and len(view.log) > 0


def test_a_pause_can_be_taken_and_ended(tmp_path: Path):
    folder = tmp_path / "run"
    with started(folder, *ENDLESS) as process:
        view = seen(folder, trains)
        assert (view.status.pid, view.status.steps) == (process.pid, 1_000_000)
        ask(folder, "pause")
        assert process.wait(PATIENCE) == 130
    paused = read_run(folder)
    assert paused.status.state == "paused"
    assert paused.status.step == checkpoint.load(folder / "last.safetensors").training["step"] > 0
    with started(folder, "--resume") as process:
        seen(folder, lambda view: trains(view) and view.status.step > paused.status.step)
        assert finished(folder, "--resume")[0] == 2  # one process is enough
        ask(folder, "stop")
        assert process.wait(PATIENCE) == 130
    assert read_run(folder).status.state == "stopped"


def test_the_status_tells_the_pace(tmp_path: Path):
    with started(tmp_path / "run", *ENDLESS):
        view = seen(tmp_path / "run", lambda view: view.status.step > 1)
        later = seen(tmp_path / "run", lambda later: later.status.updated > view.status.updated)
    assert view.status.tokens_per_second > 0
    assert view.status.seconds_left is not None
    assert view.status.seconds_left > 0
    assert later.status.step > view.status.step


STEPS = 211
WHOLE = [*SMALL, "--steps", str(STEPS), "--validate-every", "47", "--checkpoint-every", "37", "--keep-every", "67"]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that nobody killed."""
    folder = tmp_path_factory.mktemp("runs") / "whole"
    assert finished(folder, *WHOLE)[0] == 0
    return folder


@pytest.mark.parametrize("moment", ["before it saved", "after it saved"])
def test_a_killed_run_ends_in_the_weights_of_one_that_was_not(moment: str, whole: Path, tmp_path: Path):
    folder = tmp_path / "killed"
    with started(folder, *WHOLE) as process:
        if moment == "before it saved":
            seen(folder, trains)
        else:
            while not (folder / "state.safetensors").exists():
                assert process.poll() is None
                time.sleep(0.002)
        process.kill()
    killed = read_run(folder)
    assert killed.status.state == "failed"
    assert "killed" in killed.status.reason
    assert killed.status.step < STEPS
    assert (folder / "state.safetensors").exists() == (moment == "after it saved")
    status, errors = finished(folder, "--resume")
    assert status == 0, errors
    assert read_run(folder).status.state == "finished"
    assert files(folder) == files(whole)
    assert losses(folder) == losses(whole)


def files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*.safetensors")}


def losses(folder: Path) -> list[tuple[int, float, float | None]]:
    return [(point.step, point.loss, point.valid_loss) for point in read_run(folder).log]


def test_a_run_waits_its_turn(tmp_path: Path):
    queue = ["--queue", str(tmp_path), "--at-most", "1"]
    first, second, third = (tmp_path / name for name in ("first", "second", "third"))
    with started(first, *ENDLESS, *queue):
        seen(first, trains)
        with started(second, *ENDLESS, *queue) as waiting, started(third, *SMALL, "--steps", "3", *queue) as last:
            places = {seen(path, lambda view: view.status.place > 0).status.place for path in (second, third)}
            assert 1 in places
            assert seen(third, lambda view: view.status.state == "queued").log == ()
            ask(second, "pause")
            assert waiting.wait(PATIENCE) == 130
            assert read_run(second).status.state == "paused"
            seen(third, lambda view: view.status.place == 1)
            ask(first, "stop")
            assert last.wait(PATIENCE) == 0
    assert read_run(third).status.state == "finished"
    with started(second, "--resume", *queue):  # it had not begun
        seen(second, trains)


@pytest.mark.parametrize("when", ["training", "queued"])
def test_no_process_outlives_the_program_that_started_it(when: str, tmp_path: Path):
    folder = tmp_path / "run"
    queue = ["--queue", str(tmp_path)]
    with started(tmp_path / "other", *ENDLESS, *(queue if when == "queued" else [])):
        seen(tmp_path / "other", trains)
        with started(folder, *ENDLESS, "--stop-with-parent", *(queue if when == "queued" else [])) as process:
            seen(folder, trains if when == "training" else lambda view: view.status.place > 0)
            assert process.stdin is not None
            process.stdin.close()
            assert process.wait(PATIENCE) == 130
    view = read_run(folder)
    assert (view.status.state, view.status.reason) == ("stopped", "the program that started it has ended")
    assert (view.best is not None) == (when == "training")


PARENT = """
import subprocess, sys
child = subprocess.Popen(sys.argv[1:], stdin=subprocess.PIPE)
print(child.pid, flush=True)
child.wait()
"""


def test_a_killed_parent_takes_its_training_along(tmp_path: Path):
    folder = tmp_path / "run"
    with subprocess.Popen(
        [sys.executable, "-c", PARENT, *command(folder, *ENDLESS, "--stop-with-parent")],
        **{"cwd": ROOT, "env": ENVIRONMENT, "stdout": subprocess.PIPE, "text": True},
    ) as parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        try:
            seen(folder, trains)
            parent.kill()
            view = seen(folder, lambda view: not view.status.alive)
        finally:
            if Path(f"/proc/{pid}").exists():
                os.kill(pid, signal.SIGKILL)
    assert (view.status.state, view.status.pid) == ("stopped", pid)
    assert checkpoint.load(folder).training["step"] == view.status.step


def test_a_loss_that_is_no_number_is_a_reason(tmp_path: Path):
    options = ["--learning-rate", "1e30", "--warmup", "0", "--checkpoint-every", "1", "--steps", "99"]
    status, errors = finished(tmp_path / "run", *SMALL, *options)
    assert status == 2
    assert "Traceback" not in errors
    view = read_run(tmp_path / "run")
    assert view.status.state == "failed"
    assert "a smaller learning_rate than 1e+30" in view.status.reason
    assert view.best is not None  # the last good one


def little_memory() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (1200 * 2**20, 1200 * 2**20))


@pytest.mark.skipif(sys.platform != "linux", reason="the limit is kept on Linux only")
def test_too_little_memory_is_a_reason(tmp_path: Path):
    options = ["--d-model", "1536", "--d-ff", "8192", "--n-layers", "3", "--steps", "2"]
    status, errors = finished(tmp_path / "run", *SMALL, *options, preexec_fn=little_memory)
    assert status == 2, errors
    assert "Traceback" not in errors
    assert "there is not enough memory; use fewer --batch-tokens or a smaller model" in errors
    assert read_run(tmp_path / "run").status.state == "failed"
    assert "not enough memory" in read_run(tmp_path / "run").status.reason


TINY_DISK = """
mkdir "$1" && mount -t tmpfs -o size=200k tmpfs "$1" && shift || exit 77
"$@"; code=$?
cp -r "$OUT" "$KEPT"; exit $code
"""


def test_a_full_disk_is_a_reason(tmp_path: Path):
    disk, kept = tmp_path / "disk", tmp_path / "kept"
    training = command(disk / "run", *SMALL, "--steps", "9999", "--checkpoint-every", "20", "--keep-every", "20")
    try:
        done = subprocess.run(
            ["unshare", "-Urm", "sh", "-c", TINY_DISK, "sh", str(disk), *training],
            **{"cwd": ROOT, "capture_output": True, "text": True, "timeout": PATIENCE},
            env={**ENVIRONMENT, "OUT": str(disk / "run"), "KEPT": str(kept)},
        )
    except FileNotFoundError:
        pytest.skip("there is no command `unshare` to make a small disk with")
    if done.returncode in (1, 77) and not kept.exists():
        pytest.skip(f"this user may not make a small disk: {done.stderr}")
    assert done.returncode == 2, done.stderr
    assert "error: the disk is full; free some space" in done.stderr
    view = read_run(kept)
    assert view.status.state == "failed"
    assert view.status.reason.startswith("the disk is full")
    assert list(kept.rglob(".*")) == []  # nothing half written
    assert all(checkpoint.load(path).training["step"] == step for step, path in view.checkpoints)
    assert checkpoint.load(kept).training["step"] > 0
    shutil.rmtree(kept / "checkpoints")  # make room
    ask(kept, "run")
    with started(kept, "--resume"):
        assert seen(kept, lambda view: trains(view) and view.status.step > 20)


@pytest.mark.parametrize("process", [signal.SIGTERM, signal.SIGINT])
def test_a_polite_kill_is_told_from_a_failure(process: signal.Signals, tmp_path: Path):
    with started(tmp_path / "run", *ENDLESS) as training:
        seen(tmp_path / "run", trains)
        training.send_signal(process)
        assert training.wait(PATIENCE) == 130
    view = read_run(tmp_path / "run")
    assert (view.status.state, view.status.reason) == ("stopped", f"it was sent the signal {process.name}")


def test_an_unforeseen_error_has_its_name():
    assert why(KeyError("x")) == "KeyError: 'x'"
    assert why(RuntimeError("DefaultCPUAllocator: can't allocate memory")).startswith("there is not enough memory")


def test_what_was_wrong_from_the_beginning_leaves_no_folder(tmp_path: Path):
    for queue in ([], ["--queue", str(tmp_path / "runs")]):
        status, errors = finished(tmp_path / "runs" / "run", *SMALL, *queue, "--n-heads", "4")
        assert status == 2
        assert errors == "error: d_model must be divisible by n_heads, but d_model is 6 and n_heads is 4\n"
        assert not (tmp_path / "runs").exists()


def test_what_was_wrong_with_a_run_that_others_watch_stays_to_be_read(tmp_path: Path):
    status, errors = finished(tmp_path / "runs" / "run", *SMALL, "--max-len", "1", "--queue", str(tmp_path / "runs"))
    assert status == 2
    view = read_run(tmp_path / "runs" / "run")
    assert view.status.state == "failed"
    assert view.status.reason == "of 97 training pairs, none fits max_len 1; a larger --max-len accepts longer ones"
    assert view.status.reason in errors


def test_two_processes_learn_what_one_does(tmp_path: Path):
    """Started as the README says; each architecture in turn would take its time, so test_distributed.py has them."""
    options = [*SMALL, "--dropout", "0", "--steps", "40", "--warmup", "5", "--validate-every", "20"]
    assert finished(tmp_path / "one", *options)[0] == 0
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", "-m", "model"]
    arguments = command(tmp_path / "two", *options)[3:]
    done = subprocess.run(
        [*torchrun, *arguments], cwd=ROOT, env=ENVIRONMENT, capture_output=True, text=True, timeout=PATIENCE
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["steps"] == 40  # once: the first process does the talking
    one, two = (read_run(tmp_path / name) for name in ("one", "two"))
    assert [point.step for point in one.log] == [point.step for point in two.log]
    assert [point.n_tokens for point in one.log] == [point.n_tokens for point in two.log]
    for point, other in zip(one.log, two.log, strict=True):
        assert point.loss == pytest.approx(other.loss, abs=1e-3)
        assert point.valid_loss == pytest.approx(other.valid_loss, abs=1e-3)
    assert two.status.state == "finished"
    assert not list((tmp_path / "two").rglob(".*"))
