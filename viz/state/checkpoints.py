"""What the page Checkpoints asks of a model's parameters, from the cache if anyone asked lately."""

from __future__ import annotations

import time

import numpy as np
import streamlit as st

from model.capture import capture
from model.checkpoint import PRETRAINED, Checkpoint, pretrained
from model.families import weights
from model.families.weights import Circuit, Parameter
from model.trace import Kind
from viz.state import opening

KEPT = 16


def parameters(opened: Checkpoint) -> tuple[Parameter, ...]:
    """The parameters of a model."""
    return _parameters(opened.digest, opened)


@st.cache_resource(max_entries=KEPT, show_spinner=False)
def _parameters(digest: str, _opened: Checkpoint) -> tuple[Parameter, ...]:
    return weights.parameters(_opened)


def card(opened: Checkpoint) -> str | None:
    """What is written of a checkpoint that ships."""
    path = PRETRAINED / f"{opened.name}.md"
    shipped = opened.elsewhere is None and opened.name in pretrained()
    return path.read_text(encoding="utf-8") if shipped and path.is_file() else None


def pass_takes(opened: Checkpoint) -> tuple[float, int]:
    """Seconds of a pass over the example, as it was measured once, and the tokens it has."""
    return _pass_takes(opened.digest, opened)


@st.cache_resource(max_entries=KEPT, show_spinner=False)
def _pass_takes(digest: str, _opened: Checkpoint) -> tuple[float, int]:
    text = opening.example(_opened)
    capture(_opened, text)
    began = time.perf_counter()
    shown = capture(_opened, text)
    return time.perf_counter() - began, shown.maps[0].pattern.shape[2]


def circuit(opened: Checkpoint, kind: Kind, layer: int, head: int) -> Circuit:
    """The singular values of one head's matrices.

    Raises:
        ValueError: how this model keeps them is not known.
    """
    return weights.circuit(opened, kind, layer, head)


def histogram(opened: Checkpoint, name: str) -> tuple[np.ndarray, np.ndarray]:
    """How the numbers of a parameter are distributed."""
    return weights.histogram(opened, name)
