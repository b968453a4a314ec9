"""The Guide in a real browser: every chapter by its link."""

import re
from urllib.parse import quote, urlencode

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from tests.browser.accessible import nothing_serious
from tests.browser.conftest import FIRST_PATIENCE, arrived
from tests.helpers import SENTENCE
from viz.pages.guide.chapters import CHAPTERS

WORDS = {"checkpoint": "runs/words"}


def visit(context: BrowserContext, address: str, **query: str) -> Page:
    page = context.new_page()
    page.goto(f"{address}/guide?{urlencode({**WORDS, **query}, quote_via=quote)}", timeout=FIRST_PATIENCE)
    expect(page.locator(".st-key-question")).to_be_attached(timeout=FIRST_PATIENCE)
    expect(page.get_by_test_id("stException")).to_have_count(0)
    return arrived(page)


@pytest.mark.parametrize("number", range(1, len(CHAPTERS) + 1))
def test_every_chapter_opens_by_its_link_and_can_be_read_by_all(context: BrowserContext, address: str, number: int):
    page = visit(context, address, chapter=str(number))
    expect(page.get_by_role("heading", name=f"{number} · {CHAPTERS[number - 1].title}")).to_be_visible()
    expect(page.get_by_label("Source sentence")).to_have_value(SENTENCE)
    expect(page.locator(".katex-display").first).to_be_visible()
    for figure in page.locator(".js-plotly-plot").all():
        expect(figure.locator("svg.main-svg").first).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= 1440
    nothing_serious(page)


def test_typing_and_answering(context: BrowserContext, address: str):
    page = visit(context, address, chapter="2")
    field = page.get_by_label("Source sentence")
    field.press("End")
    page.keyboard.type(" Two")
    expect(page.locator(".st-key-guide")).to_contain_text("Two")
    expect(page.locator(".st-key-question label").filter(has_text="1,536")).to_be_visible()  # 16 tokens, d_model 96
    page.locator(".st-key-question label").filter(has_text="1,536").click()
    expect(page.locator(".st-key-question")).to_contain_text("Right")
    page.get_by_role("button", name="3 · Queries, keys and values").last.click()
    expect(page.get_by_role("heading", name="3 · Queries")).to_be_visible()
    expect(field).to_have_value(f"{SENTENCE} Two")


def test_a_link_of_a_teacher(context: BrowserContext, address: str):
    page = visit(context, address, chapter="4", presentation="on", controls="off")
    expect(page.get_by_role("heading", name="4 · Self-attention")).to_be_visible()
    expect(page.get_by_label("Source sentence")).to_be_hidden()
    text = page.get_by_text("In a row “a ▸ b” the query is that of")
    expect(text).to_have_css("font-size", re.compile(r"^(18|19|[2-9]\d)[.\d]*px$"))  # once the style is there


def test_the_way_on_keeps_the_sentence(context: BrowserContext, address: str):
    page = visit(context, address, chapter="3", source="Two dogs run")
    page.get_by_text("Every number of this head in Anatomy").click()
    expect(page.get_by_text("Encoder self-attention, layer")).to_be_visible(timeout=FIRST_PATIENCE)
    expect(page.get_by_label("Source sentence")).to_have_value("Two dogs run")
    assert "/anatomy?" in page.url
