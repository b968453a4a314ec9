"""What viz.notebook gives, in a real browser without a network: a saved page, and the cells of an exported notebook."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from nbconvert import HTMLExporter
from nbformat.v4 import new_code_cell, new_notebook, new_output
from playwright.sync_api import Browser, FrameLocator, Page, expect

from model.trace import Trace
from tests.viz.helpers import random_map
from viz.notebook import explore

Open = Callable[..., Page]
TOKENS, WORDS = ("<s>", " une", " fille"), (" a", " girl")


@pytest.fixture
def offline(chromium: Browser) -> Iterator[Open]:
    """Open a file without a network; at the end it must have asked for nothing and complained of nothing."""
    asked: list[str] = []
    complaints: list[str] = []

    def opened(path: Path, *, theme: str = "light") -> Page:
        context = chromium.new_context(offline=True, color_scheme="dark" if theme == "dark" else "light")
        page = context.new_page()
        context.on("request", lambda request: asked.append(request.url))
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto(path.as_uri())
        return page

    yield opened
    assert [url for url in asked if not url.startswith(("file:", "about:", "data:", "blob:"))] == []
    assert complaints == []


def three_kinds() -> Trace:
    written = (" une", " fille", "</s>")
    return Trace(
        model_name="m",
        maps=(
            random_map(WORDS, kind="encoder"),
            random_map(TOKENS, kind="decoder", predicted_tokens=written),
            random_map(TOKENS, WORDS, predicted_tokens=written),
        ),
        source="a girl",
        target="une fille",
    )


def hover(shown: Page | FrameLocator, row: int, column: int) -> None:
    """Point at the middle of a cell of the large heatmap."""
    heatmap = shown.locator(".head-map")
    expect(heatmap.locator("canvas")).to_be_visible()
    x, y = heatmap.evaluate(
        "({ map: { place } }, [row, column]) => [place.x(column + 0.5), place.y(row + 0.5)]", [row, column]
    )
    heatmap.hover(position={"x": x, "y": y})


def test_a_saved_page_shows_every_kind_head_and_view(offline: Open, tmp_path: Path):
    trace = three_kinds()
    explore(trace).save(tmp_path / "attention.html")
    page = offline(tmp_path / "attention.html")
    words, tip = page.locator(".words"), page.locator(".head-map .tip")
    expect(words).to_contain_text("Cross-attention, layer")
    overview = page.locator(".overview canvas")
    overview.focus()
    for _ in range(2):
        for key in ("ArrowUp", "ArrowLeft"):
            page.keyboard.press(key)
    expect(words).to_contain_text("Cross-attention, layer 1, head 1.")
    hover(page, 1, 0)
    weight = trace.map("cross").pattern[0, 0, 1, 0]
    expect(tip).to_contain_text("“fille” looks at “a”")
    (said,) = re.findall(r"\((\d\.\d{3})\)", tip.inner_text())
    assert abs(float(said) - weight) < 1e-3

    page.get_by_role("button", name="Encoder self-attention").click()
    expect(words).to_contain_text("Encoder self-attention")
    page.get_by_role("button", name="Lines", exact=True).click()
    expect(page.locator(".links .queries .token")).to_have_text(["a", "girl"])
    page.locator(".links .legend button").filter(has_text="+").first.click()
    expect(page.locator('.links .legend [aria-pressed="true"]')).to_have_count(2)
    page.get_by_role("button", name="Text", exact=True).click()
    page.locator(".links .queries .token").nth(1).click()
    expect(words).to_contain_text("“girl” looks at")


def test_it_is_dark_where_the_browser_is(offline: Open, tmp_path: Path):
    explore(three_kinds()).save(tmp_path / "attention.html")
    page = offline(tmp_path / "attention.html", theme="dark")
    expect(page.locator("html")).to_have_css("background-color", "rgb(14, 17, 23)")
    expect(page.locator(".notebook .text")).to_have_css("color", "rgb(250, 250, 250)")


@pytest.mark.parametrize(("theme", "expected"), [("dark", "rgb(14, 17, 23)"), ("light", "rgb(255, 255, 255)")])
def test_the_cells_of_an_exported_notebook(offline: Open, tmp_path: Path, theme: str, expected: str):
    long = Trace.of(np.eye(40, dtype=np.float32)[None, None], [f" w{i}" for i in range(40)])
    cells = [
        new_code_cell("", outputs=[new_output("execute_result", {"text/html": explore(trace)._repr_html_()})])
        for trace in (three_kinds(), long)
    ]
    exporter = HTMLExporter(template_name="lab", theme=theme, require_js_url="", mathjax_url="", jquery_url="")
    text, _ = exporter.from_notebook_node(new_notebook(cells=cells))
    assert isinstance(text, str)
    (tmp_path / "notebook.html").write_text(text, encoding="utf-8")
    page = offline(tmp_path / "notebook.html")
    first, second = (page.frame_locator("iframe").nth(i) for i in (0, 1))
    expect(first.locator("html")).to_have_css("background-color", expected)
    hover(second, 7, 7)
    expect(second.locator(".head-map .tip")).to_have_text("“w7” looks at “w7”: 100% of its attention (1.000).")
    expect(first.locator(".words")).to_contain_text("Cross-attention, layer")
    frame, inner = page.locator("iframe").first.bounding_box(), first.locator("body").bounding_box()
    assert frame is not None
    assert inner is not None
    assert 0 <= frame["height"] - inner["height"] < 40  # as high as what is in it
