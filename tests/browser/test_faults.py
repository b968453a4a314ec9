"""One client means harm, or is broken: the others are answered, and rightly; who asked reads what happened."""

from __future__ import annotations

import asyncio
import json
import time
from collections import Counter
from collections.abc import Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

import pytest
from playwright.sync_api import Browser, BrowserContext, expect
from streamlit.proto.BackMsg_pb2 import BackMsg
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from tests.bench.students import ask, is_right, open_page, run_page
from tests.browser.conftest import FIRST_PATIENCE, prepared, served
from tests.browser.test_explore import field, translation, type_on
from viz.pages.shared import live
from viz.state.link import LONGEST

THREAD = ThreadPoolExecutor(1)  # Playwright has a loop of its own in this one
HEAD = {"layer_number": "2", "head_number": "3"}
CHOSEN = {"checkpoint": "runs/letters", **HEAD}
FLOOD, LINES = 10_000, 8
KEPT = 12  # seconds, the session of a page that may come back


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory, chromium: Browser) -> Iterator[str]:
    """The address of a server whose log may be full of complaints."""
    folder: Path = tmp_path_factory.mktemp("faults")
    port = prepared(folder)
    with served(folder, port, STREAMLIT_SERVER_DISCONNECTED_SESSION_TTL=str(KEPT)) as server:
        yield f"http://localhost:{port}"
        assert server.poll() is None, "the server has ended"


def alone(work: Coroutine[Any, Any, Any]) -> Any:
    return THREAD.submit(asyncio.run, work).result()


async def expect_answered(url: str, during: asyncio.Task[object] | None = None) -> None:
    """Another visitor opens the page and types, for as long as something else goes on."""
    socket, opened = await open_page(url, CHOSEN)
    connection = HTTPConnection(urlsplit(url).netloc, timeout=60)
    n = 0
    while n < 5 or (during is not None and not during.done()):
        text = f"dog {n}"
        status, body = await asyncio.to_thread(ask, connection, url, opened.visitor, text)
        assert status == 200
        assert is_right(json.loads(body), HEAD, text)
        n += 1
        await asyncio.sleep(0.05)  # fewer than a visitor may
    await run_page(socket, opened, {**CHOSEN, "source": "cat"})
    assert opened.drawn
    await socket.close()


async def questions(url: str, visitor: str, n: int) -> Counter[int]:
    """Ask so many questions over one line, without waiting for an answer; their statuses."""
    where = urlsplit(url)
    reader, writer = await asyncio.open_connection(where.hostname, where.port)
    body = json.dumps({"visitor": visitor, "text": "dog"}).encode()
    head = f"POST /live HTTP/1.1\r\nHost: {where.netloc}\r\nContent-Length: {len(body)}\r\n\r\n".encode()
    found: Counter[int] = Counter()

    async def read() -> None:
        for _ in range(n):
            said = await reader.readuntil(b"\r\n\r\n")
            found[int(said.split()[1])] += 1
            length = next(line for line in said.lower().splitlines() if line.startswith(b"content-length"))
            await reader.readexactly(int(length.split()[1]))

    reading = asyncio.ensure_future(read())
    for _ in range(n):
        writer.write(head + body)
        await writer.drain()
    await reading
    writer.close()
    return found


def test_ten_thousand_questions_of_one_client(own: str):
    async def flood() -> Counter[int]:
        _, opened = await open_page(own, CHOSEN)
        asked = [asyncio.ensure_future(questions(own, opened.visitor, FLOOD // LINES)) for _ in range(LINES)]
        every = asyncio.gather(*asked)
        await expect_answered(own, every)  # type: ignore[arg-type]
        return sum(await every, Counter())

    statuses = alone(flood())
    assert statuses.total() == FLOOD
    assert set(statuses) <= {200, 429}
    assert statuses[429] > FLOOD / 2


def test_who_left_is_forgotten_though_nobody_comes(own: str):
    async def left() -> str:
        socket, opened = await open_page(own, CHOSEN)
        await socket.close()
        return opened.visitor

    visitor, began = alone(left()), time.monotonic()
    connection = HTTPConnection(urlsplit(own).netloc, timeout=60)
    assert ask(connection, own, visitor, "dog")[0] == 200  # the page may be on its way back
    while ask(connection, own, visitor, "dog")[0] != 404:
        assert time.monotonic() - began < 3 * KEPT
        time.sleep(0.5)
    connection.close()


def rerun(text: str) -> bytes:
    asked = BackMsg()
    asked.rerun_script.query_string = urlencode({**CHOSEN, "source": text})
    return asked.SerializeToString()


def test_ten_thousand_runs_of_one_client(own: str):
    async def flood() -> None:
        socket, _ = await open_page(own, CHOSEN)

        async def send() -> None:
            for n in range(FLOOD):
                await socket.send(rerun(f"cat {n}"))
                await asyncio.sleep(0)  # the other visitor is served by this loop, too

        async def hear() -> None:
            async for _ in socket:
                pass

        hearing, sending = asyncio.ensure_future(hear()), asyncio.ensure_future(send())
        await expect_answered(own, sending)
        await sending
        hearing.cancel()
        await socket.close()

    alone(flood())


@pytest.mark.parametrize(
    "message",
    [b"\xff\xff\xff", b"", b"\x0a\x05abc", b"x" * 1000, b"\0" * 1_000_000, "text", "\0"],
    ids=["no tag", "empty", "cut off", "another", "zeros", "text", "a zero"],
)
def test_a_message_that_is_none(own: str, message: bytes | str):
    async def send() -> None:
        socket: ClientConnection = await connect(
            own.replace("http", "ws") + "/_stcore/stream",
            subprotocols=["streamlit"],  # type: ignore[list-item]
            origin=own,  # type: ignore[arg-type]
        )
        await socket.send(message)
        try:
            async with asyncio.timeout(0.5):
                await socket.recv()
        except (ConnectionClosed, TimeoutError):
            pass
        await expect_answered(own)
        await socket.close()

    alone(send())


def test_a_sentence_of_ten_megabytes(own: str):
    async def send() -> None:
        socket, opened = await open_page(own, CHOSEN)
        sending = asyncio.ensure_future(run_page(socket, opened, {**CHOSEN, "source": "dog " * 2_500_000}))
        await expect_answered(own, sending)
        await sending
        assert opened.drawn
        status, body = await asyncio.to_thread(
            ask, HTTPConnection(urlsplit(own).netloc, timeout=60), own, opened.visitor, "dog " * 2_500_000
        )
        assert (status, json.loads(body)) == (413, {"says": live.SAYS[413]})
        await socket.close()

    alone(send())


def test_who_types_without_end_reads_where_it_was_cut(complaining: BrowserContext, own: str):
    page = complaining.new_page()
    page.goto(f"{own}/?checkpoint=runs/letters&source=dog", timeout=FIRST_PATIENCE)
    expect(translation(page)).to_have_text("dog", timeout=FIRST_PATIENCE)
    field(page).fill("dog " * 30_000)
    expect(page.get_by_test_id("stToast")).to_contain_text(f"at most {LONGEST:,} characters", timeout=FIRST_PATIENCE)
    expect(field(page)).to_have_value(("dog " * LONGEST)[:LONGEST])
    field(page).fill("")
    type_on(page, "cat")
    expect(translation(page)).to_have_text("cat", timeout=FIRST_PATIENCE)
