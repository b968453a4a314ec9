"""model/heads/survey.py: the measures over many sentences are those of all their rows together."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from model.heads import survey
from model.heads.measures import measure, tally
from model.heads.survey import MOST_SENTENCES, advance, begin
from model.trace import AttentionMap, Trace


def trace_of(sentence: str) -> Trace:
    """A self-attention map with a row for each letter, the same for the same sentence."""
    tokens = tuple(sentence)
    weights = np.random.default_rng(len(sentence)).random((2, 3, len(tokens), len(tokens))) + 0.1
    pattern = weights / weights.sum(-1, keepdims=True)
    one = AttentionMap(kind="encoder", pattern=pattern, query_tokens=tokens, key_tokens=tokens)
    return Trace(model_name="tiny", maps=(one,), source=sentence, source_dropped=max(0, len(tokens) - 7))


@pytest.mark.parametrize(
    "text",
    [
        "one\ntwo, three\n\n  four \n",
        "one\r\ntwo, three\r\n\r\n  four",
        "one\rtwo, three\rfour",
        "\n\none\ntwo, three\n \t\nfour\n\n",
        b"\xef\xbb\xbfone\ntwo, three\nfour\n",
        b"one\ntwo, three\nfour",
    ],
)
def test_a_sentence_a_line(text: str | bytes):
    assert begin(text).sentences == ("one", "two, three", "four")


@pytest.mark.parametrize("text", ["", "\n\n", "  \t\r\n", b"", b"\xef\xbb\xbf", b"\n"])
def test_a_text_without_sentences(text: str | bytes):
    with pytest.raises(ValueError, match=r"It contains no sentences. Write one per line."):
        begin(text)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ("été".encode("latin-1"), "Line 1 is not UTF-8: its byte 1 is 0xe9"),
        (b"ok\nna\xefve", "Line 2 is not UTF-8: its byte 3 is 0xef"),
        ("one\ntwo".encode("utf-16"), r"Line 1 is not UTF-8 \(it looks like UTF-16\): its byte 1 is 0xff"),
        (b"\x89PNG\r\n\x1a\n", "Line 1 is not UTF-8: its byte 1 is 0x89"),
    ],
)
def test_what_is_not_utf_8(data: bytes, message: str):
    with pytest.raises(ValueError, match=f"{message}. Save it as plain text in UTF-8."):
        begin(data)


def test_a_line_that_is_no_sentence():
    with pytest.raises(
        ValueError,
        match=r"Line 3 has 2,001 characters, but a line may have at most 2,000. Write one sentence per line.",
    ):
        begin("one\n\n" + "x" * 2001)


def test_no_more_sentences_than_there_is_time_for():
    begun = begin("\n".join(f"sentence {i}" for i in range(MOST_SENTENCES + 13)))
    assert len(begun.sentences) == MOST_SENTENCES
    assert begun.sentences[-1] == f"sentence {MOST_SENTENCES - 1}"
    assert begun.n_left_out == 13
    assert begin("one\ntwo").n_left_out == 0


def test_it_reads_at_least_one_sentence_and_stops_in_time():
    begun = begin("one\nthree\nsentence")
    assert (begun.n_read, begun.done) == (0, False)
    first = advance(begun, trace_of, seconds=0)
    assert (first.n_read, first.done) == (1, False)
    assert (begun.n_read, dict(begun.tallies)) == (0, {})
    last = advance(first, trace_of, seconds=60)
    assert (last.n_read, last.done) == (3, True)
    assert advance(last, trace_of, seconds=60) is last
    assert last.n_cut == 1


def test_time_is_kept(monkeypatch: pytest.MonkeyPatch):
    def clock() -> Iterator[float]:
        return (float(second) for second in range(100))

    ticks = clock()
    monkeypatch.setattr(survey.time, "monotonic", lambda: next(ticks))
    assert advance(begin("\n".join("abcdefghi")), trace_of, seconds=4).n_read == 4


def test_values_are_over_all_rows():
    sentences = ["one", "three", "sentence"]
    found = advance(begin("\n".join(sentences)), trace_of, seconds=60).values("encoder")
    whole = tally(trace_of("one").map("encoder"))
    for sentence in sentences[1:]:
        whole += tally(trace_of(sentence).map("encoder"))
    assert whole.n_texts == 3
    assert found.keys() == whole.values().keys()
    for name, value in found.items():
        np.testing.assert_allclose(value, whole.values()[name], rtol=1e-6)
    # Each row once: three, five and eight of them.
    alone: list[Any] = [measure(trace_of(sentence).map("encoder"))["entropy"] for sentence in sentences]
    np.testing.assert_allclose(found["entropy"], (3 * alone[0] + 5 * alone[1] + 8 * alone[2]) / 16, rtol=1e-5)


def test_chunks_make_no_difference():
    text = "\n".join(["one", "three", "sentence", "x", "eleven more"])
    whole, pieces = advance(begin(text), trace_of, seconds=60), begin(text)
    while not pieces.done:
        pieces = advance(pieces, trace_of, seconds=0)
    for name, value in pieces.values("encoder").items():
        np.testing.assert_array_equal(value, whole.values("encoder")[name])


def test_before_any_sentence_there_are_no_values():
    with pytest.raises(KeyError):
        begin("one").values("encoder")
