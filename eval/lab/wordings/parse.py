"""From the words of a question to a small program over time: what is asked, of which things, in which videos, when.

By English rules. The words of things come from the question alone: a noun phrase is what stands between an article and
the next verb, preposition or mark. A question that no rule reads is None, and answered by other ways. This module knows
no notes, no frames and no model.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from lvqa.language.times import clock_s, times
from lvqa.language.video_names import file_forms
from lvqa.temporal.query import Both, Change, Operation, Side, TemporalQuery
from lvqa.types import Span

_CLOCK = r"\d{1,2}(?::\d{2}){1,2}(?:\.\d+)?"
_AT = re.compile(rf"\b(?:at|around|about)\s+(?:about\s+)?({_CLOCK})(?![\w:])")
_RANGE = re.compile(rf"\b(?:between|from)\s+{_CLOCK}\s+(?:and|to|until|till)\s+{_CLOCK}(?![\w:])")
_WITHIN = re.compile(r"\b(?:in|during|within)\s+the\s+first\s+\d+\s*(?:s|sec|seconds?|min|minutes?)\b")
_MARK = "§"
_NAMED = re.compile(rf"\b(?:in|of|from|within|during|throughout|by)\s+(?:the\s+video\s+)?{_MARK}\d+|{_MARK}\d+")
_ASPECT = re.compile(r"\b(?:what|which)\s+(colou?r|shape|size|material|pattern|kind|type|form)\b")
_TURNS = re.compile(r"\b(?:turns?|becomes?|goes)\s+(?!into\b|to\b|for\b|away\b)([a-z]+)\b")
_WRITTEN = re.compile(r"\b(?:say|says|said|written|read|reads|printed)\b")
_BEARS_TEXT = re.compile(r"\b(sign|label|poster|banner|plate|board|notice|placard|screen|display|page|card)\b")
_CHANGES: tuple[tuple[Change, re.Pattern[str]], ...] = (
    ("recolour", re.compile(r"\b(?:turns?|becomes?|chang\w+ (?:its |their |the )?colou?r|takes?)\b")),
    ("vanish", re.compile(r"\b(?:gone|vanish\w*|disappear\w*|away|missing|absent)\b")),
    ("move", re.compile(r"\b(?:mov(?:e|es|ed|ing)|slid\w*|another place|chang\w+ (?:its |their )?place|end up)\b")),
)
_ARTICLES = frozenset(("a", "an", "the", "any", "some"))
# What ends a noun phrase: verbs of a question's form, prepositions, conjunctions, adverbs.
_END_WORDS = """
    is are was were be been being do does did has have had can could will would may might should
    appear appears appeared appearing show shows shown showed see seen sees come comes came go goes going gone
    vanish vanishes vanished disappear disappears disappeared move moves moved slide slides slid change changes changed
    turn turns turned become becomes became take takes took stay stays stayed stand stands stood begin begins start
    starts end ends last lasts happen happens occur occurs leave leaves left-behind arrive arrives
    say says said read reads written printed shows displays bears carry carries
    visible present there here ever never not also again away up out off over twice once
    in on at of by to into from for with without while when where before after until during within between and or but
    as than that which who whose whom what how its it their they this these those flags signs aside
"""
_ENDS = frozenset(_END_WORDS.split())
# Heads of noun phrases that name the question's own form.
_FORM_WORDS = """
    frame picture image video videos film clip footage moment time times order sequence place part two three both
    first last one ones second seconds minute minutes end beginning start same following colour color shape size
    option options thing screen whole
"""
_FORM = frozenset(_FORM_WORDS.split())
_TOKEN = re.compile(r"[a-z0-9§]+(?:['’-][a-z0-9]+)*|[^\sa-z0-9]")
_COUNTED = re.compile(
    r"\bhow many\s+((?:[a-z]+\s+){0,3}?[a-z]+)\s+(?=(?:are|is|were|was|can|could|do|does|did|appear|stand)\b)"
)


def parse(question: str, options: Sequence[str] = (), videos: Sequence[str] = ()) -> TemporalQuery | None:
    """Read a question; None where it is not understood.

    Args:
        question: in English.
        options: the answers to choose from, if any.
        videos: the paths of the archive's videos, by which a question may name them, with or without folder and ending.

    Returns:
        The query; its `videos` are from those given.
    """
    text, named = _without_videos(" ".join(question.lower().replace("’", "'").split()), videos)
    at = _time(text)
    text = _WITHIN.sub(" ", _AT.sub(" ", _RANGE.sub(" ", text)))
    bare = " ".join(_NAMED.sub(" ", text).split())
    among = (
        bool(options) and re.search(r"\bwhich of (?:these|the following)\b|\bwhich one of these\b", bare) is not None
    )
    op = _operation(text, bare, among, len(named))
    if op is None:
        return None
    changes: list[Change] = [name for name, pattern in _CHANGES if pattern.search(bare)]
    change: Change = changes[0] if changes else "appear"
    aspect = _ASPECT.search(bare)
    query = TemporalQuery(
        op,
        _targets(bare, op),
        named,
        at,
        change=change,
        aspect=aspect[1].replace("color", "colour") if aspect and op == "attribute" else "",
        to=found[1] if (found := _TURNS.search(bare)) and change == "recolour" else "",
        side=_side(bare, op),
        both=_both(text, among) if op == "across" else "",
        among=among,
        negated=re.search(r"\b(?:never|not|n't|missing)\b", bare) is not None,
    )
    return query if _is_whole(query) else None


def noun_phrases(text: str) -> list[str]:
    """The noun phrases of a lower-case text that begin with an article, without it, each once."""
    found: list[str] = []
    phrase: list[str] | None = None
    for token in [*_TOKEN.findall(text), "."]:
        ends = token in _ENDS or token in _ARTICLES or not token[0].isalnum()
        if phrase is not None and ends:
            if phrase and phrase[-1] not in _FORM and phrase[-1] not in found:
                found.append(" ".join(phrase))
            phrase = None
        if phrase is not None:
            phrase.append(token)
        elif token in _ARTICLES:
            phrase = []
    return list(dict.fromkeys(found))


def _without_videos(text: str, videos: Sequence[str]) -> tuple[str, tuple[str, ...]]:
    """The text with a mark for each video that it names, and their paths in the order of mention."""
    spelled = [(form, path) for path in videos for form in file_forms(path.lower())]
    at: dict[str, int] = {}
    for form, path in sorted(spelled, key=lambda pair: -len(pair[0])):
        pattern = re.compile(rf"(?<![\w./-]){re.escape(form)}(?![\w-])")
        if match := pattern.search(text):
            at[path] = min(at.get(path, len(text)), match.start())
            number = videos.index(path)
            # As long as the name, so that the places of what follows stay.
            text = pattern.sub(lambda m, n=number: f"{_MARK}{n}".ljust(len(m[0])), text)  # type: ignore[misc]
    return " ".join(text.split()), tuple(sorted(at, key=lambda path: at[path]))


def _time(text: str) -> Span | None:
    if (match := _AT.search(text)) and not _RANGE.search(text):
        at_s = clock_s(match[1])
        return Span(at_s, at_s + 1.0) if at_s is not None else None
    return times(text)


def _operation(text: str, bare: str, among: bool, n_videos: int) -> Operation | None:
    def has(pattern: str) -> bool:
        return re.search(pattern, bare) is not None

    if n_videos > 1 or has(r"\bwhich (?:of the )?videos?\b|\bboth videos\b"):
        return "across"
    if _BEARS_TEXT.search(bare) and _WRITTEN.search(bare):
        return "sign"
    if has(r"\b(?:in|the|what|which|right|correct) order\b|\bsequence\b|^put these\b"):
        return "order"
    if has(r"\b(?:appear|come|seen|show|shown|visible)s?\b.*\b(?:first|last)\b|\b(?:first|last)\b.*\b(?:appear|seen)"):
        return "first_last"
    if (has(r"\bbefore\b") and has(r"\bafter\b")) or (among and has(r"\b(?:before|after|earlier than|later than)\b")):
        return "before_after"
    if has(r"\bhow long\b|\bhow many (?:seconds|minutes)\b|\bduration\b"):
        return "duration"
    if has(r"\bhow often\b|\bhow many times\b|\bnumber of times\b"):
        return "count_events"
    if has(r"\bhow many\b|\bnumber of\b"):
        return "count_objects"
    if has(r"\bwhere\b|\b(?:which|what) (?:place|part|position|corner|side|spot)\b"):
        return "place"
    if _ASPECT.search(bare):
        return "attribute"
    if has(r"^when\b|\bat (?:what|which) (?:time|moment|point|second)\b|\bwhat time\b|[,.] when\b"):
        return "when"
    if among and has(r"\b(?:seen|appears?|shown|visible|there|in)\b"):
        return "existence"
    return "existence" if has(r"^(?:is|are|was|were|does|do|did|can|could|has|have)\b") else None


def _targets(bare: str, op: Operation) -> tuple[str, ...]:
    if op == "count_objects":
        found = _COUNTED.search(bare)
        return (found[1],) if found else ()
    phrases = noun_phrases(bare)
    if op == "sign":
        surface = _BEARS_TEXT.search(bare)
        name = surface[1] if surface else "sign"
        return (name, *(phrase for phrase in phrases if name not in phrase.split()))
    return tuple(phrases)


def _side(bare: str, op: Operation) -> Side:
    if op == "first_last":
        return "last" if re.search(r"\blast\b", bare) else "first"
    if op == "before_after":
        return "after" if re.search(r"\bafter\b|\blater than\b", bare) and "before" not in bare else "before"
    return ""


def _both(text: str, among: bool) -> Both:
    if re.search(r"\b(?:not|n't|never)\b.*\bboth\b|\bmissing from\b", text):
        return "not both"
    if re.search(r"\bboth\b|\bas well as\b", text):
        return "both"
    return "only" if among else "which"


def _is_whole(query: TemporalQuery) -> bool:
    """Whether the query has the targets that its operation takes."""
    n = len(query.targets)
    least, most = {
        "before_after": (2, 2),
        "first_last": (2, 8),
        "order": (2, 8),
        "sign": (1, 2),
        "count_objects": (1, 1),
    }.get(query.op, (1, 1))
    if query.among:
        least, most = {"before_after": (1, 1)}.get(query.op, (0, 0))
    return least <= n <= most
