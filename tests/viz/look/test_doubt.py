"""viz/look/doubt.py: what a model was sure of, by hand and for any text."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from model.capture import capture
from model.checkpoint import Checkpoint
from model.trace import Trace
from tests.helpers import save_letters, save_words
from tests.viz.helpers import random_map
from viz.look.doubt import Certainty, certainty
from viz.look.words import has_read, how_sure, share, sureness

TOKENS = (" Un", " sauve", "teur", " n", "'", "a", " pas", ".", "</s>")
PROBABILITIES = (0.9, 0.6, 0.7, 0.9, 0.9, 0.9, 0.1, 0.3, 0.5)


def trace(tokens: tuple[str, ...] = TOKENS, probabilities: tuple[float, ...] | None = PROBABILITIES) -> Trace:
    text = "".join(token for token in tokens if token != "</s>").removeprefix(" ")
    fed = ("<s>", *tokens[:-1])
    return Trace(
        model_name="a",
        maps=(random_map(fed, ("a", "b"), predicted_tokens=tokens),),
        source="ab",
        target=text,
        predicted_ids=tuple(range(len(tokens))),
        probabilities=None if probabilities is None else np.array(probabilities),
    )


def test_a_word_is_as_likely_as_its_pieces_together():
    found = certainty(trace(), by_word=True)
    assert [(word.text, word.mark) for word in found.words] == [
        ("Un", ""),
        (" sauveteur", "doubtful"),  # 0.6 · 0.7 = 0.42, though each of its pieces is above a half
        (" n'a", ""),  # 0.9³ = 0.73
        (" pas", "guess"),
        (".", ""),  # no word
    ]
    assert found.words[1].probability == pytest.approx(0.42)
    assert (found.n_words, found.n_unsure) == (4, 2)
    assert found.whole == pytest.approx(np.prod(PROBABILITIES))
    assert found.per_token == pytest.approx(np.exp(np.log(PROBABILITIES).mean()))
    assert sureness(found, "word") == "2 of 4 words < 50% likely (underlined) · whole output <1%"
    assert "9 tokens" in how_sure(found)


def test_without_words_each_token_stands_for_itself():
    found = certainty(trace(), by_word=False)
    assert [word.text for word in found.words] == ["Un", *TOKENS[1:-1]]
    assert [word.text for word in found.words if word.mark] == [" pas"]


def test_what_is_not_known_is_not_said():
    for unknown in (certainty(trace(probabilities=None), by_word=True), Certainty(words=())):
        assert sureness(unknown, "word") == how_sure(unknown) == has_read(unknown, "captions") == ""
        assert unknown.n_words == unknown.n_unsure == 0


@pytest.mark.parametrize("unsure", range(5))
def test_from_three_unsure_words_on_it_is_said_what_was_read(unsure: int):
    tokens = (*(f" w{i}" for i in range(5)), "</s>")
    found = certainty(trace(tokens, (*(0.49,) * unsure, *(0.5,) * (5 - unsure), 0.9)), by_word=True)
    assert found.n_unsure == unsure
    assert bool(has_read(found, "captions")) == (unsure >= 3)
    assert not has_read(found, "")


def test_one_word_is_no_words():
    found = certainty(trace((" Oui", "</s>"), (0.9, 1)), by_word=True)
    assert sureness(found, "word") == "1 of 1 word ≥ 50% likely · whole output 90%"


@pytest.mark.parametrize(
    ("probability", "said"),
    [(0, "0%"), (1e-9, "<1%"), (0.006, "1%"), (0.994, "99%"), (0.996, ">99%"), (1, "100%")],
)
def test_what_is_nearly_sure_is_not_called_sure(probability: float, said: str):
    assert share(probability) == said


@pytest.fixture(scope="module", params=[save_letters, save_words])
def copying(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Checkpoint:
    return request.param(tmp_path_factory.mktemp("doubt") / "best.safetensors")


@settings(max_examples=15, deadline=None)
@given(text=st.text(max_size=11), by_word=st.booleans())
def test_the_words_are_the_text(copying: Checkpoint, text: str, by_word: bool):
    seen = capture(copying, text)
    found = certainty(seen, by_word=by_word)
    assert seen.probabilities is not None
    assert "".join(word.text for word in found.words) == seen.target
    known = [word.probability for word in found.words if word.probability is not None]
    if known:
        end = seen.probabilities[-1] if not seen.target_cut else 1
        assert np.prod(known) * end == pytest.approx(found.whole, rel=1e-5)
