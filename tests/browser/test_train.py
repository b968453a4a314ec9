"""The page Train in a real browser: a training from Start to Explore."""

from __future__ import annotations

import re
from urllib.parse import urlencode

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from tests.browser.conftest import A_PERSONS_CLICK, FIRST_PATIENCE, PATIENCE
from viz.state.train import NEW

SETTINGS = {
    "n_layers": "1", "n_heads": "3", "d_model": "30", "d_ff": "37", "examples": "211", "batch_tokens": "509",
    "validate_every": "2",
}  # fmt: skip


def form(context: BrowserContext, address: str, task: str, steps: int) -> Page:
    """The form, filled in by its link."""
    page = context.new_page()
    given = {**SETTINGS, "steps": str(steps)}
    query = {"run": NEW, "task": task, **{f"{task}_transformer_{name}": value for name, value in given.items()}}
    page.goto(f"{address}/train?{urlencode(query)}", timeout=FIRST_PATIENCE)
    expect(page.get_by_role("button", name="Start", exact=True)).to_be_enabled(timeout=FIRST_PATIENCE)
    return page


def bar(page: Page, says: str | re.Pattern[str], patience: float = PATIENCE) -> None:
    expect(page.get_by_test_id("stProgress").first).to_contain_text(says, timeout=patience)


def test_a_training_from_start_to_explore(context: BrowserContext, address: str):
    page = form(context, address, "reverse", 7)
    page.get_by_role("button", name="Start", exact=True).click()
    expect(page.locator(".st-key-loss_curve .scatterlayer path").first).to_be_visible(timeout=FIRST_PATIENCE)
    bar(page, "finished · step 7 of 7", FIRST_PATIENCE)
    expect(page.get_by_text("What the model writes on its own at step 7").first).to_be_visible()
    expect(page.locator(".st-key-machine_head_map .column").first).to_be_visible()
    assert "run=reverse-1" in page.url
    # What was chosen in Explore before does not come between.
    page.get_by_role("link", name="Explore").click()
    expect(page.locator(".st-key-translation")).to_be_visible(timeout=FIRST_PATIENCE)
    page.get_by_label("Source sentence").fill("Two dogs run.")
    expect(page.locator(".st-key-translation")).not_to_contain_text("fille")
    page.get_by_role("link", name="Train").click(delay=A_PERSONS_CLICK)
    page.get_by_role("combobox", name="Run", exact=True).click()
    page.get_by_role("option", name="reverse-1", exact=True).click()
    bar(page, "finished · step 7 of 7")
    page.get_by_role("button", name="Publish").click()
    page.get_by_role("textbox", name="Name", exact=True).fill("mine")
    page.get_by_role("textbox", name="Name", exact=True).press("Tab")
    page.get_by_test_id("stPopoverBody").get_by_role("button", name="Publish").click()
    link = page.get_by_role("link", name="Open “mine” in Explore")
    expect(link).to_be_visible()
    link.click()
    expect(page.locator(".st-key-translation")).to_contain_text("reverse", timeout=FIRST_PATIENCE)
    expect(page.get_by_role("combobox", name="Checkpoint", exact=True)).to_have_value("runs/published/mine")
    expect(page.get_by_label("Source sentence")).to_have_value("attention")


def test_who_comes_back_finds_the_run_where_it_is(context: BrowserContext, address: str):
    page = form(context, address, "copy", 40_000)
    page.get_by_role("button", name="Start", exact=True).click()
    bar(page, re.compile(r"running · step [1-9]"), FIRST_PATIENCE)
    link = page.url
    page.close()
    page = context.new_page()
    page.goto(link, timeout=FIRST_PATIENCE)
    bar(page, "running · step", FIRST_PATIENCE)
    field = page.get_by_role("textbox", name="Your sentence")
    field.fill("dog")
    expect(page.locator(".st-key-run_head .column").first).to_have_text("d")
    page.get_by_role("button", name="Stop").click()
    bar(page, "stopped")
    expect(page.get_by_role("button", name="Resume")).to_be_visible()
    expect(field).to_have_value("dog")
    expect(page.get_by_test_id("stException")).to_have_count(0)


@pytest.mark.parametrize(("width", "height"), [(1440, 900), (390, 844)])
def test_the_form_fits(context: BrowserContext, address: str, width: int, height: int):
    page = form(context, address, "sort", 3)
    page.set_viewport_size({"width": width, "height": height})
    page.get_by_text("More settings").click()
    expect(page.get_by_role("spinbutton", name="Learning rate")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_it_opens_with_a_head_that_forms(context: BrowserContext, address: str):
    page = context.new_page()
    page.goto(f"{address}/train", timeout=FIRST_PATIENCE)
    output = page.locator(".film output")
    expect(output).to_have_text(re.compile(r"step [1-9]"), timeout=FIRST_PATIENCE)  # it plays by itself
    expect(output).to_have_text("step 2,400")
    expect(page.locator(".film .written")).to_have_text("On its own the model writes: noitnetta")
    page.get_by_role("button", name="Start your own").click()
    expect(page.get_by_role("button", name="Start", exact=True)).to_be_enabled()


def test_who_asks_for_less_motion_sees_the_end_at_once(context: BrowserContext, address: str):
    page = context.new_page()
    page.emulate_media(reduced_motion="reduce")
    page.goto(f"{address}/train", timeout=FIRST_PATIENCE)
    expect(page.locator(".film output")).to_have_text("step 2,400", timeout=FIRST_PATIENCE)
    expect(page.get_by_role("button", name="Play", exact=True)).to_be_visible()
