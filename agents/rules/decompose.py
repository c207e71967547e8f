"""A question taken apart by its words alone: the event it hangs on, the one whom a relative clause names, and the rest.

Precision before recall: where the words leave a doubt there is no split, and the question is asked as it stands.
English only. Knows the question and, for where its rest is looked for, the answers to its parts; asks no model.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from lvqa.agents.state import SubAnswer, SubQuestion
from lvqa.language import (
    ARTICLES,
    STOP_WORDS,
    WORD,
    Order,
    Phrase,
    content,
    is_verb,
    noun_phrases,
    relation_of,
    stem,
    words_of,
)
from lvqa.language.times import times
from lvqa.types import Answer, Question, Span, format_time


@dataclass(frozen=True, slots=True)
class SplitRules:
    """The numbers of a split, set by hand.

    `least` is the confidence of a sub-answer from which it says where to look: `reach_s` behind or before an event,
    `around_s` beside one (twice and once the length of recall's prior). `words` is how long an event may be described.
    """

    least: float = 0.5
    reach_s: float = 20.0
    around_s: float = 10.0
    words: int = 12


@dataclass(frozen=True, slots=True)
class Split:
    """A question's parts: first the one whom a relative clause names, if any, then the event, if any; and the rest.

    `order` is the side of the event on which the rest is asked, None without one. `nth` counts the event's happenings
    from 1, and is 0 where the question names none of several.
    """

    sub_questions: tuple[SubQuestion, ...]
    rest: str
    order: Order | None = None
    nth: int = 0


RULES = SplitRules()
_ASKS = r"(?:what|who|whom|where|which(?:\s+\w+){1,2})"
_SOON = r"(?:right|just|shortly|soon|immediately|directly)"
_SCENE = r"(?:in|during)\s+the\s+(?:scene|shot|part|sequence|moment)\s+(?:where|when|in\s+which)"
# What a sentence is asked for that names a thing; "what does she do?" is answered by all of it.
_THING = re.compile(
    r"^(?:(?:about|at|by|for|from|in|of|on|to|with)\s+)?(?:who|whom|what|which(?:\s+(?P<noun>\w+))?)\b", re.IGNORECASE
)
_DOES = re.compile(
    r"\b(?:do|doing|done|happens?|happened|happening|(?:what|which)\s+(?:time|date|day|month|year))\b", re.IGNORECASE
)
_NO_THINGS = STOP_WORDS | ARTICLES | frozenset(words_of("down away back near inside outside together onto across"))
_SENTENCE = re.compile(r"(?<=[.!?;])\s+|\n+|(?<=^\w):\s+")
_BRACKETS = re.compile(r"\s*\([^()]*\)")
_WHEN = re.compile(r"^(?:when|(?:at|around)\s+(?:what|which)\s+(?:time|moment|minute))\b", re.IGNORECASE)
_MOMENT = re.compile(r"\b(?:at|around|during|after|before|since|until)\s+$", re.IGNORECASE)
_CLOCK = re.compile(r"\d:\d\d")
_NTH = {"second": 2, "2nd": 2, "third": 3, "3rd": 3, "fourth": 4, "4th": 4, "fifth": 5, "5th": 5}
_TIME = rf"the\s+(?P<nth>{'|'.join(_NTH)})\s+time(?:\s+(?:that|when))?"
_LINK = rf"(?:(?:{_SOON}\s+)?(?P<order>after|before)|{_SCENE}|(?:on\s+)?{_TIME})"
_BEHIND = re.compile(rf"^(?P<main>{_ASKS}\b.+?)\s*,?\s+{_LINK}\s+(?P<event>.+)$", re.IGNORECASE)
_FRONTED = re.compile(rf"^{_LINK}\s+(?P<event>[^,]+),\s*(?P<main>{_ASKS}\b.+)$", re.IGNORECASE)
# "or" and "and" join what belongs apart; other words of time, quotes and clocks make the rest another question.
_UNSURE = re.compile(
    r"(?i)[\"“”«»;:]|\d|\b(?:or|how|why|while|until|since|between|not|then|again|next|first|last|both|each|every)\b"
)
_LINKS = re.compile(r"\b(?:after|before|when|where|scene|time)\b", re.IGNORECASE)
# "look after", "named after", "what comes after", "stand before": no time is meant.
_IDIOM = re.compile(
    r"(?i)\b(?:(?:look|take|name|call|run|chase|go|come|ask|get|stand|kneel|bow|lie)\w*|took|ran|went|came|got|stood|lay)$"
)
_ENDS_SO = re.compile(r"[^s'’]s$")
_LASTING = frozenset(words_of("second minute hour moment while day week month year time bit beginning start end"))
_BEING, _DOING = frozenset(("is", "are", "was", "were")), frozenset(("do", "does", "did"))
_SOMEBODY = frozenset(words_of("he she they it someone somebody everyone"))
_BEGINS = (ARTICLES | {"his", "her", "its", "their"}) - {"this", "that", "these", "those"}
_NAMED = r"the\s+(?P<who>(?:\w+\s+){0,2}?\w+)\s+(?:who|that)\s+(?P<clause>\w+.*?)"
_WHOM = (
    rf"^{_ASKS}\s+(?:do|does|did|is|are|was|were)\s+{_NAMED}\s+(?:do|say|hold|wear|carry|eat|drink|go|look)(?:ing)?\b",
    rf"^{_ASKS}\s+.*\b(?:of|by|with|to|from)\s+{_NAMED}$",
)
# Clauses that tell how somebody looks, not what happened.
_LOOKS = _BEING | frozenset(words_of("has have had wears wear wore looks seems can could will would"))


def split(question: str, rules: SplitRules = RULES) -> Split | None:
    """The parts of a question; None where its words do not show them safely."""
    text = " ".join(question.split()).rstrip("?!. ")
    if times(question) is not None or _UNSURE.search(text):
        return None
    found = _FRONTED.match(text) or _BEHIND.match(text)
    main, event = (found["main"].strip(" ,"), found["event"].strip(" ,")) if found is not None else (text, "")
    if _LINKS.search(main, len("where")) or _LINKS.search(event):
        return None
    whom = _whom(main)
    if found is None:
        return Split(whom, f"{text}?") if whom else None
    word, asked = (found["order"] or "").lower(), _when(event, found["nth"] is not None)
    clause = not asked.startswith("When is the")
    idiom = word and _IDIOM.search(main) and not (clause and main.lower().startswith("where"))
    safe = "," not in event and len(event.split()) <= rules.words and not idiom
    if not asked or not safe or not _is_whole(main, clause) or not (word or clause):
        return None
    order: Order = "after" if word == "after" else "before" if word == "before" else "while"
    nth = _NTH[found["nth"].lower()] if found["nth"] else 0
    return Split((*whom, SubQuestion(text=asked)), f"{main[0].upper()}{main[1:]}?", order, nth)


def narrowed(parts: Split, subs: Sequence[SubAnswer], asked: Question, rules: SplitRules = RULES) -> Question | None:
    """The rest of a question, where it is to be found; None where sub-answers do not say so surely, or contradict."""
    sure = {sub.place: sub.answer for sub in subs if not sub.answer.abstained and sub.answer.confidence >= rules.least}
    first, last = sure.get(0), sure.get(len(parts.sub_questions) - 1)
    if last is None:
        return None
    found = [(row.video, row.span) for one in last.computed for row in one.rows] if parts.nth else []
    found = sorted(found) if parts.nth else [(one.video, one.span) for one in last.evidence[:1]]
    apart = {video for video, _ in found} | {one.video for one in (first.evidence[:1] if first is not None else ())}
    if len(found) < max(1, parts.nth) or len(apart) > 1:
        return None  # no one order of several videos
    video, span = found[max(0, parts.nth - 1)]
    if parts.order is None:
        return replace(asked, text=parts.rest, scope=replace(asked.scope, videos=(video,)))
    away_s = rules.around_s if parts.order == "while" else rules.reach_s
    start_s = span.end_s if parts.order == "after" else max(0.0, span.start_s - away_s)
    end_s = span.start_s if parts.order == "before" else span.end_s + away_s
    between = Span(start_s, end_s).intersection(asked.scope.between or Span(0, end_s)) if start_s < end_s else None
    scope = replace(asked.scope, videos=(video,), between=between)
    return replace(asked, text=parts.rest, scope=scope) if between is not None else None


def named_thing(asked: str, said: str) -> str:
    """The thing that an answer in a sentence names, to stand in another question; the sentence where that is not clear.

    What stands in brackets behind an answer is left out. It is asked for by who, what or which; of the sentence that
    shares most with the question it is what the question did not say: the words with the noun behind "which", else
    those nearest to the question's.
    """
    said = _BRACKETS.sub("", said).strip() or said
    if len(words_of(said)) <= 3:
        return _inside(said)
    wanted = _THING.match(asked)
    own = set(content(asked))
    who = words_of(asked)[:1] in (["who"], ["whom"])
    noun = stem(wanted["noun"].lower()) if wanted is not None and wanted["noun"] else ""
    sentences = [part for part in _SENTENCE.split(said) if part.strip()]
    if wanted is None or _DOES.search(asked) or not sentences:
        return said
    best = max(reversed(sentences), key=lambda part: len(own.intersection(content(part))))
    tokens = list(WORD.finditer(best))
    stems = [stem(token[0].lower()) for token in tokens]
    shared = [n for n, one in enumerate(stems) if one in own and one != noun]
    phrases = noun_phrases(best)
    runs: list[list[int]] = []
    for n, token in enumerate(tokens):
        plain = not _within(phrases, token) and not token[0][:1].isupper() and is_verb(token[0].lower())
        if stems[n] in own - {noun} or token[0].lower() in _NO_THINGS or plain:
            continue
        near = runs and runs[-1][-1] == n - 1 and not best[tokens[n - 1].end() : token.start()].strip(" ,")
        runs[-1].append(n) if near else runs.append([n])
    # "A young", of "a young girl" who was asked about, is no thing.
    cut = {n for phrase in phrases for n in shared if phrase.start < tokens[n].start() < phrase.end}
    runs = [run for run in runs if run[-1] + 1 not in cut or any(stems[n] == noun for n in run)]
    if not runs or not shared:
        return said

    def rank(run: list[int]) -> tuple[bool, bool, bool, bool, int]:
        held = [stems[n] for n in run]
        somebody = any(_within([one for one in phrases if one.person], tokens[n]) for n in run)
        name = any(tokens[n][0][1:] != tokens[n][0][1:].lower() or (n and tokens[n][0][0].isupper()) for n in run)
        alone = held == [noun]
        return (
            who and not somebody,
            noun not in held or alone,
            not name,
            not alone,
            min(abs(n - k) for n in run for k in shared),
        )

    run = min(runs, key=rank)
    begin = run[0] - (run[0] > 0 and tokens[run[0] - 1][0].lower() in ARTICLES)
    return _inside(best[tokens[begin].start() : tokens[run[-1]].end()])


def moment(asked: str, answer: Answer, before: str) -> str:
    """When something was, to stand behind "at" or "during": where it was seen or said; "" where that is not asked for.

    `before` is what stands before the place in the question. An answer that names a clock time itself goes as it is.
    """
    wanted = _WHEN.match(asked) and _MOMENT.search(before) and not _CLOCK.search(answer.text)
    if not wanted or not answer.evidence:
        return ""
    span = answer.evidence[0].span
    return f"{format_time(span.start_s)}-{format_time(span.end_s)}"


def _inside(said: str) -> str:
    """As it stands inside a sentence: an article at its beginning is small."""
    return f"{said[0].lower()}{said[1:]}" if words_of(said)[:1] and words_of(said)[0] in ARTICLES else said


def _within(phrases: Sequence[Phrase], word: re.Match[str]) -> bool:
    return any(phrase.start <= word.start() < phrase.end for phrase in phrases)


def _when(event: str, counted: bool) -> str:
    """The question after an event: a clause, what somebody does, a thing with its article; "" for anything else."""
    words = words_of(event)
    if not words or _LASTING & {word.removesuffix("s") for word in words} or relation_of(event)[1].position is not None:
        return ""
    opening, first = "How many times is it" if counted else "When is it", words[0]
    # "The bell rings": what ends so behind a noun is taken for a verb here; a wrong "that" does no harm.
    acts = any(_acts(words, n) or (n > 1 and _ENDS_SO.search(words[n])) for n in range(1, len(words)))
    if first.endswith("ing") and len(first) > 4 and len(words) > 1:
        return f"{opening} that someone is {event}?"
    if acts and ((first in _SOMEBODY and content(" ".join(words[1:]))) or (first in _BEGINS and len(words) > 1)):
        return f"{opening} that {event}?"
    return f"When is {event}?" if first == "the" and len(words) > 1 and not counted else ""


def _acts(words: Sequence[str], n: int) -> bool:
    """Whether a word is the verb of its clause, and no noun behind an article."""
    return words[n] in _BEING or (is_verb(words[n]) and words[n - 1] not in _BEGINS)


def _is_whole(main: str, clause: bool) -> bool:
    """Whether a question stands by itself: "What does the sign", of "... before the bridge say", does not."""
    words = words_of(main)
    at = next((n for n, word in enumerate(words) if n and word in _BEING | _DOING), None)
    if at == 1 or (at is not None and words[0] == "which"):
        rest = range(at + 1, len(words))
        if words[at] in _DOING:
            return any(words[n] == "do" or _acts(words, n) for n in rest if n > at + 1)
        doing = any(words[n].endswith("ing") and _acts(words, n) for n in rest)
        return doing or (clause and words[0] == "where" and len(words) > 2)
    verb = words[2:3] if words[0] == "which" else words[1:2]
    return words[0] in ("who", "what", "which") and any(map(is_verb, verb))


def _whom(main: str) -> tuple[SubQuestion, ...]:
    """The question after the one whom a relative clause names by what happened, if there is one."""
    found = next((match for pattern in _WHOM if (match := re.match(pattern, main, re.IGNORECASE))), None)
    verb = words_of(found["clause"])[0] if found is not None else ""
    if found is None or not is_verb(verb) or verb.endswith("ing") or verb in _LOOKS:
        return ()
    return (SubQuestion(text=f"Which {found['who']} {found['clause']}?"),)
