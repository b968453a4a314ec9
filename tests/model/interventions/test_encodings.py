"""model/interventions/encodings.py: against the papers' identities, worked out here by other means."""

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from model import checkpoint
from model.capture import capture
from model.checkpoint import Checkpoint
from model.interventions.encodings import (
    bias_by_distance,
    queries_keys,
    shift_matrix,
    shift_residual,
    similarity,
    spread_by_distance,
    turned_scores,
    wavelengths,
)
from model.network.positional import ENCODINGS, alibi_slopes, sinusoidal
from model.network.transformer import Transformer
from model.text.tokenizer import Tokenizer
from tests.model.helpers import close, shaken, tiny


@pytest.fixture
def opened(characters: Tokenizer, tmp_path: Path) -> Checkpoint:
    model = shaken(Transformer(tiny(vocab_size=len(characters), norm="pre")))
    checkpoint.save(tmp_path / "a.safetensors", model, characters, task="copy", training={})
    return checkpoint.load(tmp_path / "a.safetensors")


@given(pairs=st.integers(1, 67))
def test_after_its_wavelength_a_wave_is_where_it_began(pairs: int):
    for i, length in enumerate(wavelengths(2 * pairs)):
        angle = length / 10000 ** (2 * i / (2 * pairs))
        assert math.cos(angle) == pytest.approx(1)
        assert math.sin(angle) == pytest.approx(0, abs=1e-9)
    assert wavelengths(2 * pairs)[0] == pytest.approx(2 * math.pi)  # the paper: from 2π …
    assert wavelengths(2 * pairs)[-1] < 10000 * 2 * math.pi  # … to 10000 · 2π


@given(shift=st.integers(0, 200), pairs=st.integers(1, 37), position=st.integers(0, 500))
def test_the_matrix_moves_the_papers_vectors(shift: int, pairs: int, position: int):
    def vector(pos: int) -> np.ndarray:
        angle = pos / 10000 ** (2 * np.arange(pairs) / (2 * pairs))
        return np.stack((np.sin(angle), np.cos(angle)), axis=-1).ravel()

    matrix = shift_matrix(shift, 2 * pairs)
    np.testing.assert_allclose(matrix @ vector(position), vector(position + shift), atol=1e-9)
    np.testing.assert_allclose(matrix @ matrix.T, np.eye(2 * pairs), atol=1e-12)  # it only turns


def test_the_residual_is_the_largest_miss():
    table = sinusoidal(53, 14).numpy()
    assert shift_residual(table, 7) < 1e-6
    spoilt = table.copy()
    spoilt[40, 3] += 0.25
    assert shift_residual(spoilt, 7) == pytest.approx(0.25, abs=1e-5)
    assert shift_residual(table, 53) == 0  # nothing to compare


def test_similarity_is_the_cosine_and_symmetric():
    table = np.array([[3.0, 4.0], [4.0, 3.0], [0.0, 0.0], [-3.0, -4.0]])
    expected = [[1, 0.96, 0, -1], [0.96, 1, 0, -0.96], [0, 0, 0, 0], [-1, -0.96, 0, 1]]
    np.testing.assert_allclose(similarity(table), expected, atol=1e-12)
    similar = similarity(sinusoidal(29, 14).numpy())
    np.testing.assert_allclose(similar, similar.T, atol=1e-6)
    assert spread_by_distance(similar) < 1e-5  # of sinusoidal vectors only the distance counts


def test_queries_and_keys_are_those_of_the_first_layer(opened: Checkpoint):
    query, key = queries_keys(opened, capture(opened, "abcd"))
    model: Any = opened.model
    layer = model.encoder.layers[0]
    ids = torch.tensor([[*opened.tokenizer.encode("abcd"), 2]])
    x = layer.self_attention_residual.norm(opened.model.embedding(ids))[0]
    for found, linear in ((query, layer.self_attention.query), (key, layer.self_attention.key)):
        expected = x @ linear.weight.T + linear.bias
        close(found, torch.stack(expected.split(10, dim=-1)))


def test_turned_scores_depend_on_the_distance_alone():
    encoding = ENCODINGS["rotary"](tiny(positional="rotary"))
    query, key = torch.randn(2, 10)
    scores = turned_scores(encoding, query, key, 31)
    assert scores.shape == (31, 31)
    assert scores[0, 0] == pytest.approx(float(query @ key) / math.sqrt(10), abs=1e-5)
    assert spread_by_distance(scores) < 1e-4
    assert np.ptp(scores) > 0.1
    for query_place, key_place in ((3, 17), (29, 2)):  # by complex numbers: a pair is one, turning is a product
        q, k = (vector.double().numpy().reshape(5, 2) @ [1, 1j] for vector in (query, key))
        turn = np.exp(1j * (query_place - key_place) / 10000 ** (2 * np.arange(5) / 10))
        expected = np.real(q * turn * k.conj()).sum() / math.sqrt(10)
        assert scores[query_place, key_place] == pytest.approx(expected, abs=1e-4)


def test_an_encoding_that_turns_nothing_is_named():
    query, key = torch.randn(2, 10)
    with pytest.raises(ValueError, match="'alibi' does not rotate queries"):
        turned_scores(ENCODINGS["alibi"](tiny(positional="alibi")), query, key, 5)


def test_spread_by_distance_by_hand():
    assert spread_by_distance(np.array([[1.0, 2, 3], [0, 1, 2], [5, 0, 1]])) == 0
    assert spread_by_distance(np.array([[1.0, 2, 3], [0, 1, 2.5], [5, 0, 4]])) == 3


def test_bias_by_distance_is_that_of_a_whole_pattern():
    for name in ("alibi", "relative"):
        encoding = shaken(ENCODINGS[name](tiny(positional=name)))
        for causal, distances in ((False, range(-6, 7)), (True, range(-6, 1))):
            bias = bias_by_distance(encoding, 6, causal=causal)
            assert bias.shape == (3, len(distances))
            whole = encoding.bias(torch.arange(13), torch.arange(13), causal=causal)
            assert whole is not None
            for column, distance in enumerate(distances):
                np.testing.assert_array_equal(bias[:, column], whole[:, 6, 6 + distance].detach().numpy())
    alibi = bias_by_distance(ENCODINGS["alibi"](tiny(positional="alibi")), 6, causal=False)
    np.testing.assert_allclose(alibi[:, 4], -2 * alibi_slopes(3).numpy())


def test_an_encoding_without_a_bias_is_named():
    with pytest.raises(ValueError, match="'rotary' adds no bias"):
        bias_by_distance(ENCODINGS["rotary"](tiny(positional="rotary")), 6, causal=False)
