"""Who plans, without a chat model, by the wording of questions that it knows: the interface alone.

`Models(settings, planner=...)` and `Models.of(..., planner=...)` carry one, in the place of a chat model. What it plans
is answered as any other plan is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Protocol, cast

from lvqa.temporal.looks import Viewer
from lvqa.temporal.presence import Presence
from lvqa.types import Note

if TYPE_CHECKING:
    from lvqa.agents.state import Plan
    from lvqa.models.profiles import Models


class QuestionPlanner(Protocol):
    """From the words of a question to a plan."""

    def plan(self, question: str, options: Sequence[str]) -> Plan | None:
        """The plan, as `prompts/plan.md` asks a chat model for one; None for a question that is planned by rules.

        Args:
            question: in words.
            options: the answers to choose from, none for an open question.
        """
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


def planner_of(models: Models) -> QuestionPlanner | None:
    """The planner that the models carry, which takes the place of a chat model; None with a chat model."""
    return cast("QuestionPlanner | None", models.planner) if models.reasons_by_rule else None
