"""model/heads/habits.py: patterns made by hand, and what holds of every sentence about any pattern."""

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from model.heads.habits import EVEN, describe, describe_heads, observe
from model.heads.measures import measure
from model.trace import KINDS, AttentionMap, Kind, RowNames
from tests.model.heads.test_measures import any_map

WORDS = ("<s>", " a", " dog", ",", " cat", " ran", "</s>")


def said(rows: list[list[float]], keys: tuple[str, ...], kind: Kind = "encoder", **options: object) -> str:
    queries = keys if kind != "cross" else tuple("abcdefghijk"[: len(rows)])
    pattern = np.array([[rows]], dtype=np.float32)
    return describe(AttentionMap(kind=kind, pattern=pattern, query_tokens=queries, key_tokens=keys, **options), 0, 0)  # type: ignore[arg-type]


def onto(n: int, keys: list[int], weight: float = 1.0, rest: int | None = None) -> list[list[float]]:
    """Rows of ``n`` keys that each give ``weight`` to one, and what is left to ``rest``."""
    rows = np.zeros((len(keys), n))
    rows[np.arange(len(keys)), keys] = weight
    if rest is not None:
        rows[:, rest] += 1 - weight
    return rows.tolist()


def test_a_previous_token_head():
    # Six of the seven rows have a previous token.
    assert said(onto(7, [6, 0, 1, 2, 3, 4, 5]), WORDS) == "gives 86 % of its attention to the previous token"


def test_a_share_is_of_all_rows():
    """Of a decoder's rows only the last can see the full stop (B1)."""
    words = ("<s>", " a", " dog", " ran", " off", " home", ".")
    assert said(onto(7, [0, 0, 0, 0, 0, 0, 6]), words, "decoder") == "gives 83 % of its attention to “<s>”"


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("n", [2, 3, 4, 7])
def test_a_uniform_head_is_even(kind: Kind, n: int):
    weights = np.tril(np.ones((n, n))) if kind == "decoder" else np.ones((n, n))
    rows = (weights / weights.sum(-1, keepdims=True)).tolist()
    assert said(rows, WORDS[:n], kind).startswith("spreads its attention evenly over all it may see")


def test_equal_habits_are_both_named():
    rows = np.zeros((7, 7))
    for i in range(7):
        rows[i, max(i - 1, 0)] += 0.5
        rows[i, min(i + 1, 6)] += 0.5
    found = said(rows.tolist(), WORDS)
    assert found == "gives 43 % of its attention each to the previous token and the next token"


def test_the_narrower_of_two_habits_that_are_one():
    first = said(onto(7, [0] * 7), WORDS)
    assert first == "gives 100 % of its attention to “<s>”"  # not: the first token; special tokens
    mixed = said(onto(7, [0, 0, 0, 6, 6, 6, 6]), WORDS)
    assert mixed.startswith("gives 100 % of its attention to special tokens")  # 57 % of it on </s>


def test_one_token_wherever_it_stands():
    rows = [[0.3, 0.3, 0.4, 0, 0, 0, 0]] * 7
    assert said(rows, (" the", " a", " dog", ",", " cat", " ran", "!")).startswith(
        "gives 40 % of its attention to “dog” and 30 % to the first token"
    )


def test_a_decoder_row_is_read_and_written():
    rows = onto(5, [0, 1, 2, 3, 4])
    tokens = ("<s>", " a", " b", " c", " d")
    written = {"predicted_tokens": (*tokens[1:], "</s>")}
    before = onto(5, [0, 0, 1, 2, 3])
    assert said(rows, tokens, "decoder", **written) == "gives 100 % of its attention to the token just read"
    found = said(before, tokens, "decoder", **written)
    assert found == "gives 100 % of its attention to the token before the one just read"
    assert said(rows, tokens, "decoder") == "gives 100 % of its attention to the token itself"  # nothing is written


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ("both", "the token just read"),
        ("fed in", "the token itself"),
        ("predicted", "the token before the one it writes"),
    ],
)
def test_a_habit_is_seen_from_the_name_on_show(rows: RowNames, words: str):
    tokens = ("<s>", " a", " b", " c", " d")
    one = AttentionMap(
        kind="decoder", pattern=np.eye(5)[None, None], query_tokens=tokens, key_tokens=tokens,
        predicted_tokens=(*tokens[1:], "</s>"),
    )  # fmt: skip
    expected = f"gives 100 % of its attention to {words}"
    assert describe(one, 0, 0, rows) == expected
    assert describe_heads(observe(one), rows) == [expected]


def test_induction_says_on_how_many_rows():
    tokens = ("a", "b", "c", "d", "a")
    rows = [[1, 0, 0, 0, 0], [0.5, 0.5, 0, 0, 0], [0.4, 0.3, 0.3, 0, 0], [0.3, 0.2, 0.2, 0.3, 0], [0, 1, 0, 0, 0]]
    assert "where a token repeats (1 of 4 rows), gives 100 % to what followed it before" in said(
        rows, tokens, "decoder"
    )


def test_order_needs_enough_rows_and_keys():
    diagonal = onto(7, [0, 1, 2, 3, 4, 5, 6])
    found = said(diagonal, tuple("uvwxyz!"), "cross")
    assert (
        found == "follows the source from left to right (a later row looks further right in 100 % of all pairs of rows)"
    )
    assert "from right to left (a later row looks further left in 100 %" in said(
        diagonal[::-1], tuple("uvwxyz!"), "cross"
    )
    assert "source" not in said(onto(2, [0, 1, 1]), ("u", "v"), "cross")


def test_few_rows_are_said():
    assert said(onto(2, [0, 0]), ("u", "v")).endswith("(on 2 rows that have a choice)")
    assert said([[1.0]], ("</s>",)) == "has no choice: every row may see one token only"


def shares(text: str) -> list[int]:
    """The percentages that a sentence says are given to something."""
    return [int(share) for share in re.findall(r"(\d+) % (?:of its attention )?(?:each )?to", text)]


@given(any_map)
def test_no_share_is_claimed_that_the_pattern_does_not_have(attention_map: AttentionMap):
    """Every share is, up to rounding, the mean weight of some set of cells: at most what the rows have in all."""
    observed = observe(attention_map)
    for layer, head in np.ndindex(attention_map.n_layers, attention_map.n_heads):
        counted, text = observed.counted[layer, head], describe(attention_map, layer, head)
        possible = {
            round(100 * float(sums.weight[layer, head] / counted)) for sums in observed.habits.values() if counted
        }
        possible |= {
            round(100 * float(sums.weight[layer, head] / sums.able[layer, head]))
            for sums in observed.habits.values()
            if sums.able[layer, head]
        }
        n = attention_map.pattern.shape[3]
        choice = np.arange(attention_map.pattern.shape[2]) >= (1 if attention_map.kind == "decoder" else 0)
        rows = attention_map.pattern[layer, head][choice]
        rows = rows[rows.sum(-1) > 0] if n > 1 else rows[:0]
        possible |= {round(100 * float(mean)) for mean in (rows.mean(0) if len(rows) else ())}
        assert all(any(abs(share - one) <= 1 for one in possible) for share in shares(text)), text


@given(any_map)
def test_evenness_is_asked_first(attention_map: AttentionMap):
    evenness = measure(attention_map)["evenness"]
    for layer, head in np.ndindex(attention_map.n_layers, attention_map.n_heads):
        even = describe(attention_map, layer, head).startswith("spreads its attention evenly")
        value = evenness[layer, head]
        if np.isnan(value):
            assert describe(attention_map, layer, head).startswith("has no choice")
        elif abs(value - EVEN) > 1e-4:
            assert even == (value > EVEN)


@given(any_map, st.integers(2, 3))
def test_a_text_many_times_is_like_once(attention_map: AttentionMap, times: int):
    once = observe(attention_map)
    many = once
    for _ in range(times - 1):
        many = many + once
    few = re.compile(r" \(on \d+ rows? that (have|has) a choice\)|\(\d+ of \d+ rows\)")
    if once.counted.min() >= 4:
        assert [few.sub("", one) for one in describe_heads(many)] == [few.sub("", one) for one in describe_heads(once)]
