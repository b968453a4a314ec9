"""``align``: measure how well each cross-attention head aligns words."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from model.commands.parser import add_checkpoint

HELP = "print how well each cross-attention head aligns words, as JSON"


def add_options(command: argparse.ArgumentParser) -> None:
    command.add_argument("--source", type=Path, required=True, metavar="FILE", help="in UTF-8, one sentence per line")
    command.add_argument("--target", type=Path, required=True, metavar="FILE", help="its translation, also read")
    command.add_argument(
        "--links",
        type=Path,
        metavar="FILE",
        help="correct links between words, which are separated by spaces, such as 1-1 2p3",
    )
    for side in ("source", "target"):
        command.add_argument(
            f"--learn-{side}",
            type=Path,
            nargs="+",
            metavar="FILE",
            help="files to learn a dictionary from, by IBM model 1",
        )
    command.add_argument(
        "--longest", type=int, default=15, metavar="N", help="leave out sentences of more words than this (default: 15)"
    )
    add_checkpoint(command)


def run(options: argparse.Namespace) -> int:
    from tqdm import tqdm

    from model.checkpoint import load_own
    from model.heads import alignment
    from model.heads.dictionary import learn_from
    from model.heads.splitting import SPACED
    from model.text.reading import read_parallel

    learned = list(zip(options.learn_source or (), options.learn_target or (), strict=False))
    if len(options.learn_source or ()) != len(options.learn_target or ()) or not (learned or options.links):
        raise ValueError("give --links, or --learn-source and --learn-target with as many files, or all three")
    pairs = read_parallel(options.source, options.target)
    short = [i for i, pair in enumerate(pairs) if max(len(text.split()) for text in pair) <= options.longest]
    if not short:
        raise ValueError(
            f"no sentence pair in {options.source} and {options.target} has {options.longest} words or fewer on each "
            "side"
        )
    pairs_read = [pairs[i] for i in short]
    truths = alignment.read_truths(options.links) if options.links else None
    if truths is not None and len(truths) != len(pairs):
        raise ValueError(f"{options.links} has {len(truths)} lines, but {options.source} has {len(pairs)}")
    checkpoint = load_own(options.checkpoint)
    scores: dict[str, Any] = {"n": len(short)}
    if truths is not None:
        looks = [
            alignment.look(checkpoint, *pair, SPACED) for pair in tqdm(pairs_read, unit="pair", dynamic_ncols=True)
        ]
        right = [truths[i] for i in short]
        scores["error_rate"] = alignment.by_head(alignment.error_rates(zip(looks, right, strict=True)), best=-1)
        diagonal = alignment.error_rates(zip(map(alignment.diagonal, looks), right, strict=True))
        scores["error_rate"]["of_the_diagonal"] = float(diagonal[0, 0])
    if learned:
        dictionary = learn_from(pair for files in learned for pair in read_parallel(*files))
        looks = [alignment.look(checkpoint, *pair) for pair in tqdm(pairs_read, unit="pair", dynamic_ncols=True)]
        scores["in_dictionary"] = alignment.by_head(alignment.dictionary_shares(looks, dictionary), best=1)
        scores["in_dictionary"]["by_chance"] = alignment.share_by_chance(looks, dictionary)
        scores["in_dictionary"]["entries"] = len(dictionary)
    print(json.dumps(scores))
    return 0
