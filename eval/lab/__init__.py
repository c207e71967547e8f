"""The laboratory: synthetic worlds, toy models, benchmarks and torture.

In the repository only; no product module imports it.
"""
