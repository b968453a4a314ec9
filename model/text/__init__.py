"""Text to ids, and what can be learned from: the tokenizer, the tasks, sentences as people type them."""
