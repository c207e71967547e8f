"""True descriptions of the world in the words of the tiny VLM, and a search that cannot miss: for the oracle controls.

Knows the wording of descriptions; what they answer is `lvqa.eval.lab.wordings.descriptions`'s.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from lvqa.eval.lab.world.scenes.draw import Thing
from lvqa.eval.lab.world.scenes.truth import VideoTruth
from lvqa.eval.lab.world.words import FLAG, PLACES, SIGN, at_place
from lvqa.store import note_id
from lvqa.temporal.change_searches import ChangePresence
from lvqa.temporal.presence import Candidate, Presence
from lvqa.types import Note, Span


def describe(ground: str, things: Sequence[Thing]) -> str:
    """The description of a frame, in the words that the tiny VLM was taught."""
    listed = []
    for thing in sorted(things, key=lambda t: (PLACES.index(t.place), t.x)):
        words = {SIGN: "sign", FLAG: f"{thing.colour} flag"}.get(
            thing.shape, f"{thing.size} {thing.colour} {thing.shape}"
        )
        listed.append(f"{'an' if words[0] in 'aeiou' else 'a'} {words} {at_place(thing.place)}")
    return ", ".join([ground, *(listed or ["nothing else"])]) + "."


def truth_notes(video: VideoTruth, video_id: str, every_s: float = 1.0) -> list[Note]:
    """True descriptions of a video, one for each `every_s` seconds, of the frame in the middle of them."""
    made = []
    for k in range(int(video.duration_s / every_s)):
        span = Span(k * every_s, (k + 1) * every_s)
        text = describe(video.scene_at(span.middle_s).ground, video.things_at(span.middle_s))
        made.append(note(video_id, span, text))
    return made


def note(video_id: str, span: Span, text: str) -> Note:
    """A description as a note."""
    return Note(note_id(video_id, "caption", span, "", "", text), video_id, None, span, text, "caption")


@dataclass(slots=True)
class Golden(ChangePresence):
    """The gold windows before all other candidates: a search that cannot miss. `windows` are spans by video id."""

    windows: Mapping[str, Sequence[Span]] = field(default_factory=dict)

    def candidates(self, video_id: str, phrase: str, within: Span | None = None) -> list[Candidate]:
        """The middle of each gold window, then the middles of its halves, then the usual ones."""
        return [*self._gold(video_id, within), *Presence.candidates(self, video_id, phrase, within)]

    def dips(self, video_id: str, phrase: str, other: str = "") -> list[Candidate]:
        """The same, for what is gone there."""
        return [*self._gold(video_id), *ChangePresence.dips(self, video_id, phrase, other)]

    def shifts(self, video_id: str, phrase: str) -> list[tuple[float, float, float]]:
        """The times just before and behind each gold window, then the usual ones."""
        whole = self.within(video_id)
        gold = [
            (max(whole.start_s, span.start_s - 0.5), min(whole.end_s - 0.25, span.end_s + 0.25), 1.0)
            for span in self.windows.get(video_id, ())
        ]
        return [*gold, *ChangePresence.shifts(self, video_id, phrase)]

    def _gold(self, video_id: str, within: Span | None = None) -> list[Candidate]:
        found = [
            Candidate(video_id, span.start_s + share * span.duration_s, 1000.0 - n, "gold")
            for n, share in enumerate((0.5, 0.25, 0.75))
            for span in self.windows.get(video_id, ())
        ]
        return [c for c in found if within is None or within.contains(c.time_s)]
