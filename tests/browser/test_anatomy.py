"""The page Anatomy in a real browser: every step is drawn, and says what it was made from."""

import re
from urllib.parse import urlencode

from playwright.sync_api import BrowserContext, Page, expect

from tests.browser.conftest import FIRST_PATIENCE, arrived
from tests.browser.test_live import Line


def visit(context: BrowserContext, address: str, page: Page | None = None, **query: str) -> Page:
    page = page or context.new_page()
    given = {"checkpoint": "runs/words", "source": "A red ball", **query}
    page.goto(f"{address}/anatomy?{urlencode(given)}", timeout=FIRST_PATIENCE)
    expect(page.get_by_text(re.compile("All \\d+ steps agree"))).to_be_visible(timeout=FIRST_PATIENCE)
    return arrived(page)


PAINTED = """canvas => canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data.some(Boolean)"""


def test_every_step_is_drawn(context: BrowserContext, address: str):
    for kind in ("Encoder self", "Decoder self", "Cross"):
        page = visit(context, address, kind=kind)
        steps = page.locator(".strip > canvas")
        expect(steps.first).to_be_visible()
        expect(steps.nth(15)).to_be_visible()  # they come one after the other
        assert all(step.evaluate(PAINTED) for step in steps.all())
        expect(page.get_by_test_id("stException")).to_have_count(0)
        page.close()


def test_hovering_over_a_dot_product_shows_its_query_and_key(context: BrowserContext, address: str):
    page = visit(context, address, kind="Encoder self")
    scores = page.locator(".st-key-step_products .strip")
    scores.scroll_into_view_if_needed()
    scores.locator("> canvas").hover(position={"x": 150, "y": 10})
    tip = scores.locator(".tip")
    expect(tip).to_be_visible()
    expect(tip.locator("label")).to_have_count(2)
    assert all(canvas.evaluate(PAINTED) for canvas in tip.locator("canvas").all())


def test_typing_is_drawn_without_a_run_of_the_page(context: BrowserContext, address: str):
    page = context.new_page()
    line = Line(page)
    visit(context, address, page, kind="Encoder self")
    tokens = page.locator(".st-key-step_token .strip > canvas")
    before = tokens.evaluate("canvas => canvas.toDataURL()")
    expect(tokens).to_have_attribute("aria-label", re.compile(r"^Token embedding: 4 by "))
    line.there = False
    page.locator(".st-key-source input").press("End")
    page.keyboard.type(" ball")
    expect(tokens).to_have_attribute("aria-label", re.compile(r"^Token embedding: 5 by "))
    expect(page.locator(".st-key-step_weights .verdict")).to_contain_text("[5] → [5]")
    expect(page.get_by_text(re.compile("All \\d+ steps agree"))).to_be_visible()
    assert tokens.evaluate("canvas => canvas.toDataURL()") != before
