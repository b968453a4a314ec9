"""The part of the page Positions that shows what an encoding adds to the typed sentence; it follows the text."""

from __future__ import annotations

from functools import partial

import numpy as np
import streamlit as st
import torch

from model.capture import reading_ids
from model.checkpoint import Checkpoint
from model.network.positional import ENCODINGS, Encoding
from model.trace import Trace
from viz.components.followed import said
from viz.components.strips import strip_component, strip_data
from viz.figures.side_by_side import common_limit
from viz.figures.strips import Operand, vectors
from viz.look.theme import Theme
from viz.pages.shared.live import Draw
from viz.state import session

EXPLAINED, LIMIT = "added_explained", "added_limit"
TITLES = ("token embedding", "encoding", "sum")


def said_of(kind: type[Encoding]) -> str:
    """What an encoding does, and who wrote it first."""
    return f"{kind.words} {kind.source}." if kind.source else kind.words


def show_sum(opened: Checkpoint, trace: Trace) -> Draw:
    """Token embedding, encoding and their sum, for the tokens of the typed sentence."""
    own = ENCODINGS[opened.config.positional]
    if not opened.model.embedding.positional.adds:
        st.markdown(f"**The encoding {opened.config.positional} adds nothing here**: {said_of(own)}")
    said(EXPLAINED)
    for column, title in zip(st.columns(3, gap="small"), TITLES, strict=True):
        with column:
            st.markdown(f"**{title}**")
            strip_component(_place(title))
    said(LIMIT)
    return partial(_parts, opened, session.theme())


@torch.inference_mode()
def _parts(opened: Checkpoint, theme: Theme, trace: Trace) -> dict[str, object]:
    embedding = opened.model.embedding
    ids = torch.tensor(reading_ids(opened, trace))
    tokens = trace.maps[0].key_tokens
    read = (embedding.tokens(ids) * embedding.scale).numpy()
    added = embedding.positions[: len(ids)].numpy()
    parts = dict(zip(TITLES, (read, added, embedding(ids[None])[0].numpy()), strict=True))
    limit = common_limit(parts.values())
    addends = tuple(Operand(label="", values=part) for part in (read, added))
    hover = (("{value}", ()), ("{value}", ()), ("{value} = {0} + {1}", addends))
    return {
        EXPLAINED: _explained(opened, trace, read, added) if embedding.positional.adds else "",
        LIMIT: f"<p><small>All three share one colour scale; numbers beyond ±{limit:.1f} get its strongest colours. "
        "Point at a number, or tap it.</small></p>",
        **{
            _place(title): strip_data(
                vectors(tokens, part, limit, tip=tip, operands=operands),
                description=f"{title}: {part.shape[0]} tokens by {part.shape[1]} numbers. Use the arrow keys.",
                verdict="",
                theme=theme,
            )
            for (title, part), (tip, operands) in zip(parts.items(), hover, strict=True)
        },
    }


def _explained(opened: Checkpoint, trace: Trace, read: np.ndarray, added: np.ndarray) -> str:
    """What the model reads, and how much of it is the encoding, as HTML."""
    return (
        f"<p><b>What the {trace.kinds[0]} reads</b>: the vector of each token (times √d_model) plus the "
        f"{opened.config.positional} encoding of its position. On average a token’s vector has length "
        f"{_length(read):.1f}, and a position’s encoding {_length(added):.1f}.</p>"
    )


def _place(title: str) -> str:
    return f"added_{title.replace(' ', '_')}"


def _length(vectors: np.ndarray) -> float:
    return float(np.linalg.norm(vectors, axis=1).mean())
