"""The animation that is taken along, in a real browser without a network."""

from pathlib import Path

import numpy as np
from playwright.sync_api import Browser, expect

from tests.viz.helpers import made_of, random_map
from viz.components.film import PLAYER, STYLE
from viz.export.film import Film, film_html
from viz.look.theme import LIGHT

TOKENS, STEPS = ("a", "<b>", "c"), (0, 50, 1100)


def test_it_plays_from_the_first_step_to_the_last(chromium: Browser, tmp_path: Path):
    shown = random_map(TOKENS)
    levels = np.zeros((3, 3, 3), dtype=np.uint8)
    levels[1], levels[2, 0, 2] = 128, 255
    film = Film(
        made=made_of(shown, layer=1, head=1), kind="cross", rows=TOKENS, columns=TOKENS, steps=STEPS,
        digests=("a", "b", "c"), written=("x", "<i>y</i>", "z"), levels=levels, measure="entropy",
        values=np.array([1.5, np.nan, 0.25]), low=0, high=2, formed=1100,
    )  # fmt: skip
    file = tmp_path / "film.html"
    file.write_bytes(film_html(film, LIGHT, player=PLAYER, style=STYLE))
    context = chromium.new_context(offline=True)
    page = context.new_page()
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.goto(file.as_uri())
    expect(page.locator("output")).to_have_text("step 1,100")
    picture = page.locator("canvas.map")
    last = picture.evaluate("canvas => canvas.toDataURL()")
    page.locator("input").fill("1")
    expect(page.locator("output")).to_have_text("step 50")
    expect(page.locator(".written")).to_have_text("On its own the model writes: <i>y</i>")
    assert picture.evaluate("canvas => canvas.toDataURL()") != last
    page.get_by_role("button", name="Play").click()
    expect(page.locator("output")).to_have_text("step 1,100")
    expect(page.get_by_role("button", name="Play")).to_be_visible()  # it has stopped at the end
    assert picture.evaluate("canvas => canvas.toDataURL()") == last
    box = picture.bounding_box()
    assert box is not None
    picture.hover(position={"x": box["width"] - 40, "y": box["height"] - 94})
    expect(page.locator(".said")).to_have_text("“a” looks at “c”: 100% of its attention (1.00).")
    page.get_by_role("button", name="One step back").click()
    expect(page.locator("output")).to_have_text("step 50")
    picture.focus()
    for key in ("ArrowDown", "ArrowDown", "End"):
        page.keyboard.press(key)
    expect(page.locator(".said")).to_have_text("“<b>” looks at “c”: 50% of its attention (0.50).")
    assert complaints == []
    context.close()
