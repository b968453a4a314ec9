"""The same in Keras; it runs on any of its backends, here on PyTorch."""

import os

os.environ["KERAS_BACKEND"] = "torch"

import keras
import numpy as np

rng = np.random.default_rng(0)
x = rng.normal(size=(1, 5, 8)).astype("float32")
w_q, w_k, w_v, w_o = (rng.normal(size=(8, 8)).astype("float32") for _ in range(4))

layer = keras.layers.MultiHeadAttention(num_heads=2, key_dim=4, use_bias=False)
layer.build(query_shape=x.shape, value_shape=x.shape)
# [d_model, head, d_head] for queries, keys and values; [head, d_head, d_model] for the output.
layer.set_weights([w_q.reshape(8, 2, 4), w_k.reshape(8, 2, 4), w_v.reshape(8, 2, 4), w_o.reshape(2, 4, 8)])

output, weights = layer(x, x, use_causal_mask=True, return_attention_scores=True)
output, weights = (np.asarray(keras.ops.convert_to_numpy(part)) for part in (output, weights))
print(weights[0, 0].round(3))  # Keras calls the weights attention scores
print(output[0].round(3))
