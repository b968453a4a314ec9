"""Our models as folders of Hugging Face: opened by `transformers` they have the same ids, patterns and outputs."""

from __future__ import annotations

import itertools
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from transformers import AutoModelForCausalLM, AutoModelForSeq2SeqLM, AutoTokenizer

from model import checkpoint
from model.__main__ import main
from model.capture import capture
from model.checkpoint import Checkpoint
from model.config import ModelConfig
from model.families.export import ALIKE, export
from model.network.build import build
from model.text.tokenizer import BOS_ID, EOS_ID, Tokenizer
from model.trace import Kind, Trace

TOLERANCE = 1e-5
CONFIG = ModelConfig(vocab_size=283, n_layers=2, n_heads=3, d_model=42, d_ff=53, max_len=37, dropout=0.0)
TEXTS = ["She has already left.", "", "a", "l'été à Noël", "</s> is typed", "one two three four five six seven " * 3]
SHIPPED = [
    name
    for name in checkpoint.pretrained()
    if (known := checkpoint.load(name).config).positional in ALIKE and known.architecture != "lstm"
]


def made(**changes: Any) -> Checkpoint:
    """A model with random weights, none of them as if it were not there."""
    torch.manual_seed(23)
    model = build(replace(CONFIG, **changes)).eval().requires_grad_(False)
    for parameter in model.parameters():
        parameter += 0.05 * torch.randn_like(parameter)
    tokenizer = Tokenizer.train(TEXTS, CONFIG.vocab_size)
    return Checkpoint(name="mine", model=model, tokenizer=tokenizer, task="translate", training={}, digest="")


def same_probabilities(logits: torch.Tensor, trace: Trace) -> None:
    assert trace.probabilities is not None
    found = logits.softmax(-1)[range(len(trace.predicted_ids)), list(trace.predicted_ids)]
    np.testing.assert_allclose(found.numpy(), trace.probabilities, atol=TOLERANCE)


def same(ours: Checkpoint, folder: Path, text: str) -> None:
    """The model in the folder, opened by `transformers` alone, does what ours does with a text."""
    tokenizer = AutoTokenizer.from_pretrained(folder)
    trace = capture(ours, text)
    ids = tokenizer(text, truncation=True, return_tensors="pt").input_ids
    assert tuple(ids[0].tolist()) == trace.source_ids
    model: Any = AutoModelForSeq2SeqLM.from_pretrained(folder, attn_implementation="eager").eval()
    fed = torch.tensor([[BOS_ID, *trace.predicted_ids[:-1]]])
    with torch.no_grad():
        out = model(input_ids=ids, decoder_input_ids=fed, output_attentions=True)
    by_kind: dict[Kind, Any] = {
        "encoder": out.encoder_attentions,
        "decoder": out.decoder_attentions,
        "cross": out.cross_attentions,
    }
    for kind, layers in by_kind.items():
        np.testing.assert_allclose(torch.cat(layers).numpy(), trace.map(kind).pattern, atol=TOLERANCE)
    same_probabilities(out.logits[0], trace)
    limit = min(2 * ids.size(1) + 16, ours.config.max_len)
    written = model.generate(input_ids=ids, max_new_tokens=limit, max_length=None)[0, 1:].tolist()
    assert tuple(written) == trace.predicted_ids
    assert tokenizer.decode(written, skip_special_tokens=True).strip() == trace.target.strip()


@pytest.mark.parametrize("norm", ["post", "pre"])
@pytest.mark.parametrize("positional", ALIKE)
@pytest.mark.parametrize("activation", ["relu", "gelu"])
def test_an_encoder_and_a_decoder(norm: str, positional: str, activation: str, tmp_path: Path):
    ours = made(norm=norm, positional=positional, activation=activation)
    export(ours, tmp_path / "out")
    for text in TEXTS:
        same(ours, tmp_path / "out", text)


@pytest.mark.parametrize("name", SHIPPED)
def test_those_that_ship(name: str, tmp_path: Path):
    ours = checkpoint.load(name)
    export(ours, tmp_path / "out")
    theirs = checkpoint.load(tmp_path / "out")
    for text in ("A little girl in a blue dress is playing in the green grass.", "3 May 2019", "abcabc"):
        one, other = capture(ours, text), capture(theirs, text)
        assert one.source_ids == other.source_ids
        assert one.predicted_ids == other.predicted_ids
        assert [shown.kind for shown in one.maps] == [shown.kind for shown in other.maps]
        for mine, its in zip(one.maps, other.maps, strict=True):
            np.testing.assert_allclose(mine.pattern, its.pattern, atol=TOLERANCE)
            assert mine.key_tokens == its.key_tokens
            assert mine.predicted_tokens == its.predicted_tokens


@pytest.mark.parametrize(
    ("norm", "positional"), [*itertools.product(["post", "pre"], ALIKE), ("pre", "rotary")], ids=str
)
@pytest.mark.parametrize("activation", ["relu", "gelu"])
def test_a_decoder_alone(norm: str, positional: str, activation: str, tmp_path: Path):
    ours = made(architecture="decoder", norm=norm, positional=positional, activation=activation)
    folder = tmp_path / "out"
    export(ours, folder)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    model: Any = AutoModelForCausalLM.from_pretrained(folder, attn_implementation="eager").eval()
    for text in TEXTS[:5]:
        trace = capture(ours, text)
        ids = tokenizer(text, return_tensors="pt").input_ids
        assert ids[0].tolist() == [BOS_ID, *trace.source_ids[:-1], BOS_ID]  # what our decoder reads before it writes
        whole = torch.tensor([[*ids[0].tolist(), *trace.predicted_ids[:-1]]])
        with torch.no_grad():
            out = model(input_ids=whole, output_attentions=True)
        np.testing.assert_allclose(torch.cat(out.attentions).numpy(), trace.map("decoder").pattern, atol=TOLERANCE)
        same_probabilities(out.logits[0, ids.size(1) - 1 :], trace)
        limit = min(2 * len(trace.source_ids) + 16, ours.config.max_len)
        written = model.generate(
            input_ids=ids, attention_mask=torch.ones_like(ids), max_new_tokens=limit, max_length=None
        )
        assert tuple(written[0, ids.size(1) :].tolist()) == trace.predicted_ids


@pytest.mark.parametrize("positional", ["rotary", "alibi", "relative"])
@pytest.mark.parametrize("architecture", ["transformer", "decoder"])
def test_encodings_that_no_such_architecture_has(positional: str, architecture: str, tmp_path: Path):
    with pytest.raises(ValueError, match=f"nothing was written. Its positional encoding, '{positional}', ") as refused:
        export(made(positional=positional, architecture=architecture), tmp_path / "out")
    known = {"rotary": "GPT-NeoX", "alibi": "BLOOM, MPT and Falcon", "relative": "T5"}
    assert known[positional] in str(refused.value)
    assert not (tmp_path / "out").exists()


def test_an_lstm(tmp_path: Path):
    with pytest.raises(ValueError, match="lstm-dates is an LSTM"):
        export(checkpoint.load("lstm-dates"), tmp_path / "out")


def test_a_folder_that_holds_something(tmp_path: Path):
    (tmp_path / "mine").touch()
    with pytest.raises(ValueError, match="already exists"):
        export(made(), tmp_path)


def test_from_the_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    assert main(["export", "--checkpoint", "reverse", "--to", str(tmp_path / "out")]) == 0
    assert checkpoint.load(tmp_path / "out").config.n_layers == checkpoint.load("reverse").config.n_layers
    assert main(["export", "--checkpoint", "reverse", "--to", str(tmp_path / "out")]) == 2
    assert "already exists" in capsys.readouterr().err


def test_the_end_of_a_text_is_one_token(tmp_path: Path):
    export(made(), tmp_path / "out")
    assert AutoTokenizer.from_pretrained(tmp_path / "out")("").input_ids == [EOS_ID]


def test_commands_that_need_a_model_of_ours(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    export(made(), tmp_path / "out")
    folder, texts = str(tmp_path / "out"), tmp_path / "texts"
    texts.write_text("one two\n")
    both = ["--source", str(texts), "--target", str(texts)]
    for command in (
        ["translate", "--checkpoint", folder, "one"],
        ["evaluate", "--checkpoint", folder, "--task", "reverse", "--examples", "2"],
        ["align", "--checkpoint", folder, *both, *(one.replace("--", "--learn-") for one in both)],
        ["train", "--task", "reverse", "--start-from", folder, "--out", str(tmp_path / "run"), "--steps", "1"],
        ["export", "--checkpoint", folder, "--to", str(tmp_path / "again")],
    ):
        assert main(command) == 2
        said = capsys.readouterr().err
        assert "was not trained by Headlight" in said or "is not one of Headlight's own" in said
