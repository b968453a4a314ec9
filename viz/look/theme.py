"""Colours, sizes of type and space, for CSS, canvas and Plotly alike; and how a token is written."""

from __future__ import annotations

import html
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from model.text.words import TAGS, graphemes
from model.trace import READ_THEN_WRITTEN

FONT = '"Source Sans", "Source Sans Pro", system-ui, sans-serif'
LONGEST_LABEL = 14
HATCH = 0.35
"""How much of the colour of text is in a stroke across what is masked; the page's scripts have it, too."""
WHITE_SPACE = {" ": "␣", "\n": "⏎", "\t": "⇥", "\r": "␍", "\u00a0": "⍽", "\u202f": "⍽", "\u3000": "␣"}
SEARCHED = re.compile(r"[:@]|(?<=www)\.|(?<=[-<>~])[-=>]", re.IGNORECASE)
SURROGATE = re.compile("[\ud800-\udfff]")  # half a character, which cannot be sent
FORMS = "\u200c\u200d" + "".join(map(chr, TAGS))


@dataclass(frozen=True, slots=True)
class Theme:
    """The colours of one mode.

    ``inverse`` is the page; ``text`` and ``muted``, for what is said aside, can be read on it (4.5 : 1); ``faint`` is
    for lines that mean nothing, ``accent`` says “look here”, ``primary`` what can be used or has the focus. ``scale``
    goes from attention weight 0 to 1, ``diverging`` from a number below 0 over 0 to one as far above it, both in even
    steps; ``heads`` are for lines that must be told apart (Okabe and Ito 2008), the one most like ``accent`` last;
    ``curves`` are for six curves of a chart, far apart also for people who see fewer colours.
    """

    name: str
    text: str
    inverse: str
    muted: str
    faint: str
    accent: str
    primary: str
    scale: tuple[str, ...]
    diverging: tuple[str, ...]
    heads: tuple[str, ...]
    curves: tuple[str, ...]

    @property
    def hatch(self) -> str:
        """The colour of strokes across what is masked: between that of text and the page."""
        text, page = (bytes.fromhex(colour[1:]) for colour in (self.text, self.inverse))
        mixed = (round(HATCH * a + (1 - HATCH) * b) for a, b in zip(text, page, strict=True))
        return f"#{bytes(mixed).hex()}"

    def head(self, number: int) -> str:
        """The colour of a head, from 0, wherever lines of several heads lie over each other."""
        return self.heads[number % len(self.heads)]


# One hue each, lightness falling (rising) evenly, so that a darker (brighter) cell always means more.
LIGHT = Theme(
    name="light",
    text="#31333f",
    inverse="#ffffff",
    muted="#5c606c",
    faint="#d5d8df",
    accent="#c43f0a",
    primary="#2b5fd9",
    scale=("#f6f8fc", "#d3def5", "#a9c0ee", "#7a9fe6", "#4f7edb", "#2b5fc9", "#1a449f", "#0f2e73", "#081c4a"),
    diverging=("#8a3406", "#d4661c", "#f3ab72", "#f7f6f4", "#8fb3ea", "#3b6fd0", "#123a8c"),
    heads=("#0072b2", "#009e73", "#cc79a7", "#56b4e9", "#e69f00", "#000000", "#d55e00"),
    curves=("#2b5fc9", "#d9480f", "#2b8a3e", "#9c36b5", "#0b7285", "#5c5f66"),
)
DARK = Theme(
    name="dark",
    text="#fafafa",
    inverse="#0e1117",
    muted="#b4b9c4",
    faint="#4a4f5c",
    accent="#ffa94d",
    primary="#7aa5ff",
    scale=("#171b26", "#1c2c4f", "#21427e", "#285bab", "#3a79cf", "#5c99e6", "#8bb9f3", "#bcd8fa", "#ecf5ff"),
    diverging=("#ffc48f", "#d9762b", "#7a3c10", "#1b1e27", "#1d4a86", "#4a8bdf", "#b3d4ff"),
    heads=("#56b4e9", "#2fc99b", "#e08fc0", "#f0e442", "#4a90e2", "#ffffff", "#e69f00"),
    curves=("#7aa5ff", "#ffa94d", "#69db7c", "#e599f7", "#66d9e8", "#adb5bd"),
)


REM = 16
"""CSS pixels of a rem on a screen."""
PRESENTED = 1.5
"""By how much a presentation enlarges everything, at 1920 × 1080; it grows with the window."""
TYPE = {
    "tiny": 0.75,
    "label": 0.8125,
    "small": 0.875,
    "picture": 0.9375,
    "body": 1.0,
    "heading": 1.125,
    "output": 1.25,
    "lede": 1.375,
    "title": 1.75,
}
"""Sizes of type, in rem; nothing is smaller than 0.75, which a presentation shows in 18 pixels."""
SPACE = {"tight": 0.25, "near": 0.5, "apart": 1.0, "far": 2.0}
"""Distances, in rem."""


def css_tokens(theme: Theme, *, presenting: bool) -> str:
    """The tokens as CSS variables. A presentation makes the rem larger, and with it whatever is measured in rem.

    Canvas pictures read the variables too: what they write has the font size of the canvas.
    """
    rem = f"max({REM * 1.125:g}px, {100 * REM * PRESENTED / 1920:g}vw)" if presenting else f"{REM}px"
    sizes = {**{f"type-{name}": size for name, size in TYPE.items()}, **{f"space-{n}": s for n, s in SPACE.items()}}
    colours = {"text": theme.text, "page": theme.inverse, "muted": theme.muted, "faint": theme.faint}
    colours |= {"accent": theme.accent, "primary": theme.primary}
    colours |= {"less": theme.diverging[0], "more": theme.diverging[-1]}
    variables = {name: f"{size:g}rem" for name, size in sizes.items()} | colours
    return f":root {{ font-size: {rem}; {' '.join(f'--{name}: {value};' for name, value in variables.items())} }}"


def with_sizes(css: str) -> str:
    """CSS in which each size that is named has its value besides, for a page that does not define the tokens: a
    notebook, or a file that was taken along."""
    sizes = {f"type-{name}": size for name, size in TYPE.items()} | {
        f"space-{name}": size for name, size in SPACE.items()
    }
    return re.sub(r"var\(--((?:type|space)-[a-z]+)\)", lambda found: f"var(--{found[1]}, {sizes[found[1]]:g}rem)", css)


def theme_named(name: str | None) -> Theme:
    """The theme for ``"dark"`` or ``"light"``; light where it is not known."""
    return DARK if name == "dark" else LIGHT


def coloured(levels: np.ndarray, scale: Sequence[str]) -> np.ndarray:
    """Levels from 0 to 1, ``[…]``, as colours between the evenly spaced stops of a scale, uint8 ``[…, 3]``."""
    stops = np.array([[int(stop[i : i + 2], 16) for i in (1, 3, 5)] for stop in scale])
    places = np.clip(levels, 0, 1) * (len(stops) - 1)
    at = np.arange(len(stops))
    return np.rint(np.stack([np.interp(places, at, stops[:, i]) for i in range(3)], axis=-1)).astype(np.uint8)


def ink(colour: np.ndarray) -> str:
    """Black or white, whichever is easier to read on a colour: at least 4.5 : 1 (relative luminance, WCAG 2.2)."""
    srgb = np.asarray(colour) / 255
    linear = np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4)
    return "#000000" if linear @ np.array([0.2126, 0.7152, 0.0722]) > 0.179 else "#ffffff"


def show_token(token: str) -> str:
    """A token as people read it: without the space before a word, and with what is invisible made visible; of a
    decoder's row that is named by two tokens, both."""
    return READ_THEN_WRITTEN.join(map(_show, token.split(READ_THEN_WRITTEN)))


def short_token(token: str) -> str:
    """:func:`show_token`, cut to a length that fits beside a heatmap; two tokens share it."""
    read, then, written = show_token(token).rpartition(READ_THEN_WRITTEN)
    if not then:
        return shortened(written)
    half = LONGEST_LABEL // 2
    rest = LONGEST_LABEL - min(half, len(list(graphemes(read))))
    written = shortened(written, rest)
    return f"{shortened(read, LONGEST_LABEL - len(list(graphemes(written))))}{then}{written}"


def shortened(text: str, longest: int = LONGEST_LABEL) -> str:
    """Text, cut to a length that fits beside a figure, and no character cut apart."""
    shown = list(graphemes(text))
    return text if len(shown) <= longest else "".join(shown[: longest - 1]) + "…"


@lru_cache(maxsize=1 << 16)  # a keystroke asks for each of its tokens several times, and for most of the last one's
def _show(token: str) -> str:
    text = token[1:] if len(token) > 1 and token[0] == " " else token
    return "".join(map(_visible, graphemes(text)))


def _visible(cluster: str) -> str:
    """What a person takes for one character (:func:`graphemes`), with what is invisible in it made visible.

    What joins or parts other letters than ASCII, and the emoji of a family or a flag, is a part of their form.
    """
    form = FORMS if cluster[0].isprintable() and not cluster[0].isascii() else ""
    return "".join(
        WHITE_SPACE.get(character, character if character.isprintable() or character in form else "\ufffd")
        for character in cluster
    )


def for_plotly(text: str) -> str:
    """Text that Plotly shows letter for letter: it would read some HTML, and ``$…$`` as mathematics."""
    return html.escape(text, quote=False).replace("$", "&#36;")


def for_markdown(text: str) -> str:
    """Text that Streamlit's Markdown shows letter for letter, in messages and in labels: no link, picture or formula.

    To escape it is not enough. What escapes stand for is searched again, for addresses, names of icons and arrows, so
    the character that makes one stands in an element of its own: a colour that names none.
    """
    number = re.match(r"\d+[.)]", text)  # of a list
    hidden = {0, len(text) - 1, *(found.start() for found in re.finditer(r"(?<= ) ", text))}  # spaces that would be cut
    hidden |= {number.end() - 1} if number else set()
    apart = {found.start() for found in SEARCHED.finditer(text)}
    escaped = (
        f"&#{ord(c)};" if c.isascii() and not c.isalnum() and (c not in " .,()'" or (i in hidden and c != "'")) else c
        for i, c in enumerate(SURROGATE.sub("\ufffd", text))
    )
    return "".join(f":color[{c}]" if i in apart else c for i, c in enumerate(escaped))


def code_for_markdown(text: str) -> str:
    """Text on one line that Markdown shows letter for letter, as code."""
    fence = "`" * (1 + max((len(run) for run in re.findall("`+", text)), default=0))
    pad = " " if text.strip() and (text[0] in "` " or text[-1] in "` ") else ""  # one at each end is cut
    return f"{fence}{pad}{text}{pad}{fence}"
