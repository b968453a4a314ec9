"""Presentation in a real browser: the same switch on every page, letters for a projector, and a clicker's keys."""

from __future__ import annotations

from urllib.parse import urlencode

import pytest
from playwright.sync_api import BrowserContext, Page, ViewportSize, expect

from tests.browser.conftest import FIRST_PATIENCE
from viz.pages import PAGES
from viz.pages.guide.chapters import CHAPTERS

SMALLEST = 18  # CSS pixels, at 1920 × 1080
WALL = ViewportSize(width=1920, height=1080)
LONG = "An old man with a long white beard is reading a newspaper in the park near the old stone bridge."
LETTERS = """(SMALLEST) => {
  const sizes = {};
  const walker = document.createTreeWalker(document.querySelector("[data-testid=stMain]"), NodeFilter.SHOW_TEXT);
  for (let text = walker.nextNode(); text; text = walker.nextNode()) {
    const of = text.parentElement;
    if (!text.data.trim() || !of.checkVisibility({ visibilityProperty: true, opacityProperty: true })) continue;
    // An index in a formula is smaller. The pictures of a head are drawn by scripts that have sizes of their own.
    if (of.closest(".katex, style, script, [aria-hidden=true], tspan[style*='70%'], .head-map, .links")) continue;
    const box = of.getBoundingClientRect();
    if (box.width < 2 || box.height < 2) continue;
    const size = parseFloat(getComputedStyle(of).fontSize);
    if (size < SMALLEST) sizes[text.data.trim().slice(0, 40)] = size;
  }
  return sizes;
}"""


def opened(context: BrowserContext, address: str, page_path: str, **query: str) -> Page:
    page = context.new_page()
    page.set_viewport_size(WALL)
    page.goto(f"{address}/{page_path}?{urlencode({'presentation': 'on', **query})}", timeout=FIRST_PATIENCE)
    settled(page)
    return page


def settled(page: Page) -> None:
    expect(page.locator("html:not(.arriving, .turning)")).to_be_attached(timeout=FIRST_PATIENCE)
    expect(page.locator(".stApp[data-test-script-state='notRunning']")).to_be_attached(timeout=FIRST_PATIENCE)
    expect(page.get_by_test_id("stMain").locator("p, h1, h2, h3, h4").first).to_be_attached(timeout=FIRST_PATIENCE)


@pytest.mark.parametrize("path", [page.name for page in PAGES])
def test_every_page_has_large_letters_and_the_switch(context: BrowserContext, address: str, path: str):
    page = opened(context, address, path)
    end = page.get_by_role("button", name="End presentation")
    expect(end).to_be_in_viewport(timeout=FIRST_PATIENCE)
    page.wait_for_timeout(1000)  # until figures are drawn
    assert page.evaluate(LETTERS, SMALLEST) == {}
    assert page.evaluate("document.documentElement.scrollWidth") <= WALL["width"]
    end.click()
    expect(page.get_by_role("button", name="Present")).to_be_visible()
    page.wait_for_url(lambda url: "presentation" not in url)
    expect(page.locator("h1.headlight")).to_be_visible()


def test_it_goes_along_to_another_page(context: BrowserContext, address: str):
    page = opened(context, address, "positions")
    page.get_by_test_id("stTopNav").get_by_text("Guide").click()
    expect(page.locator(".st-key-turner")).to_contain_text(f"1 / {len(CHAPTERS)}", timeout=FIRST_PATIENCE)
    page.wait_for_url("**/guide?*presentation=on*")
    expect(page.get_by_role("button", name="End presentation")).to_be_visible()
    page.go_back()
    page.wait_for_url("**/positions?*presentation=on*")


def test_a_clicker_turns_chapters_and_each_begins_at_its_top(context: BrowserContext, address: str):
    page = opened(context, address, "guide", chapter="2", plan="true")
    expect(page.get_by_role("heading", name="A 90-minute lesson")).to_be_visible()
    for key, number in (("ArrowRight", 3), ("ArrowRight", 4), ("ArrowLeft", 3)):
        page.get_by_test_id("stMain").evaluate("main => main.scrollTo(0, main.scrollHeight)")
        page.keyboard.press(key)
        expect(page.get_by_role("heading", name=f"{number} · ")).to_be_visible()
        expect(page.locator(".st-key-turner")).to_contain_text(f"{number} / ")
        page.wait_for_function("() => document.querySelector('[data-testid=stMain]').scrollTop === 0")
        settled(page)
    for key, number in (("PageDown", 4), ("PageUp", 3)):
        for _ in range(6):
            if page.get_by_role("heading", name=f"{number} · ").count():
                break
            page.keyboard.press(key)
            page.wait_for_timeout(600)
            expect(page.locator("html:not(.turning)")).to_be_attached(timeout=FIRST_PATIENCE)
        expect(page.get_by_role("heading", name=f"{number} · ")).to_be_visible()
        settled(page)
    page.keyboard.press("Escape")
    expect(page.get_by_role("button", name="Present")).to_be_visible()


def test_a_chapter_fits_one_screen(context: BrowserContext, address: str):
    page = opened(context, address, "guide", chapter="1", source=LONG)
    heights = {}
    for number in range(1, len(CHAPTERS) + 1):
        expect(page.get_by_role("heading", name=f"{number} · {CHAPTERS[number - 1].title}")).to_be_visible()
        settled(page)
        page.wait_for_timeout(500)  # until figures are drawn
        heights[number] = page.get_by_test_id("stMain").evaluate("main => main.scrollHeight")
        if number < len(CHAPTERS):
            page.keyboard.press("ArrowRight")
    assert {number: height for number, height in heights.items() if height > WALL["height"]} == {}


def test_the_next_chapter_begins_at_its_top_on_a_screen_too(context: BrowserContext, address: str):
    page = opened(context, address, "guide", chapter="2", presentation="off")
    page.get_by_role("button", name="3 · Queries, keys and values").last.click()
    expect(page.get_by_role("heading", name="3 · Queries")).to_be_in_viewport()
    assert page.get_by_test_id("stMain").evaluate("main => main.scrollTop") == 0


def test_controls_fold_away_and_come_back(context: BrowserContext, address: str):
    page = opened(context, address, "guide", chapter="4")
    field = page.get_by_label("Source sentence")
    expect(field).to_be_hidden()
    page.get_by_role("button", name="Controls").click()
    expect(field).to_be_visible()
    page.wait_for_url("**controls=on**")
    page.get_by_role("button", name="Hide controls").click()
    expect(field).to_be_hidden()


def test_a_clicker_goes_through_anatomy_and_through_a_training(context: BrowserContext, address: str):
    page = opened(context, address, "anatomy")
    way, here = page.locator(".path"), page.locator(".path [aria-current]")
    expect(here).to_have_text("From tokens to the layer’s input", timeout=FIRST_PATIENCE)
    for _ in range(12):
        if here.text_content() == "Query, keys and values":
            break
        page.keyboard.press("PageDown")
        page.wait_for_timeout(600)  # it glides
    expect(page.get_by_role("heading", name="Query, keys and values")).to_be_in_viewport()
    expect(way).to_be_in_viewport()
    page.keyboard.press("ArrowLeft")
    expect(here).to_have_text("From tokens to the layer’s input")
    page.get_by_role("link", name="Train").click()
    film = page.locator(".film")
    expect(film.locator("output")).to_have_text("step 2,400", timeout=FIRST_PATIENCE)
    for key, step in (("PageUp", "2,280"), ("ArrowLeft", "2,160"), ("ArrowRight", "2,280")):
        page.keyboard.press(key)
        expect(film.locator("output")).to_have_text(f"step {step}")
