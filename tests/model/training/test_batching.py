"""model/training/batching.py: every example once, no batch too big."""

import dataclasses

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from model.network.attention import pad
from model.text.tokenizer import BOS_ID, EOS_ID, PAD_ID, Tokenizer
from model.training.batching import Examples

PAIRS = [("abc", "x"), ("d", "yz"), ("ef", "é")]
lengths = st.lists(st.tuples(st.integers(1, 17), st.integers(1, 19)), min_size=1, max_size=43)
shuffles = st.none() | st.tuples(st.integers(0, 5), st.integers(0, 5))


def examples_of(sizes: list[tuple[int, int]]) -> Examples:
    sources = tuple(np.arange(3, 3 + source) for source, _ in sizes)
    return Examples(sources, tuple(np.arange(3, 4 + target) for _, target in sizes), 0)


def test_a_batch_by_hand(characters: Tokenizer):
    batch = Examples.encode(PAIRS, characters, max_len=23).batch(np.array([0, 2]))
    a, b, c, e, f, x = (characters.encode(letter)[0] for letter in "abcefx")
    first, second = characters.encode("é")
    assert batch.source.tolist() == [[a, b, c, EOS_ID], [e, f, EOS_ID, PAD_ID]]
    assert batch.target_in.tolist() == [[BOS_ID, x, PAD_ID], [BOS_ID, first, second]]
    assert batch.target_out.tolist() == [[x, EOS_ID, PAD_ID], [first, second, EOS_ID]]
    assert batch.n_tokens == 5


def test_pairs_that_do_not_fit_are_left_out_and_counted(characters: Tokenizer):
    pairs = [("abcd", "ab"), ("abcde", "a"), ("a", "abcd"), ("a", "abcde")]  # the end of the sentence is the fifth
    examples = Examples.encode(pairs, characters, max_len=5)
    assert len(examples) == 2
    assert examples.n_too_long == 2
    assert [characters.decode(ids) for ids in examples.targets] == ["ab", "abcd"]


@pytest.mark.parametrize(("pairs", "n"), [([], 0), (PAIRS, 3)])
def test_no_example_at_all_is_refused(pairs: list[tuple[str, str]], n: int, characters: Tokenizer):
    with pytest.raises(ValueError, match=f"of {n} examples, none fits max_len 1"):
        Examples.encode(pairs, characters, max_len=1)


@given(sizes=lengths, batch_tokens=st.integers(1, 67), shuffle=shuffles)
def test_a_plan_holds_every_example_once_in_batches_that_fit(
    sizes: list[tuple[int, int]], batch_tokens: int, shuffle: tuple[int, int] | None
):
    examples = examples_of(sizes)
    plan = examples.plan(batch_tokens, shuffle)
    assert sorted(np.concatenate(plan).tolist()) == list(range(len(sizes)))
    for indices in plan:
        batch = examples.batch(indices)
        assert max(batch.source.numel(), batch.target_in.numel()) <= batch_tokens or len(indices) == 1
    again = examples.plan(batch_tokens, shuffle)
    assert [indices.tolist() for indices in again] == [indices.tolist() for indices in plan]


def test_another_epoch_is_another_plan_with_as_little_padding():
    random_ = np.random.default_rng(0)
    examples = examples_of([(n, n) for n in random_.integers(1, 20, size=997).tolist()])
    plans = [examples.plan(101, (0, epoch)) for epoch in (0, 1)]
    first, second = ([tuple(indices) for indices in plan] for plan in plans)
    assert set(first) != set(second)  # other company, not only another order
    for plan in plans:
        batches = [examples.batch(indices) for indices in plan]
        assert sum(b.n_tokens for b in batches) > 0.8 * sum(b.target_out.numel() for b in batches)


def test_batches_go_from_short_to_long():
    examples = examples_of([(5, 5), (1, 1), (3, 3)])
    widths = [batch.target_in.size(1) for batch in examples.batches(5)]
    assert widths == [1, 3, 5]


def test_a_fingerprint_tells_any_change(characters: Tokenizer):
    examples = Examples.encode(PAIRS, characters, 23)
    others = [
        Examples.encode(PAIRS, characters, 23),
        Examples.encode(PAIRS[::-1], characters, 23),
        Examples.encode(PAIRS[:2], characters, 23),
        Examples.encode([*PAIRS[:2], ("ef", "e")], characters, 23),
        dataclasses.replace(examples, sources=examples.targets, targets=examples.sources),
    ]
    assert [other.fingerprint() == examples.fingerprint() for other in others] == [True, False, False, False, False]


def test_pad():
    padded = pad([[5], [6, 7, 8], []])
    assert padded.dtype == torch.int64
    assert padded.tolist() == [[5, PAD_ID, PAD_ID], [6, 7, 8], [PAD_ID] * 3]
