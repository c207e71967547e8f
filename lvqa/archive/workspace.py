"""A folder of videos, where its index lies, and the models that go with both: what everything about an archive needs.

Opens and closes; indexes, searches and answers nothing.
"""

from __future__ import annotations

import json
import os
import shlex
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lvqa.errors import UsageError
from lvqa.media.bounds import Limits, use_limits
from lvqa.media.known_clocks import remember_clocks
from lvqa.settings import Settings
from lvqa.types import Video

if TYPE_CHECKING:
    from lvqa.models.profiles import Models
    from lvqa.store import Store

INDEX_FOLDER = ".lvqa"
OnWait = Callable[[str], None]
_FOLDER = "folder"  # where the index keeps whose it is


class Workspace:
    """The videos below `folder`, their index in `index_dir`, the settings and models, and the index once it is open."""

    def __init__(self, folder: Path, index_dir: Path, settings: Settings, models: Models | None = None) -> None:
        self.folder = folder
        self.index_dir = index_dir
        self.settings = settings
        self._models = models
        self._given_models = models is not None
        self._store: Store | None = None

    @classmethod
    def at(
        cls,
        folder: str | os.PathLike[str],
        *,
        archive_dir: str | os.PathLike[str] | None = None,
        profile: str | None = None,
        models: Models | None = None,
        **settings: Any,
    ) -> Workspace:
        """The workspace of a folder, as `lvqa.archive.archive.Archive` takes it.

        Its bounds of decoding hold for the process from then on. Writes nothing and loads no model. Raises UsageError
        where the folder is missing or a setting is wrong.
        """
        found = _folder(folder)
        index_dir = Path(archive_dir).expanduser() if archive_dir is not None else found / INDEX_FOLDER
        if archive_dir is not None and not os.fspath(archive_dir).strip():
            raise UsageError("the index folder's name is empty; give --archive a folder")
        loaded = Settings.load(index_dir, profile=profile, **settings)
        isolate = loaded.isolate and sys.platform != "win32"
        use_limits(Limits(isolate, loaded.decode_memory_mb, loaded.decode_stall_s))
        return cls(found, index_dir, loaded, models)

    def twin(self, models: Models | None = None) -> Workspace:
        """The same for another thread: it opens the index by itself, and shares the models unless given others.

        Raises UsageError as `match_embedder`.
        """
        if self.exists:
            self.match_embedder()
        other = Workspace(self.folder, self.index_dir, self.settings, models if models is not None else self.models)
        other._given_models = models is not None or self._given_models
        return other

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
        if self._store is None:
            from lvqa.store import Store

            if not self.exists:
                raise UsageError(f"there is no index of {self.folder} yet; run: {self.index_command()}")
            self._store = Store.open(self.index_dir, create=False)
            self._remember_clocks(self._store)
        return self._store

    def _remember_clocks(self, store: Store) -> None:
        clocks = {video.id: video.clock for video in store.videos.all()}
        rows = [row for row in store.files.all() if row.video_id in clocks]
        remember_clocks((self.folder / row.path, row.size, row.mtime_ns, clocks[row.video_id]) for row in rows)

    def filled_store(self) -> Store:
        """The index, opened for reading. Raises UsageError where there is none yet, or none with a video."""
        if not self.store.videos.all():
            raise UsageError(f"the index of {self.folder} holds no videos; run: {self.index_command()}")
        return self.store

    def videos(self) -> list[Video]:
        """Every video of the index, by path."""
        return sorted(self.store.videos.all(), key=lambda v: v.path)

    def durations(self) -> dict[str, float]:
        """The length of every video in seconds, by path."""
        return {video.path: video.duration_s for video in self.store.videos.all()}

    def close(self) -> None:
        """Let go of the index; the next use opens it again."""
        if self._store is not None:
            self._store.close()
            self._store = None

    @contextmanager
    def writer(
        self, doing: str, wait_s: float = 0.0, on_wait: OnWait | None = None, *, filling: bool = False
    ) -> Iterator[Store]:
        """The index opened for writing; made where it is missing, and claimed for this folder where it is `filling`.

        `doing` is what other processes are told; see `lvqa.archive.archive.Archive.index` for the wait.
        """
        from lvqa.store import Store

        with Store.open(self.index_dir, write=True, wait_s=wait_s, on_wait=on_wait, doing=doing) as store:
            if filling:
                self._claim(store)
            yield store

    def _claim(self, store: Store) -> None:
        """Note whose index this is: another folder's videos would count as gone, and be dropped.

        A folder that was moved, or copied with its index, takes it over.
        """
        self.check_claim(store)
        if store.meta.get(_FOLDER) != (mine := json.dumps(str(self.folder))):
            store.meta.set(_FOLDER, mine)

    def check_claim(self, store: Store) -> None:
        """Raise UsageError where the index is that of another folder, which is still there."""
        held = store.meta.get(_FOLDER)
        if held is not None and self.index_dir.resolve() != (self.folder / INDEX_FOLDER).resolve():
            other = Path(json.loads(held))
            if other.is_dir() and not other.samefile(self.folder):
                raise UsageError(
                    f"the index in {self.index_dir} is that of {other}, not of {self.folder}; give --archive another "
                    "folder, or delete this one to start anew"
                )

    def match_embedder(self) -> None:
        """Embed queries with what embedded the notes: in another model's space they would silently find nothing.

        Raises UsageError where another embedder was given.
        """
        name = self.models.names["embedder"]
        held = self.store.vectors.models("notes")
        if not name or not held or name in held:
            return
        if self._given_models or self.settings.embedder:
            raise UsageError(
                f"the index was embedded with {', '.join(held)}, not with {name}; take --embedder {held[-1]}, or embed "
                f"it anew: {self.index_command()} --embedder {name}"
            )
        from lvqa.models.profiles import Models

        self._models = Models(self.settings.model_copy(update={"embedder": held[-1]}))

    def index_command(self) -> str:
        """The command that fills this index, to be shown to people."""
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
