"""What there is: the videos that may be used, or what one of them holds, from what was written of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from lvqa.media.files import present
from lvqa.store import Filter
from lvqa.tools.rules import RULES
from lvqa.tools.workbench import Workbench, note_dict, untold
from lvqa.types import Note, Video


@dataclass(frozen=True, slots=True)
class VideoOverview:
    """A video, whether its file is there, how many notes of each source it has, and what was summed up of it.

    The summary of the whole comes first, those of its segments, in order of time, behind it.
    """

    video: Video
    is_there: bool
    sources: tuple[tuple[str, int], ...]
    summaries: tuple[Note, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """What is told of the video."""
        return {
            "video": self.video.path,
            "duration_s": round(self.video.duration_s, 3),
            "file": self.is_there,
            "notes": dict(self.sources),
            "summaries": [note_dict(note, self.video.path) for note in self.summaries],
        }


@dataclass(frozen=True, slots=True)
class Overview:
    """Videos by path, and a line for each thing that this tells nothing of."""

    videos: tuple[VideoOverview, ...]
    left_out: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """What there is, and what is not told."""
        return {"videos": [one.to_dict() for one in self.videos], "left_out": list(self.left_out)}


def overview(bench: Workbench, video: str | None = None) -> Overview:
    """What a video holds, with its segments; without one, a line of each video. Raises UsageError."""
    known = sorted(bench.videos, key=lambda one: one.path) if video is None else [bench.video(video)]
    shown, held = known[: RULES.videos], bench.store.notes.sources()
    wanted = Filter(frozenset(one.id for one in shown), sources=frozenset({"summary"}))
    summed: dict[str, list[Note]] = {}
    for note in sorted(bench.store.notes.select(wanted), key=lambda n: (-n.span.duration_s, n.span)):
        summed.setdefault(note.video_id, []).append(note)
    most = RULES.notes if video is not None else 1
    told = tuple(
        VideoOverview(
            one,
            present(bench.folder, one.path) is not None,
            tuple(sorted(held.get(one.id, {}).items())),
            tuple(_in_order(summed.get(one.id, [])[:most])),
        )
        for one in shown
    )
    left_out = [f"{one.video.path} is not there to look at" for one in told if not one.is_there]
    if video is not None:
        left_out += untold(known[0], bench.uncaptioned(known[0], bench.span(known[0], None)))
        if (more := len(summed.get(known[0].id, [])) - most) > 0:
            left_out.append(f"{more} summaries more of parts of {known[0].path}")
    if len(known) > len(shown):
        left_out.append(f"{len(known) - len(shown)} videos more")
    return Overview(told, tuple(left_out))


def _in_order(notes: list[Note]) -> list[Note]:
    return [*notes[:1], *sorted(notes[1:], key=lambda note: note.span)]
