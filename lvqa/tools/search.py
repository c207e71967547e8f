"""Searching notes: the passages that most probably hold what is searched for."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from lvqa.language.times import times
from lvqa.tools.arguments import integer, text
from lvqa.tools.rules import RULES
from lvqa.tools.workbench import Workbench, cut
from lvqa.types import Hit, Scope


@dataclass(frozen=True, slots=True)
class Passages:
    """What a search found, best first, and a line for each thing that it could not look through."""

    query: str
    hits: tuple[Hit, ...]
    left_out: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """The passages, each with the id of its note, and what was not looked at."""
        hits = [{"note": hit.note.id, **hit.to_dict(), "text": cut(hit.note.text)} for hit in self.hits]
        return {"query": self.query, "hits": hits, "left_out": list(self.left_out)}


def search(bench: Workbench, query: str, scope: Scope | None = None, k: int = 10) -> Passages:
    """The k passages that together most probably hold what is searched for; none where nothing is relevant.

    A stretch of time that the query names is where it looks, unless the scope names one or nothing is there. Raises
    UsageError for bad arguments, ModelError.
    """
    query, k = text(query, "query"), integer(k, "k", 1, RULES.hits)
    inside = bench.narrowed(scope)
    filter = bench.within(scope)
    named = times(query) if filter.span is None else None

    def look() -> list[Hit]:
        if named is not None and (hits := bench.retriever.search(query, k, replace(filter, span=named))):
            return hits
        return bench.retriever.search(query, k, filter)

    hits = bench.store.consistent(look, again=bench.retriever.forget)
    return Passages(query, tuple(hits), tuple(without_captions(inside)))


def without_captions(bench: Workbench) -> list[str]:
    """A line for each of the first videos of which there is no caption, and one for the others."""
    held = bench.store.notes.sources()
    bare = [video.path for video in bench.videos if not {"caption", "imported"} & held.get(video.id, {}).keys()]
    lines = [f"{path} has no captions" for path in sorted(bare)[: RULES.gaps]]
    return [*lines, f"{len(bare) - len(lines)} videos more have no captions"] if len(bare) > len(lines) else lines
