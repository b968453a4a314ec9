"""What is typed on the page Explore is drawn ahead of the page, in a real browser; its connection is held back."""

import json
import re
from collections.abc import Callable

import pytest
from playwright.sync_api import BrowserContext, Page, Request, Route, WebSocketRoute, expect

from tests.browser.conftest import FIRST_PATIENCE
from tests.browser.test_explore import (
    expect_texts,
    field,
    framed,
    plot,
    soon,
    texts,
    translation,
    type_on,
    words,
    written,
)
from viz.pages.shared import live

PAUSE = 1500  # milliseconds, in which the page hears of a text and draws it


class Line:
    """The page's connection to Streamlit. While it is cut nothing gets through, in the directions that are."""

    def __init__(self, page: Page) -> None:
        self.there, self.back = True, True
        self.kept: list[str | bytes] = []
        self._socket: WebSocketRoute | None = None
        page.route_web_socket(re.compile("_stcore/stream"), self._open)

    def _open(self, socket: WebSocketRoute) -> None:
        self._socket = socket
        server = socket.connect_to_server()
        socket.on_message(lambda message: server.send(message) if self.there else None)
        server.on_message(self._arrived)

    def _arrived(self, message: str | bytes) -> None:
        assert self._socket is not None
        if self.back:
            self._socket.send(message)
        else:
            self.kept.append(message)

    def let_through(self) -> None:
        """What the server has sent meanwhile arrives."""
        self.back = True
        for message in self.kept:
            self._arrived(message)
        self.kept.clear()


@pytest.fixture
def page(context: BrowserContext) -> Page:
    return context.new_page()


@pytest.fixture
def line(page: Page) -> Line:
    return Line(page)


def go(page: Page, address: str, query: str) -> None:
    page.goto(f"{address}/?checkpoint=runs/letters&{query}", timeout=FIRST_PATIENCE)
    drawn = page.locator(".st-key-head .column, .st-key-head .token")
    expect(drawn.first).to_be_visible(timeout=FIRST_PATIENCE)


WATCH = """() => {
    window.seen = [];
    const target = document.querySelector(".st-key-translation .target");
    const see = new MutationObserver(() => window.seen.push(target.textContent));
    see.observe(target, { childList: true, subtree: true });
    const draw = CanvasRenderingContext2D.prototype.drawImage;
    window.drawings = 0;
    CanvasRenderingContext2D.prototype.drawImage = function (...all) {
        window.drawings += 1;
        return draw.apply(this, all);
    };
}"""


def test_typing_is_drawn_without_a_run_of_the_page(page: Page, line: Line, address: str):
    go(page, address, "source=dog")
    line.there = False
    type_on(page, "s")
    expect(translation(page)).to_have_text("dogs")
    expect_texts(page, "column", [*"dogs", "</s>"])
    expect_texts(page, "row", written("dogs"))
    expect(words(page)).to_contain_text("head 1.")
    page.wait_for_timeout(PAUSE)
    expect(page).to_have_url(re.compile("source=dogs"))


def test_a_text_that_takes_long_is_given_up_for_a_newer_one(page: Page, line: Line, address: str):
    go(page, address, "source=dog")
    line.there = False
    held: list[Route] = []
    given_up: list[Request] = []
    page.on("requestfailed", lambda request: given_up.append(request))
    page.route("**/live", lambda route: route.continue_() if held else held.append(route))
    type_on(page, "s")
    type_on(page, "s")
    expect(translation(page)).to_have_text("dogss")
    assert given_up == [held[0].request]
    assert json.loads(held[0].request.post_data or "")["text"] == "dogs"


@pytest.mark.parametrize("view", ["Lines", "Lines+across", "Text"])
def test_the_other_pictures_are_drawn_so_too(page: Page, line: Line, address: str, view: str):
    go(page, address, f"source=dog&view={view}")
    line.there = False
    type_on(page, "s")
    expect(translation(page)).to_have_text("dogs")
    expect(page.locator(".links .keys .token")).to_have_text([*"dogs", "</s>"])
    rows = [re.compile(f"{token}$") for token in (*"dogs", "</s>")]  # a row is named by what it writes, last
    expect(page.locator(".links .queries .token")).to_have_text(rows)


def test_the_page_draws_nothing_again_when_it_catches_up(page: Page, address: str):
    go(page, address, "source=dog")
    page.wait_for_timeout(PAUSE)
    page.evaluate(WATCH)
    type_on(page, "s")
    expect(translation(page)).to_have_text("dogs")
    drawings = page.evaluate("window.drawings")
    assert drawings > 0
    page.wait_for_timeout(PAUSE)
    assert page.evaluate("[window.seen, window.drawings]") == [["dogs"], drawings]


def test_what_the_page_says_late_does_not_undo_what_was_typed_since(page: Page, line: Line, address: str):
    go(page, address, "source=dog")
    page.wait_for_timeout(PAUSE)
    page.evaluate(WATCH)
    line.back = False
    type_on(page, "s")
    assert soon(page, lambda: bool(line.kept))  # the page was run for the first letter
    page.wait_for_timeout(PAUSE)
    type_on(page, "!")
    expect(translation(page)).to_have_text("dogs!")
    line.let_through()
    page.wait_for_timeout(PAUSE)
    assert page.evaluate("window.seen") == ["dogs", "dogs!"]
    assert texts(page, "column") == [*"dogs!", "</s>"]


def answers(kind: str) -> Callable[[Route], None]:
    """What the live address says instead."""
    if kind == "nothing":
        return lambda route: route.fulfill(status=204)
    return lambda route: route.fulfill(status=200, content_type="text/html", body="<p>Who are you?</p>")


@pytest.mark.parametrize("kind", ["nothing", "a page"])
def test_without_the_address_the_page_draws_when_typing_pauses(page: Page, address: str, kind: str):
    page.route("**/live", answers(kind))
    go(page, address, "source=dog")
    for text in ("dogs", "dogs!"):
        type_on(page, text[-1])
        expect(translation(page)).to_have_text(text)
        expect_texts(page, "column", [*text, "</s>"])


@pytest.mark.parametrize("status", [403, 429, 500, 502])
def test_who_gets_no_answer_reads_why(complaining: BrowserContext, address: str, status: int):
    page = complaining.new_page()
    says = live.SAYS.get(status)
    body = json.dumps({"says": says}) if says else "<p>Bad gateway</p>"
    page.route("**/live", lambda route: route.fulfill(status=status, body=body))
    go(page, address, "source=dog")
    note = page.locator(".st-key-translation .note")
    type_on(page, "s")
    expect(note).to_have_text(
        says or "The server does not answer while you type. The page will catch up when you pause."
    )
    expect(translation(page)).to_have_text("dogs")
    expect_texts(page, "column", [*"dogs", "</s>"])
    page.unroute("**/live")
    type_on(page, "!")
    expect(translation(page)).to_have_text("dogs!")
    expect(note).not_to_contain_text("server")


def test_a_click_right_after_a_key_pins_the_row_that_was_clicked(page: Page, address: str):
    go(page, address, "source=dog")
    type_on(page, "s")
    expect_texts(page, "row", written("dogs"))
    plot(page).locator(".row").nth(3).click()
    assert soon(page, lambda: framed(page, 3))
    page.wait_for_timeout(PAUSE)
    expect(page).to_have_url(re.compile(r"token=4\+s"))


def test_another_checkpoint_right_after_a_key(page: Page, address: str):
    go(page, address, "source=dog")
    type_on(page, "s")
    page.get_by_role("combobox", name="Checkpoint", exact=True).click()
    page.get_by_role("option", name="runs/words", exact=True).click()
    expect(page.locator(".st-key-translation label")).to_have_text("Translation")
    page.wait_for_timeout(PAUSE)
    expect(field(page)).to_have_value("dogs")
    assert "".join(texts(page, "column")).removesuffix("</s>") == "dogs"


def test_an_example_that_was_changed_and_restored(page: Page, address: str):
    """The page's own text counts again as soon as the field is left."""
    go(page, address, "source=dog")
    type_on(page, "s")
    expect(translation(page)).to_have_text("dogs")
    page.keyboard.press("Backspace")
    expect(translation(page)).to_have_text("dog")
    page.get_by_role("radio", name="Encoder self", exact=True).click()
    expect(words(page)).to_contain_text("Encoder self-attention")
    page.wait_for_timeout(PAUSE)
    expect(translation(page)).to_have_text("dog")
