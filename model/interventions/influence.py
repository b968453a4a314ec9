"""What of a text reaches which place of the encoder's output: change one token and see what else changes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import torch

from model.checkpoint import Checkpoint
from model.network.transformer import EncoderLayer, Transformer
from model.text.tokenizer import EOS_ID

SHORTEST = 3  # letters of a word that can stand for another


def another_token(checkpoint: Checkpoint, token_id: int) -> int:
    """The id of another word of the same kind: the one whose embedding is most like that of ``token_id``.

    A word here begins with a space and has three letters or more; neither may begin as the other does (“dog”, “dogs”).
    Where there are no words, it is the next id, from the last one round to the first that is no special token.
    """
    labels = checkpoint.tokenizer.labels(range(checkpoint.config.vocab_size))
    old = labels[token_id].strip().lower()
    words = [
        i
        for i, label in enumerate(labels)
        if i != token_id and label.startswith(" ") and len(word := label.strip().lower()) >= SHORTEST
        and word.isalpha() and not word.startswith(old) and not old.startswith(word)
    ]  # fmt: skip
    if not words:
        return token_id + 1 if token_id + 1 < checkpoint.config.vocab_size else EOS_ID + 1
    embeddings = checkpoint.model.embedding.tokens.weight.detach()
    alike = torch.cosine_similarity(embeddings[words], embeddings[token_id], dim=-1)
    return words[int(alike.argmax())]


@torch.inference_mode()
def influence(checkpoint: Checkpoint, ids: Sequence[int], place: int) -> np.ndarray:
    """By how much each vector of the encoder's output changes when the token at ``place`` is :func:`another_token`.

    Returns:
        ``[position]``, the length of the difference in proportion to the length of the vector.
    """
    changed = [*ids[:place], another_token(checkpoint, ids[place]), *ids[place + 1 :]]
    hidden = checkpoint.model.encode(torch.tensor([list(ids), changed]), None).hidden
    return ((hidden[1] - hidden[0]).norm(dim=-1) / hidden[0].norm(dim=-1)).numpy()


def influences(checkpoint: Checkpoint, ids: Sequence[int]) -> Iterator[np.ndarray]:
    """:func:`influence` of each place in turn."""
    for place in range(len(ids)):
        yield influence(checkpoint, ids, place)


def by_distance(rows: np.ndarray) -> np.ndarray:
    """The mean of ``[place, position]`` over all pairs at each distance, ``[distance]`` from 0."""
    n = len(rows)
    distance = np.abs(np.arange(n)[:, None] - np.arange(n))
    return np.array([rows[distance == d].mean() for d in range(n)])


@torch.inference_mode()
def encoder_states(checkpoint: Checkpoint, ids: Sequence[int]) -> np.ndarray:
    """The vector of each token after the embedding and after each layer, ``[layer + 1, token, d_model]``.

    Raises:
        ValueError: the model has no Transformer's encoder.
    """
    model, source = checkpoint.model, torch.tensor([list(ids)])
    if not isinstance(model, Transformer):
        raise ValueError(f"{checkpoint.name} has no Transformer's encoder, so there are no layers to look between")
    x, on_scores = model.embedding(source), model.embedding.on_scores(source, causal=False)
    states = [x]
    for layer in model.encoder.layers:
        assert isinstance(layer, EncoderLayer)
        x, _ = layer(x, None, on_scores)
        states.append(x)
    return torch.cat(states).numpy()
