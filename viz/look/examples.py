"""What models that translate have read, and sentences to try with them, each of which shows something different."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from model.text.tasks import TRANSLATION

if TYPE_CHECKING:
    from model.checkpoint import Checkpoint


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """A sentence by the name of what it ``shows``."""

    shows: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Translates:
    """From which language into which, of what texts the model has ``read``, and sentences to try, the best first."""

    source: str
    target: str
    read: str
    examples: tuple[Example, ...] = ()


EVERYDAY = (
    Example(shows="A negation in two parts", text="We don't have a white car."),
    Example(shows="Adjectives before and after", text="An old man with a long white beard is reading a newspaper."),
    Example(shows="A different verb", text="I am hungry."),
    Example(shows="Subject and object swapped", text="I miss my brother."),
    Example(shows="A question", text="Have you seen my black cat?"),
    Example(shows="A plural far away", text="The cars in front of the house are white."),
    Example(shows="A word in pieces", text="A lifeguard is watching the children."),
)
"""Each was chosen by its translation and by where the heads look in it."""
KNOWN = {
    ("en-fr", 8000): Translates(
        source="English", target="French", read="everyday sentences and picture captions in English", examples=EVERYDAY
    ),
}
"""By how the names of checkpoints end, and the size of the vocabulary."""


def translates(opened: Checkpoint) -> Translates | None:
    """What is known of a model that translates; None of others."""
    if opened.task != TRANSLATION:
        return None
    size = opened.config.vocab_size
    return next((known for (name, n), known in KNOWN.items() if n == size and opened.name.endswith(name)), None)


def what_was_read(opened: Checkpoint) -> str:
    """What a model that translates has read in training, as "It was trained only on …" goes on; empty where nobody
    knows."""
    if known := translates(opened):
        return known.read
    pairs = opened.training.get("examples") if opened.task == TRANSLATION else None
    return f"{pairs:,} pairs of sentences" if isinstance(pairs, int) else ""
