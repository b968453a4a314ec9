"""viz/look/theme.py: any token can be shown, letter for letter."""

import html
import itertools
import re
import tomllib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from viz import pages
from viz.components import sources
from viz.look.theme import (
    DARK,
    FORMS,
    LIGHT,
    LONGEST_LABEL,
    PRESENTED,
    REM,
    TYPE,
    Theme,
    code_for_markdown,
    coloured,
    css_tokens,
    for_markdown,
    for_plotly,
    ink,
    short_token,
    show_token,
    theme_named,
    with_sizes,
)

ROOT = Path(__file__).parents[3]
ANY_TEXT = st.text(st.characters(codec=None, exclude_categories=()))  # surrogates too
QUICK = settings(deadline=None, max_examples=100, derandomize=True, database=None)

HARMLESS = ["dog", "été", "<b>", "</s>", "$x$", "&amp;", "⟨C3⟩", "🔦", "שלום", "e\u0301", "\u4f60\u597d", ""]
HARMLESS += ["👨\u200d👩\u200d👧", "🏴\U000e0067\U000e007f", "می\u200cخواهم"]  # of whole words: joined, parted


@pytest.mark.parametrize("token", HARMLESS)
def test_what_is_visible_is_shown_as_it_is(token: str):
    assert show_token(token) == token


@pytest.mark.parametrize(
    ("token", "shown"),
    [
        (" dog", "dog"),  # a word in the middle of a sentence
        ("  dog", "␣dog"),
        ("dog ", "dog␣"),
        (" ", "␣"),
        ("  ", "␣"),
        ("\n", "⏎"),
        (" \n", "⏎"),
        ('<a href="x">', '<a␣href="x">'),
        ("a\tb\rc\u00a0d", "a⇥b␍c⍽d"),
        ("\x00", "\ufffd"),
        ("a\u200d\u200c", "a\ufffd\ufffd"),
        ("bleu\u202f!", "bleu⍽!"),
        ("\u200b\u202e", "\ufffd\ufffd"),  # no width; turns the direction of what follows
        ("\ud83d", "\ufffd"),  # half of an emoji
    ],
)
def test_what_is_invisible_becomes_visible(token: str, shown: str):
    assert show_token(token) == shown


@given(ANY_TEXT)
@QUICK
def test_every_shown_token_is_printable_and_can_be_sent(token: str):
    shown = show_token(token)
    assert all((c.isprintable() and not c.isspace()) or (i and c in FORMS) for i, c in enumerate(shown))
    assert shown.encode("utf-8").decode("utf-8") == shown
    assert bool(shown) == bool(token)  # none vanishes


@pytest.mark.parametrize(
    ("token", "shown"),
    [
        ("abcdefghijklmn", "abcdefghijklmn"),
        (" abcdefghijklmn", "abcdefghijklmn"),
        ("abcdefghijklmno", "abcdefghijklm…"),
        ("\n" * 15, "⏎" * 13 + "…"),
    ],
)
def test_a_long_token_is_cut(token: str, shown: str):
    assert len(shown) == LONGEST_LABEL
    assert short_token(token) == shown


def test_no_emoji_is_cut_apart():
    family = "👨\u200d👩\u200d👧"
    assert short_token(family * 15) == family * 13 + "…"


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("<b>", "&lt;b&gt;"),
        ("</s>", "&lt;/s&gt;"),
        ('<a href="x">', '&lt;a href="x"&gt;'),
        ("&amp;", "&amp;amp;"),
        ("$x$", "&#36;x&#36;"),
        ("a<br>b", "a&lt;br&gt;b"),
        ("été 🔦", "été 🔦"),
    ],
)
def test_plotly_is_given_no_markup(text: str, written: str):
    assert for_plotly(text) == written


@given(ANY_TEXT)
@example("&#36;")
@QUICK
def test_plotly_shows_the_text_again(text: str):
    written = for_plotly(text)
    assert html.unescape(written) == text
    assert not set("<>$") & set(written)


MADE = re.compile(
    r"(https?://|www(?=\.))[-.\w]+|[-.\w+]+@[-\w]+\.[-\w]+|:[\w+/-]+:|(^|\s)(<?->|<-|--|[<>~]=)(\s|$)", re.IGNORECASE
)
"""What Streamlit makes something of in text whose escapes are read: GFM's addresses (spec 0.29, section 6.9), emoji and
icons by name, and arrows and signs between spaces."""
MARKED = st.lists(
    st.sampled_from(["http", "://", "www", ".", "a", "@", ":", "<", "-", ">", "=", "~", " ", "$", "[", "\n"])
)


@given(ANY_TEXT | MARKED.map("".join))
@example("1. one")
@example("    code")
@example("![x](http://127.0.0.1/a.png) www.b.c d@e.f $g$ :h: i -> j <-> k")
@QUICK
def test_markdown_shows_the_text_again_and_makes_nothing_of_it(text: str):
    elements = re.split(r":color\[(.+?)\]", for_markdown(text))  # text and, at odd places, what stands in an element
    assert html.unescape("".join(elements)) == html.unescape(re.sub("[\ud800-\udfff]", "\ufffd", escaped(text)))
    assert not set("!$*<>[]`_\n#~|") & set("".join(re.sub(r"&#\d+;", "", part) for part in elements))
    assert not any(MADE.search(html.unescape(part)) for part in elements[::2])
    assert not re.match(r"\s|\d+[.)]", elements[0])  # no code, no list


def escaped(text: str) -> str:
    """As HTML writes any character by its number, so that what HTML cannot say is read alike on both sides."""
    return "".join(f"&#{ord(c)};" if c.isascii() else c for c in text)


@pytest.mark.parametrize("text", ["a", "`", "a``b`", " ", " a ", "` `", "$x$"])
def test_code_shows_the_text_again(text: str):
    fence, inside = re.fullmatch("(`+)(.*?)\\1", code_for_markdown(text)).groups()  # type: ignore[union-attr]
    stripped = inside[1:-1] if inside.strip() and inside[0] == inside[-1] == " " else inside  # CommonMark 0.31, 6.1
    assert (stripped, fence in inside) == (text, False)


@pytest.mark.parametrize(("name", "expected"), [("dark", DARK), ("light", LIGHT), (None, LIGHT), ("sepia", LIGHT)])
def test_a_theme_by_name(name: str | None, expected: Theme):
    assert theme_named(name) is expected


def lightness(colour: str) -> float:
    """CIE L* of ``#rrggbb``."""
    srgb = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in srgb]
    luminance = 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
    return 116 * luminance ** (1 / 3) - 16 if luminance > 0.008856 else 903.3 * luminance


@pytest.mark.parametrize(("theme", "direction"), [(LIGHT, -1), (DARK, 1)])
def test_a_stronger_colour_always_means_more(theme: Theme, direction: int):
    values = [lightness(colour) for colour in theme.scale]
    steps = [direction * (after - before) for before, after in itertools.pairwise(values)]
    assert min(steps) > 4
    assert max(steps) < 3 * min(steps)  # about even


@pytest.mark.parametrize("theme", [LIGHT, DARK])
def test_colours_are_what_the_canvas_can_read(theme: Theme):
    for colour in (theme.text, theme.faint, theme.accent, *theme.scale):
        assert re.fullmatch("#[0-9a-f]{6}", colour)


def luminance(colour: str) -> float:
    """Relative luminance, WCAG 2.2."""
    srgb = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in srgb]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    low, high = sorted([luminance(one), luminance(other)])
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("theme", [LIGHT, DARK], ids=lambda theme: theme.name)
def test_what_is_written_can_be_read(theme: Theme):
    for colour in (theme.text, theme.muted, theme.accent, theme.primary, theme.diverging[0], theme.diverging[-1]):
        assert contrast(colour, theme.inverse) >= 4.5
    for cell in coloured(np.linspace(0, 1, 256), theme.scale):
        assert contrast(ink(cell), "#" + bytes(cell.tolist()).hex()) >= 4.5


@pytest.mark.parametrize("theme", [LIGHT, DARK], ids=lambda theme: theme.name)
def test_streamlit_has_the_same_colours(theme: Theme):
    config = tomllib.loads((ROOT / ".streamlit/config.toml").read_text(encoding="utf-8"))["theme"][theme.name]
    assert (config["primaryColor"], config["backgroundColor"]) == (theme.primary, theme.inverse)
    assert config["textColor"] == theme.text


def test_a_presentation_grows_with_the_window_and_nothing_is_too_small():
    assert "font-size: 16px" in css_tokens(LIGHT, presenting=False)
    assert "font-size: max(18px, 1.25vw)" in css_tokens(LIGHT, presenting=True)
    assert min(TYPE.values()) * REM * PRESENTED >= 18


def test_type_has_the_sizes_of_one_scale():
    sheets = [*Path(sources.__file__).parent.glob("*.css"), *(Path(pages.__file__).parent.glob("*/*.py"))]
    for path in sheets:
        named = re.findall(r"font-size: ([^;]+);", path.read_text(encoding="utf-8"))
        strange = [
            size for size in named if not re.fullmatch(r"var\(--type-\w+\)|[\d.]+em|max\(18px, .*|.*vw.*|inherit", size)
        ]
        assert strange == [], path.name


def test_a_sheet_without_the_tokens_has_the_sizes():
    assert with_sizes("a { font-size: var(--type-small); gap: var(--space-near); color: var(--text) }") == (
        "a { font-size: var(--type-small, 0.875rem); gap: var(--space-near, 0.5rem); color: var(--text) }"
    )
