"""Which head and which row to show first: those that say most, by their numbers."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from model.heads.rows import Rows, at_followers, ratio, share
from model.text.tokenizer import SPECIAL
from model.trace import READ_THEN_WRITTEN, AttentionMap, Kind, Trace
from viz.look.theme import show_token

Telling = Callable[[AttentionMap, int, int], int]
"""Finds the row (from 0) of a layer and head that says most."""
AUTO = "most telling"
"""Instead of a row: the one that says most."""
PLAIN = 0.25
"""What :func:`turns` gives for two weights of a half."""


def first_kind(trace: Trace) -> Kind:
    """Cross-attention, where there is one: it shows most plainly what attention is for."""
    return "cross" if "cross" in trace.kinds else trace.kinds[0]


def telling_head(attention_map: AttentionMap) -> tuple[int, int]:
    """The layer and head (from 0) that point most sharply, from different tokens at different ones, and out of order.

    Sharpness is the mean, over the rows, of the largest weight on a token of the text; it counts
    by the share of different tokens among those largest, and, in cross-attention, by one and :func:`turns`,
    in a decoder by one and twice the weight on what followed earlier occurrences of a row's token (induction).
    A head that always rests on ``</s>``, or on one word, says little; one that shows where a translation
    departs from the order of its source, or from what came before that a text goes on, says most.
    """
    keys = [i for i, token in enumerate(attention_map.looked_at) if token not in SPECIAL]
    if not keys:
        return 0, 0
    weights = attention_map.pattern[..., keys]  # [layer, head, query, key]
    sharpness = weights.max(-1).mean(-1)
    top = weights.argmax(-1)
    variety = np.array([[len(np.unique(head)) for head in layer] for layer in top]) / min(weights.shape[2:])
    score = sharpness * variety
    if attention_map.kind == "cross":
        score = score * (1 + turns(attention_map).sum(-1))
    elif attention_map.kind == "decoder":
        rows = Rows(attention_map)
        score = score * (1 + 2 * np.nan_to_num(ratio(share(rows, at_followers(rows)))))
    layer, head = np.unravel_index(score.argmax(), score.shape)
    return int(layer), int(head)


def turns(attention_map: AttentionMap) -> np.ndarray:
    """How plainly each row points back behind the row before it, as an adjective that has changed place does.

    It is the product of the two rows' largest weights where both point at words and this one at the earlier
    word, else 0.

    Returns:
        ``[layer, head, query]``; 0 for the first query.
    """
    rows, columns = attention_map.row_tokens, attention_map.key_tokens
    weights = attention_map.pattern.copy()
    weights[..., [not is_word(token) for token in columns]] = 0
    weights[..., [not is_word(token) for token in rows], :] = 0
    top, largest = weights.argmax(-1), weights.max(-1)
    found = np.zeros_like(largest)
    back = top[..., 1:] < top[..., :-1]
    found[..., 1:] = largest[..., 1:] * largest[..., :-1] * back
    return found


def telling_row(attention_map: AttentionMap, layer: int, head: int) -> int:
    """The query (from 0) that turns back most plainly (:func:`turns`), where one does so with a weight of a half.

    Else it is the one furthest from the diagonal among those that point clearly, by the largest weight times
    the distance (and one) between the places of query and key.
    """
    pattern = attention_map.pattern[layer, head]  # [query, key]
    turned = turns(attention_map)[layer, head] if attention_map.kind == "cross" else np.zeros(len(pattern))
    if turned.max() >= PLAIN:
        return int(turned.argmax())
    rows, columns = attention_map.row_tokens, attention_map.key_tokens
    key = pattern.argmax(1)
    distance = np.abs(np.arange(len(rows)) - key)
    words = np.array([is_word(row) and columns[k] not in SPECIAL for row, k in zip(rows, key, strict=True)])
    clear = pattern.max(1) * words
    return int((clear * (1 + np.minimum(distance, 3)) + 1e-6 * pattern.max(1)).argmax())


def row_options(attention_map: AttentionMap) -> list[str]:
    """What the rows are called in the list of rows: by number and name, since tokens repeat."""
    return [f"{position} {show_token(name)}" for position, name in enumerate(attention_map.row_names(), start=1)]


def row_asked(
    attention_map: AttentionMap,
    name: str,
    layer: int,
    head: int,
    telling: Telling = telling_row,
) -> int:
    """The row (from 0) of this name; where there is none, as with ``AUTO``, the one that ``telling`` finds."""
    options = row_options(attention_map)
    known = option_named(options, name)
    return telling(attention_map, layer, head) if known is None else options.index(known)


def option_named(options: Sequence[str], name: str) -> str | None:
    """Which of :func:`row_options` is meant. The row's number and what is written there are enough: the token read
    before it may have changed, and a link may leave it out. So are the number and the token read alone, by which
    older links name a row."""
    if name in options:
        return name
    number, read, written = _parts(name)
    of_number = [one for one in options if _parts(one)[0] == number]
    return next(
        (one for one in of_number if written == _parts(one)[2] or (not read and written == _parts(one)[1])), None
    )


def _parts(option: str) -> tuple[str, str, str]:
    """The number of a row, the token read, and the token written, which is its name if there is only one."""
    number, _, name = option.partition(" ")
    read, _, written = name.rpartition(READ_THEN_WRITTEN)
    return number, read, written


def is_word(token: str) -> bool:
    """Whether a token has a letter or digit and is no special one."""
    return token not in SPECIAL and any(map(str.isalnum, token))
