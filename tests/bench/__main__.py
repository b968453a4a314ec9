"""``python -m tests.bench NAME``: run one benchmark; each result is one JSON object on a line of standard output."""

from __future__ import annotations

import argparse
import importlib
import signal
import sys

BENCHMARKS = {
    "throughput": "training, target tokens a second, against torch.nn.Transformer",
    "capture": "the trace of a text, against the plain forward pass",
    "elsewhere": "the trace of a text by a sentence encoder, against its own pass that gives its attentions",
    "greedy": "a translation with its trace, against MarianMTModel.generate",
    "keystroke": "from a key to the painted heatmap, against an app that echoes",
    "startup": "from the command to the first painted heatmap, against an app that echoes",
    "start": "from the command that trains to the first line of its log",
    "large": "overview and one head of 6 layers, 12 heads, 512 tokens: bytes and server time",
    "watch": "from Start to the first point of the curve; a training while visitors watch, against none",
    "classroom": "students who type at one server, one alone and then a class; and its memory (Linux)",
    "memory": "the server's memory over thousands of keystrokes (Linux)",
}


def main() -> int:
    """Run the benchmark that is named; the exit status is 2 where it cannot run."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # so that servers and browsers are ended, too
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="NAME", dest="name")
    name = next((argument for argument in sys.argv[1:] if argument in BENCHMARKS), None)
    for benchmark, text in BENCHMARKS.items():
        command = commands.add_parser(benchmark, help=text, formatter_class=argparse.ArgumentDefaultsHelpFormatter)
        if benchmark == name:  # the others need not be imported
            module = importlib.import_module(f"tests.bench.{benchmark}")
            command.description = module.__doc__
            module.add_options(command)
            command.set_defaults(run=module.run)
    options = parser.parse_args()
    try:
        options.run(options)
    except KeyboardInterrupt:
        return 130
    except RuntimeError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
