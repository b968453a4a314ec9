"""Text as people have it, one sentence per line: files, uploads and streams, read by the same rules.

The encoding is UTF-8. A line ends in a line feed, or a carriage return and a line feed; in a text without any line
feed, in a carriage return. Byte order marks and blanks around a sentence are dropped. A form feed or U+2028 does not
end a line.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

Pair = tuple[str, str]
"""A source text and the target text that belongs to it."""

LONGEST_LINE = 100_000
"""The most characters in a line."""
BYTE_ORDER_MARK = "\ufeff"


def read_lines(path: Path) -> list[str]:
    """The lines of a file; a blank line is an empty string.

    Raises:
        ValueError: it cannot be read, or a line is not UTF-8 or longer than any sentence.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise ValueError(f"{path} cannot be read: {error.strerror}") from error
    return split_lines(data, str(path))


def split_lines(text: bytes | str, name: str = "", longest: int = LONGEST_LINE) -> list[str]:
    """The lines of a text that has been read, as :func:`read_lines` gives them; ``name`` is for errors."""
    data = text.encode(errors="surrogatepass") if isinstance(text, str) else text
    if b"\n" not in data:
        data = data.replace(b"\r", b"\n")
    return list(stream_lines(data.removesuffix(b"\n").split(b"\n") if data else [], name, longest))


def stream_lines(stream: Iterable[bytes], name: str = "", longest: int = LONGEST_LINE) -> Iterator[str]:
    """The lines of a binary stream, each as soon as it arrives.

    Raises:
        ValueError: a line is not UTF-8 or has more than ``longest`` characters; the message names it.
    """
    for number, raw in enumerate(stream, start=1):
        where = f"{name}, line {number}" if name else f"Line {number}"
        try:
            line = raw.decode("utf-8").lstrip(BYTE_ORDER_MARK).strip()
        except UnicodeDecodeError as error:
            looks = " (it looks like UTF-16)" if number == 1 and raw[:2] in (b"\xff\xfe", b"\xfe\xff") else ""
            raise ValueError(
                f"{where} is not UTF-8{looks}: its byte {error.start + 1} is {raw[error.start]:#04x}. "
                "Save it as plain text in UTF-8."
            ) from error
        if len(line) > longest:
            raise ValueError(
                f"{where} has {len(line):,} characters, but a line may have at most {longest:,}. "
                "Write one sentence per line."
            )
        yield line


def read_parallel(source: Path, target: Path) -> list[Pair]:
    """Line ``i`` of ``source`` with line ``i`` of ``target``.

    Raises:
        ValueError: a file cannot be read or is empty, a line is empty or cannot be used, or the files differ in length.
    """
    return pair_up(read_lines(source), read_lines(target), str(source), str(target))


def pair_up(sources: Sequence[str], targets: Sequence[str], source: str, target: str) -> list[Pair]:
    """Each of ``sources`` with its target; ``source`` and ``target`` are the names of the two texts.

    Raises:
        ValueError: a text or a line is empty, or the two differ in length.
    """
    for lines, name in ((sources, source), (targets, target)):
        if not any(lines):
            raise ValueError(f"{name} is empty")
        if "" in lines:
            raise ValueError(f"{name}, line {lines.index('') + 1} is empty; remove it together with its counterpart")
    if len(sources) != len(targets):
        raise ValueError(
            f"line i of the target must translate line i of the source, but {source} has {len(sources)} lines "
            f"and {target} has {len(targets)}"
        )
    return list(zip(sources, targets, strict=True))
