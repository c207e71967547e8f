"""The first node: a question becomes a plan of what to look for, by the chat model or, without one, by rules.

This module knows the question and its options, and nothing of the archive.
"""

from __future__ import annotations

import re
from typing import Any

from langgraph.runtime import Runtime

from lvqa.agents.budget import BudgetSpent
from lvqa.agents.state import Context, Kind, Plan, State
from lvqa.agents.structured import ask_for
from lvqa.agents.timeline.query import query_of
from lvqa.agents.words import content, declarative, exact_parts, times, without_times
from lvqa.errors import ReplyError
from lvqa.prompts import fence, load, one_line
from lvqa.types import Source, Step

_WORK = r"(?:film|movie|video|show|episode|series|documentary|cartoon|clip|programme|program|trailer|animation)"
_PATTERNS: tuple[tuple[Kind, str], ...] = (
    (
        "title",
        rf"\b(?:title|titled|entitled)\b|\b{_WORK}(?:'s)?\b.*\b(?:called|named|name)\b"
        rf"|\b(?:called|named|name of)\b.*\b{_WORK}\b",
    ),
    ("count", r"\bhow\s+(?:many|often)\b|\bnumber\s+of\b"),
    ("when", r"^\s*(?:when|at\s+(?:what|which)\s+(?:time|point|moment|second|minute)|what\s+time(?!\s*-?code))\b"),
    (
        "text",
        r"\b(?:sign|label|logo|poster|banner|subtitle|headline|caption|inscription|slide|time\s*-?code|text)s?\b"
        r"|\b(?:written|printed|displayed)\b|\breads?\b|\bsays?\s+on\b|\bon(?:\s|-)(?:the\s+)?screen\b"
        r"|\bwhat\s+words?\b",
    ),
    (
        "speech",
        r"\b(?:say|says|said|saying|talk|talks|talked|talking|speak|speaks|spoke|speaking|mention|mentions|mentioned"
        r"|tell|tells|told|explain|explains|explained|discuss|discusses|discussed|announce|announces|announced"
        r"|narrator|quote|ask|asks|asked)\b",
    ),
    ("order", r"\b(?:before|after|first|last|finally|then|next|earlier|later|beginning|end)\b"),
    ("why", r"^\s*why\b"),
    ("how", r"^\s*how\b"),
    ("existence", r"^\s*(?:is|are|was|were|does|do|did|can|has|have)\b"),
    ("attribute", r"^\s*(?:what|which|who|whose|where)\b"),
)
_RULES: tuple[tuple[Kind, re.Pattern[str]], ...] = tuple(
    (kind, re.compile(pattern, re.IGNORECASE)) for kind, pattern in _PATTERNS
)
_SPLIT = re.compile(r"\s*,?\s+\b(?:before|after|while|when|until|as soon as|just as|during)\b\s+", re.IGNORECASE)

# Where the answer to a kind of question stands, if there is such a note.
PREFERRED: dict[str, frozenset[Source]] = {
    "title": frozenset({"screen"}),
    "text": frozenset({"screen"}),
    "speech": frozenset({"speech"}),
}


def plan(state: State, runtime: Runtime[Context]) -> dict[str, Any]:
    """Plan with the chat model; by rules where there is none, its budget is spent, or its replies do not parse."""
    context = runtime.context
    rules = by_rules(context.asked, context.options)
    made, by, note = rules, "rules", ""
    if context.models.chat is not None:
        try:
            reply = ask_for(context.models.chat, context.ledger, plan_prompt(context), Plan)
            made, by = joined(reply.value, rules, bool(context.options)), f"chat {load('plan').hash}"
        except BudgetSpent as spent:
            note = f"; {spent.reason}"
        except ReplyError:
            note = "; the chat model's plan did not parse, twice"
    program = query_of(context) is not None
    summary = f"a question of kind {made.kind}, {len(made.phrases)} search phrases, by {by.split()[0]}{note}" + (
        "; a program over time" if program else ""
    )
    data = {**made.model_dump(mode="json"), "by": by, "unparsed": note.endswith("twice")}
    return {"plan": made, "by_program": program, "round": 0, "missing": [], "steps": [Step("plan", summary, data)]}


def plan_prompt(context: Context) -> str:
    """What the chat model is asked for a plan."""
    return load("plan").fill(question=fence(context.question), options=options_block(context.options))


def by_rules(question: str, options: tuple[str, ...] = ()) -> Plan:
    """A plan from the words of the question alone."""
    kind = kind_of(question)
    asked = without_times(question)
    described = declarative(asked)
    parts = _SPLIT.split(described)
    phrases = [asked, described, *(part for part in parts if len(parts) > 1 and len(content(part)) > 1)]
    if kind == "title":
        phrases.append("the title of the film")
    phrases += option_phrases(question, options)
    named = times(question)
    return Plan(
        kind=kind,
        targets=tuple(exact_parts(question) or content(described)[:6]),
        phrases=tuple(_unlike(phrases))[:12],
        between=(named.start_s, named.end_s) if named is not None else None,
    )


def kind_of(question: str) -> Kind:
    """What kind of question it is, by the words in it."""
    for kind, pattern in _RULES:
        if pattern.search(question):
            return kind
    return "other"


def joined(made: Plan, rules: Plan, with_options: bool) -> Plan:
    """The model's plan, with the question itself searched too, and what no model has to find: options and times."""
    phrases = [rules.phrases[0], *made.phrases, *(rules.phrases[1:] if with_options or not made.phrases else ())]
    between, named = made.between or rules.between, bool(made.targets)
    return made.model_copy(update={"phrases": tuple(_unlike(phrases))[:12], "between": between, "named": named})


def options_block(options: tuple[str, ...]) -> str:
    """Options as lettered lines, fenced; `none` where there are none."""
    if not options:
        return "none"
    return fence("\n".join(f"{letter(n)}. {one_line(option)}" for n, option in enumerate(options)))


def option_phrases(question: str, options: tuple[str, ...]) -> list[str]:
    """A search phrase for each option: the question and the option."""
    asked = without_times(question)
    return [f"{asked} {option}" for option in options]


def letter(index: int) -> str:
    """A, B, ... Z, then A1, B1, ... for an option's index."""
    return chr(ord("A") + index % 26) + (str(index // 26) if index >= 26 else "")


def _unlike(phrases: list[str]) -> list[str]:
    """Phrases without those that differ from an earlier one in case and punctuation alone."""
    kept: dict[str, str] = {}
    for phrase in phrases:
        if phrase.strip():
            kept.setdefault(" ".join(phrase.lower().strip("?!. ").split()), phrase.strip())
    return list(kept.values())
