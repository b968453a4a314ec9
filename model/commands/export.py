"""``export``: save one of our checkpoints as a folder that `transformers` can open."""

from __future__ import annotations

import argparse
from pathlib import Path

from model.commands.parser import add_checkpoint

HELP = "write a checkpoint as a folder that transformers opens"


def add_options(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--to", type=Path, required=True, metavar="DIR", help="a folder that is empty or does not exist yet"
    )
    add_checkpoint(command)


def run(options: argparse.Namespace) -> int:
    from model.checkpoint import load
    from model.families.export import export

    export(load(options.checkpoint), options.to)
    print(f"written: {options.to}")
    return 0
