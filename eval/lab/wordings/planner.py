"""The world's planner: its grammar as plans, as a chat model would write them, and reading its descriptions."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from lvqa.agents.state import OPTION, Across, Kind, Plan
from lvqa.eval.lab.wordings.descriptions import DescribedPresence, DescriptionReader
from lvqa.eval.lab.wordings.parse import parse
from lvqa.language.words import with_article
from lvqa.temporal.operators import Operator
from lvqa.temporal.presence import Presence
from lvqa.temporal.query import Both, Operation, TemporalQuery
from lvqa.types import Note

_FILES = re.compile(r"[\w./-]+\.mp4\b")
_KINDS: dict[Operation, Kind] = {
    "existence": "existence",
    "attribute": "attribute",
    "place": "place",
    "count_objects": "count",
    "count_events": "count",
    "when": "when",
    "before_after": "before_after",
    "first_last": "order",
    "order": "order",
    "duration": "duration",
    "sign": "text",
    "across": "comparison",
}
_COMPUTE: dict[Operation, Operator] = {
    "count_events": "count",
    "before_after": "before_after",
    "order": "order",
    "duration": "duration",
}
_ACROSS: dict[Both, Across] = {"": "", "which": "which", "only": "first_only", "both": "all", "not both": "not_all"}
_CHANGES = {"appear": "", "vanish": " is gone", "move": " moves to another place", "recolour": " changes its colour"}


class WorldPlanner:
    """A `lvqa.agents.planner.QuestionPlanner` by English rules, for questions as the world words them."""

    def plan(self, question: str, options: Sequence[str]) -> Plan | None:
        """The question as the grammar reads it; None for one that no rule reads."""
        query = parse(question, options, tuple(dict.fromkeys(_FILES.findall(question))))
        return as_plan(query) if query is not None else None

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


def as_plan(query: TemporalQuery) -> Plan:
    """A query as a plan, as `prompts/plan.md` asks for one."""
    events = [_event(query, target) for target in query.targets]
    if query.among:
        events = [OPTION, *events] if query.side != "after" else [*events, OPTION]
    compute: Operator | None = _COMPUTE.get(query.op)
    if query.op == "first_last":
        compute = "last" if query.side == "last" else "first"
    return Plan(
        kind=_KINDS[query.op],
        events=tuple(events),
        between=(query.at.start_s, query.at.end_s) if query.at is not None else None,
        compute=compute,
        attribute=query.aspect,
        negated=query.negated,
        across=_ACROSS[query.both] if query.op == "across" else "",
    )


def _event(query: TemporalQuery, target: str) -> str:
    thing = target if query.op == "count_objects" else with_article(target)
    if query.change == "recolour" and query.to:
        return f"{thing} turns {query.to}"
    return thing + _CHANGES[query.change]
