"""Reasoning without a language model."""
