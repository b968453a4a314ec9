"""The address that draws what is typed, asked as a browser asks it but without one."""

import asyncio
import gc
import gzip
import json
import math
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import product
from pathlib import Path
from typing import Any

import pytest
import streamlit as st
import torch
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Message
from streamlit.testing.v1 import AppTest

from model import checkpoint
from model.capture import Text
from model.checkpoint import Checkpoint
from model.trace import KINDS, Kind, Trace
from tests.helpers import MAX_LEN, SENTENCE, save_letters, save_words
from tests.viz.helpers import pictures
from tests.viz.pages.test_explore import LETTERS, UNUSUAL, WORDS, opened, pin, ran, target, typed
from viz.components.views import VIEWS
from viz.look.forcing import BEGINNING, TARGET
from viz.look.look import Chosen
from viz.look.view import View
from viz.look.words import KIND_NAMES, SHORT_KIND_NAMES
from viz.pages.explore import page
from viz.pages.shared import answering, live
from viz.pages.shared.answering import answered
from viz.state import session, tracing
from viz.state.link import LONGEST
from viz.state.pace import Pace


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with two checkpoints that copy what they read; letters come first."""
    folder = tmp_path_factory.mktemp("live")
    save_letters(folder / LETTERS / "best.safetensors")
    save_words(folder / WORDS / "best.safetensors")
    return folder


@pytest.fixture(autouse=True)
def _folder(saved: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    threads = torch.get_num_threads()
    monkeypatch.chdir(saved)
    monkeypatch.setattr(checkpoint, "PRETRAINED", saved / "pretrained")
    yield
    st.cache_resource.clear()
    torch.set_num_threads(threads)


def response(body: bytes, length: int | None = None, **headers: str) -> Response:
    """The answer to a request."""

    async def receive() -> Message:
        return {"type": "http.request", "body": body, "more_body": False}

    length = len(body) if length is None else length
    given = {"content-length": str(length), **{name.replace("_", "-"): value for name, value in headers.items()}}
    raw = [(name.encode(), value.encode()) for name, value in given.items()]
    return asyncio.run(live.answer(Request({"type": "http", "method": "POST", "headers": raw}, receive)))


def asked(body: bytes, length: int | None = None) -> tuple[int, Any]:
    """The status of the answer to a request, and what it says."""
    answer = response(body, length)
    return answer.status_code, json.loads(bytes(answer.body) or "null")


def followed(app: AppTest, text: str) -> dict[str, Any]:
    """What a browser that has this page open draws when the text is typed."""
    status, data = asked(json.dumps({"visitor": pictures(app)["follow"]["visitor"], "text": text}).encode())
    assert status == 200
    return data


def drawn(app: AppTest) -> dict[str, Any]:
    """What the page draws."""
    return {name: value for name, value in pictures(app).items() if name != "follow"}


@pytest.mark.parametrize("text", ["", "dog", SENTENCE, "a" * (MAX_LEN + 5), *UNUSUAL])
def test_what_is_typed_looks_as_on_the_page(text: str):
    app = opened(checkpoint=WORDS)
    before = drawn(app)
    found = followed(app, text)
    assert found == drawn(typed(app, text))
    assert found != before or text == SENTENCE


@pytest.mark.parametrize(("kind", "view"), list(product(KINDS, VIEWS)), ids=lambda one: getattr(one, "name", one))
def test_each_kind_and_view(kind: Kind, view: View):
    app = opened(kind=SHORT_KIND_NAMES[kind], view=view.name, layer_number="2", head_number="3", checkpoint=WORDS)
    found = followed(app, "A red ball")
    assert found["script"] == view.script
    assert KIND_NAMES[kind] in found["words"]
    assert found == drawn(typed(app, "A red ball"))


@pytest.mark.parametrize(
    "query",
    [
        {"scale": "square root"},
        {"rows": "fed in", "kind": "Decoder self"},
        {"special": "false"},
        {"whole_words": "true", "means": "false", "each_head": "true"},
        {"view": "Lines", "overlay": "1,3"},
        {"view": "Lines", "overlay": ["1", "3"]},  # as links had it once
        {"zoom": "2-3,1-2"},
        {"source": "dog", "token": "1 d", "together": "2,3"},
        {"decoder_mode": BEGINNING, "prefix": "cat"},
        {"decoder_mode": TARGET, "target": "ox"},
    ],
    ids=str,
)
def test_what_was_chosen_holds_for_the_next_text(query: dict[str, Any]):
    app = opened(**query)
    plain = opened(**{key: query[key] for key in ("kind", "view") if key in query})
    found = followed(app, "do it")
    assert found != followed(plain, "do it")
    assert found == drawn(typed(app, "do it"))


def address(data: dict[str, Any], name: str) -> str:
    return next(one["value"] for one in data["addresses"] if one["name"] == name)


def test_a_pinned_row_that_comes_back_is_pinned_still():
    app = pin(typed(opened(), "dog"), "3 g")
    assert address(followed(app, "do"), "token") == "most telling"
    assert address(followed(app, "dig"), "token") == "3 g"
    assert followed(app, "dig")["head"]["pinned"] == 2


def test_a_page_that_was_changed_is_followed_as_it_is():
    app = opened()
    app.segmented_control(key="kind").set_value("encoder")
    found = followed(ran(app), "dog")
    assert "Encoder self-attention" in found["words"]


def test_visitors_do_not_see_each_other():
    one, other = opened(), opened(kind="Encoder self")
    assert pictures(one)["follow"] != pictures(other)["follow"]
    assert "Cross-attention" in followed(one, "a")["words"]
    assert "Encoder self-attention" in followed(other, "a")["words"]
    typed(one, "cat")
    assert target(ran(other)) != "cat"


def test_a_visitor_who_left_is_forgotten():
    visitor = session.Visitor()
    session.visitors()[visitor.name] = visitor
    body = json.dumps({"visitor": visitor.name, "text": "a"}).encode()
    assert asked(body)[0] == 429  # nothing is chosen yet
    del visitor
    gc.collect()
    assert list(session.visitors()) == []
    assert asked(body)[0] == 404


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400),
        (b"\xff", 400),
        (b"[]", 400),
        (b"{}", 400),
        (b'{"visitor": "a"}', 400),
        (b'{"visitor": 1, "text": "a"}', 400),
        (b'{"visitor": "a", "text": null}', 400),
        (b'{"visitor": "a", "text": "a"}', 404),
    ],
)
def test_a_request_that_cannot_be_answered(body: bytes, status: int):
    assert asked(body) == (status, {"says": live.SAYS[status]})


@pytest.mark.parametrize("length", [live.LONGEST + 1, 10**30])
def test_a_request_that_is_too_long_is_not_read(length: int):
    assert asked(b"{}", length=length) == (413, {"says": live.SAYS[413]})


def question(app: AppTest, text: str) -> bytes:
    return json.dumps({"visitor": pictures(app)["follow"]["visitor"], "text": text}).encode()


@pytest.mark.parametrize(
    ("origin", "status"),
    [
        ("http://here:8501", 200),
        ("https://here:8501", 200),
        ("http://elsewhere", 403),
        ("http://here", 403),
        ("null", 403),
    ],
)
def test_only_pages_of_this_server_are_answered(origin: str, status: int):
    assert response(question(opened(), "a"), host="here:8501", origin=origin).status_code == status


def test_an_answer_is_compressed_for_who_can_read_it():
    asks = question(opened(), "dog")
    plain, zipped = response(asks), response(asks, accept_encoding="gzip, br")
    assert zipped.headers["content-encoding"] == "gzip"
    assert gzip.decompress(bytes(zipped.body)) == plain.body


def test_who_asks_too_often_is_told_so_and_others_are_answered():
    one, other = opened(), opened()
    session.visitors()[pictures(one)["follow"]["visitor"]].pace.left = -math.inf
    refused = response(question(one, "a"))
    assert (refused.status_code, json.loads(bytes(refused.body))) == (429, {"says": live.SAYS[429]})
    assert refused.headers["retry-after"] == "1"
    assert response(question(other, "a")).status_code == 200


def test_a_text_that_cannot_be_drawn(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture):
    app = opened()
    monkeypatch.setattr(page, "scene", lambda chosen, look: 1 / 0)
    assert asked(question(app, "a")) == (500, {"says": live.SAYS[500]})
    assert "ZeroDivisionError" in caplog.text


def test_a_text_without_end_is_cut_and_the_visitor_reads_where():
    app = typed(opened(), "dog " * 2_500_000)
    assert app.text_input(key="source").value == ("dog " * LONGEST)[:LONGEST]
    assert [one.value for one in app.toast] == [
        "A text has at most 10,000 characters here. The other 9,990,000 were left out."
    ]


def test_a_text_that_is_superseded_is_not_begun():
    app = opened()
    visitor = session.visitors()[pictures(app)["follow"]["visitor"]]
    assert visitor.following is not None
    older, newer = visitor.pace.turn(), visitor.pace.turn()
    assert older is not None
    assert newer is not None
    assert asyncio.run(answered(visitor, visitor.following, "do", older, False)) is None
    assert json.loads(asyncio.run(answered(visitor, visitor.following, "dog", newer, False)) or b"")["text"] == "dog"


def waited(monkeypatch: pytest.MonkeyPatch, texts: Mapping[AppTest, str]) -> list[bytes | BaseException | None]:
    """The answers to texts that all wait when the first one's turn comes."""

    async def answers() -> list[bytes | BaseException | None]:
        with ThreadPoolExecutor(1) as held:
            monkeypatch.setattr(answering, "OURS", held)
            held.submit(time.sleep, 0.1)
            asks = []
            for app, text in texts.items():
                visitor = session.visitors()[pictures(app)["follow"]["visitor"]]
                turn = visitor.pace.turn()
                assert visitor.following is not None
                assert turn is not None
                asks.append(answered(visitor, visitor.following, text, turn, False))
            return await asyncio.gather(*asks, return_exceptions=True)

    return asyncio.run(answers())


def test_texts_that_wait_are_drawn_together_each_for_its_visitor(monkeypatch: pytest.MonkeyPatch):
    texts = {opened(): "dog", opened(checkpoint=WORDS): SENTENCE, opened(): "a red ball", opened(): "nothing"}
    alone = [asked(question(app, text))[1] for app, text in texts.items()]
    tracing._kept().values.clear()
    made: list[int] = []
    several = tracing.capture_together
    monkeypatch.setattr(tracing, "capture_together", lambda one, some: made.append(len(some)) or several(one, some))
    found = waited(monkeypatch, texts)
    assert [json.loads(one) for one in found if isinstance(one, bytes)] == alone
    assert sorted(made) == [1, 3]  # by model


def test_a_text_that_fails_takes_no_other_with_it(monkeypatch: pytest.MonkeyPatch):
    several = tracing.capture_together

    def fails(opened: Checkpoint, texts: Sequence[Text]) -> list[Trace]:
        if any(text.source == "broken" for text in texts):
            raise RuntimeError("broken")
        return several(opened, texts)

    monkeypatch.setattr(tracing, "capture_together", fails)
    failed, found = waited(monkeypatch, {opened(): "broken", opened(): "dog"})
    assert isinstance(failed, RuntimeError)
    assert isinstance(found, bytes)
    assert json.loads(found)["text"] == "dog"


def test_a_key_held_down_is_followed_and_a_flood_is_not():
    typist, flood = Pace(), Pace()
    assert all(typist.turn(1000 + n / 30) for n in range(3000))
    answered = [flood.turn(1000 + n / 1000) for n in range(10_000)]
    assert 550 < sum(one is not None for one in answered) < 650
    assert flood.turn(1020) is not None


def test_what_is_chosen_holds_no_text():
    assert not {"trace", "text", "source"} & set(Chosen.__slots__)
