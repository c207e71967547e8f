"""FAISS indexes as files that may vanish, break or go stale at any time. Knows no tables.

A file counts only with a sidecar that holds its digest and the token that the database gives for the same vectors;
anything else, a file of garbage included, is as good as none. Nothing here raises: no cache only means slower.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import secrets
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from lvqa.store.disk import sha256_of
from lvqa.store.search.bundle import FOLDER, FORGOTTEN_S, Subject
from lvqa.store.search.vector_bank import FaissBank, Positions, load_faiss


class CacheFile:
    """The file of one kind of vectors ("notes", "frames") and one model below an index folder."""

    def __init__(self, index_dir: Path, kind: str, model: str) -> None:
        self.path = index_dir / FOLDER / f"{Subject(kind, model).stem}.faiss"
        self.sidecar = self.path.with_suffix(".json")
        self._about = {"kind": kind, "model": model}

    def load(self, token: int, dim: int) -> tuple[FaissBank, Positions] | None:
        """The vectors as they were saved under that token, and their ids; None where they were not, or are damaged."""
        try:
            about = json.loads(self.sidecar.read_bytes())
            wanted = {**self._about, "token": token, "dim": dim}
            if not isinstance(about, dict) or any(about.get(key) != value for key, value in wanted.items()):
                return None
            if not self.whole(about):
                return None
            faiss = load_faiss()
            index = faiss.read_index(str(self.path))
            flat: Any = faiss.downcast_index(index.index) if isinstance(index, faiss.IndexIDMap2) else None
            if not isinstance(flat, faiss.IndexFlatIP) or index.d != dim or index.ntotal != flat.ntotal:
                return None
            bank = FaissBank(dim, index)
            ids = bank.ids()
        except Exception:
            # FAISS raises RuntimeError, MemoryError and others for bytes that it cannot read.
            return None
        rising = len(ids) == len(bank) and bool(np.all(np.diff(ids) > 0))
        return (bank, ids) if rising else None

    def whole(self, about: Mapping[str, Any]) -> bool:
        """Whether the file is the one that a sidecar tells of, to the last byte."""
        try:
            return self.path.stat().st_size == about.get("bytes") and sha256_of(self.path) == about.get("sha256")
        except OSError:
            return False

    def save(self, bank: FaissBank, token: int) -> bool:
        """Write the vectors under a token, in one step each for file and sidecar; False where that cannot be done."""
        temporary = self.path.with_name(f"{self.path.name}.{secrets.token_hex(4)}.tmp")
        try:
            self.path.parent.mkdir(exist_ok=True)
            load_faiss().write_index(bank.index, str(temporary))
            about: dict[str, Any] = {
                **self._about,
                "token": token,
                "dim": int(bank.index.d),
                "bytes": temporary.stat().st_size,
                "sha256": sha256_of(temporary),
            }
            # Without a sidecar a file is as good as none: so it is, until both are new.
            self.sidecar.unlink(missing_ok=True)
            temporary.replace(self.path)
            temporary.write_text(json.dumps({**about, "own": own_digest(about)}), encoding="utf-8")
            temporary.replace(self.sidecar)
        except (OSError, RuntimeError, MemoryError):
            with contextlib.suppress(OSError):
                temporary.unlink()
            return False
        return True


def sweep(index_dir: Path, current: list[tuple[str, str]]) -> None:
    """Delete the cache files of models that have no vectors any more, and what a killed process left half-written."""
    known = {
        path
        for kind, model in current
        for file in [CacheFile(index_dir, kind, model)]
        for path in (file.path, file.sidecar)
    }
    with contextlib.suppress(OSError):
        for path in (index_dir / FOLDER).iterdir():
            old = path.suffix == ".tmp" and time.time() - path.stat().st_mtime > FORGOTTEN_S
            if old or (path.suffix in (".faiss", ".json") and path not in known):
                path.unlink()


def own_digest(about: Mapping[str, Any]) -> str:
    """The digest of a sidecar's other fields, which it holds itself, as 64 hex digits."""
    text = json.dumps({name: value for name, value in about.items() if name != "own"}, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()
