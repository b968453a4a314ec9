"""model/interventions/moving.py: two runs that can be compared token by token."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from model import checkpoint
from model.capture import capture
from model.checkpoint import Checkpoint
from model.config import POSITIONALS
from model.interventions import moving
from model.interventions.moving import Change, displace, moved
from model.interventions.positions import shifted, without_positions
from model.network.transformer import Transformer
from model.text.tasks import TRANSLATION
from model.text.tokenizer import Tokenizer
from model.trace import Trace
from tests.helpers import SENTENCE, word_tokenizer
from tests.model.helpers import shaken, tiny

SHARED = settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=7
)  # a checkpoint, only read


def saved(folder: Path, tokenizer: Tokenizer, task: str, **options: str) -> Checkpoint:
    model = shaken(Transformer(tiny(vocab_size=len(tokenizer), **options)))
    checkpoint.save(folder / "a.safetensors", model, tokenizer, task=task, training={})
    return checkpoint.load(folder / "a.safetensors")


@pytest.fixture
def words(tmp_path: Path) -> Checkpoint:
    return saved(tmp_path, word_tokenizer(), TRANSLATION)


@pytest.fixture(params=POSITIONALS)
def letters(request: pytest.FixtureRequest, characters: Tokenizer, tmp_path: Path) -> Checkpoint:
    return saved(tmp_path, characters, "reverse", positional=request.param)


def difference(checkpoint: Checkpoint, text: str, change: Change) -> float:
    """The largest, in the encoder."""
    result = displace(checkpoint, text, change)
    assert result.after is not None
    return float(np.abs(result.before.map("encoder").pattern - result.after.map("encoder").pattern).max())


def test_no_change_changes_nothing(letters: Checkpoint):
    result = displace(letters, "abcba", Change())
    assert result.after is not None
    assert result.output_after == result.output_before == capture(letters, "abcba").target
    assert result.text_after == "abcba"
    for one, other in zip(result.before.maps, result.after.maps, strict=True):
        assert np.array_equal(one.pattern, other.pattern)
        assert one.query_tokens == other.query_tokens


def test_each_change_is_the_run_it_says(words: Checkpoint):
    before = capture(words, SENTENCE)
    for change, other in (
        (Change(off_after=True), without_positions(words)),
        (Change(shift=5), shifted(words, 5)),
    ):
        result = displace(words, SENTENCE, change)
        assert result.after is not None
        expected = capture(other, SENTENCE, before.target)
        for found, wanted in zip(result.after.maps, expected.maps, strict=True):
            assert np.array_equal(found.pattern, wanted.pattern)
        assert result.output_before == before.target
        assert result.output_after == capture(other, SENTENCE).target
        assert difference(words, SENTENCE, change) > 0.01


def test_shuffled_tokens_stand_in_their_old_order(words: Checkpoint):
    result = displace(words, SENTENCE, Change(shuffle=3))
    assert sorted(result.text_after.split()) == sorted(SENTENCE.split())
    assert result.text_after != SENTENCE
    assert result.after is not None
    assert result.after.map("encoder").key_tokens == result.before.map("encoder").key_tokens
    shuffled = capture(words, result.text_after, result.output_before)
    tokens = shuffled.map("encoder").key_tokens
    for row, key in ((" dress", " grass"), (" A", "."), ("</s>", " girl")):  # each stands there once
        old = [result.before.map("encoder").key_tokens.index(token) for token in (row, key)]
        new = [tokens.index(token) for token in (row, key)]
        for kind in ("encoder", "cross"):
            found = result.after.map(kind).pattern
            expected = shuffled.map(kind).pattern
            if kind == "encoder":
                assert np.array_equal(found[:, :, old[0], old[1]], expected[:, :, new[0], new[1]])
            else:
                assert np.array_equal(found[..., old[1]], expected[..., new[1]])


@SHARED
@given(number=st.integers(1, 20))
def test_without_positions_the_order_means_nothing(words: Checkpoint, number: int):
    """The proof of the experiment: with the encoding off in both runs, shuffled words change no weight."""
    result = displace(words, SENTENCE, Change(off_before=True, off_after=True, shuffle=number))
    assert result.after is not None
    for one, other in zip(result.before.maps, result.after.maps, strict=True):
        assert np.abs(one.pattern - other.pattern).max() < 1e-4
    assert result.output_after == result.output_before


def test_letters_are_shuffled_where_a_token_is_one(letters: Checkpoint):
    result = displace(letters, "ab cdé", Change(shuffle=2))
    assert sorted(result.text_after) == sorted("ab cdé")
    assert result.after is not None
    assert result.after.map("encoder").key_tokens == result.before.map("encoder").key_tokens
    changed = letters.model.embedding.positional.tells_order
    assert (difference(letters, "ab cdé", Change(shuffle=2)) > 1e-3) == changed


@pytest.mark.parametrize("text", ["", " ", "a", "a  b", " a b ", "<s> </s>", "🔦 é\u0301"])
def test_odd_texts(text: str, words: Checkpoint, letters: Checkpoint):
    for opened in (words, letters):
        shift = 0 if opened.config.positional == "learned" else 2  # what it writes by itself fills its table
        for change in (Change(off_after=True), Change(shuffle=5), Change(shift=shift)):
            result = displace(opened, text, change)
            assert result.after is None or result.after.map("cross").key_tokens == result.before.map("cross").key_tokens


def test_a_learned_table_too_short_for_the_shift_is_explained(characters: Tokenizer, tmp_path: Path):
    opened = saved(tmp_path, characters, "reverse", positional="learned")
    with pytest.raises(ValueError, match=r"a shift of 20 leaves 3 positions .* has \d+ tokens"):
        displace(opened, "abcdef", Change(shift=20))
    with pytest.raises(ValueError, match="40 is not below 23"):
        displace(opened, "abcdef", Change(shift=40))


def test_moved_by_hand():
    before = np.array([[1.0, 0, 0], [0.5, 0.5, 0], [0.2, 0.3, 0.5]])
    after = np.array([[0.0, 1, 0], [0.5, 0.5, 0], [0.3, 0.3, 0.4]])
    np.testing.assert_allclose(moved(before, after), [1, 0, 0.1])


@pytest.mark.parametrize(
    "change", [Change(off_after=True), Change(shuffle=2), Change(off_before=True, shift=1)], ids=str
)
def test_what_is_known_already_is_not_computed_again(
    words: Checkpoint, change: Change, monkeypatch: pytest.MonkeyPatch
):
    expected, known = displace(words, SENTENCE, change), capture(words, SENTENCE)
    asked: list[tuple[str, str, bool]] = []

    def counted(
        checkpoint: Checkpoint, source: str, target: str | None = None, *, draft: tuple[int, ...] = ()
    ) -> Trace:
        asked.append((checkpoint.digest, source, target is not None))
        return capture(checkpoint, source, target, draft=draft)

    monkeypatch.setattr(moving, "capture", counted)
    found = displace(words, SENTENCE, change, known)
    assert (words.digest, SENTENCE, False) not in asked
    assert (found.output_before, found.output_after) == (expected.output_before, expected.output_after)
    assert (found.after is None) == (expected.after is None)
    for one, other in ((found.before, expected.before), (found.after, expected.after)):
        for shown, map_ in zip(one.maps if one else (), other.maps if other else (), strict=True):
            np.testing.assert_allclose(shown.pattern, map_.pattern, atol=1e-6)
