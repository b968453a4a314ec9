"""Records the moving picture of the README: someone types, a head forms, an experiment is made.

By hand, after the page has changed, with an app that is running: ``python -m tests.browser.record http://localhost:8501
viz/pages/explore/headlight.webp``.
"""

from __future__ import annotations

import argparse
import io
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from PIL import Image
from playwright.sync_api import Page, expect, sync_playwright

from tests.browser.conftest import FIRST_PATIENCE, FLAGS, NAMES

WIDTH, HEIGHT = 1280, 800
SHOWN = (960, 600)
FRAME, REST = 0.12, 1.6  # seconds
SENTENCE = "We don't have a white car."
CARS = "The cars in front of the house are white."
QUALITY = 60


def main() -> None:
    """Record all scenes into one animated WebP."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("address")
    parser.add_argument("out", type=Path)
    asked = parser.parse_args()
    frames: list[tuple[Image.Image, float]] = []
    with sync_playwright() as playwright:
        found = next((path for name in NAMES if (path := shutil.which(name))), None)
        browser = playwright.chromium.launch(executable_path=found, args=FLAGS)
        page = browser.new_page(viewport={"width": WIDTH, "height": HEIGHT})
        for scene in (typing, forming, experiment):
            frames += scene(page, asked.address)
        browser.close()
    first, *rest = [frame for frame, _ in frames]
    lengths = [round(1000 * seconds) for _, seconds in frames]
    first.save(asked.out, save_all=True, append_images=rest, duration=lengths, loop=0, quality=QUALITY, method=6)
    print(f"{asked.out}: {len(frames)} frames, {sum(lengths) / 1000:.0f} s, {asked.out.stat().st_size / 1e6:.2f} MB")


def typing(page: Page, address: str) -> Iterator[tuple[Image.Image, float]]:
    """A sentence is typed, and the picture follows every key."""
    page.goto(f"{address}/?source=We")
    expect(page.locator(".st-key-head .head-map .column").first).to_be_visible(timeout=FIRST_PATIENCE)
    field = page.get_by_label("Source sentence")
    field.click()
    field.press("End")
    yield seen(page), REST
    for letter in SENTENCE.removeprefix("We"):
        page.keyboard.type(letter)
        time.sleep(0.25)
        yield seen(page), FRAME
    time.sleep(1)
    yield seen(page), REST


def forming(page: Page, address: str) -> Iterator[tuple[Image.Image, float]]:
    """A head forms, as the run that ships plays."""
    page.goto(f"{address}/train")
    slider = page.locator(".st-key-machine_film input[type=range]")
    expect(slider).to_be_visible(timeout=FIRST_PATIENCE)
    for at in range(int(slider.get_attribute("max") or 0) + 1):
        slider.fill(str(at))
        yield seen(page), 1.5 * FRAME
    yield seen(page), REST


def experiment(page: Page, address: str) -> Iterator[tuple[Image.Image, float]]:
    """The positions are taken away."""
    page.goto(f"{address}/?source={CARS.replace(' ', '+')}")
    expect(page.locator(".st-key-head .head-map .column").first).to_be_visible(timeout=FIRST_PATIENCE)
    time.sleep(2)
    yield seen(page), REST
    click: Callable[[], None] = page.locator(".st-key-what_if label").filter(has_text="Without positions").click
    click()
    time.sleep(3)
    yield seen(page), 2 * REST


def seen(page: Page) -> Image.Image:
    picture = Image.open(io.BytesIO(page.screenshot()))
    return picture.convert("RGB").resize(SHOWN, Image.Resampling.LANCZOS)


if __name__ == "__main__":
    main()
