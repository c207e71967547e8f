"""The answer node: independent ways to an answer with the chat model, or the rules of `extractive` without it.

The first way is LLoVi's two rounds (arXiv 2312.17235): a summary of the notes conditioned on the question, then the
answer from that summary. The second reads the notes themselves in the order of time. With options there is a third:
each option is scored against the notes, in shuffled order, so that no place in the list is preferred. How far they
agree goes into the confidence (after AKeyS). Ways that the budget does not reach are left out, and said to be.

All prompts begin with the same notes, so that a server reads them once. Notes that are more than the model can read are
halved until it can: the farthest from the question go first. Every sentence cites notes (`citations`). Where no way
comes to a reply that can be read, the answer is the rules' draft, and says so. This module verifies nothing.
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
    chosen_alone,
    claims_of,
    complaints,
    computed_lines,
    ids,
    known_lines,
    lines,
    number,
    read_choice,
)
from lvqa.agents.evidence import pool, scaled_cosines
from lvqa.agents.options import letter, options_block
from lvqa.agents.rules import extractive
from lvqa.agents.rules.numbers import READING
from lvqa.agents.state import Claim, Context, Draft, Item, State, SubAnswer
from lvqa.agents.steps import AnswerStep, Reasoning, Way
from lvqa.agents.structured import Parsed, ask_for, say
from lvqa.errors import ModelError, ReplyError, TooLong
from lvqa.models.replies import usable_summary
from lvqa.prompts import Filled, Prompt, fence, load
from lvqa.tools.ledger import BudgetSpent
from lvqa.types import Computation

T = TypeVar("T")

# A model that cannot read so many notes reads none.
_FEWEST_NOTES = 2
# The support of an option that no note speaks for.
UNSUPPORTED = 0.0


class Score(BaseModel):
    """How well notes support an option, by its letter, and the number of the note that says most about it, if any."""

    letter: str
    support: float = Field(ge=0, le=1)
    note: int | None = None


class ScoresReply(BaseModel):
    """The options' scores as the chat model writes them."""

    scores: list[Score] = Field(min_length=1)


@dataclass(frozen=True, slots=True)
class Scored:
    """The options' scores in [0, 1], in their own order, and the note that speaks for each, by number, if one does."""

    scores: tuple[float, ...] = ()
    notes: tuple[int | None, ...] = ()


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
    draft, reasoning, reason, unparsed = rules, None, "", False
    if chat is not None and items:
        try:
            draft, reasoning = by_chat(context, chat, items, rules, state["computed"], state["subs"])
        except BudgetSpent as spent:
            reason = f"{spent.reason}, so from the notes by rule"
        except (ReplyError, TooLong) as error:
            reason, unparsed = f"{error}; so from the notes by rule", True
    step = AnswerStep(draft, len(items), reasoning, reason, unparsed=unparsed)
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
    """All ways that the budget reaches, as one draft.

    Raises BudgetSpent for the first one, ReplyError or TooLong where none came to a reply that can be read, ModelError.
    """
    how = preset(context.agent)
    numbered = number(items, how.notes, subs)
    held = frozenset(item.note.id for sub in subs for item in sub.items)
    asked = _Asked(context, chat, numbered, fence(computed_lines(computed, numbered)), held)
    if subs:
        known = load("known")
        asked.computed += "\n\n" + known.fill(known=fence(known_lines(subs, numbered)))
        asked.prompts["known"] = known.hash
    ways, summary, scored_so = list[Way](), "", Scored()
    failed: ReplyError | TooLong | None = None
    try:
        summary = summarised(asked, how.summary_words)
        ways = [from_summary(asked, summary)]
    except (ReplyError, TooLong) as error:
        failed = error
        asked.skipped.append(f"from the summary: {error}")
    if how.ways > 1:
        second = _tried(asked, "reading by time", lambda: direct(asked))
        ways += [second] if second is not None else []
        if context.options:
            scored_so = _tried(asked, "scoring the options", lambda: scored(asked)) or Scored()
    ways += _by_scores(asked, scored_so) if not ways else []
    if not ways:
        raise failed or ReplyError("the chat model came to no answer")
    if (read := len(asked.numbered)) < len(numbered):
        asked.skipped.append(f"the nearest {read} notes alone: the chat model cannot read more at once")
    scores = scored_so.scores
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


def summarised(asked: _Asked, words: int) -> str:
    """The first of LLoVi's rounds: what the notes tell about the question; empty where that was no summary.

    Raises BudgetSpent, TooLong, ModelError.
    """
    prompt = load("summarise")
    asked.prompts["summarise"] = prompt.hash
    told = _fitting(asked, lambda: say(asked.chat, asked.context.ledger, _filled(asked, prompt, words=words)))
    summary = usable_summary(told, words)
    if not summary:
        asked.skipped.append("no summary: the chat model's was empty or a refusal, so from the notes themselves")
    return summary


def from_summary(asked: _Asked, summary: str) -> Way:
    """The second of LLoVi's rounds: the answer from a summary; without one, from the notes themselves.

    Raises BudgetSpent, ReplyError, TooLong, ModelError.
    """
    return _asked_for("summary", asked, load("answer"), summary=fence(summary) if summary else "none")


def direct(asked: _Asked) -> Way:
    """The way that reads the notes themselves, in the order of time. Raises as `from_summary`."""
    return _asked_for("direct", asked, load("direct"))


def scored(asked: _Asked) -> Scored:
    """A score for each option, with the note that speaks for it; asked for in a shuffled order, drawn by the seed."""
    context, options = asked.context, asked.context.options
    places = list(range(len(options)))
    drawn_by = f"{context.seed}:{context.question.text}".encode("utf-8", "surrogatepass")
    random.Random(drawn_by).shuffle(places)
    prompt, shuffled = load("options"), tuple(options[place] for place in places)
    asked.prompts["options"] = prompt.hash
    letters = ", ".join(letter(n) for n in range(len(options)))

    def by_place(reply: ScoresReply) -> dict[int, Score]:
        read = {score.letter.strip().strip("().").upper(): score for score in reply.scores}
        return {place: read[letter(n)] for n, place in enumerate(places) if letter(n) in read}

    def wrong(reply: ScoresReply) -> list[str]:
        found = by_place(reply)
        lacking = [] if found else ["no letter of an answer is among the scores"]
        unknown = [
            score.note for score in found.values() if score.note is not None and score.note not in asked.numbered
        ]
        return lacking + [f"there is no note {n}" for n in unknown]

    def ask() -> Parsed[ScoresReply]:
        filled = _filled(asked, prompt, options=options_block(shuffled), letters=letters)
        return ask_for(asked.chat, context.ledger, filled, ScoresReply, wrong)

    found = by_place(_fitting(asked, ask).value)
    if not found:
        raise ReplyError("the chat model scored no option")
    # What it leaves out no note speaks for.
    scores = tuple(found[n].support if n in found else UNSUPPORTED for n in range(len(options)))
    notes = (found[n].note if n in found else None for n in range(len(options)))
    return Scored(scores, tuple(note if note in asked.numbered else None for note in notes))


def _by_scores(asked: _Asked, scored_so: Scored) -> list[Way]:
    """The option that is scored best, with the note that speaks for it, where one is and no way said so before."""
    scores = scored_so.scores
    best = [n for n, score in enumerate(scores) if score == max(scores)]
    if len(best) != 1:
        return []
    note = scored_so.notes[best[0]]
    cited = (asked.numbered[note].note.id,) if note is not None else ()
    claims = (Claim(asked.context.options[best[0]], cited),) if cited else ()
    return [Way("options", claims, best[0], scores[best[0]], ())]


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


def _fitting(asked: _Asked, ask: Callable[[], T]) -> T:
    """What comes of asking about notes that the model can read: half as many, and so on, where they are too many.

    Raises TooLong where it cannot even read a few, and what `ask` raises.
    """
    while True:
        try:
            return ask()
        except TooLong:
            if len(asked.numbered) <= _FEWEST_NOTES:
                raise
            kept = sorted(asked.numbered, key=lambda n: _worth(asked, asked.numbered[n]))[len(asked.numbered) // 2 :]
            asked.numbered = {n: item for n, item in asked.numbered.items() if n in kept}


def _worth(asked: _Asked, item: Item) -> tuple[bool, float]:
    return item.note.id in asked.held or item.note.source == "seen", max(item.closeness, *item.options, 0.0)


def _filled(asked: _Asked, prompt: Prompt, **more: str | int) -> Filled:
    """A prompt about the notes, which come first in all of them; with what else it has a hole for."""
    context = asked.context
    known = {
        "notes": fence(lines(asked.numbered)),
        "question": fence(context.question.text),
        "options": options_block(context.options),
        "computed": asked.computed,
        "ids": ids(asked.numbered),
        **more,
    }
    return prompt.fill(**{name: value for name, value in known.items() if name in prompt.holes})


def _asked_for(name: str, asked: _Asked, prompt: Prompt, **more: str) -> Way:
    options = asked.context.options
    asked.prompts[prompt.name] = prompt.hash

    def ask() -> Parsed[AnswerReply]:
        return ask_for(
            asked.chat,
            asked.context.ledger,
            _filled(asked, prompt, **more),
            AnswerReply,
            lambda reply: complaints(reply, asked.numbered, options),
            lambda said: chosen_alone(said, options),
        )

    parsed, numbered = _fitting(asked, ask), asked.numbered
    reply = parsed.value
    choice = read_choice(reply.choice, options)
    if options and choice is None:
        raise ReplyError("the chat model chose none of the options, twice; try another chat model")
    claims, uncited = claims_of(reply, numbered)
    if uncited and not claims:  # what it chose rests on nothing either
        raise ReplyError("no sentence of the chat model's reply cites a note that there is, twice")
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
