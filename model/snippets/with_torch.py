"""The same with PyTorch's own layer. Its weights lie the other way round, and its mask is True where it forbids."""

import numpy as np
import torch
from torch import nn

rng = np.random.default_rng(0)
x = torch.tensor(rng.normal(size=(1, 5, 8)), dtype=torch.float32)
w_q, w_k, w_v, w_o = (torch.tensor(rng.normal(size=(8, 8)), dtype=torch.float32) for _ in range(4))

layer = nn.MultiheadAttention(embed_dim=8, num_heads=2, bias=False, batch_first=True)
with torch.no_grad():
    layer.in_proj_weight.copy_(torch.cat([w_q.T, w_k.T, w_v.T]))
    layer.out_proj.weight.copy_(w_o.T)

forbidden = torch.ones(5, 5, dtype=torch.bool).triu(1)
with torch.no_grad():
    output, weights = layer(x, x, x, attn_mask=forbidden, average_attn_weights=False)
print(weights[0, 0].numpy().round(3))  # without average_attn_weights=False it would be the mean over the heads
print(output[0].numpy().round(3))
