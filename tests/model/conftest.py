"""Fixtures and settings of the model's tests."""

from collections.abc import Iterator

import pytest
import torch
from hypothesis import settings

from model.config import ModelConfig
from model.network.transformer import Transformer
from model.text.tokenizer import Tokenizer
from tests.model.helpers import tiny

settings.register_profile("headlight", deadline=None, max_examples=20, derandomize=True, database=None)
settings.load_profile("headlight")


@pytest.fixture(autouse=True)
def _one_seeded_thread() -> Iterator[None]:
    """Sums in one order and draws from one seed, whatever ran before; the machine may have other work."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    torch.manual_seed(0)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="session")
def characters() -> Tokenizer:
    return Tokenizer.characters()


@pytest.fixture(scope="session")
def merges() -> Tokenizer:
    """A byte-level BPE that has learnt a few words."""
    return Tokenizer.train(["the dog sees the dog", "der Hund sieht den Hund", "thé, the dog's thé"] * 3, 283)


@pytest.fixture
def config() -> ModelConfig:
    return tiny()


@pytest.fixture
def model(config: ModelConfig) -> Transformer:
    """A random model in eval mode."""
    return Transformer(config).eval()
