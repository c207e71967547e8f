"""Whether the rows of an index are what was written, in one line: for what copies them, and must not copy damage.

Knows neither what is amiss elsewhere in an archive nor how to mend it; that is told by `lvqa verify`.
"""

from __future__ import annotations

import sqlite3

from lvqa.store.sums import SUMMED, sum_of

# Since when rows have a checksum, and videos their tallies.
_SUMS_SINCE = 5
_TALLIES = """
    WITH counted(video, kind, count) AS (
        SELECT video, 'clips ' || level, count(*) FROM clips GROUP BY 1, 2 UNION ALL
        SELECT video, 'notes ' || source, count(*) FROM notes GROUP BY 1, 2 UNION ALL
        SELECT video, 'frames ' || model, count(*) FROM frames GROUP BY 1, 2
    )
    SELECT count(*), min(kind) FROM (
        SELECT t.kind AS kind FROM tallies t LEFT JOIN counted c ON c.video = t.video AND c.kind = t.kind
        WHERE t.count <> coalesce(c.count, 0)
        UNION ALL
        SELECT c.kind FROM counted c LEFT JOIN tallies t ON t.video = c.video AND t.kind = c.kind WHERE t.video IS NULL
    )
"""


def damage(connection: sqlite3.Connection) -> str:
    """What is wrong with the rows, such as `3 rows of notes are not what was written`; empty where nothing is.

    Reads every row, on the snapshot of the connection. Raises sqlite3.Error where SQLite cannot read them.
    """
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    for table in SUMMED if version >= _SUMS_SINCE else ():
        wrong = connection.execute(f"SELECT count(*) FROM {table} WHERE sum <> {sum_of(table)}").fetchone()[0]
        if wrong:
            return f"{wrong} {'row' if wrong == 1 else 'rows'} of {table} not what was written"
    lost = connection.execute('SELECT count(*), min("table") FROM pragma_foreign_key_check').fetchone()
    if lost[0]:
        return f"{lost[0]} {'row' if lost[0] == 1 else 'rows'} of {lost[1]} without what they belong to"
    if version >= _SUMS_SINCE:
        missing, kind = connection.execute(_TALLIES).fetchone()
        if missing:
            return f"{kind.partition(' ')[0]} of {missing} {'video' if missing == 1 else 'videos'} missing or too many"
    return ""
