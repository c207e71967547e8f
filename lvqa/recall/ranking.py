"""Hits in order and merged; and what a literal match is worth. Knows no store and no vectors."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from lvqa.language.stems import content
from lvqa.language.words import has_exactly, keywords
from lvqa.types import Hit

# In nats, above what any likeness reaches: what a query says literally must be found literally.
LITERAL_BONUS = 25.0
WHOLE_BONUS = 6.0


def rank(hit: Hit) -> tuple[float, str, float, str]:
    """The order of hits: best first, then by path, start and id."""
    return -hit.score, hit.video, hit.span.start_s, hit.note.id


def literalness(query: str, parts: Sequence[str], text: str) -> float:
    """What a note gains, in nats, by having the query's literal parts, or, short of those, the whole of its words.

    Of a query that is some words to look up, all of them in a note are as good as a literal part.
    """
    if parts:
        return LITERAL_BONUS * sum(has_exactly(text, part) for part in parts) / len(parts)
    if words := keywords(query):
        if has_exactly(text, query) == 1:
            return LITERAL_BONUS + WHOLE_BONUS
        return LITERAL_BONUS * (min(has_exactly(text, word) for word in words) == 1)
    return WHOLE_BONUS if len(content(query)) > 1 and has_exactly(text, query) == 1 else 0.0


def merge(found: Iterable[Sequence[Hit]]) -> list[Hit]:
    """One ranking of several: a note keeps its best score, its first window, and each channel's best; best first."""
    best: dict[str, Hit] = {}
    for hits in found:
        for hit in hits:
            old = best.get(hit.note.id)
            best[hit.note.id] = hit if old is None else _both(old, hit)
    return sorted(best.values(), key=rank)


def _both(a: Hit, b: Hit) -> Hit:
    channels: Mapping[str, float] = {
        name: max(h.channels[name] for h in (a, b) if name in h.channels) for name in {**a.channels, **b.channels}
    }
    return Hit(a.video, a.note, max(a.score, b.score), channels, a.window or b.window)
