"""What the benchmarks share: taking turns, reporting, and a server with a browser in front of it."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from playwright.sync_api import Browser, Error, Page, sync_playwright
from tqdm import tqdm

ROOT = Path(__file__).parents[2]
HERE = Path(__file__).parent
CHROMIUM_FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
VIEWPORT = {"width": 1440, "height": 900}
START_SECONDS = 120


def interleaved(rounds: int, warm_up: int = 1, **contenders: Callable[[], object]) -> dict[str, list[float]]:
    """The seconds that each contender takes, in turns (A B A B …); the rounds to warm up do not count."""
    seconds: dict[str, list[float]] = {name: [] for name in contenders}
    for turn in tqdm(range(-warm_up, rounds), unit="round", leave=False):
        for name, contender in contenders.items():
            began = time.perf_counter()
            contender()
            if turn >= 0:
                seconds[name].append(time.perf_counter() - began)
    return seconds


def report(benchmark: str, **figures: Any) -> None:
    """Print one line of JSON; floats with five digits."""
    rounded = {name: float(f"{value:.5g}") if isinstance(value, float) else value for name, value in figures.items()}
    print(json.dumps({"benchmark": benchmark, **rounded}), flush=True)


def report_ratio(
    benchmark: str, ratio: float, *, at_most: float | None = None, at_least: float | None = None, **figures: Any
) -> None:
    """:func:`report` with a ratio, its target and whether that was met."""
    met = (at_most is None or ratio <= at_most) and (at_least is None or ratio >= at_least)
    target = f"<= {at_most}" if at_least is None else f">= {at_least}"
    report(benchmark, **figures, ratio=ratio, target=target, met=met)


def percentile95(values: list[float]) -> float:
    return sorted(values)[min(len(values) - 1, round(0.95 * len(values)))]


def medians(values: dict[str, list[float]]) -> dict[str, float]:
    return {name: median(list_) for name, list_ in values.items()}


@dataclass(frozen=True, slots=True)
class App:
    """A Streamlit script, the CSS selectors, by name, of the parts that show what was typed (see ``probe.js``), and one
    of its pages."""

    script: Path
    parts: dict[str, str]
    page: str = ""


HEADLIGHT = App(
    ROOT / "app.py", {"translation": ".st-key-translation", "overview": ".st-key-overview", "head": ".st-key-head"}
)
MAIN = "[data-testid=stMain]"
PAGES = {
    name: App(ROOT / "app.py", {"page": where}, page)
    for name, page, where in (
        ("guide", "guide?chapter=4", ".st-key-slide_figure"),
        ("anatomy", "anatomy", MAIN),
        ("positions", "positions?part=Added+to+your+sentence", MAIN),
        ("moved", "positions?part=Change+the+positions", MAIN),
    )
}
"""Pages that follow what is typed: shown is what changes last. Of the Guide it is the figure: the question beside it
has buttons, so the page asks it when typing pauses."""
ECHO = App(HERE / "echo_app.py", {"text": '[data-testid="stMarkdown"]'})


def require_checkpoint() -> None:
    """
    Raises:
        RuntimeError: the app has nothing to show.
    """
    from model.checkpoint import PRETRAINED, SUFFIX

    path = PRETRAINED / f"translate-en-fr{SUFFIX}"
    if not path.is_file():
        raise RuntimeError(f"this benchmark shows the checkpoint that ships, but {path} does not exist")


@dataclass(frozen=True, slots=True)
class Server:
    url: str
    pid: int
    started: float  # seconds since 1970


@contextmanager
def server(app: App) -> Iterator[Server]:
    """``streamlit run`` of an app from the root of the repository, so with its settings, until the block ends.

    Raises:
        RuntimeError: it does not start.
    """
    with closing(socket.socket()) as free:
        free.bind(("localhost", 0))
        port = free.getsockname()[1]
    options = ("--server.port", str(port), "--server.headless", "true")
    command = [sys.executable, "-m", "streamlit", "run", str(app.script), *options]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with tempfile.TemporaryFile() as log:
        started = time.time()
        process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=log, stderr=log)
        try:
            url = f"http://localhost:{port}"
            while not _healthy(url):
                if process.poll() is not None or time.time() - started > START_SECONDS:
                    log.seek(0)
                    raise RuntimeError(f"{app.script.name} did not start:\n{log.read().decode(errors='replace')}")
                time.sleep(0.01)
            yield Server(url, process.pid, started)
        finally:
            process.terminate()
            try:
                process.wait(5)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _healthy(url: str) -> bool:
    try:
        with urllib.request.urlopen(f"{url}/_stcore/health", timeout=1) as answer:
            return answer.status == 200
    except OSError:
        return False


@contextmanager
def chromium() -> Iterator[Browser]:
    """The system's Chromium if there is one, else Playwright's own."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=list(CHROMIUM_FLAGS))
        try:
            yield browser
        finally:
            with suppress(Error):  # after Ctrl-C it is closed already
                browser.close()


@contextmanager
def visit(browser: Browser, app: App, url: str) -> Iterator[Page]:
    """A page with ``probe.js`` in it, in a context of its own, so with nothing cached."""
    context = browser.new_context(viewport=VIEWPORT, locale="en")  # type: ignore[arg-type]
    context.add_init_script(f"window.probeParts = {json.dumps(app.parts)};")
    context.add_init_script(path=HERE / "probe.js")
    try:
        page = context.new_page()
        page.set_default_timeout(1000 * START_SECONDS)
        page.goto(url, wait_until="commit")
        yield page
    finally:
        with suppress(Error):
            context.close()


def first_paint(page: Page) -> float:
    """When the page first showed all its parts, in seconds since 1970."""
    return page.evaluate("probe.first") / 1000
