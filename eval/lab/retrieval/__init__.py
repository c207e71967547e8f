"""Retrieval measured on captions with known windows: in archives of fifty videos, within one, and off topic."""

from lvqa.eval.lab.retrieval.measure import run_retrieval
from lvqa.eval.lab.retrieval.report import format_table

__all__ = ["format_table", "run_retrieval"]
