"""What the components share: their files, and weights on their way to the browser."""

from __future__ import annotations

import base64
import re
from pathlib import Path
from typing import TypedDict

import numpy as np


class Address(TypedDict):
    """A parameter of the address: its value, the one that is left out of it, and (``own``) whether no widget has it."""

    name: str
    value: str
    initial: str
    own: bool


_COMMENT = re.compile(r"^[ \t]*(//[^\n]*|/\*(?:(?!\*/).)*\*/[ \t]*)$", re.MULTILINE | re.DOTALL)
_HERE = Path(__file__).parent


def source(*names: str) -> str:
    """The text of files beside this one, one after the other, without what is there for who reads them: comments that
    have lines of their own, and indentation. Streamlit sends it with every run of a page."""
    text = "\n".join((_HERE / name).read_text(encoding="utf-8") for name in names)
    lines = (line.strip() for line in _COMMENT.sub("", text).splitlines())
    return "\n".join(line for line in lines if line)


def packed(weights: np.ndarray) -> str:
    """Weights from 0 to 1 as two bytes each, so that three decimals are right; base64."""
    return base64.b64encode(np.rint(weights * 65535).astype("<u2").tobytes()).decode("ascii")


def part(name: str, file: str) -> str:
    """A file beside this one as a part of another script, where ``name`` is what the file exports."""
    return f"const {name} = (() => {{\n{source(file).replace('export default function', 'return function')}\n}})();"
