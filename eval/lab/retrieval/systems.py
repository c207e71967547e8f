"""What is measured: the channels alone and fused, a second configuration for precision, and the fusion without a piece.

Knows names, channels and rules; runs nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lvqa.recall import Channel, RecallRules


@dataclass(frozen=True, slots=True)
class RetrievalSystem:
    """A way to search: its name in tables, its channels, its rules."""

    title: str
    channels: tuple[Channel, ...]
    rules: RecallRules


FUSED = "hybrid"
PRECISE = "precise"
SINGLE: tuple[str, ...] = ("bm25", "dense")
SYSTEMS: tuple[str, ...] = (*SINGLE, FUSED, PRECISE)


def systems() -> dict[str, RetrievalSystem]:
    """The systems by name."""
    from lvqa.recall import RecallRules

    rules = RecallRules()
    both: tuple[Channel, ...] = ("text", "dense")
    # "precise" is for all seconds of the most probable passage rather than for the best chance to have it.
    return {
        "bm25": RetrievalSystem("BM25", ("text",), rules),
        "dense": RetrievalSystem("dense", ("dense",), rules),
        FUSED: RetrievalSystem("hybrid", both, rules),
        PRECISE: RetrievalSystem("hybrid, precise", both, replace(rules, coverage_s=0.5)),
    }


def pieces() -> dict[str, RetrievalSystem]:
    """The fusion with one piece taken away."""
    from lvqa.recall import RecallRules

    rules = RecallRules()
    both: tuple[Channel, ...] = ("text", "dense")
    return {
        "without the rewrite": RetrievalSystem("without the rewrite", both, replace(rules, rewrite=False)),
        "without time relations": RetrievalSystem("without time relations", both, replace(rules, relations=False)),
        "without coverage": RetrievalSystem("without coverage", both, replace(rules, coverage_s=0.0)),
        "seconds as sharp as videos": RetrievalSystem(
            "seconds as sharp as videos", both, replace(rules, time_share=1.0)
        ),
        "without BM25": RetrievalSystem("without BM25", ("dense",), rules),
        "without dense": RetrievalSystem("without dense", ("text",), rules),
    }
