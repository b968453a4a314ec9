"""Small checkpoints that do something without having been trained."""

from __future__ import annotations

from pathlib import Path

import torch

from model import checkpoint
from model.checkpoint import Checkpoint
from model.config import ModelConfig
from model.network.transformer import DecoderLayer, EncoderLayer, Transformer
from model.text.tasks import TRANSLATION
from model.text.tokenizer import Tokenizer

MAX_LEN = 31
LAYERS, HEADS, D_HEAD = 2, 3, 32
FAST = 10  # dimensions of the positional encoding that change most from place to place
SENTENCE = "A little girl in a blue dress is playing in the green grass."
SENTENCES = (SENTENCE, "Two dogs run over the beach and play with a red ball.")


def copying_model(vocab_size: int, max_len: int = MAX_LEN) -> Transformer:
    """Writes what it reads, by weights made by hand.

    Token vectors live in the last third of the dimensions. In layer 1 the first head of cross-attention
    finds the source position by the positional encoding and copies the token from there. All other heads
    have random patterns and no effect.
    """
    config = ModelConfig(
        vocab_size=vocab_size, n_layers=LAYERS, n_heads=HEADS, d_model=HEADS * D_HEAD, d_ff=7, max_len=max_len,
        dropout=0.0, norm="pre",
    )  # fmt: skip
    torch.manual_seed(5)
    model = Transformer(config).eval().requires_grad_(False)
    # Sums of 0 over sines and over cosines: what LayerNorm does to a position then hardly depends on the token.
    vectors = torch.randn(vocab_size, D_HEAD // 2, 2)
    vectors = (vectors - vectors.mean(dim=1, keepdim=True)).flatten(1)
    model.embedding.tokens.weight.zero_()
    model.embedding.tokens.weight[:, -D_HEAD:] = 6 * vectors / vectors.norm(dim=1, keepdim=True)
    for layer in (*model.encoder.layers, *model.decoder.layers):
        assert isinstance(layer, EncoderLayer | DecoderLayer)
        layer.feed_forward.outer.weight.zero_()
        layer.self_attention.output.weight.zero_()
        if isinstance(layer, DecoderLayer):
            assert layer.cross_attention is not None
            layer.cross_attention.output.weight.zero_()
    first = model.decoder.layers[0]
    assert isinstance(first, DecoderLayer)
    assert first.cross_attention is not None
    cross = first.cross_attention
    for projection in (cross.query, cross.key):
        projection.weight[:D_HEAD] = 0
        projection.weight[:FAST, :FAST] = 50 * torch.eye(FAST)
        projection.weight[:FAST, -D_HEAD::2] = -50 / (D_HEAD / 2)  # undo LayerNorm: slow sines are about 0
    cross.value.weight[:D_HEAD] = 0
    cross.value.weight[:D_HEAD, -D_HEAD:] = torch.eye(D_HEAD)
    cross.output.weight[-D_HEAD:, :D_HEAD] = 30 * torch.eye(D_HEAD)
    return model


def word_tokenizer() -> Tokenizer:
    """Has a token for each word of ``SENTENCES``."""
    return Tokenizer.train(SENTENCES * 3, 420)


def save_letters(path: Path) -> Checkpoint:
    """A checkpoint of the task copy; a token is a byte."""
    tokenizer = Tokenizer.characters()
    checkpoint.save(path, copying_model(len(tokenizer)), tokenizer, task="copy", training={})
    return checkpoint.load(path)


def save_words(path: Path) -> Checkpoint:
    """A checkpoint of a translation into the same language; a token is a word, at least of ``SENTENCES``."""
    tokenizer = word_tokenizer()
    checkpoint.save(path, copying_model(len(tokenizer)), tokenizer, task=TRANSLATION, training={})
    return checkpoint.load(path)
