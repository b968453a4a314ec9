"""What crosses from the models to the pictures: attention patterns together with their labels.

NumPy only. Every source of patterns ends up here, so no drawing code asks which model they came from.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np

Kind = Literal["encoder", "decoder", "cross"]
KINDS: tuple[Kind, ...] = get_args(Kind)
ROW_SUM_TOLERANCE = 1e-3
READ_THEN_WRITTEN = " ▸ "
"""What separates the two names of a decoder's row."""
RowNames = Literal["both", "predicted", "fed in"]
"""How a decoder's row is named: by what is read and what is written there, or by one of the two."""
SINK = "sink"
"""The name of a key that is not a token."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AttentionMap:
    """The attention patterns of all layers and heads of one kind.

    ``pattern`` is float32 ``[layer, head, query, key]``, after softmax and before dropout: a row sums
    to 1, or to 0 if it may attend to nothing. In self-attention both axes are the same tokens; after them there may be
    ``n_sinks`` keys that are not tokens but learned places for attention that should go nowhere. ``n_key_heads`` is the
    number of key and value heads, each shared by equally many neighbouring heads (0: every head has its own).
    ``layer_numbers`` are the numbers of the layers in their model, from 1, if only some of its layers have attention
    (empty: all have).

    A decoder's row has two names: from ``query_tokens``, what is fed in at that position, and from
    ``predicted_tokens``, what is written from it; an encoder's map has no ``predicted_tokens``.

    Raises:
        ValueError: the array does not fit its labels, or is not an attention pattern.
    """

    kind: Kind
    pattern: np.ndarray
    query_tokens: tuple[str, ...]
    key_tokens: tuple[str, ...]
    predicted_tokens: tuple[str, ...] | None = None
    n_sinks: int = 0
    n_key_heads: int = 0
    layer_numbers: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"kind must be one of {', '.join(KINDS)}, but it is {self.kind!r}")
        pattern = _frozen(self.pattern)
        object.__setattr__(self, "pattern", pattern)
        expected = (len(self.query_tokens), len(self.key_tokens))
        if pattern.ndim != 4 or pattern.shape[2:] != expected or 0 in pattern.shape:
            raise ValueError(
                f"the {self.kind} pattern must be [layer, head, query, key] with {expected[0]} queries and "
                f"{expected[1]} keys, but its shape is {pattern.shape}"
            )
        if not 0 <= self.n_sinks <= len(self.key_tokens):
            raise ValueError(f"n_sinks must be from 0 to the {len(self.key_tokens)} keys, but it is {self.n_sinks}")
        if self.n_key_heads < 0 or (self.n_key_heads and self.n_heads % self.n_key_heads):
            raise ValueError(f"{self.n_heads} heads cannot share {self.n_key_heads} heads of keys evenly")
        numbers = self.layer_numbers
        if numbers and (len(numbers) != self.n_layers or numbers[0] < 1 or sorted(set(numbers)) != list(numbers)):
            raise ValueError(f"{self.n_layers} layers need as many rising numbers from 1 on, not {numbers}")
        if self.kind != "cross" and self.query_tokens != self.looked_at:
            raise ValueError(f"{self.kind} self-attention has the same tokens on both axes, but they differ")
        if self.predicted_tokens is not None and len(self.predicted_tokens) != len(self.query_tokens):
            raise ValueError(
                f"there must be a predicted token for each of {len(self.query_tokens)} queries, "
                f"but there are {len(self.predicted_tokens)}"
            )
        sums = pattern.sum(axis=-1)
        # A value that is not finite makes its row's sum not finite, so checking the sums covers both.
        if not ((np.abs(sums - 1) < ROW_SUM_TOLERANCE) | (sums == 0)).all() or pattern.min() < 0:
            raise ValueError(f"each row of the {self.kind} pattern must hold weights that sum to 1, or only zeros")

    @property
    def n_layers(self) -> int:
        return self.pattern.shape[0]

    @property
    def n_heads(self) -> int:
        return self.pattern.shape[1]

    @property
    def n_sharing(self) -> int:
        """How many neighbouring heads share the same keys and values; 1 if each has its own."""
        return self.n_heads // (self.n_key_heads or self.n_heads)

    @property
    def looked_at(self) -> tuple[str, ...]:
        """The keys that are tokens."""
        return self.key_tokens[: len(self.key_tokens) - self.n_sinks]

    def row_names(self, by: RowNames = "both") -> tuple[str, ...]:
        """What the rows are called: of a decoder, both tokens, such as “homme ▸ en” where "homme" is read and "en" is
        written, or one of them; else the token itself. In cross-attention "both" is the one that is written: no column
        there is a token that was read, so nothing can be mistaken for it."""
        if by == "fed in" or self.predicted_tokens is None:
            return self.query_tokens
        if by == "predicted" or self.kind == "cross":
            return self.predicted_tokens
        return named_by_both(self.query_tokens, self.predicted_tokens)

    @property
    def row_tokens(self) -> tuple[str, ...]:
        """What each row is about: in a decoder, the token that is written there; otherwise the token itself."""
        return self.predicted_tokens or self.query_tokens


@dataclass(frozen=True, slots=True, kw_only=True)
class Guess:
    """What a model considers likely at one place: after the last token read, or in place of a mask.

    ``row`` counts from 0; ``ids``, ``labels`` and ``probabilities`` are those of the likeliest tokens, best first.
    """

    row: int
    ids: tuple[int, ...]
    labels: tuple[str, ...]
    probabilities: tuple[float, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Trace:
    """One pass of a model over one text, with all its attention maps.

    ``target`` is the model's own translation, or the one that was given (then ``teacher_forced``); the
    first ``n_forced`` of its tokens were given, the others are the model's. ``source_ids`` are the ids that
    were read and ``predicted_ids`` those of the target, the last of ``predicted_tokens``, in the model's own
    vocabulary; ``probabilities``, float32 ``[target]``, is how likely the model thought each of the latter at its step.
    A model without an encoder reads the source in the first rows of its decoder. ``source_dropped`` and
    ``target_dropped`` count the tokens beyond the model's maximum; ``target_cut`` says that the model had not ended its
    target when writing stopped (:func:`model.decoding.search.greedy`). ``guesses`` are what a model that continues a
    text considers likely next, or what one that fills masks puts in their place.

    Raises:
        ValueError: two maps are of the same kind, or their tokens contradict each other.
    """

    model_name: str
    maps: tuple[AttentionMap, ...]
    source: str
    target: str = ""
    teacher_forced: bool = False
    n_forced: int = 0
    source_ids: tuple[int, ...] = ()
    predicted_ids: tuple[int, ...] = ()
    probabilities: np.ndarray | None = None
    source_dropped: int = 0
    target_dropped: int = 0
    target_cut: bool = False
    guesses: tuple[Guess, ...] = ()

    def __post_init__(self) -> None:
        if self.probabilities is not None:
            object.__setattr__(self, "probabilities", _frozen(self.probabilities))
        kinds = [attention_map.kind for attention_map in self.maps]
        if not kinds or len(set(kinds)) < len(kinds):
            raise ValueError(f"a trace has one map of each kind it shows, but it has {kinds}")
        by_kind = dict(zip(kinds, self.maps, strict=True))
        if cross := by_kind.get("cross"):
            if (decoder := by_kind.get("decoder")) and cross.query_tokens != decoder.query_tokens:
                raise ValueError("the queries of cross-attention must be the decoder's tokens, but they differ")
            if (encoder := by_kind.get("encoder")) and cross.looked_at != encoder.looked_at:
                raise ValueError("the keys of cross-attention must be the encoder's tokens, but they differ")

    @staticmethod
    def of(
        patterns: Any | Mapping[Kind, Any],
        tokens: Sequence[str],
        target_tokens: Sequence[str] | None = None,
        *,
        kind: Kind | None = None,
        mask: Any | None = None,
        target_mask: Any | None = None,
        text: int | None = None,
        predicted_tokens: Sequence[str] | None = None,
        name: str = "arrays",
    ) -> Trace:
        """A trace of patterns that were computed elsewhere.

        Args:
            patterns: a NumPy array or a PyTorch tensor ``[layer, head, query, key]``, or with the batch after the
                layer; or one array for each layer, ``[head, query, key]`` or with the batch first, such as the tuple
                that ``output_attentions=True`` gives. For a model with more than one kind of attention, a mapping from
                "encoder", "decoder" and "cross" to such arrays.
            tokens: a label for each token of the source, or of the only text.
            target_tokens: labels of the tokens fed to the decoder, if there are two texts; the queries of
                cross-attention.
            kind: the kind of attention. If not given: "cross" with ``target_tokens``; otherwise "decoder" if no token
                looks ahead, "encoder" if one does.
            mask: ``[token]`` or ``[batch, token]``, true or 1 for a token, false or 0 for padding, which is cut off;
                ``tokens`` may be given with or without their padding.
            target_mask: the same for ``target_tokens``.
            text: which text of the batch, from 0, if there are several.
            predicted_tokens: in a decoder, what is written from each position.
            name: the name of the model.

        Raises:
            ValueError: the shapes do not match; the message has both.
        """
        from model.families.arrays import trace_of

        return trace_of(
            patterns, tokens, target_tokens, kind=kind, mask=mask, target_mask=target_mask, text=text,
            predicted_tokens=predicted_tokens, name=name,
        )  # fmt: skip

    def save(self, path: str | Path) -> None:
        """Write it to a file, ``….trace.safetensors``, which the app can open; whole or not at all."""
        from model.families.trace_file import save

        save(self, path)

    @staticmethod
    def load(path: str | Path) -> Trace:
        """Read what :meth:`save` wrote.

        Raises:
            ValueError: the file cannot be read, or holds no trace.
        """
        from model.families.trace_file import load

        return load(path)

    @property
    def kinds(self) -> tuple[Kind, ...]:
        """The kinds of attention there are, in the order in which data flows."""
        return tuple(attention_map.kind for attention_map in self.maps)

    def map(self, kind: Kind) -> AttentionMap:
        """
        Raises:
            KeyError: the trace has no map of this kind.
        """
        for attention_map in self.maps:
            if attention_map.kind == kind:
                return attention_map
        raise KeyError(f"{self.model_name} has no {kind} attention; it has {', '.join(self.kinds)}")


def named_by_both(read: Sequence[str], written: Sequence[str]) -> tuple[str, ...]:
    """The names of a decoder's rows, made of what is read and what is written in each."""
    return tuple(READ_THEN_WRITTEN.join(pair) for pair in zip(read, written, strict=True))


def _frozen(array: np.ndarray) -> np.ndarray:
    """A read-only float32 array that nobody else can change."""
    frozen = np.array(array, dtype=np.float32)
    frozen.setflags(write=False)
    return frozen
