"""model/network/sizes.py: the count is that of the model's own tensors."""

import subprocess
import sys
from pathlib import Path

import pytest

from model.config import ARCHITECTURES, MEANINGLESS, NORMS, POSITIONALS, ModelConfig
from model.network.build import build
from model.network.sizes import count_parameters
from tests.model.helpers import tiny


def same(config: ModelConfig) -> bool:
    return count_parameters(config) == sum(parameter.numel() for parameter in build(config).parameters())


@pytest.mark.parametrize("architecture", ARCHITECTURES)
@pytest.mark.parametrize("n_layers", [1, 2, 3, 5])
def test_every_architecture(architecture: str, n_layers: int):
    assert same(tiny(n_layers=n_layers, d_ff=38, architecture=architecture, **MEANINGLESS.get(architecture, {})))


@pytest.mark.parametrize("architecture", ["transformer", "decoder"])
@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize("encoding", POSITIONALS)
def test_every_norm_and_positional_encoding(architecture: str, norm: str, encoding: str):
    assert same(tiny(architecture=architecture, norm=norm, positional=encoding))


def test_a_model_that_no_machine_could_hold_is_counted_at_once():
    assert count_parameters(tiny(n_layers=2**20, d_model=3 * 2**16, d_ff=2**18)) > 2**50


def test_counting_needs_no_torch():
    program = "import sys, model.training.estimate; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], cwd=Path(__file__).parents[3]).returncode == 0
