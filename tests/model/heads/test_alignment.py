"""model/heads/alignment.py: error rates and shares by hand; words are joined from tokens; heads are told apart."""

import json
import math
from pathlib import Path

import numpy as np
import pytest
import torch

from model import checkpoint as checkpoints
from model.__main__ import main
from model.capture import capture
from model.checkpoint import Checkpoint
from model.config import MEANINGLESS
from model.heads import alignment
from model.heads.alignment import Looks, Truth, error_rates, look, read_truths
from model.heads.splitting import PLAIN, SPACED, word_numbers
from model.network.build import build
from model.text.tokenizer import Tokenizer
from tests.helpers import SENTENCES, save_words
from tests.model.helpers import shaken, tiny


def looks(best: list[list[list[int]]], weight: float = 1.0, source: str = "a b c", target: str = "x y z") -> Looks:
    found = np.array(best)
    return Looks(tuple(source.split()), tuple(target.split()), found, np.full(found.shape, weight, np.float32))


def test_error_rates_by_hand():
    truth = Truth(sure=frozenset({(0, 0), (1, 1)}), possible=frozenset({(0, 0), (1, 1), (1, 2)}))
    # All right: A = 3, A∩S = 2, A∩P = 3. One wrong, one of </s>: A = 2, A∩S = 1, A∩P = 1. No link: A = 0.
    found = error_rates([(looks([[[0, 1, 1], [0, 0, -1]], [[-1, -1, -1], [2, 2, 2]]]), truth)])
    np.testing.assert_allclose(found, [[1 - 5 / 5, 1 - 2 / 4], [1 - 0 / 2, 1 - 0 / 5]])


def test_error_rates_are_of_all_links_not_of_sentences():
    easy = looks([[[0]]], source="a", target="x"), Truth(frozenset({(0, 0)}), frozenset({(0, 0)}))
    hard = looks([[[2, 2, 2]]]), Truth(frozenset({(0, 0)}), frozenset({(0, 0)}))
    np.testing.assert_allclose(error_rates([easy, hard]), [[1 - 2 / (1 + 1 + 3 + 1)]])


def test_the_diagonal_knows_only_how_far_along_a_word_is():
    assert alignment.diagonal(looks([[[0, 0, 0]]])).links(0, 0) == {(0, 0), (1, 1), (2, 2)}
    assert alignment.diagonal(looks([[[0]]], target="x")).links(0, 0) == {(1, 0)}
    assert alignment.diagonal(looks([[[0, 0, 0, 0]]], source="a b", target="w x y z")).links(0, 0) == {
        *((0, 0), (0, 1), (1, 2), (1, 3))
    }
    assert alignment.diagonal(looks([[[0]]], source="", target="x")).links(0, 0) == set()


def test_links_as_the_file_gives_them(tmp_path: Path):
    file = tmp_path / "gold"
    file.write_text("1-2 3p1 11-1\n\n2p2\n", encoding="utf-8")
    first, second, third = read_truths(file)
    assert first.sure == {(0, 1), (10, 0)}
    assert first.possible == {(0, 1), (10, 0), (2, 0)}
    assert second == Truth(frozenset(), frozenset())
    assert (third.sure, third.possible) == (set(), {(1, 1)})
    for wrong in ("1-0", "1:2", "1-2-3", "-1-2"):
        file.write_text(f"1-1\n1-1 {wrong}\n", encoding="utf-8")
        with pytest.raises(ValueError, match=rf"gold, line 2: '{wrong}' is not a link; write 1-2 or 1p2"):
            read_truths(file)


def test_the_share_of_the_weight_that_is_in_a_dictionary():
    dictionary = {("the", "le"), ("dog", "chien")}
    one = Looks(
        ("The", "dog", "."),
        ("Le", "chien", "dort", "."),
        np.array([[[0, 1, -1, 2], [1, 1, 2, 0]]]),
        np.array([[[0.5, 0.75, 0.9, 1.0], [0.5, 0.25, 0.5, 1.0]]], np.float32),
    )
    found = alignment.dictionary_shares([one], dictionary)
    np.testing.assert_allclose(found, [[1.25 / 1.25, 0.25 / (0.5 + 0.25 + 0.5)]])
    # Of three source words one is right for “Le”, one for “chien”, none for “dort”; the full stop does not count.
    assert alignment.share_by_chance([one], dictionary) == pytest.approx((1 / 3 + 1 / 3 + 0) / 3)
    other = Looks(("a",), ("x",), np.array([[[0], [0]]]), np.array([[[1.0], [1.0]]], np.float32))
    both = alignment.dictionary_shares([one, other], dictionary)
    np.testing.assert_allclose(both, [[1.25 / 2.25, 0.25 / 2.25]])


def test_tokens_become_words():
    # Two layers of one head; words of the target: tokens 0 and 1, token 2; of the source: token 0, tokens 1 and 2.
    pattern = np.array(
        [
            [[[0.6, 0.2, 0.1, 0.1], [0.2, 0.3, 0.3, 0.2], [0.4, 0.3, 0.0, 0.3], [0.0, 0.0, 0.0, 1.0]]],
            [[[0.1, 0.2, 0.1, 0.6], [0.1, 0.3, 0.0, 0.6], [0.4, 0.3, 0.2, 0.1], [1.0, 0.0, 0.0, 0.0]]],
        ]
    )
    best, weight = alignment.strongest(pattern, np.array([0, 0, 1, -1]), np.array([0, 1, 1, -1]), 3, 2)
    np.testing.assert_array_equal(best, [[[1, 0, -1]], [[-1, 1, -1]]])
    np.testing.assert_allclose(weight, [[[0.45, 0.4, 0]], [[0.6, 0.5, 0]]], rtol=1e-6)


def test_a_head_that_copies_links_each_word_to_itself(tmp_path: Path):
    copying = save_words(tmp_path / "copying.safetensors")
    found = look(copying, SENTENCES[0], SENTENCES[0])
    assert found.source_words == found.target_words == tuple(PLAIN.findall(SENTENCES[0]))
    assert found.links(0, 0) == {(i, i) for i in range(len(found.source_words))}
    assert found.weight[0, 0].min() > 0.9
    truth = Truth(frozenset(found.links(0, 0)), frozenset(found.links(0, 0)))
    rates = error_rates([(found, truth)])
    assert rates[0, 0] == 0
    assert np.sort(rates, axis=None)[1] > 0.5  # the others have random patterns


@pytest.mark.parametrize("architecture", ["transformer", "lstm"])
def test_rows_are_those_of_the_token_written(architecture: str):
    tokenizer = Tokenizer.train(["the dog sees the dog", "der Hund sieht den Hund"] * 3, 283)
    torch.manual_seed(3)
    model = shaken(build(tiny(vocab_size=283, architecture=architecture, d_ff=38, **MEANINGLESS.get(architecture, {}))))
    model = model.eval().requires_grad_(False)
    checkpoint = Checkpoint(name="one", model=model, tokenizer=tokenizer, task="translate", training={}, digest="")
    source, target = "the dog", "der Hund"
    pattern = capture(checkpoint, source, target).map("cross").pattern
    keys, queries = (
        word_numbers(text, tokenizer.places(tokenizer.encode(text)), SPACED).tolist() for text in (source, target)
    )
    found = look(checkpoint, source, target, SPACED)
    for number in (0, 1):
        rows = pattern[:, :, [i for i, word in enumerate(queries) if word == number]].mean(2)
        sums = [rows[..., [i for i, word in enumerate(keys) if word == key]].sum(-1) for key in (0, 1)]
        sums.append(rows[..., -1])  # </s>
        expected = np.argmax(sums, axis=0)
        np.testing.assert_array_equal(found.best[..., number], np.where(expected == 2, -1, expected))
        np.testing.assert_allclose(found.weight[..., number], np.max(sums, axis=0), rtol=1e-5)


def test_a_model_without_cross_attention(characters: Tokenizer):
    model = build(tiny(vocab_size=len(characters), architecture="decoder")).eval().requires_grad_(False)
    checkpoint = Checkpoint(name="one", model=model, tokenizer=characters, task="copy", training={}, digest="")
    with pytest.raises(ValueError, match="without cross-attention no target word looks at a source word"):
        look(checkpoint, "a", "b")


@pytest.fixture
def files(tmp_path: Path) -> list[str]:
    save_words(tmp_path / "copying.safetensors")
    lines = "Two dogs run .\na red ball\nTwo dogs play with a red ball over the beach\n"
    (tmp_path / "text").write_text(lines, encoding="utf-8")
    (tmp_path / "links").write_text("1-1 2-2 3-3 4-4\n1-1 2-2 3p3\n9-9\n", encoding="utf-8")
    checkpoint, text = tmp_path / "copying.safetensors", tmp_path / "text"
    return ["align", f"--checkpoint={checkpoint}", f"--source={text}", f"--target={text}"]


def test_the_command(files: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    learn = [f"--learn-{side}={tmp_path / 'text'}" for side in ("source", "target")]
    assert main([*files, "--longest", "5", f"--links={tmp_path / 'links'}", *learn]) == 0
    printed = json.loads(capsys.readouterr().out)
    assert printed["n"] == 2
    assert printed["error_rate"]["best"] == {"layer": 1, "head": 1, "value": 0}
    assert np.shape(printed["error_rate"]["by_layer_and_head"]) == (2, 3)
    shares = printed["in_dictionary"]
    assert (shares["best"]["layer"], shares["best"]["head"]) == (1, 1)
    assert 0 < shares["by_chance"] < shares["best"]["value"] <= 1
    copying = checkpoints.load(tmp_path / "copying.safetensors")
    seen = [look(copying, text, text, SPACED) for text in ("Two dogs run .", "a red ball")]
    truths = read_truths(tmp_path / "links")[:2]
    rates = error_rates(zip(seen, truths, strict=True))
    assert printed["error_rate"]["of_the_diagonal"] == 0
    np.testing.assert_allclose(printed["error_rate"]["by_layer_and_head"], rates)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "give --links, or --learn-source and --learn-target"),
        (("--learn-source=TEXT",), "give --links, or --learn-source and --learn-target"),
        (("--links=TEXT",), "'Two' is not a link"),
        (("--links=LINKS", "--longest=2"), "has 2 words or fewer on each side"),
        (("--links=SHORT",), "short has 1 lines, but"),
    ],
)
def test_what_cannot_be_aligned(
    arguments: tuple[str, ...], message: str, files: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    (tmp_path / "short").write_text("1-1\n", encoding="utf-8")
    given = [one.replace("TEXT", str(tmp_path / "text")).replace("LINKS", str(tmp_path / "links")) for one in arguments]
    assert main([*files, *(one.replace("SHORT", str(tmp_path / "short")) for one in given)]) == 2
    assert message in capsys.readouterr().err


def test_undefined_values_are_none():
    assert alignment.by_head(np.full((1, 2), np.nan), best=1) == {"best": None, "by_layer_and_head": [[None, None]]}
    found = alignment.by_head(np.array([[math.nan, 0.5], [0.25, 0.75]]), best=-1)
    assert found["best"] == {"layer": 2, "head": 1, "value": 0.25}
    assert found["by_layer_and_head"] == [[None, 0.5], [0.25, 0.75]]
