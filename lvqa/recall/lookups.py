"""What a question reads of a store, each thing once: query vectors, stored vectors, notes, videos. Ranks nothing."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np

from lvqa.errors import StoreError
from lvqa.models.base import Embedder, Vectors
from lvqa.models.replies import encode_document, encode_query
from lvqa.store import Filter, Store
from lvqa.types import Note, Video


class StoreLookups:
    """One store, read for one question; `embedder` may be missing."""

    def __init__(self, store: Store, embedder: Embedder | None) -> None:
        self.store = store
        self.embedder = embedder
        self._videos: dict[str, Video] = {}
        self._notes: dict[str, Note] = {}
        self._queries: dict[str, Vectors] = {}
        self._vectors: dict[str, Vectors] = {}

    def forget(self) -> None:
        """Read everything of the store anew from now on."""
        for read in (self._videos, self._notes, self._vectors):
            read.clear()

    def remember(self, notes: Iterable[Note]) -> None:
        """Keep notes that were read in another way."""
        self._notes.update((note.id, note) for note in notes)

    def meaning(self, group: Sequence[str]) -> Vectors:
        """The unit vector of phrases that say the same."""
        self.prepare(group)
        mean = np.mean([self._queries[phrase] for phrase in group], axis=0)
        norm = float(np.linalg.norm(mean))
        result: Vectors = (mean / norm if norm > 0 else mean).astype(np.float32)
        return result

    def vector(self, query: str) -> Vectors:
        """The query's unit vector, float32 (d,); `prepare` encodes many at once."""
        self.prepare([query])
        return self._queries[query]

    def prepare(self, queries: Iterable[str]) -> None:
        """Encode queries in one call of the embedder, where there is one."""
        new = [query for query in dict.fromkeys(queries) if query not in self._queries]
        if self.embedder is not None and new:
            self._queries.update(zip(new, encode_query(self.embedder, new), strict=True))

    def vectors(self, notes: Sequence[Note]) -> list[Vectors | None]:
        """The unit vector of each note, None where it has none; `seen` notes, which no store holds, are encoded."""
        new = {note.id: note for note in notes if note.id not in self._vectors}
        if self.embedder is not None and new:
            seen = [note for note in new.values() if note.source == "seen"]
            if seen:
                encoded = encode_document(self.embedder, [note.text for note in seen])
                self._vectors.update(zip((note.id for note in seen), encoded, strict=True))
            self.stored([note.id for note in new.values() if note.source != "seen"])
        return [self._vectors.get(note.id) for note in notes]

    def stored(self, note_ids: Sequence[str]) -> dict[str, Vectors]:
        """The stored vectors of those notes that have one."""
        new = [note_id for note_id in note_ids if note_id not in self._vectors]
        if self.embedder is not None and new:
            name = self.embedder.name
            try:
                found = self.store.vectors.of(name, new)
            except StoreError:
                # Notes may have been written while this embedder was off: those are found by their words alone.
                bare = {note.id for note in self.store.vectors.missing(name)}
                new = [note_id for note_id in new if note_id not in bare]
                found = self.store.vectors.of(name, new)
            self._vectors.update(zip(new, found, strict=True))
        return {note_id: self._vectors[note_id] for note_id in note_ids if note_id in self._vectors}

    def notes(self, ids: Iterable[str]) -> dict[str, Note]:
        """Notes by id; those that are gone are left out."""
        wanted = set(ids)
        new = sorted(wanted - self._notes.keys())
        if new:
            self._notes.update((note.id, note) for note in self.store.notes.get_many(new))
        return {note_id: self._notes[note_id] for note_id in wanted if note_id in self._notes}

    def path(self, video_id: str) -> str:
        """The path of a video, relative to the archive's folder; its id where it is gone."""
        video = self.video(video_id)
        return video.path if video is not None else video_id

    def duration_s(self, video_id: str) -> float:
        """The length of a video in seconds; 0 where it is gone."""
        video = self.video(video_id)
        return video.duration_s if video is not None else 0.0

    def look_up(self, video_ids: Iterable[str]) -> None:
        """Read these videos in one go."""
        new = set(video_ids) - self._videos.keys()
        if new:
            self._videos.update(self.store.videos.get_many(new))

    def video(self, video_id: str) -> Video | None:
        """The video of that id; None where it is gone."""
        self.look_up([video_id])
        return self._videos.get(video_id)


def of_clips(filter: Filter | None) -> Filter:
    """The filter, kept to notes of clips unless it names a level or summaries."""
    if filter is None:
        return Filter(level="clip")
    if filter.level is not None or "summary" in (filter.sources or ()):
        return filter
    return replace(filter, level="clip")
