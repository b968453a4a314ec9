"""``prepare``: training files from the public downloads."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterable
from pathlib import Path

HELP = "make training files from the public downloads"


def add_options(command: argparse.ArgumentParser) -> None:
    command.add_argument("--tatoeba", type=Path, metavar="FILE", help="fra-eng.zip of manythings.org/anki, or its text")
    command.add_argument("--multi30k", type=Path, metavar="FOLDER", help="data/task1/raw of multi30k/dataset")
    command.add_argument(
        "--out", type=Path, required=True, help="where to make a folder for each; it must not exist yet"
    )
    command.add_argument(
        "--seed", type=int, default=1, help="seed that decides which pairs of Tatoeba are held out (default: 1)"
    )
    for part, size, use in (("valid", 1500, "to choose the best checkpoint"), ("test", 2000, "for testing")):
        command.add_argument(
            f"--n-{part}", type=int, default=size, help=f"number of pairs held out {use} (default: {size})"
        )


def run(options: argparse.Namespace) -> int:
    from tqdm import tqdm

    from model.text import prepare

    given = {name: getattr(options, name) for name in ("tatoeba", "multi30k") if getattr(options, name) is not None}
    if not given:
        raise ValueError("give --tatoeba, --multi30k, or both")
    prepare.refuse_to_overwrite(options.out, given)

    def progress(pairs: Iterable[tuple[str, str]]) -> Iterable[tuple[str, str]]:
        return tqdm(pairs, unit="pair", dynamic_ncols=True)

    corpora = {}
    if "tatoeba" in given:
        pairs = prepare.read_tatoeba(options.tatoeba)
        corpora["tatoeba"] = prepare.part_tatoeba(pairs, options.seed, options.n_valid, options.n_test, progress)
    if "multi30k" in given:
        corpora["multi30k"] = prepare.clean_multi30k(prepare.read_multi30k(options.multi30k), progress)
    for name, corpus in prepare.without_held_out(corpora).items():
        prepare.write(options.out, name, corpus)
        sizes = {part: len(getattr(corpus, part)) for part in prepare.PARTS}
        print(json.dumps({"folder": str(options.out / name), **sizes, "left_out": dict(corpus.left_out)}))
    return 0
