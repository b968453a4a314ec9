"""model/decoding/search.py: cached, batched and pruned search finds what plain recomputation finds."""

import itertools
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn

from model.checkpoint import Checkpoint
from model.decoding.search import Hypothesis, Written, beam_search, encode_source, greedy, translate, write
from model.network.attention import pad
from model.network.transformer import Transformer
from model.text.tokenizer import BOS_ID, EOS_ID, PAD_ID, Tokenizer
from tests.model.helpers import shaken, tiny

VOCAB = 7  # three special tokens and four others
SEEDS = range(5)


def random_model(seed: int, **options: object) -> Transformer:
    """Ends its targets now early, now late, now at the limit."""
    torch.manual_seed(seed)
    return shaken(Transformer(tiny(**{"vocab_size": VOCAB, **options}))).eval()


def random_sources(*lengths: int) -> list[list[int]]:
    return [[*torch.randint(EOS_ID + 1, VOCAB, (length - 1,)).tolist(), EOS_ID] for length in lengths]


def limit(model: Transformer, source: list[int]) -> int:
    return min(2 * len(source) + 16, model.config.max_len)


@torch.inference_mode()
def last_log_probabilities(model: Transformer, source: list[int], fed: list[int]) -> Tensor:
    """Of the token after ``fed``, by a whole forward pass; padding and beginning are no tokens of a target."""
    logits = model.unembed(model(torch.tensor([source]), torch.tensor([fed])).hidden[0, -1])
    logits[[PAD_ID, BOS_ID]] = -torch.inf
    return logits.log_softmax(-1)


def recomputed_greedy(model: Transformer, source: list[int]) -> tuple[tuple[int, ...], bool]:
    """The ids, and whether ``</s>`` ended them."""
    ids: list[int] = []
    while len(ids) < limit(model, source):
        chosen = int(last_log_probabilities(model, source, [BOS_ID, *ids]).argmax())
        if chosen == EOS_ID:
            return tuple(ids), True
        ids.append(chosen)
    return tuple(ids), False


def log_probability(model: Transformer, source: list[int], ids: tuple[int, ...]) -> float:
    """Of ``ids`` after the beginning, ``</s>`` included if it is there."""
    fed = [BOS_ID, *ids]
    steps = [last_log_probabilities(model, source, fed[: i + 1])[token] for i, token in enumerate(ids)]
    return float(torch.stack(steps).sum())


@pytest.mark.parametrize("norm", ["post", "pre"])
def test_greedy_equals_recomputation(norm: str):
    ends = set()
    for seed in SEEDS:
        model = random_model(seed, norm=norm, max_len=11)
        sources = random_sources(1, 2, 7)
        expected = [recomputed_greedy(model, source) for source in sources]
        assert greedy(model, pad(sources)) == [ids for ids, _ in expected]
        assert [found[0].ended for found in beam_search(model, pad(sources), 1)] == [end for _, end in expected]
        ends |= {end for _, end in expected}
    assert ends == {True, False}  # else the models show one case only


@pytest.mark.parametrize("beam", [1, 3])
def test_a_batch_changes_nothing(beam: int):
    for seed in range(3):
        model = random_model(seed, max_len=17)
        sources = random_sources(3, 1, 13)
        together = beam_search(model, pad(sources), beam)
        for source, hypotheses in zip(sources, together, strict=True):
            (alone,) = beam_search(model, torch.tensor([source]), beam)
            assert [hypothesis.ids for hypothesis in hypotheses] == [hypothesis.ids for hypothesis in alone]
            assert [h.score for h in hypotheses] == pytest.approx([h.score for h in alone], abs=1e-5)
        assert greedy(model, pad(sources)) == [greedy(model, torch.tensor([source]))[0] for source in sources]


def test_one_beam_is_greedy():
    for seed in SEEDS:
        model, source = random_model(seed), pad(random_sources(2, 3, 7))
        assert [[hypothesis.ids for hypothesis in row] for row in beam_search(model, source, 1)] == [
            [ids] for ids in greedy(model, source)
        ]


def test_a_wide_beam_finds_what_trying_everything_finds():
    model = random_model(1, max_len=4, n_layers=1)
    sources = random_sources(2, 4)
    letters = range(EOS_ID + 1, VOCAB)
    beginnings = [ids for n in range(4) for ids in itertools.product(letters, repeat=n)]
    for length_penalty in (0.0, 0.7):
        for source, found in zip(sources, beam_search(model, pad(sources), 350, length_penalty), strict=True):
            totals: dict[tuple[int, ...], float] = {(): 0.0}
            expected: dict[tuple[int, ...], float] = {}
            for ids in beginnings:  # short ones first
                after = last_log_probabilities(model, source, [BOS_ID, *ids]).tolist()
                expected[ids] = (totals[ids] + after[EOS_ID]) / (len(ids) + 1) ** length_penalty
                totals |= {(*ids, letter): totals[ids] + after[letter] for letter in letters}
            # Four letters without an end are cut at the limit.
            expected |= {ids: total / 4**length_penalty for ids, total in totals.items() if len(ids) == 4}
            assert len(expected) == 341
            assert found[0].ids == max(expected, key=expected.__getitem__)
            assert {hypothesis.ids: hypothesis.score for hypothesis in found} == pytest.approx(expected, abs=1e-4)


@pytest.mark.parametrize("length_penalty", [0.0, 1.0])
def test_each_hypothesis_has_the_score_of_its_own_target(length_penalty: float):
    checked = 0
    for seed in SEEDS:
        model = random_model(seed, max_len=11)
        sources = random_sources(1, 3)
        for source, found in zip(sources, beam_search(model, pad(sources), 3, length_penalty), strict=True):
            for hypothesis in found:
                whole = hypothesis.ids
                if len(whole) < limit(model, source):
                    whole = (*whole, EOS_ID)
                expected = log_probability(model, source, whole) / len(whole) ** length_penalty
                assert hypothesis.score == pytest.approx(expected, abs=1e-4)
                checked += 1
    assert checked == len(SEEDS) * 2 * 3


@given(seed=st.integers(0, 999), beam=st.integers(1, 5), lengths=st.lists(st.integers(1, 9), min_size=1, max_size=3))
def test_hypotheses_are_sorted_different_and_within_the_limit(seed: int, beam: int, lengths: list[int]):
    model = random_model(seed, n_layers=1, max_len=11)
    sources = random_sources(*lengths)
    for source, found in zip(sources, beam_search(model, pad(sources), beam), strict=True):
        assert len(found) == len({hypothesis.ids for hypothesis in found}) == beam
        assert [h.score for h in found] == sorted((h.score for h in found), reverse=True)
        for hypothesis in found:
            assert len(hypothesis.ids) <= limit(model, source)
            assert not {PAD_ID, BOS_ID, EOS_ID} & set(hypothesis.ids)


def constant(logits: dict[int, float], max_len: int, vocab_size: int = VOCAB) -> Transformer:
    """At each step these logits, and 0 for the other tokens."""
    model = Transformer(tiny(vocab_size=vocab_size, max_len=max_len, norm="pre")).eval()
    assert isinstance(model.decoder.norm, nn.LayerNorm)
    with torch.no_grad():
        model.decoder.norm.weight.zero_()
        model.decoder.norm.bias.fill_(1 / 30)  # d_model is 30
        model.embedding.tokens.weight.zero_()
        for token, logit in logits.items():
            model.embedding.tokens.weight[token] = logit
    return model


@pytest.mark.parametrize("unwanted", [PAD_ID, BOS_ID])
def test_padding_and_beginning_are_never_written(unwanted: int):
    model, source = constant({unwanted: 9.0, 5: 7.0}, 13), pad(random_sources(2))
    assert greedy(model, source) == [(5,) * 13]
    for hypothesis in beam_search(model, source, 3)[0]:
        assert not {PAD_ID, BOS_ID} & set(hypothesis.ids)


def never_ending(max_len: int) -> Transformer:
    """Writes the token 3 for ever."""
    return constant({3: 9.0}, max_len)


@pytest.mark.parametrize(
    ("max_len", "length", "expected"), [(67, 1, 18), (67, 3, 22), (67, 31, 67), (13, 2, 13), (1, 1, 1)]
)
def test_what_does_not_end_is_cut_at_its_limit(max_len: int, length: int, expected: int):
    model, source = never_ending(max_len), pad(random_sources(length))
    assert greedy(model, source) == [(3,) * expected]
    best = beam_search(model, source, 2)[0][0]
    assert (best.ids, best.ended) == ((3,) * expected, False)


def test_each_row_of_a_batch_has_its_own_limit():
    assert [len(ids) for ids in greedy(never_ending(67), pad(random_sources(1, 3, 31)))] == [18, 22, 67]
    found = beam_search(never_ending(67), pad(random_sources(1, 3, 31)), 2)
    assert [len(hypotheses[0].ids) for hypotheses in found] == [18, 22, 67]


def test_the_length_penalty_prefers_long_targets():
    lengths = []
    for penalty in (0.0, 3.0):
        found = [beam_search(random_model(seed), pad(random_sources(5)), 5, penalty)[0][0] for seed in SEEDS]
        lengths.append(sum(len(hypothesis.ids) for hypothesis in found))
    assert lengths[0] < lengths[1]


def test_a_hypothesis_does_not_change():
    with pytest.raises(AttributeError):
        Hypothesis((3,), -1.0).score = 0.0  # type: ignore[misc]


# With text around it


@pytest.fixture(scope="module")
def checkpoint(characters: Tokenizer) -> Checkpoint:
    torch.manual_seed(11)
    model = shaken(Transformer(tiny(vocab_size=len(characters), n_layers=1, max_len=13))).eval()
    return Checkpoint(name="random", model=model, tokenizer=characters, task="copy", training={}, digest="0")


@pytest.mark.parametrize(
    ("text", "read", "dropped"),
    [("", 0, 0), ("abc", 3, 0), ("abcdefghijkl", 12, 0), ("abcdefghijklm", 12, 1), ("é" * 10, 12, 8)],
)
def test_a_source_is_cut_to_what_the_model_reads(checkpoint: Checkpoint, text: str, read: int, dropped: int):
    ids = checkpoint.tokenizer.encode(text)
    assert encode_source(checkpoint, text) == ([*ids[:read], EOS_ID], dropped)
    assert len(ids) == read + dropped


TEXTS = ["a longer one", "", "ab", "a longer one", "\ud800 <s> \n", "x" * 40, "é"]


@pytest.mark.parametrize("beam", [1, 3])
def test_many_texts_at_once_are_as_one_by_one(checkpoint: Checkpoint, beam: int):
    together = dict(translate(checkpoint, TEXTS, beam))
    assert sorted(together) == list(range(len(TEXTS)))
    for index, text in enumerate(TEXTS):
        assert dict(translate(checkpoint, [text], beam)) == {0: together[index]}


def test_texts_in_several_batches_all_come_back(checkpoint: Checkpoint, monkeypatch: pytest.MonkeyPatch):
    expected = dict(translate(checkpoint, TEXTS, 2))
    sizes = []
    monkeypatch.setattr("model.decoding.search.BATCH_TOKENS", 29)
    monkeypatch.setattr("model.decoding.search.pad", lambda rows: sizes.append(len(rows)) or pad(rows))
    assert dict(translate(checkpoint, TEXTS, 2)) == expected
    assert sum(sizes) == len(TEXTS)
    assert 1 < len(sizes) < len(TEXTS)


def test_short_texts_are_ready_first(checkpoint: Checkpoint):
    assert [index for index, _ in translate(checkpoint, ["abcdef", "a", "abc"])] == [1, 2, 0]


def test_no_texts(checkpoint: Checkpoint):
    assert list(translate(checkpoint, [])) == []


@pytest.mark.parametrize("beam", [0, -3])
def test_a_beam_below_one(checkpoint: Checkpoint, beam: int):
    with pytest.raises(ValueError, match=f"beam must be at least 1, but it is {beam}"):
        list(translate(checkpoint, ["a"], beam))


@pytest.mark.parametrize("beam", [1, 3])
def test_what_was_left_out_is_told(characters: Tokenizer, beam: int):
    without: dict[str, Any] = {"tokenizer": characters, "task": "copy", "training": {}, "digest": ""}
    letter = characters.encode("b")[0]
    checkpoint = Checkpoint(name="never ends", model=constant({letter: 9.0}, 13, len(characters)), **without)
    texts = ["", 14 * "a"]
    cut = Written(target=13 * "b", n_tokens=13, cut=True, source_dropped=0)
    assert dict(write(checkpoint, texts, beam)) == {0: cut, 1: cut._replace(source_dropped=2)}
    ends = Checkpoint(name="ends", model=constant({EOS_ID: 9.0}, 13, len(characters)), **without)
    assert dict(write(ends, ["a"], beam)) == {0: Written(target="", n_tokens=0, cut=False, source_dropped=0)}
