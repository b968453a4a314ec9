"""Training: target tokens a second of ``model.training.loop.fit``, against the same recipe on ``torch.nn.Transformer``.

Both train on the same batches of seeded token ids, as long as image captions are, from the same initial
weights, with the same optimizer, learning rates, gradient clipping and precision; one step each in turn. The
reference is ``nn.Transformer`` without its two final norms, which the paper and our model do not have, with dropout
only where ours has it, and ``F.cross_entropy`` of the logits. Only ours also keeps the moving average of its weights.
That the two compute the same is shown by their losses on the first batch, before any update and without dropout.

The step's share of this machine's speed is its model FLOPs a second over those of a 2048³ matrix product in the
same precision, measured in the same turns. Model FLOPs count what a step needs for its tokens, padding left out:
6 × (weights of a matrix product) × (tokens that pass through it), of which 2 forward and 4 backward, and
12 × d_model × queries × keys for the scores and the values of each attention layer, no cell left out as masked.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from itertools import count
from statistics import median
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from model.config import ModelConfig, TrainConfig
from model.network.attention import MultiHeadAttention
from model.network.positional import sinusoidal
from model.network.transformer import Transformer
from model.text.tokenizer import BOS_ID, EOS_ID, PAD_ID
from model.training.batching import Batch, Examples
from model.training.loop import TrainState, batch_loss, fit, learning_rate, make_optimizer
from tests.bench.harness import interleaved, report_ratio

TARGET = 1.3
TOLERANCE = 1e-3  # of the first losses in float32
MATMUL = 2048
N_EXAMPLES = 10_000
NEVER = 2**40


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--rounds", type=int, default=20, help="measured steps of each")
    parser.add_argument("--threads", type=int, default=2, help="threads of torch")
    parser.add_argument("--precision", choices=("float32", "bfloat16"), nargs="+", default=("float32", "bfloat16"))
    parser.add_argument("--batch-tokens", type=int, default=4096, help="target tokens in a batch, padding included")


def run(options: argparse.Namespace) -> None:
    """Print a line for each precision."""
    torch.set_num_threads(options.threads)
    for precision in options.precision:
        config = TrainConfig(
            steps=NEVER,
            validate_every=NEVER,
            batch_tokens=options.batch_tokens,
            learning_rate=3e-3,
            warmup=800,
            average=0.998,
            precision=precision,
        )
        _compare(ModelConfig(vocab_size=6000, dropout=0.25), config, options)


def _compare(model_config: ModelConfig, config: TrainConfig, options: argparse.Namespace) -> None:
    examples = captions(model_config.vocab_size)
    torch.manual_seed(0)
    ours, reference = Transformer(model_config), Reference(model_config)
    reference.copy(ours)
    losses = _first_losses(ours, reference, next(_batches(examples, config)), config)
    if config.precision == "float32" and abs(losses[0] - losses[1]) > TOLERANCE:
        raise RuntimeError(f"the two do not compute the same: the first losses are {losses[0]} and {losses[1]}")

    work: list[tuple[int, float]] = []  # target tokens and FLOPs of each step
    steps = fit(TrainState.start(ours, config), examples, examples, config)
    reference_steps = _fit_reference(reference, examples, config, work)
    matrix = torch.randn(MATMUL, MATMUL, dtype=getattr(torch, config.precision))
    warm_up = 2
    seconds = interleaved(
        options.rounds,
        warm_up,
        ours=lambda: next(steps),
        reference=lambda: next(reference_steps),
        matmul=lambda: matrix @ matrix,
    )
    tokens, flops = np.array(work[warm_up:]).T
    rates = {name: tokens / np.array(seconds[name]) for name in ("ours", "reference")}
    matmul_rate = 2 * MATMUL**3 / median(seconds["matmul"])
    report_ratio(
        "throughput",
        float(np.median(rates["ours"]) / np.median(rates["reference"])),
        at_least=TARGET,
        precision=config.precision,
        threads=options.threads,
        rounds=options.rounds,
        ours_tokens_per_s=float(np.median(rates["ours"])),
        reference_tokens_per_s=float(np.median(rates["reference"])),
        ours_first_loss=losses[0],
        reference_first_loss=losses[1],
        matmul_gflops=matmul_rate / 1e9,
        ours_share_of_matmul=float(np.median(flops / np.array(seconds["ours"]))) / matmul_rate,
        reference_share_of_matmul=float(np.median(flops / np.array(seconds["reference"]))) / matmul_rate,
    )


def captions(vocab_size: int) -> Examples:
    """Random ids in the lengths of image captions and their translations: 8 to 30 tokens, 15 and 16 on average."""
    random_ = np.random.default_rng(0)
    lengths = np.rint(random_.normal(15, 4, N_EXAMPLES)).clip(8, 30).astype(int)
    target_lengths = np.rint(1.1 * lengths + random_.normal(0, 2, N_EXAMPLES)).clip(8, 30).astype(int)

    def ids(n: int) -> np.ndarray:
        return random_.integers(EOS_ID + 1, vocab_size, n)

    sources = tuple(np.array([*ids(n), EOS_ID]) for n in lengths)
    targets = tuple(np.array([BOS_ID, *ids(n), EOS_ID]) for n in target_lengths)
    return Examples(sources, targets, n_too_long=0)


def model_flops(config: ModelConfig, batch: Batch) -> float:
    """Of one training step, by the formula above."""
    source = (batch.source != PAD_ID).sum(1).double()  # [batch], tokens
    target = (batch.target_out != PAD_ID).sum(1).double()
    square, feed_forward = config.d_model**2, 2 * config.d_model * config.d_ff
    encoder = (4 * square + feed_forward) * source
    decoder = (4 * square + 2 * square + feed_forward) * target + 2 * square * source  # the memory's keys and values
    cells = source * source + target * target + target * source
    unembedding = config.vocab_size * config.d_model * target
    products = 6 * (config.n_layers * (encoder + decoder) + unembedding)
    return (products + 12 * config.n_layers * config.d_model * cells).sum().item()


class Reference(nn.Module):
    """Our model out of PyTorch's parts."""

    positions: Tensor

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.config = config
        self.tokens = nn.Embedding(config.vocab_size, config.d_model)
        self.register_buffer("positions", sinusoidal(config.max_len, config.d_model), persistent=False)
        self.drop = nn.Dropout(config.dropout)
        self.transformer = nn.Transformer(
            config.d_model,
            config.n_heads,
            config.n_layers,
            config.n_layers,
            config.d_ff,
            config.dropout,
            config.activation,
            batch_first=True,
        )
        self.transformer.encoder.norm = self.transformer.decoder.norm = None
        for module in self.transformer.modules():
            if isinstance(module, nn.MultiheadAttention):
                module.dropout = 0.0
            elif isinstance(module, nn.TransformerEncoderLayer | nn.TransformerDecoderLayer):
                module.dropout.p = 0.0  # inside the feed-forward layer

    def forward(self, source: Tensor, target: Tensor) -> Tensor:
        """Ids to logits."""
        padding = source == PAD_ID
        hidden = self.transformer(
            self._embed(source),
            self._embed(target),
            tgt_mask=nn.Transformer.generate_square_subsequent_mask(target.size(1)),
            src_key_padding_mask=padding,
            memory_key_padding_mask=padding,
            tgt_is_causal=True,
        )
        return F.linear(hidden, self.tokens.weight)

    def _embed(self, ids: Tensor) -> Tensor:
        return self.drop(self.tokens(ids) * self.config.d_model**0.5 + self.positions[: ids.size(1)])

    @torch.no_grad()
    def copy(self, ours: Transformer) -> None:
        """Take over the weights of our model."""
        self.tokens.weight.copy_(ours.embedding.tokens.weight)
        encoder, decoder = self.transformer.encoder.layers, self.transformer.decoder.layers
        for theirs, layer in zip((*encoder, *decoder), (*ours.encoder.layers, *ours.decoder.layers), strict=True):
            _copy_layer(theirs, layer)


def _copy_layer(theirs: Any, ours: Any) -> None:
    _copy_attention(theirs.self_attn, ours.self_attention)
    norms = [ours.self_attention_residual.norm]
    if isinstance(theirs, nn.TransformerDecoderLayer):
        _copy_attention(theirs.multihead_attn, ours.cross_attention)
        norms.append(ours.cross_attention_residual.norm)
    norms.append(ours.feed_forward_residual.norm)
    for number, norm in enumerate(norms, start=1):
        getattr(theirs, f"norm{number}").load_state_dict(norm.state_dict())
    theirs.linear1.load_state_dict(ours.feed_forward.inner.state_dict())
    theirs.linear2.load_state_dict(ours.feed_forward.outer.state_dict())


def _copy_attention(theirs: Any, ours: MultiHeadAttention) -> None:
    projections = (ours.query, ours.key, ours.value)
    theirs.in_proj_weight.copy_(torch.cat([projection.weight for projection in projections]))
    theirs.in_proj_bias.copy_(torch.cat([projection.bias for projection in projections]))
    theirs.out_proj.load_state_dict(ours.output.state_dict())


def _reference_loss(reference: Reference, batch: Batch, config: TrainConfig) -> Tensor:
    with torch.autocast("cpu", torch.bfloat16, enabled=config.precision == "bfloat16"):
        logits = reference(batch.source, batch.target_in)
        return F.cross_entropy(
            logits.flatten(0, 1),
            batch.target_out.flatten(),
            ignore_index=PAD_ID,
            label_smoothing=config.label_smoothing,
        )


def _fit_reference(
    reference: Reference, examples: Examples, config: TrainConfig, work: list[tuple[int, float]]
) -> Iterator[float]:
    """What :func:`model.training.loop.fit` does, with the reference; ``work`` gets the tokens and FLOPs of a step."""
    optimizer = make_optimizer(reference, config)
    reference.train()
    for step, batch in enumerate(_batches(examples, config), start=1):
        for group in optimizer.param_groups:
            group["lr"] = learning_rate(step, config)
        optimizer.zero_grad(set_to_none=True)
        loss = _reference_loss(reference, batch, config)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(reference.parameters(), config.clip_norm)
        optimizer.step()
        work.append((batch.n_tokens, model_flops(reference.config, batch)))
        yield loss.item()


def _batches(examples: Examples, config: TrainConfig) -> Iterator[Batch]:
    """The batches of :func:`model.training.loop.fit`, in its order."""
    for epoch in count():
        for indices in examples.plan(config.batch_tokens, shuffle=(config.seed, epoch)):
            yield examples.batch(indices)


def _first_losses(ours: Transformer, reference: Reference, batch: Batch, config: TrainConfig) -> tuple[float, float]:
    """Of both, in training mode (so on the path that trains) but without dropout."""
    quiet = ModelConfig(vocab_size=ours.config.vocab_size, dropout=0.0)
    copies = Transformer(quiet), Reference(quiet)
    for copy, original in zip(copies, (ours, reference), strict=True):
        copy.load_state_dict(original.state_dict())
    with torch.no_grad():
        return batch_loss(copies[0], batch, config).item(), _reference_loss(copies[1], batch, config).item()
