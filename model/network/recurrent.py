"""The recurrent baseline: an LSTM encoder-decoder with additive attention (Bahdanau et al. 2015).

The encoder is a bidirectional LSTM (section 3.2). The attention is theirs, ``v · tanh(W s + U h)`` (section
3.1 and appendix A.1.2), and so is the decoder's first state (appendix A.2.2). Two things differ. The units
are LSTMs (Hochreiter and Schmidhuber 1997), as in Luong et al. 2015. And a row's query is the state of the decoder's
lowest layer after reading the row's token, where theirs is the state before; the context goes into the layers above it
and into the output, as in Luong et al. 2015 (section 3.1, equation 5) and in Wu et al. 2016 (section 3), and not back
into the lowest layer. So no layer waits for the previous row's attention, and each LSTM reads the whole target in one
call.

It has the interface of :class:`model.network.transformer.Transformer`, with one pattern: cross-attention, of one layer
and one head.
"""

from __future__ import annotations

import itertools
from typing import cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from model.config import ModelConfig
from model.network.attention import padding_mask
from model.network.capabilities import OWN, Capability
from model.network.dropout import dropout
from model.network.taps import UNTAPPED, Stack, Taps
from model.network.transformer import DecoderOutput, EncoderOutput, TokenEmbedding, TransformerOutput, initialise
from model.text.tokenizer import PAD_ID


class RecurrentEncoder(nn.Module):
    """``n_layers`` bidirectional LSTMs; half of the ``d_ff`` units of each read forwards, half backwards."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.drop = config.dropout
        sizes = [config.d_model] + [config.d_ff] * config.n_layers
        self.layers = nn.ModuleList(
            nn.LSTM(size, half // 2, batch_first=True, bidirectional=True) for size, half in itertools.pairwise(sizes)
        )

    def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        """``[batch, source, d_model]`` to ``[batch, source, d_ff]``; ``mask``, ``[batch, 1, 1, source]``, as usual.

        Padding comes after the tokens; neither direction reads it, and what is returned there is 0.
        """
        lengths = None if mask is None or mask.all() else mask.sum((1, 2, 3)).cpu()
        for layer in self.layers:
            if lengths is None:
                x, _ = layer(x)
            else:
                packed, _ = layer(pack_padded_sequence(x, lengths, batch_first=True, enforce_sorted=False))
                x, _ = pad_packed_sequence(packed, batch_first=True, total_length=x.size(1))
            x = dropout(x, self.drop, self.training)
        return x


class AdditiveAttention(nn.Module):
    """A small network scores each pair of a state and a source position (Bahdanau et al. 2015, appendix A.1.2).

    ``pattern = softmax(v · tanh(W query + U memory + b))``, with ``d_model`` hidden units.
    """

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.drop = config.attention_dropout
        self.query = nn.Linear(config.d_ff, config.d_model)
        self.key = nn.Linear(config.d_ff, config.d_model, bias=False)
        self.score = nn.Linear(config.d_model, 1, bias=False)

    def forward(
        self, query: Tensor, memory: Tensor, mask: Tensor | None = None, taps: Taps = UNTAPPED
    ) -> tuple[Tensor, Tensor]:
        """Attend from ``[batch, target, d_ff]`` to ``[batch, source, d_ff]``.

        Args:
            query: the decoder's states.
            memory: the encoder's states.
            mask: ``[batch, 1, 1, source]``, True where attention is allowed.
            taps: watch the scores and the pattern.

        Returns:
            The contexts ``[batch, target, d_ff]``, and the weights ``[batch, 1, target, source]`` before dropout.
        """
        hidden = torch.tanh(self.query(query)[:, :, None] + self.key(memory)[:, None])
        scores = taps("scores", self.score(hidden)[..., 0][:, None])  # [batch, 1, target, source]
        if mask is not None:
            scores = scores.masked_fill(~mask, torch.finfo(scores.dtype).min)
        pattern = taps("pattern", scores.softmax(dim=-1))
        context = dropout(pattern[:, 0], self.drop, self.training and self.drop > 0) @ memory
        return context, pattern


class RecurrentDecoder(nn.Module):
    """An LSTM whose states are the queries, ``n_layers - 1`` more that also read the contexts, and the output."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.drop = config.dropout
        sizes = [config.d_model] + [2 * config.d_ff] * (config.n_layers - 1)
        self.layers = nn.ModuleList(nn.LSTM(size, config.d_ff, batch_first=True) for size in sizes)
        self.start = nn.Linear(config.d_ff // 2, config.n_layers * config.d_ff)
        self.attention = AdditiveAttention(config)
        self.output = nn.Linear(2 * config.d_ff, config.d_model)

    def start_states(self, memory: Tensor) -> Tensor:
        """The state in which each layer begins, ``[layer, batch, d_ff]``, from the encoder's ``[batch, source, d_ff]``.

        It is computed from the backward half at the first token, where it has read everything; the cells begin at 0.
        """
        backward = memory[:, 0, memory.size(2) // 2 :]
        states = torch.tanh(self.start(backward)).view(len(memory), len(self.layers), -1)
        return states.transpose(0, 1).contiguous()

    def forward(self, x: Tensor, memory: Tensor, mask: Tensor | None = None, taps: Taps = UNTAPPED) -> DecoderOutput:
        """``x`` is embedded, ``[batch, target, d_model]``; ``memory`` and ``mask`` as in :class:`AdditiveAttention`."""
        states = self.start_states(memory)
        lowest, *above = self.layers
        x = self._run(lowest, x, states[0])
        context, pattern = self.attention(x, memory, mask, taps.within(0, "cross_attention"))
        for layer, state in zip(above, states[1:], strict=True):
            x = self._run(layer, torch.cat((x, context), dim=-1), state)
        hidden = torch.tanh(self.output(torch.cat((x, context), dim=-1)))
        return DecoderOutput(dropout(hidden, self.drop, self.training), (), (pattern,))

    def _run(self, layer: nn.Module, x: Tensor, state: Tensor) -> Tensor:
        x, _ = layer(x, (state[None], torch.zeros_like(state)[None]))
        return dropout(x, self.drop, self.training)


class Recurrent(nn.Module):
    """Encoder, decoder and one embedding matrix shared by source, target and output.

    Its points (:mod:`model.network.taps`) are the embeddings, the scores and pattern of its attention, and the logits.
    """

    can = OWN | {Capability.CROSS_ATTENTION}

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.config = config
        self.embedding = TokenEmbedding(config)
        self.encoder = RecurrentEncoder(config)
        self.decoder = RecurrentDecoder(config)
        self.apply(_initialise)

    def forward(self, source: Tensor, target: Tensor) -> TransformerOutput:
        """Teacher-forced pass over ids ``[batch, source]`` and ``[batch, target]``, padded with ``PAD_ID``."""
        source_mask = padding_mask(source, PAD_ID)
        encoded = self.encode(source, source_mask)
        decoded = self.decode(target, encoded.hidden, source_mask)
        return TransformerOutput(decoded.hidden, encoded.patterns, decoded.self_patterns, decoded.cross_patterns)

    def encode(self, source: Tensor, source_mask: Tensor | None, taps: Taps = UNTAPPED) -> EncoderOutput:
        """Ids ``[batch, source]`` and their padding mask (None: no padding) to the states of both directions.

        The mask is ``[batch, 1, 1, source]``, the states ``[batch, source, d_ff]``.
        """
        x = taps.within("encoder")("embedding", self.embedding(source))
        return EncoderOutput(self.encoder(x, source_mask), ())

    def decode(
        self, target: Tensor, memory: Tensor, source_mask: Tensor | None, taps: Taps = UNTAPPED
    ) -> DecoderOutput:
        """Ids ``[batch, target]`` to hidden vectors ``[batch, target, d_model]`` and the pattern of the attention."""
        here = taps.within("decoder")
        return self.decoder(here("embedding", self.embedding(target)), memory, source_mask, here)

    def unembed(self, hidden: Tensor, taps: Taps = UNTAPPED) -> Tensor:
        """Hidden vectors ``[..., d_model]`` to logits ``[..., vocab]``, with the embedding's weights."""
        return taps("logits", F.linear(hidden, self.embedding.tokens.weight))

    def layers(self, stack: Stack) -> tuple[()]:
        """Empty: no layer here is made of heads."""
        return ()

    def rows(self, source: Tensor, target: Tensor) -> Tensor:
        """The ids that the decoder reads, ``[batch, position]``: those of the target."""
        return target

    def read(self, ids: Tensor, taps: Taps = UNTAPPED) -> Tensor:
        """The encoder's states of ids ``[batch, position]`` without padding, ``[batch, position, d_ff]``."""
        return self.encode(ids, None, taps).hidden


def _initialise(module: nn.Module) -> None:
    """As in a Transformer, except that an LSTM starts out forgetting little (Jozefowicz et al. 2015, section 2.2)."""
    initialise(module)
    if isinstance(module, nn.LSTM):
        for name, parameter in module.named_parameters():
            if name.startswith("bias"):  # [4 * hidden]: input, forget, cell, output
                nn.init.zeros_(parameter)
                if name.startswith("bias_ih"):
                    nn.init.ones_(cast(Tensor, parameter).data.view(4, -1)[1])
