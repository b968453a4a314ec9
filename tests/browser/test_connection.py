"""A server that is killed, and a connection that breaks: nothing that was typed is lost, and no page is left dead."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Page, WebSocketRoute, expect

from tests.browser.conftest import FIRST_PATIENCE, prepared, served
from tests.browser.test_explore import expect_texts, field, soon, translation, type_on, words

QUIET = 1500  # milliseconds, in which the page hears of a text and draws it


def opened(context: BrowserContext, address: str) -> Page:
    page = context.new_page()
    page.goto(address, timeout=FIRST_PATIENCE)
    expect(page.locator(".stApp[data-test-script-state='notRunning']")).to_be_attached(timeout=FIRST_PATIENCE)
    expect(page.locator("h1.headlight")).to_be_visible(timeout=FIRST_PATIENCE)
    return page


def expect_back(page: Page) -> None:
    expect(page.locator(".stApp[data-test-connection-state=CONNECTED]")).to_be_attached(timeout=FIRST_PATIENCE)


def expect_alive(page: Page, text: str) -> None:
    """What is typed is drawn, also without a run of the page, and what is clicked is done."""
    expect(field(page)).to_be_focused(timeout=FIRST_PATIENCE)
    page.keyboard.type("!")
    expect(translation(page)).to_have_text(f"{text}!")
    expect_texts(page, "column", [*f"{text}!", "</s>"])
    page.get_by_role("radio", name="Encoder self", exact=True).click()
    expect(words(page)).to_contain_text("Encoder self-attention")
    expect(field(page)).to_have_value(f"{text}!")


def test_a_server_that_is_killed_and_started_again(complaining: BrowserContext, tmp_path: Path):
    port = prepared(tmp_path)
    address = f"http://localhost:{port}"
    with served(tmp_path, port):
        typing = opened(complaining, f"{address}/?checkpoint=runs/letters&source=dog&layer_number=2&head_number=3")
        untouched = opened(complaining, f"{address}/?checkpoint=runs/letters&source=cat&view=Lines")
        other = opened(complaining, f"{address}/anatomy?checkpoint=runs/letters&source=owl#source-sentence")
        field(other).press("End")
        other.keyboard.type("et")
        expect(other).to_have_url(re.compile("source=owlet"))
        other.wait_for_timeout(QUIET)
        type_on(typing, "s")
        typing.wait_for_timeout(QUIET)
        type_on(typing, "run")
    pages = (typing, untouched, other)
    for page in pages:
        expect(page.locator(".stApp:not([data-test-connection-state=CONNECTED])")).to_be_attached()
    with served(tmp_path, port):
        for page in pages:
            expect_back(page)
        expect_alive(typing, "dogsrun")
        expect(typing).to_have_url(re.compile("source=dogsrun%21"))
        expect(field(untouched)).to_be_enabled(timeout=FIRST_PATIENCE)
        type_on(untouched, "s")
        expect(translation(untouched)).to_have_text("cats", timeout=FIRST_PATIENCE)
        expect(untouched.locator(".links .keys .token")).to_have_text([*"cats", "</s>"])
        expect(field(other)).to_have_value("owlet")
        field(other).press("End")
        other.keyboard.type("s")
        expect(other).to_have_url(re.compile("source=owlets"), timeout=FIRST_PATIENCE)


@pytest.mark.parametrize("after", [0, 150, 500, 900], ids=lambda after: f"{after} ms")
def test_a_connection_that_breaks_while_somebody_types(complaining: BrowserContext, address: str, after: int):
    """In the first second after a key Streamlit has not yet heard of it, or just sends it."""
    sockets: list[WebSocketRoute] = []

    def connect(socket: WebSocketRoute) -> None:
        sockets.append(socket)
        socket.connect_to_server()

    complaining.route_web_socket(re.compile("_stcore/stream"), connect)
    page = opened(complaining, f"{address}/?checkpoint=runs/letters&source=dog")
    expect(translation(page)).to_have_text("dog")
    type_on(page, "srun")
    page.wait_for_timeout(after)
    sockets[-1].close(code=1012)
    assert soon(page, lambda: len(sockets) == 2)
    expect_back(page)
    expect_alive(page, "dogsrun")
    expect(page).to_have_url(re.compile("source=dogsrun%21"))
