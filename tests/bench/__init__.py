"""Benchmarks, run by hand: ``python -m tests.bench NAME``. pytest collects none of them."""
