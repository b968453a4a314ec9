"""What a person makes the decoder write: nothing, the beginning, or the whole target."""

from __future__ import annotations

from dataclasses import dataclass

from model.text.tokenizer import Tokenizer

OWN, BEGINNING, TARGET, BEAM = "Its own choice", "Your beginning", "Your target", "Beam"
MODES = (OWN, BEGINNING, TARGET, BEAM)


@dataclass(frozen=True, slots=True)
class Forcing:
    """What :func:`model.capture.capture` is given besides the source; ``problem`` says what could not be followed."""

    target: str | None = None
    prefix: tuple[int, ...] = ()
    problem: str | None = None
    more: int = 0


FREE = Forcing()


def forcing(tokenizer: Tokenizer, mode: str, *, prefix: str, tokens: str, target: str) -> Forcing:
    """What ``mode`` makes of the texts. A beginning is the ids ``tokens``, or, without them, the tokens of ``prefix``.

    The ids count as long as they spell ``prefix``: the same text may be cut into other tokens.
    """
    if mode == TARGET:
        return Forcing(target=target)
    if mode != BEGINNING:
        return Forcing()
    try:
        ids = read_ids(tokenizer, tokens)
    except ValueError as error:
        return Forcing(
            prefix=tuple(tokenizer.encode(prefix)),
            problem=f"These token numbers cannot be used: {error}. The text of the beginning is used instead.",
        )
    if ids is None:
        return Forcing(prefix=tuple(tokenizer.encode(prefix)))
    if (spelt := tokenizer.decode(ids)) != prefix:
        return Forcing(
            prefix=tuple(tokenizer.encode(prefix)),
            problem=f"These token numbers spell “{spelt}”, not “{prefix}”. The text of the beginning is used instead.",
        )
    return Forcing(prefix=ids)


def read_ids(tokenizer: Tokenizer, tokens: str) -> tuple[int, ...] | None:
    """The ids in a text such as ``812.44.2``; None if there are none.

    Raises:
        ValueError: they are no numbers, or a model cannot write them.
    """
    if not tokens.strip():
        return None
    try:
        ids = tuple(int(number) for number in tokens.split("."))
    except ValueError:
        raise ValueError("they must be whole numbers separated by dots, such as 812.44") from None
    tokenizer.require_target(ids)
    return ids


def write_ids(tokenizer: Tokenizer, ids: tuple[int, ...]) -> str:
    """What :func:`read_ids` reads; empty if the text alone gives the same tokens."""
    return "" if tuple(tokenizer.encode(tokenizer.decode(ids))) == ids else ".".join(map(str, ids))
