"""Whether the index files on disk stand for what the database holds. They are caches: what is wrong is only slow.

Digests of whole files are compared, which opening them does only for small ones.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from lvqa.store.database import Connections
from lvqa.store.health.finding import Finding
from lvqa.store.search.bases import BaseRow, alive_mask, all_bases, live_rows
from lvqa.store.search.bundle import FOLDER, Subject, checked
from lvqa.store.search.columns import Columns
from lvqa.store.search.vector_cache import CacheFile, own_digest

# A reader may be writing a flat index right now: what looks wrong is looked at again.
_AGAIN_S = 0.2


def check_bases(connections: Connections, index_dir: Path) -> Iterator[Finding]:
    """The files that the database names: all there, undamaged, and about the rows that it has. Inside `reading`."""
    for base in all_bases(connections):
        what = " by ".join(filter(None, (base.subject.kind, base.subject.model)))
        folder = checked(index_dir, base.subject, base.stamp, {"size": base.size, "last": base.last}, whole=True)
        if folder is None:
            yield Finding(
                "vectors", f"the search files of {what} are missing or damaged; search is slower until repaired"
            )
        elif not _stands_for(connections, base, folder):
            yield Finding("vectors", f"the search files of {what} are of other rows than the database's")


def _stands_for(connections: Connections, base: BaseRow, folder: Path) -> bool:
    try:
        columns = Columns.load(folder, base.size)
    except (OSError, ValueError):
        return False
    alive = alive_mask(connections, base, columns)
    kept = columns.n if alive is None else columns.n[alive]
    return bool(np.array_equal(kept, live_rows(connections, base.subject, base.last)))


def check_flat(connections: Connections, index_dir: Path) -> Iterator[Finding]:
    """The flat indexes: each sidecar with its file, and of the database's rows where it claims to be up to date."""
    for sidecar in sorted((index_dir / FOLDER).glob("*.json")):
        if _flat_problem(connections, index_dir, sidecar):
            time.sleep(_AGAIN_S)
            problem = _flat_problem(connections, index_dir, sidecar)
            if problem:
                yield Finding("vectors", f"the cached vectors {sidecar.with_suffix('.faiss').name} {problem}")


def _flat_problem(connections: Connections, index_dir: Path, sidecar: Path) -> str:
    try:
        about: Any = json.loads(sidecar.read_bytes())
        kind, model, token, dim = about["kind"], about["model"], about["token"], about["dim"]
        if about["own"] != own_digest(about):
            return "are described by a damaged sidecar"
    except FileNotFoundError:
        return ""
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return "are described by a damaged sidecar"
    file = CacheFile(index_dir, kind, model)
    if file.sidecar != sidecar or kind not in ("notes", "frames"):
        return "are described by a sidecar of another file"
    if not file.whole(about):
        return "are missing or damaged"
    current = connections.value("SELECT token FROM versions WHERE kind = ? AND model = ?", (kind, model))
    if current != token:
        return ""  # of an earlier state of the database, and not used
    loaded = file.load(token, dim)
    last = np.iinfo(np.int64).max
    if loaded is None or not np.array_equal(loaded[1], live_rows(connections, Subject(kind, model), int(last))):
        return "are of other rows than the database's"
    return ""
