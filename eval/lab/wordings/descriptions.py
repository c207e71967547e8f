"""Reading instead of looking: what descriptions of frames, as `builtin:tiny` writes them, answer to its own questions.

For agents that caption first and reason from captions alone, without a chat model: the programs over time are asked the
same, and the answers come from the description that holds at the time. What a description does not say (what a sign
says, what happens between two descriptions) it does not know.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from lvqa.eval.lab.world.words import COLOURS, FLAG, PLACES, PLURALS, SHAPES, SIGN, SIZES
from lvqa.temporal.change_searches import ChangePresence
from lvqa.temporal.looks import LookReply, LookRequest
from lvqa.temporal.presence import Presence, Series
from lvqa.types import Note

# A description is taken at its word.
YES, NO = 0.97, 0.03
_PLACE = re.compile(rf"\s*\b(?:at|in) the ({'|'.join(sorted(PLACES, key=len, reverse=True))})\s*$")
_SINGULAR = {plural: shape for shape, plural in PLURALS.items()}
_QUESTIONS = {
    "colour": re.compile(r"what colour is the (.+)\?"),
    "shape": re.compile(r"what shape is the (.+)\?"),
    "place": re.compile(r"where is the (.+)\?"),
    "count": re.compile(r"how many (.+) are there\?"),
    "at": re.compile(r"what is( at the| in the) (.+)\?"),
}


@dataclass(frozen=True, slots=True)
class DescribedThing:
    """A thing as a description names it; what it leaves out is empty."""

    shape: str
    colour: str
    size: str
    place: str


def items(text: str) -> list[DescribedThing]:
    """The things that a description, or a noun phrase, names."""
    found = []
    for part in text.casefold().strip(" .?").split(","):
        place = _PLACE.search(part)
        words = part[: place.start()].split() if place else part.split()
        shapes = [_SINGULAR.get(w, w) for w in words if _SINGULAR.get(w, w) in (*SHAPES, FLAG, SIGN)]
        colours, sizes = [w for w in words if w in COLOURS], [w for w in words if w in SIZES]
        if shapes or {"object", "objects"} & set(words):
            shape = shapes[0] if shapes else ""
            colour, size = (row[0] if row else "" for row in (colours, sizes))
            found.append(DescribedThing(shape, colour, size, place[1] if place else ""))
    return found


def fitting(there: Sequence[DescribedThing], wanted: DescribedThing) -> list[DescribedThing]:
    """Those of the things that are what is wanted, as far as that says."""
    return [
        item
        for item in there
        if (item.shape == wanted.shape if wanted.shape else item.shape in SHAPES)
        and all(
            getattr(wanted, name) in ("", getattr(item, name)) or getattr(item, name) == ""
            for name in ("colour", "size")
        )
        and wanted.place in ("", item.place)
    ]


def present(text: str, phrase: str) -> bool:
    """Whether a description names a thing."""
    wanted = items(phrase)
    return bool(wanted and fitting(items(text), wanted[0]))


def reply(text: str, question: str) -> str:
    """What a description answers to one of the VLM's short questions; `unknown` where it does not say."""
    asked, there = question.casefold().strip(), items(text)
    if asked.startswith("what does the sign say"):
        return "too small" if fitting(there, DescribedThing(SIGN, "", "", "")) else "nothing"
    if asked == "what is the ground?":
        return text.split(",")[0].strip(" .").casefold()
    for name, pattern in _QUESTIONS.items():
        found = pattern.fullmatch(asked)
        if found is None:
            continue
        if name == "at":
            here = [item for item in there if item.place == found[2]]
            return " ".join(w for w in (here[0].size, here[0].colour, here[0].shape) if w) if here else "nothing"
        wanted = items(found[1])
        if not wanted:
            return "unknown"
        fit = fitting(there, wanted[0])
        if name == "count":
            return str(len(fit))
        return getattr(fit[0], name) if fit else "nowhere" if name == "place" else "none"
    return "unknown"


@dataclass(slots=True)
class DescribedPresence(ChangePresence):
    """What given descriptions and the subtitles tell of where things are; there is no visual channel.

    Without `given` the descriptions are the captions of the index.
    """

    given: Mapping[str, Sequence[Note]] | None = None

    def captions(self, video_id: str) -> list[Note]:
        """The descriptions of a video, in order of time."""
        return ChangePresence.captions(self, video_id) if self.given is None else list(self.given.get(video_id, ()))

    def series(self, video_id: str, phrase: str) -> tuple[Series, Series]:
        """Nothing."""
        return np.zeros(0), np.zeros(0)


@dataclass(slots=True)
class DescriptionReader:
    """A `lvqa.temporal.looks.Viewer` that answers from descriptions, at no cost and without end.

    `presence` has the descriptions as captions; `left` is how many looks it says it has left.
    """

    presence: Presence
    left: int
    _texts: dict[str, tuple[list[float], list[Note]]] = field(default_factory=dict)

    def look(self, asks: Sequence[LookRequest]) -> list[LookReply | None]:
        """What the descriptions of these times say; None where there is none."""
        return [self._read(ask) for ask in asks]

    def is_cut(self, video_id: str, before_s: float, after_s: float) -> bool:
        """Whether the ground changes between two times."""
        before, after = (self._note(video_id, time_s) for time_s in (before_s, after_s))
        return before is not None and after is not None and before.text.split(",")[0] != after.text.split(",")[0]

    def _read(self, ask: LookRequest) -> LookReply | None:
        known = self._note(ask.video_id, ask.time_s)
        if known is None:
            return None
        if ask.says:
            return LookReply(ask.time_s, text=reply(known.text, ask.about))
        return LookReply(ask.time_s, YES if present(known.text, ask.about) else NO)

    def _note(self, video_id: str, time_s: float) -> Note | None:
        if video_id not in self._texts:
            notes = self.presence.captions(video_id)
            self._texts[video_id] = [n.span.start_s for n in notes], notes
        starts, notes = self._texts[video_id]
        return notes[max(0, bisect_right(starts, time_s) - 1)] if notes else None
