"""From a keystroke to the painted heatmap, against an app that only echoes the text.

Both apps run at once, under the same settings, each in its own tab of one Chromium; blocks of typing take turns.
A block types one word, letter by letter, at the end of the example sentence and then deletes it. The letters
are measured, each a text that the app has not seen; the deletions are not, since the app remembers
those traces. A keystroke ends with the frame that shows the last of what it changed: the text, or the
translation, the overview and the head, whose axis must have the new tokens (see ``probe.js``); with ``--page``,
whatever changes last on another page. Before the next
key nothing must have changed for longer than the page waits before it is run: what that run changes counts.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from statistics import median

from playwright.sync_api import Browser, Page, Response, WebSocket
from tqdm import tqdm

from tests.bench.harness import (
    ECHO,
    HEADLIGHT,
    PAGES,
    App,
    chromium,
    first_paint,
    percentile95,
    report_ratio,
    require_checkpoint,
    server,
    visit,
)

# No two begin alike, so that no block shows a text of another.
WORDS = (
    *("apple", "bread", "chair", "doors", "eagle", "fence", "grape", "horse", "igloo", "jeans", "kites", "lemon"),
    *("money", "night", "ocean", "piano", "queen", "river", "snake", "table", "uncle", "voice", "water", "xenon"),
    *("years", "zebra"),
)
IDLE_MS = 600
SETTLED_MS = 2000
TARGET = 2.0


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--blocks", type=int, default=10, help=f"blocks of 5 keystrokes for each app, at most {len(WORDS) - 1}"
    )
    parser.add_argument("--page", choices=PAGES, help="another page than Explore")


def run(options: argparse.Namespace) -> None:
    """Print the medians of both apps, in milliseconds, and the bytes a keystroke brings from the server."""
    require_checkpoint()
    app = PAGES.get(options.page, HEADLIGHT)
    with ExitStack() as stack:
        browser = stack.enter_context(chromium())
        typists = {
            "echo": stack.enter_context(typist(browser, ECHO)),
            "headlight": stack.enter_context(typist(browser, app)),
        }
        for block, word in enumerate(tqdm(WORDS[: options.blocks + 1], unit="block", leave=False)):
            for one in typists.values():
                one.block(word, count=block > 0)  # the first block warms up
    times = {name: [max(took.values()) for took in one.parts] for name, one in typists.items()}
    headlight = typists["headlight"]
    parts = {name: [took[name] for took in headlight.parts if name in took] for name in app.parts}
    report_ratio(
        "keystroke",
        median(times["headlight"]) / median(times["echo"]),
        at_most=TARGET,
        page=options.page or "explore",
        keystrokes=len(times["echo"]),
        echo_ms=median(times["echo"]),
        echo_p95_ms=percentile95(times["echo"]),
        echo_bytes=median(typists["echo"].received),
        headlight_ms=median(times["headlight"]),
        headlight_p95_ms=percentile95(times["headlight"]),
        headlight_bytes=median(headlight.received),
        headlight_parts_ms={name: round(median(found)) for name, found in parts.items() if found},
    )


class Typist:
    """Types into the first text field of a page and keeps what each measured keystroke took."""

    def __init__(self, page: Page, pid: int) -> None:
        self.page = page
        self.pid = pid  # of the server
        self.parts: list[dict[str, float]] = []  # by keystroke, milliseconds of each part
        self.received: list[int] = []  # by keystroke, bytes
        self.field = page.locator('[data-testid="stTextInput"] input').first
        self._bytes = 0
        page.on("websocket", self._listen)
        page.on("response", self._count_answer)

    def _listen(self, socket: WebSocket) -> None:
        socket.on("framereceived", self._count)

    def _count(self, payload: str | bytes) -> None:
        self._bytes += len(payload)

    def _count_answer(self, answer: Response) -> None:
        self._bytes += int(answer.headers.get("content-length", 0))

    def press(self, key: str, idle: int = IDLE_MS) -> dict[str, float]:
        """Press a key that changes the text; returns when the page shows it."""
        self.page.keyboard.press(key)
        return self.page.evaluate("idle => probe.settled(idle)", idle)

    def block(self, word: str, *, count: bool = True) -> None:
        """Type a word, letter by letter, and delete it."""
        self.page.bring_to_front()
        for letter in word:
            before = self._bytes
            parts = self.press(letter)
            if count:
                self.parts.append(parts)
                self.received.append(self._bytes - before)
        for _ in word:
            self.press("Backspace")


@contextmanager
def typist(browser: Browser, app: App) -> Iterator[Typist]:
    """Start an app, open it, and go to the end of the sentence, for another word."""
    with server(app) as running, visit(browser, app, "about:blank") as page:
        one = Typist(page, running.pid)
        page.goto(f"{running.url}/{app.page}")
        first_paint(page)
        one.field.press("End")
        page.keyboard.press("Space")
        page.wait_for_timeout(SETTLED_MS)  # the echo of a space at the end cannot be seen
        yield one
