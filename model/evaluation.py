"""How good a model is: the scores people compare, by the libraries people compare with."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from sacrebleu.metrics.bleu import BLEU
from sacrebleu.metrics.chrf import CHRF

from model.capture import capture
from model.checkpoint import Checkpoint
from model.text.reading import Pair
from model.text.tasks import TASKS


def score(hypotheses: Sequence[str], references: Sequence[str]) -> dict[str, float | int]:
    """Corpus scores: ``bleu`` (sacreBLEU, cased, 13a; Post 2018), ``bleu_lc`` (lowercased), ``chrf``
    (Popović 2015), ``exact_match`` in percent, and ``n``.

    Raises:
        ValueError: there is nothing to score, or the two differ in length.
    """
    if not references or len(hypotheses) != len(references):
        raise ValueError(
            f"scores need as many hypotheses as references, but got {len(hypotheses)} and {len(references)}"
        )
    right = sum(hypothesis == reference for hypothesis, reference in zip(hypotheses, references, strict=True))
    return {
        "bleu": BLEU().corpus_score(hypotheses, [references]).score,
        "bleu_lc": BLEU(lowercase=True).corpus_score(hypotheses, [references]).score,
        "chrf": CHRF().corpus_score(hypotheses, [references]).score,
        "exact_match": 100 * right / len(references),
        "n": len(references),
    }


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
