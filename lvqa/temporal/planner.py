"""Who reads a question as a program over time, in place of a chat model: the interface alone.

`Models(settings, planner=...)` and `Models.of(..., planner=...)` carry one. Questions that it reads are answered by the
graph's `timeline` node wherever there is a vision model and no chat model.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from lvqa.temporal.inquiry import Inquiry
from lvqa.temporal.looks import Course, Viewer
from lvqa.temporal.presence import Presence
from lvqa.temporal.query import TemporalQuery
from lvqa.temporal.result import Result
from lvqa.types import Note


class QuestionPlanner(Protocol):
    """From the words of a question to a program over time, with what programs and reading it brings of its own."""

    def plan(self, question: str, options: Sequence[str], videos: Sequence[str]) -> TemporalQuery | None:
        """The question as a program; None where it is not understood, and answered in another way.

        Args:
            question: in words.
            options: the answers to choose from, none for an open question.
            videos: the paths of the videos that may be used; the query's `videos` are some of them.
        """
        ...

    def program(self, inquiry: Inquiry) -> Course[Result] | None:
        """A program of the planner's own that answers the inquiry's question; None where lvqa's own programs do."""
        ...

    def reading(
        self, presence: Presence, descriptions: Mapping[str, Sequence[Note]], looks: int
    ) -> tuple[Presence, Viewer]:
        """How a baseline that has described frames answers from those descriptions, without looking again.

        Args:
            presence: what the index knows of where things are.
            descriptions: what was gathered of each video, by its id, in order of time.
            looks: how many looks the answering side says it has left, whatever it answers.

        Returns:
            What the descriptions alone tell of where things are, and who answers look requests from them.
        """
        ...
