"""What a tool works with, and how it reads its arguments: one archive, within a scope, for one question.

Whatever a tool is given may come from a model or over a network: what makes no sense is one UsageError that says what
to write instead. Runs no tool.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, cast

import numpy as np
import numpy.typing as npt

from lvqa.errors import ModelError, UsageError
from lvqa.recall import Retriever, dense_closeness, lexical_closeness
from lvqa.settings import Settings
from lvqa.store import Filter, Store
from lvqa.tools.arguments import numbers, shown, text
from lvqa.tools.eyes import Eyes
from lvqa.tools.ledger import Ledger
from lvqa.tools.rules import RULES
from lvqa.tools.scope import filter_of, video_named
from lvqa.types import Note, Scope, Span, Video, format_time

if TYPE_CHECKING:
    from lvqa.media import FrameCache
    from lvqa.models.profiles import Models


class Captioner(Protocol):
    """Writes captions of stretches that have none, when somebody wants to read them."""

    def __call__(self, video: Video, span: Span, eyes: Eyes) -> list[Note]:
        """Captions of a stretch of a video, in order of time, as far as the eyes' budget goes. Raises ModelError."""
        ...


@dataclass(frozen=True, slots=True)
class Workbench:
    """What the tools of one question work with.

    `filter` is all of the archive that may be used; None for the whole. `frames` are decoded once, whoever looks;
    `eyes` show them to the VLM, and are None where there is none. `captioner` is None where none are made on demand.
    """

    store: Store
    models: Models
    settings: Settings
    folder: Path
    ledger: Ledger
    retriever: Retriever
    frames: FrameCache
    eyes: Eyes | None = None
    filter: Filter | None = None
    captioner: Captioner | None = None
    seed: int = 0

    @property
    def videos(self) -> list[Video]:
        """The videos that may be used."""
        allowed = self.filter.video_ids if self.filter is not None else None
        return [video for video in self.store.videos.all() if allowed is None or video.id in allowed]

    def within(self, scope: object) -> Filter:
        """What a scope leaves of what may be used. Raises UsageError where that is nothing, or the scope is none."""
        if scope is None:
            scope = Scope()
        sound = isinstance(scope, Scope) and isinstance(scope.between, Span | None)
        if not sound or not all(isinstance(name, str) for name in cast("Scope", scope).videos):
            raise UsageError(f"a scope names videos, a stretch in seconds and sources of notes; got {shown(scope)}")
        asked, base = filter_of(cast("Scope", scope), self.store), self.filter or Filter()
        ids, span, sources = asked.video_ids, asked.span, asked.sources
        if base.video_ids is not None:
            ids = base.video_ids if ids is None else ids & base.video_ids
        if base.span is not None:
            inside = base.span if span is None else span.intersection(base.span)
            if inside is None:
                raise UsageError(f"nothing of {span} may be used; name a stretch in {base.span}")
            span = inside
        if base.sources is not None:
            sources = base.sources if sources is None else sources & base.sources
        if not (ids is None or ids) or not (sources is None or sources):
            raise UsageError("nothing of that scope may be used; name what the question is about, or leave it out")
        return Filter(ids, span, sources, None if sources is not None and "summary" in sources else "clip")

    def narrowed(self, scope: object) -> Workbench:
        """The same bench within a scope. Raises UsageError as `within`."""
        return replace(self, filter=self.within(scope))

    def video(self, name: object) -> Video:
        """The video of a path, a file name or an id. Raises UsageError unless that is one, and may be used."""
        found = video_named(text(name, "name of the video"), self.store)
        if found.id not in {video.id for video in self.videos}:
            raise UsageError(f"{found.path} may not be used here; name one of those that the question is about")
        return found

    def span(self, video: Video, span: object) -> Span:
        """A stretch of a video in seconds, two numbers or a Span; all of it for None.

        Raises UsageError for what is no stretch, or lies outside of what may be used.
        """
        whole = Span(0.0, video.duration_s)
        allowed = self.filter.span if self.filter is not None else None
        bounds = whole if allowed is None else allowed.intersection(whole)
        if bounds is None:
            raise UsageError(f"nothing of {video.path} may be used here; name another video")
        if span is None:
            return bounds
        if not isinstance(span, Span):
            ends = numbers(span, "stretch", 2)
            if len(ends) != 2 or not ends[0] < ends[1]:
                raise UsageError(f"a stretch is its start and its end in seconds, such as [10, 20]; got {shown(span)}")
            span = Span(*ends)
        inside = span.intersection(bounds)
        if inside is None:
            raise UsageError(f"{span} lies outside of {video.path}; name a stretch in {bounds}")
        return inside

    def times(self, video: Video, times_s: object) -> tuple[float, ...]:
        """Times of a video in seconds, rising. Raises UsageError for none, too many, and times outside of it."""
        bounds = self.span(video, None)
        found = numbers(times_s, "times", RULES.overview_frames)
        if outside := [t for t in found if not bounds.contains(t)]:
            raise UsageError(f"{outside[0]:g} s lies outside of {video.path}; name times in {bounds}")
        return tuple(sorted(set(found)))

    def closeness(self, phrases: Sequence[str], notes: Sequence[Note]) -> npt.NDArray[np.float64]:
        """How close notes come to phrases, in [0, 1], by meaning or by words, float64 (notes, phrases)."""
        words = [[lexical_closeness(phrase, note.text) for phrase in phrases] for note in notes]
        near = np.array(words, np.float64).reshape(len(notes), len(phrases))
        embedder = self.retriever.embedder
        if embedder is not None and notes:
            self.retriever.prepare(phrases)
            queries = np.stack([self.retriever.vector(phrase) for phrase in phrases])
            for row, vector in zip(near, self.retriever.vectors(notes), strict=True):
                if vector is not None:
                    np.maximum(row, dense_closeness(embedder, (queries @ vector).astype(np.float64)), out=row)
        return np.clip(near, 0.0, 1.0)

    def uncaptioned(self, video: Video, span: Span, made: Sequence[Note] = ()) -> list[Span]:
        """The stretches of a video that no caption tells of, nor one that was `made` just now, in order."""
        wanted = Filter(frozenset({video.id}), span, frozenset({"caption", "imported"}), "clip")
        gaps, at_s = list[Span](), span.start_s
        for note in sorted([*self.store.notes.select(wanted), *made], key=lambda note: note.span):
            if note.span.start_s - at_s >= RULES.gap_s:
                gaps.append(Span(at_s, note.span.start_s))
            at_s = max(at_s, note.span.end_s)
        if span.end_s - at_s >= min(RULES.gap_s, span.duration_s):
            gaps.append(Span(at_s, span.end_s))
        return gaps

    def captions(self, video: Video, span: Span, left_out: list[str]) -> list[Note]:
        """Captions of what has none in a stretch, where they can be made; what has none then is told in `left_out`."""
        if self.filter is not None and self.filter.sources is not None and "caption" not in self.filter.sources:
            return []
        gaps, made = self.uncaptioned(video, span), list[Note]()
        if gaps and self.captioner is not None and self.eyes is not None:
            # The other half is for what was asked: an hour without captions would take all there is.
            eyes = self.eyes.part(self.ledger.part(self.ledger.share(2)))
            try:
                for gap in gaps:
                    made += self.captioner(video, gap, eyes)
            except ModelError as error:
                left_out.append(str(error))
            self.eyes.gather()
            gaps = self.uncaptioned(video, span, made)
        left_out += untold(video, gaps)
        return made


def untold(video: Video, gaps: Sequence[Span]) -> list[str]:
    """A line for each of the first stretches without captions, and one for the others."""
    named = [f"{video.path} {gap} has no captions" for gap in gaps[: RULES.gaps]]
    more = len(gaps) - len(named)
    return [*named, f"{video.path} has no captions in {more} stretches more"] if more else named


def cut(words: str) -> str:
    """A text as a result tells it: no longer than that allows."""
    return words if len(words) <= RULES.text else words[: RULES.text - 1].rstrip() + "…"


def note_dict(note: Note, path: str) -> dict[str, Any]:
    """A note as a result tells of it: to be cited by its id."""
    return {
        "note": note.id,
        "video": path,
        "start_s": round(note.span.start_s, 3),
        "end_s": round(note.span.end_s, 3),
        "source": note.source,
        "text": cut(note.text),
    }


def span_dict(span: Span) -> dict[str, float]:
    """A stretch as a result tells of it."""
    return {"start_s": round(span.start_s, 3), "end_s": round(span.end_s, 3)}


def at(times_s: Sequence[float]) -> str:
    """Times in words."""
    return ", ".join(format_time(t) for t in times_s)
