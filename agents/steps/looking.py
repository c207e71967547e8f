"""Steps that tell of frames: `zoom` chooses them, `inspect` shows them, `timeline` looks on its own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from lvqa.agents.steps.wording import each_after, spent_budget
from lvqa.phrasing import count
from lvqa.temporal.query import TemporalQuery
from lvqa.types import Keyframe, Note, Span, Step
from lvqa.zoom.base import Trace

# The presence from which a look at the timeline was fruitful.
FRUITFUL = 0.5
_MOST_TOLD = 200


@dataclass(frozen=True, slots=True)
class ZoomStep(Step):
    """The frames that were chosen to be shown to the VLM.

    Attributes:
        searcher: the name of what chose them.
        keyframes: the path of each frame's video, and the frame.
        searches: the path of each video that was searched, and what was done there.
        failed: a line for each video that could not be searched.
        missing_files: the paths of videos whose file is not there.
    """

    node: ClassVar[str] = "zoom"

    searcher: str
    keyframes: tuple[tuple[str, Keyframe], ...]
    searches: tuple[tuple[str, Trace], ...]
    failed: tuple[str, ...] = ()
    missing_files: tuple[str, ...] = ()

    @property
    def summary(self) -> str:
        """How many frames of how many videos, and how many were looked at to find them."""
        where = count(len({frame.video_id for _, frame in self.keyframes}), "video")
        looked = sum(trace.looked for _, trace in self.searches)
        line = f"{count(len(self.keyframes), 'keyframe')} in {where} by {self.searcher}, {looked} looked at on the way"
        return line + each_after(self.failed)

    @property
    def data(self) -> dict[str, Any]:
        """The frames with their scores, and each search round by round."""
        return {
            "searcher": self.searcher,
            "keyframes": [
                {"video": path, "time_s": round(frame.time_s, 3), "score": round(frame.score, 4)}
                for path, frame in self.keyframes
            ],
            "searches": [{"video": path, **trace.to_dict()} for path, trace in self.searches],
            "missing_files": list(self.missing_files),
        }


@dataclass(frozen=True, slots=True)
class ZoomSkippedStep(Step):
    """No frame was chosen: the `reason`, and the paths of missing files, None where files were not what it hung on."""

    node: ClassVar[str] = "zoom"

    reason: str
    missing_files: tuple[str, ...] | None = None

    @property
    def summary(self) -> str:
        """The reason."""
        return f"nothing to look at: {self.reason}"

    @property
    def data(self) -> dict[str, Any]:
        """No frames, and which files are missing."""
        missing = {} if self.missing_files is None else {"missing_files": list(self.missing_files)}
        return {"keyframes": [], **missing}


@dataclass(frozen=True, slots=True)
class TargetsStep(Step):
    """The vision model named what to look for: `targets`, and `cues` near them; `prompt` is the hash of the prompt."""

    node: ClassVar[str] = "zoom"

    prompt: str
    targets: tuple[str, ...]
    cues: tuple[str, ...] = ()

    @property
    def summary(self) -> str:
        """What is looked for."""
        near = f"; near {', '.join(self.cues)}" if self.cues else ""
        return f"looking for {', '.join(self.targets)}{near}, by the vision model"

    @property
    def data(self) -> dict[str, Any]:
        """The prompt, targets and cues."""
        return {"prompt": self.prompt, "targets": list(self.targets), "cues": list(self.cues)}


@dataclass(frozen=True, slots=True)
class NoTargetsStep(Step):
    """The vision model was asked in vain what to look for.

    `prompt` is the hash of the prompt of a reply that named nothing, and empty where there was no reply at all;
    `reason` says what was wrong.
    """

    node: ClassVar[str] = "zoom"

    reason: str = ""
    prompt: str = ""

    @property
    def summary(self) -> str:
        """What was wrong."""
        if not self.prompt:
            return self.reason
        return "the vision model named no targets" + (f": {self.reason}" if self.reason else "")

    @property
    def data(self) -> dict[str, Any]:
        """The prompt, and whether the reply could not be read; nothing where there was none."""
        return {"prompt": self.prompt, "unparsed": self.unparsed} if self.prompt else {}


@dataclass(frozen=True, slots=True)
class InspectStep(Step):
    """What the VLM saw on the keyframes.

    Attributes:
        prompt: the hash of the prompt.
        frames: how many were shown, in so many `looks`.
        seen: the path of each note's video, and the note of what was seen.
        left_out: how many looks the budget did not hold.
        failed: a line for each thing that went wrong.
        spent: the parts of the budget that ran out.
    """

    node: ClassVar[str] = "inspect"

    prompt: str
    frames: int
    looks: int
    seen: tuple[tuple[str, Note], ...]
    left_out: int = 0
    failed: tuple[str, ...] = ()
    spent: tuple[str, ...] = ()

    @property
    def summary(self) -> str:
        """How many frames were shown, and how many of the replies say something."""
        shows = "shows" if len(self.seen) == 1 else "show"
        line = f"{count(self.frames, 'frame')} in {count(self.looks, 'look')}, "
        line += f"{len(self.seen)} of them {shows} something"
        if self.left_out:
            line += f"; {count(self.left_out, 'look')} left out, budget spent: {', '.join(self.spent)}"
        return line + each_after(self.failed)

    @property
    def data(self) -> dict[str, Any]:
        """What was seen when, and what was left out."""
        seen = [
            {"video": path, "start_s": note.span.start_s, "end_s": note.span.end_s, "text": note.text}
            for path, note in self.seen
        ]
        return {"prompt": self.prompt, "seen": seen, "left_out": self.left_out, "troubles": list(self.failed)}


@dataclass(frozen=True, slots=True)
class InspectSkippedStep(Step):
    """There was nothing to show, or no model to show it to."""

    node: ClassVar[str] = "inspect"

    @property
    def summary(self) -> str:
        """That nothing was looked at."""
        return "nothing looked at"

    @property
    def data(self) -> dict[str, Any]:
        """Nothing seen."""
        return {"seen": []}


@dataclass(frozen=True, slots=True)
class ProgramStep(Step):
    """A program over time begins: what it was asked, and the paths of the videos that it asks it of."""

    node: ClassVar[str] = "compute"

    query: TemporalQuery
    videos: tuple[str, ...]

    @property
    def summary(self) -> str:
        """What is done with what, and in how many videos."""
        asked = ", ".join(self.query.targets) or "the options"
        return f"{self.query.op.replace('_', ' ')} of {asked} in {count(len(self.videos), 'video')}"

    @property
    def data(self) -> dict[str, Any]:
        """The parts of the query that say something."""
        values = {name: getattr(self.query, name) for name in self.query.__slots__}
        query = {name: _plain(value) for name, value in values.items() if value}
        return {"query": query, "videos": list(self.videos)}


def _plain(value: Any) -> Any:
    return str(value) if isinstance(value, Span) else list(value) if isinstance(value, tuple) else value


@dataclass(frozen=True, slots=True)
class ProgramFailedStep(Step):
    """A program over time came to nothing, since the vision model failed; the notes say what they say."""

    node: ClassVar[str] = "compute"

    query: TemporalQuery
    reason: str

    @property
    def summary(self) -> str:
        """What failed."""
        return f"{self.query.op.replace('_', ' ')} by looking failed: {self.reason}"

    @property
    def data(self) -> dict[str, Any]:
        """The reason."""
        return {"reason": self.reason}


@dataclass(frozen=True, slots=True)
class LoggedLook:
    """A look at one frame: the path of its video, its time, what was asked about, and P(yes) or a reply in words."""

    video: str
    time_s: float
    about: str
    seen: float | str

    @property
    def fruitful(self) -> bool:
        """Whether what was asked about is there; a reply in words counts as that."""
        return isinstance(self.seen, str) or self.seen >= FRUITFUL

    def to_dict(self) -> dict[str, Any]:
        """The fields that `lvqa ask --steps --json` prints below `looks`."""
        return {"video": self.video, "time_s": self.time_s, "about": self.about, "seen": self.seen}


@dataclass(frozen=True, slots=True)
class ProgramLooksStep(Step):
    """What a program over time looked at, what went wrong, and the parts of the budget that ran out."""

    node: ClassVar[str] = "compute"

    looks: tuple[LoggedLook, ...]
    failed: tuple[str, ...] = ()
    spent: tuple[str, ...] = ()

    @property
    def summary(self) -> str:
        """How many looks there were, and how many of them found something."""
        yes = sum(look.fruitful for look in self.looks)
        return f"{count(len(self.looks), 'look')}, {yes} of them fruitful{spent_budget(self.spent)}"

    @property
    def told(self) -> tuple[LoggedLook, ...]:
        """The first looks: as many as are shown."""
        return self.looks[:_MOST_TOLD]

    @property
    def data(self) -> dict[str, Any]:
        """The first looks, and what went wrong."""
        return {"looks": [look.to_dict() for look in self.told], "troubles": list(self.failed)}


@dataclass(frozen=True, slots=True)
class ProgramResultStep(Step):
    """What a program over time came to.

    Attributes:
        text: the answer; empty where nothing was found, and `why` says so then.
        choice: the option, from 0.
        confidence: in [0, 1].
        shown: the stretches that the answer rests on, each with the path of its video.
        why: what the program says of its result.
    """

    node: ClassVar[str] = "compute"

    text: str
    choice: int | None
    confidence: float
    shown: tuple[tuple[str, Span], ...]
    why: str = ""
    found: bool = True

    @property
    def summary(self) -> str:
        """The answer with its confidence, or why there is none."""
        return f"{self.text}, confidence {self.confidence:.2f}" if self.found else f"not found: {self.why}"

    @property
    def data(self) -> dict[str, Any]:
        """The stretches, the option and the reason."""
        shown = [{"video": path, "start_s": span.start_s, "end_s": span.end_s} for path, span in self.shown]
        return {"shown": shown, "choice": self.choice, "why": self.why}
