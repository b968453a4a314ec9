"""``evaluate``: a model's scores, as one JSON object."""

from __future__ import annotations

import argparse
import itertools
import json
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from model.commands.parser import add_beam, add_checkpoint
from model.text.tasks import TASKS

if TYPE_CHECKING:
    from model.checkpoint import Checkpoint

HELP = "print a model's scores as one JSON object"
ALIGNED = 1000  # examples used to find the aligned head


def add_options(command: argparse.ArgumentParser) -> None:
    command.add_argument("--source", type=Path, metavar="FILE", help="in UTF-8, one sentence per line")
    command.add_argument(
        "--target",
        type=Path,
        nargs="+",
        metavar="FILE",
        help="its translation; several files count as several correct translations",
    )
    command.add_argument(
        "--moses", metavar="LANGUAGE", help="also report BLEU as papers on Multi30k do, for example --moses fr"
    )
    command.add_argument(
        "--casual",
        action="store_true",
        help="also report BLEU of the words alone, with the source written as people type it",
    )
    command.add_argument(
        "--against", metavar="NAME_OR_PATH", help="compare with another checkpoint, by a paired bootstrap test"
    )
    command.add_argument("--task", choices=tuple(TASKS), help="instead of files, score on unseen examples of this task")
    command.add_argument("--examples", type=int, default=10_000, help="number of examples (default: 10000)")
    command.add_argument("--seed", type=int, default=1, help="seed of the examples (default: 1)")
    add_checkpoint(command)
    add_beam(command)


def run(options: argparse.Namespace) -> int:
    from model.checkpoint import load_own
    from model.evaluation import CASUAL, alignment, bleu_moses, bleu_words, paired, score
    from model.network.capabilities import Capability

    sources, references = _texts(options)
    checkpoint = load_own(options.checkpoint)
    other = load_own(options.against) if options.against else None
    typed = {name: [type_(text) for text in sources] for name, type_ in CASUAL.items()} if options.casual else {}
    translated = _translated(checkpoint, [*sources, *itertools.chain(*typed.values())], options.beam)
    hypotheses = [translated[text] for text in sources]
    scores: dict[str, Any] = score(hypotheses, *references)
    if options.moses:
        scores["bleu_moses"] = bleu_moses(options.moses, hypotheses, *references)
    if options.casual:
        scores["bleu_words"] = {
            name: bleu_words([translated[text] for text in texts], *references) for name, texts in typed.items()
        }
    if other is not None:
        by_other = _translated(other, sources, options.beam)
        theirs = [by_other[text] for text in sources]
        scores["against"] = {"checkpoint": other.name, **paired(hypotheses, theirs, *references)}
    aligned = options.task == checkpoint.task and TASKS[options.task].alignment
    if aligned and Capability.CROSS_ATTENTION in checkpoint.model.can:
        pairs = list(zip(sources, references[0], strict=True))
        scores["alignment"] = alignment(checkpoint, pairs[:ALIGNED])
    print(json.dumps(scores, allow_nan=False))
    return 0


def _texts(options: argparse.Namespace) -> tuple[list[str], list[list[str]]]:
    """The sources, and one or more lists of references.

    Raises:
        ValueError: neither files nor a task is given, or both are, or a file cannot be used.
    """
    from model.text.reading import pair_up, read_lines
    from model.text.tasks import generate

    files = [file for file in (options.source, options.target) if file is not None]
    if len(files) != (0 if options.task else 2):
        raise ValueError("give either --source and --target, or --task")
    if options.examples < 1:
        raise ValueError(f"--examples must be at least 1, but it is {options.examples}")
    if options.task:
        read = [generate(options.task, options.examples, seed=options.seed, held_out=True)]
    else:
        sources = read_lines(options.source)  # once: it may be a pipe
        read = [pair_up(sources, read_lines(target), str(options.source), str(target)) for target in options.target]
    return [source for source, _ in read[0]], [[target for _, target in pairs] for pairs in read]


def _translated(checkpoint: Checkpoint, texts: Iterable[str], beam: int) -> dict[str, str]:
    """What the model writes for each text."""
    from tqdm import tqdm

    from model.decoding.search import translate

    different = list(dict.fromkeys(texts))
    found = tqdm(translate(checkpoint, different, beam), total=len(different), unit="text", dynamic_ncols=True)
    return {different[i]: target for i, target in found}
