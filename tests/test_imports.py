"""Imports run one way, room by room; the rooms that can do without Streamlit, Plotly and torch load none of them."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SOURCES = {
    path.relative_to(ROOT).as_posix(): path.read_text(encoding="utf-8")
    for path in sorted([*ROOT.glob("app.py"), *ROOT.glob("model/**/*.py"), *ROOT.glob("viz/**/*.py")])
}
EVERYWHERE = ("tests", "transformers")  # only model/families may import transformers, inside a function
MODEL = ("streamlit", "plotly", "viz", "app")
NO_OWNERS = ("model.training", "model.jobs", "model.compare")
BELOW_PAGES = ("app", "viz.pages")
FIGURES = (*BELOW_PAGES, "viz.components", "viz.state", "streamlit", "torch")
LOOK = (*FIGURES, "viz.export", "viz.figures", "plotly")
PAGES = sorted(path.name for path in (ROOT / "viz/pages").iterdir() if (path / "page.py").is_file())
RULES: dict[str, tuple[str, ...]] = {
    # The longest name that fits a file says what it must not import, nor anything under it.
    "app.py": (),
    "viz/__init__.py": (),
    "viz/notebook.py": (*BELOW_PAGES, "viz.state"),
    "viz/pages/__init__.py": (),
    "model/": (*MODEL, "model.compare", "model.jobs"),
    "model/__main__.py": MODEL,
    "model/commands/": (*MODEL, "model.compare"),
    "model/compare/": (*MODEL, "model.jobs"),
    "model/jobs/": (*MODEL, "model.compare"),
    "model/text/": (*MODEL, *NO_OWNERS, "torch"),
    "model/network/": (*MODEL, *NO_OWNERS, "model.decoding", "model.heads", "model.anatomy", "model.interventions"),
    "model/decoding/": (*MODEL, *NO_OWNERS, "model.heads", "model.anatomy", "model.interventions"),
    "model/heads/": (*MODEL, *NO_OWNERS),
    "model/anatomy/": (*MODEL, *NO_OWNERS),
    "model/interventions/": (*MODEL, *NO_OWNERS),
    "model/families/": (*MODEL, *NO_OWNERS),
    "model/training/": (*MODEL, "model.jobs", "model.compare"),
    "viz/look/": LOOK,
    "viz/figures/": (*FIGURES, "viz.export"),
    "viz/export/": FIGURES,
    "viz/state/": (*BELOW_PAGES, "viz.components"),
    "viz/components/": BELOW_PAGES,
    "viz/pages/shared/": ("app", *(f"viz.pages.{page}" for page in PAGES)),
    **{f"viz/pages/{page}/": ("app", *(f"viz.pages.{other}" for other in PAGES if other != page)) for page in PAGES},
}
LIGHT = ("viz/look/", "viz/figures/", "viz/export/", "model/trace.py", "model/heads/rows.py", "model/heads/measures.py")
LIGHT += ("model/heads/survey.py", "model/anatomy/steps.py", "model/anatomy/arithmetic.py", "model/text/")
LIGHT += ("model/families/__init__.py", "model/families/arrays.py", "model/families/trace_file.py")
"""What a fresh interpreter imports without Streamlit and without torch, by whatever way."""


def rule(path: str) -> str:
    """The name in :data:`RULES` that decides about the file at ``path``."""
    return max((name for name in RULES if path.startswith(name)), key=len, default="")


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
    forbidden = [
        name for name in (*EVERYWHERE, *RULES[rule(path)]) if not path.startswith(f"{name.replace('.', '/')}/")
    ]
    if path.startswith("model/families/"):  # whoever opens the app must not wait for `transformers`, nor need it
        forbidden.remove("transformers")
    tree = ast.parse(source, path)
    found = [
        name
        for node in ast.walk(tree)
        for name in imported(path, node)
        if any(f"{name}.".startswith(f"{banned}.") for banned in forbidden)
    ]
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


def test_every_room_has_a_rule_and_every_rule_a_room():
    assert [path for path in SOURCES if not rule(path)] == []
    assert {name for name in RULES if not any(path.startswith(name) for path in SOURCES)} == set()
    assert {name for name in LIGHT if not any(path.startswith(name) for path in SOURCES)} == set()


def test_the_light_rooms_load_neither_streamlit_nor_torch():
    light = [path.removesuffix(".py").replace("/", ".") for path in SOURCES if path.startswith(LIGHT)]
    program = (
        "import importlib, sys\n"
        f"for name in {light!r}:\n"
        "    importlib.import_module(name)\n"
        "    heavy = {'streamlit', 'torch', 'transformers'} & set(sys.modules)\n"
        "    assert not heavy, (name, heavy)\n"
    )
    ran = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("model/training/loss.py", "import streamlit"),
        ("model/training/loss.py", "import streamlit as st, math"),
        ("model/training/loss.py", "from streamlit.delta_generator import DeltaGenerator"),
        ("model/training/loss.py", "def f():\n    import plotly.graph_objects as go"),
        ("model/training/loss.py", "from viz.look import theme"),
        ("model/training/loss.py", "from ...viz import look"),
        ("model/training/loss.py", "import transformers"),
        ("model/training/loss.py", "import importlib\nimportlib.import_module('transformers')"),
        ("model/training/run.py", "from model.jobs import slots"),
        ("model/training/run.py", "from model import jobs"),
        ("model/decoding/search.py", "from model.training.batching import pad"),
        ("model/text/tasks.py", "from torch import Tensor"),
        ("model/trace.py", "from model.compare import record"),
        ("viz/look/theme.py", "import streamlit"),
        ("viz/look/theme.py", "import plotly"),
        ("viz/look/theme.py", "from viz.figures import attention"),
        ("viz/look/theme.py", "from ..state import session"),
        ("viz/figures/beam.py", "import torch"),
        ("viz/figures/beam.py", "from viz.export.svg import escaped"),
        ("viz/export/svg.py", "from viz.state.session import Visitor"),
        ("viz/state/link.py", "from viz.components import head"),
        ("viz/components/head.py", "from viz.pages.explore import page"),
        ("viz/pages/shared/choices.py", "from viz.pages.guide.page import page"),
        ("viz/pages/guide/page.py", "from viz.pages.explore import page"),
        ("viz/pages/guide/page.py", "import app"),
        ("app.py", "__import__('transformers')"),
    ],
)
def test_the_checker_catches(path: str, source: str):
    assert path in SOURCES
    assert violations(path, source)


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("model/training/loss.py", "import torch\nfrom model.vizier import x\nfrom torchvision import y"),
        ("model/training/run.py", "from model.training import loop"),
        ("model/trace.py", "import numpy as np\nfrom dataclasses import dataclass"),
        (
            "viz/figures/beam.py",
            "import plotly.graph_objects as go\nfrom model.trace import Trace\nfrom viz import look",
        ),
        ("viz/state/session.py", "import streamlit\nfrom model import checkpoint"),
        (
            "viz/pages/explore/page.py",
            "import streamlit as st\nfrom viz.pages.shared import choices\nfrom viz import state",
        ),
        ("app.py", "import streamlit as st\nfrom viz.pages.explore import page"),
    ],
)
def test_the_checker_lets_pass(path: str, source: str):
    assert path in SOURCES
    assert violations(path, source) == []
