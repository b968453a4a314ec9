"""The command line: ``python -m model prepare | train | translate | evaluate | align | export``."""

from __future__ import annotations

import argparse
import io
import itertools
import json
import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, get_type_hints

from model.config import ARCHITECTURES, POSITIONALS, ModelConfig, TrainConfig
from model.jobs.command import is_out_of_memory, train, why
from model.text.tasks import TASKS

if TYPE_CHECKING:
    from model.checkpoint import Checkpoint
    from model.decoding.search import Written

OPTION_HELP = {
    "vocab_size": "size of the vocabulary learned from the text files, bytes and special tokens included",
    "n_layers": "number of encoder layers, and of decoder layers",
    "n_heads": "attention heads in each layer",
    "d_model": "size of a token's vector",
    "d_ff": "size of the feed-forward layer, or of an LSTM's state",
    "max_len": "longest source and target, in tokens",
    "dropout": "probability of dropping an element of a sublayer's output",
    "attention_dropout": "probability of dropping an attention weight",
    "norm": "LayerNorm after each residual (post, as in the paper) or before each sublayer (pre)",
    "activation": "activation function of the feed-forward layer: relu or gelu",
    "positional": f"positional encoding: {', '.join(POSITIONALS)}",
    "architecture": f"{', '.join(ARCHITECTURES)}",
    "seed": "seed of the data, the initial parameters and dropout",
    "steps": "number of updates; with --resume you may give more, and the run continues as if it had begun with that "
    "number: inverse_sqrt and constant at the same learning rate, cosine at the higher one of the longer schedule",
    "batch_tokens": "largest number of target tokens in a batch, padding included",
    "learning_rate": "learning rate at its peak, after the warm-up",
    "warmup": "number of steps until the learning rate peaks",
    "schedule": "learning rate after the warm-up: inverse_sqrt, cosine or constant",
    "label_smoothing": "share of the target's probability that is spread over the whole vocabulary",
    "weight_decay": "decoupled weight decay",
    "clip_norm": "largest norm of the gradient; a longer one is scaled down",
    "average": "decay of the moving average of the parameters, which is what is saved; 0: the parameters themselves",
    "precision": "number format of the matrix products in training: float32, or bfloat16, which is faster on a GPU "
    "and on processors with instructions for it (AVX512-BF16, AMX), and many times slower on others",
    "weights": "number format of saved checkpoints: float32, or float16 at half the size",
    "validate_every": "steps between two validations",
    "checkpoint_every": "steps between two saved checkpoints",
    "keep_every": "keep a checkpoint every so many steps, to replay the training later; 0: keep none",
}
CLOSED_PIPE = 141  # the exit status that a shell gives to a program which a closed pipe has ended
ALIGNED = 1000  # examples by which the aligned head is found
DEVICES = ("auto", "cpu", "cuda")
GIVEN = argparse.SUPPRESS  # an option that is not given leaves no trace, so the defaults stay in one place


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; the exit status is 2 after an error in the input."""
    options, rest = _parser().parse_known_args(arguments)
    if rest:
        options.parser.error(f"unrecognized arguments: {' '.join(rest)}")
    for stream in (sys.stdout, sys.stderr):  # whatever the terminal says that it takes, what is written is no ASCII
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(encoding="utf-8")
    try:
        return options.command(options)
    except BrokenPipeError:  # whoever read what we print has read enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # or Python complains on leaving
        return CLOSED_PIPE
    except KeyboardInterrupt:
        print("\nstopped", file=sys.stderr)
        return 130
    except (ValueError, FloatingPointError, OSError, MemoryError, RuntimeError) as error:
        if isinstance(error, RuntimeError) and not is_out_of_memory(error):
            raise
        print(f"error: {why(error)}", file=sys.stderr)
        return 2


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m model", description="Train, use and score Transformers.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND", parser_class=_Command)

    _add_train(commands.add_parser("train", help="train a model on a task, or on parallel text files"))

    translate = commands.add_parser("translate", help="print the model's target for a text, or for each line of input")
    translate.hint = "put a text that begins with a hyphen at the end, after --"
    translate.set_defaults(command=_translate)
    translate.add_argument(
        "text", nargs="?", help=f"the text; without it, each line of standard input, in UTF-8; {translate.hint}"
    )

    evaluate = commands.add_parser("evaluate", help="print a model's scores as one JSON object")
    evaluate.set_defaults(command=_evaluate)
    evaluate.add_argument("--source", type=Path, metavar="FILE", help="in UTF-8, one sentence per line")
    evaluate.add_argument(
        "--target",
        type=Path,
        nargs="+",
        metavar="FILE",
        help="its translation; several files count as several correct translations",
    )
    evaluate.add_argument(
        "--moses", metavar="LANGUAGE", help="also report BLEU as papers on Multi30k do, for example --moses fr"
    )
    evaluate.add_argument(
        "--casual",
        action="store_true",
        help="also report BLEU of the words alone, with the source written as people type it",
    )
    evaluate.add_argument(
        "--against", metavar="NAME_OR_PATH", help="compare with another checkpoint, by a paired bootstrap test"
    )
    evaluate.add_argument(
        "--task", choices=tuple(TASKS), help="instead of files, score on unseen examples of this task"
    )
    evaluate.add_argument("--examples", type=int, default=10_000, help="number of examples (default: 10000)")
    evaluate.add_argument("--seed", type=int, default=1, help="seed of the examples (default: 1)")

    align = commands.add_parser("align", help="print how well each cross-attention head aligns words, as JSON")
    align.set_defaults(command=_align)
    align.add_argument("--source", type=Path, required=True, metavar="FILE", help="in UTF-8, one sentence per line")
    align.add_argument("--target", type=Path, required=True, metavar="FILE", help="its translation, also read")
    align.add_argument(
        "--links",
        type=Path,
        metavar="FILE",
        help="correct links between words, which are separated by spaces, such as 1-1 2p3",
    )
    for side in ("source", "target"):
        align.add_argument(
            f"--learn-{side}",
            type=Path,
            nargs="+",
            metavar="FILE",
            help="files to learn a dictionary from, by IBM model 1",
        )
    align.add_argument(
        "--longest", type=int, default=15, metavar="N", help="leave out sentences of more words than this (default: 15)"
    )

    prepare = commands.add_parser("prepare", help="make training files from the public downloads")
    prepare.set_defaults(command=_prepare)
    prepare.add_argument("--tatoeba", type=Path, metavar="FILE", help="fra-eng.zip of manythings.org/anki, or its text")
    prepare.add_argument("--multi30k", type=Path, metavar="FOLDER", help="data/task1/raw of multi30k/dataset")
    prepare.add_argument(
        "--out", type=Path, required=True, help="where to make a folder for each; it must not exist yet"
    )
    prepare.add_argument(
        "--seed", type=int, default=1, help="seed that decides which pairs of Tatoeba are held out (default: 1)"
    )
    for part, size, use in (("valid", 1500, "to choose the best checkpoint"), ("test", 2000, "for testing")):
        prepare.add_argument(
            f"--n-{part}", type=int, default=size, help=f"number of pairs held out {use} (default: {size})"
        )

    export = commands.add_parser("export", help="write a checkpoint as a folder that transformers opens")
    export.set_defaults(command=_export)
    export.add_argument(
        "--to", type=Path, required=True, metavar="DIR", help="a folder that is empty or does not exist yet"
    )

    for command in (translate, evaluate, align, export):
        command.add_argument(
            "--checkpoint",
            required=True,
            metavar="NAME_OR_PATH",
            help="the name of a checkpoint that ships, a file, or a run folder",
        )
    for command in (translate, evaluate):
        command.add_argument("--beam", type=int, default=5, help="width of the beam search; 1 is greedy (default: 5)")
    return parser


class _Command(argparse.ArgumentParser):
    """A command's parser, which answers for all that is wrong in its part of the command line."""

    hint = ""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.set_defaults(parser=self)

    def error(self, message: str) -> NoReturn:
        super().error(f"{message}; {self.hint}" if self.hint else message)


def _add_train(command: argparse.ArgumentParser) -> None:
    command.set_defaults(command=train)
    command.add_argument("--out", type=Path, required=True, help="the run folder")
    command.add_argument(
        "--resume",
        action="store_true",
        help="continue the run in --out with its own options, which may be repeated; more --steps lengthen it",
    )
    command.add_argument(
        "--queue", type=Path, metavar="FOLDER", help="wait for a place among the runs under this folder"
    )
    command.add_argument(
        "--at-most", type=int, default=1, metavar="N", help="with --queue, how many runs may go on at once (default: 1)"
    )
    command.add_argument(
        "--stop-with-parent",
        action="store_true",
        help="save and stop when standard input closes, as it does when a server ends",
    )
    command.add_argument(
        "--device", choices=DEVICES, default="auto", help="where to compute; auto: on a GPU if there is one"
    )
    data = command.add_argument_group("what to learn")
    data.add_argument("--task", choices=tuple(TASKS), default=GIVEN, help="a generated task")
    data.add_argument("--examples", type=int, default=GIVEN, help="number of examples to generate (default: 100000)")
    for name in ("source", "target", "valid-source", "valid-target"):
        data.add_argument(
            f"--{name}",
            nargs="+",
            metavar="FILE",
            default=GIVEN,
            help="one or more files in UTF-8, one sentence per line",
        )
    data.add_argument(
        "--augment",
        type=float,
        default=GIVEN,
        metavar="SHARE",
        help="share of the training pairs to repeat with the source as people type it: lower case, no final full "
        "stop, no apostrophes (default: 0)",
    )
    data.add_argument(
        "--names",
        type=float,
        default=GIVEN,
        metavar="SHARE",
        help="share of the English–French pairs naming Tom, John or Mary to repeat with a different name (default: 0)",
    )
    data.add_argument(
        "--start-from",
        default=GIVEN,
        metavar="NAME_OR_PATH",
        help="a checkpoint whose sizes, parameters and vocabulary the run begins with",
    )
    for title, config in (("the model", ModelConfig), ("the training", TrainConfig)):
        group = command.add_argument_group(title)
        for field in fields(config):
            kind = get_type_hints(config)[field.name]
            group.add_argument(
                f"--{field.name.replace('_', '-')}", type=kind, default=GIVEN, help=OPTION_HELP[field.name]
            )


def _translate(options: argparse.Namespace) -> int:
    from model.checkpoint import load_own
    from model.decoding.search import write
    from model.text.reading import split_lines, stream_lines

    checkpoint = load_own(options.checkpoint)
    if options.text is None:
        lines = stream_lines(sys.stdin.buffer, "standard input")
    else:
        lines = split_lines(os.fsencode(options.text), "the text") or [""]
    for number, line in enumerate(lines, start=1):  # one at a time, so that a person who types sees an answer
        if not line:
            print(flush=True)
            continue
        ((_, written),) = write(checkpoint, [line], options.beam)
        print(written.target, flush=True)
        for said in _left_out(written, checkpoint.config.max_len):
            print(f"note: line {number}: {said}", file=sys.stderr, flush=True)
    return 0


def _prepare(options: argparse.Namespace) -> int:
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


def _left_out(written: Written, max_len: int) -> Iterator[str]:
    """What a reader of the target would not know: that the text was not read to its end, or the target cut."""
    if written.source_dropped:
        yield f"the last {written.source_dropped} tokens were not read; the model reads at most {max_len}"
    if written.cut:
        yield (
            f"the target was cut after {written.n_tokens} tokens, the most allowed for this text; the model had not "
            "finished"
        )


def _evaluate(options: argparse.Namespace) -> int:
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


def _align(options: argparse.Namespace) -> int:
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


def _export(options: argparse.Namespace) -> int:
    from model.checkpoint import load
    from model.families.export import export

    export(load(options.checkpoint), options.to)
    print(f"written: {options.to}")
    return 0


def _texts(options: argparse.Namespace) -> tuple[list[str], list[list[str]]]:
    """The sources, and one or more lists of references.

    Raises:
        ValueError: neither files nor a task are given, or both, or a file cannot be used.
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


if __name__ == "__main__":
    sys.exit(main())
