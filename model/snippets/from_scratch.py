"""Multi-head self-attention (Vaswani et al. 2017, section 3.2), written out in PyTorch."""

import math

import numpy as np
import torch


def attend(x, w_q, w_k, w_v, w_o, n_heads):
    """x: [batch, token, d_model]; the weights: [d_model, d_model]. Returns the output and the attention weights."""
    batch, n, d_model = x.shape

    def split(y):  # [batch, token, d_model] -> [batch, head, token, d_head]
        return y.view(batch, n, n_heads, d_model // n_heads).transpose(1, 2)

    q, k, v = split(x @ w_q), split(x @ w_k), split(x @ w_v)
    scores = q @ k.transpose(-2, -1) / math.sqrt(d_model // n_heads)
    causal = torch.ones(n, n, dtype=torch.bool).tril()
    scores = scores.masked_fill(~causal, -math.inf)  # before the softmax
    weights = scores.softmax(dim=-1)  # over the keys
    heads = (weights @ v).transpose(1, 2).flatten(2)  # side by side: [batch, token, d_model]
    return heads @ w_o, weights


rng = np.random.default_rng(0)
x = torch.tensor(rng.normal(size=(1, 5, 8)), dtype=torch.float32)
w_q, w_k, w_v, w_o = (torch.tensor(rng.normal(size=(8, 8)), dtype=torch.float32) for _ in range(4))
output, weights = attend(x, w_q, w_k, w_v, w_o, n_heads=2)
print(weights[0, 0].numpy().round(3))  # the first head
print(output[0].numpy().round(3))
