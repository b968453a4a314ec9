"""A checkpoint gets a name of its own."""

from pathlib import Path

import pytest

from model import checkpoint
from model.jobs.publish import publish
from tests.helpers import save_letters


def test_a_published_checkpoint_opens_and_the_runs_is_still_there(tmp_path: Path):
    save_letters(tmp_path / "copy-1/best.safetensors")
    folder = publish(tmp_path / "copy-1/best.safetensors", tmp_path, "My copy, no".replace(",", ""))
    assert folder == tmp_path / "published/My copy no"
    assert checkpoint.load(folder).digest == checkpoint.load(tmp_path / "copy-1").digest
    assert [path.name for path in (tmp_path / "published").iterdir()] == ["My copy no"]


def test_nothing_is_overwritten(tmp_path: Path):
    first, second = tmp_path / "1", tmp_path / "2"
    first.write_bytes(b"first")
    second.write_bytes(b"second")
    folder = publish(first, tmp_path, "name")
    with pytest.raises(ValueError, match="the name 'name' is taken"):
        publish(second, tmp_path, "name")
    assert (folder / "best.safetensors").read_bytes() == b"first"
    assert [path.name for path in (tmp_path / "published").iterdir()] == ["name"]


@pytest.mark.parametrize("name", ["", ".hidden", "../out", "a/b", "a" * 61, " ", "end ", "new\nline"])
def test_a_name_that_is_none(tmp_path: Path, name: str):
    (tmp_path / "1").write_bytes(b"")
    with pytest.raises(ValueError, match="a name has up to 60 letters"):
        publish(tmp_path / "1", tmp_path, name)
    assert list(tmp_path.iterdir()) == [tmp_path / "1"]


def test_a_checkpoint_that_is_gone(tmp_path: Path):
    with pytest.raises(ValueError, match="there is no checkpoint"):
        publish(tmp_path / "gone", tmp_path, "name")
    assert list((tmp_path / "published").iterdir()) == []
