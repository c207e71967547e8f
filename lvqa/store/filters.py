"""Which rows a search may return, and the same as SQL. Knows nothing of how rows are ranked."""

from __future__ import annotations

import json
from dataclasses import dataclass

from lvqa.store.keys import clean_text
from lvqa.types import LEVELS, SOURCES, Level, Source, Span


@dataclass(frozen=True, slots=True)
class Filter:
    """What a result must satisfy; None allows everything, an empty set nothing.

    `span` keeps notes that overlap it and frames that lie in it. `level` is that of a note's clip; notes of no clip
    (speech) count as `clip`. `sources` and `level` say nothing about frames.
    """

    video_ids: frozenset[str] | None = None
    span: Span | None = None
    sources: frozenset[Source] | None = None
    level: Level | None = None

    def __post_init__(self) -> None:
        for source in self.sources or ():
            if source not in SOURCES:
                raise ValueError(f"a source is one of {', '.join(SOURCES)}, got {source!r}")
        if self.level is not None and self.level not in LEVELS:
            raise ValueError(f"a level is one of {', '.join(LEVELS)}, got {self.level!r}")


def json_list(values: frozenset[str]) -> str:
    """Values as the JSON array that `IN (SELECT value FROM json_each(?))` reads, in a fixed order."""
    return json.dumps(sorted(clean_text(value) for value in values))


def note_conditions(wanted: Filter | None, table: str = "t") -> tuple[str, list[object]]:
    """SQL that continues a WHERE clause over the notes table named `table`, and its parameters."""
    sql: list[str] = []
    params: list[object] = []
    if wanted is None:
        return "", params
    if wanted.video_ids is not None:
        sql.append(f" AND {table}.video IN (SELECT n FROM videos WHERE id IN (SELECT value FROM json_each(?)))")
        params.append(json_list(wanted.video_ids))
    if wanted.span is not None:
        sql.append(f" AND {table}.start_s < ? AND {table}.end_s > ?")
        params += [wanted.span.end_s, wanted.span.start_s]
    if wanted.sources is not None:
        sql.append(f" AND {table}.source IN (SELECT value FROM json_each(?))")
        params.append(json_list(frozenset(wanted.sources)))
    if wanted.level is not None:
        sql.append(f" AND {table}.level = ?")
        params.append(wanted.level)
    return "".join(sql), params
