"""model/files.py: whole, or not there."""

import os
import stat
from pathlib import Path

import pytest

from model.files import remove_unfinished, write_whole


def names(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()]


def test_it_takes_the_place_of_the_old_one_and_may_be_read_by_whom_a_new_file_may(tmp_path: Path):
    (tmp_path / "plain").write_bytes(b"")
    for data in (b"old", b"new"):
        write_whole(tmp_path / "a.json", data)
        assert (tmp_path / "a.json").read_bytes() == data
    modes = {stat.S_IMODE((tmp_path / name).stat().st_mode) for name in ("plain", "a.json")}
    assert len(modes) == 1
    assert sorted(names(tmp_path)) == ["a.json", "plain"]


@pytest.mark.parametrize("broken", ["fsync", "replace"])
def test_an_error_leaves_the_old_one_and_nothing_else(broken: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    write_whole(tmp_path / "a", b"old")
    monkeypatch.setattr(*((os, "fsync") if broken == "fsync" else (Path, "replace")), fail)
    with pytest.raises(OSError, match="No space left"):
        write_whole(tmp_path / "a", b"new")
    assert (tmp_path / "a").read_bytes() == b"old"
    assert names(tmp_path) == ["a"]


def test_what_a_killed_process_left_is_removed_and_nothing_of_anybody_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(Path, "replace", lambda *_: os._exit(0))
    if (child := os.fork()) == 0:
        write_whole(tmp_path / "state.safetensors", b"new")
    os.waitpid(child, 0)
    (left,) = names(tmp_path)
    others = [".my-notes", ".state-abcdefgh", ".a.unfinished", left[1:], ".ipynb_checkpoints"]
    for name in others:
        (tmp_path / name).write_text("mine")
    (tmp_path / ".folder.01234567.unfinished").mkdir()
    remove_unfinished(tmp_path)
    assert sorted(names(tmp_path)) == sorted([*others, ".folder.01234567.unfinished"])
