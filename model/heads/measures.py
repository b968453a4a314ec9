"""What a head does, in numbers and in words; NumPy only.

Every measure is a ratio of two sums over the rows of a pattern, so that over many texts the sums add up: each
row counts once, whichever text it is from. :mod:`model.heads.rows` says which rows count.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np

from model.heads import rows as of
from model.heads.observed import Observed, observe
from model.heads.rows import Rows, Terms, mean, ratio, row_entropy
from model.text.tokenizer import SPECIAL
from model.trace import KINDS, AttentionMap, Kind

SELF: tuple[Kind, ...] = ("encoder", "decoder")


@dataclass(frozen=True, slots=True, kw_only=True)
class Measure:
    """One number for each head.

    ``formula`` is LaTeX: A is the pattern with queries i and keys j, both from 1, of n × m cells, and angle
    brackets are the mean over the rows that count. ``low`` and ``high`` bound the value (``high`` None: unbounded).
    ``rises`` and ``falls`` say what a head does whose value rises or falls during training; ``becomes``, if there is a
    name for it, what the head is called once most of its weight is there.
    """

    name: str
    formula: str
    definition: str
    terms: Callable[[Rows], Terms]
    source: str = ""
    kinds: tuple[Kind, ...] = KINDS
    unit: str = ""
    low: float = 0
    high: float | None = 1
    rises: str
    falls: str
    becomes: str = ""

    def __call__(self, attention_map: AttentionMap) -> np.ndarray:
        """The measure of every head, float32 ``[layer, head]``; NaN where it is undefined.

        Raises:
            ValueError: it does not apply to this kind of attention.
        """
        if attention_map.kind not in self.kinds:
            raise ValueError(f"{self.name} is a measure of {', '.join(self.kinds)} attention, not {attention_map.kind}")
        return ratio(self.terms(Rows(attention_map)))


@dataclass(frozen=True, slots=True)
class Tally:
    """The measures over one or more texts, as sums that add up."""

    n_texts: int
    terms: Mapping[str, Terms]
    observed: Observed

    def __add__(self, other: Tally) -> Tally:
        """The tally of the texts of both, which must be of one kind and model."""
        mine, theirs = self.terms, other.terms
        if mine.keys() != theirs.keys():
            raise ValueError(f"{sorted(mine)} and {sorted(theirs)} are not measures of one kind of attention")
        added = {name: (mine[name][0] + theirs[name][0], mine[name][1] + theirs[name][1]) for name in mine}
        return Tally(self.n_texts + other.n_texts, added, self.observed + other.observed)

    def values(self) -> dict[str, np.ndarray]:
        """Each measure's mean over the rows of all texts, float32 ``[layer, head]``; NaN where it is undefined."""
        return {name: ratio(terms) for name, terms in self.terms.items()}


def tally(attention_map: AttentionMap) -> Tally:
    """The measures of one text, ready to be added to those of others."""
    rows = Rows(attention_map)
    terms = {one.name: one.terms(rows) for one in measures_of(attention_map.kind)}
    return Tally(1, terms, observe(attention_map))


def measure(attention_map: AttentionMap) -> dict[str, np.ndarray]:
    """All measures that apply to a map, by name: float32 ``[layer, head]``, NaN where undefined."""
    return tally(attention_map).values()


def measures_of(kind: Kind) -> tuple[Measure, ...]:
    """The measures that apply to a kind of attention."""
    return tuple(one for one in MEASURES if kind in one.kinds)


def similar(attention_map: AttentionMap, layer: int, head: int, n: int) -> list[tuple[int, int, float]]:
    """The ``n`` heads most like one head: ``(layer, head, similarity)`` from 0, the most similar first.

    The similarity is 1 minus the mean, over the rows, of the Jensen-Shannon distance between the two heads' rows
    (the square root of the divergence in bits: 0 for equal rows, 1 for rows without a common key, and a metric,
    as Endres and Schindelin 2003 show). Clark et al. 2019, section 6, compare heads by the divergence itself.
    A row that has no choice counts for neither head; a row of zeros is at distance 1 from one that is not.
    """
    rows = Rows(attention_map)
    pattern, entropy = rows.pattern, rows.entropy
    middle = np.stack([row_entropy((heads + pattern[layer, head]) / 2) for heads in pattern])
    divergence = np.clip(middle - (entropy + entropy[layer, head]) / 2, 0, 1)  # [layer, head, query]
    divergence[rows.counted != rows.counted[layer, head]] = 1
    counted = np.maximum(rows.counted, rows.counted[layer, head])
    similarity = 1 - ratio(mean(np.sqrt(divergence), counted))
    order = [divmod(int(i), attention_map.n_heads) for i in np.argsort(-similarity, axis=None, kind="stable")]
    return [
        (other_layer, other_head, float(similarity[other_layer, other_head]))
        for other_layer, other_head in order
        if (other_layer, other_head) != (layer, head) and not np.isnan(similarity[other_layer, other_head])
    ][:n]


CLARK = "Clark et al. 2019, *What Does BERT Look At?*"
MEASURES = (
    Measure(
        name="entropy",
        formula=r"\Bigl\langle -\sum_j A_{ij} \log_2 A_{ij} \Bigr\rangle_i",
        definition="How widely a row spreads its attention, in bits: 0 for a single key, 1 for two equal weights, 2 "
        "for four.",
        source=f"{CLARK}, section 3.3",
        terms=of.entropy,
        unit="bits",
        high=None,
        rises="spreads its attention more widely",
        falls="narrows its attention",
    ),
    Measure(
        name="evenness",
        formula=r"\Bigl\langle \frac{-\sum_j A_{ij} \log_2 A_{ij}}{\log_2 m_i} \Bigr\rangle_i",
        definition="The entropy as a share of the largest possible one, if row i may see mᵢ keys: 0 for a single key, "
        "1 for equal weights on all.",
        source="Pielou 1966, *The measurement of diversity in different types of biological collections*",
        terms=of.evenness,
        rises="spreads its attention more evenly",
        falls="picks out fewer tokens",
    ),
    Measure(
        name="itself",
        formula=r"\bigl\langle A_{ii} \bigr\rangle_i",
        definition="Weight on the query’s own position.",
        source=f"{CLARK}, section 3.1",
        kinds=SELF,
        terms=of.on(of.at_offset(0)),
        rises="attends more to the token itself",
        falls="attends less to the token itself",
        becomes="looks mostly at the token itself",
    ),
    Measure(
        name="previous",
        formula=r"\bigl\langle A_{i,i-1} \bigr\rangle_{i > 1}",
        definition="Weight on the token just before the query. The first row has none and does not count.",
        source=f"{CLARK}, section 3.1",
        kinds=SELF,
        terms=of.on(of.at_offset(-1)),
        rises="attends more to the previous token",
        falls="attends less to the previous token",
        becomes="becomes a previous-token head",
    ),
    Measure(
        name="next",
        formula=r"\bigl\langle A_{i,i+1} \bigr\rangle_{i < n}",
        definition="Weight on the token just after the query. The last row has none and does not count; a decoder may "
        "not look ahead.",
        source=f"{CLARK}, section 3.1",
        kinds=("encoder",),
        terms=of.on(of.at_offset(1)),
        rises="attends more to the next token",
        falls="attends less to the next token",
        becomes="becomes a next-token head",
    ),
    Measure(
        name="first",
        formula=r"\bigl\langle A_{i1} \bigr\rangle_i",
        definition="Weight on the first key.",
        terms=of.on(of.at_first),
        rises="attends more to the first token",
        falls="attends less to the first token",
        becomes="comes to rest on the first token",
    ),
    Measure(
        name="special",
        formula=r"\Bigl\langle \sum_{j \,\in\, \text{special}} A_{ij} \Bigr\rangle_i",
        definition="Weight on tokens that are not text, such as the beginning and the end of the sentence.",
        source=f"{CLARK}, section 3.2",
        terms=of.on(of.at_tokens(SPECIAL.__contains__)),
        rises="attends more to special tokens",
        falls="attends less to special tokens",
        becomes="comes to rest on special tokens",
    ),
    Measure(
        name="punctuation",
        formula=r"\Bigl\langle \sum_{j \,\in\, \text{punctuation}} A_{ij} \Bigr\rangle_i",
        definition="Weight on tokens made of punctuation marks (Unicode category P), in rows that can see one.",
        source=f"{CLARK}, section 3.2",
        terms=of.on(of.at_tokens(of.is_punctuation)),
        rises="attends more to punctuation",
        falls="attends less to punctuation",
        becomes="looks mostly at punctuation",
    ),
    Measure(
        name="distance",
        formula=r"\Bigl\langle \sum_j A_{ij}\, |i - j| \Bigr\rangle_i",
        definition="How many tokens away a row looks, on average.",
        source="Vig and Belinkov 2019, *Analyzing the Structure of Attention in a Transformer Language Model*",
        kinds=SELF,
        terms=of.distance,
        unit="tokens",
        high=None,
        rises="looks further away",
        falls="looks closer by",
    ),
    Measure(
        name="diagonality",
        formula=r"1 - \Bigl\langle \sum_j A_{ij} \left| \frac{i-1}{n-1} - \frac{j-1}{m-1} \right| \Bigr\rangle_i",
        definition="How close the weight is to the diagonal, which runs from corner to corner however many rows and "
        "columns there are: 1 on it, 0 in the other two corners.",
        source="the weight of the guided attention of Tachibana et al. 2018, section 4.1, but linear",
        terms=of.diagonality,
        rises="moves closer to the diagonal",
        falls="moves away from the diagonal",
    ),
    Measure(
        name="diagonal",
        formula=r"\bigl\langle A_{i,d(i)} \bigr\rangle_{i \,\in\, \text{text}},\quad "
        r"d(i) = \text{round}\Bigl(1 + \tfrac{(i-1)(m-1)}{n-1}\Bigr)",
        definition="Weight on the diagonal, special tokens left out of rows and columns: n rows write text, and "
        "the source has m tokens of text.",
        kinds=("cross",),
        terms=of.on(of.at_diagonal()),
        rises="moves onto the diagonal",
        falls="leaves the diagonal",
        becomes="becomes diagonal",
    ),
    Measure(
        name="anti-diagonal",
        formula=r"\bigl\langle A_{i,d(n+1-i)} \bigr\rangle_{i \,\in\, \text{text}}",
        definition="Weight on the anti-diagonal, where the last row looks at the first token of the source: like "
        "“diagonal”, but counted from the end.",
        kinds=("cross",),
        terms=of.on(of.at_diagonal(backwards=True)),
        rises="moves onto the anti-diagonal",
        falls="leaves the anti-diagonal",
        becomes="becomes anti-diagonal",
    ),
    Measure(
        name="monotonicity",
        formula=r"\frac{\displaystyle\sum_{i < i'} P(j_i < j_{i'}) - P(j_i > j_{i'})}{n^2 (k - 1) / 2k}"
        r",\quad j_i \sim A_i,\ k = \min(n, m)",
        definition="Whether later rows look further right: for any two rows, draw a key from each according to its "
        "weights. How much more often is the later row’s key to the right of the other’s than to its left? Up to "
        "1: in order throughout; down to −1: backwards throughout; 0: neither. Over several texts each pair of rows "
        "counts equally.",
        source="Stuart 1953, *The estimation and comparison of strengths of association in contingency tables* (τ_c)",
        kinds=("cross",),
        terms=of.monotonicity,
        low=-1,
        rises="follows the order of the source more",
        falls="follows the order of the source less",
    ),
    Measure(
        name="induction",
        formula=r"\Bigl\langle \sum_{j < i,\ t_{j-1} = t_i} A_{ij} \Bigr\rangle_i",
        definition="Weight on the tokens that followed earlier occurrences of the query’s token, in rows whose token "
        "has occurred before. Undefined where no token repeats.",
        source="Olsson et al. 2022, *In-context Learning and Induction Heads* (prefix matching)",
        kinds=SELF,
        terms=of.on(of.at_followers),
        rises="attends more to what followed a token before",
        falls="attends less to what followed a token before",
        becomes="becomes an induction head",
    ),
)
"""All measures, in the order of the table."""
NAMED: Mapping[str, Measure] = MappingProxyType({one.name: one for one in MEASURES})
