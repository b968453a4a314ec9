"""The tokenizer of a model of Hugging Face, with the manners of :class:`model.text.tokenizer.Tokenizer`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from model.checkpoint import CheckpointError
from model.families.labels import Labeller, Place, after_space

VOCABULARIES = ("tokenizer.json", "vocab.txt", "vocab.json")
NO_LIMIT = 10**6  # tokens; a tokenizer without one says 10^30


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """A text as a model reads it, its tokenizer's special tokens included.

    ``segments`` say which of two texts each token is of, where the model wants to know; ``parts`` say it for us, None
    for special tokens. ``dropped`` is how many tokens were beyond the longest that is read.
    """

    ids: tuple[int, ...]
    labels: tuple[str, ...] = ()
    text: str = ""
    segments: tuple[int, ...] = ()
    parts: tuple[int | None, ...] = ()
    dropped: int = 0


class Tokens:
    """The tokenizer that a folder holds."""

    def __init__(self, inner: Any, vocab_size: int) -> None:
        """
        Raises:
            CheckpointError: it has more tokens than the model.
        """
        largest = max(inner.get_vocab().values(), default=0)
        if largest >= vocab_size:
            raise CheckpointError(
                f"its tokenizer does not fit: it has a token {largest}, but the model has only {vocab_size} tokens, "
                "counted from 0"
            )
        self.inner, self.vocab_size = inner, vocab_size
        self._labels = Labeller(inner)
        self._special = frozenset(inner.all_special_ids)

    @classmethod
    def of(cls, path: Path, vocab_size: int) -> Tokens:
        """
        Raises:
            CheckpointError: there is none, or it cannot be used.
        """
        from transformers import AutoTokenizer

        if not any(file.name in VOCABULARIES or file.suffix == ".model" for file in path.iterdir()):
            raise CheckpointError("the folder has no tokenizer, and without one a model reads only numbers, not text")
        try:
            inner = AutoTokenizer.from_pretrained(path, local_files_only=True, trust_remote_code=False)
        except Exception as error:  # whatever its file brings about
            first = (str(error).strip().splitlines() or [""])[0]
            raise CheckpointError(f"its tokenizer cannot be read: {first[:200]}") from error
        return cls(inner, vocab_size)

    def __len__(self) -> int:
        return self.vocab_size

    @property
    def longest(self) -> int:
        """The most tokens that it was made for."""
        known = self.inner.model_max_length
        return known if isinstance(known, int) and 0 < known < NO_LIMIT else NO_LIMIT

    @property
    def mask_id(self) -> int | None:
        """The token in place of one that is to be guessed."""
        return self.inner.mask_token_id

    @property
    def mask(self) -> str | None:
        """That token as one types it."""
        return self.inner.mask_token

    @property
    def pad_id(self) -> int:
        """Padding; where there is none, what ends a text, or token 0."""
        ids = (self.inner.pad_token_id, self.inner.eos_token_id)
        return next((one for one in ids if one is not None), 0)

    @property
    def ends(self) -> frozenset[int]:
        """Tokens that end a text."""
        return frozenset(one for one in (self.inner.eos_token_id,) if one is not None)

    def read(self, text: str, second: str | None, most: int) -> Reading:
        """A text, or a pair of them, as it is read: at most ``most`` tokens, and at least one."""
        text = _encodable(text)
        second = None if second is None else _encodable(second)
        whole = self._cut(text, second)
        dropped = max(0, len(whole["input_ids"]) - most)
        kept = self._cut(text, second, truncation=True, max_length=most) if dropped else whole
        ids = tuple(kept["input_ids"])
        if not ids:
            ids = (self._alone(),)
            return Reading(ids=ids, labels=self.labels(ids))
        tokens = self.inner.convert_ids_to_tokens(list(ids))
        labels = self._labels(tokens, self._spaced(kept, text, second))
        return Reading(
            ids=ids,
            labels=labels,
            text=text if not dropped else self.decode(ids),
            segments=tuple(kept.get("token_type_ids") or ()),
            parts=tuple(kept.sequence_ids()) if self.inner.is_fast else (),
            dropped=dropped,
        )

    def word(self, text: str, row: int) -> Place | None:
        """Where in ``text`` the word stands that the token of this row, from 0, is of; None of special tokens."""
        found = self._cut(_encodable(text), None)
        if not self.inner.is_fast or row >= len(found["input_ids"]):
            return None
        word = found.word_ids()[row]
        places = [place for one, place in zip(found.word_ids(), found["offset_mapping"], strict=True) if one == word]
        if word is None or not places:
            return None
        start, end = places[0][0], places[-1][1]
        return start + len(text[start:end]) - len(text[start:end].lstrip()), end

    def encode(self, text: str) -> list[int]:
        """Token ids of ``text``, without special tokens."""
        return self.inner(_encodable(text), add_special_tokens=False)["input_ids"]

    def encode_target(self, text: str) -> list[int]:
        """Token ids of ``text`` as the decoder of an encoder–decoder should write it: with its end token."""
        return self.inner(text_target=_encodable(text))["input_ids"]

    def decode(self, ids: Iterable[int]) -> str:
        """The text of ``ids``, special tokens left out."""
        return self.inner.decode(list(ids), skip_special_tokens=True)

    def labels(self, ids: Iterable[int]) -> tuple[str, ...]:
        """One label for each token: its text with the space that belongs to it."""
        found = self.inner.convert_ids_to_tokens(list(ids))
        return self._labels([f"⟨{i}⟩" if token is None else token for i, token in zip(ids, found, strict=True)])

    def require_target(self, ids: Sequence[int]) -> None:
        """
        Raises:
            ValueError: not all ``ids`` are of tokens.
        """
        for token_id in ids:
            if not 0 <= token_id < self.vocab_size:
                raise ValueError(f"there is no token {token_id} to write: they are 0 to {self.vocab_size - 1}")

    def _spaced(self, kept: Any, text: str, second: str | None) -> list[bool | None] | None:
        """Whether white space stands before each token; None where the tokenizer does not tell places."""
        if not self.inner.is_fast:
            return None
        parts, places = kept.sequence_ids(), kept["offset_mapping"]
        found: list[bool | None] = [None] * len(places)
        for part, read in enumerate((text, second or "")):
            mine = [i for i, one in enumerate(parts) if one == part]
            for i, spaced in zip(mine, after_space(read, [places[i] for i in mine]), strict=True):
                found[i] = spaced
        return found

    def _cut(self, text: str, second: str | None, **options: Any) -> Any:
        return self.inner(text, second, return_offsets_mapping=self.inner.is_fast, verbose=False, **options)

    def _alone(self) -> int:
        """What is read of no text at all."""
        ids = (self.inner.bos_token_id, self.inner.eos_token_id, self.inner.pad_token_id)
        return next((one for one in ids if one is not None), 0)


def _encodable(text: str) -> str:
    # A lone surrogate (half a character, from a broken paste) cannot be written as UTF-8.
    return text.encode("utf-8", errors="replace").decode("utf-8")
