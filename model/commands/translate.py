"""``translate``: what a model writes for a text."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING

from model.commands.parser import Command, add_beam, add_checkpoint

if TYPE_CHECKING:
    from model.decoding.search import Written

HELP = "print the model's target for a text, or for each line of input"
HINT = "put a text that begins with a hyphen at the end, after --"


def add_options(command: Command) -> None:
    command.hint = HINT
    command.add_argument("text", nargs="?", help=f"the text; without it, each line of standard input, in UTF-8; {HINT}")
    add_checkpoint(command)
    add_beam(command)


def run(options: argparse.Namespace) -> int:
    from model.checkpoint import load_own
    from model.decoding.search import write
    from model.text.reading import split_lines, stream_lines

    checkpoint = load_own(options.checkpoint)
    if options.text is None:
        lines = stream_lines(sys.stdin.buffer, "standard input")
    else:
        lines = split_lines(os.fsencode(options.text), "the text") or [""]
    for number, line in enumerate(lines, start=1):  # one at a time, so that someone typing sees each answer
        if not line:
            print(flush=True)
            continue
        ((_, written),) = write(checkpoint, [line], options.beam)
        print(written.target, flush=True)
        for said in _left_out(written, checkpoint.config.max_len):
            print(f"note: line {number}: {said}", file=sys.stderr, flush=True)
    return 0


def _left_out(written: Written, max_len: int) -> Iterator[str]:
    """What a reader of the target could not know: that the text was not read to the end, or that the target was cut
    off."""
    if written.source_dropped:
        yield f"the last {written.source_dropped} tokens were not read; the model reads at most {max_len}"
    if written.cut:
        yield (
            f"the target was cut after {written.n_tokens} tokens, the most allowed for this text; the model had not "
            "finished"
        )
