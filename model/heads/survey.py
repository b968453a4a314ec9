"""The measures of a model's heads over many sentences, so that a label describes the head, not a sentence."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from model.heads.links import Links, links
from model.heads.measures import Tally, tally
from model.text.reading import split_lines
from model.trace import Kind, Trace

MOST_SENTENCES = 500
LONGEST_LINE = 2000


@dataclass(frozen=True, slots=True, kw_only=True)
class Survey:
    """Sentences, and what the heads did on the first ``n_read`` of them.

    ``n_left_out`` counts the sentences beyond :data:`MOST_SENTENCES`; ``n_cut`` those of which the model could read
    only part. The texts in ``links`` are indices into ``sentences``.
    """

    sentences: tuple[str, ...]
    n_left_out: int = 0
    n_read: int = 0
    n_cut: int = 0
    tallies: Mapping[Kind, Tally] = field(default_factory=dict)
    links: Mapping[Kind, Links] = field(default_factory=dict)

    @property
    def done(self) -> bool:
        return self.n_read == len(self.sentences)

    @property
    def digest(self) -> str:
        """The SHA-256 by which the sentences are recognised: of their UTF-8, with a line feed after each."""
        whole = "".join(f"{sentence}\n" for sentence in self.sentences)
        return hashlib.sha256(whole.encode("utf-8", "surrogatepass")).hexdigest()

    def values(self, kind: Kind) -> dict[str, np.ndarray]:
        """The measures over all sentences read, as :func:`model.heads.measures.measure` gives them for one.

        Raises:
            KeyError: no sentence has been read, or the model has no attention of this kind.
        """
        return self.tallies[kind].values()


def advance(survey: Survey, trace_of: Callable[[str], Trace], seconds: float) -> Survey:
    """The survey after reading on for about ``seconds``, or at least one sentence if any is left."""
    until = time.monotonic() + seconds
    read: Survey | None = None  # in this call only; small, so that adding to it is quick
    for text in range(survey.n_read, len(survey.sentences)):
        more = _read(survey, text, trace_of(survey.sentences[text]))
        read = more if read is None else _sum(read, more)
        if time.monotonic() >= until:
            break
    if read is None:
        return survey
    return _sum(survey, read) if survey.n_read else read


def _read(survey: Survey, text: int, trace: Trace) -> Survey:
    """The survey of just one of its sentences."""
    return replace(
        survey,
        n_read=1,
        n_cut=int(bool(trace.source_dropped)),
        tallies={one.kind: tally(one) for one in trace.maps},
        links={one.kind: links(one, text) for one in trace.maps},
    )


def _sum(survey: Survey, more: Survey) -> Survey:
    return replace(
        survey,
        n_read=survey.n_read + more.n_read,
        n_cut=survey.n_cut + more.n_cut,
        tallies={kind: survey.tallies[kind] + one for kind, one in more.tallies.items()},
        links={kind: survey.links[kind] + one for kind, one in more.links.items()},
    )


def begin(text: str | bytes) -> Survey:
    """A survey of a text with one sentence per line; blank lines are skipped.

    Raises:
        ValueError: there is no sentence, the bytes are not UTF-8, or a line is not a sentence.
    """
    used = [line for line in split_lines(text, longest=LONGEST_LINE) if line]
    if not used:
        raise ValueError("It contains no sentences. Write one per line.")
    return Survey(sentences=tuple(used[:MOST_SENTENCES]), n_left_out=len(used[MOST_SENTENCES:]))
