"""Hybrid recall: notes by their words (FTS5), by their meaning (vectors), by the frames behind them; one ranking.

The channels are z-scored over the candidates and summed: on caption indexes plain rank fusion is worse than the dense
channel alone, a z-scored sum with a weight of 0.35 for BM25 is better (METHODS: 0.513 against 0.507 hits). What a query
says literally (a quoted text, a time code, the whole of several words) must be found literally, so such matches come
first. This module knows notes and vectors, not videos' files and not who asks.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Literal

import numpy as np
import numpy.typing as npt

from lvqa.agents.words import content, exact_parts, has_exactly
from lvqa.errors import StoreError
from lvqa.models.base import Embedder, ImageEmbedder
from lvqa.store import Filter, Store
from lvqa.store.textquery import TextQuery
from lvqa.types import Hit, Note, Span

if TYPE_CHECKING:
    from lvqa.models.profiles import Models

Channel = Literal["text", "dense", "frames"]

CHANNELS: tuple[Channel, ...] = ("text", "dense", "frames")
TEXT_WEIGHT = 0.35
FRAMES_WEIGHT = 0.35
# Above what any z-score over a few hundred candidates reaches: a literal match outranks a likeness.
LITERAL_BONUS = 25.0
WHOLE_BONUS = 4.0
_LEAST_CANDIDATES = 100


def hybrid_search(
    store: Store,
    models: Models | Embedder | None,
    query: str,
    k: int,
    filter: Filter | None = None,
    *,
    channels: Sequence[Channel] = CHANNELS,
    image_embedder: ImageEmbedder | None = None,
    suppress_s: float = 0.0,
) -> list[Hit]:
    """The k best notes for a query, best first; see `Retriever.search`.

    `models` are an archive's models, or the embedder of its notes alone; None searches by words.
    """
    from lvqa.models.profiles import Models

    if isinstance(models, Models):
        embedder = models.embedder if "dense" in channels else None
        image_embedder = image_embedder or (models.image_embedder if "frames" in channels else None)
    else:
        embedder = models
    return Retriever(store, embedder, image_embedder, channels=channels).search(query, k, filter, suppress_s=suppress_s)


class Retriever:
    """Searches one store; remembers paths, notes and vectors, so use it for one question and let it go."""

    def __init__(
        self,
        store: Store,
        embedder: Embedder | None,
        image_embedder: ImageEmbedder | None = None,
        *,
        channels: Sequence[Channel] = CHANNELS,
    ) -> None:
        self.store = store
        self.embedder = embedder if "dense" in channels else None
        self.image_embedder = image_embedder if "frames" in channels else None
        self.text = "text" in channels
        self._paths: dict[str, str] = {}
        self._notes: dict[str, Note] = {}
        self._queries: dict[str, npt.NDArray[np.float32]] = {}
        self._texts: dict[tuple[str, int, Filter | None], dict[str, float]] = {}
        self._vectors: dict[str, npt.NDArray[np.float32]] = {}

    def search(
        self,
        query: str,
        k: int,
        filter: Filter | None = None,
        *,
        suppress_s: float = 0.0,
        channels: Sequence[Channel] = CHANNELS,
    ) -> list[Hit]:
        """The k best notes for a query, best first; equal scores by path, start and id.

        `Hit.score` is the weighted sum of z-scores (plus the bonus of a literal match) and compares only within one
        search; `Hit.channels` has each channel's own score: bm25, cosine, cosine of the best frame. A hit less than
        `suppress_s` seconds from a better one of the same video is left out (0 keeps all). `channels` narrows the
        search to some of those that the retriever has.
        """
        if k <= 0 or not query.strip():
            return []
        n = max(4 * k, _LEAST_CANDIDATES)
        by_text = self.text and "text" in channels
        text = self._text(TextQuery.of(query), n, filter) if by_text else {}
        literal = exact_parts(query) if by_text else []
        for part in literal:
            found = self._text(TextQuery((part,)), n, filter).items()
            text |= {note_id: max(score, text.get(note_id, score)) for note_id, score in found}
        frames = self._frames(query, n, filter) if self.image_embedder is not None and "frames" in channels else {}
        ids = set(text) | set(frames)
        cosines: dict[str, float] = {}
        if self.embedder is not None and "dense" in channels:
            vector = self.vector(query)
            cosines = dict(self.store.search_vectors(self.embedder.name, vector, n, filter))
            rest = sorted(ids - cosines.keys())
            cosines.update(self.cosines(vector, rest))
            ids |= cosines.keys()
        order = sorted(ids)
        score = np.zeros(len(order))
        by_channel: dict[str, dict[str, float]] = {}
        for name, weight, scores in (
            ("text", TEXT_WEIGHT, text),
            ("dense", 1 - TEXT_WEIGHT, cosines),
            ("frames", FRAMES_WEIGHT, frames),
        ):
            if scores:
                floor = 0.0 if name == "text" else min(scores.values())
                score += weight * _z(np.array([scores.get(note_id, floor) for note_id in order]))
                by_channel[name] = scores
        total = dict(zip(order, score.tolist(), strict=True))
        if not by_text and not suppress_s and len(order) > k:
            # No text can change the order: only what may be returned, equals of the last included, is read.
            least = sorted(total.values(), reverse=True)[k - 1]
            total = {note_id: value for note_id, value in total.items() if value >= least}
        notes = self.notes(total)
        hits = [
            Hit(
                self.path(note.video_id),
                note,
                total[note_id] + (literalness(query, literal, note.text) if by_text else 0.0),
                {name: found[note_id] for name, found in by_channel.items() if note_id in found},
            )
            for note_id, note in notes.items()
        ]
        hits.sort(key=rank)
        return suppress(hits, suppress_s)[:k]

    def _text(self, query: TextQuery, n: int, filter: Filter | None) -> dict[str, float]:
        """The n best notes by bm25. Phrases of one question often differ in stop words alone: each is run once."""
        key = (query.to_fts(), n, filter)
        if key not in self._texts:
            self._texts[key] = dict(self.store.search_text(query, n, filter))
        return dict(self._texts[key])

    def vector(self, query: str) -> npt.NDArray[np.float32]:
        """The query's unit vector; `prepare` encodes many at once."""
        self.prepare([query])
        return self._queries[query]

    def prepare(self, queries: Iterable[str]) -> None:
        """Encode queries in one call of the embedder, where there is one."""
        new = [query for query in dict.fromkeys(queries) if query not in self._queries]
        if self.embedder is not None and new:
            self._queries.update(zip(new, self.embedder.encode_query(new), strict=True))

    def cosines(self, vector: npt.NDArray[np.float32], note_ids: Sequence[str]) -> dict[str, float]:
        """The exact cosine of each of these notes that has a vector in the store."""
        if self.embedder is None or not note_ids:
            return {}
        found = self._stored(note_ids)
        return {note_id: float(stored @ vector) for note_id, stored in found.items()}

    def vectors(self, notes: Sequence[Note]) -> list[npt.NDArray[np.float32] | None]:
        """The unit vector of each note, None where it has none; `seen` notes, which no store holds, are encoded."""
        new = {note.id: note for note in notes if note.id not in self._vectors}
        if self.embedder is not None and new:
            seen = [note for note in new.values() if note.source == "seen"]
            if seen:
                encoded = self.embedder.encode_document([note.text for note in seen])
                self._vectors.update(zip((note.id for note in seen), encoded, strict=True))
            self._stored([note.id for note in new.values() if note.source != "seen"])
        return [self._vectors.get(note.id) for note in notes]

    def _stored(self, note_ids: Sequence[str]) -> dict[str, npt.NDArray[np.float32]]:
        """The stored vectors of those notes that have one."""
        new = [note_id for note_id in note_ids if note_id not in self._vectors]
        if self.embedder is not None and new:
            name = self.embedder.name
            try:
                found = self.store.vectors_of(name, new)
            except StoreError:
                # Notes may have been written while this embedder was off: those are found by their words alone.
                bare = {note.id for note in self.store.notes_without_vectors(name)}
                new = [note_id for note_id in new if note_id not in bare]
                found = self.store.vectors_of(name, new)
            self._vectors.update(zip(new, found, strict=True))
        return {note_id: self._vectors[note_id] for note_id in note_ids if note_id in self._vectors}

    def notes(self, ids: Iterable[str]) -> dict[str, Note]:
        """Notes by id; those that are gone are left out."""
        wanted = set(ids)
        new = sorted(wanted - self._notes.keys())
        if new:
            self._notes.update((note.id, note) for note in self.store.get_notes(new))
        return {note_id: self._notes[note_id] for note_id in wanted if note_id in self._notes}

    def path(self, video_id: str) -> str:
        """The path of a video, relative to the archive's folder."""
        if not self._paths:
            self._paths = {video.id: video.path for video in self.store.videos()}
        if video_id not in self._paths:
            video = self.store.get_video(video_id)
            self._paths[video_id] = video.path if video is not None else video_id
        return self._paths[video_id]

    def _frames(self, query: str, n: int, filter: Filter | None) -> dict[str, float]:
        """The cosine of the best frame behind each note that covers one of the n best frames."""
        assert self.image_embedder is not None
        vector = self.image_embedder.encode_query([query])[0]
        by_video: dict[str, list[tuple[float, float]]] = {}
        for frame in self.store.search_frames(self.image_embedder.name, vector, n, filter):
            by_video.setdefault(frame.video_id, []).append((frame.time_s, frame.score))
        best: dict[str, float] = {}
        for video_id, frames in by_video.items():
            hull = Span(min(t for t, _ in frames), max(t for t, _ in frames) + 0.001)
            sources, level = (filter.sources, filter.level) if filter is not None else (None, None)
            for note in self.store.notes(Filter(frozenset({video_id}), hull, sources, level)):
                scores = [score for time_s, score in frames if note.span.contains(time_s)]
                # What is said need not be what is seen: a picture speaks for notes of the picture.
                if scores and note.source != "speech":
                    best[note.id] = max(scores)
                    self._notes[note.id] = note
        return best


def rank(hit: Hit) -> tuple[float, str, float, str]:
    """The order of hits: best first, then by path, start and id."""
    return -hit.score, hit.video, hit.span.start_s, hit.note.id


def literalness(query: str, parts: Sequence[str], text: str) -> float:
    """What a note's score gains by having the query's literal parts, or, short of those, the whole of its words."""
    if parts:
        return LITERAL_BONUS * sum(has_exactly(text, part) for part in parts) / len(parts)
    return WHOLE_BONUS if len(content(query)) > 1 and has_exactly(text, query) == 1 else 0.0


def suppress(hits: Sequence[Hit], gap_s: float) -> list[Hit]:
    """Hits, best first, without those whose middle is less than `gap_s` from that of a better one in the same video."""
    if gap_s <= 0:
        return list(hits)
    kept: list[Hit] = []
    taken: dict[str, list[float]] = {}
    for hit in hits:
        middles = taken.setdefault(hit.note.video_id, [])
        if all(abs(hit.span.middle_s - middle) >= gap_s for middle in middles):
            middles.append(hit.span.middle_s)
            kept.append(hit)
    return kept


def merge(found: Iterable[Sequence[Hit]]) -> list[Hit]:
    """One ranking of several: a note keeps its best score, and each channel's best; best first."""
    best: dict[str, Hit] = {}
    for hits in found:
        for hit in hits:
            old = best.get(hit.note.id)
            best[hit.note.id] = hit if old is None else _both(old, hit)
    return sorted(best.values(), key=rank)


def _both(a: Hit, b: Hit) -> Hit:
    channels: Mapping[str, float] = {
        name: max(h.channels[name] for h in (a, b) if name in h.channels) for name in {**a.channels, **b.channels}
    }
    return Hit(a.video, a.note, max(a.score, b.score), channels)


def _z(values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    spread = float(values.std())
    return (values - values.mean()) / spread if spread > 1e-9 else np.zeros_like(values)
