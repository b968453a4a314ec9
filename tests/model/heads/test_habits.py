"""model/heads/habits.py: patterns made by hand, and what holds of every sentence about any pattern."""

import re
from itertools import combinations
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from model.heads.habits import EVEN, QUITE_EVEN, describe, describe_heads
from model.heads.measures import measure
from model.heads.observed import observe
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
    assert said(onto(7, [6, 0, 1, 2, 3, 4, 5]), WORDS) == "gives 86% of its attention to the previous token"


def test_a_share_is_of_all_rows():
    """Of a decoder's rows only the last can see the full stop (B1)."""
    words = ("<s>", " a", " dog", " ran", " off", " home", ".")
    assert said(onto(7, [0, 0, 0, 0, 0, 0, 6]), words, "decoder") == "gives 83% of its attention to “<s>”"


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
    assert found == "gives 43% of its attention each to the previous token and the next token"


def test_the_narrower_of_two_habits_that_are_one():
    first = said(onto(7, [0] * 7), WORDS)
    assert first == "gives 100% of its attention to “<s>”"  # not: the first token; special tokens
    mixed = said(onto(7, [0, 0, 0, 6, 6, 6, 6]), WORDS)
    assert mixed.startswith("gives 100% of its attention to special tokens")  # 57% of it on </s>


def test_one_token_wherever_it_stands():
    rows = [[0.3, 0.3, 0.4, 0, 0, 0, 0]] * 7
    assert said(rows, (" the", " a", " dog", ",", " cat", " ran", "!")).startswith(
        "gives 40% of its attention to “dog”, 30% to “the” and 30% to “a”"
    )


def test_a_decoder_row_is_read_and_written():
    rows = onto(5, [0, 1, 2, 3, 4])
    tokens = ("<s>", " a", " b", " c", " d")
    written = {"predicted_tokens": (*tokens[1:], "</s>")}
    before = onto(5, [0, 0, 1, 2, 3])
    assert said(rows, tokens, "decoder", **written) == "gives 100% of its attention to the token just read"
    found = said(before, tokens, "decoder", **written)
    assert found == "gives 100% of its attention to the token before the one just read"
    assert said(rows, tokens, "decoder") == "gives 100% of its attention to the token itself"  # nothing is written


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
    expected = f"gives 100% of its attention to {words}"
    assert describe(one, 0, 0, rows) == expected
    assert describe_heads(observe(one), rows) == [expected]


def test_induction_says_on_how_many_rows():
    tokens = ("a", "b", "c", "d", "a")
    rows = [[1, 0, 0, 0, 0], [0.8, 0.2, 0, 0, 0], [0.3, 0.2, 0.5, 0, 0], [0.2, 0.2, 0.2, 0.4, 0], [0, 1, 0, 0, 0]]
    expected = (
        "gives, where a token repeats (1 of 4 rows; special tokens that repeat do not count), "
        "100% to what followed it before"
    )
    assert expected in said(rows, tokens, "decoder")
    written = AttentionMap(
        kind="decoder", pattern=np.array([[rows]]), query_tokens=tokens, key_tokens=tokens,
        predicted_tokens=("b", "c", "d", "a", "</s>"),
    )  # fmt: skip
    for names in ("both", "predicted"):  # by what it writes no row repeats
        assert expected.replace("a token", "the token just read") in describe(written, 0, 0, names)


def test_tokens_that_get_as_much_are_all_named():
    rows = [[0.5, 0, 0.5, 0, 0]] * 5
    assert said(rows, tuple("abcde")) == "gives 50% of its attention each to “a” and “c”"
    rows = [[0, 0.5, 0, 0.5, 0]] * 5
    assert said(rows, tuple("abcde")) == "gives 50% of its attention each to “b” and “d”"


def test_no_share_is_named_while_a_larger_one_goes_unsaid():
    # As a head of `dates` looks at “2031-10-12”: a little less than twice what chance gives to the token before, a
    # little more than half as much again to itself, and a smaller share to one token, which is far above chance.
    cells = [{0: 1}, {0: 1}, {1: 0.01, 2: 0.99}, {3: 1}, {3: 0.4, 4: 0.6}, {3: 0.03, 4: 0.97}, {5: 1}]
    cells += [{4: 0.51, 6: 0.49}, {4: 0.37, 6: 0.63}, {4: 0.24, 6: 0.21, 8: 0.03, 9: 0.52}, {4: 0.23, 8: 0.77}]
    rows = [[row.get(key, 0.0) for key in range(11)] for row in cells]
    expected = "gives 39% of its attention to the previous token and 31% to the token itself"
    assert said(rows, ("<s>", *"abcdefghij"), kind="decoder") == expected


def test_a_share_of_almost_as_much_is_named_beside_the_largest():
    rows = np.full((11, 11), 0.05) + 0.2 * np.eye(11) + 0.21 * np.eye(11, k=1) + 0.1 * np.eye(11, k=5)
    rows /= rows.sum(-1, keepdims=True)
    itself, after = np.diag(rows).mean(), np.diag(rows, 1).sum() / 11
    assert itself > 0.25 > after
    expected = f"gives {itself:.0%} of its attention to the token itself and {after:.0%} to the next token"
    assert said(rows.tolist(), tuple("abcdefghijk")) == expected


def test_without_a_habit_the_most_is_said():
    rows = np.random.default_rng(3).dirichlet(np.ones(13), 13)
    rows[:, 7] += 0.2
    rows /= rows.sum(-1, keepdims=True)
    found = said(rows.tolist(), tuple("abcdefghijklm"))
    assert found.startswith("spreads each row over about ")
    assert found.endswith(f" and gives the most, {100 * rows[:, 7].mean():.0f}%, to “h”")


def test_a_sharp_head_without_a_habit_is_no_spread():
    keys = [(5 * row + 3) % 13 for row in range(13)]
    far = np.abs(np.array(keys) - np.arange(13)).mean()
    few = "focuses on about 1.0 tokens per row (not the same in every row)"
    assert said(onto(13, keys), tuple("abcdefghijklm")) == f"{few} and looks {far:.1f} tokens away"


def test_what_followed_before_is_not_said_of_the_token_before():
    # In “ababab” what followed the last “a” is the token before it; in “abcdacb” it is another.
    assert "repeats" not in said(onto(6, [0, 0, 1, 2, 3, 4]), tuple("ababab"), kind="decoder")
    assert "repeats" in said(onto(7, [0, 0, 0, 0, 1, 3, 2]), tuple("abcdacb"), kind="decoder")


def test_a_wide_head_may_still_be_in_order():
    rows = np.full((7, 7), 0.08) + 0.44 * np.eye(7)
    found = said(rows.tolist(), tuple("uvwxyz!"), "cross")
    assert found.startswith("follows the source from left to right (later rows peak further right in 100% of pairs")
    bits = -0.52 * np.log2(0.52) - 6 * 0.08 * np.log2(0.08)
    assert found.endswith(f"; it spreads each row over about {2**bits:.1f} tokens")


def test_what_is_larger_goes_before_what_is_above_chance():
    # Half of what the head gives lies on the first token, as in an even row of two; a third on one of eight.
    rows = [[1] + [0] * 7, [0.6, 0.4] + [0] * 6] + [[0.5, 0, 0.02 + 0.48 * (i < 3), *[0] * 5] for i in range(2, 8)]
    rows = [[w / sum(row) for w in row] for row in rows]
    assert "to “a”" in said(rows, tuple("abcdefgh"), "decoder")


def test_order_needs_enough_rows_and_keys():
    diagonal = onto(7, [0, 1, 2, 3, 4, 5, 6])
    aside = "(later rows peak further {} in 100% of pairs, special tokens aside)"
    found = said(diagonal, tuple("uvwxyz!"), "cross")
    assert found == f"follows the source from left to right {aside.format('right')}"
    assert f"from right to left {aside.format('left')}" in said(diagonal[::-1], tuple("uvwxyz!"), "cross")
    assert "source" not in said(onto(2, [0, 1, 1]), ("u", "v"), "cross")


def test_few_rows_are_said():
    assert said(onto(2, [0, 0]), ("u", "v")).endswith("(on 2 rows that have a choice)")
    assert said([[1.0]], ("</s>",)) == "has no choice: every row may see one token only"


def cells(words: str, one: AttentionMap) -> np.ndarray:
    """The cells that some words are about, from what the words mean: boolean ``[query, key]``."""
    n, m = one.pattern.shape[2:]
    i, j = np.mgrid[:n, :m]
    if quoted := re.fullmatch(r"“(.*?)”(?: \(token (\d+)\))?", words, re.DOTALL):
        spelled = [k for k, key in enumerate(one.key_tokens) if (key.strip() or key) == quoted[1]]
        (key,) = [int(quoted[2]) - 1] if quoted[2] else spelled
        assert key in spelled
        return j == key
    special = np.array([key in ("<pad>", "<s>", "</s>", "<unk>") for key in one.key_tokens])
    marks = np.array([key.strip() != "" and not any(map(str.isalnum, key)) for key in one.key_tokens]) & ~special
    return {
        "the previous token": j == i - 1,
        "the token before the one just read": j == i - 1,
        "the token two before it": j == i - 2,
        "the next token": j == i + 1,
        "the token two after it": j == i + 2,
        "the token itself": j == i,
        "the token just read": j == i,
        "the first token": j == 0,
        "special tokens": np.broadcast_to(special, (n, m)),
        "punctuation": np.broadcast_to(marks, (n, m)),
    }[words]


def given_to(text: str) -> list[tuple[str, str]]:
    """What a sentence says is given, ``(percent, to what)``."""
    clause = next((part for part in text.split("; ") if part.startswith("gives ")), "")
    clause = re.sub(r" \((\d+% counts as both|some of it counts twice|on \d+ row.*)\)", "", clause)
    if each := re.fullmatch(r"gives (\d+)% of its attention each to (.*)", clause, re.DOTALL):
        return [(each[1], words) for words in re.split(r", | and ", each[2])]
    return re.findall(r"(\d+)%(?: of its attention)? to (.*?)(?=, \d+%| and \d+%|$)", clause, re.DOTALL)


def row_choices(one: AttentionMap) -> np.ndarray:
    """The numbers of the rows that may see two keys or more."""
    return np.arange(1 if one.kind == "decoder" else 0, one.pattern.shape[2] if one.pattern.shape[3] > 1 else 0)


@st.composite
def with_habits(pick: Any) -> AttentionMap:
    """A head that mixes two habits, and some noise."""
    kind, n, m = pick(st.sampled_from(KINDS)), pick(st.integers(2, 8)), pick(st.integers(3, 8))
    m = m if kind == "cross" else n
    random, i = np.random.default_rng(pick(st.integers(0, 2**32))), np.arange(n)
    favourites = [i, i - 1, i + 1, i - 2, i + 2, i * 0, i * 0 + m // 2, n - 1 - i]
    first, second = (favourites[pick(st.integers(0, len(favourites) - 1))].clip(0, m - 1) for _ in range(2))
    weights = random.random((n, m)) * pick(st.sampled_from([0, 0.1]))
    weights[i, first] += pick(st.sampled_from([0.6, 1]))
    weights[i, second] += 0.6
    weights = np.tril(weights) + 1e-9 * np.tri(n, m) if kind == "decoder" else weights
    tokens = st.sampled_from(["a", " b", ".", "</s>", "<s>", "x", "y", "z"])
    queries, keys = (tuple(pick(st.lists(tokens, min_size=k, max_size=k))) for k in (n, m))
    return AttentionMap(
        kind=kind, pattern=(weights / weights.sum(-1, keepdims=True))[None, None], query_tokens=queries,
        key_tokens=keys if kind == "cross" else queries,
    )  # fmt: skip


@given(any_map | with_habits())
def test_every_number_can_be_computed_from_the_map(one: AttentionMap):
    for layer, head in np.ndindex(one.n_layers, one.n_heads):
        text, rows = describe(one, layer, head), row_choices(one)
        pattern = one.pattern[layer, head][rows].astype(float)
        rows, pattern = rows[pattern.sum(-1) > 0], pattern[pattern.sum(-1) > 0]
        said = given_to(text)
        assert bool(said) == ("of its attention" in text), text
        for share, words in said:
            assert abs(100 * (pattern * cells(words, one)[rows]).sum() / len(rows) - int(share)) < 0.51, text
        if twice := re.search(r"\((\d+)% counts as both\)", text):
            first, second = (cells(words, one)[rows] for _, words in said)
            assert abs(100 * (pattern * (first & second)).sum() / len(rows) - int(twice[1])) < 0.51, text
        elif len(said) == 2:
            first, second = (cells(words, one)[rows] for _, words in said)
            assert (pattern * (first & second)).sum() / len(rows) < 0.0051, text
        said_of_spread = r"about ([\d.]+) tokens(?: per row \(.*?\))?(?:(?:,| and) looks ([\d.]+) tokens away)?"
        if spread := re.search(said_of_spread, text):
            logs = np.log2(np.where(pattern > 0, pattern, 1))
            assert abs(2 ** (-(pattern * logs).sum() / len(rows)) - float(spread[1])) < 0.06, text
            if spread[2]:
                away = np.abs(rows[:, None] - np.arange(pattern.shape[1]))
                assert abs((pattern * away).sum() / len(rows) - float(spread[2])) < 0.06, text
        for side, said_share in re.findall(r"\b(right|left) in (\d+)%", text):
            keys = [k for k, key in enumerate(one.key_tokens) if not key.startswith("<")]
            texts = [r for r, token in enumerate(one.row_tokens) if not token.startswith("<")]
            strongest = [int(one.pattern[layer, head, r, keys].argmax()) for r in texts]
            pairs = [last > first if side == "right" else last < first for first, last in combinations(strongest, 2)]
            assert abs(100 * np.mean(pairs) - int(said_share)) < 0.51, text


def test_a_head_that_looks_two_tokens_back():
    found = said(onto(8, [0, 0, 0, 1, 2, 3, 4, 5]), tuple("abcdefgh"))
    assert found.startswith("gives 75% of its attention to the token two before it")


def test_the_same_token_twice_is_told_apart():
    rows = onto(5, [3] * 5)
    assert said(rows, ("a", "b", "c", "b", "d")) == "gives 100% of its attention to “b” (token 4)"


def test_weight_that_counts_for_two_habits_is_said():
    rows = onto(6, [0, 1, 1, 1, 1, 5])
    assert said(rows, tuple("abcdef")) == (
        "gives 67% of its attention to “b” and 50% to the token itself (17% counts as both)"
    )


@given(any_map)
def test_evenness_is_asked_first(attention_map: AttentionMap):
    evenness = measure(attention_map)["evenness"]
    for layer, head in np.ndindex(attention_map.n_layers, attention_map.n_heads):
        text = describe(attention_map, layer, head)
        value = evenness[layer, head]
        if np.isnan(value):
            assert text.startswith("has no choice")
        elif abs(value - EVEN) > 1e-4:
            assert text.startswith("spreads its attention") == (value > EVEN)
            if abs(value - QUITE_EVEN) > 1e-4:
                assert text.startswith("spreads its attention evenly") == (value > QUITE_EVEN)


@given(any_map, st.integers(2, 3))
def test_a_text_many_times_is_like_once(attention_map: AttentionMap, times: int):
    once = observe(attention_map)
    many = once
    for _ in range(times - 1):
        many = many + once
    few = re.compile(r" \(on \d+ rows? that (have|has) a choice\)|\(\d+ of \d+ rows; [^)]*\)")
    if once.counted.min() >= 4:
        assert [few.sub("", one) for one in describe_heads(many)] == [few.sub("", one) for one in describe_heads(once)]
