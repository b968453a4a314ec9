"""The command line: ``python -m model prepare | train | translate | evaluate | align | export``."""

from __future__ import annotations

import argparse
import io
import os
import sys
from collections.abc import Sequence

from model.commands import align, evaluate, export, prepare, train, translate
from model.commands.parser import Command
from model.jobs.command import is_out_of_memory, why

COMMANDS = (train, translate, evaluate, align, prepare, export)
CLOSED_PIPE = 141  # the exit status a shell reports for a program that a closed pipe has ended


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; the exit status is 2 after an error in the input."""
    options, rest = parser().parse_known_args(arguments)
    if rest:
        options.parser.error(f"unrecognized arguments: {' '.join(rest)}")
    for stream in (sys.stdout, sys.stderr):  # whatever encoding the terminal claims, the output is not ASCII
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(encoding="utf-8")
    try:
        return options.command(options)
    except BrokenPipeError:  # the reader of our output has stopped reading
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # otherwise Python complains on exit
        return CLOSED_PIPE
    except KeyboardInterrupt:
        print("\nstopped", file=sys.stderr)
        return 130
    except (ValueError, FloatingPointError, OSError, MemoryError, RuntimeError) as error:
        if isinstance(error, RuntimeError) and not is_out_of_memory(error):
            raise
        print(f"error: {why(error)}", file=sys.stderr)
        return 2


def parser() -> argparse.ArgumentParser:
    """The parser of the whole command line."""
    whole = argparse.ArgumentParser(prog="python -m model", description="Train, use and score Transformers.")
    commands = whole.add_subparsers(required=True, metavar="COMMAND", parser_class=Command)
    for module in COMMANDS:
        command = commands.add_parser(module.__name__.rpartition(".")[2], help=module.HELP)
        module.add_options(command)
        command.set_defaults(command=module.run)
    return whole


if __name__ == "__main__":
    sys.exit(main())
