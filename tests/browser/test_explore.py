"""The page Explore in a real browser: typing, choosing, links, files, sizes."""

import math
import re
import time
from collections.abc import Callable, Iterable, Sequence
from itertools import combinations, pairwise
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import A_PERSONS_CLICK, PATIENCE, Visit
from tests.helpers import HEADS, LAYERS, MAX_LEN, SENTENCE, save_words
from viz.look.forcing import TARGET

Rectangle = list[tuple[float, float]]
"""Its corners in turn."""

LETTERS = {"checkpoint": "runs/letters"}
WORDS = {"checkpoint": "runs/words"}
WORD_TOKENS = [*SENTENCE.removesuffix(".").split(), ".", "</s>"]
SIZES = [(1440, 900), (390, 844)]


def field(page: Page) -> Locator:
    return page.get_by_label("Source sentence")


def type_on(page: Page, text: str) -> None:
    """Press the keys for ``text`` after what is in the field; no Enter, no leaving it."""
    field(page).press("End")
    page.keyboard.type(text)


def translation(page: Page) -> Locator:
    return page.locator(".st-key-translation .target")


def words(page: Page) -> Locator:
    return page.locator(".st-key-words")


def canvas(page: Page) -> Locator:
    return page.locator(".st-key-overview canvas")


LABELS = """(texts) => texts.map((text) => {
    const { x, y, width, height } = text.getBBox();
    const [top, bottom] = [y + 0.2 * height, y + 0.8 * height];
    const matrix = text.getScreenCTM();
    const corners = [[x, top], [x + width, top], [x + width, bottom], [x, bottom]].map(([px, py]) => {
        const point = new DOMPoint(px, py).matrixTransform(matrix);
        return [point.x, point.y];
    });
    return [text.textContent, corners];
})"""


def labels(page: Page, axis: str) -> list[tuple[str, Rectangle]]:
    """The labels along one axis: what they say, and the corners on screen of their letters (the middle of the
    line), turned as the label is."""
    found = page.locator(f".st-key-head .{axis}").evaluate_all(LABELS)
    return [(text, corners) for text, corners in found]


def both(tokens: Iterable[str]) -> list[str]:
    """What a decoder's rows are called where these tokens are written."""
    return [f"{read} ▸ {written}" for read, written in pairwise(["<s>", *tokens, "</s>"])]


def written(tokens: Iterable[str]) -> list[str]:
    """What the rows of cross-attention are called there."""
    return [*tokens, "</s>"]


def texts(page: Page, axis: str) -> list[str]:
    return [text for text, _ in labels(page, axis)]


def corners(page: Page, axis: str) -> list[Rectangle]:
    return [corners for _, corners in labels(page, axis)]


def soon(page: Page, holds: Callable[[], bool]) -> bool:
    """Whether it holds within the time there is: the heatmap is painted after the words."""
    give_up = time.monotonic() + PATIENCE / 1000
    while not (held := holds()) and time.monotonic() < give_up:
        page.wait_for_timeout(30)
    return held


def framed(page: Page, row: int) -> bool:
    """Whether the frame on the large heatmap stands around the label of a row."""
    top, bottom = (
        plot(page)
        .locator(".pin")
        .evaluate("(frame) => { const { top, bottom } = frame.getBoundingClientRect(); return [top, bottom]; }")
    )
    return top < sum(y for _, y in corners(page, "row")[row]) / 4 < bottom


def expect_texts(page: Page, axis: str, expected: Sequence[str]) -> None:
    give_up = time.monotonic() + PATIENCE / 1000
    while texts(page, axis) != list(expected) and time.monotonic() < give_up:
        page.wait_for_timeout(30)
    assert texts(page, axis) == list(expected)


def box(page: Page, label: str) -> Locator:
    """A select box by its label."""
    return page.get_by_role("combobox", name=label, exact=True)


def choose(page: Page, label: str, option: str) -> None:
    box(page, label).click()
    page.get_by_role("option", name=option, exact=True).click()


def choose_number(page: Page, label: str, option: str) -> None:
    """A layer or a head by its number, which stands with the display."""
    page.get_by_role("button", name="Display").click()
    choose(page, label, option)
    page.keyboard.press("Escape")


def expect_chosen(page: Page, layer: int, head: int) -> None:
    """The layer and head (from 1), among all heads and in words."""
    expect(canvas(page)).to_have_attribute(
        "aria-label", re.compile(f"^Layer {layer}, head {head}, of {LAYERS} layers with {HEADS} heads each")
    )
    expect(words(page)).to_contain_text(f"layer {layer}, head {head}.")


def plot(page: Page) -> Locator:
    """The large heatmap, once it is drawn."""
    found = page.locator(".st-key-head .head-map")
    expect(found.locator(".column").first).to_be_visible()
    return found


def numbers(page: Page) -> list[list[float]]:
    """The weights that the large heatmap has on screen."""
    return plot(page).evaluate("""({ map: { weights, data: { rows, columns } } }) =>
        rows.map((_, row) => Array.from(weights.slice(row * columns.length, (row + 1) * columns.length)))""")


def test_the_first_look(visit: Visit):
    page = visit()
    expect(page).to_have_title("Headlight")
    expect(field(page)).not_to_have_value("")
    expect(translation(page)).not_to_have_text("")
    expect(words(page)).to_contain_text("looks")
    expect(page.locator(".st-key-reading")).to_contain_text("Each cell: how much attention")


def test_typing_shows_the_tokens_and_the_translation(visit: Visit):
    page = visit({**LETTERS, "source": "dog"})
    expect_texts(page, "column", ["d", "o", "g", "</s>"])
    type_on(page, " $1<b>")
    expect(translation(page)).to_have_text("dog $1<b>")
    expect_texts(page, "column", [*"dog␣$1<b>", "</s>"])
    expect_texts(page, "row", written("dog␣$1<b>"))
    weights = numbers(page)
    assert (len(weights), len(weights[0])) == (10, 10)
    for row in range(10):
        assert weights[row][row] > 0.99  # this head copies
    for _ in range(7):
        field(page).press("Backspace")
    expect(translation(page)).to_have_text("do")
    expect_texts(page, "row", written("do"))


def test_the_page_survives_fast_typing(visit: Visit):
    page = visit({**LETTERS, "source": "a"})
    field(page).press("End")
    for _ in range(3):  # to and fro, faster than the page is drawn, so that texts come again
        page.keyboard.type("bcdefghijk", delay=8)
        for _ in range(10):
            page.keyboard.press("Backspace", delay=4)
    page.keyboard.type("xyz", delay=8)
    expect(translation(page)).to_have_text("axyz")
    expect_texts(page, "column", [*"axyz", "</s>"])


def test_each_keystroke_is_followed(visit: Visit):
    page = visit({**LETTERS, "source": "a"})
    for text in ("ab", "abc", "abcd"):
        type_on(page, text[-1])
        expect(translation(page)).to_have_text(text)
        expect_texts(page, "column", [*text, "</s>"])
        expect(field(page)).to_be_focused()


def test_a_click_in_the_overview_chooses_a_head(visit: Visit):
    page = visit(WORDS)
    expect_chosen(page, 1, 1)
    before = numbers(page)
    for layer, head in ((2, 3), (1, 2), (2, 1)):
        place = canvas(page).evaluate(
            """(canvas, [layer, head]) => {
                const { x, y, panel } = canvas.geometry;
                return { x: x(head - 1) + panel[0] / 2, y: y(layer - 1) + panel[1] / 2 };
            }""",
            [layer, head],
        )
        canvas(page).click(position=place)
        expect_chosen(page, layer, head)
        after = numbers(page)
        assert after != before
        before = after


def test_arrow_keys_choose_a_head(visit: Visit):
    page = visit(WORDS)
    canvas(page).focus()
    for key, layer, head in (
        ("ArrowRight", 1, 2),
        ("ArrowDown", 2, 2),
        ("ArrowDown", 2, 2),  # there is no third layer
        ("ArrowRight", 2, 3),
        ("ArrowLeft", 2, 2),
        ("ArrowUp", 1, 2),
    ):
        page.keyboard.press(key)
        expect_chosen(page, layer, head)


def test_a_mean_opens_large_and_is_in_the_link(visit: Visit):
    page = visit({**WORDS, "source": "A red ball"})
    canvas(page).focus()
    page.keyboard.press("End")
    expect(words(page)).to_contain_text("layer 1, mean of its heads.")
    expect(page).to_have_url(re.compile("mean=layer"))
    before = numbers(page)
    for layer in range(2, LAYERS + 1):
        page.keyboard.press("ArrowDown")
        expect(words(page)).to_contain_text(f"layer {layer}, mean of its heads.")
    page.keyboard.press("ArrowDown")
    expect(words(page)).to_contain_text("mean of all heads.")
    assert numbers(page) != before
    expect(page).to_have_url(re.compile("mean=all"))
    expect(words(visit(page.url))).to_contain_text("mean of all heads.")
    page.keyboard.press("ArrowUp")
    expect(words(page)).to_contain_text(f"layer {LAYERS}, mean of its heads.")
    page.keyboard.press("Home")
    expect_chosen(page, LAYERS, 1)
    expect(page).not_to_have_url(re.compile("mean="))


def test_every_small_map_says_its_name(visit: Visit):
    page = visit(WORDS)
    name = page.locator(".st-key-overview p")
    expect(name).to_contain_text("Click one")
    for layer, head, said in ((0, 2, "Layer 1, head 3"), (1, HEADS, "Layer 2, mean of its heads")):
        place = canvas(page).evaluate(
            """(canvas, [layer, head]) => {
                const { x, y, map } = canvas.geometry;
                return { x: x(head) + map[0] / 2, y: y(layer) + map[1] / 2 };
            }""",
            [layer, head],
        )
        canvas(page).hover(position=place)
        expect(name).to_have_text(said)


def test_an_experiment_stands_beside_the_picture(visit: Visit):
    page = visit({**WORDS, "source": "A red ball"})
    result = page.locator(".st-key-what_if .result")
    expect(result).to_contain_text("Choose one")
    for name in ("Without this head", "Without scale", "Without positions"):
        page.get_by_role("radio", name=name).check(force=True)
        expect(result).to_contain_text("log-probability")
        expect(page).to_have_url(re.compile(f"experiment={name.replace(' ', '(%20|[+])')}"))
    before = page.locator(".st-key-what_if dd").first
    expect(before).to_have_text("A red ball")
    type_on(page, " run")
    expect(before).to_have_text("A red ball run")


def test_the_first_screen_holds_all_that_matters(visit: Visit):
    for width, height, parts in (
        (1440, 900, ["source", "translation", "overview", "head", "what_if"]),
        (390, 844, ["source", "translation", "head"]),
    ):
        page = visit({**WORDS, "source": "A red ball is playing in the grass."}, width=width, height=height)
        for part in parts:
            place = page.locator(f".st-key-{part}").first.bounding_box()
            assert place is not None
            assert place["y"] + place["height"] <= height, (width, part, place)
            assert place["x"] + place["width"] <= width, (width, part, place)


def test_the_tab_key_reaches_the_overview(visit: Visit):
    page = visit(WORDS)
    field(page).focus()
    for _ in range(12):
        page.keyboard.press("Tab")
        if canvas(page).evaluate("canvas => canvas.matches(':focus')"):
            return
    pytest.fail("the overview cannot be reached from the keyboard")


def test_widgets_choose_a_head_and_a_click_a_row(visit: Visit):
    page = visit({**WORDS, "source": "A red ball"})
    choose_number(page, "Layer", "2")
    expect_chosen(page, 2, 1)
    choose_number(page, "Head", "3")
    expect_chosen(page, 2, 3)
    page.mouse.click(*cell(page, 2, 0))
    expect(words(page)).to_contain_text("“ball”")
    assert soon(page, lambda: framed(page, 2))


def test_kinds_have_their_own_axes(visit: Visit):
    page = visit({**LETTERS, "source": "ox"})
    expect(words(page)).to_contain_text("Cross-attention")
    for kind, columns in (("Encoder self", ["o", "x", "</s>"]), ("Decoder self", ["<s>", "o", "x"])):
        page.get_by_role("radio", name=kind, exact=True).click()
        expect(words(page)).to_contain_text(f"{kind}-attention")
        expect_texts(page, "column", columns)
        expect_texts(page, "row", both("ox") if kind == "Decoder self" else ["o", "x", "</s>"])
    weights = numbers(page)
    assert [weights[row][column] for row, column in ((0, 1), (0, 2), (1, 2))] == [0, 0, 0]


def test_a_link_restores_the_view(visit: Visit):
    page = visit(WORDS)
    field(page).fill("A red ball & $2 <b> é")
    expect(translation(page)).to_have_text("A red ball & $2 <b> é")
    page.get_by_role("radio", name="Decoder self", exact=True).click()
    expect(words(page)).to_contain_text("Decoder self-attention")
    choose_number(page, "Layer", "2")
    choose_number(page, "Head", "3")
    expect_chosen(page, 2, 3)
    page.mouse.click(*cell(page, 2, 0))
    expect(words(page)).to_contain_text("“red ▸ ball”")
    for part in ("source=", "kind=", "layer", "head", "token=3"):
        expect(page).to_have_url(re.compile(part))
    page.mouse.move(0, 0)
    expect(words(page).locator(".pointed")).to_be_hidden()
    said, weights, rows = words(page).inner_text(), numbers(page), texts(page, "row")

    other = visit(page.url)
    expect(field(other)).to_have_value("A red ball & $2 <b> é")
    expect(box(other, "Checkpoint")).to_have_value("runs/words")
    expect_chosen(other, 2, 3)
    expect(words(other)).to_have_text(words(page).text_content() or "?")
    assert words(other).inner_text() == said
    assert numbers(other) == weights
    assert texts(other, "row") == rows


def test_a_link_to_another_kind_keeps_its_head(visit: Visit):
    page = visit(WORDS)
    page.get_by_role("radio", name="Encoder self", exact=True).click()
    expect(words(page)).to_contain_text("Encoder self-attention")
    expect(page).to_have_url(re.compile("kind="))
    other = visit(page.url)
    expect(words(other)).to_have_text(words(page).text_content() or "?")


def test_an_emptied_field_is_restored_too(visit: Visit):
    page = visit(LETTERS)
    field(page).fill("")
    expect_texts(page, "column", ["</s>"])
    expect(page).to_have_url(re.compile("source="))
    expect(field(visit(page.url))).to_have_value("")


def test_the_dead_link_of_a_checkpoint_says_so(visit: Visit):
    page = visit({"checkpoint": "runs/gone"})
    expect(page.get_by_test_id("stAlert")).to_contain_text("“runs/gone” in this link is not on this server")
    expect(translation(page)).not_to_have_text("")


WATCH = """() => {
    const found = {
        plot: () => document.querySelector(".st-key-head .head-map"),
        cells: () => document.querySelector(".st-key-head .head-map canvas"),
        head: () => document.querySelector(".st-key-head"),
        overview: () => document.querySelector(".st-key-overview"),
        field: () => document.querySelector("input[aria-label^='Source sentence']"),
    };
    const first = Object.fromEntries(Object.entries(found).map(([name, find]) => [name, find()]));
    window.seen = Object.fromEntries(Object.keys(found).map((name) => [name, []]));
    window.replaced = [];
    const look = () => {
        for (const [name, find] of Object.entries(found)) {
            const now = find();
            const { x, y, width, height } = now ? now.getBoundingClientRect() : { x: -1, y: -1, width: 0, height: 0 };
            const place = [x, y, width, height].map(Math.round).join(" ");
            if (!window.seen[name].includes(place)) window.seen[name].push(place);
            if (now !== first[name] && !window.replaced.includes(name)) window.replaced.push(name);
        }
        requestAnimationFrame(look);
    };
    look();
}"""
"""At each frame: the places where things stand, and which of them are no longer the same node."""


def type_a_while(page: Page) -> None:
    canvas(page).evaluate("(canvas) => { canvas.mine = true }")
    page.evaluate(WATCH)
    type_on(page, " run over the beach.")
    expect(translation(page)).to_have_text("Two dogs run over the beach.")
    expect_texts(page, "row", written(["Two", "dogs", "run", "over", "the", "beach", "."]))
    field(page).fill("")
    expect_texts(page, "row", written([]))
    type_on(page, "A")
    expect(translation(page)).to_have_text("A")
    expect_texts(page, "row", written(["A"]))


@pytest.mark.parametrize(("width", "height"), SIZES)
def test_nothing_jumps_while_typing(visit: Visit, width: int, height: int):
    page = visit({**WORDS, "source": "Two dogs"}, width=width, height=height)
    type_a_while(page)
    seen: dict[str, list[str]] = page.evaluate("window.seen")
    for name in ("head", "overview", "field"):
        assert len(seen[name]) == 1, seen
    assert canvas(page).evaluate("(canvas) => canvas.mine")


def test_the_heatmap_is_not_built_anew_while_typing(visit: Visit):
    page = visit({**WORDS, "source": "Two dogs"})
    type_a_while(page)
    seen: dict[str, list[str]] = page.evaluate("window.seen")
    assert page.evaluate("window.replaced") == []
    assert [len(places) for places in seen.values()] == [1, 1, 1, 1, 1], seen


def overlap(first: Rectangle, second: Rectangle) -> bool:
    """Two rectangles overlap if no side of either has them on different sides of it."""
    for shape in (first, second):
        for (x0, y0), (x1, y1) in ((shape[0], shape[1]), (shape[1], shape[2])):
            along = (x1 - x0, y1 - y0)
            length = math.hypot(*along)
            spans = [[(x * along[0] + y * along[1]) / length for x, y in rectangle] for rectangle in (first, second)]
            if max(spans[0]) <= min(spans[1]) or max(spans[1]) <= min(spans[0]):
                return False
    return True


def test_overlap():
    def square(x: float, y: float) -> Rectangle:
        return [(x, y), (x + 2, y), (x + 2, y + 2), (x, y + 2)]

    turned = [(3.0, 0.0), (6.0, 3.0), (3.0, 6.0), (0.0, 3.0)]
    assert overlap(square(0, 0), square(1, 1))
    assert not overlap(square(0, 0), square(3, 0))
    assert overlap(square(2, 2), turned)
    assert not overlap(square(-1, -1), turned)  # though the upright boxes around them overlap


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize(("width", "height"), SIZES)
def test_it_fits_every_screen(visit: Visit, width: int, height: int, theme: str):
    page = visit(WORDS, width=width, height=height, theme=theme)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.get_by_test_id("stMain").evaluate("main => main.scrollWidth <= main.clientWidth")
    place: Any = plot(page).bounding_box()
    for axis in ("column", "row"):
        found = corners(page, axis)
        assert len(found) == 15 or (len(found) >= 7 and width < 400 and axis == "column")  # thinned on a phone
        assert not any(overlap(first, second) for first, second in combinations(found, 2))
        for shape in found:
            assert all(place["x"] <= x <= place["x"] + place["width"] for x, _ in shape)
            assert all(place["y"] <= y <= place["y"] + place["height"] for _, y in shape)


def test_dark_and_light_are_dark_and_light(visit: Visit):
    def grey(page: Page, script: str) -> float:
        return sum(page.evaluate(script)[:3]) / 3

    rgb = ".match(/[\\d.]+/g).map(Number)"
    background = "() => getComputedStyle(document.querySelector('.stApp')).backgroundColor" + rgb
    text = "() => getComputedStyle(document.querySelector('.st-key-head .column:not(.own)')).fill" + rgb
    light, dark = visit(WORDS), visit(WORDS, theme="dark")
    assert grey(light, background) > 200 > 100 > grey(light, text)
    assert grey(dark, background) < 60 < 180 < grey(dark, text)
    pixel = "canvas => Array.from(canvas.getContext('2d').getImageData(90, 30, 1, 1).data)"
    assert sum(canvas(light).evaluate(pixel)[:3]) > sum(canvas(dark).evaluate(pixel)[:3])


def test_a_long_text_keeps_its_labels_apart(visit: Visit):
    page = visit({**LETTERS, "source": "abcdefghijklmnopqrstuvwxyzabcd"})
    expect(translation(page)).to_have_text("abcdefghijklmnopqrstuvwxyzabcd")
    for axis in ("column", "row"):
        found = corners(page, axis)
        assert len(found) > 10
        assert not any(overlap(first, second) for first, second in combinations(found, 2))


def test_a_text_that_is_too_long_says_so(visit: Visit):
    text = "abcdefghij" * 5
    page = visit({**LETTERS, "source": text[: MAX_LEN - 1]})
    expect(page.get_by_test_id("stAlert")).to_have_count(0)
    field(page).fill(text)
    expect(page.get_by_test_id("stAlert")).to_contain_text(f"at most {MAX_LEN} tokens")
    expect(page.get_by_test_id("stAlert")).to_contain_text(text[: MAX_LEN - 1])
    expect(translation(page)).to_have_text(text[: MAX_LEN - 1])
    field(page).fill("short")
    expect(page.get_by_test_id("stAlert")).to_have_count(0)


@pytest.mark.parametrize("text", ["<img src=x onerror=document.title='hit'>", "$a$ **b** [c](d)", "🔦 é שלום 你好"])
def test_any_text_is_shown_as_it_is(visit: Visit, text: str):
    page = visit({**WORDS, "source": "A"})
    field(page).fill(text[:12])
    expect(translation(page)).to_have_text(text[:12])
    expect(page.locator(".st-key-head .row").filter(has_text="</s>")).to_have_count(1)
    expect(page.locator(".st-key-head img, .st-key-translation img, .st-key-words a")).to_have_count(0)
    expect(page).to_have_title("Headlight")


def drop(page: Page, path: Path) -> None:
    page.get_by_role("button", name="Open a file").click()
    page.locator("input[type=file]").set_input_files(path)


def test_a_dropped_file_is_opened(visit: Visit, tmp_path: Path):
    save_words(tmp_path / "mine.safetensors")
    page = visit(LETTERS)
    drop(page, tmp_path / "mine.safetensors")
    expect(box(page, "Checkpoint")).to_have_value("mine (dropped)")
    expect(translation(page)).to_have_text(SENTENCE)
    expect_texts(page, "column", WORD_TOKENS)


def test_a_truncated_file_gives_a_message(visit: Visit, tmp_path: Path):
    save_words(tmp_path / "whole.safetensors")
    data = (tmp_path / "whole.safetensors").read_bytes()
    (tmp_path / "cut.safetensors").write_bytes(data[: len(data) // 2])
    page = visit(LETTERS)
    drop(page, tmp_path / "cut.safetensors")
    expect(page.get_by_test_id("stAlert")).to_contain_text("This file cannot be opened. cut is truncated")
    expect(box(page, "Checkpoint")).to_have_value("runs/letters")
    expect_texts(page, "column", [*"attention", "</s>"])


def frames(page: Page) -> list[int]:
    """Counts what the server sends from the next visit on."""
    count = [0]

    def listen(socket: Any) -> None:
        socket.on("framereceived", lambda _: count.__setitem__(0, count[0] + 1))
        socket.on("framesent", lambda _: count.__setitem__(0, count[0] + 1))

    page.on("websocket", listen)
    page.reload()
    expect(page.locator(".st-key-head .head-map .column, .st-key-head .links .token").first).to_be_visible()
    page.wait_for_timeout(1500)
    return count


def cell(page: Page, row: int, column: int) -> tuple[float, float]:
    """The middle of a cell of the large heatmap, on screen."""
    return page.locator(".st-key-head .head-map").evaluate(
        """(root, [row, column]) => {
            const { x, y } = root.getBoundingClientRect();
            return [x + root.map.place.x(column + 0.5), y + root.map.place.y(row + 0.5)];
        }""",
        [row, column],
    )


def test_hovering_over_a_cell_says_its_weight_and_asks_no_server(visit: Visit):
    page = visit({**WORDS, "source": "A red ball"})
    count = frames(page)
    said = words(page).locator(".pointed")
    expect(said).to_be_hidden()
    before = count[0]
    for row, column, text in ((0, 0, "“A” looks at “A”"), (2, 1, "“ball” looks at “red”")):
        page.mouse.move(*cell(page, row, column))
        weight = numbers(page)[row][column]
        expect(said).to_contain_text(text)
        expect(said).to_contain_text(f"({weight:.3f})")
    page.mouse.move(0, 0)
    expect(said).to_be_hidden()
    assert count[0] == before


def test_a_click_pins_a_row_and_another_lets_it_go(visit: Visit):
    page = visit({**WORDS, "source": "A red ball"})
    page.mouse.click(*cell(page, 1, 0))
    expect(page).to_have_url(re.compile("token=2"))
    expect(words(page)).to_contain_text("“red” looks")
    assert soon(page, lambda: framed(page, 1))
    page.mouse.click(*cell(page, 1, 0))
    expect(page).not_to_have_url(re.compile("token="))


def test_a_box_zooms_and_a_button_shows_all_again(visit: Visit):
    page = visit({**WORDS, "source": "A red ball is playing in the grass"})
    rows, columns = texts(page, "row"), texts(page, "column")
    page.mouse.move(*cell(page, 1, 2))
    page.mouse.down()
    page.mouse.move(*cell(page, 3, 4), steps=5)
    page.mouse.up()
    assert soon(page, lambda: texts(page, "row") == rows[1:4])
    assert texts(page, "column") == columns[2:5]
    expect(page).to_have_url(re.compile("zoom=2-4%2C3-5"))
    other = visit(page.url)
    assert soon(other, lambda: texts(other, "row") == rows[1:4] and texts(other, "column") == columns[2:5])
    page.locator(".st-key-head .head-map").get_by_role("button", name="Show all").click()
    assert soon(page, lambda: texts(page, "row") == rows and texts(page, "column") == columns)
    expect(page).not_to_have_url(re.compile("zoom="))


def test_heads_are_compared_at_a_click(visit: Visit):
    page = visit({**WORDS, "source": "A red ball", "view": "Lines"})
    heads = page.locator(".st-key-head .legend button")
    expect(heads).to_have_text(["— head 1", "+ head 2", "+ head 3"])
    place: Any = page.locator(".st-key-overview").bounding_box()
    heads.nth(2).click()
    expect(heads).to_have_text(["— head 1", "+ head 2", "— head 3"])
    expect(page).to_have_url(re.compile("overlay=3"))
    expect(visit(page.url).locator(".st-key-head .legend button")).to_have_text(["— head 1", "+ head 2", "— head 3"])
    assert page.locator(".st-key-overview").bounding_box() == place
    heads.nth(2).click()
    expect(heads).to_have_text(["— head 1", "+ head 2", "+ head 3"])
    expect(page).not_to_have_url(re.compile("overlay="))


def test_a_choice_that_the_address_lost_is_written_again(visit: Visit):
    """Streamlit's own part of the address can be overwritten by a run that began before the choice."""
    page = visit(WORDS)
    page.get_by_role("radio", name="Decoder self", exact=True).click()
    expect(words(page)).to_contain_text("Decoder self-attention")
    expect(page).to_have_url(re.compile("kind=Decoder"))
    page.wait_for_timeout(600)
    page.evaluate("history.replaceState(history.state, '', '?checkpoint=runs%2Fwords')")
    choose_number(page, "Head", "3")
    expect(page).to_have_url(re.compile("head_number=3"))
    expect(page).to_have_url(re.compile("kind=Decoder"))


def test_the_framed_row_is_taken_apart(visit: Visit):
    page = visit({**LETTERS, "source": "dog"})
    page.mouse.click(*cell(page, 1, 0))
    expect(words(page)).to_contain_text("Selected: “o”")
    page.get_by_role("link", name="Take the selected row apart, step by step").click()
    expect(page).to_have_url(re.compile("/anatomy"))
    expect(box(page, "Row to explain")).to_have_value("2 o")


@pytest.mark.parametrize("view", ["Lines", "Lines across", "Text"])
def test_hovering_over_a_token_lights_it_and_asks_no_server(visit: Visit, view: str):
    page = visit({**WORDS, "source": "A red ball"})
    page.get_by_role("radio", name=view, exact=True).click()
    queries = page.locator(".st-key-head .links .queries .token")
    expect(queries).to_have_text(["A", "red", "ball", "</s>"])
    count = frames(page)
    before = count[0]
    queries.nth(2).hover()
    expect(page.locator(".st-key-head .hint")).to_contain_text("“ball” looks at “ball” ")
    shaded = page.locator(".st-key-head .keys .token").evaluate_all("tokens => tokens.map((t) => t.title)")
    assert abs(sum(float(title.removeprefix("weight ")) for title in shaded) - 1) < 0.003
    assert count[0] == before
    queries.nth(1).click()
    expect(words(page)).to_contain_text("“red” looks")
    queries.nth(2).click(modifiers=["Shift"])
    expect(words(page)).to_contain_text("On average, “red” and “ball” look")
    page.mouse.move(0, 0)
    expect(page.locator(".st-key-head .hint")).to_contain_text("“red”, “ball” look on average at")
    expect(page.locator(".st-key-head .queries .chosen")).to_have_text(["red", "ball"])


def test_a_clicked_head_is_in_the_link_at_once(visit: Visit):
    page = visit(WORDS)
    canvas(page).focus()
    page.keyboard.press("ArrowRight")
    expect_chosen(page, 1, 2)
    expect(page).to_have_url(re.compile("head_number=2"))
    page.keyboard.press("ArrowDown")
    expect_chosen(page, 2, 2)
    expect(page).to_have_url(re.compile("layer_number=2"))


def test_the_display_changes_rows_columns_and_colours(visit: Visit):
    page = visit({**WORDS, "source": "A red ball", "special": "false", "rows": "fed in", "scale": "square root"})
    expect_texts(page, "column", ["A", "red", "ball"])
    expect_texts(page, "row", ["A", "red", "ball"])
    expect(page.locator(".st-key-reading")).to_contain_text("special tokens are hidden")


def test_the_text_goes_along_to_another_page_and_back(visit: Visit):
    page = visit({**WORDS, "source": "A red ball"})
    type_on(page, " run")
    expect(translation(page)).to_have_text("A red ball run")
    expect(page).to_have_url(re.compile(r"source=A(\+|%20)red(\+|%20)ball(\+|%20)run"))
    for name in ("Positions", "Explore"):
        page.get_by_role("link", name=name).click(delay=A_PERSONS_CLICK)
        expect(page).to_have_url(re.compile("/positions" if name == "Positions" else r"localhost:\d+/(\?|$)"))
        expect(field(page)).to_have_value("A red ball run")
    expect(translation(page)).to_have_text("A red ball run")
    choose_number(page, "Layer", "2")
    expect_chosen(page, 2, 1)
    expect(page).to_have_url(re.compile(r"source=A(\+|%20)red(\+|%20)ball(\+|%20)run"))
    expect(field(visit(page.url))).to_have_value("A red ball run")


def test_another_page_s_address_is_left_alone(visit: Visit):
    """What Explore would still write into the address must not reach the page that was opened meanwhile."""
    page = visit({**WORDS, "source": "A red ball"})
    page.mouse.click(*cell(page, 1, 0))
    expect(words(page)).to_contain_text("Selected: “red”")
    page.get_by_role("link", name="Architectures").click()
    expect(page).to_have_url(re.compile("/architectures"))
    page.wait_for_timeout(1500)
    assert "token=" not in page.url


def test_what_the_model_is_unsure_of_is_marked_at_each_keystroke(visit: Visit):
    page = visit({**LETTERS, "source": "do", "decoder_mode": TARGET, "target": "dog"})
    marked = page.locator(".st-key-translation .target u")
    expect(translation(page)).to_have_text("dog")
    expect(marked).to_have_text("g")
    expect(marked).to_have_attribute("title", re.compile(r"^“g”: .* (<1|\d+)%$"))
    expect(page.locator(".st-key-translation .sure")).to_have_text(re.compile(r"1 of 3 characters < 50% likely"))
    type_on(page, "g")
    expect(marked).to_have_count(0)
    expect(translation(page)).to_have_text("dog")


def click_row(page: Page, row: int, *, shift: bool = False) -> None:
    box = plot(page).locator(".row").nth(row).bounding_box()
    assert box is not None
    if shift:
        page.keyboard.down("Shift")
    page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2, delay=A_PERSONS_CLICK)
    page.keyboard.up("Shift")


def touch_row(page: Page, row: int, milliseconds: int) -> None:
    box = plot(page).locator(".row").nth(row).bounding_box()
    assert box is not None
    place = [{"x": box["x"] + box["width"] / 2, "y": box["y"] + box["height"] / 2}]
    screen = page.context.new_cdp_session(page)
    screen.send("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": place})
    page.wait_for_timeout(milliseconds)
    screen.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})


def test_several_rows_are_explained_together(visit: Visit):
    page = visit({**WORDS, "source": SENTENCE})
    strip = plot(page).locator(".strip text")
    expect(strip).to_have_count(0)
    click_row(page, 1)
    click_row(page, 3, shift=True)
    expect(strip).to_have_text("mean of 2")
    expect(words(page)).to_contain_text("On average, “little” and")
    expect(page).to_have_url(re.compile("together=4"))
    click_row(page, 2, shift=True)
    expect(strip).to_have_text("mean of 3")
    expect(plot(page).locator(".frames rect")).to_have_count(1)
    expect(page).to_have_url(re.compile("together=3%2C4"))
    page.reload()
    expect(strip).to_have_text("mean of 3")
    click_row(page, 2)
    expect(strip).to_have_count(0)
    expect(page).not_to_have_url(re.compile("together="))


def test_keys_explain_several_rows(visit: Visit):
    page = visit({**WORDS, "source": SENTENCE})
    click_row(page, 1)
    expect(words(page)).to_contain_text("“little” looks")
    strip = plot(page).locator(".strip text")
    for key, said in (("Down", "mean of 2"), ("Down", "mean of 3"), ("Up", "mean of 2")):
        plot(page).press(f"Shift+Arrow{key}")
        expect(strip).to_have_text(said)
    plot(page).press("ArrowRight")
    expect(words(page)).to_contain_text(re.compile(r"2 rows look at “\w+”: .* of their attention on average \(sum"))
    plot(page).press("Escape")
    expect(strip).to_have_count(0)
    assert framed(page, 1)


def test_a_long_touch_adds_a_row(visit: Visit):
    page = visit({**WORDS, "source": SENTENCE}, width=390, height=844)
    plot(page).scroll_into_view_if_needed()
    touch_row(page, 1, 50)
    expect(words(page)).to_contain_text("“little” looks")
    touch_row(page, 3, 700)
    expect(plot(page).locator(".strip text")).to_have_text("mean of 2")
