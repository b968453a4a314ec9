"""model/heads/measures.py: patterns made by hand, with the values that come out by hand."""

import itertools
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from model.heads.measures import NAMED, measure, measures_of, similar, tally
from model.trace import KINDS, AttentionMap, Kind

ROOT = Path(__file__).parents[3]
WORDS = (" a", " blue", ",", "</s>")
TARGET = ("<s>", " une", ",", " robe")
UNIFORM = [[0.25] * 4] * 4
IDENTITY = np.eye(4).tolist()
ANTI_DIAGONAL = np.eye(4)[::-1].tolist()
PREVIOUS = [[1.0, 0, 0, 0], [1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0]]  # the first row has to look somewhere
ON_THE_END = [[0, 0, 0, 1]] * 4
CAUSAL_UNIFORM = [[1, 0, 0, 0], [1 / 2, 1 / 2, 0, 0], [1 / 3, 1 / 3, 1 / 3, 0], [1 / 4] * 4]


def one_head(
    head: list[list[float]],
    queries: tuple[str, ...] = WORDS,
    keys: tuple[str, ...] | None = None,
    kind: Kind = "encoder",
) -> AttentionMap:
    return AttentionMap(
        kind=kind, pattern=np.array([[head]], dtype=float), query_tokens=queries, key_tokens=keys or queries
    )


def values(head: list[list[float]], *tokens: tuple[str, ...], kind: Kind = "encoder") -> dict[str, float]:
    measured = measure(one_head(head, *tokens, kind=kind))
    assert {value.shape for value in measured.values()} == {(1, 1)}
    assert {value.dtype for value in measured.values()} == {np.dtype(np.float32)}
    return {name: float(value[0, 0]) for name, value in measured.items()}


def check(found: dict[str, float], **expected: float) -> None:
    """``expected`` of those in ``found``; where nothing is, all are undefined."""
    wanted = expected or dict.fromkeys(found, np.nan)
    assert {name: found[name] for name in wanted} == pytest.approx(wanted, abs=1e-6, nan_ok=True)


def test_a_previous_token_head():
    found = values(PREVIOUS)
    check(
        found,
        entropy=0,
        evenness=0,
        itself=1 / 4,  # only the first row
        previous=1,  # rows 2, 3 and 4
        next=0,
        first=2 / 4,  # rows 1 and 2
        special=0,
        punctuation=1 / 4,  # row 4 looks at the comma
        distance=3 / 4,  # 0, 1, 1, 1
        diagonality=1 - 3 / 3 / 4,  # three rows are 1/3 of the way off
    )


def test_a_uniform_head():
    check(
        values(UNIFORM),
        entropy=2,  # four keys alike: log2 4
        evenness=1,
        itself=1 / 4,
        previous=1 / 4,
        next=1 / 4,
        first=1 / 4,
        special=1 / 4,
        punctuation=1 / 4,
        distance=20 / 16,  # |i - j|: 6 cells of 1, 4 of 2, 2 of 3
        diagonality=1 - 20 / 16 / 3,
    )


def test_the_diagonal_and_the_other_one():
    check(
        values(IDENTITY),
        entropy=0, evenness=0, itself=1, previous=0, next=0, first=1 / 4, special=1 / 4, punctuation=1 / 4, distance=0,
        diagonality=1,
    )  # fmt: skip
    check(
        values(ANTI_DIAGONAL),
        entropy=0,
        evenness=0,
        itself=0,
        previous=1 / 3,  # row 3 of the rows 2 to 4 looks at 2
        next=1 / 3,  # row 2 of the rows 1 to 3 looks at 3
        first=1 / 4,
        special=1 / 4,
        punctuation=1 / 4,
        distance=8 / 4,  # 3, 1, 1, 3
        diagonality=1 - 8 / 4 / 3,
    )


def test_a_decoder_s_row_may_see_what_was_fed_in_up_to_itself():
    check(
        values(CAUSAL_UNIFORM, TARGET, kind="decoder"),  # the first row has no choice and does not count
        entropy=(1 + np.log2(3) + 2) / 3,
        evenness=1,
        itself=(1 / 2 + 1 / 3 + 1 / 4) / 3,
        previous=(1 / 2 + 1 / 3 + 1 / 4) / 3,
        first=(1 / 2 + 1 / 3 + 1 / 4) / 3,
        special=(1 / 2 + 1 / 3 + 1 / 4) / 3,
        punctuation=(1 / 3 + 1 / 4) / 2,  # row 2 cannot see the comma yet
        distance=(1 / 2 + 1 + 3 / 2) / 3,  # (0 + 1) / 2, (0 + 1 + 2) / 3, (0 + 1 + 2 + 3) / 4
        diagonality=1 - (1 / 2 + 1 + 3 / 2) / 3 / 3,
    )


def test_cross_attention_has_no_itself():
    assert {"itself", "previous", "next", "distance", "induction"}.isdisjoint(
        values(UNIFORM, TARGET, WORDS, kind="cross")
    )
    assert "monotonicity" not in values(UNIFORM)
    with pytest.raises(ValueError, match="itself is a measure of encoder, decoder attention, not cross"):
        NAMED["itself"](one_head(UNIFORM, TARGET, WORDS, kind="cross"))


FIVE_KEYS = [[1, 0, 0, 0, 0], [0, 0, 1, 0, 0], [0, 0, 0, 0, 1]]
TWO_KEYS = [[1, 0], [1, 0], [0, 1], [0, 1]]


@pytest.mark.parametrize(
    ("head", "monotonicity", "diagonality"),
    [
        (IDENTITY, 1, 1),
        (ANTI_DIAGONAL, -1, 1 - 2 / 3),
        (UNIFORM, 0, 1 - 20 / 16 / 3),
        (ON_THE_END, 0, 1 - (1 + 2 / 3 + 1 / 3) / 4),
        (FIVE_KEYS, 1, 1),
        (FIVE_KEYS[::-1], -1, 1 / 3),
        # Rows at 0, 1/3, 2/3, 1 look at 0, 0, 1, 1; of 6 pairs 4 are in order, and more there cannot be with 2 keys.
        (TWO_KEYS, 1, 1 - (1 / 3 + 1 / 3) / 4),
        # Three rows, keys 1, 3, 2: of 3 pairs 2 are in order and 1 is not.
        ([[1, 0, 0], [0, 0, 1], [0, 1, 0]], 1 / 3, 1 - (1 / 2 + 1 / 2) / 3),
        # Half of row 1 on each key: the pair is in order with probability 1/2, else a tie; 1/2 of one pair.
        ([[1 / 2, 1 / 2], [0, 1]], 1 / 2, 1 - 1 / 2 / 2),
    ],
)
def test_order_in_cross_attention(head: list[list[float]], monotonicity: float, diagonality: float):
    queries, keys = (tuple(f"t{i}" for i in range(n)) for n in np.shape(head))
    found = values(head, queries, keys, kind="cross")
    assert found["monotonicity"] == pytest.approx(monotonicity, abs=1e-6)
    assert found["diagonality"] == pytest.approx(diagonality, abs=1e-6)


def test_monotonicity_pair_by_pair():
    pattern = random_pattern(2, 3, 5, 7)
    queries, keys = tuple("abcde"), tuple("fghijkl")
    found = measure(AttentionMap(kind="cross", pattern=pattern, query_tokens=queries, key_tokens=keys))["monotonicity"]
    for head in np.ndindex(2, 3):
        total = sum(
            pattern[head][one, i] * pattern[head][other, j] * np.sign(j - i)
            for one, other in itertools.combinations(range(5), 2)
            for i, j in itertools.product(range(7), repeat=2)
        )
        assert found[head] == pytest.approx(total / 10, abs=1e-5)  # 10 pairs of 5 rows


def random_pattern(*shape: int, causal: bool = False) -> np.ndarray:
    weights = np.random.default_rng(11).random(shape).astype(np.float32) ** 3 + 1e-4
    weights = np.tril(weights) if causal else weights
    return weights / weights.sum(-1, keepdims=True)


def test_induction_looks_at_what_followed():
    tokens = ("<s>", "x", "y", "x", "y", "x")
    pattern = np.zeros((6, 6))
    pattern[0, 0] = pattern[1, 1] = pattern[2, 2] = 1  # these have not occurred before, and do not count
    pattern[3, [2, 0]] = 0.7, 0.3  # "y" followed "x"
    pattern[4, [3, 4]] = 0.5, 0.5  # "x" followed "y"; the second half is on itself
    pattern[5, [2, 4, 1]] = 0.4, 0.2, 0.4  # "y" followed "x" twice
    assert values(pattern.tolist(), tokens, kind="decoder")["induction"] == pytest.approx((0.7 + 0.5 + 0.6) / 3)
    assert values(pattern.tolist(), tokens)["induction"] == pytest.approx((0.7 + 0.5 + 0.6) / 3)


def test_induction_on_a_repeated_random_string():
    """As Olsson et al. 2022 probe for it: a head that looks at the token after its last occurrence has 1."""
    string = tuple(f"t{i}" for i in np.random.default_rng(2).permutation(13))
    head = np.eye(26)
    head[13:] = np.eye(26, k=-12)[13:]
    assert values(head.tolist(), string * 2, kind="decoder")["induction"] == 1
    assert values(np.eye(26).tolist(), string * 2, kind="decoder")["induction"] == 0


@pytest.mark.parametrize("tokens", [("a", "b", "c", "d"), ("a", "a", "b", "c"), ("<pad>", "a", "<pad>", "<pad>")])
def test_induction_without_anything_that_follows(tokens: tuple[str, ...]):
    # In "a a" what followed the first is the second itself; a special token is no repetition.
    assert np.isnan(values(UNIFORM, tokens)["induction"])


def test_rows_of_zeros_do_not_count():
    head = [[0.0] * 4, *PREVIOUS[1:3], [0.0] * 4]
    check(
        values(head),
        entropy=0, evenness=0, itself=0, previous=1, next=0, first=1 / 2, special=0, punctuation=0, distance=1,
        diagonality=2 / 3,
    )  # fmt: skip
    cross = values([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0]], ("a", "b", "c"), ("d", "e"), kind="cross")
    assert cross["monotonicity"] == 1


@pytest.mark.parametrize("kind", KINDS)
def test_a_pattern_of_zeros_says_nothing(kind: Kind):
    found = values(np.zeros((4, 4)).tolist(), WORDS, WORDS, kind=kind)
    check(found)


@pytest.mark.parametrize("kind", KINDS)
def test_one_token_says_nothing(kind: Kind):
    found = values([[1.0]], ("</s>",), kind=kind)
    check(found)


def test_one_row_of_several_keys():
    found = values([[0.5, 0, 0, 0.5]], ("<s>",), WORDS, kind="cross")
    check(found, entropy=1, evenness=1 / 2, first=1 / 2, special=1 / 2, punctuation=0)


def test_tokens_that_are_absent_leave_their_measure_undefined():
    found = values(UNIFORM, ("a", "b", "c", "d"))
    assert np.isnan([found[name] for name in ("special", "punctuation")]).all()


@pytest.mark.parametrize(
    ("token", "is_one"),
    [
        (",", 1),
        (" .", 1),
        ("...", 1),
        (" «", 1),
        ("¿", 1),
        (" a.", 0),
        ("$", 0),
        (" ", 0),
        ("", 0),
        ("</s>", 0),
        ("7", 0),
    ],
)
def test_punctuation(token: str, is_one: int):
    found = values([[1, 0], [1, 0]], (token, "!"))["punctuation"]
    assert found == is_one


def maps(kind: Kind) -> st.SearchStrategy[AttentionMap]:
    """Random maps of a kind, some rows sharp, some of zeros (but in no decoder, where a row sees itself)."""

    @st.composite
    def draw(pick: Any) -> AttentionMap:
        n_layers, n_heads, n, m = pick(st.tuples(*[st.integers(1, 3)] * 2, *[st.integers(1, 7)] * 2))
        m = m if kind == "cross" else n
        random = np.random.default_rng(pick(st.integers(0, 2**32)))
        weights = random.random((n_layers, n_heads, n, m)) ** pick(st.sampled_from([1, 5, 40]))
        weights = np.tril(weights) if kind == "decoder" else weights
        weights /= weights.sum(-1, keepdims=True)
        weights[random.random(weights.shape[:3]) < pick(st.sampled_from([0, 0, 0.3]))] = 0
        tokens = st.sampled_from(["a", " b", ".", "</s>", "<s>", "x"])
        queries, keys = (tuple(pick(st.lists(tokens, min_size=k, max_size=k))) for k in (n, m))
        keys = keys if kind == "cross" else queries
        return AttentionMap(kind=kind, pattern=weights, query_tokens=queries, key_tokens=keys)

    return draw()


any_map = st.sampled_from(KINDS).flatmap(maps)


@given(any_map)
def test_values_keep_within_their_bounds(attention_map: AttentionMap):
    found = measure(attention_map)
    assert list(found) == [one.name for one in measures_of(attention_map.kind)]
    n, m = attention_map.pattern.shape[2:]
    assert (np.nan_to_num(found["entropy"]) <= np.log2(m) + 1e-5).all()
    assert (np.nan_to_num(found.get("distance", np.zeros(1))) <= n - 1 + 1e-5).all()
    for one in measures_of(attention_map.kind):
        value = found[one.name][~np.isnan(found[one.name])]
        assert found[one.name].shape == (attention_map.n_layers, attention_map.n_heads)
        assert (value >= one.low - 1e-5).all()
        assert one.high is None or (value <= one.high + 1e-5).all()
        np.testing.assert_array_equal(one(attention_map), found[one.name])


@given(any_map, st.randoms(use_true_random=False))
def test_heads_in_another_order_have_their_values_in_that_order(attention_map: AttentionMap, random: Any):
    order = random.sample(range(attention_map.n_heads), attention_map.n_heads)
    layers = random.sample(range(attention_map.n_layers), attention_map.n_layers)
    moved = AttentionMap(
        kind=attention_map.kind,
        pattern=attention_map.pattern[layers][:, order],
        query_tokens=attention_map.query_tokens,
        key_tokens=attention_map.key_tokens,
    )
    before, after = measure(attention_map), measure(moved)
    for name, value in before.items():
        np.testing.assert_allclose(after[name], value[layers][:, order], rtol=1e-5, atol=1e-6)


@given(any_map)
def test_a_text_twice_is_like_once(attention_map: AttentionMap):
    once = tally(attention_map)
    twice = once + once
    assert (once.n_texts, twice.n_texts) == (1, 2)
    for name, value in twice.values().items():
        np.testing.assert_allclose(value, once.values()[name], rtol=1e-6)


def test_over_texts_each_row_counts_once():
    short = one_head([[0, 1], [1, 0]], (" a", "</s>"))  # two rows: entropy 0, nothing on the diagonal
    long = one_head(UNIFORM)  # four rows: entropy 2, 1/4 on the diagonal
    both = {name: float(value[0, 0]) for name, value in (tally(short) + tally(long)).values().items()}
    assert both["entropy"] == pytest.approx((2 * 0 + 4 * 2) / 6)
    assert both["itself"] == pytest.approx((2 * 0 + 4 / 4) / 6)
    assert both["previous"] == pytest.approx((1 * 1 + 3 / 4) / 4)  # the first row of each has no previous token
    assert both["punctuation"] == pytest.approx(1 / 4)  # the short one has no comma


def test_a_text_that_says_nothing_changes_nothing():
    nothing, something = tally(one_head([[1.0]], ("</s>",))), tally(one_head(UNIFORM))
    for name, value in (nothing + something).values().items():
        np.testing.assert_array_equal(value, something.values()[name])


def test_kinds_do_not_add_up():
    with pytest.raises(ValueError, match="are not measures of one kind"):
        _ = tally(one_head(UNIFORM)) + tally(one_head(UNIFORM, TARGET, WORDS, kind="cross"))


def similarities(heads: list[Any], n: int = 9, kind: Kind = "encoder", head: int = 0) -> dict[int, float]:
    attention_map = AttentionMap(
        kind=kind, pattern=np.array([heads], dtype=float), query_tokens=WORDS, key_tokens=WORDS
    )
    found = similar(attention_map, 0, head, n)
    assert all(layer == 0 for layer, _, _ in found)
    return {other: value for _, other, value in found}


def test_similar_heads_come_first():
    near = 0.9 * np.array(PREVIOUS) + 0.1 / 4
    found = similarities([PREVIOUS, ANTI_DIAGONAL, near, PREVIOUS, UNIFORM])
    assert list(found) == [3, 2, 4, 1]
    assert found[3] == pytest.approx(1, abs=1e-3)
    # Rows 1 to 4 look at 1 1 2 3 and at 4 3 2 1: one row alike, three without a common key.
    assert found[1] == pytest.approx(1 / 4)
    # A key of weight 1 and four of 1/4: the middle is 5/8, 1/8, 1/8, 1/8, its entropy 1.5488 bits; less (0 + 2) / 2.
    assert found[4] == pytest.approx(1 - np.sqrt(1.54879 - 1), abs=1e-4)
    assert list(similarities([PREVIOUS, ANTI_DIAGONAL, near, PREVIOUS, UNIFORM], n=2)) == [3, 2]


def test_a_row_of_zeros_is_like_another_only():
    zeros = [[0.0] * 4, *PREVIOUS[1:]]
    assert similarities([zeros, PREVIOUS, zeros]) == pytest.approx({2: 1, 1: 3 / 4}, abs=1e-3)


def test_nothing_is_like_a_head_of_one_token():
    attention_map = AttentionMap(
        kind="encoder", pattern=np.ones((2, 3, 1, 1)), query_tokens=("</s>",), key_tokens=("</s>",)
    )
    assert similar(attention_map, 1, 2, 5) == []


@given(any_map)
def test_similarity_is_mutual(attention_map: AttentionMap):
    last = attention_map.n_layers - 1, attention_map.n_heads - 1
    for layer, head, value in similar(attention_map, *last, n=99):
        assert -1e-6 <= value <= 1
        back = {one[:2]: one[2] for one in similar(attention_map, layer, head, n=99)}
        assert back[last] == pytest.approx(value, abs=1e-3)


def test_similarity_finds_the_layer():
    pattern = random_pattern(3, 5, 7, 7)
    pattern[2, 1] = pattern[0, 4]
    attention_map = AttentionMap(
        kind="encoder", pattern=pattern, query_tokens=tuple("abcdefg"), key_tokens=tuple("abcdefg")
    )
    assert similar(attention_map, 0, 4, 1)[0][:2] == (2, 1)
    assert len(similar(attention_map, 0, 4, 99)) == 14


def test_measures_are_made_without_torch():
    code = "import sys, model.heads.survey; print('torch' in sys.modules)"
    found = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert found.stdout.split() == ["False"]


def test_the_diagonals_are_of_text_alone():
    """Three letters backwards, and the end mark, which looks at itself."""
    pattern = [[0, 0, 0.8, 0.2], [0, 0.7, 0, 0.3], [0.6, 0, 0.4, 0], [0, 0, 0, 1]]
    one = AttentionMap(
        kind="cross",
        pattern=np.array([[pattern]]),
        query_tokens=("<s>", "c", "b", "a"),
        key_tokens=("a", "b", "c", "</s>"),
        predicted_tokens=("c", "b", "a", "</s>"),
    )
    found = measure(one)
    assert found["anti-diagonal"] == pytest.approx((0.8 + 0.7 + 0.6) / 3)
    assert found["diagonal"] == pytest.approx((0 + 0.7 + 0.4) / 3)


def test_a_key_that_is_no_token_can_be_seen_by_every_row_and_follows_none():
    repeated = (" a", " b", " a", " b")
    head = np.pad(np.array(CAUSAL_UNIFORM) / 2, ((0, 0), (0, 1)), constant_values=0.5)
    shown = AttentionMap(
        kind="decoder", pattern=head[None, None], query_tokens=repeated, key_tokens=(*repeated, "sink"), n_sinks=1
    )
    measured = {name: float(value[0, 0]) for name, value in measure(shown).items()}
    plain = values(CAUSAL_UNIFORM, repeated, kind="decoder")
    assert measured["induction"] == pytest.approx(plain["induction"] / 2)
    assert tally(shown).terms["entropy"][1][0, 0] == 4  # the first row has a choice now: itself, or the sink
