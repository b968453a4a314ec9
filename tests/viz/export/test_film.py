"""The animation of a head, and what is taken along of it."""

import base64
import io
import json
import re
from html.parser import HTMLParser
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tests.viz.helpers import made_of, random_map
from viz.components.film import PLAYER, STYLE
from viz.export.drawing import Cells, Drawing, Text
from viz.export.film import FRAME_SECONDS, LAST_SECONDS, Film, film_data, film_gif, film_html
from viz.export.raster import raster
from viz.look.theme import DARK, LIGHT

ROWS, COLUMNS, STEPS = ("<b>", "</script>", "ü"), ("$x$", "b"), (0, 100, 1300)
LEVELS = np.random.default_rng(3).integers(0, 256, (3, 3, 2), dtype=np.uint8)


@pytest.fixture
def film() -> Film:
    shown = random_map(ROWS, COLUMNS)
    return Film(
        made=made_of(shown, checkpoint="my <run>", layer=2, head=3, source="</script><b>hi"),
        kind="cross",
        rows=ROWS,
        columns=COLUMNS,
        steps=STEPS,
        digests=("aa", "bb", "cc"),
        written=("", "<i>", "done"),
        levels=LEVELS,
        measure="monotonicity",
        values=np.array([0.0, np.nan, -0.75]),
        low=-1,
        high=1,
        formed=1300,
    )


def test_the_browser_gets_every_step(film: Film):
    data = json.loads(json.dumps(film_data(film, LIGHT)))
    sent = np.frombuffer(base64.b64decode(data["levels"]), dtype=np.uint8).reshape(3, 3, 2)
    np.testing.assert_array_equal(sent, LEVELS)
    assert data["steps"] == list(STEPS)
    assert data["values"] == [0, None, -0.75]
    assert (data["formed"], data["low"], data["high"]) == (1300, -1, 1)


class _Page(HTMLParser):
    """The tags and attributes of a page, and the text of its scripts."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.addresses: list[str] = []
        self.scripts: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.addresses += [value or "" for name, value in attrs if name in ("src", "href")]

    def handle_data(self, data: str) -> None:
        if self.tags[-1:] == ["script"] and data.strip():
            self.scripts.append(data)


def test_the_page_needs_nothing_else_and_says_where_it_comes_from(film: Film):
    page = film_html(film, DARK, player=PLAYER, style=STYLE).decode("utf-8")
    found = _Page(page)
    assert found.addresses == []
    assert "b" not in found.tags
    assert "i" not in found.tags
    assert "default-src 'none'" in page
    data = json.loads(found.scripts[0])
    assert data == json.loads(json.dumps(film_data(film, DARK)))
    for said in ("my &lt;run&gt;", "0: aa; 100: bb; 1300: cc", "query (attends from)", "key (attends to)"):
        assert said in page
    assert not re.search(r"\b(import|export|fetch)\b\s*[({]", found.scripts[-1])


def test_a_gif_has_a_frame_a_step_and_says_where_it_comes_from(film: Film):
    image: Any = Image.open(io.BytesIO(film_gif(film, LIGHT)))
    assert image.n_frames == 3
    said = json.loads(image.info["comment"])
    assert (said["run"], said["layer"], said["head"]) == ("my <run>", "2", "3")
    assert said["checkpoints (step: SHA-256)"] == "0: aa; 100: bb; 1300: cc"
    times = []
    for frame in range(3):
        image.seek(frame)
        times.append(image.info["duration"])
    assert times == [1000 * FRAME_SECONDS, 1000 * FRAME_SECONDS, 1000 * LAST_SECONDS]


def test_pixels_are_those_of_the_drawing():
    colours = np.array([[[255, 0, 0], [0, 255, 0]], [[0, 0, 255], [9, 9, 9]]], dtype=np.uint8)
    cells = Cells(
        x=10, y=20, width=40, height=20, colours=colours, values=np.zeros((2, 2)), rows="ab", columns="cd", name=""
    )
    turned = Text(x=80, y=60, text="llllllll", colour="#000000", turn=-90)
    image = raster(Drawing(width=120, height=80, background="#ffffff", title="", description="", items=(cells, turned)))
    assert image.size == (120, 80)
    pixels = np.asarray(image)
    assert [tuple(pixels[y, x]) for y, x in ((25, 15), (25, 45), (35, 15), (35, 45))] == [
        (255, 0, 0), (0, 255, 0), (0, 0, 255), (9, 9, 9)
    ]  # fmt: skip
    rows, columns = np.nonzero(pixels[:, 60:].mean(-1) < 200)
    assert rows.min() < 50  # it goes up from its place
    assert rows.max() <= 62
    assert abs(columns.mean() + 60 - 80) < 3
