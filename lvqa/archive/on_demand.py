"""Captions of stretches that have none, made when somebody wants to read them, and kept in the index where they can be.

The index is written only where that is allowed and nobody else writes: this waits for no one. Else the captions live as
long as the question.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

from lvqa.archive.workspace import Workspace
from lvqa.errors import LvqaError, MediaError, StoreError
from lvqa.media.files import present
from lvqa.models.replies import encode_document, usable_caption
from lvqa.prompts import load, quoted
from lvqa.store import note_id
from lvqa.tools import Eyes, Showing
from lvqa.types import Clip, Note, Span, Video, format_time


@dataclass(frozen=True, slots=True)
class OnDemandCaptions:
    """A `lvqa.tools.Captioner` over a workspace; `keep` allows it to write into the index."""

    workspace: Workspace
    keep: bool = True

    def __call__(self, video: Video, span: Span, eyes: Eyes) -> list[Note]:
        """Captions of the clips of a stretch, in order of time, as far as the eyes' budget goes. Raises ModelError.

        Clips are those of the index where it has some there, else of equal length.
        """
        if present(self.workspace.folder, video.path) is None:
            return []
        models, settings = self.workspace.models, self.workspace.settings
        prompt = load("caption", models.own_prompts)
        clips = self._clips(video, span)

        def showings() -> Iterator[Showing]:
            for clip in clips:
                about: dict[str, str | int] = {
                    "frames": settings.frames_per_clip,
                    "video": quoted(video.path, 200),
                    "start": format_time(clip.span.start_s),
                    "end": format_time(clip.span.end_s),
                }
                filled = prompt.fill(**{hole: about[hole] for hole in prompt.holes & about.keys()})
                try:
                    times = eyes.times_in(video.id, clip.span, settings.frames_per_clip)
                except MediaError:
                    return
                yield Showing(video.id, times, filled, settings.caption_tokens)

        made, stood_on = list[Note](), list[Clip]()
        model = models.names["vision"] or eyes.vision.name
        for clip, shown in zip(clips, eyes.ask_in_turn(showings()), strict=False):  # as far as the budget goes
            if shown and (words := usable_caption(shown.text)):
                made_id = note_id(video.id, "caption", clip.span, model, prompt.hash, words)
                made.append(Note(made_id, video.id, clip.id, clip.span, words, "caption", model, prompt.hash))
                stood_on.append(clip)
        if made and self.keep:
            with contextlib.suppress(StoreError):  # somebody else writes, or it cannot be written
                self._keep(stood_on, made)
        return made

    def _clips(self, video: Video, span: Span) -> list[Clip]:
        settings = self.workspace.settings
        known = self.workspace.store.clips.of(video.id, "clip", span)
        if known:
            return known
        n = max(1, round(span.duration_s / settings.clip_max_s))
        edges = [span.start_s + span.duration_s * k / n for k in range(n + 1)]
        return [Clip.of(video.id, Span(a, b)) for a, b in pairwise(edges)]

    def _keep(self, clips: list[Clip], notes: list[Note]) -> None:
        """Write captions, and their vectors, as one transaction. Raises StoreError where another writes."""
        models = self.workspace.models
        name, embedder = models.names["embedder"], models.embedder
        vectors = None
        if embedder is not None:
            with contextlib.suppress(LvqaError):
                vectors = encode_document(embedder, [note.text for note in notes])
        with self.workspace.writer("caption") as store, store.atomic():
            store.clips.put(clips)
            store.notes.put(notes)
            if vectors is not None and name in (store.vectors.models("notes") or [name]):
                store.vectors.put(name, [note.id for note in notes], vectors)
