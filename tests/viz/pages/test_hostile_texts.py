"""Texts that mean harm, or are merely unlike English, on every page that reads one: each is shown as it was typed."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import streamlit as st
import torch
from streamlit.testing.v1 import AppTest

from model import checkpoint
from tests.helpers import save_letters, save_words
from tests.viz.helpers import app_on, at, pictures, ran
from viz.look.forcing import BEGINNING, TARGET
from viz.pages import PAGES
from viz.pages.explore.page import DECODER
from viz.state.link import LONGEST

HOSTILE = {
    "nothing": "",
    "a space": " ",
    "spaces": "  a   b  ",
    "as long as may be": "x" * LONGEST,
    "a character of every plane": "".join(chr(plane << 16 | 0x30) for plane in range(17)),
    "the ends of every plane": "".join(chr(plane << 16 | 0xFFFD) for plane in range(17)),
    "right to left": "שלום \u202eevil\u202c مرحبا \u2066x\u2069",
    "combining marks": "e\u0301" + "a" + "\u0300\u0316\u0489" * 40,
    "families of emoji": "👩‍👩‍👧‍👦 🏳️‍🌈 🇫🇷 👍🏽 🏴\U000e0067\U000e0062\U000e007f",
    "zero width": "a\u200bb\u200cc\u200dd\ufeffe\u2060",
    "NUL and controls": "a\x00b\x01\x07\x08\x1b[31mred\x7f\x9b",
    "HTML": "<b>x</b> <img src=x onerror=alert(1)> &lt;i&gt; &#0; <!-- </body>",
    "a script": "<script>alert(1)</script></style><svg onload=alert(1)>",
    "Markdown": "# h\t**b** _i_ `c` [l](javascript:alert(1)) ![p](//h/p.png) :smile: :red[x] ~~s~~",
    "LaTeX": r"\input{/etc/passwd} $\frac{1}{0}$ $$x$$ \(y\) \[z\] ${x}",
    "SQL": "'; DROP TABLE students; -- \" OR 1=1",
    "a template": "{{7*7}} {% x %} %s %n {0.__class__} ${jndi:ldap://h} $(id) `id`",
    "a path": "../../etc/passwd file:///etc/passwd C:\\x",
    "special tokens": "<s> </s> <pad> <unk> [MASK] <|endoftext|>",
    "a formula": "=1+1 +cmd|' /C calc'!A0 @SUM(1)",
}
READING = [page.name for page in PAGES if "head" in page.carries and page.name != "checkpoints"]


@pytest.fixture(autouse=True)
def _folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    threads = torch.get_num_threads()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(checkpoint, "PRETRAINED", tmp_path / "pretrained")
    save_letters(Path("runs/letters/best.safetensors"))
    save_words(Path("runs/words/best.safetensors"))
    yield
    st.cache_resource.clear()
    torch.set_num_threads(threads)


def opened(page: str, **query: str) -> AppTest:
    app = app_on(**query)
    return ran(app if page == PAGES[0].name else at(app, page))


@pytest.mark.parametrize("name", ["runs/letters", "runs/words"])
@pytest.mark.parametrize("page", READING)
def test_each_is_shown_as_it_was_typed(page: str, name: str):
    app = opened(page, checkpoint=name)
    for text in HOSTILE.values():
        app.text_input(key="source").set_value(text)
        ran(app)
        assert app.text_input(key="source").value == text
        assert [one.value for one in app.error] == []
        if page == PAGES[0].name:
            assert pictures(app)["text"] == text


@pytest.mark.parametrize("kind", HOSTILE)
def test_each_may_stand_in_a_link(kind: str):
    text = HOSTILE[kind]
    app = opened(PAGES[0].name, checkpoint="runs/letters", source=text)
    assert app.text_input(key="source").value == " ".join(text.splitlines())


@pytest.mark.parametrize(
    "name", ["/etc/passwd", "../runs/letters", "/proc/self/environ", "runs/../../x", "runs/link", "\0", "~"]
)
def test_a_link_opens_only_what_the_owner_allows(name: str, tmp_path: Path):
    outside = tmp_path.parent / f"{tmp_path.name}-outside"
    save_letters(outside / "best.safetensors")
    asked = str(outside) if name == "runs/link" else name
    app = opened(PAGES[0].name, checkpoint=asked)
    assert app.selectbox(key="checkpoint").value == "runs/letters"
    assert "is not on this server" in app.warning[0].value
    assert str(outside) not in app.selectbox(key="checkpoint").options


FIELDS = [
    ("explore", {"panel": DECODER, "decoder_mode": BEGINNING}, "prefix"),
    ("explore", {"panel": DECODER, "decoder_mode": BEGINNING}, "tokens"),
    ("explore", {"panel": DECODER, "decoder_mode": TARGET}, "target"),
    ("anatomy", {"panel": DECODER, "decoder_mode": TARGET}, "source"),
    ("guide", {"chapter": "15"}, "reference"),
]


@pytest.mark.parametrize(("page", "query", "key"), FIELDS, ids=[f"{page} {key}" for page, _, key in FIELDS])
def test_every_other_field_keeps_what_is_typed(page: str, query: dict[str, str], key: str):
    app = opened(page, checkpoint="runs/letters", source="dog", **query)
    for text in HOSTILE.values():
        app.text_input(key=key).set_value(text)
        ran(app)
        assert app.text_input(key=key).value == text
        assert [one.value for one in app.error] == []
