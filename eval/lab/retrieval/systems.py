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
COARSE = "coarse to fine, 12 videos"
SINGLE: tuple[str, ...] = ("bm25", "dense")
SYSTEMS: tuple[str, ...] = (*SINGLE, FUSED, PRECISE)


def systems() -> dict[str, RetrievalSystem]:
    """The systems by name."""
    from lvqa.recall import RecallRules

    rules = RecallRules()
    both: tuple[Channel, ...] = ("text", "dense")
    return {
        "bm25": RetrievalSystem("BM25", ("text",), rules),
        "dense": RetrievalSystem("dense", ("dense",), rules),
        FUSED: RetrievalSystem("hybrid", both, rules),
        PRECISE: RetrievalSystem("hybrid, precise", both, rules.precise()),
    }


def pieces() -> dict[str, RetrievalSystem]:
    """The fusion with one piece taken away, or one that is off by default added."""
    from lvqa.recall import RecallRules

    rules = RecallRules()
    both: tuple[Channel, ...] = ("text", "dense")
    return {
        "without the rewrite": RetrievalSystem("without the rewrite", both, replace(rules, rewrite=False)),
        "without time relations": RetrievalSystem("without time relations", both, replace(rules, relations=False)),
        "without coverage": RetrievalSystem("without coverage", both, replace(rules, coverage_s=0.0)),
        "3 s suppression instead of coverage": RetrievalSystem(
            "3 s suppression instead of coverage", both, replace(rules, coverage_s=0.0, apart_s=3.0)
        ),
        "with 1.5 s smoothing": RetrievalSystem("with 1.5 s smoothing", both, replace(rules, smoothing_s=1.5)),
        "seconds as sharp as videos": RetrievalSystem(
            "seconds as sharp as videos", both, replace(rules, time_share=1.0)
        ),
        COARSE: RetrievalSystem("coarse to fine, 12 videos", both, replace(rules, coarse_videos=12)),
        "without BM25": RetrievalSystem("without BM25", ("dense",), rules),
        "without dense": RetrievalSystem("without dense", ("text",), rules),
    }
