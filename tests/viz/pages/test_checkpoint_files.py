"""What lies on disk changes while pages are open: the one concerned reads what happened, the others notice nothing."""

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import streamlit as st
import torch
from streamlit.testing.v1 import AppTest

from model import checkpoint
from tests.helpers import save_letters, save_words
from tests.viz.helpers import app_on, at, pictures, ran
from tests.viz.pages.test_live import asked
from viz.pages import PAGES
from viz.state import opening

NAME, OTHER = "runs/mine", "runs/other"
CARRYING = [page.name for page in PAGES if "head" in page.carries]


@pytest.fixture(autouse=True)
def _folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    threads = torch.get_num_threads()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(checkpoint, "PRETRAINED", tmp_path / "pretrained")
    save_letters(Path(NAME, "best.safetensors"))
    save_letters(Path(OTHER, "best.safetensors"))
    yield
    st.cache_resource.clear()
    torch.set_num_threads(threads)


def messages(app: AppTest) -> str:
    return "\n".join(one.value for one in (*app.error, *app.warning, *app.info))


def typed(app: AppTest, text: str) -> AppTest:
    app.text_input(key="source").set_value(text)
    return ran(app)


def truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-100])


HARMS: dict[str, Callable[[Path], object]] = {
    "taken away": Path.unlink,
    "its folder taken away": lambda path: shutil.rmtree(path.parent),
    "emptied": lambda path: path.write_bytes(b""),
    "cut off": truncate,
    "another file": lambda path: path.write_bytes(b"not a checkpoint at all"),
    "a folder": lambda path: (path.unlink(), path.mkdir()),
}


@pytest.mark.parametrize("harm", HARMS)
def test_a_checkpoint_that_is_open(harm: str):
    one = typed(ran(app_on(checkpoint=NAME)), "dog")
    other = typed(ran(app_on(checkpoint=OTHER)), "dog")
    HARMS[harm](Path(NAME, "best.safetensors"))
    name = pictures(one)["follow"]["visitor"]
    status, data = asked(json.dumps({"visitor": name, "text": "dogs"}).encode())
    assert (status, data["text"]) == (200, "dogs")  # it is still in memory
    said = messages(ran(one))
    assert "mine" in said
    assert "Traceback" not in said
    assert pictures(typed(other, "cat"))["text"] == "cat"


@pytest.mark.parametrize("page", CARRYING)
def test_a_link_to_a_checkpoint_that_was_damaged(page: str):
    truncate(Path(NAME, "best.safetensors"))
    app = ran(at(app_on(checkpoint=NAME), page) if page != PAGES[0].name else app_on(checkpoint=NAME))
    assert "cannot be opened" in messages(app)


def test_a_checkpoint_that_changed_is_read_again():
    app = ran(app_on(checkpoint=NAME))
    before = opening.open_shared(NAME)
    save_words(Path(NAME, "best.safetensors"))
    assert opening.open_shared(NAME).digest != before.digest
    assert pictures(typed(app, "A red ball"))["output"]["label"] == "Translation"
