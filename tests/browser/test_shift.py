"""Nothing jumps: the browser's own measure of layout shift, while a page arrives, while someone types, and where a
chapter is turned to."""

from __future__ import annotations

from urllib.parse import urlencode

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from tests.browser.conftest import FIRST_PATIENCE, arrived
from viz.pages import PAGES
from viz.pages.guide.chapters import CHAPTERS

MOST = 0.02
WORDS = {"checkpoint": "runs/words"}
TYPED = [("explore", {}), ("guide", {"chapter": "4"}), ("anatomy", {}), ("positions", {})]
RESTS = 700  # milliseconds; half a second after an input the browser no longer calls a shift its doing
OBSERVED = """() => {
  window.shifts = [];
  const noted = ({ value, hadRecentInput, sources }) => ({ value, hadRecentInput, of: sources.map(({ node }) =>
    ((node?.nodeType === 1 ? node : node?.parentElement)?.closest("[class*=st-key-]") ?? document.body).className) });
  const keep = (list) => window.shifts.push(...list.getEntries().map(noted));
  new PerformanceObserver(keep).observe({ type: "layout-shift", buffered: true });
}"""


def opened(context: BrowserContext, address: str, path: str, query: dict[str, str]) -> Page:
    page = context.new_page()
    page.add_init_script(f"({OBSERVED})()")
    page.goto(f"{address}/{path}?{urlencode(WORDS | query)}", timeout=FIRST_PATIENCE)
    settled(page)
    return page


def settled(page: Page) -> None:
    arrived(page)
    expect(page.locator(".stApp[data-test-script-state='notRunning']")).to_be_attached(timeout=FIRST_PATIENCE)
    page.wait_for_timeout(RESTS)


def shifted(page: Page, *, by_input: bool = False) -> float:
    """The sum of all shifts since this was asked last; those soon after an input count only if asked for."""
    shifts = page.evaluate("window.shifts.splice(0)")
    return sum(shift["value"] for shift in shifts if by_input or not shift["hadRecentInput"])


@pytest.mark.parametrize("path", [page.name for page in PAGES])
def test_a_page_arrives_whole(context: BrowserContext, address: str, path: str):
    assert shifted(opened(context, address, path, {})) <= MOST


@pytest.mark.parametrize(("path", "query"), TYPED, ids=[path for path, _ in TYPED])
def test_typing_moves_nothing(context: BrowserContext, address: str, path: str, query: dict[str, str]):
    page = opened(context, address, path, query)
    field = page.get_by_label("Source sentence")
    field.click()
    field.press("End")
    settled(page)
    shifted(page)
    page.keyboard.type(" Two men", delay=100)
    settled(page)
    assert shifted(page, by_input=True) <= MOST


def test_turning_a_page_of_the_guide(context: BrowserContext, address: str):
    page = opened(context, address, "guide", {"chapter": "1"})
    for number, chapter in enumerate(CHAPTERS[1:], start=2):
        shifted(page)
        page.get_by_role("button", name=f"{number} · {chapter.title}").last.click()
        expect(page.get_by_role("heading", name=f"{number} · {chapter.title}")).to_be_visible()
        settled(page)
        assert shifted(page) <= MOST, number
