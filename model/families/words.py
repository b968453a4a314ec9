"""A tokenizer of the library tokenizers, as the pages need it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import cast

import tokenizers

from model.families.described import Description
from model.families.labels import Labeller


class Words:
    """A tokenizer of the library tokenizers, as the pages need it."""

    def __init__(self, path: Path, described: Description) -> None:
        """
        Raises:
            ValueError: it cannot be read, or does not have the tokens that begin and end a text.
        """
        try:
            self.inner = tokenizers.Tokenizer.from_file(str(path))
        except Exception as error:  # the library raises bare Exception
            raise ValueError(f"the tokenizer {path.name} cannot be read: {str(error)[:100]}") from error
        self.inner.no_padding()
        self.inner.no_truncation()
        ids = {token: self.inner.token_to_id(token) for token in (described.begin, described.end)}
        for token, token_id in ids.items():
            if token_id is None:
                raise ValueError(f"the tokenizer has no token {token!r}")
        self.begin_id, self.end_id = cast("int", ids[described.begin]), cast("int", ids[described.end])
        self._labels = Labeller(_Seen(self.inner, tuple(ids)))

    def __len__(self) -> int:
        return self.inner.get_vocab_size()

    def encode(self, text: str) -> list[int]:
        """Token ids of ``text``, without special tokens."""
        return self.inner.encode(text.encode("utf-8", "replace").decode(), add_special_tokens=False).ids

    def decode(self, ids: Sequence[int]) -> str:
        """The text of ``ids``, special tokens left out."""
        return self.inner.decode([i for i in ids if i not in (self.begin_id, self.end_id)], skip_special_tokens=True)

    def labels(self, ids: Sequence[int]) -> tuple[str, ...]:
        """One label for each token: its text with the space that belongs to it."""
        return self._labels([self.inner.id_to_token(i) or f"⟨{i}⟩" for i in ids])

    def require_target(self, ids: Sequence[int]) -> None:
        """
        Raises:
            ValueError: not all ``ids`` are of tokens.
        """
        for token_id in ids:
            if not 0 <= token_id < len(self):
                raise ValueError(f"there is no token {token_id} to write: they are 0 to {len(self) - 1}")


class _Seen:
    """What :class:`model.families.labels.Labeller` asks of a tokenizer."""

    def __init__(self, inner: tokenizers.Tokenizer, special: tuple[str, ...]) -> None:
        self.backend_tokenizer, self.all_special_tokens = inner, special
        self.get_vocab = inner.get_vocab
