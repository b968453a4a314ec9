"""model/training/data.py and what `python -m model train` says of bad input: one line, status 2, no folder."""

import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from model.__main__ import main
from model.text.reading import LONGEST_LINE
from model.training import data, run
from model.training.data import DataConfig

PARTS = ("source", "target", "valid_source", "valid_target")
SMALL = ["--n-layers", "1", "--n-heads", "1", "--d-model", "6", "--d-ff", "7", "--steps", "1", "--vocab-size", "263"]


def text_files(folder: Path, **changed: bytes) -> DataConfig:
    """Four files of two good lines, but for the ``changed`` ones."""
    for part in PARTS:
        (folder / part).write_bytes(changed.get(part, b"a dog\na cat\n"))
    given: dict[str, Any] = {part: (str(folder / part),) for part in PARTS}
    return DataConfig(**given)


def train(folder: Path, files: DataConfig, *options: str) -> int:
    given = [word for part in PARTS for word in (f"--{part.replace('_', '-')}", *getattr(files, part))]
    return main(["train", "--out", str(folder / "runs" / "run"), "--device", "cpu", *given, *SMALL, *options])


@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"a dog\n", " has 1"),
        (b"a dog\na cat\na cow\n", " has 3"),
        (b"a dog\n\n", "line 2 is empty; remove it together with its counterpart"),
        (b"\n \n", " is empty"),
        (b"", " is empty"),
        (b"a dog\n\xff\xfe\n", "line 2 is not UTF-8: its byte 1 is 0xff"),
        (b"a dog\n" + b"x" * 10**7 + b"\n", "line 2 has 10,000,000 characters, but a line may have at most 100,000"),
    ],
)
def test_a_file_that_cannot_be_used_is_named(
    part: str, content: bytes, message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    files = text_files(tmp_path, **{part: content})
    assert train(tmp_path, files) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    (error,) = captured.err.splitlines()
    assert error.startswith("error: ")
    assert message in error
    assert str(tmp_path / part) in error
    assert not (tmp_path / "runs").exists()


def test_one_sentence_is_nothing_to_learn_from(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    files = text_files(tmp_path, source=b"a dog", target=b"ein Hund")
    assert train(tmp_path, files) == 2
    assert "source has one sentence" in capsys.readouterr().err
    assert not (tmp_path / "runs").exists()


def test_one_sentence_is_enough_to_test_on_and_a_long_line_is_left_out(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    source = b"a dog\na cat\n" + b"x" * LONGEST_LINE + b"\n"
    files = text_files(tmp_path, source=source, target=b"a\nb\nc\n", valid_source=b"a", valid_target=b"b")
    assert train(tmp_path, files) == 0
    assert "2 examples, 1 too long and left out" in capsys.readouterr().err


@pytest.mark.parametrize("part", ["training", "validation"])
def test_a_part_of_which_nothing_fits_is_named(part: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    long = b"a dog that is long\na cat that is longer\n"
    files = text_files(tmp_path, **{"source" if part == "training" else "valid_source": long})
    assert train(tmp_path, files, "--max-len", "7") == 2
    assert f"error: of 2 {part} pairs, none fits max_len 7; a larger --max-len" in capsys.readouterr().err


def test_a_pipe_is_no_file_to_learn_from(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    files = text_files(tmp_path)
    os.mkfifo(tmp_path / "pipe")  # as the shell's <(zcat a.gz) makes it; nobody may wait for what comes through it
    assert train(tmp_path, replace(files, source=(str(tmp_path / "pipe"),))) == 2
    assert "pipe is a pipe or a device" in capsys.readouterr().err
    assert not (tmp_path / "runs").exists()


def test_what_does_not_fit_in_memory_is_refused_with_the_estimate(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(data, "VALID_EXAMPLES", 5)
    monkeypatch.setattr(run, "build", lambda config: pytest.fail("it was built"))
    options = ["--task", "copy", "--examples", "7", "--device", "cpu", "--d-model", "1000000", "--d-ff", "1000000"]
    assert main(["train", "--out", str(tmp_path / "run"), *options]) == 2
    error = capsys.readouterr().err
    assert "error: this training run needs about " in error
    needed = int(error.split("needs about ")[1].split(" MB")[0].replace(",", ""))
    weights = 2 * 4 * (4 * 10**12) // 10**6  # of two layers of self-attention alone
    assert needed > 4 * weights  # beside them gradients and Adam's moments
    assert "--d-model" in error
    assert not (tmp_path / "run").exists()


def test_a_folder_with_other_things_is_left_as_it_was(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "notes.txt").write_text("mine")
    options = ["--task", "copy", "--examples", "7", "--max-len", "1"]
    assert main(["train", "--out", str(tmp_path / "run"), *options]) == 2
    assert "none fits max_len 1" in capsys.readouterr().err
    assert [path.name for path in (tmp_path / "run").iterdir()] == ["notes.txt"]


def test_a_file_is_no_run_folder(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    (tmp_path / "run").write_text("mine")
    assert main(["train", "--out", str(tmp_path / "run"), "--task", "copy", "--examples", "7"]) == 2
    assert "is a file, so it cannot be a run folder" in capsys.readouterr().err
    assert main(["train", "--out", str(tmp_path / "run"), "--resume"]) == 2
    assert "is not a run folder" in capsys.readouterr().err
    assert (tmp_path / "run").read_text() == "mine"


def test_several_files_are_read_one_after_the_other(tmp_path: Path):
    for name, content in (
        ("a", "a dog\na cat\n"),
        ("b", "ein Hund\neine Katze\n"),
        ("c", "a cow\n"),
        ("d", "eine Kuh\n"),
    ):
        (tmp_path / name).write_text(content)
    a, b, c, d = (str(tmp_path / name) for name in "abcd")
    files = DataConfig(source=(a, c, c), target=(b, d, d), valid_source=(c,), valid_target=(d,))
    train, valid = files.pairs(seed=0)
    assert train == [("a dog", "ein Hund"), ("a cat", "eine Katze"), ("a cow", "eine Kuh"), ("a cow", "eine Kuh")]
    assert valid == [("a cow", "eine Kuh")]
    with pytest.raises(ValueError, match="each source file needs its target file, but there are 2"):
        DataConfig(source=(a, c), target=(b,), valid_source=(c,), valid_target=(d,))


def test_files_as_a_run_of_an_earlier_version_named_them():
    named: Any = {"source": "a", "target": "b", "valid_source": "c", "valid_target": "d"}
    assert DataConfig(**named) == DataConfig(source=("a",), target=("b",), valid_source=("c",), valid_target=("d",))
    nothing: Any = dict.fromkeys(PARTS)
    assert DataConfig(task="copy", **nothing) == DataConfig(task="copy")


def test_other_names_come_before_what_is_typed_in_a_hurry(tmp_path: Path):
    files = text_files(tmp_path, source=b"Tom is here.\nA cat!\n", target=b"Tom est l\xc3\xa0.\nUn chat !\n")
    train, _ = replace(files, names=1.0, augment=1.0).pairs(seed=3)
    assert len(train) == (2 + 1) * 2
    named = train[2][0].removesuffix(" is here.")
    assert named != "Tom"
    assert train[2] == (f"{named} is here.", f"{named} est là.")
    assert train[5][0].lower().startswith(named.lower())
    with pytest.raises(ValueError, match="names must be at least 0 and at most 1, but it is -1"):
        replace(files, names=-1)
    with pytest.raises(ValueError, match="names is for text files"):
        DataConfig(task="copy", names=0.5)


def test_augmented_pairs_stand_after_the_others_and_follow_the_seed(tmp_path: Path):
    files = text_files(tmp_path, source=b"A dog.\nIt's a cat!\n")
    some = replace(files, augment=0.5)
    train, valid = some.pairs(seed=3)
    assert train[:2] == files.pairs(seed=3)[0]
    assert len(train) == 3
    assert valid == files.pairs(seed=3)[1]  # validation stays as it is
    assert some.pairs(seed=3)[0] == train
    with pytest.raises(ValueError, match="augment must be at least 0 and at most 1, but it is 1"):
        replace(files, augment=1.5)
    with pytest.raises(ValueError, match="augment is for text files"):
        DataConfig(task="copy", augment=0.5)
