"""Multi-head attention three times, each file runnable by itself: ``python model/snippets/from_scratch.py``."""
