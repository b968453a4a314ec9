"""The page Positions in a real browser: every part by its link, and the experiment on the model."""

import re
from urllib.parse import quote, urlencode

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from tests.browser.conftest import FIRST_PATIENCE, arrived
from tests.browser.test_live import Line
from viz.pages.positions.page import PARTS


def visit(context: BrowserContext, address: str, page: Page | None = None, **query: str) -> Page:
    page = page or context.new_page()
    given = {"checkpoint": "runs/words", "source": "A red ball", **query}
    page.goto(f"{address}/positions?{urlencode(given, quote_via=quote)}", timeout=FIRST_PATIENCE)
    expect(page.get_by_label("Source sentence")).to_have_value("A red ball", timeout=FIRST_PATIENCE)
    return arrived(page)


@pytest.mark.parametrize("part", PARTS)
def test_every_part_opens_by_its_link(context: BrowserContext, address: str, part: str):
    page = visit(context, address, part=part)
    expect(page.get_by_role("radio", name=part, exact=True)).to_be_checked()
    expect(page.locator(".js-plotly-plot, .strip canvas, .head-map").first).to_be_visible()
    expect(page.get_by_test_id("stException")).to_have_count(0)
    assert page.get_by_test_id("stMain").evaluate("main => main.scrollWidth <= main.clientWidth")


def test_the_text_is_live(context: BrowserContext, address: str):
    page = visit(context, address)
    page.get_by_label("Source sentence").press("End")
    page.keyboard.type(" run")
    expect(page).to_have_url(re.compile(r"source=A(\+|%20)red(\+|%20)ball(\+|%20)run"))
    expect(page.get_by_test_id("stException")).to_have_count(0)


def test_what_follows_the_text_is_drawn_without_a_run_of_the_page(context: BrowserContext, address: str):
    page = context.new_page()
    line = Line(page)
    visit(context, address, page, part="Added to your sentence")
    total = page.locator(".st-key-added_sum canvas").first
    expect(total).to_have_attribute("aria-label", re.compile("^sum: 4 tokens"))
    line.there = False
    page.get_by_label("Source sentence").press("End")
    page.keyboard.type(" ball")
    expect(total).to_have_attribute("aria-label", re.compile("^sum: 5 tokens"))


def test_the_experiment_is_in_the_link(context: BrowserContext, address: str):
    page = visit(context, address, part="Change the positions")
    outputs = page.locator(".run p")
    expect(outputs).to_have_count(2)
    page.get_by_role("radio", name="in neither", exact=True).click()
    expect(outputs.nth(1)).to_contain_text("(the same)")
    expect(page).to_have_url(re.compile(r"off=in(\+|%20)neither"))
    page.get_by_role("slider", name=re.compile("Shuffle")).focus()
    page.keyboard.press("ArrowRight")
    expect(page.locator(".run label").nth(1)).not_to_have_text("After: A red ball")
    expect(page).to_have_url(re.compile("shuffle=1"))
    shuffled = page.locator(".run label").nth(1).inner_text()
    other = context.new_page()
    other.goto(page.url, timeout=FIRST_PATIENCE)
    expect(other.locator(".run label").nth(1)).to_have_text(shuffled)
