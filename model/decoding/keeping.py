"""What keeping keys and values between steps saves: the same target written with the cache and without."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence

import torch

from model.checkpoint import Checkpoint
from model.decoding.begin import begin
from model.text.tokenizer import BOS_ID


def projected(n: int, *, kept: bool) -> int:
    """For how many positions a layer computes keys and values to write ``n`` tokens one at a time: each position once,
    or all so far again at each step."""
    return n if kept else n * (n + 1) // 2


def bytes_kept(n: int, n_layers: int, d_model: int, bytes_each: int = 4) -> int:
    """The memory of the keys and values of ``n`` positions of a decoder's self-attention, in bytes."""
    return 2 * n_layers * n * d_model * bytes_each


@torch.inference_mode()
def measure_steps(
    checkpoint: Checkpoint, source: Sequence[int], n: int, repeats: int
) -> Iterator[tuple[float, float, float]]:
    """Feed ``n`` tokens one after another, with keys and values kept and with all of them computed again.

    The tokens are the source's, over and over: how long it takes does not depend on them.

    Yields:
        For each step, the shortest time of ``repeats`` in seconds with keys and values kept, the same without, and the
        largest difference between the logits.
    """
    fed = [BOS_ID, *(source[i % len(source)] for i in range(n - 1))]
    memory = checkpoint.model.encode(torch.tensor([source]), None).hidden
    kept, again = (begin(checkpoint.model, memory, None, n) for _ in range(2))
    for length in range(1, n + 1):
        times, difference = [], 0.0
        for _ in range(repeats):
            kept.rewind(length - 1)
            start = time.perf_counter()
            step = kept.step(torch.tensor(fed[length - 1 : length]))
            middle = time.perf_counter()
            again.rewind(0)
            whole = again.read(fed[:length])
            times.append((middle - start, time.perf_counter() - middle))
            difference = float((step.logits - whole[-1].logits).abs().max())
        yield min(one for one, _ in times), min(one for _, one in times), difference
