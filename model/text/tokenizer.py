"""Text to token ids and back, and the labels people see; a thin layer over the `tokenizers` library."""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Iterable, Iterator, Sequence

import numpy as np
import tokenizers
from tokenizers import decoders, models, normalizers, pre_tokenizers, trainers

from model.text.merging import Merged, Pair, merge_steps

PAD_ID, BOS_ID, EOS_ID = 0, 1, 2
SPECIAL_TOKENS = ("<pad>", "<s>", "</s>")
"""Padding, start and end of a sentence; their ids are their places here."""
SPECIAL = frozenset(
    {
        *(*SPECIAL_TOKENS, "<unk>", "<mask>", "<|endoftext|>", "[CLS]", "[SEP]", "[PAD]", "[UNK]", "[MASK]", "<bos>"),
        *(
            "<eos>",
            "<|begin_of_text|>",
            "<|end_of_text|>",
            "<|startoftext|>",
            "<|im_start|>",
            "<|im_end|>",
            "<|return|>",
        ),
    }
)
"""Tokens that are not text: ours, and the most common names elsewhere."""
CHARACTERS = len(SPECIAL_TOKENS) + 256
"""The number of tokens in the tokenizer without merges."""
ASCII = bytes(range(128)).decode()
ESCAPES, ESCAPED = "surrogateescape", 0xDC00
"""How Python decodes a byte that is not text, and what it adds to the byte (PEP 383)."""
LONE = re.compile("[\udc80-\udcff]")
PART = re.compile("⟨([89A-F][0-9A-F])⟩")


class Tokenizer:
    """A byte-level tokenizer: every text, in any script, becomes tokens, and none is unknown.

    With merges it is a byte-level BPE (Sennrich et al. 2016; Radford et al. 2019); without, each byte, and so each
    ASCII character, is a token.
    """

    def __init__(self, inner: tokenizers.Tokenizer) -> None:
        """
        Raises:
            ValueError: the special tokens are not where this project keeps them, or it is not a byte-level BPE.
        """
        for token_id, token in enumerate(SPECIAL_TOKENS):
            if inner.token_to_id(token) != token_id:
                raise ValueError(
                    f"the tokenizer must have {token} at id {token_id}, but has {inner.token_to_id(token)}"
                )
        self._bytes = {character: byte for byte, character in byte_alphabet().items()}
        pieces = [inner.id_to_token(token_id) for token_id in range(len(SPECIAL_TOKENS), inner.get_vocab_size())]
        if (
            not isinstance(inner.model, models.BPE)
            or not isinstance(inner.pre_tokenizer, pre_tokenizers.ByteLevel)
            or not self._bytes.keys() <= set(pieces)  # a byte without a token would be lost
            or any(piece is None or not self._bytes.keys() >= set(piece) for piece in pieces)
        ):
            raise ValueError("the tokenizer must be a byte-level BPE with a token for each byte and ids without gaps")
        # A person may type "</s>": that is four characters of text, not the end of the sentence.
        inner.encode_special_tokens = True
        inner.no_padding()
        inner.no_truncation()
        self._inner = inner
        self._ranks: dict[Pair, int] | None = None  # read when first asked for
        self._ids_of_bytes = np.array([inner.token_to_id(character) for character in byte_alphabet().values()])

    @classmethod
    def train(cls, texts: Iterable[str], vocab_size: int) -> Tokenizer:
        """Learn a byte-level BPE of ``vocab_size`` tokens, special tokens and the 256 bytes included.

        Raises:
            ValueError: ``vocab_size`` leaves no room for the bytes.
        """
        smallest = len(SPECIAL_TOKENS) + 256
        if vocab_size < smallest:
            raise ValueError(
                f"vocab_size must be at least {smallest} (3 special tokens, 256 bytes), but it is {vocab_size}"
            )
        inner = tokenizers.Tokenizer(models.BPE())
        inner.normalizer = normalizers.NFC()
        # use_regex splits into words first; a space belongs to the word after it.
        inner.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=vocab_size > smallest, use_regex=True)
        inner.decoder = decoders.ByteLevel()
        trainer = trainers.BpeTrainer(
            vocab_size=vocab_size,
            special_tokens=list(SPECIAL_TOKENS),
            initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
            show_progress=False,
        )
        inner.train_from_iterator(texts, trainer)
        return cls(inner)

    @classmethod
    def characters(cls) -> Tokenizer:
        """The tokenizer of the algorithmic tasks: a token for each byte, no merges."""
        return cls.train((), CHARACTERS)

    @classmethod
    def from_json(cls, text: str) -> Tokenizer:
        """
        Raises:
            ValueError: ``text`` is not a tokenizer, or not one of this project's.
        """
        try:
            inner = tokenizers.Tokenizer.from_str(text)
        except Exception as error:  # the library raises bare Exception
            raise ValueError(f"the tokenizer cannot be read: {error}") from error
        return cls(inner)

    def to_json(self) -> str:
        return self._inner.to_str()

    def __len__(self) -> int:
        return self._inner.get_vocab_size()

    def encode(self, text: str) -> list[int]:
        """Token ids of ``text``, without special tokens."""
        return self._inner.encode(_encodable(text), add_special_tokens=False).ids

    def encode_batch(self, texts: Sequence[str]) -> list[list[int]]:
        """:meth:`encode` of many texts at once, on all cores."""
        encodings = self._inner.encode_batch([_encodable(text) for text in texts], add_special_tokens=False)
        return [encoding.ids for encoding in encodings]

    def encode_flat(self, texts: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
        """:meth:`encode` of many texts: all ids in one array, and how many each text has."""
        joined = "".join(texts)
        if len(self) == CHARACTERS and joined.isascii() and self.encode(ASCII) == self._look_up(ASCII).tolist():
            # Without merges an ASCII text needs only a lookup table; the library takes fifty times as long.
            return self._look_up(joined), np.fromiter(map(len, texts), np.int64, len(texts))
        found = self.encode_batch(texts)
        lengths = np.fromiter(map(len, found), np.int64, len(found))
        return np.fromiter(itertools.chain.from_iterable(found), np.int64, lengths.sum()), lengths

    def _look_up(self, text: str) -> np.ndarray:
        """The ids of the bytes of ``text``."""
        return self._ids_of_bytes[np.frombuffer(text.encode(), np.uint8)]

    def decode(self, ids: Iterable[int]) -> str:
        """The text of ``ids``, without special tokens; the inverse of :meth:`encode`."""
        pieces = b"".join(self._piece(token_id) for token_id in ids if token_id >= len(SPECIAL_TOKENS))
        text = pieces.decode("utf-8", errors="replace")
        return text.removeprefix(" ") if self._inner.pre_tokenizer.add_prefix_space else text

    def places(self, ids: Sequence[int]) -> np.ndarray:
        """For each token, the index in the text of :meth:`decode` of the character in which it ends; −1 for a token
        that is not in the text, such as a special token."""
        text = self.decode(ids)
        pieces = [b"" if token_id < len(SPECIAL_TOKENS) else self._piece(token_id) for token_id in ids]
        of_byte = np.repeat(np.arange(len(text)), [len(character.encode()) for character in text])
        dropped = self._inner.pre_tokenizer.add_prefix_space and b"".join(pieces).startswith(b" ")
        ends = np.cumsum([len(piece) for piece in pieces]) - 1 - dropped
        nothing = (ends < 0) | np.array([not piece for piece in pieces], bool)
        return np.where(nothing, -1, of_byte[ends.clip(0, len(of_byte) - 1)] if len(of_byte) else -1)

    def words(self, text: str) -> tuple[tuple[str, ...], ...]:
        """The words that ``text`` is cut into before any merge, each as its bytes in the library's alphabet."""
        normalizer, encodable = self._inner.normalizer, _encodable(text)
        normal = normalizer.normalize_str(encodable) if normalizer is not None else encodable
        return tuple(tuple(word) for word, _ in self._inner.pre_tokenizer.pre_tokenize_str(normal))

    def merges(self, word: Sequence[str]) -> tuple[Merged, ...]:
        """How one of :meth:`words` becomes tokens, merge by merge; pieces are named as in :meth:`labels`."""
        if self._ranks is None:
            learned = json.loads(self.to_json())["model"]["merges"]
            pairs = [tuple(one.split(" ")) if isinstance(one, str) else tuple(one) for one in learned]
            self._ranks = {(left, right): rank for rank, (left, right) in enumerate(pairs)}
        named = self.written
        return tuple(
            Merged(one.number, (named(one.pair[0]), named(one.pair[1])), tuple(map(named, one.pieces)))
            for one in merge_steps(word, self._ranks)
        )

    def written(self, piece: str) -> str:
        """A piece in the library's alphabet, named as in :meth:`labels`."""
        return label_of(bytes(self._bytes[character] for character in piece))

    def require_target(self, ids: Sequence[int]) -> None:
        """
        Raises:
            ValueError: a model cannot write ``ids``: some are not tokens, or one other than the last ends the target.
        """
        for place, token_id in enumerate(ids, start=1):
            if not EOS_ID <= token_id < len(self):
                raise ValueError(f"there is no token {token_id} to write: they are {EOS_ID} to {len(self) - 1}")
            if token_id == EOS_ID and place < len(ids):
                raise ValueError(f"token {place} is </s>, which ends the target, but {len(ids) - place} more follow")

    def labels(self, ids: Iterable[int]) -> tuple[str, ...]:
        """One label for each token: its text with the space that belongs to it.

        A character may be cut across tokens; its bytes then have no text of their own and are written as ``⟨C3⟩``.
        :func:`joined` puts them together again.
        """
        return tuple(self._label(token_id) for token_id in ids)

    def _label(self, token_id: int) -> str:
        if token_id < len(SPECIAL_TOKENS):
            return SPECIAL_TOKENS[token_id]
        return label_of(self._piece(token_id))

    def _piece(self, token_id: int) -> bytes:
        return bytes(self._bytes[character] for character in self._inner.id_to_token(token_id) or "")


def joined(labels: Iterable[str]) -> str:
    """The text of several tokens, from their labels; characters that were cut across tokens are whole again."""
    return label_of(b"".join(map(label_bytes, labels)))


def label_bytes(label: str) -> bytes:
    """The bytes of a token, from its label."""
    return PART.sub(lambda part: chr(ESCAPED + int(part[1], 16)), _encodable(label)).encode("utf-8", ESCAPES)


def label_of(piece: bytes) -> str:
    """The text of some bytes; a byte that is not part of a whole character is written as ``⟨C3⟩``."""
    return LONE.sub(lambda byte: f"⟨{ord(byte[0]) - ESCAPED:02X}⟩", piece.decode("utf-8", ESCAPES))


def _encodable(text: str) -> str:
    # A lone surrogate (half a character, from a broken paste) cannot be written as UTF-8.
    return text.encode("utf-8", errors="replace").decode("utf-8")


def byte_alphabet() -> dict[int, str]:
    """The printable character that stands for each byte in a byte-level vocabulary (GPT-2's table)."""

    def pairs() -> Iterator[tuple[int, str]]:
        spare = 256
        for byte in range(256):
            if 33 <= byte <= 126 or 161 <= byte <= 172 or 174 <= byte <= 255:
                yield byte, chr(byte)
            else:
                yield byte, chr(spare)
                spare += 1

    return dict(pairs())
