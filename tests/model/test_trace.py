"""model/trace.py: what is no attention pattern, or bears the wrong names, cannot be made."""

import re
import subprocess
import sys
from dataclasses import FrozenInstanceError
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from model.trace import KINDS, SINK, AttentionMap, Kind, Trace

ROOT = Path(__file__).parents[2]
ENGLISH, FRENCH = ("a", "blue", "dress", "has", "</s>"), ("<s>", "une", "robe")


def pattern(n_queries: int, n_keys: int, n_layers: int = 2, n_heads: int = 7) -> np.ndarray:
    weights = np.random.default_rng(3).random((n_layers, n_heads, n_queries, n_keys), dtype=np.float32) + 0.1
    return weights / weights.sum(-1, keepdims=True)


def encoder(tokens: tuple[str, ...] = ENGLISH) -> AttentionMap:
    return AttentionMap(
        kind="encoder", pattern=pattern(len(tokens), len(tokens)), query_tokens=tokens, key_tokens=tokens
    )


def decoder(tokens: tuple[str, ...] = FRENCH) -> AttentionMap:
    return AttentionMap(
        kind="decoder", pattern=pattern(len(tokens), len(tokens)), query_tokens=tokens, key_tokens=tokens
    )


def cross(queries: tuple[str, ...] = FRENCH, keys: tuple[str, ...] = ENGLISH, **options: Any) -> AttentionMap:
    fields = {"kind": "cross", "pattern": pattern(len(queries), len(keys)), "query_tokens": queries, "key_tokens": keys}
    return AttentionMap(**{**fields, **options})


def test_a_map_knows_its_sizes():
    assert (cross().n_layers, cross().n_heads) == (2, 7)
    assert cross(predicted_tokens=("une", "robe", "</s>")).predicted_tokens == ("une", "robe", "</s>")
    assert cross().predicted_tokens is None


@pytest.mark.parametrize(
    ("shape", "shown"),
    [
        ((2, 7, 5, 3), "(2, 7, 5, 3)"),  # query and key swapped
        ((2, 7, 3, 4), "(2, 7, 3, 4)"),
        ((2, 7, 2, 5), "(2, 7, 2, 5)"),
        ((7, 3, 5), "(7, 3, 5)"),
        ((1, 2, 7, 3, 5), "(1, 2, 7, 3, 5)"),
        ((0, 7, 3, 5), "(0, 7, 3, 5)"),
        ((2, 0, 3, 5), "(2, 0, 3, 5)"),
    ],
)
def test_axes_must_fit_the_tokens(shape: tuple[int, ...], shown: str):
    message = f"[layer, head, query, key] with 3 queries and 5 keys, but its shape is {shown}"
    with pytest.raises(ValueError, match=re.escape(message)):
        cross(pattern=np.full(shape, 1 / shape[-1]))


def test_without_tokens_there_is_no_map():
    with pytest.raises(ValueError, match="with 0 queries and 0 keys"):
        encoder(())


@pytest.mark.parametrize("kind", ["encoder", "decoder"])
def test_self_attention_has_the_same_tokens_on_both_axes(kind: Kind):
    for keys in (ENGLISH[1:] + ENGLISH[:1], (*ENGLISH[:-1], "other")):
        message = f"{kind} self-attention has the same tokens on both axes"
        with pytest.raises(ValueError, match=message):
            AttentionMap(kind=kind, pattern=pattern(5, 5), query_tokens=ENGLISH, key_tokens=keys)


def test_an_unknown_kind():
    with pytest.raises(ValueError, match="kind must be one of encoder, decoder, cross, but it is 'self'"):
        cross(kind="self")


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 1.0, -0.2, 0.0])
def test_a_row_must_hold_weights(value: float):
    weights = pattern(3, 5)
    weights[1, 5, 2, 3] = value
    with pytest.raises(ValueError, match="each row of the cross pattern must hold weights that sum to 1, or only zero"):
        cross(pattern=weights)


def test_negative_weights_that_sum_to_one_are_none():
    weights = pattern(3, 5)
    weights[0, 0, 0] = [1.5, -0.5, 0, 0, 0]
    with pytest.raises(ValueError, match="must hold weights"):
        cross(pattern=weights)


def test_weights_that_cancel_out_are_no_row_of_zeros():
    weights = pattern(3, 5)
    weights[0, 0, 0] = [0.5, -0.5, 0, 0, 0]
    with pytest.raises(ValueError, match="must hold weights"):
        cross(pattern=weights)


def test_a_row_that_may_attend_to_nothing_is_all_zeros():
    weights = pattern(3, 5)
    weights[1, 6, 2] = 0
    assert cross(pattern=weights).pattern[1, 6, 2].tolist() == [0] * 5


def test_half_precision_is_close_enough():
    halves = pattern(3, 5).astype(np.float16)
    assert cross(pattern=halves).pattern.dtype == np.float32


@pytest.mark.parametrize("predicted", [(), ("une",), ("une", "robe", "a", "</s>")])
def test_each_row_has_one_predicted_token(predicted: tuple[str, ...]):
    message = f"a predicted token for each of 3 queries, but there are {len(predicted)}"
    with pytest.raises(ValueError, match=message):
        cross(predicted_tokens=predicted)


def test_a_map_cannot_be_changed():
    weights = pattern(3, 5)
    made = cross(pattern=weights)
    before = made.pattern.copy()
    weights[:] = 0  # the caller's array is another
    np.testing.assert_array_equal(made.pattern, before)
    with pytest.raises(ValueError, match="read-only"):
        made.pattern[0, 0, 0, 0] = 1
    with pytest.raises(FrozenInstanceError):
        made.key_tokens = FRENCH  # type: ignore[misc]


def trace(*maps: AttentionMap, **options: Any) -> Trace:
    return Trace(model_name="tiny", maps=maps, source="a blue dress has", **options)


def test_a_trace_finds_its_maps():
    maps = (encoder(), decoder(), cross())
    made = trace(*maps)
    assert made.kinds == KINDS
    for kind, attention_map in zip(KINDS, maps, strict=True):
        assert made.map(kind) is attention_map


def test_a_model_of_one_kind_has_one_map():
    made = trace(decoder())
    assert made.kinds == ("decoder",)
    with pytest.raises(KeyError, match="tiny has no cross attention; it has decoder"):
        made.map("cross")


@pytest.mark.parametrize("maps", [(), (encoder(), encoder()), (encoder(), cross(), encoder(FRENCH))])
def test_a_trace_has_one_map_of_each_kind(maps: tuple[AttentionMap, ...]):
    with pytest.raises(ValueError, match="one map of each kind"):
        trace(*maps)


@pytest.mark.parametrize(
    ("maps", "message"),
    [
        ((encoder(), decoder(), cross(ENGLISH, FRENCH)), "the queries of cross-attention must be the decoder's tokens"),
        ((encoder(), decoder(("<s>", "un", "chien")), cross()), "the queries of cross-attention"),
        ((encoder(("other", *ENGLISH[1:])), decoder(), cross()), "the keys of cross-attention must be the encoder's"),
        ((cross(), encoder(FRENCH)), "the keys of cross-attention"),
        ((cross(), decoder(ENGLISH)), "the queries of cross-attention"),
    ],
)
def test_cross_attention_goes_from_the_decoder_to_the_encoder(maps: tuple[AttentionMap, ...], message: str):
    with pytest.raises(ValueError, match=message):
        trace(*maps)


def test_a_trace_cannot_be_changed():
    probabilities = np.array([0.25, 0.5, 1.0])
    made = trace(encoder(), probabilities=probabilities)
    probabilities[0] = 9
    assert made.probabilities is not None
    assert made.probabilities.dtype == np.float32
    assert made.probabilities.max() == 1
    with pytest.raises(ValueError, match="read-only"):
        made.probabilities[0] = 0
    with pytest.raises(FrozenInstanceError):
        made.source = ""  # type: ignore[misc]


def test_a_trace_is_made_without_torch():
    code = "import sys, model.trace; print('torch' in sys.modules, 'numpy' in sys.modules)"
    found = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert found.stdout.split() == ["False", "True"]


def test_keys_that_are_no_tokens_stand_after_those_that_are():
    made = AttentionMap(
        kind="encoder", pattern=pattern(5, 7), query_tokens=ENGLISH, key_tokens=(*ENGLISH, SINK, SINK), n_sinks=2
    )
    assert made.looked_at == ENGLISH
    assert trace(made, cross()).map("cross").looked_at == ENGLISH
    with pytest.raises(ValueError, match="n_sinks must be from 0 to the 5 keys, but it is 6"):
        cross(n_sinks=6)
    with pytest.raises(ValueError, match="the same tokens on both axes"):
        AttentionMap(kind="encoder", pattern=pattern(5, 7), query_tokens=ENGLISH, key_tokens=(*ENGLISH, SINK, SINK))


def test_heads_share_their_keys_evenly():
    tokens, pattern = ("a", "b"), np.full((1, 6, 2, 2), 0.5)
    for n_key_heads, n_sharing in ((0, 1), (6, 1), (2, 3), (1, 6)):
        one = AttentionMap(
            kind="encoder", pattern=pattern, query_tokens=tokens, key_tokens=tokens, n_key_heads=n_key_heads
        )
        assert one.n_sharing == n_sharing
    with pytest.raises(ValueError, match="6 heads cannot share 4 heads of keys evenly"):
        AttentionMap(kind="encoder", pattern=pattern, query_tokens=tokens, key_tokens=tokens, n_key_heads=4)


@pytest.mark.parametrize("numbers", [(1,), (2, 2), (5, 2), (0, 1), (1, 2, 3)])
def test_numbers_of_layers_that_do_not_fit(numbers: tuple[int, ...]):
    with pytest.raises(ValueError, match="2 layers need as many rising numbers"):
        AttentionMap(
            kind="encoder", pattern=np.ones((2, 1, 1, 1)), query_tokens=("a",), key_tokens=("a",), layer_numbers=numbers
        )
