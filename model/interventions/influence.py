"""Which parts of a text influence which output positions: change one token and see what else changes.

Ids are those of :func:`model.capture.reading_ids`: an encoder reads the source; a model without one reads source and
target.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import torch

from model.checkpoint import Checkpoint
from model.network.taps import Seen, reading
from model.text.tokenizer import EOS_ID

SHORTEST = 3  # letters in a word that can replace another


def another_token(checkpoint: Checkpoint, token_id: int) -> int:
    """The id of another word of the same kind: the one whose embedding is most like that of ``token_id``.

    A word here begins with a space and has three letters or more; neither may begin with the other (“dog”, “dogs”).
    Where there are no words, it is the next id, wrapping from the last one to the first that is not a special token.
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
        following = max(token_id, EOS_ID) + 1
        return following if following < checkpoint.config.vocab_size else EOS_ID + 1
    embeddings = checkpoint.model.embedding.tokens.weight.detach()
    alike = torch.cosine_similarity(embeddings[words], embeddings[token_id], dim=-1)
    return words[int(alike.argmax())]


@torch.inference_mode()
def influence(checkpoint: Checkpoint, ids: Sequence[int], place: int) -> np.ndarray:
    """How much each of the model's output vectors changes when the token at ``place`` is replaced by
    :func:`another_token`.

    Returns:
        ``[position]``, the norm of the difference relative to the norm of the vector.
    """
    changed = [*ids[:place], another_token(checkpoint, ids[place]), *ids[place + 1 :]]
    hidden = checkpoint.model.read(torch.tensor([list(ids), changed]))
    return ((hidden[1] - hidden[0]).norm(dim=-1) / hidden[0].norm(dim=-1)).numpy()


def influences(checkpoint: Checkpoint, ids: Sequence[int]) -> Iterator[np.ndarray]:
    """:func:`influence` for each place in turn."""
    for place in range(len(ids)):
        yield influence(checkpoint, ids, place)


def by_distance(rows: np.ndarray) -> np.ndarray:
    """The mean of ``[place, position]`` over all pairs at each distance, ``[distance]`` from 0."""
    n = len(rows)
    distance = np.abs(np.arange(n)[:, None] - np.arange(n))
    return np.array([rows[distance == d].mean() for d in range(n)])


@torch.inference_mode()
def states(checkpoint: Checkpoint, ids: Sequence[int]) -> np.ndarray:
    """The vector of each token after the embedding and after each layer, ``[layer + 1, token, d_model]``."""
    seen = Seen()
    checkpoint.model.read(torch.tensor([list(ids)]), reading(seen, ("embedding", "residual")))
    after = [value for point, value in seen.items() if point[-1] == "embedding" or point[-2] == "feed_forward"]
    return torch.cat(after).numpy()
