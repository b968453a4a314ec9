"""The model's own target for a text of which there is a draft, and for several such texts in shared passes.

A draft is a guess at the target, such as the target from before the last keystroke. It is read in one pass and used as
far as it is right, which saves steps and changes nothing but the rounding (Stern et al. 2018, section 3; Leviathan et
al. 2023). Where it goes wrong, it is used again from the next place where it has the token that was written instead.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

import torch

from model.decoding.begin import Steps
from model.decoding.incremental import DecoderStep, IncrementalDecoder, read_together
from model.decoding.search import likeliest
from model.text.tokenizer import BOS_ID, EOS_ID


@dataclass(slots=True)
class Drafted:
    """A target being written greedily: its ids, ``</s>`` included if it ends, and what the decoder returned for each.

    Args:
        decoder: at its start, with one text.
        limit: the most tokens.
        forced: the ids it begins with, at most ``limit``.
        draft: a guess at its ids.
    """

    decoder: Steps
    limit: int
    forced: Sequence[int] = ()
    draft: Sequence[int] = ()
    ids: list[int] = field(default_factory=list)
    steps: list[DecoderStep] = field(default_factory=list)

    def passes(self) -> Generator[list[int], list[DecoderStep], None]:
        """Write it: yield the ids to feed in each pass, which continue :attr:`ids`, and be sent what the decoder
        returns."""
        expected = list(self.draft[: self.limit])
        reads = [BOS_ID, *expected[:-1]]
        found = 0  # how much of the draft the last token uses up: what it skips, and itself
        while True:
            for step in (yield reads):
                at = len(self.ids)
                token = self.forced[at] if at < len(self.forced) else int(likeliest(step.logits))
                self.ids.append(token)
                self.steps.append(step)
                if token == EOS_ID or at + 1 == self.limit:
                    return
                found = expected.index(token) + 1 if token in expected else 0
                expected = expected[found : found + self.limit - len(self.ids)]
                if found != 1:  # the pass went on with something else
                    break
            reads = [self.ids[-1], *(expected[:-1] if found else ())]


def write_together(targets: Sequence[Drafted]) -> None:
    """Write all these targets of one model. Those that are not finished take part in each pass."""
    writing = [(target, target.passes()) for target in targets]
    asked = [next(passes) for _, passes in writing]
    while writing:
        read = _read([target for target, _ in writing], asked)
        going_on = []
        for (target, passes), steps in zip(writing, read, strict=True):
            with suppress(StopIteration):
                going_on.append(((target, passes), passes.send(steps)))
        writing, asked = [one for one, _ in going_on], [ids for _, ids in going_on]


def _read(targets: Sequence[Drafted], asked: Sequence[Sequence[int]]) -> list[list[DecoderStep]]:
    for target in targets:
        if target.decoder.length > len(target.ids):
            target.decoder.rewind(len(target.ids))
    quick = [target.decoder for target in targets if isinstance(target.decoder, IncrementalDecoder)]
    if len(quick) == len(targets):
        return read_together(quick, asked)
    return [
        target.decoder.read(ids) or [target.decoder.step(torch.tensor(ids[:1]))]
        for target, ids in zip(targets, asked, strict=True)
    ]
