"""The panel Atlas in a real browser: many sentences, and a click on a head among all."""

import re

from playwright.sync_api import Page, expect

from tests.browser.conftest import Visit
from tests.helpers import SENTENCES

WORDS = {"checkpoint": "runs/words", "panel": "Atlas"}


def measure_over(page: Page, *sentences: str) -> None:
    page.get_by_text("Over many sentences", exact=True).click()
    page.get_by_label("Sentences, one per line").fill("\n".join(sentences))
    page.get_by_role("button", name="Measure", exact=True).click()


def head_on_show(page: Page) -> str:
    found = re.search(r"layer (\d), head (\d)", page.locator(".st-key-words").inner_text())
    assert found is not None
    return f"L{found[1]} H{found[2]}"


def test_a_point_is_a_head(visit: Visit):
    page = visit({**WORDS, "kind": "Encoder self", "layer_number": "1", "head_number": "1"})
    points = page.locator(".scatterlayer .point")
    expect(points.first).to_be_visible()
    shown = head_on_show(page)
    points.last.click(force=True)
    alike = page.get_by_text("Heads like")
    expect(alike).not_to_contain_text(shown)
    clicked = head_on_show(page)
    assert clicked != shown
    expect(alike).to_contain_text(clicked)
    page.locator(".st-key-overview canvas").focus()
    page.keyboard.press("ArrowLeft")
    expect(alike).not_to_contain_text(clicked)
    points.last.click(force=True)  # the browser thinks that it is chosen already
    expect(alike).to_contain_text(clicked)
    assert head_on_show(page) == clicked


def test_over_many_sentences(visit: Visit):
    page = visit(WORDS)
    measure_over(page, *SENTENCES)
    expect(page.get_by_text(f"Measured over {len(SENTENCES)} sentences.")).to_be_visible()
    sharpest = page.locator(".st-key-atlas_in_all button", has_text="→").filter(visible=True).last
    expect(sharpest).to_be_visible()
    sentence = sharpest.inner_text().rpartition(" · ")[2].strip()
    sharpest.click()
    expect(page.get_by_role("textbox", name="Source sentence")).to_have_value(re.compile(re.escape(sentence[:20])))
    with page.expect_download() as taken:
        page.get_by_role("button", name="Sentences and token pairs of all heads (CSV)").click()
    assert sentence[:20] in taken.value.path().read_text(encoding="utf-8-sig")


def test_it_can_be_cancelled(visit: Visit):
    page = visit(WORDS)
    measure_over(page, *(SENTENCES * 200))
    expect(page.get_by_text(re.compile(r"Read \d+ of"))).to_be_visible()
    page.get_by_role("button", name="Cancel").click()
    expect(page.get_by_role("button", name="Measure", exact=True)).to_be_visible()
    expect(page.get_by_text("Measured over")).to_have_count(0)
