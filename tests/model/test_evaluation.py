"""model/evaluation.py: scores are sacreBLEU's, and the aligned head is the one that is aligned."""

import json
from types import SimpleNamespace

import numpy as np
import pytest
import sacrebleu

from model import evaluation
from model.capture import capture
from model.checkpoint import Checkpoint
from model.evaluation import CASUAL, alignment, bleu_moses, bleu_words, paired, score, words
from model.network.transformer import Transformer
from model.text.tokenizer import Tokenizer
from tests.model.helpers import tiny

HYPOTHESES = [
    "Une petite fille en robe bleue joue dans l'herbe verte.",
    "Un homme joue de la guitare ,",
    "deux chiens courent sur la plage",
]
REFERENCES = [
    "Une petite fille en robe bleue joue dans l'herbe verte.",
    "Un homme en noir joue de la guitare.",
    "Deux chiens courent sur la plage",
]


def test_scores_are_those_of_sacrebleu():
    found = score(HYPOTHESES, REFERENCES)
    bleu = sacrebleu.corpus_bleu(HYPOTHESES, [REFERENCES], tokenize="13a", lowercase=False).score
    assert found["bleu"] == bleu
    assert found["bleu_lc"] == sacrebleu.corpus_bleu(HYPOTHESES, [REFERENCES], lowercase=True).score
    assert found["chrf"] == sacrebleu.corpus_chrf(HYPOTHESES, [REFERENCES]).score
    assert 0 < found["bleu"] < found["bleu_lc"] < 100
    assert found["exact_match"] == pytest.approx(100 / 3)
    assert found["n"] == 3
    assert list(found) == ["bleu", "bleu_lc", "chrf", "exact_match", "n"]


def test_a_perfect_score():
    found = score(REFERENCES, REFERENCES)
    assert found == pytest.approx({"bleu": 100, "bleu_lc": 100, "chrf": 100, "exact_match": 100, "n": 3})


def test_several_references():
    others = ["Une fillette joue.", "Un homme joue de la guitare ,", "Deux chiens courent à la plage."]
    found = score(HYPOTHESES, REFERENCES, others)
    assert (
        found["bleu"]
        == sacrebleu.corpus_bleu(HYPOTHESES, [REFERENCES, others]).score
        > score(HYPOTHESES, REFERENCES)["bleu"]
    )
    assert found["chrf"] == sacrebleu.corpus_chrf(HYPOTHESES, [REFERENCES, others]).score
    assert (found["exact_match"], found["n"]) == (pytest.approx(200 / 3), 3)
    with pytest.raises(ValueError, match="as many hypotheses as references, but got 3 and 2"):
        score(HYPOTHESES, REFERENCES, others[:2])


def test_the_papers_metric_is_bleu_of_what_moses_writes():
    hypotheses = ["L’eau, c'est « froid »!", "Aujourd'hui il fait 3,5 degrés à St-Malo.", "Un homme (en noir) rit..."]
    references = ["L'eau est froide!", "Il fait 3,5 degrés à St-Malo aujourd'hui.", "Un homme en noir rit."]
    # By the rules of tokenizer.perl -l fr: an apostrophe goes to the left, marks stand alone, special ones are escaped.
    by_moses = [
        "l&apos; eau , c&apos; est &quot; froid &quot; !",
        "aujourd&apos; hui il fait 3,5 degrés à st-malo .",
        "un homme ( en noir ) rit ...",
    ]
    right = ["l&apos; eau est froide !", "il fait 3,5 degrés à st-malo aujourd&apos; hui .", "un homme en noir rit ."]
    expected = sacrebleu.corpus_bleu(by_moses, [right], tokenize="none", force=True).score
    assert bleu_moses("fr", hypotheses, references) == pytest.approx(expected)
    assert bleu_moses("fr", hypotheses, references, hypotheses) == pytest.approx(100)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("C'est l'été, Tom !", "c est l été tom"),
        ("« Oui », dit-elle…", "oui dit elle"),
        ("Il a 3 € ?", "il a 3 €"),
        ("...", ""),
    ],
)
def test_words_are_without_case_and_punctuation(text: str, expected: str):
    assert words(text) == expected


def test_words_alone_are_scored():
    references = ["où est la gare", "l’ami de tom est ici"]
    assert bleu_words(["Où est la gare ?", "L'ami de Tom est ici."], references) == pytest.approx(100)
    assert score(["Où est la gare ?", "L'ami de Tom est ici."], references)["bleu"] < 50


@pytest.mark.parametrize(
    ("text", "no_stop", "no_mark"),
    [
        ("I am Tom.", "i am tom", "i am tom"),
        ("Who? You?", "who? you?", "who? you"),
        ("Wait ...", "wait", "wait"),
        ("Stop !", "stop !", "stop"),
        ("...", "...", "..."),
        ("3.5", "3.5", "3.5"),
    ],
)
def test_what_people_leave_out(text: str, no_stop: str, no_mark: str):
    typed = {name: type_(text) for name, type_ in CASUAL.items()}
    assert typed == {"as_written": text, "no_stop": no_stop, "no_mark": no_mark}


def test_the_paired_test_is_sacrebleu_s():
    references = [f"le chat numéro {i} dort sur la table de la cuisine" for i in range(41)]
    good = [text.replace("la cuisine", "cuisine") if i % 3 == 0 else text for i, text in enumerate(references)]
    bad = [text.replace("dort sur", "est à") if i % 2 == 0 else text for i, text in enumerate(references)]
    found = paired(good, bad, references)
    assert json.loads(json.dumps(found)) == found
    for name, metric in (("bleu", sacrebleu.corpus_bleu), ("chrf", sacrebleu.corpus_chrf)):
        assert found[name]["ours"] == pytest.approx(metric(good, [references]).score)
        assert found[name]["theirs"] == pytest.approx(metric(bad, [references]).score)
        assert found[name]["p"] < 0.05
        assert 0 < found[name]["ours_ci"] < found[name]["theirs_ci"]
    elsewhere = [text.replace("la cuisine", "cuisine") if i % 3 == 1 else text for i, text in enumerate(references)]
    assert paired(good, elsewhere, references)["bleu"]["p"] > 0.05


def test_case_and_spaces_count_for_an_exact_match():
    assert score(["a", "b ", "C"], ["a", "b", "c"])["exact_match"] == pytest.approx(100 / 3)


def test_hypotheses_and_references_are_not_mixed_up():
    short, long = ["the dog runs to me"], ["the dog runs to me and then away again"]
    assert score(short, long)["bleu"] == sacrebleu.corpus_bleu(short, [long]).score
    assert score(short, long)["bleu"] != pytest.approx(score(long, short)["bleu"])


@pytest.mark.parametrize(("n_hypotheses", "n_references"), [(0, 0), (2, 3), (3, 2), (1, 0)])
def test_what_cannot_be_scored(n_hypotheses: int, n_references: int):
    with pytest.raises(
        ValueError, match=f"as many hypotheses as references, but got {n_hypotheses} and {n_references}"
    ):
        score(HYPOTHESES[:n_hypotheses], REFERENCES[:n_references])


@pytest.fixture
def checkpoint(characters: Tokenizer) -> Checkpoint:
    model = Transformer(tiny(vocab_size=len(characters))).eval()
    return Checkpoint(name="random", model=model, tokenizer=characters, task="reverse", training={}, digest="")


def by_hand(task: str, weights: dict[tuple[int, int], float], monkeypatch: pytest.MonkeyPatch) -> None:
    """Instead of a model: head (layer, head) puts its weight on the true position, the rest on the end marker."""

    def pretend(_: Checkpoint, source: str, target: str) -> SimpleNamespace:
        n = len(source)
        assert len(target) == n
        pattern = np.zeros((2, 3, n + 1, n + 1), dtype=np.float32)  # the last row and column are </s>
        pattern[:, :, n, 0] = 1
        for row in range(n):
            true = {"copy": row, "reverse": n - 1 - row}[task]
            for (layer, head), weight in weights.items():
                pattern[layer, head, row, true] = weight
                pattern[layer, head, row, n] = 1 - weight
        return SimpleNamespace(map={"cross": SimpleNamespace(pattern=pattern)}.__getitem__)

    monkeypatch.setattr(evaluation, "capture", pretend)


@pytest.mark.parametrize("task", ["copy", "reverse"])
def test_the_aligned_head_is_found(checkpoint: Checkpoint, task: str, monkeypatch: pytest.MonkeyPatch):
    by_hand(task, {(0, 0): 0.5, (0, 2): 0.25, (1, 1): 0.75, (1, 2): 0.625}, monkeypatch)
    described = Checkpoint(
        name="", model=checkpoint.model, tokenizer=checkpoint.tokenizer, task=task, training={}, digest=""
    )
    pairs = [("abcd", "dcba"), ("xy", "yx"), ("z", "z")]
    assert alignment(described, pairs) == {"layer": 2, "head": 2, "weight": 0.75}


def test_every_character_counts_the_same(checkpoint: Checkpoint, monkeypatch: pytest.MonkeyPatch):
    def pretend(_: Checkpoint, source: str, target: str) -> SimpleNamespace:
        n = len(source)
        pattern = np.zeros((2, 3, n + 1, n + 1), dtype=np.float32)
        pattern[0, 1, range(n), range(n - 1, -1, -1)] = 1.0 if n == 3 else 0.0
        return SimpleNamespace(map=lambda kind: SimpleNamespace(pattern=pattern))

    monkeypatch.setattr(evaluation, "capture", pretend)
    assert alignment(checkpoint, [("abc", "cba"), ("z", "z")])["weight"] == pytest.approx(3 / 4)


def test_alignment_reads_the_model_s_own_pattern(checkpoint: Checkpoint):
    source, target = "abcde", "edcba"
    cross = capture(checkpoint, source, target).map("cross").pattern
    expected = np.stack([cross[:, :, row, 4 - row] for row in range(5)]).mean(0)
    found = alignment(checkpoint, [(source, target)])
    assert found["weight"] == pytest.approx(float(expected.max()))
    assert expected[found["layer"] - 1, found["head"] - 1] == expected.max()


@pytest.mark.parametrize("task", ["sort", "dates", "translate", "fly"])
def test_a_task_without_alignment(checkpoint: Checkpoint, task: str):
    other = Checkpoint(
        name="", model=checkpoint.model, tokenizer=checkpoint.tokenizer, task=task, training={}, digest=""
    )
    with pytest.raises(ValueError, match=f"the task '{task}' does not say which source position"):
        alignment(other, [("ab", "ba")])
