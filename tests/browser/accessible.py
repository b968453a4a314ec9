"""What axe-core finds on a page, light and dark."""

from __future__ import annotations

from typing import Any

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.browser.conftest import FIRST_PATIENCE
from viz.look.theme import DARK, LIGHT, Theme

SERIOUS = ("serious", "critical")
SETTLES = 300  # milliseconds, in which colours fade and figures are drawn
DRAWN_IN = """(text) => getComputedStyle(document.documentElement).getPropertyValue("--text").trim() === text
  && document.querySelector(".stApp").dataset.testScriptState === "notRunning" """


def nothing_serious(page: Page) -> None:
    """In either scheme axe finds no serious or critical violation on what is open."""
    for theme in (LIGHT, DARK):
        turned(page, theme)
        found = _violations(page)
        assert not found, f"{page.url}, {theme.name}:\n" + "\n".join(found)


def turned(page: Page, theme: Theme) -> None:
    """The browser turns to this scheme, and the page is drawn in it."""
    page.emulate_media(color_scheme="dark" if theme is DARK else "light")
    page.wait_for_function(DRAWN_IN, arg=theme.text, timeout=FIRST_PATIENCE)
    expect(page.locator("h1.headlight")).to_be_visible(timeout=FIRST_PATIENCE)
    page.wait_for_timeout(SETTLES)


def _violations(page: Page) -> list[str]:
    """Each, with what is wrong and where."""
    found: dict[str, Any] = Axe().run(page, options={"resultTypes": ["violations"]}).response
    return [
        f"{rule['id']}: {node['failureSummary']} {node['html'][:200]}"
        for rule in found["violations"]
        if rule["impact"] in SERIOUS
        for node in rule["nodes"]
    ]
