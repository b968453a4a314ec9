"""From a source to a target, one token at a time."""
