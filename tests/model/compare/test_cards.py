"""The numbers in the cards of the checkpoints that ship."""

from pathlib import Path

import pytest

from model import checkpoint
from model.checkpoint import load
from model.compare.cards import PAIRS, parse_card, read_card
from model.network.sizes import count_parameters


def test_scores_in_a_sentence():
    card = parse_card("a", "A model of 1,234 parameters.\n\nexact match 99.5%.")
    assert (card.parameters, card.bleu, card.exact_match) == (1234, None, 99.5)


def test_a_sentence_may_be_broken():
    assert parse_card("a", "Of 7\nparameters: exact\nmatch 100% (the other: 99%).").exact_match == 100


def test_scores_in_a_table_whose_first_row_is_the_models_own():
    text = """7 parameters
| | BLEU (cased, 13a) | BLEU (lowercased) | exact match |
| --- | --- | --- | --- |
| this one | 48.80 | 50 | 11.9% |
| the other | 58.68 | 60 | 21.1% |
"""
    card = parse_card("a", text)
    assert (card.bleu, card.exact_match) == (48.8, 11.9)


def test_the_runs_that_a_checkpoint_continues():
    command = "```\npython -m model train --out a \\\n  --steps 500 --seed 1\n```\n"
    scored = "7 parameters, exact match 3%\n"
    assert parse_card("a", scored + command).steps_before == 0
    assert parse_card("a", scored + 2 * command + command.replace("500", "30")).steps_before == 1000


@pytest.mark.parametrize(("text", "lacks"), [("exact match 3%", "parameters"), ("7 parameters", "score")])
def test_a_card_that_lacks_something(text: str, lacks: str):
    with pytest.raises(ValueError, match=lacks):
        parse_card("a", text)


def test_a_card_that_is_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    assert read_card("no such checkpoint") is None
    monkeypatch.setattr(checkpoint, "PRETRAINED", tmp_path)
    (tmp_path / f"a{checkpoint.SUFFIX}").touch()
    assert read_card("a") is None


@pytest.mark.parametrize("name", [name for pair in PAIRS.items() for name in pair])
def test_the_cards_that_ship(name: str):
    card = read_card(name)
    assert card is not None
    assert card.parameters == count_parameters(load(name).config)
    assert card.exact_match is not None
    assert card.scored == (2_000 if "translate" in name else 10_000)
    assert (card.bleu is not None) == ("translate" in name)
    text = (checkpoint.PRETRAINED / f"{name}.md").read_text(encoding="utf-8")
    assert ("AVX512-BF16 or AMX" in text) == ("--precision bfloat16" in text)  # what the command needs
