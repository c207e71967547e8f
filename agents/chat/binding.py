"""Pronouns of a follow-up and what they stand for in the turns before it; a part put in place of its like. By rule.

A pronoun that its own question explains ("what does the woman do when she ...") and one that stands for nothing ("is
it raining", "is there a dog") stay. Knows no videos and no times.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from lvqa.agents.chat.turns import Turn
from lvqa.agents.rules.numbers import READING
from lvqa.language.noun_phrases import WORD, Phrase, noun_phrases, whole_phrase
from lvqa.language.stems import stems
from lvqa.language.times import without_times
from lvqa.language.words import declarative
from lvqa.prompts import for_prompt

_EVENT_CHARACTERS = 120
_PRONOUNS = {
    "he": "he", "him": "he", "his": "he", "himself": "he",
    "she": "she", "her": "she", "hers": "she", "herself": "she",
    "it": "it", "its": "it", "that": "it", "this": "it",
    "they": "they", "them": "they", "their": "they", "those": "they", "these": "they",
}  # fmt: skip
_PRONOUN = re.compile(rf"\b(?:{'|'.join(_PRONOUNS)})\b(?!-)", re.IGNORECASE)
_OWNING = frozenset(("his", "its", "their"))
_CLAUSE = re.compile(r"\b(?:when|while|after|before|and|but|because|as|if|that|until|since|who|which)\b|[,;]", re.I)
_FOR_NOTHING = re.compile(
    r"\b(?:is|was|does|did|will|has)\s+it\s+(?:been\s+)?(?:rain|snow|dark|day|night|sunny|cloudy|windy|hot|cold|late|early"
    r"|possible|true|clear|morning|evening|summer|winter)\w*|\bwhat\s+time\s+(?:is|was)\s+it\b"
    r"|\bit\s+(?:is\s+|was\s+)?(?:rain|snow|dark|night)\w*|\bhow\s+(?:long|late|far|cold|hot)\s+(?:is|was|does|did)\s+it\b"
    r"|\b(?:is|was)\s+it\s+(?:a|an|the)\s+\w+\s+(?:who|that)\b",
    re.IGNORECASE,
)
# "that" and "this" stand alone behind a verb or a preposition, or before one; elsewhere they point or join.
_BEHIND_WORDS = """
    is was are were do does did about with of like than to for at by from on in say says said mean means called
"""
_BEHIND = frozenset(_BEHIND_WORDS.split())
_AHEAD_WORDS = """
    is was are were do does did happen happens happened mean means in on at for from to with before after when
    while called made go goes come comes look looks
"""
_AHEAD = frozenset(_AHEAD_WORDS.split())
_HAPPENS = re.compile(
    r"\b(?:that|this|it)\s+(?:happen\w*|occur\w*|take\s+place)\b|\b(?:do|did|does)\s+(?:that|this)\b", re.I
)
_THERE = re.compile(
    r"(?<!\bis )(?<!\bare )(?<!\bwas )(?<!\bwere )(?<!\bbe )\bthere\b(?!\s+(?:is|are|was|were)\b)", re.I
)
_WHO_THERE = re.compile(r"\bwho(?:\s+else)?\s+(?:is|was|were|are)\s+there\b", re.IGNORECASE)
_PLACE = re.compile(r"\b(in|on|at|inside|near|under|behind|outside|beside)\s+(?=(?:the|a|an)\s)", re.IGNORECASE)
# Questions whose answer is a thing or a person, and not a property of the one that they name.
_ASKS_THING = re.compile(
    r"^(?:what|which|who|whom)\b(?!\s+(?:colou?r|time|kind|sort|type|shape|size|happens|happened|is\s+happening)\b)",
    re.I,
)


_PREPOSITION = re.compile(
    r"^(in|on|at|with|under|behind|near|inside|outside|from|during|after|before|beside|into|to|of|by|for)\s+\S",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Bound:
    """A text with its references bound, and a line on each."""

    text: str
    why: tuple[str, ...] = ()


def bind(text: str, turns: Sequence[Turn]) -> Bound:
    """A text with what its pronouns and "there" stand for, as far as the turns (oldest first) tell."""
    why: list[str] = []
    own = noun_phrases(text)
    pieces: list[str] = []
    at = 0
    given: dict[str, Phrase] = {}
    event = _HAPPENS.search(text)
    barred = [match.span() for match in _FOR_NOTHING.finditer(text)]
    barred += [event.span()] if event else []
    for match in _PRONOUN.finditer(text):
        if any(start <= match.start() < end for start, end in barred) or _is_explained(text, match, own):
            continue
        kind = _PRONOUNS[match.group().lower()]
        # Two different pronouns of one question stand for two different things.
        found = given.get(kind) or _antecedent(kind, turns, [p.words for p in given.values()])
        if found is None:
            why.append(f'"{match.group()}" stands for nothing that was named before')
            continue
        given[kind] = found
        new = found.definite + ("'s" if _is_owner(text, match) else "")
        why.append(f'"{match.group()}" is {found.definite}')
        pieces += [text[at : match.start()], _cased(new, match.group()[0].isupper())]
        at = match.end()
    made = "".join([*pieces, text[at:]])
    if event is not None and (told := event_of(turns[-1])):
        made = f"{made.rstrip('?!. ')} ({told})?"
        why.append(f'"{event.group()}" is the last answer')
    return _with_place(made, turns, why)


def _with_place(text: str, turns: Sequence[Turn], why: list[str]) -> Bound:
    match = _THERE.search(text) if not _WHO_THERE.search(text) else re.search(r"\bthere\b", text, re.IGNORECASE)
    if match is None:
        return Bound(text, tuple(dict.fromkeys(why)))
    place = _place(turns[-1])
    if place:
        text = f"{text[: match.start()]}{place}{text[match.end() :]}"
        why.append(f'"there" is {place}')
    else:
        why.append('"there" is the video of the last answer')
    return Bound(text, tuple(dict.fromkeys(why)))


def _is_explained(text: str, match: re.Match[str], own: Sequence[Phrase]) -> bool:
    """Whether a word that may refer does not: it points at a noun, joins clauses, or is explained before it."""
    word = match.group().lower()
    before = [m.group().lower() for m in WORD.finditer(text[: match.start()])]
    after = [m.group().lower() for m in WORD.finditer(text[match.end() :])]
    if word in ("that", "this", "these", "those"):
        # "who is that man" points at the man of before: it binds by its noun alone.
        alone = not after or after[0] in _AHEAD
        if not alone or (before and before[-1] not in _BEHIND and after):
            return True
    kind = _PRONOUNS[word]
    for phrase in own:
        if phrase.end > match.start() or not _may_be(phrase, kind):
            continue
        if (
            word in _OWNING
            or (word == "her" and _is_owner(text, match))
            or _CLAUSE.search(text[phrase.end : match.start()])
        ):
            return True
        if kind == "they" and phrase.plural and word == "they":
            return True
    return False


def _is_owner(text: str, match: re.Match[str]) -> bool:
    word = match.group().lower()
    if word in _OWNING:
        return True
    if word != "her":
        return False
    after = WORD.match(text[match.end() :].lstrip())
    return after is not None and bool(noun_phrases(f"the {text[match.end() :].strip()}"))


def _may_be(phrase: Phrase, kind: str) -> bool:
    if kind in ("he", "she"):
        return (phrase.person and phrase.gender in ("", kind) and not phrase.plural) or phrase.animal
    if kind == "it":
        return not phrase.person and not phrase.plural
    return phrase.plural


def _antecedent(kind: str, turns: Sequence[Turn], taken: Sequence[tuple[str, ...]]) -> Phrase | None:
    """What a pronoun stands for: the nearest that fits and is not taken, of the last turn first."""
    recent = [p for turn in reversed(turns[-READING.turns :]) for p in _spoken_of(turn) if p.words not in taken]
    fits = [p for p in recent if _may_be(p, kind)]
    if kind in ("he", "she"):
        people = [p for p in fits if p.person]
        told = [p for p in people if p.gender == kind or p.name]
        return next(iter(told or people or fits), None)
    if kind == "they" and not fits:
        fits = [p for p in recent if p.person]
    if kind == "it" and not fits:
        fits = [p for p in recent if not p.person]
    return next(iter(fits), None)


def _spoken_of(turn: Turn) -> Iterator[Phrase]:
    """The phrases of a turn, the likeliest to be spoken of again first."""
    asked = without_times(turn.understood)
    named = noun_phrases(asked)
    if turn.abstained:
        yield from named
        return
    short = whole_phrase(turn.answer) if len(turn.answer.split()) <= READING.answer_words else None
    in_answer = stems(turn.answer)
    told = [p for evidence in turn.evidence[:1] for p in noun_phrases(for_prompt(evidence.text))]
    told.sort(key=lambda p: not stems(p.words[-1]) <= in_answer)
    if not turn.evidence or turn.options:
        told = noun_phrases(turn.answer) + told
    known = stems(asked)
    new = [p for p in told if not stems(p.words[-1]) & known]
    if _ASKS_THING.match(asked):
        if short is not None:
            yield short
        yield from new
        yield from named
    else:
        yield from named
        yield from new
    yield from told


def event_of(turn: Turn) -> str:
    """What happened, as the last answer tells it."""
    if turn.abstained or not turn.evidence:
        return for_prompt(declarative(without_times(turn.understood)), _EVENT_CHARACTERS)
    return for_prompt(turn.evidence[0].text, _EVENT_CHARACTERS).rstrip("?!. ").replace('"', "'")


def _place(turn: Turn) -> str:
    """Where it was, such as `in the kitchen`; empty where neither question nor evidence says it."""
    texts = [turn.understood] + ([] if turn.abstained else [e.text for e in turn.evidence[:1]])
    for text in texts:
        for match in _PLACE.finditer(text):
            for phrase in noun_phrases(text):
                if phrase.start == match.end():
                    return f"{match[1].lower()} {phrase.definite}"
    return ""


def _cased(text: str, begins: bool) -> str:
    return text[:1].upper() + text[1:] if begins else text


def put_in_place(base: str, part: str) -> str | None:
    """The question with a part in place of its like: a phrase for a phrase, "on ..." for "on ..."; None for none."""
    stem = base.rstrip("?!. ")
    if match := _PREPOSITION.match(part):
        own = re.search(rf"\b{match[1]}\s+(?=\w)", stem, re.IGNORECASE)
        phrase = own and next((p for p in noun_phrases(stem) if p.start == own.end()), None)
        if own and phrase:
            return f"{stem[: own.start()]}{part}{stem[phrase.end :]}?"
        return f"{stem} {part}?"
    wanted = next(iter(noun_phrases(part)), None)
    own_phrase = _counterpart(stem, wanted)
    if own_phrase is None:
        return None
    return f"{stem[: own_phrase[0]]}{part}{stem[own_phrase[1] :]}?"


def _counterpart(stem: str, wanted: Phrase | None) -> tuple[int, int] | None:
    """Where the phrase of a question stands that another takes the place of: the first of its kind, else the first."""
    pronoun = re.search(r"\b(?:he|she|it|they|him|them)\b", stem, re.IGNORECASE)
    found = noun_phrases(stem)
    alive = wanted is not None and (wanted.person or wanted.animal)
    like = [p for p in found if (p.person or p.animal) == alive]
    if alive and not like and pronoun is not None:
        return pronoun.span()
    chosen = next(iter(like), None) or next(iter(found), None)
    if chosen is not None:
        return chosen.start, chosen.end
    return pronoun.span() if pronoun is not None else None
