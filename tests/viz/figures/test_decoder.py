"""viz/figures/decoder.py: the likeliest tokens of a step, and a target with its probabilities."""

import math
import re
from typing import Any

import pytest

from model.decoding.candidates import Candidate, Step
from model.text.tokenizer import Tokenizer
from tests.helpers import word_tokenizer
from viz.figures.decoder import (
    brings_spaces,
    candidate_bars,
    candidate_name,
    log_probability,
    perplexity,
    written_html,
)
from viz.look.numbers import short_probability
from viz.look.theme import DARK, LIGHT, Theme


def candidate(label: str, probability: float, token_id: int = 7) -> Candidate:
    return Candidate(token_id, label, math.log(probability))


FIRST, SECOND, LAST = candidate(" dog", 0.5, 11), candidate("s", 0.25, 13), candidate(" <b>$x$", 0.001, 17)
STEP = Step(FIRST, 1, (FIRST, SECOND))


def test_the_bars_are_the_probabilities_and_sum_to_one():
    bars: Any = candidate_bars(STEP, 5, spaced=True).data[0]
    assert list(bars.x) == pytest.approx([0.5, 0.25, 0.25])
    assert list(bars.text) == ["0.50", "0.25", "0.25"]
    assert [colour == LIGHT.accent for colour in bars.marker.color] == [True, False, False]


@pytest.mark.parametrize("theme", [LIGHT, DARK])
def test_what_was_written_is_shown_though_unlikely(theme: Theme):
    figure = candidate_bars(Step(LAST, 99, (FIRST, SECOND)), 5, spaced=True, theme=theme)
    bars: Any = figure.data[0]
    assert list(bars.x) == pytest.approx([0.5, 0.25, 0.001, 0.249])
    assert list(bars.marker.color)[2] == theme.accent
    layout: Any = figure.layout
    assert list(layout.yaxis.ticktext) == ["dog", "…s", "&lt;b&gt;&#36;x&#36;", "4 others"]


def test_without_others_there_is_no_bar_of_them():
    layout: Any = candidate_bars(STEP, 0, spaced=False).layout
    assert list(layout.yaxis.ticktext) == ["dog", "s"]


@pytest.mark.parametrize(("label", "name"), [(" dog", "dog"), ("s", "…s"), (".", "."), (" ", "␣"), ("", "")])
def test_a_piece_of_a_word_says_so(label: str, name: str):
    assert candidate_name(label) == name


def test_words_bring_spaces_and_characters_do_not():
    assert brings_spaces(word_tokenizer())
    assert not brings_spaces(Tokenizer.characters())


@pytest.mark.parametrize(("p", "text"), [(1, "1.00"), (0.126, "0.13"), (0.006, "0.01"), (0.004, "<0.01"), (0, "<0.01")])
def test_what_is_possible_is_not_zero(p: float, text: str):
    assert short_probability(p) == text


def test_totals():
    steps = [Step(candidate("a", p), 1, ()) for p in (0.5, 0.25, 0.125)]
    assert log_probability(steps) == pytest.approx(math.log(1 / 64))
    assert perplexity(steps) == pytest.approx(4)
    assert perplexity([Step(Candidate(7, "a", -1e5), 1, ())]) == math.inf


@pytest.mark.parametrize("theme", [LIGHT, DARK])
def test_a_target_is_shaded_escaped_and_marked(theme: Theme):
    steps = [Step(token, 1, ()) for token in (FIRST, SECOND, LAST)]
    html = written_html(steps, 1, 2, theme)
    tokens = re.findall(
        r'<span class="(.*?)" title="(.*?)"><bdi style="background:(.*?);color:(.*?)">(.*?)</bdi>', html
    )
    assert [found[0] for found in tokens] == ["given", "now given", ""]
    assert [found[1] for found in tokens] == ["probability 0.5", "probability 0.25", "probability 0.001"]
    assert [found[4] for found in tokens] == ["dog", "s", "&lt;b&gt;$x$"]
    assert [found[2] for found in tokens] == [theme.scale[place] for place in (4, 2, 0)]
    assert all(found[2] != found[3] for found in tokens)
