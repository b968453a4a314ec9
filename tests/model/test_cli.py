"""model/__main__.py, the commands translate and evaluate; test_main.py has the command train."""

import io
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from model import checkpoint
from model.__main__ import main
from model.decoding.search import translate, write
from model.evaluation import alignment, bleu_moses, bleu_words, paired, score
from model.network.transformer import Transformer
from model.text.tasks import generate
from model.text.tokenizer import Tokenizer
from tests.model.helpers import shaken, tiny

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def _as_it_was() -> Iterator[None]:
    before = signal.getsignal(signal.SIGTERM)
    yield
    signal.signal(signal.SIGTERM, before)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, characters: Tokenizer) -> Path:
    """A run folder with a small random model of the task reverse."""
    torch.manual_seed(4)
    model = shaken(Transformer(tiny(vocab_size=len(characters))))
    with torch.no_grad():  # mostly printable targets, some of which end
        readable = [2, *characters.encode("abcde")]
        others = [i for i in range(len(characters)) if i not in readable]
        model.embedding.tokens.weight[others] *= 0.1
    folder = tmp_path_factory.mktemp("runs") / "small"
    checkpoint.save(folder / "best.safetensors", model, characters, task="reverse", training={"step": 3})
    return folder


def typed(text: str) -> io.TextIOWrapper:
    """Standard input with this in it."""
    return io.TextIOWrapper(io.BytesIO(text.encode()))


def targets(folder: Path, texts: list[str], beam: int) -> list[str]:
    found = dict(translate(checkpoint.load(folder), texts, beam))
    return [found[i] for i in range(len(texts))]


@pytest.mark.parametrize("beam", [1, 5])
def test_translate_a_text(folder: Path, beam: int, capsys: pytest.CaptureFixture[str]):
    assert main(["translate", "--checkpoint", str(folder), "--beam", str(beam), "ad"]) == 0
    assert capsys.readouterr().out == targets(folder, ["ad"], beam)[0] + "\n"


def test_five_beams_unless_told_otherwise(folder: Path, capsys: pytest.CaptureFixture[str]):
    assert main(["translate", "--checkpoint", str(folder / "best.safetensors"), "cb"]) == 0
    assert capsys.readouterr().out == targets(folder, ["cb"], 5)[0] + "\n"


def test_translate_each_line_of_input(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(sys, "stdin", typed("\ufeffbe\r\n\r\n  da \n \né</s>\n"))
    assert main(["translate", "--checkpoint", str(folder), "--beam", "1"]) == 0
    be, da, last = targets(folder, ["be", "da", "é</s>"], 1)
    assert capsys.readouterr().out.split("\n") == [be, "", da, "", last, ""]  # lines stay aligned


def test_an_empty_text_is_no_reason_to_read_input(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(sys, "stdin", typed("be\nda\n"))
    assert main(["translate", "--checkpoint", str(folder), "--beam", "1", ""]) == 0
    assert capsys.readouterr().out == "\n"


def test_no_input_no_output(folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(sys, "stdin", typed(""))
    assert main(["translate", "--checkpoint", str(folder)]) == 0
    assert capsys.readouterr().out == ""


def test_a_shipped_one_by_its_name(folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(checkpoint, "PRETRAINED", folder)
    assert main(["translate", "--checkpoint", "best", "--beam", "1", "be"]) == 0
    assert capsys.readouterr().out == targets(folder, ["be"], 1)[0] + "\n"


def test_evaluate_files(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    sources, references = ["be", "da", "cab"], ["bbeeeeeeee", "eeeee", "bac"]
    (tmp_path / "source").write_text("\n".join(sources) + "\n", encoding="utf-8")
    (tmp_path / "target").write_text("\n".join(references) + "\n", encoding="utf-8")
    files = ["--source", str(tmp_path / "source"), "--target", str(tmp_path / "target")]
    assert main(["evaluate", "--checkpoint", str(folder), *files, "--beam", "1"]) == 0
    printed = json.loads(capsys.readouterr().out)
    assert printed == score(targets(folder, sources, 1), references)
    assert printed["n"] == 3


def test_evaluate_with_all_there_is(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    sources, references, others = ["Be.", "da?", "cab"], ["bbeeeeeeee", "eeeee", "bac"], ["eb", "ad", "x"]
    for name, lines in (("source", sources), ("target", references), ("other", others)):
        (tmp_path / name).write_text("\n".join(lines) + "\n", encoding="utf-8")
    files = ["--source", str(tmp_path / "source"), "--target", str(tmp_path / "target"), str(tmp_path / "other")]
    more = ["--beam", "1", "--casual", "--moses", "fr", "--against", str(folder)]
    assert main(["evaluate", "--checkpoint", str(folder), *files, *more]) == 0
    printed = json.loads(capsys.readouterr().out)
    found = targets(folder, sources, 1)
    assert {name: printed[name] for name in ("bleu", "n")} == {"bleu": score(found, references, others)["bleu"], "n": 3}
    assert printed["bleu_words"]["no_stop"] == bleu_words(targets(folder, ["be", "da?", "cab"], 1), references, others)
    assert printed["bleu_words"]["no_mark"] == bleu_words(targets(folder, ["be", "da", "cab"], 1), references, others)
    assert printed["bleu_moses"] == bleu_moses("fr", found, references, others)
    assert printed["against"] == {"checkpoint": folder.name, **paired(found, found, references, others)}


def test_evaluate_what_comes_through_a_pipe(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    for name in ("a", "b"):
        (tmp_path / name).write_text("be\nda\n")
    os.mkfifo(tmp_path / "pipe")
    writer = threading.Thread(target=lambda: (tmp_path / "pipe").write_text("be\nda\n"), daemon=True)
    writer.start()
    files = ["--source", str(tmp_path / "pipe"), "--target", str(tmp_path / "a"), str(tmp_path / "b")]
    assert main(["evaluate", "--checkpoint", str(folder), *files, "--beam", "1"]) == 0
    assert json.loads(capsys.readouterr().out)["n"] == 2


def test_evaluate_a_task(folder: Path, capsys: pytest.CaptureFixture[str]):
    options = ["--task", "reverse", "--examples", "11", "--seed", "5", "--beam", "1"]
    assert main(["evaluate", "--checkpoint", str(folder), *options]) == 0
    pairs = generate("reverse", 11, seed=5, held_out=True)
    found = score(targets(folder, [source for source, _ in pairs], 1), [target for _, target in pairs])
    assert json.loads(capsys.readouterr().out) == {**found, "alignment": alignment(checkpoint.load(folder), pairs)}


def test_another_task_than_the_model_s_has_no_alignment(folder: Path, capsys: pytest.CaptureFixture[str]):
    assert main(["evaluate", "--checkpoint", str(folder), "--task", "copy", "--examples", "3", "--beam", "1"]) == 0
    assert set(json.loads(capsys.readouterr().out)) == {"bleu", "bleu_lc", "chrf", "exact_match", "n"}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("translate", "--checkpoint", "no/such", "text"), "there is no checkpoint 'no/such'"),
        (("translate", "--checkpoint", "FOLDER", "--beam", "0", "text"), "beam must be at least 1, but it is 0"),
        (("evaluate", "--checkpoint", "FOLDER"), "give either --source and --target, or --task"),
        (("evaluate", "--checkpoint", "FOLDER", "--source", "SOURCE"), "give either --source and --target, or --task"),
        (("evaluate", "--checkpoint", "FOLDER", "--task", "copy", "--source", "SOURCE"), "give either --source and"),
        (("evaluate", "--checkpoint", "no/such", "--task", "copy"), "there is no checkpoint 'no/such'"),
        (("evaluate", "--checkpoint", "FOLDER", "--source", "no", "--target", "SOURCE"), "no cannot be read"),
        (("evaluate", "--checkpoint", "FOLDER", "--source", "SOURCE", "--target", "LONGER"), "source has 1 lines and"),
        (("evaluate", "--checkpoint", "FOLDER", "--source", "BYTES", "--target", "LONGER"), "is not UTF-8"),
        (
            ("evaluate", "--checkpoint", "FOLDER", "--task", "copy", "--examples", "0"),
            "--examples must be at least 1, but it is 0",
        ),
        (("evaluate", "--checkpoint", "FOLDER", "--task", "copy", "--examples", "-3"), "--examples must be at least 1"),
        (("evaluate", "--checkpoint", "FOLDER", "--task", "copy", "--examples", "2", "--beam", "-1"), "beam must be"),
        (("evaluate", "--checkpoint", "SOURCE", "--task", "copy"), "truncated, or not a safetensors file"),
    ],
)
def test_an_error_is_a_line_and_status_2(
    arguments: tuple[str, ...], message: str, folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    (tmp_path / "source").write_text("a\n", encoding="utf-8")
    (tmp_path / "longer").write_text("a\nb\n", encoding="utf-8")
    (tmp_path / "bytes").write_bytes(b"\xff\n\xfe\n")
    names = {
        "FOLDER": folder,
        "SOURCE": tmp_path / "source",
        "LONGER": tmp_path / "longer",
        "BYTES": tmp_path / "bytes",
    }
    assert main([str(names.get(argument, argument)) for argument in arguments]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    (error,) = [line for line in captured.err.splitlines() if line.startswith("error: ")]
    assert message in error


@pytest.mark.parametrize("command", ["translate", "evaluate"])
def test_a_checkpoint_must_be_named(command: str, capsys: pytest.CaptureFixture[str]):
    with pytest.raises(SystemExit) as stopped:
        main([command])
    assert stopped.value.code == 2
    assert "--checkpoint" in capsys.readouterr().err


@pytest.mark.parametrize("text", ["-hello there", "-5", "--bad"])
def test_a_text_that_begins_with_a_hyphen(folder: Path, text: str, capsys: pytest.CaptureFixture[str]):
    options = ["translate", "--checkpoint", str(folder), "--beam", "1"]
    assert main([*options, "--", text]) == 0
    assert capsys.readouterr().out == targets(folder, [text], 1)[0] + "\n"
    if text != "-5":  # which is a number, and so no option
        with pytest.raises(SystemExit):
            main([*options, text])
        assert "after --" in capsys.readouterr().err


def command_line(*arguments: str, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [sys.executable, "-m", "model", *arguments],
        cwd=ROOT,
        env={**os.environ, "OMP_NUM_THREADS": "1", "PYTHONIOENCODING": "ascii"},  # as a bare terminal may say
        input=stdin,
        capture_output=True,
        check=False,
    )


def test_as_a_command(folder: Path):
    ran = command_line("translate", "--checkpoint", str(folder), "--beam", "1", stdin="be\né\n".encode())
    assert ran.returncode == 0
    assert ran.stdout.decode().splitlines() == targets(folder, ["be", "é"], 1)
    assert all(line.startswith("note: line ") for line in ran.stderr.decode().splitlines())


def test_input_that_is_no_text(folder: Path):
    ran = command_line("translate", "--checkpoint", str(folder), "--beam", "1", stdin=b"be\nd\xff\n")
    assert ran.returncode == 2
    assert ran.stdout.decode().splitlines() == targets(folder, ["be"], 1)
    assert (
        ran.stderr
        == b"error: standard input, line 2 is not UTF-8: its byte 2 is 0xff. Save it as plain text in UTF-8.\n"
    )


def test_a_reader_that_has_read_enough(folder: Path):
    command = [sys.executable, "-m", "model", "translate", "--checkpoint", str(folder), "--beam", "1"]
    with subprocess.Popen(
        command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as ran:
        assert ran.stdin is not None
        assert ran.stdout is not None
        assert ran.stderr is not None
        ran.stdin.write(b"be\n")
        ran.stdin.flush()
        assert ran.stdout.readline().decode() == targets(folder, ["be"], 1)[0] + "\n"
        ran.stdout.close()  # as `head -1` does
        ran.stdin.write(b"da\ncab\n")
        ran.stdin.close()
        assert ran.stderr.read() == b""
    assert ran.returncode == 141


def test_what_was_cut_is_noted_beside_the_targets(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    model = checkpoint.load(folder)
    lines = ["be", 50 * "a"]
    expected = dict(write(model, lines, 1))
    assert expected[1].source_dropped  # else the text is too short to show anything
    monkeypatch.setattr(sys, "stdin", typed("\n".join(lines)))
    assert main(["translate", "--checkpoint", str(folder), "--beam", "1"]) == 0
    said = capsys.readouterr()
    assert said.out.split("\n") == [expected[0].target, expected[1].target, ""]
    dropped = f"note: line 2: the last {expected[1].source_dropped} tokens were not read; "
    assert dropped in said.err
    for i, written in expected.items():
        note = f"note: line {i + 1}: the target was cut after {written.n_tokens} tokens"
        assert (note in said.err) == written.cut
