"""What a link, a file or a person brings is shown letter for letter; only a browser tells what it makes of it.

That no page asks another host, at the end of each test, is the fixture's to say.
"""

from __future__ import annotations

from pathlib import Path
from urllib.parse import quote, urlencode, urlsplit

import numpy as np
import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from model.families.shelves import FOLDERS
from model.trace import Trace
from tests.browser.conftest import FIRST_PATIENCE, prepared, served
from viz.look.forcing import BEGINNING

BRINGS = (
    "![x](http://127.0.0.1:8719/a.png) <img src=http://127.0.0.1:8719/b.png> http://127.0.0.1:8719/c "
    "www.another.host me@another.host $\\zeta$ :streamlit: :smile: **b** `c` a -> b"
)
SHORT = "![](//q.r) $z$ www.q.r"
"""As much of it as the small models read."""
LETTERS = "runs/letters"
BOUND = (
    *("checkpoint", "source", "kind", "layer_number", "head_number", "token", "view", "overlay", "zoom", "panel"),
    "together",
    *("scale", "rows", "special", "whole_words", "means", "each_head", "decoder_mode", "prefix", "tokens", "target"),
    *("step", "beam", "length_penalty", "discarded", "atlas_measure", "export_what", "export_format", "part", "off"),
    *("encoding", "positions", "pair", "string", "measure", "six_head", "shuffle", "shift", "chapter", "presentation"),
    *("controls", "uniform", "run", "run_text", "task", "log_loss", "answer_1", "nobody"),
)


def opened(context: BrowserContext, address: str, page_path: str, **query: str) -> Page:
    page = context.new_page()
    page.goto(f"{address}/{page_path}?{urlencode(query, quote_via=quote)}", timeout=FIRST_PATIENCE)
    expect(page.locator(".stApp[data-test-script-state='notRunning']")).to_be_attached(timeout=FIRST_PATIENCE)
    expect(page.locator("h1.headlight")).to_be_visible()
    return page


def inert(page: Page) -> None:
    """Nothing on the page was made of what came from outside."""
    expect(page.get_by_test_id("stException")).to_have_count(0)
    made = page.evaluate("""() => [
        ...[...document.querySelectorAll("a[href]")].filter((a) => new URL(a.href).host !== location.host),
        ...document.querySelectorAll("[data-testid=stMarkdownContainer] img"),
        ...[...document.querySelectorAll(".katex annotation")].filter((one) => /zeta|^z$/.test(one.textContent)),
    ].map((node) => node.outerHTML)""")
    assert made == []


@pytest.mark.parametrize("path", ["", "guide", "anatomy", "positions", "train"])
def test_links_bring_text_and_nothing_else(context: BrowserContext, address: str, path: str):
    page = opened(context, address, path, **dict.fromkeys(BOUND, BRINGS))
    inert(page)
    said = f"The run “{BRINGS}”" if path == "train" else f"The checkpoint “{BRINGS}”"
    alert = page.get_by_test_id("stAlertContentWarning").filter(has_text="in this link").first
    assert said in (alert.text_content() or "")


@pytest.mark.parametrize(
    ("path", "query"),
    [
        ("", {"panel": "Decoder", "decoder_mode": BEGINNING, "prefix": SHORT, "tokens": BRINGS}),
        ("guide", {"chapter": "8"}),
        ("anatomy", {}),
        ("positions", {"part": "Change the positions"}),
    ],
)
def test_a_text_is_text_wherever_it_is_shown(context: BrowserContext, address: str, path: str, query: dict[str, str]):
    page = opened(context, address, path, checkpoint=LETTERS, source=SHORT, **query)
    expect(page.get_by_label("Source sentence")).to_have_value(SHORT)
    inert(page)


def test_a_file_is_named_as_it_is(context: BrowserContext, address: str):
    page = opened(context, address, "", checkpoint=LETTERS)
    page.get_by_role("button", name="Open a file").click()
    name = "www.another.host $z$ ![x](:8719) :smile:.safetensors"
    page.locator("input[type=file]").set_input_files({"name": name, "mimeType": "", "buffer": b"no weights"})
    beside = page.get_by_test_id("stPopoverBody")  # the file, where one looks
    expect(beside.get_by_test_id("stAlertContentError")).to_contain_text("This file cannot be opened.")
    inert(page)


EVIL = "<img src=x onerror=document.title='hit'> $\\zeta$ **b** www.another.host"
NAMES = (EVIL, "[l](..) ![i](q.png) `c` :smile: # h", "\\(z\\) $$z$$ a$z$b", "x" * 200, "مرحبا \u202eabc", "two\nlines")


def test_a_card_says_what_stands_there(tmp_path: Path, chromium: Browser):
    """Folders and files whose names mean harm, and classes in one."""
    folders = pytest.importorskip("tests.model.families.folders")
    port = prepared(tmp_path)
    name = "a " + EVIL
    folders.make(tmp_path / "shelf" / name, "bert base", architectures=[EVIL])
    for one in NAMES:
        Trace.of(np.ones((1, 1, 1, 1)), ("a",), name=one).save(tmp_path / "shelf" / f"{one}.trace.safetensors")
    context = chromium.new_context(viewport={"width": 1440, "height": 900})
    asked: list[str] = []
    context.on("request", lambda request: asked.append(request.url))
    with served(tmp_path, port, **{FOLDERS: str(tmp_path / "shelf")}):
        address = f"http://localhost:{port}"
        page = opened(context, address, "", checkpoint=f"shelf/{name}", source=EVIL)
        expect(page.get_by_label("Text: type your own", exact=True)).to_have_value(EVIL)
        inert(page)
        page = opened(context, address, "checkpoints", checkpoint=f"shelf/{name}")
        expect(page.get_by_text(EVIL).first).to_be_visible()
        for one in NAMES:
            choose(page, f"shelf/{one}.trace.safetensors")
            cell = page.locator(".st-key-cards td").nth(1)
            expect(cell).to_have_text(f"{one}.trace")
            assert cell.evaluate("cell => cell.getBoundingClientRect().right <= innerWidth / 2")  # not cut
            inert(page)
            assert page.title() != "hit"
    assert {urlsplit(url).netloc for url in asked if url.startswith("http")} == {f"localhost:{port}"}
    context.close()


def choose(page: Page, name: str) -> None:
    """Choose a checkpoint in the list, where it stands as it is called."""
    page.get_by_label("Checkpoint", exact=True).fill("shelf/")
    options = page.get_by_role("option")
    expect(options).to_have_count(len(NAMES) + 1)
    options.nth(options.all_text_contents().index(name)).click()
