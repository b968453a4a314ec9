"""viz/components/sources.py: what the browser gets of the scripts and style sheets."""

from pathlib import Path

import pytest

from tests.viz.components.node import node
from viz.components import sources
from viz.components.pictures import SCRIPT


@pytest.mark.parametrize(
    ("text", "sent"),
    [
        (".a { top: 0; } /* here */\n", ".a { top: 0; } /* here */"),
        ("  .a {\n\n    top: 0;\n  }\n", ".a {\ntop: 0;\n}"),
        ("/** What.\n * And why.\n */\n.a {}\n/* also */\n.b {}", ".a {}\n.b {}"),
        ("/* one */ .a {}\n/** two */\n.b {}", "/* one */ .a {}\n.b {}"),
        ('.a { background: url("http://a"); } /* b */', '.a { background: url("http://a"); } /* b */'),
    ],
)
def test_comments_on_lines_of_their_own_and_indentation_stay_here(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, sent: str
):
    monkeypatch.setattr(sources, "_HERE", tmp_path)
    (tmp_path / "a.css").write_text(text, encoding="utf-8")
    assert sources.style("a") == sent


SCRIPTS = {
    "low": "// why\nconst n = 2;\nexport const twice = (x) => n * x; // n is ours\n",
    "mid": 'import { twice } from "./low.js";\n\nconst n = 3;\nexport function six(x) {\n  return n * twice(x);\n}\n',
    "top": 'import { twice } from "./low.js";\nimport {\n  six,\n} from "./mid.js";\n\n'
    "export async function top(x) {\n  return [twice(x), six(x)];\n}\n",
}


def test_a_bundle_does_what_its_scripts_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(sources, "_HERE", tmp_path)
    for name, text in SCRIPTS.items():
        (tmp_path / f"{name}.js").write_text(text, encoding="utf-8")
    assert sources.modules("top") == ["low", "mid", "top"]
    (tmp_path / "bundle.mjs").write_text(sources.script("top"), encoding="utf-8")
    program = 'import top from "./bundle.mjs"; console.log(JSON.stringify(await top(5)));'
    (tmp_path / "run.mjs").write_text(program, encoding="utf-8")
    assert node(tmp_path / "run.mjs") == "[10,30]\n"


COMPONENTS = (
    "film",
    "followed",
    "head",
    "heatmap",
    "history",
    "notebook",
    "overview",
    "pictures",
    "said",
    "save_png",
    "strips",
)


@pytest.mark.parametrize("name", COMPONENTS)
def test_each_component_has_a_script_that_loads(tmp_path: Path, name: str):
    text = SCRIPT if name == "pictures" else sources.script(name)
    (tmp_path / "bundle.mjs").write_text(text, encoding="utf-8")
    (tmp_path / "run.mjs").write_text('import draw from "./bundle.mjs"; console.log(typeof draw);', encoding="utf-8")
    assert node(tmp_path / "run.mjs") == "function\n"
