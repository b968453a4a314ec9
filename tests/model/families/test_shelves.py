"""Where models may be opened from: what the owner of a server allows, and nothing beside it."""

import re
import shutil
from pathlib import Path

import pytest

from model.checkpoint import CheckpointError, load
from model.families import shelves
from model.families.shelves import NotAllowedError
from tests.model.families.folders import make


@pytest.fixture(scope="module")
def bert(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("made") / "bert"
    make(path, "bert")
    return path


@pytest.fixture
def shelf(bert: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "shelf"
    shutil.copytree(bert, folder / "a" / "bert")
    (folder / "one.trace.safetensors").touch()
    (folder / ".hidden").mkdir()
    (folder / ".hidden" / "config.json").touch()
    deep = folder / "1" / "2" / "3" / "4"
    deep.mkdir(parents=True)
    (deep / "config.json").touch()
    monkeypatch.setenv(shelves.FOLDERS, str(folder))
    return folder


def test_nothing_is_offered_unless_allowed(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv(shelves.FOLDERS, raising=False)
    monkeypatch.delenv(shelves.HUB, raising=False)
    assert shelves.offered() == {}


def test_folders_and_traces_are_offered_by_names_that_tell_no_path(shelf: Path):
    found = {"shelf/one.trace.safetensors": str(shelf / "one.trace.safetensors"), "shelf/a/bert": str(shelf / "a/bert")}
    assert shelves.offered() == found
    for path in found.values():
        shelves.require_allowed(path)


def test_what_is_not_there_is_passed_over(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setenv(shelves.FOLDERS, str(tmp_path / "none"))
    assert shelves.offered() == {}


@pytest.mark.parametrize("which", ["a folder", "a file in it", "a file further down", "a trace", "described weights"])
def test_a_symbolic_link_that_leads_out(which: str, shelf: Path, bert: Path, tmp_path: Path):
    if which == "a folder":
        link = shelf / "linked"
        link.symlink_to(bert)
    elif which == "a file in it":
        link = shelf / "a" / "bert"
        (link / "model.safetensors").unlink()
        (link / "model.safetensors").symlink_to(bert / "model.safetensors")
    elif which == "a file further down":
        link = shelf / "a" / "bert"
        (link / "more").mkdir()
        (link / "more" / "template").symlink_to(bert / "config.json")
    elif which == "described weights":
        link = shelf / "mine.json"
        link.write_text('{"format": "torch.nn.Transformer", "weights": "mine.safetensors"}')
        (shelf / "mine.safetensors").symlink_to(bert / "model.safetensors")
    else:
        outside = tmp_path / "outside"
        outside.touch()
        link = shelf / "linked.trace.safetensors"
        link.symlink_to(outside)
    assert str(link) in shelves.offered().values()  # so that it can be said why it is not opened
    with pytest.raises(NotAllowedError, match="points outside shelf, the folder that this server may read"):
        shelves.require_allowed(str(link))


def test_a_path_that_leads_out(shelf: Path):
    with pytest.raises(NotAllowedError, match="points outside shelf"):
        shelves.require_allowed(str(shelf / ".." / ".." / "bert"))


def test_a_link_within_the_folder_is_fine(shelf: Path):
    (shelf / "again").symlink_to(shelf / "a" / "bert")
    shelves.require_allowed(str(shelf / "again"))


@pytest.fixture
def cache(bert: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache as Hugging Face's programs leave it, with links to files that are kept once."""
    repository = tmp_path / "hub" / "models--some-one--tiny-bert"
    snapshot = repository / "snapshots" / "0123abc"
    snapshot.mkdir(parents=True)
    (repository / "blobs").mkdir()
    for number, file in enumerate(sorted(bert.iterdir())):
        shutil.copy(file, repository / "blobs" / str(number))
        (snapshot / file.name).symlink_to(repository / "blobs" / str(number))
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hub"))
    return snapshot


def test_a_model_id_when_hub_access_is_off(cache: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv(shelves.HUB, raising=False)
    assert shelves.offered() == {}
    message = "Hugging Face model ids may not be opened here (whoever runs this server can set HEADLIGHT_HUB=1)"
    with pytest.raises(CheckpointError, match=re.escape(message)):
        load("some-one/tiny-bert")


def test_a_model_id_of_the_cache(cache: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv(shelves.HUB, "1")
    assert shelves.offered() == {"some-one/tiny-bert": "some-one/tiny-bert"}
    assert load("some-one/tiny-bert").name == "some-one/tiny-bert"
    with pytest.raises(CheckpointError, match="nor the id of a model in this machine's Hugging Face cache"):
        load("some-one/else")


@pytest.mark.parametrize("name", ["../tiny-bert", "some-one/..", "a/b/c", "", "some one/x"])
def test_what_is_no_model_id(name: str, cache: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv(shelves.HUB, "1")
    assert shelves.in_hub_cache(name) is None
