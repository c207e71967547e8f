"""The upper levels of one video: its notes into segments with a text each, those into one text of the whole.

Reads the store and writes nothing. A text by a chat model is taken over from the index where it was made of the very
same notes, so that a change of one clip costs one segment and the whole, not every segment again.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

import numpy as np

from lvqa.indexers.hierarchy.condense import Condenser
from lvqa.indexers.hierarchy.extract import EXTRACTIVE, SEGMENT_WORDS, VIDEO_WORDS, Unit, choose, told, units_of
from lvqa.indexers.hierarchy.shifts import Floats
from lvqa.indexers.hierarchy.topics import Lengths, cut_topics
from lvqa.indexers.stages.assemble import make_note
from lvqa.language import sentences
from lvqa.models import side_by_side
from lvqa.models.base import Vectors
from lvqa.prompts import load
from lvqa.store import Filter, Store
from lvqa.types import Clip, Level, Note, Source, Span, Video

# What summaries are made of: what was seen for one question is no part of them.
SUMMARISED: frozenset[Source] = frozenset({"caption", "speech", "screen", "imported"})
# Raised when the code here changes what is written, so that older rows are made anew.
VERSION = 1
_AT_ONCE = 500
_PIECE_S = 300.0


@dataclass(slots=True)
class Made:
    """Segments and summaries of one video, to be written as they are.

    `unparsed` of the texts were extracted because the chat model gave none; `reused` were in the index already.
    """

    clips: list[Clip] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)
    unparsed: int = 0
    reused: int = 0
    cut_short: bool = False


def below(video_id: str) -> Filter:
    """The notes that a video's summaries are made of."""
    return Filter(frozenset({video_id}), sources=SUMMARISED, level="clip")


class Hierarchy:
    """Makes the upper levels of one video after another.

    Args:
        store: read only.
        embedder: whose vectors of notes are compared; empty for words.
        lengths: of a segment.
        model: the chat model's name, or `builtin:extractive`.
        condenser: asks the chat model; None for extractive texts.
    """

    def __init__(
        self, store: Store, embedder: str, lengths: Lengths, model: str = EXTRACTIVE, condenser: Condenser | None = None
    ) -> None:
        self._store = store
        self._embedder = embedder
        self._lengths = lengths
        self._model = model
        self._condenser = condenser

    def segments(self, video: Video) -> list[tuple[Span, list[Note]]]:
        """The segments of a video in time order, each with its notes in time order; those without notes left out."""
        notes = self._store.notes.select(below(video.id))
        vectors = self._vectors(notes) if self._embedder and notes else None
        end_s = max([video.duration_s, *(note.span.end_s for note in notes)])
        spans = (
            cut_topics(end_s, notes, vectors, partial(self._frames, video.id, end_s), self._lengths) if notes else []
        )
        found: list[tuple[Span, list[Note]]] = []
        starts = np.array([note.span.start_s for note in notes])
        ends = np.array([note.span.end_s for note in notes])
        for span in spans:
            shared = np.minimum(ends, span.end_s) - np.maximum(starts, span.start_s)
            middles = (starts + ends) / 2
            # A note stands in the segment of its middle, and in every one that it fills by half.
            mine = ((middles >= span.start_s) & (middles < span.end_s)) | (shared >= span.duration_s / 2)
            if mine.any():
                found.append((span, [notes[i] for i in np.flatnonzero(mine)]))
        return found

    def of(
        self,
        video: Video,
        segments: Sequence[tuple[Span, list[Note]]],
        on_segment: Callable[[Span], None] = lambda span: None,
        *,
        made: Made | None = None,
        stop: Callable[[], bool] = lambda: False,
    ) -> Made:
        """The clips and summaries that follow from a video's segments; told of each as it is done.

        They are added to `made` one by one, so that what there is outlives a model that fails. Ends before the next
        segment, and without the text of the whole, where `stop` says so. Raises ModelError.
        """
        made = Made() if made is None else made
        if not segments:
            return made
        known, condenser = self._known(video.id), self._condenser
        chosen: list[Unit] = []
        texts: list[tuple[Span, str]] = []
        clips = [Clip.of(video.id, span, "segment") for span, _ in segments]
        due = [self._text(known, clip, notes) for clip, (_, notes) in zip(clips, segments, strict=True)]
        at_once = condenser.at_once if condenser is not None and any(due) else 1
        replies = side_by_side([text or str for text in due], at_once, stop)
        for (span, notes), clip, reply in zip(segments, clips, replies, strict=False):
            units = self._chosen(notes)
            ask = partial(str, reply) if condenser is not None else None
            note = self._add(made, known, clip, [n.id for n in notes], told(units), ask)
            texts.append((span, note.text))
            # What stands for a segment in the text of the whole: its own words, where a model wrote them.
            chosen += units if note.model == EXTRACTIVE else [Unit(text, "summary") for text in sentences(note.text)]
            on_segment(span)
        if len(texts) < len(segments):
            made.cut_short = True
            return made
        # Segments leave out time in which nothing is known; the video is all of it.
        whole = Span(0.0, max(video.duration_s, segments[-1][0].end_s))
        written = all(note.model != EXTRACTIVE for note in made.notes)
        ask = partial(condenser.video, whole, texts) if condenser is not None else None
        if len(texts) == 1:
            # A single segment tells the whole already.
            ask = partial(str, texts[0][1]) if written else None
        if not written and condenser is not None:
            chosen = [replace(unit, vector=None) for unit in chosen]
        ids = [note.id for note in made.notes]
        self._add(made, known, Clip.of(video.id, whole, "video"), ids, told(choose(chosen, VIDEO_WORDS)), ask)
        return made

    def _text(
        self, known: Mapping[tuple[str, str], str], clip: Clip, notes: Sequence[Note]
    ) -> Callable[[], str] | None:
        """What brings the chat model's text of a segment; None where there is no such model, or its text is known."""
        mine = recipe(load("segment").hash, "segment", [note.id for note in notes])
        if self._condenser is None or known.get((clip.id, mine)):
            return None
        return partial(self._condenser.segment, clip.span, notes)

    def _add(
        self,
        made: Made,
        known: Mapping[tuple[str, str], str],
        clip: Clip,
        ids: Sequence[str],
        extracted: str,
        ask: Callable[[], str] | None,
    ) -> Note:
        """Add a clip and its summary: the chat model's text, now or from an earlier run, else the extracted one."""
        text, model, made_of = extracted, EXTRACTIVE, recipe("", clip.level, ids)
        if ask is not None:
            mine = recipe(load("segment" if clip.level == "segment" else "overview").hash, clip.level, ids)
            written = known.get((clip.id, mine), "")
            made.reused += bool(written)
            written = written or ask()
            made.unparsed += not written
            if written:
                text, model, made_of = written, self._model, mine
        made.clips.append(clip)
        made.notes.append(make_note(clip, clip.span, text, "summary", model, made_of))
        return made.notes[-1]

    def _known(self, video_id: str) -> dict[tuple[str, str], str]:
        """The texts of this chat model that are in the index, by clip and by what they were made of."""
        if self._condenser is None:
            return {}
        held = self._store.notes.select(Filter(frozenset({video_id}), sources=frozenset({"summary"})))
        return {(note.clip_id or "", note.prompt_hash): note.text for note in held if note.model == self._model}

    def _chosen(self, notes: Sequence[Note]) -> list[Unit]:
        return choose(units_of(notes, self._vectors(notes) if self._embedder else None), SEGMENT_WORDS)

    def _vectors(self, notes: Sequence[Note]) -> Vectors:
        ids = [note.id for note in notes]
        vectors: Vectors | None = None
        for begin in range(0, len(ids), _AT_ONCE):
            piece = self._store.vectors.of(self._embedder, ids[begin : begin + _AT_ONCE])
            if vectors is None:
                vectors = np.empty((len(ids), piece.shape[1]), np.float32)
            vectors[begin : begin + len(piece)] = piece
        assert vectors is not None, "there are notes"
        return vectors

    def _frames(self, video_id: str, duration_s: float) -> Iterator[tuple[Floats, Vectors]]:
        """The video's frames and vectors, piece by piece: hours of them need not be in memory at once."""
        for model in self._store.vectors.models("frames"):
            found = False
            for start_s in np.arange(0.0, duration_s, _PIECE_S):
                span = Span(float(start_s), float(start_s) + _PIECE_S)
                times, vectors = self._store.frames.of(model, video_id, span)
                if len(times):
                    found = True
                    yield times, vectors
            if found:
                return


def recipe(prompt_hash: str, level: Level, ids: Sequence[str]) -> str:
    """What stands as `prompt_hash` in a summary: the prompt's, and a digest of the notes that it was made of."""
    digest = hashlib.sha256(json.dumps([VERSION, level, *ids]).encode()).hexdigest()[:16]
    return f"{prompt_hash}-{digest}" if prompt_hash else digest
