"""A command's part of the command line, and the options that several commands share."""

from __future__ import annotations

import argparse
from typing import Any, NoReturn


class Command(argparse.ArgumentParser):
    """A command's parser, which reports every error in its part of the command line."""

    hint = ""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.set_defaults(parser=self)

    def error(self, message: str) -> NoReturn:
        super().error(f"{message}; {self.hint}" if self.hint else message)


def add_checkpoint(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--checkpoint",
        required=True,
        metavar="NAME_OR_PATH",
        help="the name of a checkpoint that ships, a file, or a run folder",
    )


def add_beam(command: argparse.ArgumentParser) -> None:
    command.add_argument("--beam", type=int, default=5, help="width of the beam search; 1 is greedy (default: 5)")
