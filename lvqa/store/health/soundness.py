"""Whether the rows of an index are what was written, in one line: for what copies them, and must not copy damage.

Also for indexes of older schemas. Knows nothing of files and vectors; all that may be wrong is told by `lvqa check`.
"""

from __future__ import annotations

import sqlite3

from lvqa.store.checksums import SUMMED, checked_sum
from lvqa.store.health.check import UNEVEN

# Since when rows have a checksum, and videos their tallies.
_SUMS_SINCE = 5


def damage(connection: sqlite3.Connection) -> str:
    """What is wrong with the rows, such as `3 rows of notes not what was written`; empty where nothing is.

    Reads every row, on the snapshot of the connection. Raises sqlite3.Error where SQLite cannot read them.
    """
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    for table in SUMMED if version >= _SUMS_SINCE else ():
        sql = f"SELECT count(*) FROM {table} WHERE sum IS NOT {checked_sum(table)}"
        if wrong := connection.execute(sql).fetchone()[0]:
            return f"{wrong} {'row' if wrong == 1 else 'rows'} of {table} not what was written"
    if lost := connection.execute("PRAGMA foreign_key_check").fetchone():
        return f"rows of {lost[0]} without what they belong to"
    uneven = connection.execute(UNEVEN).fetchone() if version >= _SUMS_SINCE else None
    return f"{uneven[1].partition(' ')[0]} missing, or too many" if uneven else ""
