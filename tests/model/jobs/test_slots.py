"""model/jobs/slots.py: the queue. Locks are held by open files, so threads of one process show what processes do."""

import os
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from model.jobs.slots import slot
from model.jobs.stopping import Asked

ROOT = Path(__file__).parents[3]
SOON = 60.0  # seconds; reached only when something is wrong


class Waiting:
    """Somebody who waits for a slot, holds it until told, and knows the places it had."""

    def __init__(self, root: Path, at_most: int) -> None:
        self.asked, self.has_it, self.leave = Asked(), threading.Event(), threading.Event()
        self.seen_place, self.is_next = threading.Event(), threading.Event()
        self.places: list[int] = []
        self.got = False
        self._thread = threading.Thread(target=self._wait, args=(root, at_most), daemon=True)
        self._thread.start()

    def _wait(self, root: Path, at_most: int) -> None:
        with slot(root, at_most, self._at, self.asked) as self.got:
            self.has_it.set()
            self.leave.wait(SOON)

    def _at(self, place: int) -> None:
        if place not in self.places:
            self.places.append(place)
        self.seen_place.set()
        if place == 1:
            self.is_next.set()

    def end(self) -> None:
        self.leave.set()
        self._thread.join(SOON)


def queued(root: Path, at_most: int) -> Waiting:
    waiting = Waiting(root, at_most)
    assert waiting.seen_place.wait(SOON)
    return waiting


def holding(root: Path, at_most: int) -> Waiting:
    waiting = Waiting(root, at_most)
    assert waiting.has_it.wait(SOON)
    return waiting


def test_a_free_slot_is_given_at_once(tmp_path: Path):
    with slot(tmp_path / "runs", 1, lambda place: pytest.fail("there was a slot"), Asked()) as got:
        assert got


def test_so_many_run_and_the_others_wait_their_turn(tmp_path: Path):
    first, second = holding(tmp_path, 2), holding(tmp_path, 2)
    third = queued(tmp_path, 2)
    fourth = queued(tmp_path, 2)
    assert (third.places, fourth.places) == ([1], [2])
    second.end()
    assert third.has_it.wait(SOON)
    assert fourth.is_next.wait(SOON)
    assert not fourth.has_it.is_set()
    first.end()
    assert fourth.has_it.wait(SOON)
    assert fourth.places == [2, 1]
    third.end()
    fourth.end()


def test_who_is_asked_to_stop_waits_no_longer(tmp_path: Path):
    first, second, third = holding(tmp_path, 1), queued(tmp_path, 1), queued(tmp_path, 1)
    second.asked.to("stopped")
    assert second.has_it.wait(SOON)  # the waiting is over,
    assert not second.got  # but there is no slot
    first.end()
    assert third.has_it.wait(SOON)
    assert third.got
    third.end()
    second.end()
    assert [path.name for path in (tmp_path / ".slots").iterdir()] == ["0"]


HOLD = """
import sys
from pathlib import Path
from model.jobs.slots import slot
from model.jobs.stopping import Asked

with slot(Path(sys.argv[1]), 1, lambda place: print("waiting", flush=True), Asked()):
    print("holding", flush=True)
    sys.stdin.read()
"""


@pytest.mark.parametrize("start", [holding, queued])
def test_a_killed_process_leaves_no_gap(start: Callable[[Path, int], Waiting], tmp_path: Path):
    first = holding(tmp_path, 1) if start is queued else None
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path)], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == ("waiting\n" if first else "holding\n")
        last = queued(tmp_path, 1)
        process.kill()
    if first:
        first.end()
    assert last.has_it.wait(SOON)
    last.end()


def test_files_of_others_are_in_nobodys_way(tmp_path: Path):
    (tmp_path / ".slots").mkdir()
    (tmp_path / ".slots" / f"wait-{0:020}-{os.getpid()}").write_text("")  # its process is long gone
    with slot(tmp_path, 1, lambda place: None, Asked()) as got:
        assert got
    assert [path.name for path in (tmp_path / ".slots").iterdir()] == ["0"]


def test_nobody_may_run(tmp_path: Path):
    with (
        pytest.raises(ValueError, match="--at-most is 0"),
        slot(tmp_path / "runs", 0, lambda place: None, Asked()),
    ):
        pass
    assert not (tmp_path / "runs").exists()
