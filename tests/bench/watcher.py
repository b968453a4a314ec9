"""Visitors without a browser: each speaks to the server as Streamlit's page does, and looks at a run.

A browser for each would compete with the training on this machine; in a class each visitor has a machine.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress

import websockets
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg


async def look(url: str, page: str, query: str) -> None:
    """One visitor: open a page, and ask for each of its fragments again as often as the server wants, for ever."""
    address = f"{url.replace('http', 'ws', 1)}/_stcore/stream"
    async with websockets.connect(address, subprotocols=[websockets.Subprotocol("streamlit")], max_size=None) as socket:
        await socket.send(_ask(page, query))
        again: dict[str, asyncio.Task[None]] = {}
        try:
            async for data in socket:
                message = ForwardMsg()
                message.ParseFromString(data if isinstance(data, bytes) else data.encode())
                kind = message.WhichOneof("type")
                if kind == "new_session" and not message.metadata.run.fragment_ids:
                    _cancel(again)  # the whole page is drawn: what asks again is told anew
                elif kind == "auto_rerun":
                    rerun = message.auto_rerun
                    if rerun.fragment_id not in again:
                        again[rerun.fragment_id] = asyncio.create_task(
                            _repeat(socket, page, query, rerun.fragment_id, rerun.interval)
                        )
        finally:
            _cancel(again)


async def crowd(url: str, page: str, query: str, n: int, seconds: float) -> None:
    """``n`` visitors for some seconds."""
    visitors = [asyncio.create_task(look(url, page, query)) for _ in range(n)]
    done, _ = await asyncio.wait(visitors, timeout=seconds)
    for visitor in visitors:
        visitor.cancel()
    for visitor in done:
        visitor.result()  # one that ended has failed
    for visitor in visitors:
        with suppress(asyncio.CancelledError):
            await visitor


async def _repeat(socket: websockets.ClientConnection, page: str, query: str, fragment: str, interval: float) -> None:
    while True:
        await asyncio.sleep(interval)
        await socket.send(_ask(page, query, fragment))


def _cancel(tasks: dict[str, asyncio.Task[None]]) -> None:
    for task in tasks.values():
        task.cancel()
    tasks.clear()


def _ask(page: str, query: str, fragment: str = "") -> bytes:
    message = BackMsg()
    message.rerun_script.query_string = query
    message.rerun_script.page_name = page
    message.rerun_script.fragment_id = fragment
    message.rerun_script.is_auto_rerun = bool(fragment)
    return message.SerializeToString()
