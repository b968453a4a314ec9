"""The page Architectures in a real browser: every part by its link."""

from urllib.parse import quote, urlencode

import pytest
from playwright.sync_api import BrowserContext, expect

from tests.browser.conftest import FIRST_PATIENCE

CHARTS = {"Parallel computation": 1, "Long range": 1, "Cost": 2, "Quality": 0}


@pytest.mark.parametrize("part", CHARTS)
def test_every_part_opens_by_its_link(context: BrowserContext, address: str, part: str):
    page = context.new_page()
    page.goto(f"{address}/architectures?{urlencode({'part': part}, quote_via=quote)}", timeout=FIRST_PATIENCE)
    expect(page.get_by_role("radio", name=part)).to_be_checked(timeout=FIRST_PATIENCE)
    figures = page.locator(".js-plotly-plot")
    expect(figures).to_have_count(CHARTS[part])
    for figure in figures.all():
        expect(figure.locator("svg.main-svg").first).to_be_visible()
    expect(page.get_by_test_id("stException")).to_have_count(0)
    assert page.evaluate("document.documentElement.scrollWidth") <= 1440


def test_measuring_here_can_be_given_up(context: BrowserContext, address: str):
    page = context.new_page()
    page.goto(f"{address}/architectures?part=Long%20range", timeout=FIRST_PATIENCE)
    button = page.get_by_role("button", name="Measure here")
    button.click(timeout=FIRST_PATIENCE)
    expect(page.get_by_text("runs").first).to_contain_text("Measured ")
    page.get_by_role("button", name="Cancel").click()
    expect(button).to_be_visible()
    expect(page.get_by_test_id("stProgress")).to_have_count(0)
