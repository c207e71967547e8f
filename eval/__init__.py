"""Measurements: retrieval, tasks, benchmarks."""
