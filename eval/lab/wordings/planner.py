"""The world's planner: its grammar, the programs that its wordings ask for, and reading its descriptions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from lvqa.eval.lab.wordings import changes
from lvqa.eval.lab.wordings.descriptions import DescribedPresence, DescriptionReader
from lvqa.eval.lab.wordings.offered import when_offered
from lvqa.eval.lab.wordings.parse import parse
from lvqa.temporal.inquiry import Inquiry
from lvqa.temporal.looks import Course
from lvqa.temporal.options import window
from lvqa.temporal.presence import Presence
from lvqa.temporal.query import TemporalQuery
from lvqa.temporal.result import Result
from lvqa.types import Note

# Operations that may be about a change of a thing that stays.
_OF_CHANGES = ("when", "duration", "attribute", "place")


class WorldPlanner:
    """A `lvqa.temporal.planner.QuestionPlanner` by English rules, for questions as the world words them."""

    def plan(self, question: str, options: Sequence[str], videos: Sequence[str]) -> TemporalQuery | None:
        """The question as the grammar reads it; None for one that no rule reads."""
        return parse(question, options, videos)

    def program(self, inquiry: Inquiry) -> Course[Result] | None:
        """The program that looks into offered stretches of time, or for a change of a thing; None for other questions.

        That is `when_offered` where every option of a question "when" is a stretch, and `changes.solve` where the
        question is about a change and names no time.
        """
        query = inquiry.query
        spans = [window(option) for option in inquiry.options]
        if query.op == "when" and spans and all(spans):
            return when_offered(inquiry, query.targets[0], [span for span in spans if span is not None])
        if query.change in changes.PROGRAMS and query.op in _OF_CHANGES and query.at is None:
            return changes.solve(inquiry)
        return None

    def reading(
        self, presence: Presence, descriptions: Mapping[str, Sequence[Note]], looks: int
    ) -> tuple[Presence, DescriptionReader]:
        """Descriptions in the words of the tiny VLM, read: what they tell of where things are, and the reader."""
        given = DescribedPresence(
            presence.store,
            presence.image_embedder,
            presence.filter,
            presence.cues,
            presence.proposals,
            given=descriptions,
        )
        return given, DescriptionReader(given, looks)
