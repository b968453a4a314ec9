"""Text to ids, and material to learn from: the tokenizer, the tasks, sentences as people type them."""
