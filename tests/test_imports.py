"""Imports run one way: app, viz.views, viz.state and the figures, model; each part without what it can do without."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SOURCES = {
    path.relative_to(ROOT).as_posix(): path.read_text(encoding="utf-8")
    for path in sorted([*ROOT.glob("app.py"), *ROOT.glob("model/**/*.py"), *ROOT.glob("viz/**/*.py")])
}


def forbidden(path: str) -> set[str]:
    """The modules that the file at ``path`` must not import, nor anything under them."""
    part, _, rest = path.partition("/")
    if path == "app.py":
        return {"transformers", "tests"}
    if part == "model":
        names = {"streamlit", "plotly", "viz", "app", "tests"}
        if rest != "huggingface.py":
            names.add("transformers")
        if rest in ("trace.py", "steps.py", "arithmetic.py", "rows.py", "measures.py", "survey.py"):
            names.add("torch")
        return names
    if rest.startswith("views/"):
        return {"transformers", "app", "tests"}
    if rest in ("state.py", "live.py", "decoding.py", "surveys.py", "lab.py", "replay.py", "clicked.py"):
        return {"transformers", "viz.views", "app", "tests"}
    if "/" in rest:  # what a view is put together from
        return {"transformers", "viz.views", "app", "tests"}
    names = {"transformers", "streamlit", "torch", "viz.views", "app", "tests"}  # a figure module
    return names | {"viz.state", "viz.live", "viz.decoding", "viz.surveys", "viz.lab", "viz.replay", "viz.clicked"}


def imported(path: str, node: ast.AST) -> Iterator[str]:
    """Full names of what one statement or call imports; ``from a import b`` may mean the module ``a.b``."""
    match node:
        case ast.Import(names):
            yield from (alias.name for alias in names)
        case ast.ImportFrom(module, names, level):
            package = path.split("/")[:-level] if level else []
            base = ".".join([*package, *([module] if module else [])])
            yield base
            yield from (f"{base}.{alias.name}" for alias in names)
        case ast.Call(ast.Name("__import__") | ast.Attribute(_, "import_module"), [ast.Constant(str(name)), *_]):
            yield name


def violations(path: str, source: str) -> list[str]:
    tree = ast.parse(source, path)
    found = [
        name
        for node in ast.walk(tree)
        for name in imported(path, node)
        if any(f"{name}.".startswith(f"{banned}.") for banned in forbidden(path))
    ]
    # Whoever opens the app must not wait for `transformers`, nor need it.
    eager = [
        name for node in outside_functions(tree) for name in imported(path, node) if name.startswith("transformers")
    ]
    return found + eager


def outside_functions(node: ast.AST) -> Iterator[ast.AST]:
    """What runs, or may run, when the module is imported."""
    for child in ast.iter_child_nodes(node):
        if not isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            yield child
            yield from outside_functions(child)


@pytest.mark.parametrize("path", SOURCES)
def test_a_file_imports_only_what_it_may(path: str):
    assert violations(path, SOURCES[path]) == []


def test_the_files_were_found():
    assert {"model/__init__.py", "model/config.py", "model/transformer.py", "model/checkpoint.py"} <= set(SOURCES)
    if "app.py" in SOURCES:  # then there is something that it shows
        assert "viz/state.py" in SOURCES
        assert any(path.startswith("viz/views/") for path in SOURCES)
        assert any("streamlit" in forbidden(path) and path.startswith("viz/") for path in SOURCES)


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("model/loss.py", "import streamlit"),
        ("model/loss.py", "import streamlit as st, math"),
        ("model/loss.py", "from streamlit.delta_generator import DeltaGenerator"),
        ("model/loss.py", "def f():\n    import plotly.graph_objects as go"),
        ("model/loss.py", "from viz import theme"),
        ("model/loss.py", "from ..viz import theme"),
        ("model/loss.py", "import transformers"),
        ("model/loss.py", "import importlib\nimportlib.import_module('transformers')"),
        ("model/huggingface.py", "import transformers"),
        ("model/huggingface.py", "try:\n    from transformers import AutoModel\nexcept ImportError:\n    pass"),
        ("model/trace.py", "from torch import Tensor"),
        ("model/measures.py", "import torch"),
        ("model/trace.py", "import torch.nn.functional as F"),
        ("viz/theme.py", "import streamlit"),
        ("viz/theme.py", "import torch"),
        ("viz/theme.py", "from viz import state"),
        ("viz/theme.py", "from . import state"),
        ("viz/theme.py", "from .views.attention import show"),
        ("viz/theme.py", "from viz.state import Visitor"),
        ("viz/state.py", "from viz.views import attention"),
        ("viz/views/attention.py", "import app"),
        ("app.py", "__import__('transformers')"),
    ],
)
def test_the_checker_catches(path: str, source: str):
    assert violations(path, source)


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("model/loss.py", "import torch\nfrom model.vizier import x\nfrom torchvision import y"),
        ("model/huggingface.py", "def load():\n    from transformers import AutoModel"),
        ("model/trace.py", "import numpy as np\nfrom dataclasses import dataclass"),
        ("viz/theme.py", "import plotly.graph_objects as go\nfrom model.trace import Trace\nfrom viz import tokens"),
        ("viz/state.py", "import streamlit\nfrom model import checkpoint"),
        ("viz/views/attention.py", "import streamlit as st\nfrom viz import attention, state"),
        ("app.py", "import streamlit as st\nfrom viz.views import attention"),
    ],
)
def test_the_checker_lets_pass(path: str, source: str):
    assert violations(path, source) == []
