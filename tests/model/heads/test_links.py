"""model/heads/links.py: where heads look over many texts, against sums written out."""

from collections import defaultdict

import numpy as np
import pytest

from model.heads.habits import PARTLY
from model.heads.links import MOST, Links, links
from model.heads.survey import advance, begin
from model.text.tokenizer import SPECIAL
from model.trace import AttentionMap, Trace

WORDS = ("<s>", " a", " dog", " a", " cat", "</s>")


def one(pattern: np.ndarray, tokens: tuple[str, ...], **more) -> AttentionMap:
    kind = more.pop("kind", "encoder")
    return AttentionMap(
        kind=kind, pattern=pattern, query_tokens=tokens, key_tokens=(*tokens, *more.pop("sinks", ())), **more
    )


def random(seed: int, tokens: tuple[str, ...], heads: tuple[int, int] = (2, 3)) -> AttentionMap:
    scores = np.random.default_rng(seed).normal(scale=2.5, size=(*heads, len(tokens), len(tokens)))
    weights = np.exp(scores)
    return one(weights / weights.sum(-1, keepdims=True), tokens)


def test_the_sharpest_link_is_of_text():
    pattern = np.full((1, 2, 4, 4), 0.25)
    pattern[0, 0, 2] = (0.9, 0.0, 0.1, 0.0)  # most on a special token
    pattern[0, 1, 1] = (0.1, 0.1, 0.7, 0.1)
    pattern[0, 1, 3] = (0.0, 1.0, 0.0, 0.0)  # of a special token
    (first,), (second,) = links(one(pattern, ("<s>", "a", "b", "</s>")), 6).sharpest
    assert (first.text, first.query, first.key, first.weight) == (6, "a", "a", 0.25)
    assert (second.query, second.key, round(second.weight, 6)) == ("a", "b", 0.7)


def test_a_row_without_a_choice_does_not_count():
    pattern = np.tril(np.ones((4, 4))) / np.arange(1, 5)[:, None]
    found = links(one(pattern[None, None], ("a", "b", "c", "d"), kind="decoder"))
    ((sharpest,),) = found.sharpest  # "a" gives itself all, since it sees nothing else
    assert (sharpest.query, sharpest.key) == ("c", "a")
    assert [(pair.query, pair.key) for pair in found.pairs(0)] == [("c", "a"), ("d", "a")]


def test_a_decoder_s_rows_are_named_by_what_is_written():
    pattern = np.tril(np.ones((3, 3))) / np.arange(1, 4)[:, None]
    written = one(pattern[None, None], ("<s>", "a", "b"), kind="decoder", predicted_tokens=("a", "b", "c"))
    ((sharpest,),) = links(written).sharpest
    assert (sharpest.query, sharpest.key) == ("c", "a")


def test_special_tokens_alone_have_no_link():
    found = links(one(np.eye(3)[None, None], ("<s>", "</s>", "<s>")))
    found += found
    assert (found.sharpest, found.pairs(0)) == (((),), ())


def test_the_only_word_is_linked_to_itself():
    found = links(one(np.eye(3)[None, None], ("<s>", "a", "</s>")))
    (pair,) = (found + found).pairs(0)
    assert (pair.query, pair.key, pair.weight, pair.times) == ("a", "a", 1, 2)


def test_a_sink_is_no_key():
    pattern = np.full((1, 1, 3, 4), 0.1)
    pattern[..., 3] = 0.7
    found = links(one(pattern, ("a", "b", "c"), sinks=("sink",), n_sinks=1))
    ((sharpest,),) = found.sharpest
    assert sharpest.key == "a"
    assert found.pairs(0) == ()


def test_pairs_are_summed_over_texts():
    """Against a dictionary, for every head of three texts that share some of their tokens."""
    texts = [WORDS, ("<s>", " cat", " sees", " a", " dog", "</s>"), (" dog", " dog", " dog", "x")]
    maps = [random(seed, tokens) for seed, tokens in enumerate(texts)]
    wanted: dict[int, dict[tuple[str, str], list[float]]] = defaultdict(lambda: defaultdict(list))
    for attention_map in maps:
        tokens = attention_map.row_tokens
        for head, weights in enumerate(attention_map.pattern.reshape(6, len(tokens), len(tokens))):
            for query, row in zip(tokens, weights, strict=True):
                best = max((j for j, key in enumerate(tokens) if key not in SPECIAL), key=lambda j: row[j])
                if query not in SPECIAL and row[best] >= PARTLY:
                    wanted[head][query, tokens[best]].append(float(row[best]))
    found: Links = links(maps[0]) + links(maps[1], 1) + links(maps[2], 2)
    assert len(wanted) == 6
    for head, pairs in wanted.items():
        got = found.pairs(head, 1000)
        assert {(pair.query, pair.key): pair.times for pair in got} == {pair: len(of) for pair, of in pairs.items()}
        for pair in got:
            assert pair.weight == pytest.approx(np.mean(pairs[pair.query, pair.key]))
        sums = [pair.weight * pair.times for pair in got]
        assert sums == sorted(sums, reverse=True)
        assert found.pairs(head, 2) == got[:2]


def test_the_order_of_texts_makes_no_difference():
    maps = [random(seed, WORDS) for seed in range(4)]
    one_way = links(maps[0], 0) + links(maps[1], 1) + (links(maps[2], 2) + links(maps[3], 3))
    other_way = links(maps[3], 3) + links(maps[2], 2) + links(maps[1], 1) + links(maps[0], 0)
    assert one_way.sharpest == other_way.sharpest
    for head in range(6):
        mine, theirs = ({(one.query, one.key): one for one in found.pairs(head, 99)} for found in (one_way, other_way))
        assert mine.keys() == theirs.keys()
        assert all(mine[pair].times == theirs[pair].times for pair in mine)
        assert all(mine[pair].weight == pytest.approx(theirs[pair].weight) for pair in mine)


def test_the_sharpest_texts_are_kept():
    found = links(random(0, WORDS), 0)
    for text in range(1, MOST + 3):
        found += links(random(text, WORDS), text)
    for head, kept in enumerate(found.sharpest):
        everyone = sorted(links(random(text, WORDS), text).sharpest[head][0].weight for text in range(MOST + 3))
        assert [one.weight for one in kept] == everyone[: -MOST - 1 : -1]


def test_a_survey_finds_them():
    def trace_of(text: str) -> Trace:
        words = tuple(text.split())
        pattern = np.full((1, 1, 3, 3), 0.2)
        pattern[0, 0] += np.eye(3) * 0.4 if "x" in words else np.full((3, 3), 2 / 15)
        return Trace(model_name="m", maps=(one(pattern, words),), source=text)

    asked = begin("a b c\nx y z\nd e f")
    at_once, step_by_step = advance(asked, trace_of, 60), asked
    while not step_by_step.done:
        step_by_step = advance(step_by_step, trace_of, 0)
    for survey in (at_once, step_by_step):
        (best, second, third) = survey.links["encoder"].sharpest[0]
        assert (best.text, best.query, best.key, round(best.weight, 6)) == (1, "x", "x", 0.6)
        assert {second.text, third.text} == {0, 2}
        assert {(pair.query, pair.key) for pair in survey.links["encoder"].pairs(0)} >= {("x", "x"), ("y", "y")}
