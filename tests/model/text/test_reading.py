"""model/text/reading.py: one set of rules for lines, wherever they come from."""

import io
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from model.text.reading import LONGEST_LINE, read_lines, read_parallel, split_lines, stream_lines

SENTENCES = st.text(st.characters(exclude_characters="\n\r\ufeff", exclude_categories=["Cs"])).map(str.strip)


@given(
    lines=st.lists(SENTENCES, min_size=1).filter(lambda lines: lines[-1] != ""),
    end=st.sampled_from(["\n", "\r\n"]),
    before=st.sampled_from(["", " ", "\t", "\u3000"]),
    mark=st.sampled_from(["", "\ufeff"]),
    last=st.booleans(),
)
def test_files_and_streams_hold_the_same_lines(lines: list[str], end: str, before: str, mark: str, last: bool):
    text = mark + end.join(before + line + before for line in lines) + (end if last else "")
    assert split_lines(text.encode()) == split_lines(text) == lines
    assert list(stream_lines(io.BytesIO(text.encode()))) == lines


@pytest.mark.parametrize(
    ("data", "lines"),
    [
        (b"", []),
        (b"\n", [""]),
        (b"a\n\nb\n", ["a", "", "b"]),
        (b"a\n \t\r\nb", ["a", "", "b"]),
        (b"a\rb\rc\r", ["a", "b", "c"]),  # as a Macintosh wrote it before 2001
        (b"a\rb\n", ["a\rb"]),
        (b"a\n\xef\xbb\xbfb\n", ["a", "b"]),  # two files with marks, one after the other
        ("a\u2028b\x0cc\n".encode(), ["a\u2028b\x0cc"]),  # one sentence, whatever str.splitlines thinks
    ],
)
def test_lines_by_hand(data: bytes, lines: list[str], tmp_path: Path):
    (tmp_path / "a").write_bytes(data)
    assert read_lines(tmp_path / "a") == lines


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"ok\nna\xefve\n", "here, line 2 is not UTF-8: its byte 3 is 0xef"),
        ("one\ntwo".encode("utf-16"), "here, line 1 is not UTF-8 (it looks like UTF-16): its byte 1 is 0x"),
        (b"a\n" + b"x" * (LONGEST_LINE + 1), "here, line 2 has 100,001 characters, but a line may have at most"),
    ],
)
def test_a_line_that_cannot_be_used_is_named(data: bytes, message: str):
    for read in (lambda: split_lines(data, "here"), lambda: list(stream_lines(io.BytesIO(data), "here"))):
        with pytest.raises(ValueError, match=re.escape(message)):
            read()


def test_a_stream_gives_each_line_as_soon_as_it_has_come():
    lines = stream_lines(iter([b"a\r\n", b"\xff\n"]), "standard input")
    assert next(lines) == "a"
    with pytest.raises(ValueError, match="standard input, line 2 is not UTF-8: its byte 1 is 0xff"):
        next(lines)


def _write(folder: Path, **files: bytes) -> list[Path]:
    for name, data in files.items():
        (folder / name).write_bytes(data)
    return [folder / name for name in files]


@pytest.mark.parametrize(
    ("source", "target"),
    [(b"one\ntwo\n", b"eins\nzwei"), (b"\xef\xbb\xbfone\r\ntwo\r\n", b" eins \nzwei\n")],
    ids=["plain", "Windows"],
)
def test_parallel_files_pair_line_by_line(source: bytes, target: bytes, tmp_path: Path):
    assert read_parallel(*_write(tmp_path, source=source, target=target)) == [("one", "eins"), ("two", "zwei")]


@pytest.mark.parametrize(
    ("source", "target", "message"),
    [
        (b"a\nb\n", b"c\n", "{0} has 2 lines and {1} has 1"),
        (b"a\n\nb\n", b"c\nd\ne\n", "{0}, line 2 is empty"),
        (b"a\nb\n", b"c\n \t\n", "{1}, line 2 is empty"),
        (b"a\nb\n", b"", "{1} is empty"),
        (b"a\nb\n", b" \n", "{1} is empty"),
        (b"a\n", b"ab\xff\n", "{1}, line 1 is not UTF-8: its byte 3 is 0xff"),
    ],
)
def test_files_that_do_not_pair_are_refused(source: bytes, target: bytes, message: str, tmp_path: Path):
    paths = _write(tmp_path, source=source, target=target)
    with pytest.raises(ValueError, match=re.escape(message.format(*paths))):
        read_parallel(*paths)


@pytest.mark.parametrize("name", ["missing", "."])
def test_a_file_that_cannot_be_read_is_named(name: str, tmp_path: Path):
    with pytest.raises(ValueError, match=re.escape(f"{tmp_path / name} cannot be read: ")):
        read_parallel(tmp_path / name, tmp_path / name)
