"""The first node: a question becomes a plan of what to look for, by the chat model or, without one, by rules.

This module knows the question and its options, and nothing of the archive.
"""

from __future__ import annotations

import re
from typing import Any

from langgraph.runtime import Runtime

from lvqa.agents.baselines.presets import preset
from lvqa.agents.rules.policies import policy
from lvqa.agents.state import Context, Kind, Plan, State
from lvqa.agents.structured import ask_for
from lvqa.agents.temporal_query import query_of
from lvqa.errors import ReplyError
from lvqa.language.words import content, declarative, exact_parts, times, without_times
from lvqa.phrasing import count
from lvqa.prompts import fence, for_prompt, load
from lvqa.temporal.operators import Operator
from lvqa.tools.ledger import BudgetSpent
from lvqa.types import Source, Step

_WORK = (
    r"(?:footage|recording|film|movie|video|show|episode|series|documentary|cartoon|clip|programme|program|trailer"
    r"|animation)"
)
_PATTERNS: tuple[tuple[Kind, str], ...] = (
    (
        "title",
        rf"\b(?:title|titled|entitled)\b|\b{_WORK}(?:'s)?\b.*\b(?:called|named|name)\b"
        rf"|\b(?:called|named|name of)\b.*\b{_WORK}\b",
    ),
    (
        "summary",
        rf"\bsummar(?:y|ies|i[sz]e[sd]?)\b|\boverview\b|\bmain (?:topic|theme|point|idea|event)s?\b|\bgist\b"
        rf"|\bwhat (?:is|are|was|were) (?:the|this|these|those) {_WORK}s? (?:all )?about\b"
        rf"|\bwhat happens (?:in|over|during|throughout) (?:the|this|these|each) (?:whole |entire )?{_WORK}s?\W*$"
        rf"|^\s*what happens\W*$|\bdescribe (?:the|this|these) {_WORK}s?\b"
        rf"|\bwhat do(?:es)? (?:the|this|these) {_WORK}s? show\W*$"
        r"|\b(?:purpose|goal|objective) of the (?:video|c\b)|\boverall\b|\bprimary (?:purpose|goal|objective)\b",
    ),
    (
        "comparison",
        rf"\b(?:which|both|either|each|all) (?:of the )?{_WORK}s\b|\bin common\b|\bcompar\w+\b"
        r"|\bdiffer(?:s|ent|ence|ences)?\b.*\b(?:between|from|videos)\b",
    ),
    ("count", r"\bhow\s+(?:many|often)\b(?!\s+(?:seconds|minutes|hours)\b)|\bnumber\s+of\b"),
    ("duration", r"\bhow\s+(?:long|many\s+(?:seconds|minutes|hours))\b|\bduration\b|\bfor how much time\b"),
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
    ("cause", r"^\s*why\b|\bwhat (?:caused?|causes|made|makes)\b|\b(?:the )?(?:cause|reason) (?:of|for|why)\b"),
    ("order", r"\b(?:in )?(?:what|which|the right|the correct) order\b|\bsequence of\b|^\s*(?:put|order|sort) these\b"),
    ("before_after", r"\b(?:before|after|earlier than|later than)\b"),
    ("order", r"\b(?:first|last|finally|then|next|earlier|later|beginning|end)\b"),
    ("place", r"^\s*(?:where|in which (?:room|place|city|part)|at which place)\b"),
    ("how", r"^\s*how\b"),
    (
        "action",
        r"\bwhat\b.*\b(?:do|does|did|doing|done)\b|\bwhat (?:happens|happened|is happening|is going on|goes on)\b",
    ),
    ("existence", r"^\s*(?:is|are|was|were|does|do|did|can|has|have)\b"),
    ("attribute", r"^\s*(?:what|which|who|whose)\b"),
)
_RULES: tuple[tuple[Kind, re.Pattern[str]], ...] = tuple(
    (kind, re.compile(pattern, re.IGNORECASE)) for kind, pattern in _PATTERNS
)
_SPLIT = re.compile(r"\s*,?\s+\b(?:before|after|while|when|until|as soon as|just as|during)\b\s+", re.IGNORECASE)

_LISTED = re.compile(r"\s*[,;]\s*(?:(?:and|or)\s+)?|\s+(?:and|or)\s+")
_MOST_TARGETS, _MOST_EVENTS = 16, 8
_SIDES = re.compile(r"\s*,?\s+(?:(?:before|after|earlier|later|than)\b[\s,]*(?:or\b\s*)?)+", re.IGNORECASE)
_WHETHER = re.compile(
    r"^\s*(?:is|are|was|were|does|do|did|has|have)\b|\b(?:before|earlier) or (?:after|later)\b", re.IGNORECASE
)
_AUXILIARY = re.compile(r"^(?:do|does|did|is|are|was|were|can|has|have)\s+(?:there\s+)?", re.IGNORECASE)
_EXTREME = re.compile(r"\b(first|last)\b", re.IGNORECASE)
_OFTEN = re.compile(r"\bhow\s+often\b|\btimes\b", re.IGNORECASE)
_TOGETHER = re.compile(r"\s*\b(?:at the same time as|together with|simultaneously with)\b\s*", re.IGNORECASE)

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
    how = preset(context.agent)
    if context.models.chat is not None and how.plans:
        try:
            reply = ask_for(context.models.chat, context.ledger, plan_prompt(context), Plan)
            made, by = joined(reply.value, rules, bool(context.options)), f"chat {load('plan').hash}"
        except BudgetSpent as spent:
            note = f"; {spent.reason}"
        except ReplyError:
            note = "; the chat model's plan did not parse, twice"
    program = query_of(context) is not None
    summary = (
        f"a question of kind {made.kind}, {count(len(made.phrases), 'search phrase')}, by {by.split()[0]}{note}"
        + ("; a program over time" if program else "")
    )
    data = {**made.model_dump(mode="json"), "by": by, "unparsed": note.endswith("twice")}
    surveys = how.gather != "recall"
    return {
        "plan": made,
        "by_program": program,
        "surveys": surveys,
        "round": 0,
        "missing": [],
        "steps": [Step("plan", summary, data)],
    }


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
        targets=tuple(exact_parts(question) or content(described)[:6])[:_MOST_TARGETS],
        phrases=tuple(_unlike(phrases))[:12] or (question.strip(),),
        between=(named.start_s, named.end_s) if named is not None else None,
        events=tuple(_events(kind, asked, described, options))[:_MOST_EVENTS],
        compute=_operator(kind, asked),
    )


def _operator(kind: Kind, asked: str) -> Operator | None:
    if kind == "order" and (which := _EXTREME.search(asked)):
        return "last" if which[1].lower() == "last" else "first"
    if _TOGETHER.search(asked):
        return "overlap"
    if kind == "count" and not _OFTEN.search(asked):
        return None  # how many things there are is nothing that happens again
    if kind == "before_after" and not _WHETHER.search(asked):
        return None  # "what does he do after that?" asks for something, not for an order
    return policy(kind).operator


def _events(kind: Kind, asked: str, described: str, options: tuple[str, ...]) -> list[str]:
    """What an operator works on, by the words of the question: the parts that it orders or compares, or all of it."""
    described = _AUXILIARY.sub("", described)
    if kind in ("count", "duration", "when"):
        return [described]
    if _TOGETHER.search(asked):
        return [part for part in _TOGETHER.split(described) if content(part)]
    if kind == "before_after":
        return [part for part in _SIDES.split(described) if content(part)][:2] if _WHETHER.search(asked) else []
    if kind == "order":
        listed = asked.rsplit(":", 1)[-1] if ":" in asked else ""
        parts = [part.strip(" ?.") for part in _LISTED.split(listed) if part.strip(" ?.")]
        return parts[:8] if len(parts) > 1 else list(options)[:8] if _EXTREME.search(asked) else []
    return []


def kind_of(question: str) -> Kind:
    """What kind of question it is, by the words in it."""
    for kind, pattern in _RULES:
        if pattern.search(question):
            return kind
    return "other"


def joined(made: Plan, rules: Plan, with_options: bool) -> Plan:
    """The model's plan, with the question itself searched too, and what no model has to find: options and times."""
    phrases = [rules.phrases[0], *made.phrases, *(rules.phrases[1:] if with_options or not made.phrases else ())]
    events = made.events or rules.events
    return made.model_copy(
        update={
            "phrases": tuple(_unlike(phrases))[:12],
            "between": made.between or rules.between,
            "named": bool(made.targets),
            "events": events,
            "compute": (made.compute or policy(made.kind).operator) if events else None,
        }
    )


def options_block(options: tuple[str, ...]) -> str:
    """Options as lettered lines, fenced; `none` where there are none."""
    if not options:
        return "none"
    return fence("\n".join(f"{letter(n)}. {for_prompt(option)}" for n, option in enumerate(options)))


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
