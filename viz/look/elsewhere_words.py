"""What is said of models from elsewhere: what they give, and why a page cannot show what it shows of our own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from model.network.capabilities import Capability
from model.text.tasks import TRANSLATION
from model.trace import Guess
from viz.look.theme import show_token
from viz.look.words import share

if TYPE_CHECKING:
    from model.checkpoint import Checkpoint

SHOWN = 5
"""Candidates that are named in one line."""


def in_place(guess: Guess) -> str:
    """The likeliest tokens of a guess, such as “white 41%, black 12%”."""
    best = zip(guess.labels, guess.probabilities, strict=True)
    return ", ".join(f"{show_token(label)} {share(probability)}" for label, probability in list(best)[:SHOWN])


def mask_of(opened: Checkpoint) -> str | None:
    """The token that a model fills, as one types it; None where it fills none."""
    return None if opened.elsewhere is None else opened.elsewhere.mask


def what_it_writes(opened: Checkpoint) -> str:
    """What a model writes, in a word: "translation", "continuation" or "output"."""
    if opened.task == TRANSLATION:
        return "translation"
    goes_on = opened.elsewhere is not None and Capability.ENCODER not in opened.model.can
    return "continuation" if goes_on else "output"


def text_label(opened: Checkpoint) -> str:
    """What the text field is called: a source is the source of something, so one stack alone just reads a text."""
    of = "Source sentence" if opened.elsewhere is None or Capability.CROSS_ATTENTION in opened.model.can else "Text"
    return f"{of}: type your own" if Capability.TYPING in opened.model.can else of


def nothing_typed(opened: Checkpoint) -> str:
    """What an empty text field says: of a model from elsewhere, what it reads then is its tokenizer's affair."""
    return "Nothing typed" if opened.elsewhere is not None else "Nothing typed: the model reads only </s>"


def why_no_output(opened: Checkpoint) -> str:
    """In one sentence, why there is no output of a model that wrote nothing."""
    can = opened.model.can
    if Capability.TYPING not in can:
        return "This is a recording: it shows the one text it was made from."
    if mask := mask_of(opened):
        return f"An encoder does not write, but this one can fill gaps: type {mask} in place of a word."
    if Capability.ENCODER in can:
        return "This encoder only reads: it has no output layer for tokens, so it writes nothing."
    return "This decoder has no output layer for tokens, so it writes nothing."


def why_not(opened: Checkpoint, capability: Capability) -> str:
    """How a sentence about the model ends, where a page needs a capability that it lacks."""
    if capability not in (Capability.HEADS, Capability.POSITIONS) or opened.elsewhere is None:
        return f"has no {capability.value}"
    return "was not trained by Headlight, and this page can only take apart models that were"
