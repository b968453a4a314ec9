"""Parallel text of a visitor."""

from pathlib import Path

import pytest

from model.jobs.uploads import keep_pairs, read_uploads, set_aside
from model.text.reading import read_parallel

SOURCE, TARGET = ("train.en", b"one\ntwo\nthree\n"), ("train.fr", b"un\ndeux\ntrois\n")


def test_validation_files_are_taken_as_they_are():
    valid = {"valid_source": ("val.en", b"four\r\n"), "valid_target": ("val.fr", b"quatre")}
    train, valid = read_uploads({"source": SOURCE, "target": TARGET, **valid})
    assert train == [("one", "un"), ("two", "deux"), ("three", "trois")]
    assert valid == [("four", "quatre")]


def test_without_them_some_lines_are_set_aside():
    train, valid = read_uploads({"source": SOURCE, "target": TARGET})
    assert sorted(train + valid) == [("one", "un"), ("three", "trois"), ("two", "deux")]
    assert len(valid) == 1


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({}, "the source and the target file is missing"),
        ({"source": SOURCE}, "the target file is missing"),
        ({"source": SOURCE, "target": TARGET, "valid_source": SOURCE}, "validation takes two files"),
        (
            {"source": SOURCE, "target": ("b", b"un\n")},
            "the source file “train.en” has 3 lines and the target file “b” has 1",
        ),
        ({"source": SOURCE, "target": ("b", b"un\n\ntrois\n")}, "the target file “b”, line 2 is empty"),
        ({"source": ("a", b"\xff\xfe"), "target": TARGET}, "the source file “a”, line 1 is not UTF-8"),
        (
            {"source": SOURCE, "target": TARGET, "valid_source": ("v", b"\xff"), "valid_target": TARGET},
            "the validation source file “v”, line 1 is not UTF-8",
        ),
        ({"source": ("a", b"one"), "target": ("b", b"un")}, r"there is only one \(in 1 pair\)"),
        ({"source": ("a", b"one\ntwo"), "target": ("b", b"un\ndeux")}, "of 2 pairs only 1 would be left to train on"),
        ({"source": ("a", b"one\ntwo"), "target": ("b", b"un\nun")}, r"there is only one \(in 2 pairs\)"),
    ],
)  # fmt: skip
def test_what_cannot_be_used_is_named_as_the_visitor_does(files: dict[str, tuple[str, bytes]], message: str):
    with pytest.raises(ValueError, match=message) as caught:
        read_uploads(files)
    assert "/tmp" not in str(caught.value)


def test_no_target_is_both_learnt_and_tested():
    pairs = [(f"s{i}", f"t{i % 131}") for i in range(300)]
    train, valid = set_aside(pairs)
    assert sorted(train + valid) == sorted(pairs)
    assert not {target for _, target in train} & {target for _, target in valid}
    assert 20 <= len(valid) <= 40
    assert (train, valid) == set_aside(pairs)


def test_at_most_a_thousand_are_set_aside():
    _, valid = set_aside([(f"s{i}", f"t{i}") for i in range(20_011)])
    assert len(valid) == 1000


def test_what_is_kept_reads_back(tmp_path: Path):
    train = [("a\u2028b", "c\x0cd"), ("é", "🔦")]
    valid = [("x", "y")]
    data = keep_pairs(train, valid, tmp_path / "data")
    assert (data.task, data.pairs(0)) == (None, (train, valid))
    assert read_parallel(tmp_path / "data/source.txt", tmp_path / "data/target.txt") == train
