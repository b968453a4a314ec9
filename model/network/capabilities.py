"""What a model has that a page may need, so that no page asks which architecture it is."""

from __future__ import annotations

from enum import Enum


class Capability(Enum):
    """The value ends the sentence “This model has no …”."""

    ENCODER = "encoder"
    CROSS_ATTENTION = "cross-attention"
    HEADS = "layers of heads with queries, keys and values"
    POSITIONS = "positional encoding"
    TYPING = "way to read another text: it is a recording"
    WRITING = "decoder that writes"
    SEARCH = "beam search"


OWN = frozenset({Capability.TYPING, Capability.WRITING, Capability.SEARCH})
"""What every model of :mod:`model.network.build` can do."""
