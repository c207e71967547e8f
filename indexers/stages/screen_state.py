"""What is open on the screen at a border between two clips: what a pass that goes on from there has to know.

A text is written once it is over, with its whole stretch. What still stands where a batch of clips ends is kept beside
the job, in the same transaction, so that rows are the same however often a run was interrupted. Knows values alone.
"""

from __future__ import annotations

import json
from dataclasses import astuple, dataclass

from lvqa.indexers.stages.screen_tracks import ScreenTracks
from lvqa.indexers.stages.screen_watch import WatchState

_EPS = 1e-6


@dataclass(frozen=True, slots=True)
class ScreenState:
    """The second that was come to, what the watch knew there, and the tracks as JSON."""

    at_s: float
    watch: WatchState | None
    tracks: str = "[]"

    def to_json(self) -> str:
        """The state as text."""
        watch = astuple(self.watch) if self.watch is not None else None
        return json.dumps({"at_s": self.at_s, "watch": watch, "tracks": json.loads(self.tracks)}, ensure_ascii=False)

    def open_tracks(self) -> ScreenTracks:
        """The tracks, to go on with."""
        return ScreenTracks.of(json.loads(self.tracks))

    @classmethod
    def read(cls, text: str | None, at_s: float) -> ScreenState | None:
        """A state from its text; None where there is none that is whole and of that second."""
        try:
            given = json.loads(text or "")
            watch = None
            if given["watch"]:
                read_s, same_s, others_s = given["watch"]
                watch = WatchState(read_s, same_s, tuple(others_s))
            state = cls(float(given["at_s"]), watch, json.dumps(given["tracks"], ensure_ascii=False))
            state.open_tracks()
        except (ValueError, TypeError, KeyError):
            return None
        return state if abs(state.at_s - at_s) < _EPS else None
