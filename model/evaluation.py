"""How good a model is: the scores people compare, from the libraries people use to compare them."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

import numpy as np
from sacrebleu.metrics.bleu import BLEU
from sacrebleu.metrics.chrf import CHRF
from sacrebleu.significance import PairedTest, Result

from model.capture import capture
from model.checkpoint import Checkpoint
from model.text.augment import FINAL
from model.text.reading import Pair
from model.text.tasks import TASKS

CASUAL: Mapping[str, Callable[[str], str]] = MappingProxyType(
    {
        "as_written": str,
        "no_stop": lambda text: text.lower().rstrip(" .…") or text.lower(),
        "no_mark": lambda text: text.lower().rstrip(f" {FINAL}") or text.lower(),
    }
)
"""Ways to type a sentence: carefully; in lower case without a final full stop; without a final ``?`` or ``!``
either."""


def score(hypotheses: Sequence[str], *references: Sequence[str]) -> dict[str, float | int]:
    """Corpus scores: ``bleu`` (sacreBLEU, cased, 13a; Post 2018), ``bleu_lc`` (lowercased), ``chrf``
    (Popović 2015), ``exact_match`` in percent, and ``n``.

    Args:
        hypotheses: what the model wrote.
        references: one or more right answers to each text; matching any of them exactly counts as an exact match.

    Raises:
        ValueError: there is nothing to score, or hypotheses and references differ in number.
    """
    _require_as_many(hypotheses, references)
    right = sum(hypothesis in answers for hypothesis, *answers in zip(hypotheses, *references, strict=True))
    return {
        "bleu": BLEU().corpus_score(hypotheses, references).score,
        "bleu_lc": BLEU(lowercase=True).corpus_score(hypotheses, references).score,
        "chrf": CHRF().corpus_score(hypotheses, references).score,
        "exact_match": 100 * right / len(hypotheses),
        "n": len(hypotheses),
    }


def bleu_moses(language: str, hypotheses: Sequence[str], *references: Sequence[str]) -> float:
    """BLEU as papers on Multi30k report it: lowercased, punctuation normalised and tokenised by Moses (Koehn et al.
    2007), like the data set's own tokenised references; sacreBLEU then splits at spaces only.

    Raises:
        ValueError: there is nothing to score, the numbers differ, or sacremoses is not installed.
    """
    _require_as_many(hypotheses, references)
    try:
        from sacremoses import MosesPunctNormalizer, MosesTokenizer
    except ImportError as error:
        raise ValueError("Moses tokenisation needs the package sacremoses: pip install sacremoses") from error
    normalizer, tokenizer = MosesPunctNormalizer(lang=language), MosesTokenizer(lang=language)

    def tokenized(texts: Sequence[str]) -> list[str]:
        return [" ".join(tokenizer.tokenize(normalizer.normalize(text.lower()))) for text in texts]

    metric = BLEU(tokenize="none", force=True)  # force: no warning that the text looks tokenised
    return metric.corpus_score(tokenized(hypotheses), [tokenized(texts) for texts in references]).score


def bleu_words(hypotheses: Sequence[str], *references: Sequence[str]) -> float:
    """BLEU of the words alone, see :func:`words`.

    Raises:
        ValueError: there is nothing to score, or the numbers differ.
    """
    _require_as_many(hypotheses, references)
    plain = [[words(text) for text in texts] for texts in (hypotheses, *references)]
    return BLEU(tokenize="none").corpus_score(plain[0], plain[1:]).score


def words(text: str) -> str:
    """``text`` in lower case and with spaces for punctuation marks (Unicode category P)."""
    return " ".join("".join(" " if unicodedata.category(c)[0] == "P" else c for c in text.lower()).split())


def paired(ours: Sequence[str], theirs: Sequence[str], *references: Sequence[str]) -> dict[str, dict[str, float]]:
    """Two systems on the same texts, compared by sacreBLEU's paired bootstrap (Koehn 2004) with 1,000 samples.

    Returns:
        For ``bleu`` and ``chrf``: the score of each, half the width of its 95% confidence interval, and the p-value
        under the hypothesis of no difference (for two identical outputs sacreBLEU gives the smallest it can).

    Raises:
        ValueError: there is nothing to score, or the numbers differ.
    """
    _require_as_many(ours, [theirs, *references])
    test = PairedTest([("theirs", theirs), ("ours", ours)], {"bleu": BLEU(), "chrf": CHRF()}, references, "bs")
    found = {}
    for name, (theirs_result, ours_result) in zip(("bleu", "chrf"), list(test()[1].values())[1:], strict=True):
        assert isinstance(ours_result, Result)
        assert isinstance(theirs_result, Result)
        found[name] = {
            "ours": ours_result.score,
            "ours_ci": float(ours_result.ci or 0),
            "theirs": theirs_result.score,
            "theirs_ci": float(theirs_result.ci or 0),
            "p": float(ours_result.p_value or 0),
        }
    return found


def _require_as_many(hypotheses: Sequence[str], references: Sequence[Sequence[str]]) -> None:
    """
    Raises:
        ValueError: there is nothing to score, or the numbers differ.
    """
    if wrong := [len(texts) for texts in references if not hypotheses or len(texts) != len(hypotheses)]:
        raise ValueError(f"scores need as many hypotheses as references, but got {len(hypotheses)} and {wrong[0]}")
    if not references:
        raise ValueError("scores need at least one reference to each text")


def alignment(checkpoint: Checkpoint, pairs: Sequence[Pair]) -> dict[str, Any]:
    """The cross-attention head that looks most at the source position each target character is copied from.

    Rows are named by the token they write; the row that writes ``</s>`` copies nothing and is left out.

    Returns:
        ``layer`` and ``head`` (from 1) and ``weight``, the mean attention weight over all characters.

    Raises:
        ValueError: the checkpoint's task has no alignment, or its model no cross-attention.
    """
    task = TASKS.get(checkpoint.task)
    if task is None or task.alignment is None:
        raise ValueError(f"the task {checkpoint.task!r} does not say which source position a target position copies")
    total, count = np.zeros((1, 1)), 0
    for source, target in pairs:
        try:
            pattern = capture(checkpoint, source, target).map("cross").pattern
        except KeyError as error:
            raise ValueError(f"without cross-attention nothing shows what is copied from where: {error}") from error
        n = pattern.shape[2] - 1  # the last row writes </s>
        rows = np.arange(n)
        total = total + pattern[:, :, rows, [task.alignment(i, n) for i in rows]].sum(-1)
        count += n
    mean = total / count
    layer, head = np.unravel_index(mean.argmax(), mean.shape)
    return {"layer": int(layer) + 1, "head": int(head) + 1, "weight": float(mean[layer, head])}
