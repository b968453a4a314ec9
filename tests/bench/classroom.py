"""A class at one server: students who type sentences letter by letter, one alone and then all of them.

Clients, no browsers: each opens a page as Streamlit's own script does, over its WebSocket, and asks the live address
as ``typing.js`` does: one text at a time, the newest first; what came in between is left out. Each looks at a head of
their own; after a sentence the page is run, as when typing pauses. The words of a sentence are shuffled, so that hardly
a text is typed twice: what is measured is what is computed. A wrong answer is one with another text or head than was
asked for. Linux only: it reads ``/proc``.
"""

from __future__ import annotations

import argparse
import asyncio
import gzip
import json
import random
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from http.client import HTTPConnection
from pathlib import Path
from statistics import median
from typing import Any
from urllib.parse import urlencode, urlsplit

from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.asyncio.client import ClientConnection, connect

from tests.bench.harness import HEADLIGHT, Server, percentile95, report, report_ratio, require_checkpoint, server
from tests.bench.memory import resident

SENTENCES = (
    "A little girl in a blue dress is playing in the green grass.",
    "Two men are sitting on a bench in front of the old church.",
    "The black dog that was chasing the ball is tired now.",
    "I have never seen such a beautiful place in my life.",
    "We would like a table for four people near the window.",
    "Can you tell me where the nearest station is, please?",
)
MEDIAN_TARGET, TAIL_TARGET = 3, 8
RUN_SECONDS = 60  # within which a page must be done


@dataclass(slots=True)
class Seen:
    """What the students of one class saw: seconds from a key, and of a page's own run; and what went wrong."""

    keys: list[float] = field(default_factory=list)
    runs: list[float] = field(default_factory=list)
    typed: int = 0
    errors: int = 0
    wrong: int = 0


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--sessions", type=int, default=30, help="students in the class")
    parser.add_argument("--seconds", type=float, default=180, help="for which the class types")
    parser.add_argument("--keys", type=float, default=2, help="keys a second of each student")
    parser.add_argument("--sentences", type=Path, help="a file of what they type, one a line")


def run(options: argparse.Namespace) -> None:
    """Print what one student sees and what each of a class does, and the server's memory."""
    require_checkpoint()
    lines: list[str] = (
        options.sentences.read_text(encoding="utf-8").splitlines() if options.sentences else list(SENTENCES)
    )
    with server(HEADLIGHT) as one:
        asyncio.run(_class(one, 1, 5, options.keys, lines))  # to warm up
        alone = _reported(one, 1, min(options.seconds, 60), options.keys, lines)
        together = _reported(one, options.sessions, options.seconds, options.keys, lines)
    for name, figure, target in (("median", median, MEDIAN_TARGET), ("p95", percentile95, TAIL_TARGET)):
        ratio = figure(together.keys) / median(alone.keys)
        report_ratio("classroom", ratio, at_most=target, figure=name, sessions=options.sessions)


def _reported(one: Server, sessions: int, seconds: float, keys: float, lines: list[str]) -> Seen:
    before = resident(one.pid)
    seen, during = asyncio.run(_class(one, sessions, seconds, keys, lines))
    report(
        "classroom",
        sessions=sessions,
        median_s=median(seen.keys),
        p95_s=percentile95(seen.keys),
        run_median_s=median(seen.runs),
        run_p95_s=percentile95(seen.runs),
        asked_a_second=seen.typed / seconds,
        answers_a_second=len(seen.keys) / seconds,
        errors=seen.errors,
        wrong=seen.wrong,
        mib_before=before,
        mib_during=during,
        mib_after=resident(one.pid),
    )
    return seen


async def _class(one: Server, sessions: int, seconds: float, keys: float, lines: list[str]) -> tuple[Seen, float]:
    """What a class saw, and the server's memory just before it left."""
    seen = Seen()
    asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(sessions))  # nobody waits for another's request
    heads = [{"layer_number": str(1 + n % 3), "head_number": str(1 + n // 3 % 4)} for n in range(sessions)]
    students = await asyncio.gather(*(open_page(one.url, head) for head in heads))
    end = time.perf_counter() + seconds
    await asyncio.gather(
        *(
            _study(one.url, *student, head, number, lines, keys, end, seen)
            for number, (student, head) in enumerate(zip(students, heads, strict=True))
        )
    )
    memory = resident(one.pid)
    for socket, _ in students:
        await socket.close()
    return seen, memory


async def open_page(url: str, head: dict[str, str]) -> tuple[ClientConnection, str]:
    """A page that is open, and the name by which it may ask."""
    address = url.replace("http", "ws") + "/_stcore/stream"
    socket = await connect(address, subprotocols=["streamlit"], origin=url, max_size=None, open_timeout=RUN_SECONDS)  # type: ignore[arg-type]
    visitor = await ran(socket, head)
    if visitor is None:
        raise RuntimeError("the page names no visitor")
    return socket, visitor


async def ran(socket: ClientConnection, query: dict[str, str]) -> str | None:
    """Have the page run with what is chosen, until it is done; the visitor it names."""
    asked = BackMsg()
    asked.rerun_script.query_string = urlencode(query)
    await socket.send(asked.SerializeToString())
    visitor = None
    async with asyncio.timeout(RUN_SECONDS):
        while True:
            told = ForwardMsg.FromString(await socket.recv(decode=False))
            if told.WhichOneof("type") == "script_finished":
                return visitor
            visitor = _named(told) or visitor


def _named(told: ForwardMsg) -> str | None:
    component = told.delta.new_element.bidi_component
    text = component.json or component.mixed.json
    return (json.loads(text).get("follow") or {}).get("visitor") if '"follow"' in text else None


async def _study(
    url: str,
    socket: ClientConnection,
    visitor: str,
    head: dict[str, str],
    number: int,
    lines: list[str],
    keys: float,
    end: float,
    seen: Seen,
) -> None:
    """One student: types a sentence, pauses, types the next one."""
    chance = random.Random(f"{end} {number}")  # texts that no class before typed, which are kept
    connection = HTTPConnection(urlsplit(url).netloc, timeout=RUN_SECONDS)
    await asyncio.sleep(chance.random() / keys)
    text = ""
    while time.perf_counter() < end:
        began = time.perf_counter()
        visitor = await ran(socket, {"source": text, **head}) or visitor
        seen.runs.append(time.perf_counter() - began)
        words = chance.choice(lines).split()
        chance.shuffle(words)  # else one student's answers would be kept for the next one
        text = " ".join(words)
        await _type(connection, url, visitor, head, text, keys, end, seen)
    connection.close()


async def _type(
    connection: HTTPConnection,
    url: str,
    visitor: str,
    head: dict[str, str],
    text: str,
    keys: float,
    end: float,
    seen: Seen,
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
            status, body = await asyncio.to_thread(ask, connection, url, visitor, text[:done])
        except OSError:
            status, body = 0, b""
        if status != 200:
            seen.errors += 1
            continue
        seen.keys.append(time.perf_counter() - when)
        seen.wrong += not is_right(json.loads(body), head, text[:done])


def is_right(drawn: dict[str, Any], head: dict[str, str], text: str) -> bool:
    said = {one["name"]: one["value"] for one in drawn["addresses"]}
    return drawn["text"] == text and all(said[name] == value for name, value in head.items())


def ask(connection: HTTPConnection, url: str, visitor: str, text: str) -> tuple[int, bytes]:
    body = json.dumps({"visitor": visitor, "text": text})
    headers = {"Content-Type": "application/json", "Origin": url, "Accept-Encoding": "gzip"}
    connection.request("POST", "/live", body, headers)
    answer = connection.getresponse()
    said = answer.read()
    return answer.status, gzip.decompress(said) if answer.getheader("Content-Encoding") == "gzip" else said
