"""Videos of which everything carries one stamp, and a reader that holds all it sees to the stamps.

A stamped video is rewritten in one transaction: its generation stands in every clip, note, vector and frame, and the
generation says how many there are. Who sees parts of two, or a part of one, has seen a torn state. Knows no processes.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from lvqa.eval.lab.torture import workload
from lvqa.types import Clip, Hit, Note, Span, Video

if TYPE_CHECKING:
    from lvqa.archive.archive import Archive
    from lvqa.store import Store

STAMPED = 5
_WORD = "stamped"
# Frames of a generation lie in a stretch of their own, of which there are so many.
_GENERATION_S, _CYCLE = 40.0, 50
_MOST = 10_000


@dataclass(slots=True)
class StampsSeen:
    """What a reader did, and what it should not have seen. `changes` are the versions of videos that it was shown."""

    reads: int = 0
    changes: int = 0
    errors: list[str] = field(default_factory=list)
    torn: list[str] = field(default_factory=list)


class TornError(Exception):
    """Parts of several versions were seen at once."""


def stamped_video(number: int) -> Video:
    """The stamped video of that number, without a file."""
    return Video(f"stamped{number}", f"stamped{number}.mp4", f"imported:stamped{number}", _GENERATION_S * _CYCLE)


def stamp(store: Store, number: int, generation: int) -> None:
    """Put a generation of a stamped video in place of the one before, in one transaction."""
    from lvqa.store import note_id

    models = workload.models(0)
    assert models.embedder is not None
    assert models.image_embedder is not None
    video, size = stamped_video(number), 3 + generation % 5
    start_s = _GENERATION_S * (generation % _CYCLE)
    clips = [Clip.of(video.id, Span(start_s + 4 * k, start_s + 4 * k + 4)) for k in range(size)]
    texts = [f"{_WORD} {number} generation {generation} size {size} part {k}" for k in range(size)]
    notes = [
        Note(note_id(video.id, "imported", c.span, "", "", text), video.id, c.id, c.span, text, "imported")
        for c, text in zip(clips, texts, strict=True)
    ]
    frames = models.image_embedder.encode_frames([np.full((8, 8, 3), 20 * k, np.uint8) for k in range(size)])
    vectors = models.embedder.encode_document(texts)
    with store.atomic():
        store.videos.remove(video.id)
        store.videos.put(video)
        store.clips.put(clips)
        store.notes.put(notes)
        store.vectors.put(models.embedder.name, [note.id for note in notes], vectors)
        store.frames.put(models.image_embedder.name, video.id, [c.span.start_s for c in clips], frames)


class StampReader:
    """Reads one archive in every way, and holds what it sees to the stamps."""

    def __init__(self, index_dir: Path, folder: Path, draw: random.Random) -> None:
        from lvqa.archive.archive import Archive

        self.seen = StampsSeen()
        self._generations: set[tuple[int, int]] = set()
        self._draw = draw
        self._archive: Archive = Archive(
            folder, archive_dir=index_dir, models=workload.models(0), **workload.settings()
        )
        self._ways: list[Callable[[], None]] = [self._search, self._channels, self._show, self._status, self._reopen]

    def read(self) -> None:
        """One read, in a way that is drawn."""
        way = self._draw.choice(self._ways)
        seen = self.seen
        seen.reads += 1
        try:
            way()
        except TornError as error:
            seen.torn.append(f"{way.__name__}: {error}")
        except Exception as error:
            seen.errors.append(f"{way.__name__}: {type(error).__name__}: {error}")

    def _reopen(self) -> None:
        self._archive.close()
        self._archive.videos()

    def _search(self) -> None:
        """Hits are of videos that are there at the same moment, each of one generation."""
        archive = self._archive

        def search() -> tuple[list[Hit], set[str]]:
            hits = archive.search(self._draw.choice([f"{_WORD} generation", "a ladder before a red wall"]), 30)
            return list(hits), {video.path for video in archive.videos()}

        hits, paths = archive.store.consistent(search)
        gone = {hit.video for hit in hits} - paths
        if gone:
            raise TornError(f"hits of {sorted(gone)}, which are not there")
        stamps = {(note.video_id, tuple(_stamp_of(note))) for hit in hits if _is_stamped(note := hit.note)}
        if len({video for video, _ in stamps}) != len(stamps):
            raise TornError(f"hits of several generations: {sorted(stamps)}")

    def _channels(self) -> None:
        """Words, vectors, frames and rows tell of the same generation, in full."""
        from lvqa.store import Filter

        models, store = workload.models(0), self._archive.store
        assert models.embedder is not None
        assert models.image_embedder is not None
        text, image = models.embedder, models.image_embedder
        imported = Filter(sources=frozenset({"imported"}))
        query, picture = text.encode_query([_WORD])[0], image.encode_query(["grey"])[0]

        def look() -> list[dict[str, Counter[int]]]:
            notes = [note for note in store.notes.select() if _is_stamped(note)]
            by_id = {note.id: note for note in notes}
            words = [by_id.get(name) for name, _ in store.notes.search(_WORD, _MOST, imported)]
            near = [by_id[name] for name, _ in store.vectors.search(text.name, query, _MOST) if name in by_id]
            frames = store.frames.search(image.name, picture, _MOST)
            if None in words:
                raise TornError("words of notes that are not there")
            clips = [clip for number in range(STAMPED) for clip in store.clips.of(stamped_video(number).id)]
            return [
                _counted((note.video_id, _stamp_of(note)[1] % _CYCLE) for note in notes),
                _counted((note.video_id, _stamp_of(note)[1] % _CYCLE) for note in words if note is not None),
                _counted((note.video_id, _stamp_of(note)[1] % _CYCLE) for note in near),
                _counted((f.video_id, int(f.time_s // _GENERATION_S)) for f in frames if f.video_id.startswith(_WORD)),
                _counted((clip.video_id, int(clip.span.start_s // _GENERATION_S)) for clip in clips),
            ]

        rows, *others = self._archive.store.consistent(look)
        if any(other != rows for other in others):
            raise TornError(f"rows {rows}, other ways {[other for other in others if other != rows]}")
        for video, found in rows.items():
            ((generation, size),) = found.items() if len(found) == 1 else [(0, 0)]
            if size != 3 + generation % 5:
                raise TornError(f"{video} has {dict(found)}")

    def _show(self) -> None:
        number = self._draw.randrange(STAMPED)
        archive = self._archive
        with archive.store.snapshot():
            if not archive.store.videos.find(stamped_video(number).path):
                return
            report = archive.show(stamped_video(number).path)
        stamps = {tuple(_stamp_of(note)) for note in report.notes}
        if len(stamps) != 1 or not len(report.notes) == len(report.clips) == next(iter(stamps))[2]:
            raise TornError(f"{len(report.clips)} clips, {len(report.notes)} notes of {sorted(stamps)}")
        self._generations.add((number, next(iter(stamps))[1]))
        self.seen.changes = len(self._generations)

    def _status(self) -> None:
        archive = self._archive
        with archive.store.snapshot():
            status, videos = archive.status(), len(archive.videos())
        if sum(status["sources"].values()) != status["notes"] or sum(status["videos"].values()) < videos:
            raise TornError(f"the counts do not add up: {status}")


def _is_stamped(note: Note) -> bool:
    # A summary of a stamped video says the same words, and comes later.
    return note.source == "imported" and note.text.startswith(f"{_WORD} ")


def _stamp_of(note: Note) -> list[int]:
    """The number, generation and size that a stamped note tells of."""
    words = note.text.split()
    return [int(words[1]), int(words[3]), int(words[5])]


def _counted(pairs: Iterable[tuple[str, int]]) -> dict[str, Counter[int]]:
    found: dict[str, Counter[int]] = {}
    for video, generation in pairs:
        found.setdefault(video, Counter())[generation] += 1
    return found
