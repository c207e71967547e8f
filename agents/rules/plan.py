"""A plan from the words of the question alone: its kind, what to search for, and what is computed.

Knows the question and its options, and nothing of the archive; asks no model.
"""

from __future__ import annotations

import re

from lvqa.agents.options import option_phrases
from lvqa.agents.rules.decompose import split as split_of
from lvqa.agents.rules.numbers import READING
from lvqa.agents.rules.operations import enough, fits, listed, operation
from lvqa.agents.rules.policies import policy
from lvqa.agents.state import OPTION, Kind, Plan
from lvqa.language.stems import content
from lvqa.language.times import names_time, times, without_times
from lvqa.language.words import declarative, exact_parts
from lvqa.temporal.operators import Operator

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

_OF_WHOLES = ("title", "summary", "comparison")
_AUXILIARY = re.compile(r"^(?:do|does|did|is|are|was|were|can|has|have)\s+(?:there\s+)?", re.IGNORECASE)
_EXTREME = re.compile(r"\b(?:first|last)\b", re.IGNORECASE)
# The kind of a question that asks for an operator, where its words alone tell of a kind that has none.
_KINDS: dict[Operator, Kind] = {
    "count": "count",
    "first": "order",
    "last": "order",
    "order": "order",
    "before_after": "before_after",
    "duration": "duration",
    "overlap": "existence",
}


def by_rules(question: str, options: tuple[str, ...] = ()) -> Plan:
    """A plan from the words of the question alone."""
    kind = kind_of(question)
    asked = without_times(question)
    described = declarative(asked)
    parts = _SPLIT.split(" ".join(described.split()))
    phrases = [asked, described, *(part for part in parts if len(parts) > 1 and len(content(part)) > 1)]
    if kind == "title":
        phrases.append("the title of the film")
    phrases += option_phrases(question, options)
    named = times(question)
    split = split_of(question) if not options else None  # whether a narrower search chooses better is not measured
    made = Plan(
        kind=kind,
        sub_questions=split.sub_questions if split is not None else (),
        targets=tuple(exact_parts(question) or content(described)[: READING.target_words])[: READING.targets],
        phrases=tuple(unlike(phrases))[: READING.phrases] or (question.strip(),),
        between=(named.start_s, named.end_s) if named is not None else None,
        events=_described(kind, asked, described, options)[: READING.events],
    )
    found = operation(asked, options) if kind not in _OF_WHOLES else None
    if found is None:
        return made
    operator, events = found
    kind = kind if operator in policy(kind).operators else _KINDS[operator]
    computed = made.model_copy(update={"kind": kind, "compute": operator, "events": events[: READING.events]})
    computed = checked(computed, question)
    return computed if computed.compute is not None else made


def checked(plan: Plan, question: str) -> Plan:
    """A plan without what its question does not bear out, whoever made it.

    A stretch of time stays only where the question names one; an operator only where the kind of question allows it,
    the words that the question begins with do (which of the options comes before something, any question may ask), and
    as many events are there as it works on.
    """
    operator = plan.compute
    if operator is not None and not (
        operator in policy(plan.kind).operators
        and enough(operator, plan.events)
        and (fits(operator, question) or (operator == "before_after" and OPTION in plan.events))
    ):
        operator = None
    between = plan.between if names_time(question) else None
    return plan.model_copy(update={"compute": operator, "between": between})


def _described(kind: Kind, asked: str, described: str, options: tuple[str, ...]) -> tuple[str, ...]:
    """What is searched for by itself where nothing is computed: the parts of the question, or its options."""
    if kind in ("count", "duration", "when"):
        return (_AUXILIARY.sub("", described),)
    if kind == "order":
        parts = listed(asked.rsplit(":", 1)[-1]) if ":" in asked else []
        return tuple(parts if len(parts) > 1 else options if _EXTREME.search(asked) else ())
    return ()


def kind_of(question: str) -> Kind:
    """What kind of question it is, by the words in it."""
    for kind, pattern in _RULES:
        if pattern.search(question):
            return kind
    return "other"


def unlike(phrases: list[str]) -> list[str]:
    """Phrases without those that differ from an earlier one in case and punctuation alone."""
    kept: dict[str, str] = {}
    for phrase in phrases:
        if phrase.strip():
            kept.setdefault(" ".join(phrase.lower().strip("?!. ").split()), phrase.strip())
    return list(kept.values())
