"""One head of a model from elsewhere, computed again by NumPy from what stood in its own pass."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, slots=True, kw_only=True)
class HeadPass:
    """What stood in the attention of one head during one pass.

    ``query`` is ``[query, d_head]``, ``key`` and ``value`` ``[key, d_head]``, as they are when scores are computed of
    them, so turned by their positions where a model does that. ``added`` ``[query, key]`` is what the scores get
    besides, a mask or a bias for distances; ``softcap`` bounds them before that; ``sink`` is the score of a learned
    sink. ``pattern`` ``[query, key]`` is the model's own, a column for the sink last where there is one.
    """

    query: np.ndarray
    key: np.ndarray
    value: np.ndarray
    scale: float
    added: np.ndarray | None
    softcap: float | None
    sink: float | None
    pattern: np.ndarray

    @property
    def scores(self) -> np.ndarray:
        """What softmax is of, float64 ``[query, key]``, without the sink; −inf where a mask forbids."""
        scores = self.scale * (self.query.astype(np.float64) @ self.key.astype(np.float64).T)
        if self.softcap is not None:
            scores = self.softcap * np.tanh(scores / self.softcap)
        if self.added is None:
            return scores
        forbidden = self.added <= np.finfo(np.float32).min / 2
        return np.where(forbidden, -np.inf, scores + self.added)

    @property
    def computed(self) -> np.ndarray:
        """The pattern by NumPy, float64 ``[query, key]``, the sink's column last."""
        scores = self.scores
        if self.sink is not None:
            scores = np.concatenate((scores, np.full((len(scores), 1), self.sink)), axis=1)
        exponents = np.exp(scores - scores.max(axis=1, keepdims=True))
        return exponents / exponents.sum(axis=1, keepdims=True)

    @property
    def difference(self) -> float:
        """The largest difference between the model's pattern and NumPy's."""
        return float(np.abs(self.computed - self.pattern).max())

    @property
    def formula(self) -> str:
        """How the weights come about, as LaTeX."""
        score = r"q_t^\top k_j" if self.scale == 1 else rf"\frac{{q_t^\top k_j}}{{{1 / self.scale:.4g}}}"
        if self.softcap is not None:
            score = rf"{self.softcap:.4g}\,\tanh\Bigl(\frac{{1}}{{{self.softcap:.4g}}}{score}\Bigr)"
        added = "" if self.added is None else "+b_{tj}"
        rest = "" if self.sink is None else rf"+e^{{{self.sink:.3g}}}"
        weight = rf"\frac{{e^{{s_{{tj}}}}}}{{\sum_{{j'}}e^{{s_{{tj'}}}}{rest}}}"
        return rf"s_{{tj}}={score}{added}\qquad \alpha_{{tj}}={weight}"
