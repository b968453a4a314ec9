"""viz/look/forcing.py: what a person makes the decoder write, from texts in a link."""

import pytest

from model.text.tokenizer import EOS_ID
from tests.helpers import word_tokenizer
from viz.look.forcing import BEAM, BEGINNING, OWN, TARGET, Forcing, forcing, read_ids, write_ids

TOKENIZER = word_tokenizer()
WORD = TOKENIZER.encode("dress")
LETTERS = [token_id for letter in " dress" for token_id in [TOKENIZER.encode(f"a{letter}")[-1]]]


def made(mode: str, **texts: str) -> Forcing:
    return forcing(TOKENIZER, mode, **{"prefix": "", "tokens": "", "target": "", **texts})


def test_two_ways_to_write_one_text():
    assert TOKENIZER.decode(LETTERS) == TOKENIZER.decode(WORD) == "dress"
    assert len(LETTERS) == 6
    assert len(WORD) == 1


@pytest.mark.parametrize("mode", [OWN, BEAM, "nonsense"])
def test_the_model_s_own(mode: str):
    assert made(mode, prefix="dress", tokens="5", target="dress") == Forcing()


def test_a_target():
    assert made(TARGET, prefix="x", tokens="5", target="a dress") == Forcing(target="a dress")
    assert made(TARGET) == Forcing(target="")


def test_a_beginning_as_the_tokenizer_cuts_it():
    assert made(BEGINNING, prefix="dress", target="x") == Forcing(prefix=tuple(WORD))
    assert made(BEGINNING) == Forcing()


@pytest.mark.parametrize("ids", [WORD, LETTERS, [*LETTERS, EOS_ID], [*WORD, EOS_ID]])
def test_a_beginning_of_exactly_these_tokens(ids: list[int]):
    tokens = write_ids(TOKENIZER, tuple(ids))
    assert bool(tokens) is (ids != WORD)  # what the text says by itself needs no numbers
    assert made(BEGINNING, prefix="dress", tokens=tokens) == Forcing(prefix=tuple(ids))


@pytest.mark.parametrize(
    ("tokens", "problem"),
    [
        ("x", "whole numbers separated by dots"),
        ("5..6", "whole numbers separated by dots"),
        ("5,6", "whole numbers separated by dots"),
        ("9" * 5000, "whole numbers separated by dots"),
        ("999999", "there is no token 999999"),
        ("-4", "there is no token -4"),
        ("0", "there is no token 0"),
        ("2.5", "token 1 is </s>"),
        (".".join(map(str, TOKENIZER.encode("red"))), "These token numbers spell “red”, not “dress”"),
    ],
)
def test_numbers_that_do_not_fit_give_way_to_the_text(tokens: str, problem: str):
    found = made(BEGINNING, prefix="dress", tokens=tokens)
    assert found.prefix == tuple(WORD)
    assert problem in (found.problem or "")
    assert "The text of the beginning is used instead." in (found.problem or "")


def test_no_numbers():
    assert read_ids(TOKENIZER, " ") is None
