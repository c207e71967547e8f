"""The answer node: independent ways to an answer with the chat model, or the rules of `extractive` without it.

The first way is LLoVi's two rounds (arXiv 2312.17235): a summary of the notes conditioned on the question, then the
answer from that summary. The second reads the notes themselves in the order of time. With options there is a third:
each option is scored against the notes, in shuffled order, so that no place in the list is preferred. How far they
agree goes into the confidence (after AKeyS). Ways that the budget does not reach are left out, and said to be.

Every sentence cites notes (`citations`); a reply that does not parse twice is recorded as unread, never replaced by a
guess. This module verifies nothing.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from langchain_core.language_models import BaseChatModel
from langgraph.runtime import Runtime
from pydantic import BaseModel, Field

from lvqa.agents.baselines.presets import preset
from lvqa.agents.calibration import calibrated
from lvqa.agents.citations import (
    AnswerReply,
    claims_of,
    complaints,
    computed_lines,
    known_lines,
    lines,
    number,
    read_choice,
)
from lvqa.agents.evidence import pool, scaled_cosines
from lvqa.agents.options import letter, options_block
from lvqa.agents.rules import extractive
from lvqa.agents.rules.numbers import READING
from lvqa.agents.state import Context, Draft, Item, State, SubAnswer
from lvqa.agents.steps import AnswerStep, Reasoning, Way
from lvqa.agents.structured import ask_for, say
from lvqa.errors import ModelError, ReplyError
from lvqa.models.replies import usable_caption
from lvqa.prompts import fence, load
from lvqa.tools.ledger import BudgetSpent
from lvqa.types import Computation

T = TypeVar("T")


class ScoresReply(BaseModel):
    """The options' scores as the chat model writes them, by letter."""

    scores: dict[str, float] = Field(min_length=1)


@dataclass(slots=True)
class _Asked:
    """What every way to an answer starts from, and which prompts were used and ways left out on the way."""

    context: Context
    chat: BaseChatModel
    numbered: dict[int, Item]
    computed: str
    held: frozenset[str] = frozenset()  # what sub-answers rest on is shown whatever is nearer
    prompts: dict[str, str] = field(default_factory=dict)
    skipped: list[str] = field(default_factory=list)


def answer(state: State, runtime: Runtime[Context]) -> dict[str, Any]:
    """Draft an answer from what was recalled, seen and computed."""
    context, found = runtime.context, state["draft"]
    if found.by == "program" and (context.models.chat is None or stands(context, found)):
        return {"steps": []}
    items = state["items"] or pool(state, context, preset(context.agent).notes)
    rules, read = extractive.draft(context, state["plan"], items, state["computed"])
    items = [*items, *read]
    there = {item.note.id for item in items}
    # Behind all others, and out of the rules' sight: they answer parts of the question.
    items += {i.note.id: i for sub in state["subs"] for i in sub.items if i.note.id not in there}.values()
    chat = context.models.chat
    draft, reasoning, reason = rules, None, ""
    if chat is not None and items:
        try:
            draft, reasoning = by_chat(context, chat, items, rules, state["computed"], state["subs"])
        except BudgetSpent as spent:
            reason = f"{spent.reason}, so from the notes by rule"
        except ReplyError as error:
            draft, reason = Draft("", None, (), by="chat", unread=True), str(error)
    step = AnswerStep(draft, len(items), reasoning, reason, unparsed=draft.unread)
    return {"items": items, "draft": draft, "steps": [step]}


def stands(context: Context, draft: Draft) -> bool:
    """Whether what a program over time found is the answer: without enough confidence, a chat model reads the notes."""
    measured = draft.measured or 0.0
    return bool(draft.claims) and calibrated(measured, draft, context) >= context.settings.abstain_below


def by_chat(
    context: Context,
    chat: BaseChatModel,
    items: Sequence[Item],
    rules: Draft,
    computed: Sequence[Computation] = (),
    subs: Sequence[SubAnswer] = (),
) -> tuple[Draft, Reasoning]:
    """All ways that the budget reaches, as one draft. Raises BudgetSpent, ReplyError, ModelError for the first one."""
    how = preset(context.agent)
    numbered = number(items, how.notes, subs)
    held = frozenset(item.note.id for sub in subs for item in sub.items)
    asked = _Asked(context, chat, numbered, fence(computed_lines(computed, numbered)), held)
    if subs:
        known = load("known")
        asked.computed += "\n\n" + known.fill(known=fence(known_lines(subs, numbered)))
        asked.prompts["known"] = known.hash
    first, summary = summarised(asked, items, how.summary_words)
    ways, scores = [first], list[float]()
    if how.ways > 1:
        second = _tried(asked, "reading by time", lambda: direct(asked))
        ways += [second] if second is not None else []
        if context.options:
            scores = _tried(asked, "scoring the options", lambda: scored(asked)) or []
    chosen, agree = settle(context, ways, scores, items)
    draft = Draft(
        " ".join(claim.text for claim in chosen.claims) or _said(context, chosen.choice),
        chosen.choice,
        chosen.claims,
        own=sum(way.own for way in ways) / len(ways),
        closeness=max((i.closeness for i in _cited(chosen, items)), default=0.0),
        agreement=sum(agree) / len(agree) if agree else _with_rules(chosen, items, rules, context),
        missing=chosen.missing,
        by="chat",
    )
    return draft, Reasoning(asked.prompts, summary, tuple(ways), tuple(scores), tuple(asked.skipped))


def summarised(asked: _Asked, items: Sequence[Item], words: int) -> tuple[Way, str]:
    """LLoVi's two rounds: the question-conditioned summary, then the answer from it; and the summary.

    One that is empty or a refusal is none: the answer is from the notes themselves.
    """
    context, numbered = asked.context, asked.numbered
    question, notes = fence(context.question.text), fence(lines(numbered))
    told = say(asked.chat, context.ledger, load("summarise").fill(notes=notes, question=question, words=words))
    summary = usable_caption(told) or ""
    if not summary:
        asked.skipped.append("no summary: the chat model's was empty or a refusal, so from the notes themselves")
    nearest = {item.note.id for item in items[: READING.nearest]} | asked.held
    filled = load("answer").fill(
        question=question,
        options=options_block(context.options),
        summary=fence(summary) if summary.strip() else notes,
        notes=fence(lines({n: item for n, item in numbered.items() if item.note.id in nearest})),
        computed=asked.computed,
        ids=", ".join(map(str, numbered)),
    )
    asked.prompts |= {name: load(name).hash for name in ("summarise", "answer")}
    return _asked_for("summary", asked, filled), summary


def direct(asked: _Asked) -> Way:
    """The way that reads the notes themselves, in the order of time. Raises BudgetSpent, ReplyError, ModelError."""
    asked.prompts["direct"] = load("direct").hash
    filled = load("direct").fill(
        question=fence(asked.context.question.text),
        options=options_block(asked.context.options),
        notes=fence(lines(asked.numbered)),
        computed=asked.computed,
        ids=", ".join(map(str, asked.numbered)),
    )
    return _asked_for("direct", asked, filled)


def scored(asked: _Asked) -> list[float]:
    """A score in [0, 1] for each option, in the options' own order; asked for in a shuffled one, drawn by the seed."""
    context, options = asked.context, asked.context.options
    places = list(range(len(options)))
    drawn_by = f"{context.seed}:{context.question.text}".encode("utf-8", "surrogatepass")
    random.Random(drawn_by).shuffle(places)
    asked.prompts["options"] = load("options").hash
    filled = load("options").fill(
        question=fence(context.question.text),
        options=options_block(tuple(options[place] for place in places)),
        notes=fence(lines(asked.numbered)),
    )

    def by_place(reply: ScoresReply) -> dict[int, float]:
        read = {name.strip().strip("().").upper(): value for name, value in reply.scores.items()}
        return {place: read[letter(n)] for n, place in enumerate(places) if letter(n) in read}

    def wrong(reply: ScoresReply) -> list[str]:
        found = by_place(reply)
        lacking = [letter(n) for n, place in enumerate(places) if place not in found]
        beyond = [letter(n) for n, place in enumerate(places) if not 0 <= found.get(place, 0.0) <= 1]
        return [f"there is no score for {name}" for name in lacking] + [f"the score of {n} is no share" for n in beyond]

    reply = ask_for(asked.chat, context.ledger, filled, ScoresReply, wrong)
    if reply.complaints:
        raise ReplyError(f"the chat model did not score every option ({reply.complaints[0]})")
    found = by_place(reply.value)
    return [found[n] for n in range(len(options))]


def settle(
    context: Context, ways: Sequence[Way], scores: Sequence[float], items: Sequence[Item]
) -> tuple[Way, list[float]]:
    """The way to go with, and for each other way whether it agrees, 1 or 0.

    Options: what most ways choose; where they differ, the option with the highest score, then the way that is surest of
    itself. Open answers: the first way that says something; others agree that cite the same seconds or say the same.
    """
    spoken = [way for way in ways if way.claims or way.choice is not None] or list(ways)
    if not context.options:
        best = spoken[0]
        others = [way for way in ways if way is not best]
        return best, [float(_same(context, best, way, items)) for way in others]
    top = [n for n, score in enumerate(scores) if score == max(scores)] if scores else []
    votes = [way.choice for way in spoken] + (top if len(top) == 1 else [])

    def rank(way: Way) -> tuple[int, float, float]:
        score = scores[way.choice] if scores and way.choice is not None else 0.0
        return votes.count(way.choice), score, way.own

    best = max(spoken, key=rank)
    agree = [float(way.choice == best.choice) for way in ways if way is not best]
    return best, agree + ([float(top == [best.choice])] if scores else [])


def _asked_for(name: str, asked: _Asked, filled: str) -> Way:
    options, numbered = asked.context.options, asked.numbered
    parsed = ask_for(
        asked.chat, asked.context.ledger, filled, AnswerReply, lambda reply: complaints(reply, numbered, options)
    )
    reply = parsed.value
    choice = read_choice(reply.choice, options)
    if options and choice is None:
        raise ReplyError("the chat model chose none of the options, twice; try another chat model")
    claims, uncited = claims_of(reply, numbered)
    missing = tuple(phrase.strip() for phrase in reply.missing if phrase.strip())[: READING.missing]
    return Way(name, claims, choice if options else None, reply.confidence, missing, uncited, parsed.repaired)


def _tried(asked: _Asked, what: str, go: Callable[[], T]) -> T | None:
    """A further way; None, with the reason noted, where the budget does not reach it or the model fails at it."""
    try:
        return go()
    except BudgetSpent as spent:
        asked.skipped.append(f"no {what}: {spent.reason}")
    except ModelError as error:  # ReplyError too
        asked.skipped.append(f"no {what}: {error}")
    return None


def _said(context: Context, choice: int | None) -> str:
    return context.options[choice] if choice is not None else ""


def _cited(way: Way, items: Sequence[Item]) -> list[Item]:
    by_id = {item.note.id: item for item in items}
    return [by_id[note_id] for claim in way.claims for note_id in claim.note_ids if note_id in by_id]


def _same(context: Context, one: Way, other: Way, items: Sequence[Item]) -> bool:
    if not one.claims or not other.claims:
        return not one.claims and not other.claims
    mine, theirs = _cited(one, items), _cited(other, items)
    if any(a.video == b.video and a.note.span.overlaps(b.note.span) for a in mine for b in theirs):
        return True
    text, said = (" ".join(claim.text for claim in way.claims) for way in (one, other))
    note = replace(mine[0].note, id=said, text=said, source="seen")  # of what is said no store holds a vector
    return float(scaled_cosines(context, [text], [note])[0, 0]) >= READING.alike


def _with_rules(way: Way, items: Sequence[Item], rules: Draft, context: Context) -> float:
    """Whether the rules, which never saw the model's reply, come to the same: 1 or 0."""
    if context.options:
        return float(way.choice == rules.choice)
    best = items[0]
    near = [i for i in items if i.closeness >= READING.rules_agree * best.closeness]
    return float(
        any(a.video == b.video and a.note.span.overlaps(b.note.span) for a in _cited(way, items) for b in near)
    )
