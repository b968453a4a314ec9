"""What a token is called for people: its text with the space that belongs to it, whatever its tokenizer writes.

The result is that of :meth:`model.text.tokenizer.Tokenizer.labels`: no ``Ġ``, ``▁``, ``##`` or ``</w>``; bytes that are
no character of their own stand as ``⟨C3⟩``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from model.text.tokenizer import byte_alphabet, label_of

BYTE = re.compile("<0x([0-9A-Fa-f]{2})>")
"""How a vocabulary with byte fallback writes a byte."""
BYTES = {character: byte for byte, character in byte_alphabet().items()}
SPACE, PIECE, END = "▁", "##", "</w>"
Place = tuple[int, int]


class Labeller:
    """Names the tokens of a tokenizer of `transformers`."""

    def __init__(self, tokenizer: Any) -> None:
        self._special = frozenset(tokenizer.all_special_tokens)
        self._named = _scheme(tokenizer)

    def __call__(self, tokens: Sequence[str], spaced: Sequence[bool | None] | None = None) -> tuple[str, ...]:
        """The names of tokens as the vocabulary writes them.

        Where they were cut from a text, ``spaced`` says of each whether white space stands before it
        (:func:`after_space`).
        """
        spaced = [None] * len(tokens) if spaced is None else spaced
        found, ended = [], True
        for token, space in zip(tokens, spaced, strict=True):
            if token in self._special:
                found.append(token)
                ended = True
                continue
            found.append(self._named(token, space, ended))
            ended = token.endswith(END)
        return tuple(found)


def _scheme(tokenizer: Any) -> Callable[[str, bool | None, bool], str]:
    """How this vocabulary writes spaces. The arguments are a token, whether a space stands before it in the text (None:
    not known), and whether the token before it ended a word.
    """
    backend = getattr(tokenizer, "backend_tokenizer", None)
    written = backend.to_str() if backend is not None else ""
    decoder = written[written.find('"decoder"') : written.find('"model"')] if written else ""
    vocabulary = tokenizer.get_vocab()
    if '"ByteLevel"' in decoder or (not decoder and any("Ġ" in token for token in vocabulary)):
        return lambda token, space, ended: _of_bytes(token)
    if '"WordPiece"' in decoder or (not decoder and any(token.startswith(PIECE) for token in vocabulary)):
        return _word_piece
    if '"BPEDecoder"' in decoder or (not decoder and any(token.endswith(END) for token in vocabulary)):
        return lambda token, space, ended: (" " if ended and space is not False else "") + token.removesuffix(END)
    return lambda token, space, ended: _of_text(token)


def _of_bytes(token: str) -> str:
    """A token of a byte-level vocabulary; one that was added later may be written plainly."""
    if any(character not in BYTES for character in token):
        return token
    return label_of(bytes(BYTES[character] for character in token))


def _of_text(token: str) -> str:
    if byte := BYTE.fullmatch(token):
        return label_of(bytes([int(byte[1], 16)]))
    return token.replace(SPACE, " ")


def _word_piece(token: str, space: bool | None, ended: bool) -> str:
    if token.startswith(PIECE) and len(token) > len(PIECE):
        return token.removeprefix(PIECE)
    return f" {token}" if space is not False else token


def after_space(text: str, places: Iterable[Place]) -> list[bool | None]:
    """For each token whether there is white space between it and the one before it."""
    found: list[bool | None] = []
    end = 0
    for start, stop in places:
        found.append(start > end and text[end:start].isspace())
        end = max(end, stop)
    return found
