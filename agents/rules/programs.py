"""From a plan to the program over time that answers it by looking, whoever made the plan. Looks at nothing.

What is computed, or else the kind of question, says which program; events, read as captions, say of what. Where the
options are what is looked for, the plan writes `{option}` in their place, or lists them as events.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from lvqa.agents.state import OPTION, Plan
from lvqa.temporal.events import is_thing, read_event
from lvqa.temporal.options import bare_phrase
from lvqa.temporal.programs import COMPUTED
from lvqa.temporal.query import Both, Operation, Side, TemporalQuery
from lvqa.types import Span

_KINDS: dict[str, Operation] = {
    "existence": "existence",
    "attribute": "attribute",
    "place": "place",
    "count": "count_objects",
    "when": "when",
    "text": "sign",
    "comparison": "across",
}
_BOTH: dict[str, Both] = {"which": "which", "first_only": "only", "all": "both", "not_all": "not both"}
# How many things an operation takes beside the options, where those are what it is about, and where they are not.
_TAKES: dict[Operation, tuple[int, int]] = {
    "before_after": (2, 2),
    "overlap": (2, 2),
    "first_last": (1, 8),
    "order": (2, 8),
    "sign": (1, 2),
}
_TAKES_AMONG: dict[Operation, tuple[int, int]] = {
    "existence": (0, 0),
    "across": (0, 0),
    "first_last": (0, 0),
    "before_after": (1, 1),
}


def query_of(
    plan: Plan, question: str, options: Sequence[str] = (), videos: Sequence[str] = ()
) -> TemporalQuery | None:
    """The program of a plan; None where there is none, or its events are not those that it takes.

    Args:
        plan: what is asked, and of which events.
        question: in words, without the files and the times that it names; put to frames where no rule can word it.
        options: the answers to choose from.
        videos: the paths of those that the question names, in its order.
    """
    op = COMPUTED.get(plan.compute) if plan.compute is not None else _KINDS.get(plan.kind)
    if op is None or (op == "across" and not plan.across):
        return None
    among = bool(options) and _are_options(plan.events, options)
    events = [read_event(event) for event in _of_things(plan.events, options)] if among else []
    events = events if among else [read_event(event) for event in plan.events if event != OPTION]
    least, most = _TAKES_AMONG.get(op, (1, 0)) if among else _TAKES.get(op, (1, 1))
    if not least <= len(events) <= most:
        return None
    first = events[0] if events else read_event("")
    happens = bool(events) and not is_thing(first.thing) and op in ("attribute", "place")
    return TemporalQuery(
        op,
        tuple(event.thing for event in events),
        tuple(videos),
        Span(*plan.between) if plan.between is not None else None,
        change=first.change,
        aspect=plan.attribute if op == "attribute" else "",
        to=first.to,
        side=_side(plan, op, among),
        both=_BOTH[plan.across] if op == "across" else "",
        among=among,
        negated=plan.negated,
        asks=question if happens else "",
    )


def _are_options(events: Sequence[str], options: Sequence[str]) -> bool:
    named = {bare_phrase(event) for event in events}
    return OPTION in events or {bare_phrase(option) for option in options} <= named


def _of_things(events: Sequence[str], options: Sequence[str]) -> list[str]:
    offered = {OPTION, *(bare_phrase(option) for option in options)}
    return [event for event in events if bare_phrase(event) not in offered]


def _side(plan: Plan, op: Operation, among: bool) -> Side:
    found: Literal["before", "after"]
    if op == "first_last":
        return "last" if plan.compute == "last" else "first"
    if op != "before_after":
        return ""
    # The option stands on the side of the other event that is asked for.
    found = "after" if among and plan.events[-1] == OPTION else "before"
    return found
