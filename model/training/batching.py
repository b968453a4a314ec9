"""Examples as padded batches of token ids, grouped by length so that little of a batch is padding."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from model.network.attention import pad
from model.text.reading import Pair
from model.text.tokenizer import BOS_ID, EOS_ID, PAD_ID, Tokenizer


@dataclass(frozen=True, slots=True)
class Batch:
    """Padded ids; ``target_in`` is the target shifted right after ``<s>``, ``target_out`` ends in ``</s>``."""

    source: Tensor  # [batch, source]
    target_in: Tensor  # [batch, target]
    target_out: Tensor  # [batch, target]

    @property
    def n_tokens(self) -> int:
        """Target tokens, padding not counted."""
        return int((self.target_out != PAD_ID).sum())

    def to(self, device: torch.device) -> Batch:
        """The same on another device."""
        return Batch(self.source.to(device), self.target_in.to(device), self.target_out.to(device))


@dataclass(frozen=True, slots=True)
class Examples:
    """Tokenised pairs, special tokens included, none longer than the model can take."""

    sources: tuple[np.ndarray, ...]
    targets: tuple[np.ndarray, ...]  # <s> … </s>
    n_too_long: int

    @classmethod
    def encode(cls, pairs: Sequence[Pair], tokenizer: Tokenizer, max_len: int, name: str = "examples") -> Examples:
        """Tokenise; pairs that exceed ``max_len`` are left out and counted. ``name`` is what error messages call them.

        Raises:
            ValueError: nothing is left.
        """
        sources = _framed(*tokenizer.encode_flat([source for source, _ in pairs]), before=())
        targets = _framed(*tokenizer.encode_flat([target for _, target in pairs]), before=(BOS_ID,))
        kept = [i for i in range(len(pairs)) if len(sources[i]) <= max_len and len(targets[i]) - 1 <= max_len]
        if not kept:
            raise ValueError(
                f"of {len(pairs):,} {name}, none fits max_len {max_len}; a larger --max-len accepts longer ones"
            )
        return cls(tuple(sources[i] for i in kept), tuple(targets[i] for i in kept), len(pairs) - len(kept))

    def __len__(self) -> int:
        return len(self.sources)

    @property
    def longest(self) -> int:
        """The number of tokens in the longest source or target."""
        return max(max(map(len, self.sources)), max(map(len, self.targets)) - 1)

    def fingerprint(self) -> str:
        """A digest of the examples, by which a resumed run recognises its data."""
        digest = hashlib.sha256()
        for ids in (*self.sources, *self.targets):
            digest.update(ids.astype("<i4").tobytes())
            digest.update(b"\n")
        return digest.hexdigest()

    def plan(self, batch_tokens: int, shuffle: Sequence[int] | None) -> list[np.ndarray]:
        """Which examples go into which batch: index arrays.

        A batch holds at most ``batch_tokens`` target positions (and as many source positions), padding
        included. With ``shuffle`` (a seed, an epoch), examples of similar length are batched differently each time and
        the batches come in random order; without, they go from short to long.
        """
        sizes = np.array([(len(t) - 1, len(s)) for s, t in zip(self.sources, self.targets, strict=True)])
        random_ = np.random.default_rng(shuffle)
        jitter = random_.uniform(0, 2, len(sizes)) if shuffle is not None else np.zeros(len(sizes))
        order = np.lexsort((sizes[:, 1] + jitter, np.floor(sizes[:, 0] + jitter)))
        batches, start, longest = [], 0, 0
        for end, index in enumerate(order):
            longest = max(longest, sizes[index].max())
            if end > start and longest * (end - start + 1) > batch_tokens:
                batches.append(order[start:end])
                start, longest = end, sizes[index].max()
        batches.append(order[start:])
        if shuffle is not None:
            random_.shuffle(batches)
        return batches

    def n_tokens(self, indices: np.ndarray) -> int:
        """The number of target tokens in the examples at ``indices``."""
        return sum(len(self.targets[i]) - 1 for i in indices)

    def batch(self, indices: np.ndarray) -> Batch:
        """The examples at ``indices``, padded to the longest of them."""
        targets = [self.targets[i] for i in indices]
        return Batch(
            pad([self.sources[i] for i in indices]),
            pad([target[:-1] for target in targets]),
            pad([target[1:] for target in targets]),
        )

    def batches(self, batch_tokens: int) -> Iterator[Batch]:
        """Every example once, in a fixed order."""
        return (self.batch(indices) for indices in self.plan(batch_tokens, shuffle=None))


def _framed(ids: np.ndarray, lengths: np.ndarray, before: Sequence[int]) -> list[np.ndarray]:
    """Split ``ids``, which holds texts of these lengths one after another, and put ``before`` and ``</s>`` around
    each."""
    n_before = len(before)
    ends = (lengths + n_before + 1).cumsum()
    framed = np.full(ends[-1] if len(ends) else 0, EOS_ID)
    starts = ends - lengths - n_before - 1
    for place, token in enumerate(before):
        framed[starts + place] = token
    framed[np.arange(len(ids)) + (np.arange(len(lengths)) * (n_before + 1) + n_before).repeat(lengths)] = ids
    return [framed[start:end] for start, end in zip(starts.tolist(), ends.tolist(), strict=True)]
