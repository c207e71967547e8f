"""What an answer would take, before any model is asked: at most and likely.

The plan is made by rules and recall searches by words alone; prompts are filled as they would be, and counted. What
the agent's programs, rounds and rivals do is told by the numbers here. Loads and calls no model, and writes nothing.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

from langgraph.runtime import Runtime

from lvqa.agents.baselines.presets import DEFAULT_AGENT, check_agent
from lvqa.agents.cost.sizes import Sizes, likely_sizes, most_sizes, times
from lvqa.agents.evidence import pool
from lvqa.agents.nodes.plan import by_rules
from lvqa.agents.nodes.recall import recall
from lvqa.agents.nodes.zoom import LOOK_SHARE, NAMING_FRAMES, NAMING_SHARE
from lvqa.agents.run import checked, of_named
from lvqa.agents.state import Context, State, initial
from lvqa.agents.temporal_query import paths_of, planner_of
from lvqa.media.files import present
from lvqa.models.choose import NO_CHAT, NONE
from lvqa.models.profiles import Models
from lvqa.phrasing import count
from lvqa.prompts import answers
from lvqa.recall import Retriever
from lvqa.settings import Settings
from lvqa.store import Filter, Store
from lvqa.tools.latency import Kind, Pace, pace_of
from lvqa.tools.ledger import Budget, Ledger
from lvqa.tools.prices import Prices
from lvqa.types import Cost


@dataclass(frozen=True, slots=True)
class Nature:
    """How a rival works: rounds, LLM calls (likely, at most), frames that it likely looks at, frames a VLM call.

    0 frames are none at all, None as many as the budget holds; 0 frames a call are `frames_per_clip`.
    """

    rounds: int
    llm_calls: tuple[int, int]
    frames: int | None = 0
    frames_a_call: int = 1


# From the papers, see METHODS.md; at most, each reply that has to parse is asked for twice.
NATURES: Mapping[str, Nature] = {
    "llovi": Nature(1, (2, 3)),  # a summary, then the answer
    "videoagent": Nature(3, (4, 18), 8),  # answer, rate it, ask for more, in three rounds; a caption a frame
    "videotree": Nature(3, (4, 9), 32),  # up to three ratings of clusters, then the answer; a caption a keyframe
    "uniform": Nature(1, (2, 3), None, 0),
}
# Of what a program over time may look at, what it likely does.
_PROGRAM_SHARE = 0.5
_KINDS: tuple[tuple[Kind, str], ...] = (("VLM call", "vlm_calls"), ("LLM call", "llm_calls"))


@dataclass(frozen=True, slots=True)
class Estimate:
    """What an answer takes `most`, and `likely`; `why` says from what that follows.

    Seconds are 0, and not told, unless `timed`: where answers with these models were timed before in this process.
    """

    agent: str
    rounds: int
    most: Cost
    likely: Cost
    prices: Prices
    timed: bool
    why: str

    def to_dict(self) -> dict[str, Any]:
        """The fields that `lvqa ask --dry-run --json` prints."""
        costs = {"at_most": self.most.to_dict(), "likely": self.likely.to_dict()}
        if not self.timed:
            for cost in costs.values():
                del cost["seconds"]
        priced = {"currency": self.prices.currency} if self.prices.are_set else {}
        return {"agent": self.agent, "rounds": self.rounds, **costs, **priced, "why": self.why}


def estimate(
    question: str,
    options: Sequence[str] | None = None,
    *,
    store: Store,
    models: Models,
    settings: Settings,
    folder: Path,
    filter: Filter | None = None,
    budget: Budget | None = None,
    agent: str | None = None,
) -> Estimate:
    """What `lvqa.agents.ask` would take with the same arguments.

    Raises UsageError for an empty question or option, and an unknown agent.
    """
    given = checked(question, options)
    name = check_agent(agent if agent is not None else settings.agent)
    wording, filter = of_named(question.strip(), given, store, filter or Filter(level="clip"))
    prices = Prices.of(settings)
    ledger = Ledger(budget if budget is not None else Budget.of(settings), prices=prices)
    retriever = Retriever(store, None)
    context = Context(
        question=question.strip(),
        options=given,
        store=store,
        models=Models.of(),
        settings=settings,
        folder=folder,
        ledger=ledger,
        retriever=retriever,
        agent=name,
        filter=filter,
        wording=wording,
    )
    plan = by_rules(context.asked, given)
    planned: State = {**initial(), "plan": plan}
    items = pool({**planned, "hits": recall(planned, Runtime(context=context))["hits"]}, context)
    can = _Can.of(context, models)
    most, likely = most_sizes(context, can.calls), likely_sizes(context, plan, items)
    if can.program and name == DEFAULT_AGENT:
        rounds, upper = 1, _looks(can.frames, can.calls, most)
        lower = _looks(math.ceil(can.frames * _PROGRAM_SHARE), math.ceil(can.calls * _PROGRAM_SHARE), likely)
    elif name == DEFAULT_AGENT:
        rounds = settings.rounds + 1
        upper, lower = _of_rounds(context, can, most), _of_likely_rounds(context, can, likely, bool(items))
    else:
        rounds = NATURES[name].rounds
        upper, lower = _of_rival(context, NATURES[name], can, most, likely)
    why = f"{count(rounds, 'round')} at most" if can.think else "without a chat model"
    upper = _within_budget(upper, ledger.budget, most, can)
    lower, pace = _no_more(lower, upper), pace_of(models)
    timed = _is_timed(pace, upper)
    if timed:
        upper = replace(upper, seconds=_slowest_s(pace, upper, ledger.budget))
        lower = replace(lower, seconds=min(_usual_s(pace, lower), upper.seconds))
    why += f"; {count(len(items), 'note')} found by words; " + (
        can.why or f"{count(can.frames, 'frame')} may be looked at"
    )
    return Estimate(name, rounds, upper, lower, prices, timed, why)


@dataclass(frozen=True, slots=True)
class _Can:
    """What the models, files and budget allow: a chat model that thinks, frames and VLM calls; `why` there are none.

    `program` says that the question is a program over time; `names` that the VLM is asked what to look for.
    """

    think: bool
    frames: int
    calls: int
    program: bool = False
    names: bool = False
    why: str = ""

    @classmethod
    def of(cls, context: Context, models: Models) -> _Can:
        specs, ledger = models.specs, context.ledger
        think = specs["chat"] not in (NONE, *NO_CHAT) and ledger.can_think
        if specs["vision"] == NONE:
            return cls(think, 0, 0, why="there is no model that looks at frames")
        paths, planner = paths_of(context), planner_of(models)
        program = planner is not None and planner.plan(context.question, context.options, paths) is not None
        if not any(present(context.folder, path) for path in paths):
            return cls(think, 0, 0, program, why="no video file is there")
        looks, verifies = (answers(name, models.prompt_set) for name in ("inspect", "verify"))
        if not (program or looks or verifies):
            return cls(think, 0, 0, why="the vision model answers no questions but its own short ones")
        frames, calls = ledger.frames_left, ledger.calls_left
        names = not think and answers("targets", models.prompt_set) and frames >= NAMING_SHARE * NAMING_FRAMES
        return cls(think, frames, min(calls, frames), program, names, "" if frames else "the budget leaves no frame")


def _looks(frames: int, calls: int, sizes: Sizes) -> Cost:
    return times(sizes.frame, frames) + times(sizes.look, calls)


def _of_rounds(context: Context, can: _Can, most: Sizes) -> Cost:
    """All rounds to the last, and every frame looked at."""
    cost = _looks(can.frames, can.calls, most)
    return cost + most.plan + times(most.round, context.settings.rounds + 1) if can.think else cost


def _of_likely_rounds(context: Context, can: _Can, likely: Sizes, found: bool) -> Cost:
    """One round with a chat model; two where only looking can make sure. Nothing is reasoned about without notes."""
    cost, settings = Cost(), context.settings
    if can.think:
        cost += likely.plan + (likely.round if found else Cost())
    left = min(can.frames, can.calls * settings.frames_per_clip)
    rounds = 1 if can.think else min(2, settings.rounds)
    k = math.ceil(left * LOOK_SHARE / settings.rounds)
    frames = k * rounds + settings.frames_per_clip + (NAMING_FRAMES if can.names else 0)
    calls = math.ceil(k / 2) * rounds + 1 + can.names
    return cost + _looks(min(frames, can.frames), min(calls, can.calls), likely)


def _of_rival(context: Context, nature: Nature, can: _Can, most: Sizes, likely: Sizes) -> tuple[Cost, Cost]:
    """At most, and likely."""
    upper = lower = Cost()
    if nature.frames != 0:
        frames = min(can.frames, nature.frames if nature.frames is not None else can.frames)
        each = nature.frames_a_call or context.settings.frames_per_clip
        upper, lower = _looks(can.frames, can.calls, most), _looks(frames, min(can.calls, -(-frames // each)), likely)
    if can.think:
        usual, largest = nature.llm_calls
        upper += times(most.call, largest)
        lower += likely.summary + likely.answer if usual == 2 else times(likely.answer, usual)
    return upper, lower


def _within_budget(cost: Cost, budget: Budget, most: Sizes, can: _Can) -> Cost:
    """No more than the budget, and one reply (a batch of looks counts as one) that was begun within it."""
    beyond = most.call + _looks(can.frames, can.calls, most)
    tokens = budget.tokens + beyond.tokens_in + beyond.tokens_out if budget.tokens else 0
    tokens_in, tokens_out = min(cost.tokens_in, tokens), min(cost.tokens_out, tokens)
    money = min(cost.money, budget.money + most.call.money) if budget.money > 0 else cost.money
    return replace(cost, tokens_in=tokens_in, tokens_out=tokens_out, money=money)


def _no_more(likely: Cost, most: Cost) -> Cost:
    """What is likely, part by part no more than what is most."""
    return Cost(**{f.name: min(getattr(likely, f.name), getattr(most, f.name)) for f in fields(Cost)})


def _is_timed(pace: Pace, cost: Cost) -> bool:
    """Whether every kind of call in a cost was timed, and what an answer takes beside."""
    needed: list[Kind] = ["rest", *(kind for kind, name in _KINDS if getattr(cost, name))]
    return all(pace.of(kind).times for kind in needed)


def _usual_s(pace: Pace, cost: Cost) -> float:
    calls: list[float] = [pace.of(kind).usual_s * getattr(cost, name) for kind, name in _KINDS]
    return pace.of("rest").usual_s + sum(calls)


def _slowest_s(pace: Pace, cost: Cost, budget: Budget) -> float:
    """At the slowest that was measured, within the budget and one batch of calls that was begun within it."""
    seconds: list[float] = [pace.of(kind).most_s * getattr(cost, name) for kind, name in _KINDS]
    rest = pace.of("rest").most_s
    return min(rest + sum(seconds), budget.seconds + rest + max(seconds))
