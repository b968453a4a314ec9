"""Every page by axe-core, light and dark; the chapters of the Guide are looked at in ``test_guide.py``."""

from __future__ import annotations

import pytest
from playwright.sync_api import BrowserContext, expect

from tests.browser.accessible import nothing_serious
from tests.browser.conftest import FIRST_PATIENCE
from viz.pages import PAGES


@pytest.mark.parametrize("path", [page.name for page in PAGES if page.name != "guide"])
def test_nothing_serious(context: BrowserContext, address: str, path: str):
    page = context.new_page()
    page.goto(f"{address}/{path}", timeout=FIRST_PATIENCE)
    expect(page.locator(".stApp[data-test-script-state='notRunning']")).to_be_attached(timeout=FIRST_PATIENCE)
    nothing_serious(page)
