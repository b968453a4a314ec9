"""model/compare/lengths.py: the curve of accuracy over length."""

from pathlib import Path

import pytest

from model import checkpoint
from model.checkpoint import Checkpoint
from model.compare import lengths
from model.compare.lengths import PREFIX, recorded, score_lengths
from model.decoding.search import translate
from model.network.transformer import Transformer
from model.text.tasks import MAX_STRING, of_length
from model.text.tokenizer import Tokenizer
from tests.helpers import MAX_LEN, save_letters
from tests.model.helpers import tiny


@pytest.fixture(scope="module")
def copying(tmp_path_factory: pytest.TempPathFactory) -> Checkpoint:
    """Copies what it reads, at any length, though its max_len is 31."""
    return save_letters(tmp_path_factory.mktemp("lengths") / "letters.safetensors")


def test_the_shares_are_those_of_the_outputs(copying: Checkpoint):
    (score,) = score_lengths(copying, [5], strings=29, seed=3)
    pairs = of_length("copy", 29, 5, seed=3)
    found = dict(translate(copying, [source for source, _ in pairs]))
    exact = sum(found[i] == target for i, (_, target) in enumerate(pairs))
    right = sum(found[i][k : k + 1] == target[k] for i, (_, target) in enumerate(pairs) for k in range(5))
    assert score.exact == pytest.approx(exact / 29)
    assert score.characters == pytest.approx(right / (29 * 5))
    assert score.characters > 0.9  # it does copy


def test_longer_than_max_len_is_measured(copying: Checkpoint):
    scores = list(score_lengths(copying, [3, MAX_LEN + 10], strings=7))
    assert [score.length for score in scores] == [3, MAX_LEN + 10]
    assert scores[1].characters > 0.3  # of 41 characters, further than max_len could have written


def test_a_learned_table_is_measured_as_far_as_it_reaches(characters: Tokenizer, tmp_path: Path):
    path = tmp_path / "learned.safetensors"
    model = Transformer(tiny(vocab_size=len(characters), positional="learned"))
    checkpoint.save(path, model, characters, task="reverse", training={})
    scores = list(score_lengths(checkpoint.load(path), [7, 22, 23, 41], strings=3))
    assert [score.length for score in scores] == [7, 22]  # and </s>: 23 tokens


SHIPPED = [name for name in checkpoint.pretrained() if name.startswith(PREFIX)]


@pytest.mark.parametrize("name", SHIPPED)
def test_the_recorded_curve_is_that_of_the_shipped_checkpoint(name: str):
    """The first lengths measured again, with the strings of the record."""
    record = recorded()
    curve = {score.length: score for score in record.curves[name.removeprefix(PREFIX)]}
    again = score_lengths(checkpoint.load(name), [4, MAX_STRING], strings=record.strings, seed=record.seed)
    for score in again:  # another processor may round otherwise, and so turn a string or two
        assert score.exact == pytest.approx(curve[score.length].exact, abs=0.02)
        assert score.characters == pytest.approx(curve[score.length].characters, abs=0.02)


def test_main_writes_the_record(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, characters: Tokenizer):
    model = Transformer(tiny(vocab_size=len(characters), positional="rotary"))
    checkpoint.save(tmp_path / "positional-rotary.safetensors", model, characters, task="copy", training={})
    checkpoint.save(tmp_path / "other.safetensors", model, characters, task="copy", training={})
    monkeypatch.setattr(checkpoint, "PRETRAINED", tmp_path)
    monkeypatch.setattr(lengths, "MEASURED", tmp_path / "record.json")
    lengths.main(strings=2, lengths=(1, 3))
    record = recorded()
    assert list(record.curves) == ["rotary"]
    opened = checkpoint.load("positional-rotary")
    assert record.curves["rotary"] == list(score_lengths(opened, (1, 3), strings=2, seed=record.seed))
    assert record.strings == 2
    assert record.command == "python -m model.compare.lengths"


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"curves": {}}', '{"curves": {"a": [{"length": 1}]}}', '{"curves": 7}']
)
def test_another_file_is_no_record(text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(lengths, "MEASURED", tmp_path / "record.json")
    with pytest.raises(OSError, match="No such file"):
        recorded()
    (tmp_path / "record.json").write_text(text)
    with pytest.raises(ValueError, match=r"not a record|Expecting value"):
        recorded()
