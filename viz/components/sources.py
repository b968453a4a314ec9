"""What the components share: their files on the way to the browser, and weights."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Iterable
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np

from viz.look.theme import with_sizes

_COMMENT = re.compile(r"^[ \t]*(//[^\n]*|/\*(?:(?!\*/).)*\*/[ \t]*)$", re.MULTILINE | re.DOTALL)
_IMPORT = re.compile(r'^import (\{[^{}]*\}) from "\./(\w+)\.js";$', re.MULTILINE)
_EXPORT = re.compile(r"^export ((?:async )?(?:function|const) (\w+))", re.MULTILINE)
_HERE = Path(__file__).parent


@cache
def component(name: str, html: str, css: str, js: str) -> Callable[..., Any]:
    """The component of a page, declared when a page first shows it: a notebook, which draws with the same scripts, does
    without Streamlit."""
    from streamlit.components.v2 import component

    return component(name, html=html, css=css, js=js, isolate_styles=False)


def unseen(name: str, key: str) -> Callable[..., Any]:
    """A component with a script and nothing to see, which a page shows under ``key``."""
    return component(f"headlight_{name}", "<i></i>", f".st-key-{key} {{ display: none; }}", script(name))


def style(*names: str) -> str:
    """The style sheets of these names beside this file, one after the other."""
    return "\n".join(with_sizes(_bare(_read(f"{name}.css"))) for name in names)


def script(name: str) -> str:
    """The script of a component: the function of the script's own name is what Streamlit calls."""
    return f"{bundle(name)}\nexport default ${name}.{name};"


def loaded(file: str, text: str) -> str:
    """A component's script that loads ``text`` from the app's own address (:mod:`viz.components.served`) as ``file``:
    once, and not with every run of the page, each time for each place where the component stands."""
    address = f"{file}?{sha256(text.encode()).hexdigest()[:16]}"
    return f'const script = await import(new URL("{address}", document.baseURI));\nexport default script.default;'


def bundle(*names: str) -> str:
    """Scripts beside this file and all that they import, as one: ``$name`` is an object of what a script exports.

    A browser could load them one by one, but each would be a request, and Streamlit takes a component's script as one.
    """
    return "\n".join(map(_module, modules(*names)))


def modules(*names: str) -> list[str]:
    """The names of these scripts and of all that they import, each after those that it imports."""
    found: dict[str, None] = {}
    for name in names:
        imported = [other for _, other in _IMPORT.findall(_read(f"{name}.js"))]
        found |= dict.fromkeys([*modules(*imported), name])
    return list(found)


def packed(weights: np.ndarray) -> str:
    """Weights from 0 to 1 as two bytes each, so that three decimals are right; base64."""
    return base64.b64encode(np.rint(weights * 65535).astype("<u2").tobytes()).decode("ascii")


def _module(name: str) -> str:
    """A script as an object of what it exports, in a scope of its own."""
    text = _bare(_read(f"{name}.js"))
    exported: Iterable[str] = (export for _, export in _EXPORT.findall(text))
    body = _EXPORT.sub(r"\1", _IMPORT.sub(r"const \1 = $\2;", text))
    return f"const ${name} = (() => {{\n{body}\nreturn {{ {', '.join(exported)} }};\n}})();"


def _bare(text: str) -> str:
    """Without what is there for who reads it: comments that have lines of their own, and indentation."""
    lines = (line.strip() for line in _COMMENT.sub("", text).splitlines())
    return "\n".join(line for line in lines if line)


def _read(file: str) -> str:
    return (_HERE / file).read_text(encoding="utf-8")
