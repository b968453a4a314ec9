"""The same model, changed."""
