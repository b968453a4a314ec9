"""What was exported, in a real browser: the page that needs no network, and the PNG that the browser makes."""

import io
import json
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, expect

from tests.browser.conftest import PATIENCE, Visit
from tests.helpers import SENTENCE, save_words
from viz.export.drawing import Cells
from viz.export.drawings import head_drawing
from viz.export.numbers import head_numbers
from viz.export.provenance import provenance
from viz.export.standalone import to_html
from viz.look.picture import Display, picture


def test_the_page_opens_without_a_network_and_says_each_weight(chromium: Browser, tmp_path: Path):
    from model.capture import capture

    opened = save_words(tmp_path / "words/best.safetensors")
    trace = capture(opened, SENTENCE)
    shown = picture(trace.map("cross"))
    made = provenance(opened, trace, shown, Display(), (0, 0))
    drawing = head_drawing(shown, 0, 0, made)
    numbers = head_numbers(shown.pattern[0, 0], shown.rows, shown.columns)
    file = tmp_path / "head.html"
    file.write_bytes(to_html(drawing, numbers, made, ink="#000000"))

    context = chromium.new_context(offline=True)
    page = context.new_page()
    asked: list[str] = []
    complaints: list[str] = []
    context.on("request", lambda request: asked.append(request.url))
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.goto(file.as_uri())
    expect(page.locator("svg text").first).to_have_text("Cross-attention, layer 1, head 1")
    expect(page.locator("dd").filter(has_text=opened.digest)).to_be_visible()
    cells = next(item for item in drawing.items if isinstance(item, Cells))
    corner = page.locator("svg").bounding_box()
    assert corner is not None
    for row, column in ((0, 0), (2, 4), (len(shown.rows) - 1, 1)):
        x = corner["x"] + cells.x + (column + 0.5) * cells.width / len(shown.columns)
        y = corner["y"] + cells.y + (row + 0.5) * cells.height / len(shown.rows)
        page.mouse.move(x, y)
        said = page.locator(".tip")
        expect(said).to_contain_text(f"from “{cells.rows[row]}” to “{cells.columns[column]}”")
        expect(said).to_contain_text(f"weight {shown.pattern[0, 0, row, column]:.3f}")
    page.mouse.move(2, 2)
    expect(page.locator(".tip")).to_be_hidden()
    assert complaints == []
    assert [url for url in asked if not url.startswith(("file:", "data:"))] == []
    context.close()


def test_the_browser_makes_the_png_and_the_server_the_other_files(visit: Visit):
    page = visit({"checkpoint": "runs/words", "panel": "Export", "layer_number": "1", "head_number": "1"})
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    with page.expect_download(timeout=PATIENCE) as waited:
        page.get_by_role("button", name="Download PNG").click()
    foreign = [url for url in asked if not url.startswith(("blob:", "data:")) and "/static/media/" not in url]
    assert foreign == []  # a typeface of Streamlit's may come late
    assert waited.value.suggested_filename == "headlight-words-cross-layer1-head1-head.png"
    image = Image.open(io.BytesIO(Path(waited.value.path()).read_bytes()))
    image.load()
    assert min(image.size) > 800
    said = json.loads(image.info["Description"])
    assert (said["checkpoint"], said["layer"], said["rows of a pattern"]) == ("words", "1", "query (attends from)")
    colours = image.convert("RGB").getcolors(1 << 20)
    assert colours is not None
    assert {(8, 28, 74), (255, 255, 255)} <= {colour for _, colour in colours}  # a weight of 1, and the ground

    page.get_by_role("button", name="SVG", exact=True).or_(page.get_by_role("radio", name="SVG", exact=True)).click()
    with page.expect_download(timeout=PATIENCE) as waited:
        page.get_by_role("button", name="Download SVG").click()
    assert Path(waited.value.path()).read_text(encoding="utf-8").startswith("<svg ")


def test_every_format_is_in_sight_on_a_phone(visit: Visit):
    page = visit({"checkpoint": "runs/words", "panel": "Export"}, width=390, height=844)
    for name in ("PNG", "SVG", "PDF", "HTML", "CSV", "NPZ", "JSON"):
        button = page.get_by_role("radio", name=name, exact=True)
        expect(button).to_be_visible()
        place = button.bounding_box()
        assert place is not None
        assert place["x"] >= 0
        assert place["x"] + place["width"] <= 390 - 16  # else it is only there for who scrolls sideways
