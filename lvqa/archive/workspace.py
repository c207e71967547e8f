"""A folder of videos, where its index lies, and the models that go with both: what everything about an archive needs.

Opens and closes; indexes, searches and answers nothing.
"""

from __future__ import annotations

import json
import os
import shlex
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from lvqa import phrasing
from lvqa.errors import UsageError
from lvqa.media.bounds import Limits, use_limits
from lvqa.settings import Settings
from lvqa.types import Video

if TYPE_CHECKING:
    from lvqa.agents.chat.memory import Memory
    from lvqa.models.profiles import Models
    from lvqa.store import Store

INDEX_FOLDER = ".lvqa"
OnWait = Callable[[str], None]
_FOLDER = "folder"  # where the index keeps whose it is


class IndexedFolder:
    """The videos below `folder`, and their index in `archive_dir`. See `lvqa.archive.archive.Archive`, which is one."""

    def __init__(
        self,
        folder: str | os.PathLike[str],
        *,
        archive_dir: str | os.PathLike[str] | None = None,
        profile: str | None = None,
        models: Models | None = None,
        **settings: Any,
    ) -> None:
        self.folder = _folder(folder)
        self.index_dir = Path(archive_dir).expanduser() if archive_dir is not None else self.folder / INDEX_FOLDER
        if archive_dir is not None and not os.fspath(archive_dir).strip():
            raise UsageError("the index folder's name is empty; give --archive a folder")
        self.settings = Settings.load(self.index_dir, profile=profile, **settings)
        isolate = self.settings.isolate and sys.platform != "win32"
        use_limits(Limits(isolate, self.settings.decode_memory_mb, self.settings.decode_stall_s))
        self._models = models
        self._given_models = models is not None
        self._reader: Store | None = None
        self._memory: Memory | None = None

    @property
    def models(self) -> Models:
        """The models of all roles; each loads when it is first used."""
        if self._models is None:
            from lvqa.models.profiles import Models

            self._models = Models(self.settings)
        return self._models

    @property
    def exists(self) -> bool:
        """Whether anything was indexed here before."""
        return (self.index_dir / "archive.db").is_file()

    @property
    def store(self) -> Store:
        """The index, opened for reading. Raises UsageError where there is none yet."""
        if self._reader is None:
            from lvqa.store import Store

            if not self.exists:
                raise UsageError(f"there is no index of {self.folder} yet; run: {self._index_command()}")
            self._reader = Store.open(self.index_dir, create=False)
        return self._reader

    def videos(self) -> list[Video]:
        """Every video of the index, by path."""
        return sorted(self.store.videos.all(), key=lambda v: v.path)

    def close(self) -> None:
        """Let go of the index; the next use opens it again."""
        if self._reader is not None:
            self._reader.close()
            self._reader = None
        if self._memory is not None:
            self._memory.close()
            self._memory = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"Archive({str(self.folder)!r})"

    @contextmanager
    def _writer(self, doing: str, wait_s: float, on_wait: OnWait | None, *, filling: bool = False) -> Iterator[Store]:
        from lvqa.store import Store

        with Store.open(self.index_dir, write=True, wait_s=wait_s, on_wait=on_wait, doing=doing) as store:
            if filling:
                self._claim(store)
            yield store

    def _claim(self, store: Store) -> None:
        """Note whose index this is: another folder's videos would count as gone, and be dropped.

        A folder that was moved, or copied with its index, takes it over.
        """
        self._check_claim(store)
        if store.meta.get(_FOLDER) != (mine := json.dumps(str(self.folder))):
            store.meta.set(_FOLDER, mine)

    def _check_claim(self, store: Store) -> None:
        held = store.meta.get(_FOLDER)
        if held is not None and self.index_dir.resolve() != (self.folder / INDEX_FOLDER).resolve():
            other = Path(json.loads(held))
            if other.is_dir() and not other.samefile(self.folder):
                raise UsageError(
                    f"the index in {self.index_dir} is that of {other}, not of {self.folder}; give --archive another "
                    "folder, or delete this one to start anew"
                )

    def _filled_store(self) -> Store:
        if not self.store.videos.all():
            raise UsageError(f"the index of {self.folder} holds no videos; run: {self._index_command()}")
        return self.store

    def _match_embedder(self) -> None:
        """Embed queries with what embedded the notes: in another model's space they would silently find nothing."""
        name = self.models.names["embedder"]
        held = self.store.vectors.models("notes")
        if not name or not held or name in held:
            return
        if self._given_models or self.settings.embedder:
            raise UsageError(
                f"the index was embedded with {', '.join(held)}, not with {name}; take --embedder {held[-1]}, or embed "
                f"it anew: {self._index_command()} --embedder {name}"
            )
        from lvqa.models.profiles import Models

        self._models = Models(self.settings.model_copy(update={"embedder": held[-1]}))

    def _find(self, names: Sequence[str]) -> list[Video]:
        found: dict[str, Video] = {}
        for name in names:
            matches = self.store.videos.find(name) if name.strip() else []
            if not matches:
                known = [v.path for v in self.videos()]
                raise UsageError(
                    f"there is no video {name!r} in the index; there are: {phrasing.listed(known) or 'none'}"
                )
            found |= {v.id: v for v in matches}
        return list(found.values())

    def _find_one(self, name: str) -> Video:
        """The video that a name means. Raises UsageError where there is none, or several."""
        (found, *others) = self._find([name])
        if others:
            raise UsageError(
                f"{name!r} names {len(others) + 1} videos: {phrasing.listed([v.path for v in (found, *others)])}"
            )
        return found

    def _index_command(self) -> str:
        command = f"lvqa index {shlex.quote(str(self.folder))}"
        if self.index_dir != self.folder / INDEX_FOLDER:
            command += f" --archive {shlex.quote(str(self.index_dir))}"
        return command


def _folder(folder: str | os.PathLike[str]) -> Path:
    text = os.fspath(folder)
    if not text.strip():
        raise UsageError("the archive's name is empty; name the folder that holds the videos")
    path = Path(text).expanduser().absolute()
    try:
        if path.is_dir():
            return path
        known = path.exists()
    except OSError as error:
        raise UsageError(f"{path} cannot be opened: {error.strerror}") from error
    if known:
        raise UsageError(f"{path} is a file; name the folder that holds it: {shlex.quote(str(path.parent))}")
    raise UsageError(f"there is no folder {path}; check the name")
