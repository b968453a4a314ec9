"""How many weights a model has, by arithmetic, before there is a model and without PyTorch."""

from __future__ import annotations

from model.config import ENCODING_SIZES, ModelConfig


def count_parameters(config: ModelConfig) -> int:
    """The number of weights in a model, each counted once."""
    embedding = config.vocab_size * config.d_model
    if config.architecture == "lstm":
        return embedding + _positional(config, config.max_len) + _recurrent(config)
    norm = 2 * config.d_model
    attention = 4 * _linear(config.d_model, config.d_model)
    feed_forward = _linear(config.d_model, config.d_ff) + _linear(config.d_ff, config.d_model)
    encoder_layer = attention + feed_forward + 2 * norm
    final_norm = norm if config.norm == "pre" else 0
    encoder = config.n_layers * encoder_layer + final_norm
    if config.architecture == "decoder":  # its layers have the same parts, and it reads source and target as one
        return embedding + _positional(config, 2 * config.max_len) + encoder
    decoder = encoder + config.n_layers * (attention + norm)
    return embedding + _positional(config, config.max_len) + encoder + decoder


def _positional(config: ModelConfig, n_positions: int) -> int:
    return ENCODING_SIZES[config.positional].n_parameters(config, n_positions)


def _recurrent(config: ModelConfig) -> int:
    """Encoder, attention and decoder of :mod:`model.network.recurrent`."""
    n_layers, d_model, d_ff = config.n_layers, config.d_model, config.d_ff
    encoder = 2 * (_lstm(d_model, d_ff // 2) + (n_layers - 1) * _lstm(d_ff, d_ff // 2))
    decoder = _lstm(d_model, d_ff) + (n_layers - 1) * _lstm(2 * d_ff, d_ff)
    attention = _linear(d_ff, d_model) + d_ff * d_model + d_model
    return encoder + decoder + attention + _linear(d_ff // 2, n_layers * d_ff) + _linear(2 * d_ff, d_model)


def _linear(n_in: int, n_out: int) -> int:
    return (n_in + 1) * n_out


def _lstm(n_in: int, n_units: int) -> int:
    """Four gates, each with a matrix for the input and one for the state, and PyTorch's two biases."""
    return 4 * n_units * (n_in + n_units + 2)
