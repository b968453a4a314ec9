"""Models of Hugging Face: the patterns of each family are those that `transformers` gives, labels are for people."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from model.capture import capture
from model.checkpoint import Checkpoint, load
from model.network.capabilities import Capability
from model.text.tokenizer import joined
from tests.model.families.folders import FAMILIES, TEXT, TEXTS, make

ROOT = Path(__file__).parents[3]
TOLERANCE = 1e-5
Opened = tuple[Checkpoint, Any]


@pytest.fixture(scope="module", params=FAMILIES)
def family(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture(scope="module")
def opened(family: str, tmp_path_factory: pytest.TempPathFactory) -> Opened:
    path = tmp_path_factory.mktemp("folder") / family.replace(" ", "-")
    theirs = make(path, family)
    return load(path), theirs


@torch.no_grad()
def known(
    theirs: Any, checkpoint: Checkpoint, ids: tuple[int, ...], target: tuple[int, ...] = ()
) -> dict[str, np.ndarray]:
    """The patterns by the library's own eager attention."""
    options: dict[str, Any] = {"input_ids": torch.tensor([ids]), "output_attentions": True}
    if target:
        options["decoder_input_ids"] = torch.tensor([target])
    out = theirs(**options)
    names = {"encoder": "encoder_attentions", "decoder": "decoder_attentions", "cross": "cross_attentions"}
    names = names if target else {capture(checkpoint, "a").kinds[0]: "attentions"}
    return {kind: torch.cat(out[name]).numpy() for kind, name in names.items()}


def test_patterns_are_those_of_the_library(opened: Opened):
    checkpoint, theirs = opened
    for text in (TEXT, "a", " ".join(TEXTS)):
        trace = capture(checkpoint, text)
        assert len(trace.source_ids) <= checkpoint.config.max_len
        target = (theirs.config.decoder_start_token_id, *trace.predicted_ids[:-1]) if "cross" in trace.kinds else ()
        for kind, expected in known(theirs, checkpoint, trace.source_ids, target).items():
            shown = trace.map(kind)  # type: ignore[arg-type]
            found = shown.pattern[..., : len(shown.looked_at)]
            np.testing.assert_allclose(found, expected, atol=TOLERANCE)
            np.testing.assert_array_equal(found == 0, expected == 0)  # masks and windows are exactly 0
            np.testing.assert_allclose(shown.pattern.sum(-1), 1, atol=TOLERANCE)


def test_labels_spell_the_text(opened: Opened, family: str):
    checkpoint, _ = opened
    labels = capture(checkpoint, TEXT).maps[0].looked_at
    special = set(checkpoint.tokenizer.inner.all_special_tokens)  # type: ignore[attr-defined]
    spelt = joined(label for label in labels if label not in special - {"[UNK]"}).removeprefix(" ")
    if '"WordPiece"' in checkpoint.tokenizer.inner.backend_tokenizer.to_str():  # type: ignore[attr-defined]
        assert spelt.startswith("she has already left. we don't have a white car; l'ete,")  # as it reads them
    else:
        assert spelt == TEXT
    assert not any(debris in label for label in labels for debris in ("Ġ", "▁", "##", "Ã", "<0x"))


def test_what_it_can(opened: Opened):
    checkpoint, _ = opened
    trace = capture(checkpoint, TEXT)
    kinds = {"both": ("encoder", "decoder", "cross")}.get(checkpoint.elsewhere.shape, (checkpoint.elsewhere.shape,))  # type: ignore[union-attr]
    assert trace.kinds == kinds
    assert (Capability.WRITING in checkpoint.model.can) == ("decoder" in kinds)
    if trace.kinds == ("decoder",):
        assert not trace.predicted_ids  # it goes on only when asked
        assert not trace.maps[0].pattern[..., ~np.tri(*trace.maps[0].pattern.shape[2:], dtype=bool)][
            ..., :-1
        ].any() or (trace.maps[0].n_sinks)


def test_next_tokens_and_masks(opened: Opened, family: str):
    checkpoint, theirs = opened
    mask = checkpoint.tokenizer.mask if checkpoint.elsewhere.shape == "encoder" else None  # type: ignore[union-attr, attr-defined]
    trace = capture(checkpoint, f"She has {mask} left." if mask else "She has already")
    if checkpoint.elsewhere.shape == "both" or family == "bert base":  # type: ignore[union-attr]
        assert trace.guesses == ()
        return
    (guess,) = trace.guesses
    place = trace.source_ids.index(checkpoint.tokenizer.mask_id) if mask else len(trace.source_ids) - 1  # type: ignore[attr-defined]
    assert guess.row == place
    with torch.no_grad():
        expected = theirs(input_ids=torch.tensor([trace.source_ids])).logits[0, place].softmax(-1)
    best, ids = expected.topk(len(guess.ids))
    assert guess.ids == tuple(ids.tolist())
    np.testing.assert_allclose(guess.probabilities, best, atol=TOLERANCE)
    assert guess.labels == checkpoint.tokenizer.labels(guess.ids)


def test_it_goes_on_as_the_library_does(opened: Opened):
    checkpoint, theirs = opened
    if Capability.WRITING not in checkpoint.model.can:
        pytest.skip("it does not write")
    both = checkpoint.elsewhere.shape == "both"  # type: ignore[union-attr]
    trace = capture(checkpoint, "She has already", more=9)
    most = min(checkpoint.config.max_len, 2 * len(trace.source_ids) + 16) if both else 9
    end, pad = checkpoint.tokenizer.inner.eos_token_id, checkpoint.tokenizer.pad_id  # type: ignore[attr-defined]
    ids = torch.tensor([trace.source_ids])
    with torch.no_grad():  # step by step, without a cache
        written = torch.tensor([[theirs.config.decoder_start_token_id]]) if both else ids
        for _ in range(most):
            given = {"input_ids": ids, "decoder_input_ids": written} if both else {"input_ids": written}
            logits = theirs(**given).logits[:, -1]
            logits[:, pad] = -torch.inf
            written = torch.cat((written, logits.argmax(-1, keepdim=True)), dim=1)
            if written[0, -1] == end:
                break
    expected = written[0, 1 if both else ids.size(1) :].tolist()
    assert list(trace.predicted_ids) == expected
    assert trace.target_cut == (both and expected[-1] != end)  # what was asked for is not cut
    assert trace.probabilities is not None
    likely = checkpoint.elsewhere.likely(trace.source_ids, trace.predicted_ids)  # type: ignore[union-attr]
    picked = likely[torch.arange(len(expected)), torch.tensor(expected)].exp()
    np.testing.assert_allclose(trace.probabilities, picked, atol=TOLERANCE)
    assert trace.maps[-1].predicted_tokens is not None
    assert trace.maps[-1].predicted_tokens[-len(expected) :] == checkpoint.tokenizer.labels(expected)
    again = capture(checkpoint, "She has already", prefix=trace.predicted_ids[:3], more=9)
    assert again.predicted_ids == trace.predicted_ids
    assert again.n_forced == 3


def test_a_target_is_followed(opened: Opened):
    checkpoint, _ = opened
    trace = capture(checkpoint, "She has already", "left the car")
    if checkpoint.elsewhere.shape == "encoder":  # type: ignore[union-attr]
        assert "left" in joined(trace.maps[0].looked_at)  # the second of two texts
        elsewhere: Any = checkpoint.elsewhere
        first, second = elsewhere.parts("She has already", "left the car")
        for (start, end), text in ((first, "She has already"), (second, "left the car")):
            assert joined(trace.maps[0].looked_at[start:end]).strip().lower() == text.lower()
        return
    assert trace.teacher_forced
    assert trace.target.strip() == "left the car"
    assert trace.n_forced == len(trace.predicted_ids)


def test_what_is_too_long_is_left_out(opened: Opened):
    checkpoint, _ = opened
    if checkpoint.config.max_len > 100:
        pytest.skip("it has no limit to speak of")
    trace = capture(checkpoint, "one two three four " * 40)
    assert len(trace.source_ids) == checkpoint.config.max_len
    assert trace.source_dropped > 0
    assert trace.maps[0].pattern.shape[2] >= checkpoint.config.max_len


@pytest.mark.parametrize(
    "text", ["", " ", "\ud83d", "a\nb\tc", "[MASK] <s> </s> ##x ▁y Ġz", "🏴󠁧󠁢󠁥󠁮󠁧󠁿👩‍👩‍👧", "אבג", "a" * 500]
)
def test_any_text_is_read(opened: Opened, text: str):
    checkpoint, _ = opened
    trace = capture(checkpoint, text)
    assert all(one.pattern.shape[2] for one in trace.maps)


def test_heads_share_keys(opened: Opened, family: str):
    checkpoint, _ = opened
    expected = 2 if FAMILIES[family][2].get("num_key_value_heads") else checkpoint.config.n_heads
    assert checkpoint.config.n_key_heads == expected  # type: ignore[attr-defined]


NO_QUERIES = ("deberta", "bloom")


def test_numpy_computes_each_head_again(opened: Opened, family: str):
    checkpoint, _ = opened
    trace = capture(checkpoint, TEXT, more=5)
    elsewhere: Any = checkpoint.elsewhere
    for shown in trace.maps:
        for layer in range(shown.n_layers):
            for head in range(shown.n_heads):
                if family.startswith(NO_QUERIES):
                    with pytest.raises(ValueError, match="not the queries and keys"):
                        elsewhere.head(trace, shown.kind, layer, head)
                    continue
                found = elsewhere.head(trace, shown.kind, layer, head)
                np.testing.assert_allclose(found.pattern, shown.pattern[layer, head], atol=TOLERANCE)
                assert found.difference < TOLERANCE
                assert found.query.shape[0] == len(shown.query_tokens)
                assert found.key.shape[0] == len(shown.looked_at)


@pytest.mark.parametrize("family", ["bert", "roberta", "electra"], indirect=True)
def test_a_pair_is_computed_again(opened: Opened, family: str):
    checkpoint, _ = opened
    elsewhere: Any = checkpoint.elsewhere
    for second in (None, "left the car"):
        trace = capture(checkpoint, "She has already", second)
        found = elsewhere.head(trace, "encoder", 1, 2)
        np.testing.assert_allclose(found.pattern, trace.map("encoder").pattern[1, 2], atol=TOLERANCE)
        assert found.difference < TOLERANCE


def test_transformers_is_not_loaded_before_a_model_of_it_is_opened():
    code = (
        "import sys\n"
        "from model.capture import capture\n"
        "from model.checkpoint import load\n"
        "import model.families.huggingface, model.families.recorded\n"
        "capture(load('reverse'), 'abc')\n"
        "print('transformers' in sys.modules)"
    )
    ran = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "False"


def test_the_app_starts_without_transformers():
    code = "import sys\nfrom tests.viz.helpers import app_on, ran\nran(app_on())\nprint('transformers' in sys.modules)"
    started = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert started.stdout.strip() == "False"


def test_layers_without_attention_are_counted(opened: Opened, family: str):
    checkpoint, theirs = opened
    hybrid = {"lfm2": (2, 5), "jamba": (2, 5)}
    for one in capture(checkpoint, TEXT).maps:
        assert one.layer_numbers == hybrid.get(family, ())
    if family in hybrid:
        assert checkpoint.elsewhere.card()["Layers"] == "5, of which 2, 5 have attention"  # type: ignore[union-attr]
        kept = {int(name.split(".")[2]) + 1 for name, _ in theirs.named_parameters() if "self_attn" in name}
        assert kept == set(hybrid[family])
