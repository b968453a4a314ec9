"""Attention maps made by hand, and what a page gives its component."""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from streamlit.testing.v1 import AppTest
from streamlit.util import calc_hash

from model.capture import capture
from model.trace import AttentionMap, Kind
from viz.export.provenance import Provenance
from viz.look.forcing import FREE

ROOT = Path(__file__).parents[2]


def random_map(
    queries: Sequence[str],
    keys: Sequence[str] | None = None,
    *,
    kind: Kind = "cross",
    n_layers: int = 2,
    n_heads: int = 3,
    **options: Any,
) -> AttentionMap:
    """Random rows that sum to 1; without ``keys`` the axes are the same."""
    keys = queries if keys is None else keys
    weights = np.random.default_rng(7).random((n_layers, n_heads, len(queries), len(keys)), dtype=np.float32) + 0.01
    pattern = weights / weights.sum(-1, keepdims=True)
    return AttentionMap(kind=kind, pattern=pattern, query_tokens=tuple(queries), key_tokens=tuple(keys), **options)


def map_of(
    heads: Sequence[Sequence[Sequence[float]]], queries: Sequence[str], keys: Sequence[str], **options: Any
) -> AttentionMap:
    """One layer whose ``heads`` are written out, ``[head][query][key]``."""
    pattern = np.array([heads], dtype=np.float32)
    return AttentionMap(kind="cross", pattern=pattern, query_tokens=tuple(queries), key_tokens=tuple(keys), **options)


def made_of(attention_map: AttentionMap, **changes: Any) -> Provenance:
    """Where a map comes from, made up."""
    known: dict[str, Any] = {
        "checkpoint": "a/b", "digest": "0123456789abcdef" * 4, "source": "A girl.", "target": "Une fille.",
        "decoding": "greedy", "kind": attention_map.kind, "layer": None, "head": None,
        "display": "colour scale: linear",
    }  # fmt: skip
    return Provenance(**{**known, **changes})


def app_on(page: str = "", **query: str | list[str]) -> AppTest:
    """The app as a new visitor opens it at an address, not run yet; without ``page``, the bare address."""
    app = AppTest.from_file(ROOT / "app.py", default_timeout=120)
    app.query_params.update(query)
    return at(app, page) if page else app


def at(app: AppTest, page: str) -> AppTest:
    """The app on another page, as its link in the navigation does; not run yet."""
    app._page_hash = calc_hash(page)  # AppTest.switch_page knows only pages that are files
    return app


def ran(app: AppTest) -> AppTest:
    """The app, run once more."""
    app.run()
    assert not app.exception
    return app


def pictures(app: AppTest) -> dict[str, Any]:
    """What Explore gives its component to draw."""
    (found,) = [data for element in app.get("bidi_component") if "overview" in (data := _data(element))]
    return found


def parts(app: AppTest) -> dict[str, Any]:
    """What a page shows of its parts that follow the text, by name, as the browser unpacks it."""
    (told,) = [data["shown"] for element in app.get("bidi_component") if "shown" in (data := _data(element))]
    return unpacked(told)


def weights(heatmap: dict[str, Any]) -> np.ndarray:
    """The weights that a heatmap gets, row after row."""
    return np.frombuffer(base64.b64decode(heatmap["weights"]), "<u2") / 65535


def followed(app: AppTest, text: str) -> dict[str, Any]:
    """What a browser that has this page open draws when the text is typed."""
    following = app.session_state["visitor"].following
    assert following is not None
    assert following.forced == FREE
    return unpacked(json.loads(json.dumps(following.draw(capture(following.opened, text), text), allow_nan=False)))


def unpacked(told: Any) -> dict[str, Any]:
    """As ``followed.js`` does."""

    def resolve(value: Any) -> Any:
        if isinstance(value, list):
            return [resolve(one) for one in value]
        if not isinstance(value, dict):
            return value
        return told["arrays"][value["array"]] if "array" in value else {key: resolve(one) for key, one in value.items()}

    return resolve(told["parts"])


def _data(element: Any) -> dict[str, Any]:
    data = json.loads(element.proto.json or "{}")
    return data if isinstance(data, dict) else {}
