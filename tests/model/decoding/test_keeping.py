"""model/decoding/keeping.py: what it counts is what is there, and what it times gives the same."""

import torch

from model.checkpoint import Checkpoint
from model.decoding.incremental import IncrementalDecoder
from model.decoding.keeping import bytes_kept, measure_steps, projected
from model.network.transformer import Transformer
from model.text.tokenizer import EOS_ID, Tokenizer
from tests.model.helpers import shaken, tiny


def test_the_positions_are_counted():
    assert projected(7, kept=True) == 7
    assert projected(7, kept=False) == sum(range(8))


def test_the_memory_is_that_of_the_decoder():
    model = Transformer(tiny(vocab_size=263)).eval()
    memory = model.encode(torch.tensor([[5, EOS_ID]]), None).hidden
    decoder = IncrementalDecoder(model, memory.detach(), None, 7)
    config = model.config
    assert bytes_kept(7, config.n_layers, config.d_model) == decoder.keys.nbytes + decoder.values.nbytes


def test_with_and_without_the_cache_the_logits_are_the_same(characters: Tokenizer):
    model = shaken(Transformer(tiny(vocab_size=len(characters)))).eval()
    one = Checkpoint(name="random", model=model, tokenizer=characters, task="copy", training={}, digest="3")
    steps = list(measure_steps(one, [*characters.encode("cab"), EOS_ID], 7, 2))
    assert len(steps) == 7
    assert all(kept > 0 and again > 0 and difference < 1e-4 for kept, again, difference in steps)
