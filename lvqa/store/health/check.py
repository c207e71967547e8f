"""Checks an index through: the database's shape and content, its full-text index, tallies, vectors and their files.

Reads one snapshot and changes nothing, so that it can run beside a writer. Knows no folder of videos and no models.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Iterator
from itertools import zip_longest
from pathlib import Path
from typing import Any

from lvqa.errors import StoreError, StoreFull, StoreVersionError
from lvqa.store.checksums import SUMMED, checked_sum, summed
from lvqa.store.commits import read_commits
from lvqa.store.database import Connections
from lvqa.store.faults import explained
from lvqa.store.health.base_files import check_bases, check_flat
from lvqa.store.health.finding import Finding
from lvqa.store.health.salvage import header_is_right
from lvqa.store.opening import DATABASE_FILE
from lvqa.store.search.tokenize import TOKENIZER
from lvqa.store.store import Store

_SHOWN = 5
# What each video has of each kind of row: (video, kind, found).
TALLIES = """
    SELECT video, 'clips ' || level AS kind, count(*) AS found FROM clips GROUP BY 1, 2
    UNION ALL SELECT video, 'notes ' || source, count(*) FROM notes GROUP BY 1, 2
    UNION ALL SELECT video, 'frames ' || model, count(*) FROM frames GROUP BY 1, 2
"""
# (video, kind, how many there are, how many there should be) where those differ.
UNEVEN = f"""
    SELECT video, kind, sum(found), sum(told) FROM (
        SELECT video, kind, found, 0 AS told FROM ({TALLIES})
        UNION ALL SELECT video, kind, 0, count FROM tallies
    ) GROUP BY video, kind HAVING sum(found) <> sum(told) ORDER BY video, kind
"""
# Videos with clips that lack a caption: (video, path, how many, how many of them the captioner had nothing to say of).
CAPTIONLESS = """
    SELECT j.video, v.path, (
        SELECT count(*) FROM clips c WHERE c.video = j.video AND c.level = 'clip' AND NOT EXISTS (
            SELECT 1 FROM notes t WHERE t.clip = c.n AND t.source IN ('caption', 'imported'))
    ) AS without, j.blank FROM jobs j JOIN videos v ON v.n = j.video
    WHERE j.stage = 'caption' AND j.status = 'done' AND without > j.blank ORDER BY v.path
"""
_SCHEMA = "SELECT type, name, tbl_name, coalesce(sql, '') FROM sqlite_master ORDER BY type, name"
# Since when rows have a checksum, and videos their tallies.
_SUMS_SINCE = 5
_BLOCK = 1 << 14
_MADE = "SELECT term, doc, offset FROM made"
# Sizes of the texts, and the totals that bm25 divides by (record 1 of the index's data).
_SIZES = "SELECT id, sz FROM {table}_docsize ORDER BY id"
_TOTALS = "SELECT rtrim(hex(block), '0') FROM {table}_data WHERE id = 1"


def check_index(index_dir: Path, *, embedder: str | None = None) -> list[Finding]:
    """All that is wrong with the index in a folder, also where it cannot even be opened. See `check_open`.

    Raises StoreError where there never was one; StoreVersionError for one of a newer lvqa; StoreFull where the disk has
    not even room for looking.
    """
    path = index_dir / DATABASE_FILE
    if not path.exists() or not path.stat().st_size:
        noted = read_commits(index_dir)
        if not noted:
            Store.open(index_dir, create=False).close()
        what = "is empty" if path.exists() else "is gone"
        told = f"the database {path} {what}, and with it {noted} commits; its caches cannot bring them back"
        return [Finding("database", told, "backup")]
    try:
        Store.open(index_dir, create=False).close()
        with explained(path):
            if not header_is_right(path):
                return [Finding("database", f"the header of the database {path.name} is damaged")]
    except (StoreFull, StoreVersionError):
        raise
    except StoreError as error:
        return [Finding("database", f"the database cannot be opened ({error.__cause__ or error})")]
    connections = Connections(path, write=False)
    try:
        return check_open(connections, index_dir, embedder=embedder)
    finally:
        connections.close()


def check_open(connections: Connections, index_dir: Path, *, embedder: str | None = None) -> list[Finding]:
    """All that is wrong with an open index; empty where nothing is.

    `embedder` is the model that every note should have a vector of, empty for none; where it is not given, the one
    that embedded most. Raises StoreError only where not even a snapshot can be had.
    """
    connection = connections.connection
    # Checking the full-text index takes tables in memory, which SQLite counts as writing.
    connection.execute("PRAGMA query_only = OFF")
    try:
        with connections.reading():
            return list(_all(connections, index_dir, embedder))
    finally:
        if not connections.write_allowed:
            connection.execute("PRAGMA query_only = ON")


def _all(connections: Connections, index_dir: Path, embedder: str | None) -> Iterator[Finding]:
    shape = list(_guarded(connections, _shape))
    yield from shape
    checks: list[Callable[[Connections], Iterator[Finding]]] = [_rows, _references, _tallies, _text, _vectors]
    for check in checks:
        # What a check cannot read is the database's damage, told once.
        for finding in _guarded(connections, check):
            if finding.kind != "database" or not shape:
                yield finding
            if finding.kind == "database":
                shape.append(finding)
    if any(finding.kind == "database" for finding in shape):
        return
    yield from _commits(connections, index_dir)
    yield from check_bases(connections, index_dir)
    yield from check_flat(connections, index_dir)
    yield from _captions(connections)
    yield from _embedded(connections, embedder)


def _guarded(connections: Connections, check: Callable[[Connections], Iterator[Finding]]) -> Iterator[Finding]:
    try:
        yield from check(connections)
    except (StoreError, sqlite3.Error, sqlite3.Warning, ValueError, TypeError) as error:
        cause = error.__cause__ if isinstance(error, StoreError) and error.__cause__ is not None else error
        yield Finding("database", f"the database {connections.path.name} cannot be read through ({cause})")


def _shape(connections: Connections) -> Iterator[Finding]:
    problems = [str(row[0]) for row in connections.rows(f"PRAGMA integrity_check({_SHOWN})")]
    if problems != ["ok"]:
        yield Finding("database", f"the database {connections.path.name} is damaged: {_listed(problems)}")
    missing = sorted(set(_expected_schema()) - set(connections.rows(_SCHEMA)))
    if missing:
        names = _listed([f"{kind} {name}" for kind, name, *_ in missing])
        yield Finding("database", f"the database {connections.path.name} has not the schema of this lvqa: {names}")


def _expected_schema() -> list[tuple[str, ...]]:
    """The schema that the migrations make, but for the tables of sqlite-utils' and SQLite's own bookkeeping."""
    from sqlite_utils import Database

    from lvqa.store.migrations import MIGRATIONS

    made = sqlite3.connect(":memory:", isolation_level=None)
    try:
        MIGRATIONS.apply(Database(made, execute_plugins=False))
        return [tuple(row) for row in made.execute(_SCHEMA) if not row[1].startswith(("sqlite_", "_sqlite", "idx__"))]
    finally:
        made.close()


def _rows(connections: Connections) -> Iterator[Finding]:
    for table in SUMMED:
        bad = connections.value(f"SELECT count(*) FROM {table} WHERE sum IS NOT {checked_sum(table)}")
        if bad:
            yield Finding("rows", f"{bad} row{'s' if bad > 1 else ''} of {table} changed on the disk")


def _references(connections: Connections) -> Iterator[Finding]:
    bad = connections.rows("PRAGMA foreign_key_check")
    if bad:
        tables = sorted({str(row[0]) for row in bad})
        yield Finding("rows", f"{len(bad)} rows of {', '.join(tables)} refer to rows that are gone")


def _tallies(connections: Connections) -> Iterator[Finding]:
    uneven = connections.rows(UNEVEN)
    if uneven:
        lost = sum(max(0, told - found) for _, _, found, told in uneven)
        kinds = _listed(sorted({str(kind) for _, kind, _, _ in uneven}))
        more = f", {lost} are gone" if lost else ""
        yield Finding("rows", f"the rows of {len({row[0] for row in uneven})} videos are not as many as were written"
                              f"{more} ({kinds})")  # fmt: skip


def _text(connections: Connections) -> Iterator[Finding]:
    problem = _text_problem(connections)
    if problem:
        yield Finding("text", f"the full-text index does not agree with the notes: {problem}")


def _text_problem(connections: Connections) -> str:
    """What is wrong with the full-text index, empty where nothing is.

    FTS5 can check itself, but counts that as writing and would hold up an indexer. So the texts are tokenised anew,
    into a database that SQLite keeps in memory or in a file of its own, and the two indexes are read side by side.
    """
    told: Any = connections.connection.execute
    fresh = sqlite3.connect("", isolation_level=None)
    told("CREATE VIRTUAL TABLE IF NOT EXISTS temp.lvqa_check USING fts5vocab('main', 'notes_fts', 'instance')")
    try:
        fresh.execute(f"CREATE VIRTUAL TABLE notes_fts USING fts5(text, content='', tokenize='{TOKENIZER}')")
        fresh.execute("CREATE VIRTUAL TABLE made USING fts5vocab('notes_fts', 'instance')")
        fresh.execute("BEGIN")
        for rows in connections.stream("SELECT n, text FROM notes ORDER BY n"):
            fresh.executemany("INSERT INTO notes_fts(rowid, text) VALUES (?, ?)", rows)
        pairs = [("SELECT term, doc, offset FROM temp.lvqa_check", _MADE, "terms")]
        pairs += [
            (sql.format(table="notes_fts"),) * 2 + (what,) for sql, what in ((_SIZES, "sizes"), (_TOTALS, "totals"))
        ]
        for mine, theirs, what in pairs:
            if not _same(told(mine), fresh.execute(theirs)):
                return f"its {what} differ"
        return ""
    finally:
        fresh.close()
        told("DROP TABLE temp.lvqa_check")


def _same(one: sqlite3.Cursor, other: sqlite3.Cursor) -> bool:
    return all(a == b for a, b in zip_longest(_blocks(one), _blocks(other)))


def _blocks(cursor: sqlite3.Cursor) -> Iterator[list[Any]]:
    while rows := cursor.fetchmany(_BLOCK):
        yield rows


def _vectors(connections: Connections) -> Iterator[Finding]:
    for table, what in (("embeddings", "notes"), ("frames", "frames")):
        lengths = connections.value(f"SELECT count(*) FROM {table} WHERE length(vector) <> 4 * dim")
        if lengths:
            yield Finding("rows", f"{lengths} vectors of {what} have not the length that they should")
        for model, sizes in connections.rows(f"SELECT model, count(DISTINCT dim) FROM {table} GROUP BY model"):
            if sizes > 1:
                yield Finding("rows", f"the vectors of {what} by {model} have {sizes} different sizes")


def _commits(connections: Connections, index_dir: Path) -> Iterator[Finding]:
    have, noted = connections.value("SELECT n FROM commits"), read_commits(index_dir)
    if have is not None and noted > have:
        yield Finding(
            "commits",
            f"the last {noted - have} of {noted} commits are lost: the database's log was damaged or taken away, or an "
            "older copy of it was put here",
            "index",
        )


def _captions(connections: Connections) -> Iterator[Finding]:
    for _, path, without, blank in connections.rows(CAPTIONLESS):
        yield Finding("captions", f"{path}: {without - blank} clips have no caption")


def _embedded(connections: Connections, embedder: str | None) -> Iterator[Finding]:
    if embedder is None:
        found = connections.row("SELECT model FROM embeddings GROUP BY model ORDER BY count(*) DESC, model LIMIT 1")
        embedder = str(found[0]) if found else ""
    if not embedder:
        return
    missing = connections.value(
        "SELECT count(*) FROM notes WHERE n NOT IN (SELECT note FROM embeddings WHERE model = ?)", (embedder,)
    )
    if missing:
        yield Finding("vectors", f"{missing} notes have no vector of {embedder}", "index")


def _listed(names: list[str]) -> str:
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return "; ".join(" ".join(name.split()) for name in names[:_SHOWN]) + more


def damage(connection: sqlite3.Connection) -> str:
    """What is wrong with the rows, such as `3 rows of notes not what was written`; empty where nothing is.

    Reads every row, on the snapshot of the connection. Raises sqlite3.Error where SQLite cannot read them.
    """
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    for table in SUMMED if version >= _SUMS_SINCE else ():
        sql = f"SELECT count(*) FROM {table} WHERE sum IS NOT {checked_sum(table, summed(table, version))}"
        if wrong := connection.execute(sql).fetchone()[0]:
            return f"{wrong} {'row' if wrong == 1 else 'rows'} of {table} not what was written"
    if lost := connection.execute("PRAGMA foreign_key_check").fetchone():
        return f"rows of {lost[0]} without what they belong to"
    uneven = connection.execute(UNEVEN).fetchone() if version >= _SUMS_SINCE else None
    return f"{uneven[1].partition(' ')[0]} missing, or too many" if uneven else ""


def describe_findings(findings: Iterable[Finding]) -> list[str]:
    """A line for each finding, with what mends it."""
    how = {"repair": "lvqa check --repair mends it", "index": "run lvqa index", "backup": "put a backup in its place"}
    return [f"{finding.text}; {how[finding.mend]}" for finding in findings]
