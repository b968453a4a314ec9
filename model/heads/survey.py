"""The measures of a model's heads over many sentences, so that a label is a property of the head."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from model.heads.measures import Tally, tally
from model.text.reading import split_lines
from model.trace import Kind, Trace

MOST_SENTENCES = 500
LONGEST_LINE = 2000


@dataclass(frozen=True, slots=True, kw_only=True)
class Survey:
    """Sentences, and what the heads did on the first ``n_read`` of them.

    ``n_left_out`` counts the sentences beyond :data:`MOST_SENTENCES`; ``n_cut`` those of which the model could
    read only a part.
    """

    sentences: tuple[str, ...]
    n_left_out: int = 0
    n_read: int = 0
    n_cut: int = 0
    tallies: Mapping[Kind, Tally] = field(default_factory=dict)

    @property
    def done(self) -> bool:
        return self.n_read == len(self.sentences)

    def values(self, kind: Kind) -> dict[str, np.ndarray]:
        """The measures over all sentences read, as :func:`model.heads.measures.measure` gives them for one.

        Raises:
            KeyError: no sentence was read, or the model has no attention of this kind.
        """
        return self.tallies[kind].values()


def advance(survey: Survey, trace_of: Callable[[str], Trace], seconds: float) -> Survey:
    """The survey after reading on for about ``seconds``, at least one sentence if any is left."""
    until = time.monotonic() + seconds
    while not survey.done:
        trace = trace_of(survey.sentences[survey.n_read])
        tallies: dict[Kind, Tally] = {one.kind: tally(one) for one in trace.maps}
        survey = replace(
            survey,
            n_read=survey.n_read + 1,
            n_cut=survey.n_cut + bool(trace.source_dropped),
            tallies={kind: survey.tallies[kind] + one for kind, one in tallies.items()} if survey.tallies else tallies,
        )
        if time.monotonic() >= until:
            break
    return survey


def begin(text: str | bytes) -> Survey:
    """A survey of a text with a sentence a line; lines without any text are passed over.

    Raises:
        ValueError: there is no sentence, the bytes are no UTF-8, or a line is no sentence.
    """
    used = [line for line in split_lines(text, longest=LONGEST_LINE) if line]
    if not used:
        raise ValueError("There is no sentence in it. Write one a line.")
    return Survey(sentences=tuple(used[:MOST_SENTENCES]), n_left_out=len(used[MOST_SENTENCES:]))
