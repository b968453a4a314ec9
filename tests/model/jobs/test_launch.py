"""Trainings that a server starts."""

import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from model.__main__ import parser
from model.config import ARCHITECTURES, MEANINGLESS, TrainConfig
from model.jobs.launch import Launcher, arguments, check_name, free_name, reserve
from model.jobs.limits import Limits
from model.training.data import DataConfig
from model.training.folder import read_run
from tests.model.helpers import tiny

PATIENCE = 120  # seconds; the machine may have other work
DATA = DataConfig(task="reverse", examples=101)
LONG, SHORT = TrainConfig(steps=50_000, batch_tokens=211, validate_every=50_000), TrainConfig(steps=3, batch_tokens=211)


@pytest.fixture
def launcher(tmp_path: Path) -> Iterator[Launcher]:
    """One for a single training at a time and one that waits; its processes end with the test."""
    started = Launcher(tmp_path / "runs", Limits(at_once=1, queued=1))
    yield started
    for process in started._processes.values():
        process.kill()
        process.wait()


def soon(holds: Callable[[], object]) -> bool:
    give_up = time.monotonic() + PATIENCE
    while time.monotonic() < give_up:
        try:
            if holds():
                return True
        except ValueError:
            pass  # there is no run yet
        time.sleep(0.05)
    return False


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_the_command_says_what_the_configs_say(architecture: str):
    model = tiny(architecture=architecture, d_ff=38, **MEANINGLESS.get(architecture, {}))
    options = vars(parser().parse_args(["train", "--out=x", *arguments(DATA, model, LONG)]))
    assert options["architecture"] == architecture
    assert (options["task"], options["examples"], options["d_ff"]) == ("reverse", 101, 38)
    assert (options["steps"], options["learning_rate"]) == (50_000, LONG.learning_rate)
    assert "vocab_size" not in options  # a task has its own
    names = ("source", "target", "valid_source", "valid_target")
    files: dict[str, Any] = {name: [f"{name} file.txt", f"another {name}.txt"] for name in names}
    options = vars(parser().parse_args(["train", "--out=x", *arguments(DataConfig(**files), model, LONG)]))
    assert {name: options[name] for name in files} == files
    assert options["vocab_size"] == 263
    assert "examples" not in options


def test_a_training_runs_to_its_end(launcher: Launcher):
    folder = reserve(launcher.root, "a run")
    launcher.start(folder, DATA, tiny(), SHORT)
    assert launcher.is_at(folder)
    assert soon(lambda: read_run(folder).status.state == "finished"), (folder / "output.txt").read_text()
    assert soon(lambda: launcher.running() == 0)
    assert not launcher.is_at(folder)


def test_it_ends_when_the_server_is_gone(launcher: Launcher):
    folder = reserve(launcher.root, "orphan")
    launcher.start(folder, DATA, tiny(), LONG)
    assert soon(lambda: read_run(folder).status.step > 0), (folder / "output.txt").read_text()
    (process,) = launcher._processes.values()
    assert process.stdin is not None
    os.close(process.stdin.fileno())  # as the system does with all that a process had open
    process.stdin = None
    process.wait(PATIENCE)
    assert read_run(folder).status.state == "stopped"
    assert (folder / "state.safetensors").is_file()
    launcher.resume(folder)
    assert soon(lambda: read_run(folder).status.state == "running"), (folder / "output.txt").read_text()


def test_no_more_wait_than_may_and_nobody_trains_a_run_twice(launcher: Launcher):
    folders = [reserve(launcher.root, name) for name in ("a", "b", "c")]
    for folder in folders[:2]:
        launcher.start(folder, DATA, tiny(), LONG)
    with pytest.raises(ValueError, match="2 runs are already running or waiting here, the most allowed"):
        launcher.start(folders[2], DATA, tiny(), LONG)
    assert list(folders[2].iterdir()) == []
    with pytest.raises(ValueError, match="2 runs are already running"):
        launcher.resume(folders[0])
    launcher.limits = Limits(at_once=1, queued=2)
    with pytest.raises(ValueError, match="a process is already working on the run 'a'"):
        launcher.resume(folders[0])


def test_a_server_may_start_none(tmp_path: Path):
    launcher = Launcher(tmp_path, Limits(at_once=0))
    with pytest.raises(ValueError, match="HEADLIGHT_AT_ONCE"):
        launcher.start(reserve(tmp_path, "a"), DATA, tiny(), SHORT)


def test_names(tmp_path: Path):
    assert [check_name(name) for name in ("a", "Été 2.1_b-c")] == ["a", "Été 2.1_b-c"]
    assert free_name(tmp_path / "runs", "copy") == "copy-1"
    reserve(tmp_path / "runs", "copy-1")
    assert free_name(tmp_path / "runs", "copy") == "copy-2"
    with pytest.raises(ValueError, match="there is already a run called 'copy-1'"):
        reserve(tmp_path / "runs", "copy-1")
    for name in ("", "a/b", "..", "a\\b", "published", "a" * 61, "a\n"):
        with pytest.raises(ValueError, match="name"):
            check_name(name)
