"""Students without a browser: each speaks to the server as Streamlit's page does, and asks the live address as
``typing.js`` does: one text at a time, the newest first; what came in between is left out.

Each looks at a head of their own, at another one after each sentence, and after every third visits another page. After
a sentence the page is run, as when typing pauses. The built-in sentences are shuffled word by word, so that hardly a
text is typed twice: what is measured is what is computed. A wrong answer is one with another text or head than was
asked for.
"""

from __future__ import annotations

import asyncio
import gzip
import json
import random
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException
from typing import Any
from urllib.parse import urlencode, urlsplit

from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.asyncio.client import ClientConnection, connect

SENTENCES = (
    "A little girl in a blue dress is playing in the green grass.",
    "Two men are sitting on a bench in front of the old church.",
    "The black dog that was chasing the ball is tired now.",
    "I have never seen such a beautiful place in my life.",
    "We would like a table for four people near the window.",
    "Can you tell me where the nearest station is, please?",
)
OTHER_PAGES = ("guide", "anatomy", "positions")
VISIT_EVERY = 3  # sentences
BEGIN_WITHIN = 10  # seconds, in which a class sets to work
RUN_SECONDS = 60  # within which a page must be done


@dataclass(slots=True)
class Seen:
    """What the students of one class saw: seconds from a key, of Explore's own run and of other pages; and what went
    wrong."""

    keys: list[float] = field(default_factory=list)
    runs: list[float] = field(default_factory=list)
    pages: list[float] = field(default_factory=list)
    typed: int = 0
    errors: int = 0
    wrong: int = 0


@dataclass(slots=True)
class Opened:
    """What a page says of itself while it is run: the name by which it may ask, its text field and lists by key, and
    whether pictures were drawn by the last run."""

    visitor: str = ""
    drawn: bool = False
    widgets: dict[str, str] = field(default_factory=dict)

    def hear(self, told: ForwardMsg) -> None:
        element = told.delta.new_element
        for widget in (element.selectbox.id, element.text_input.id):
            if widget:
                self.widgets[widget.rpartition("-")[2]] = widget
        component = element.bidi_component
        text = component.json or component.mixed.json
        if '"follow"' in text:
            self.visitor, self.drawn = json.loads(text)["follow"]["visitor"], True


@dataclass(slots=True)
class Student:
    """One of a class, whose page is open."""

    url: str
    number: int
    socket: ClientConnection
    opened: Opened
    more: dict[str, str]  # of the link, besides text and head

    def head(self, sentence: int) -> dict[str, str]:
        """What a link says of the head that they look at while they type it."""
        return {"layer_number": str(1 + (self.number + sentence) % 3), "head_number": str(1 + self.number // 3 % 4)}

    async def study(self, lines: Iterator[str], keys: float, end: float, seen: Seen) -> None:
        """Type one sentence after the other until ``end``, a time of ``perf_counter``."""
        connection = HTTPConnection(urlsplit(self.url).netloc, timeout=RUN_SECONDS)
        await asyncio.sleep(random.random() * BEGIN_WITHIN)
        text, sentence = "", 0
        while time.perf_counter() < end:
            if sentence % VISIT_EVERY == VISIT_EVERY - 1:
                page = OTHER_PAGES[(self.number + sentence // VISIT_EVERY) % len(OTHER_PAGES)]
                seen.pages.append(await self._run({"source": text, **self.more}, page))
            head = self.head(sentence)
            seen.runs.append(await self._run({"source": text, **head, **self.more}))
            text = next(lines)
            await self._type(connection, head, text, keys, end, seen)
            sentence += 1
        connection.close()

    async def _run(self, query: dict[str, str], page: str = "") -> float:
        """Have a page run; how long that took."""
        began = time.perf_counter()
        await run_page(self.socket, self.opened, query, page)
        return time.perf_counter() - began

    async def _type(
        self, connection: HTTPConnection, head: dict[str, str], text: str, keys: float, end: float, seen: Seen
    ) -> None:
        began, done = time.perf_counter(), 0
        while done < len(text) and time.perf_counter() < end:
            pressed = int((time.perf_counter() - began) * keys) + 1  # letters by now
            if pressed <= done:
                await asyncio.sleep(began + done / keys - time.perf_counter())
                continue
            seen.typed += min(pressed, len(text)) - done
            done = min(pressed, len(text))
            when = began + (done - 1) / keys
            try:
                status, body = await asyncio.to_thread(ask, connection, self.url, self.opened.visitor, text[:done])
            except (OSError, HTTPException):
                connection.close()  # the next request opens it again
                status, body = 0, b""
            if status != 200:
                seen.errors += 1
                continue
            seen.keys.append(time.perf_counter() - when)
            seen.wrong += not is_right(json.loads(body), head, text[:done])


def shuffled(seed: int) -> Iterator[str]:
    """The built-in sentences, each with its words in another order."""
    chance = random.Random(seed)
    while True:
        words = chance.choice(SENTENCES).split()
        chance.shuffle(words)
        yield " ".join(words)


def drawn_from(lines: Sequence[str], seed: int) -> Iterator[str]:
    """Lines as they are, in an order of one's own."""
    chance = random.Random(seed)
    while True:
        yield from chance.sample(lines, len(lines))


async def study_together(
    url: str,
    sessions: int,
    seconds: float,
    keys: float,
    lines: Callable[[int], Iterator[str]],
    more: dict[str, str] | None = None,
    before_leaving: Callable[[], None] = lambda: None,
) -> Seen:
    """What a class sees; ``lines`` gives a student's sentences by a seed, ``keys`` is how many each types a second."""
    seen = Seen()
    asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(sessions))  # nobody waits for another's request
    students = await asyncio.gather(*(enter(url, number, more or {}) for number in range(sessions)))
    end = time.perf_counter() + seconds
    began = time.time_ns()  # texts that no class before typed, which are kept
    await asyncio.gather(*(one.study(lines(began + one.number), keys, end, seen) for one in students))
    before_leaving()
    for one in students:
        await one.socket.close()
    return seen


async def tour(url: str) -> None:
    """One visitor sees every page, whose code is then loaded."""
    socket, opened = await open_page(url, {})
    for page in OTHER_PAGES:
        await run_page(socket, opened, {}, page)
    await socket.close()


async def enter(url: str, number: int, more: dict[str, str]) -> Student:
    """A student whose page is open."""
    return Student(url, number, *await open_page(url, more), more)


async def open_page(url: str, query: dict[str, str]) -> tuple[ClientConnection, Opened]:
    """A page that is open."""
    address = url.replace("http", "ws") + "/_stcore/stream"
    socket = await connect(address, subprotocols=["streamlit"], origin=url, max_size=None, open_timeout=RUN_SECONDS)  # type: ignore[arg-type]
    opened = Opened()
    await run_page(socket, opened, query)
    if not opened.visitor:
        raise RuntimeError("the page names no visitor")
    return socket, opened


async def run_page(socket: ClientConnection, opened: Opened, query: dict[str, str], page: str = "") -> None:
    """Have a page run with what is chosen, until it is done. What it has a field or a list for is chosen there, and its
    address says the rest."""
    asked = BackMsg()
    asked.rerun_script.query_string = urlencode(query)
    asked.rerun_script.page_name = page
    states = asked.rerun_script.widget_states.widgets
    for key, widget in opened.widgets.items():
        if key in query:
            states.add(id=widget, string_value=query[key])
    opened.drawn = False
    await socket.send(asked.SerializeToString())
    async with asyncio.timeout(RUN_SECONDS):
        while True:
            told = ForwardMsg.FromString(await socket.recv(decode=False))
            if told.WhichOneof("type") == "script_finished":
                return
            opened.hear(told)


def is_right(drawn: dict[str, Any], head: dict[str, str], text: str) -> bool:
    """Whether an answer is of the text and the head that were asked for."""
    said = {one["name"]: one["value"] for one in drawn["addresses"]}
    return drawn["text"] == text and all(said[name] == value for name, value in head.items())


def ask(connection: HTTPConnection, url: str, visitor: str, text: str) -> tuple[int, bytes]:
    """The status and the body of the live address's answer."""
    body = json.dumps({"visitor": visitor, "text": text})
    headers = {"Content-Type": "application/json", "Origin": url, "Accept-Encoding": "gzip"}
    connection.request("POST", "/live", body, headers)
    answer = connection.getresponse()
    said = answer.read()
    return answer.status, gzip.decompress(said) if answer.getheader("Content-Encoding") == "gzip" else said
