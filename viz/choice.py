"""Which head and which row to show first: those that say most, by their numbers."""

from __future__ import annotations

import numpy as np

from model.trace import AttentionMap, Kind, Trace
from viz.attention import row_tokens

MARKERS = frozenset({"<s>", "</s>", "<pad>"})


def first_kind(trace: Trace) -> Kind:
    """Cross-attention, where there is one: it shows most plainly what attention is for."""
    return "cross" if "cross" in trace.kinds else trace.kinds[0]


def telling_head(attention_map: AttentionMap) -> tuple[int, int]:
    """The layer and head (from 0) that point most sharply, and from different tokens at different ones.

    Sharpness is the mean, over the rows, of the largest weight on a token that is no marker; it counts
    by the share of different tokens among those largest. A head that always rests on ``</s>``, or on
    one word, says little.
    """
    keys = [i for i, token in enumerate(attention_map.key_tokens) if token not in MARKERS]
    if not keys:
        return 0, 0
    weights = attention_map.pattern[..., keys]  # [layer, head, query, key]
    sharpness = weights.max(-1).mean(-1)
    top = weights.argmax(-1)
    variety = np.array([[len(np.unique(head)) for head in layer] for layer in top]) / min(weights.shape[2:])
    layer, head = np.unravel_index((sharpness * variety).argmax(), sharpness.shape)
    return int(layer), int(head)


def telling_row(attention_map: AttentionMap, layer: int, head: int) -> int:
    """The query (from 0) that is furthest from the diagonal among those that point clearly.

    That is where a translation departs from the order of its source, the most instructive place; it is
    the largest weight times the distance (and one) between the places of query and key.
    """
    pattern = attention_map.pattern[layer, head]  # [query, key]
    rows, columns = row_tokens(attention_map), attention_map.key_tokens
    key = pattern.argmax(1)
    distance = np.abs(np.arange(len(rows)) - key)
    words = np.array([row not in MARKERS and columns[k] not in MARKERS for row, k in zip(rows, key, strict=True)])
    words &= np.array([any(map(str.isalnum, token)) for token in rows])
    clear = pattern.max(1) * words
    return int((clear * (1 + np.minimum(distance, 3)) + 1e-6 * pattern.max(1)).argmax())
