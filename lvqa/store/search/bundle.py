"""Index files that belong together: a folder with a manifest that says what they stand for and how to tell damage.

A folder is written under another name and renamed, so that there is all of it or nothing. Small files are checked in
full, large ones by samples, head and tail included: opening an index of gigabytes must not read it; `whole` does.
Knows neither what the files hold nor the database. Nothing here raises but the writing: no folder only means slower.
"""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import shutil
import time
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lvqa.store.disk import flush, sha256_of

FOLDER = "vectors"
MANIFEST = "manifest.json"
# Grows when the files change their meaning.
FORMAT = 1
FORGOTTEN_S = 3600.0
_FULL_BYTES = 8 << 20
_SAMPLES = 64
_SAMPLE_BYTES = 1 << 16


@dataclass(frozen=True, slots=True)
class Subject:
    """What index files are about: `kind` is notes, frames or texts, `model` that of the vectors."""

    kind: str
    model: str

    @property
    def stem(self) -> str:
        """The part of file names that tells subjects apart."""
        return f"{self.kind}-{hashlib.sha256(self.model.encode('utf-8', 'surrogatepass')).hexdigest()[:16]}"

    @property
    def table(self) -> str:
        """The table whose rows the files stand for."""
        return {"notes": "embeddings", "frames": "frames", "texts": "notes"}[self.kind]

    @property
    def own_rows(self) -> str:
        """The SQL condition on rows of that table which are the subject's, with a hole for `model`."""
        return "? = ''" if self.kind == "texts" else "model = ?"


def folder_of(index_dir: Path, subject: Subject, stamp: str) -> Path:
    """Where the files with that stamp lie, or would."""
    return index_dir / FOLDER / f"{subject.stem}.{stamp}"


@dataclass(slots=True)
class BundleDraft:
    """A folder that is being filled. `about` are JSON values that `checked` will ask for; to be set before the end."""

    folder: Path
    stamp: str
    about: Mapping[str, Any]


@contextmanager
def writing(index_dir: Path, subject: Subject) -> Iterator[BundleDraft]:
    """Give an empty folder to write files to; they are in their place once the block is left.

    Raises OSError; after any exception nothing is left.
    """
    stamp = secrets.token_hex(8)
    final = folder_of(index_dir, subject, stamp)
    draft = BundleDraft(final.with_name(f"{final.name}.part"), stamp, {})
    draft.folder.mkdir(parents=True)
    try:
        yield draft
        paths = sorted(draft.folder.iterdir())
        manifest: dict[str, Any] = {"format": FORMAT, "kind": subject.kind, "model": subject.model, "stamp": stamp}
        manifest |= {"files": {path.name: _digest(path) for path in paths}}
        manifest |= {"whole": {path.name: sha256_of(path) for path in paths if path.stat().st_size > _FULL_BYTES}}
        (draft.folder / MANIFEST).write_text(json.dumps({**manifest, **draft.about}), encoding="utf-8")
        # Of large files only samples are checked: what the power failure left of them must not be anything else.
        for path in (*draft.folder.iterdir(), draft.folder):
            flush(path)
        draft.folder.rename(final)
    except BaseException:
        shutil.rmtree(draft.folder, ignore_errors=True)
        raise


def checked(
    index_dir: Path, subject: Subject, stamp: str, about: Mapping[str, Any], *, whole: bool = False
) -> Path | None:
    """The folder with that stamp where all of it is there, undamaged and about the same; else None.

    `whole` reads large files through, too.
    """
    folder = folder_of(index_dir, subject, stamp)
    wanted = {"format": FORMAT, "kind": subject.kind, "model": subject.model, "stamp": stamp, **about}
    try:
        manifest = json.loads((folder / MANIFEST).read_bytes())
        if not isinstance(manifest, dict) or any(manifest.get(key) != value for key, value in wanted.items()):
            return None
        files = manifest["files"]
        if not files or any(_digest(folder / Path(name).name) != known for name, known in files.items()):
            return None
        if whole and any(
            sha256_of(folder / Path(name).name) != known for name, known in manifest.get("whole", {}).items()
        ):
            return None
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None
    return folder


def sweep_bundles(index_dir: Path, current: Collection[tuple[Subject, str]]) -> None:
    """Delete the folders of other stamps, and what a killed process left half-written. Only the writer may."""
    known = {folder_of(index_dir, subject, stamp).name for subject, stamp in current}
    with suppress(OSError):
        for path in (index_dir / FOLDER).iterdir():
            if not path.is_dir() or path.name in known:
                continue
            half = path.name.endswith(".part")
            with suppress(OSError):
                if (path / MANIFEST).exists() if not half else time.time() - path.stat().st_mtime > FORGOTTEN_S:
                    shutil.rmtree(path, ignore_errors=True)


def _digest(path: Path) -> list[Any]:
    """The size of a file and the SHA-256 of its content, or of samples of it."""
    with path.open("rb") as file:
        size = os.fstat(file.fileno()).st_size
        if size <= _FULL_BYTES:
            return [size, hashlib.file_digest(file, "sha256").hexdigest()]
        digest = hashlib.sha256()
        for number in range(_SAMPLES):
            file.seek((size - _SAMPLE_BYTES) * number // (_SAMPLES - 1))
            digest.update(file.read(_SAMPLE_BYTES))
        return [size, digest.hexdigest()]
