"""What only a browser has: addresses of pages, and Back."""

from __future__ import annotations

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from tests.browser.conftest import FIRST_PATIENCE, Visit
from viz.pages import PAGES

WORDS = {"checkpoint": "runs/words"}


def entries(page: Page) -> int:
    return page.evaluate("history.length")


def expect_view(page: Page, kind: str, view: str) -> None:
    for name in (kind, view):
        expect(page.get_by_role("radio", name=name, exact=True)).to_be_checked()
    expect(page.locator(".st-key-words")).to_contain_text(kind)
    large = page.locator(".st-key-head .head-map" if view == "Heatmap" else ".st-key-head .links").first
    expect(large).to_be_visible()


def choose(page: Page, kind: str, view: str, name: str) -> None:
    page.get_by_role("radio", name=name, exact=True).click()
    expect_view(page, kind, view)
    page.wait_for_timeout(1000)  # a second entry would come within the time in which the pictures write the address


def test_a_choice_is_one_entry_and_back_gives_the_view_before(visit: Visit):
    page = visit(WORDS)
    before = entries(page)
    choose(page, "Encoder self", "Heatmap", "Encoder self")
    assert entries(page) == before + 1
    choose(page, "Encoder self", "Lines", "Lines")
    assert entries(page) == before + 2
    page.go_back()
    expect_view(page, "Encoder self", "Heatmap")
    page.go_back()
    expect_view(page, "Cross", "Heatmap")


def test_back_from_another_page_gives_the_view_before(visit: Visit):
    page = visit(WORDS)
    choose(page, "Encoder self", "Heatmap", "Encoder self")
    page.get_by_label("Source sentence").fill("A red ball")
    expect(page.locator(".st-key-translation .target")).to_have_text("A red ball")
    page.wait_for_timeout(1000)  # typing has paused, and the address says so
    before = entries(page)
    page.get_by_role("link", name="Guide").first.click()
    expect(page.locator(".st-key-guide h2")).to_be_visible(timeout=FIRST_PATIENCE)
    expect(page.get_by_label("Source sentence")).to_have_value("A red ball")
    page.wait_for_timeout(1000)  # the page is drawn a second time
    assert entries(page) == before + 1
    page.go_back()
    expect_view(page, "Encoder self", "Heatmap")
    expect(page.get_by_label("Source sentence")).to_have_value("A red ball")


@pytest.mark.parametrize("shown", PAGES, ids=lambda shown: shown.name)
def test_every_page_opens_by_its_own_address(context: BrowserContext, address: str, shown):
    page = context.new_page()
    page.goto(f"{address}/{shown.name}?checkpoint=runs/words", timeout=FIRST_PATIENCE)
    title = "Headlight" if shown is PAGES[0] else shown.title
    expect(page.locator("h1.headlight")).to_contain_text(title, timeout=FIRST_PATIENCE)
    expect(page.get_by_role("dialog")).to_have_count(0)
