"""Running code as a chapter shows it: the lines that compute, without what stands before and between them."""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Callable
from typing import NamedTuple

Source = Callable[..., object] | type
Documented = ast.FunctionDef | ast.ClassDef


class Listing(NamedTuple):
    """Code to show; ``file`` and ``line`` say where all of it stands, and ``short`` that something was left out."""

    code: str
    file: str
    line: int
    short: bool


def listing(source: Source) -> Listing:
    """The lines of a function or class, without docstrings, and with the bare names of a long signature's arguments."""
    source = inspect.unwrap(source)  # a function under torch.inference_mode is wrapped
    lines, first = inspect.getsourcelines(source)
    whole = textwrap.dedent("".join(lines))
    code = without_words(whole)
    return Listing(code, inspect.getsourcefile(source) or "", first, short=code != whole.rstrip("\n"))


def without_words(whole: str) -> str:
    """The code of a module, such as one function, without docstrings and long signatures."""
    lines = whole.rstrip("\n").split("\n")
    kept: list[str | None] = list(lines)
    for node in ast.walk(ast.parse(whole)):
        if not isinstance(node, Documented):
            continue
        if isinstance(node, ast.FunctionDef) and node.body[0].lineno > node.lineno + 1:
            _shorten(kept, node)
        if ast.get_docstring(node, clean=False) is not None and len(node.body) > 1:
            words = node.body[0]
            _drop(kept, words.lineno - 1, words.end_lineno or words.lineno)
    return "\n".join(line for line in kept if line is not None)


def _shorten(kept: list[str | None], node: ast.FunctionDef) -> None:
    """One line for a signature of several."""
    last = _last_of_signature(kept, node)
    if last == node.lineno:
        return
    bare = ast.FunctionDef(name=node.name, args=_bare(node.args), body=[ast.Pass()], decorator_list=[])
    (line, _) = ast.unparse(ast.fix_missing_locations(bare)).split("\n")
    _drop(kept, node.lineno - 1, last)
    kept[node.lineno - 1] = " " * node.col_offset + line


def _last_of_signature(kept: list[str | None], node: ast.FunctionDef) -> int:
    """The number of the line, from 1, that ends with the signature's colon."""
    parts = [*ast.walk(node.args), *([node.returns] if node.returns else [])]
    last = max([node.lineno, *(getattr(part, "end_lineno", 0) for part in parts)])
    while not (kept[last - 1] or "").rstrip().endswith(":"):
        last += 1
    return last


def _bare(arguments: ast.arguments) -> ast.arguments:
    """The same arguments without types and defaults."""

    def names(several: list[ast.arg]) -> list[ast.arg]:
        return [ast.arg(arg=one.arg) for one in several]

    return ast.arguments(
        posonlyargs=names(arguments.posonlyargs),
        args=names(arguments.args),
        vararg=arguments.vararg and ast.arg(arg=arguments.vararg.arg),
        kwonlyargs=names(arguments.kwonlyargs),
        kw_defaults=[None] * len(arguments.kwonlyargs),
        kwarg=arguments.kwarg and ast.arg(arg=arguments.kwarg.arg),
        defaults=[],
    )


def _drop(kept: list[str | None], start: int, stop: int) -> None:
    """Leave out the lines from ``start`` to ``stop``, from 0, and an empty line that follows."""
    if stop < len(kept) and kept[stop] == "":
        stop += 1
    kept[start:stop] = [None] * (stop - start)
