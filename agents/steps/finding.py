"""Steps that say what is looked for and which notes came of it: `plan`, `recall` and `survey`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from lvqa.agents.state import Plan
from lvqa.agents.steps.wording import each_after, spent_budget
from lvqa.phrasing import count
from lvqa.types import Hit, Note, Step


@dataclass(frozen=True, slots=True)
class PlanStep(Step):
    """The plan of a question.

    Attributes:
        plan: what is looked for.
        by: what made it: `rules`, `planner`, or `chat` and the hash of the prompt.
        reason: why the chat model did not make it, where it was asked in vain; else empty.
    """

    node: ClassVar[str] = "plan"

    plan: Plan
    by: str
    reason: str = ""

    @property
    def summary(self) -> str:
        """The kind of question, how many phrases are searched for, and who says so."""
        phrases = count(len(self.plan.phrases), "search phrase")
        reason = f"; {self.reason}" if self.reason else ""
        return f"a question of kind {self.plan.kind}, {phrases}, by {self.by.split()[0]}{reason}"

    @property
    def data(self) -> dict[str, Any]:
        """The plan's fields, what made it, and whether a reply could not be read."""
        return {**self.plan.model_dump(mode="json"), "by": self.by, "unparsed": self.unparsed}


@dataclass(frozen=True, slots=True)
class RecallStep(Step):
    """A search of the index.

    Attributes:
        phrases: what was searched for.
        in_named_time: whether only in the time that the question names.
        notes: how many were found, in so many `videos`.
        new: how many of them no earlier round had found.
        best: the first few.
        again: whether an earlier round had found any.
    """

    node: ClassVar[str] = "recall"

    phrases: tuple[str, ...]
    in_named_time: bool
    notes: int
    new: int
    videos: int
    best: tuple[Hit, ...]
    again: bool = False

    @property
    def summary(self) -> str:
        """How many notes of how many videos were found, and how many of them are new."""
        line = f"{count(self.notes, 'note')} of {count(self.videos, 'video')} for {count(len(self.phrases), 'phrase')}"
        return line + (f", {self.new} of them new" if self.again else "")

    @property
    def data(self) -> dict[str, Any]:
        """What was searched for, and the best of what was found with the score of each channel."""
        best = [{**hit.to_dict(), "channels": {k: round(v, 4) for k, v in hit.channels.items()}} for hit in self.best]
        return {
            "phrases": list(self.phrases),
            "in_named_time": self.in_named_time,
            "notes": self.notes,
            "new": self.new,
            "best": best,
        }


@dataclass(frozen=True, slots=True)
class RecallAgainStep(Step):
    """A round that goes on with the `notes` that were found before, and only looks again."""

    node: ClassVar[str] = "recall"

    notes: int

    @property
    def summary(self) -> str:
        """How many notes there are."""
        return f"{count(self.notes, 'note')} as before"

    @property
    def data(self) -> dict[str, Any]:
        """The fields of a search that found nothing new."""
        return {"phrases": [], "in_named_time": False, "notes": self.notes, "new": 0, "best": []}


@dataclass(frozen=True, slots=True)
class SurveyStep(Step):
    """The notes that a baseline goes by.

    Attributes:
        agent: the baseline's name.
        described: the path of each frame's video, and the note that describes it.
        read: how many notes of the index it read, None where it describes frames instead.
        videos: how many videos the notes are of.
        failed: a line for each thing that went wrong.
        spent: the parts of the budget that ran out.
    """

    node: ClassVar[str] = "survey"

    agent: str
    described: tuple[tuple[str, Note], ...]
    read: int | None
    videos: int
    failed: tuple[str, ...] = ()
    spent: tuple[str, ...] = ()

    @property
    def summary(self) -> str:
        """How many notes were read, or frames described, and what went wrong."""
        frames = f"{count(len(self.described), 'frame')} described"
        done = frames if self.read is None else f"{count(self.read, 'note')} read"
        line = f"{done} of {count(self.videos, 'video')}, as {self.agent} does"
        return line + each_after(self.failed) + spent_budget(self.spent)

    @property
    def data(self) -> dict[str, Any]:
        """The descriptions, and what went wrong."""
        rows = [
            {"video": path, "start_s": round(note.span.start_s, 3), "text": note.text} for path, note in self.described
        ]
        return {"agent": self.agent, "described": rows, "troubles": list(self.failed), "unparsed": self.unparsed}
