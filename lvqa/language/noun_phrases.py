"""Noun phrases of a plain English text, by rule: what a pronoun of the next question may stand for.

A phrase begins with an article, a number or a possessive, or is a name, and ends before the next verb, preposition or
mark. Wrong at times, as any rule without a parser; what is made of it is always shown. Knows no conversation.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Literal

from lvqa.language.stems import STOP_WORDS, stem

Gender = Literal["", "he", "she"]

WORD = re.compile(r"[^\W_]+(?:['’._-][^\W_]+)*")
ARTICLES = frozenset(("a", "an", "the", "some", "another", "that", "this", "these", "those"))
_NUMBERS = frozenset(("two", "three", "four", "five", "six", "several", "many", "both", "2", "3", "4", "5"))
_OWNERS = frozenset(("his", "her", "its", "their", "my", "your", "our"))
_HE_WORDS = """
    man boy guy father dad king prince husband son brother uncle grandfather gentleman waiter actor
"""
_HE = frozenset(_HE_WORDS.split())
_SHE_WORDS = """
    woman girl lady mother mum mom queen princess wife daughter sister aunt grandmother waitress actress
"""
_SHE = frozenset(_SHE_WORDS.split())
_ANYONE_WORDS = """
    person child kid baby toddler chef cook driver teacher student doctor nurse speaker narrator presenter host
    player singer dancer officer worker farmer painter character guest customer friend reporter interviewer
    lecturer
"""
_ANYONE = frozenset(_ANYONE_WORDS.split())
_MANY_WORDS = """
    people men women children kids boys girls persons crowd couple team family
"""
_MANY = frozenset(_MANY_WORDS.split())
_ANIMALS_WORDS = """
    dog cat horse bird bear rabbit bunny cow sheep fox lion monkey elephant puppy kitten
"""
_ANIMALS = frozenset(_ANIMALS_WORDS.split())
_VERBS_WORDS = """
    open close pour take walk run sit stand sleep hold look talk speak eat drink play wear appear disappear move
    turn come go enter leave put pick lift cut show say paint dig watch ride drive jump throw catch climb fall
    read write smile wave give get make see tell find lose break begin start stop wash cook cross carry push
    pull point laugh cry dance sing bark chase drop kick hit shake wait work stir hide bring hang use lie fly
    swim vanish happen lean face reach stare burn boil fill rise shine kneel chop slice
"""
_VERBS = frozenset(map(stem, _VERBS_WORDS.split()))
_PAST_WORDS = """
    took ran sat stood slept held spoke ate drank wore came went left said dug rode drove threw caught fell
    wrote gave got made saw told found lost broke began sang hid brought hung lay flew swam rose shone cut put
    read hit
"""
_PAST = frozenset(_PAST_WORDS.split())
_ADJECTIVES_WORDS = """
    red green blue yellow orange purple pink brown black white grey gray golden silver big small large little
    tall short long old young new bright dark light round square empty full hot cold wooden other same
"""
_ADJECTIVES = frozenset(_ADJECTIVES_WORDS.split())
_ENDS_WORDS = """
    inside outside near onto beside behind upon along across around toward towards without within against above
    below past via like as per away back
"""
_ENDS = STOP_WORDS | frozenset(_ENDS_WORDS.split())
_MOST_WORDS = 6


@dataclass(frozen=True, slots=True)
class Phrase:
    """A noun phrase as it stands in a text, from `start` to `end` (characters); `words` are without its article."""

    text: str
    words: tuple[str, ...]
    start: int
    end: int
    person: bool
    gender: Gender
    plural: bool
    animal: bool
    name: bool = False

    @property
    def definite(self) -> str:
        """`a milk carton` as it is spoken of again: `the milk carton`; names stay."""
        return " ".join(self.words) if self.name else f"the {' '.join(self.words)}"


def noun_phrases(text: str) -> list[Phrase]:
    """The noun phrases of a text, in order."""
    tokens = list(WORD.finditer(text))
    found: list[Phrase] = []
    at = 0
    while at < len(tokens):
        word = tokens[at].group().lower()
        begins = word in ARTICLES or word in _NUMBERS or word in _OWNERS
        if begins and word in ("that", "this") and at + 1 < len(tokens) and is_verb(tokens[at + 1].group().lower()):
            begins = False  # "the man that waves", "when did this happen"
        if begins and (end := _end(text, tokens, at + 1)) > at + 1:
            number = [tokens[at].group()] if word in _NUMBERS else []
            found.append(_phrase(text, tokens, at, end, number))
            at = end
        elif at and _is_name(text, tokens, at):
            end = at + 1
            while end < len(tokens) and _is_name(text, tokens, end) and _joined(text, tokens, end):
                end += 1
            words = tuple(t.group() for t in tokens[at:end])
            start, stop = tokens[at].start(), tokens[end - 1].end()
            found.append(Phrase(text[start:stop], words, start, stop, True, "", False, False, name=True))
            at = end
        else:
            at += 1
    return found


def whole_phrase(text: str) -> Phrase | None:
    """A short text without verb, such as an option, as one phrase; None where it is none."""
    text = " ".join(text.split()).strip(" .!?")
    tokens = list(WORD.finditer(text))
    if not tokens:
        return None
    begin = 1 if tokens[0].group().lower() in ARTICLES | _OWNERS else 0
    if len(tokens) <= begin or tokens[begin].group().lower() in _ENDS | ARTICLES:
        return None
    if _end(text, tokens, begin) != len(tokens):
        return None
    made = _phrase(text, tokens, 0, len(tokens), [], begin)
    return replace(made, name=not begin and all(word[:1].isupper() for word in made.words))


def _phrase(
    text: str, tokens: list[re.Match[str]], at: int, end: int, number: list[str], begin: int | None = None
) -> Phrase:
    words = tuple(number + [t.group() for t in tokens[at + 1 if begin is None else begin : end]])
    head = words[: words.index("of")] if "of" in words else words
    last = (head or words)[-1].lower()
    person = last in _HE | _SHE | _ANYONE | _MANY
    gender: Gender = "he" if last in _HE else "she" if last in _SHE else ""
    article = tokens[at].group().lower()
    plural = last in _MANY or article in _NUMBERS or article in ("these", "those")
    plural = plural or (not person and article not in ("a", "an") and last.endswith("s") and not last.endswith("ss"))
    start, stop = tokens[at].start(), tokens[end - 1].end()
    animal = last in _ANIMALS or last.removesuffix("s") in _ANIMALS
    return Phrase(text[start:stop], words, start, stop, person, gender, plural, animal)


def _end(text: str, tokens: list[re.Match[str]], first: int) -> int:
    """The token behind the phrase whose first word without article is token `first`; `first` itself where none is."""
    at = first
    while at < len(tokens) and at - first < _MOST_WORDS:
        word = tokens[at].group().lower()
        if at > first and not _joined(text, tokens, at):
            break
        if at > first and word == "of" and at + 1 < len(tokens):
            after = tokens[at + 1].group().lower()
            if after not in _ENDS | ARTICLES | _OWNERS and "of" not in text[tokens[first].start() : tokens[at].start()]:
                return _end(text, tokens, at + 1)
            break
        if word in _ENDS or word in ARTICLES or word in _OWNERS:
            break
        before = [t.group().lower() for t in tokens[first:at]]
        if before and not set(before) <= _ADJECTIVES and is_verb(word):
            break
        at += 1
        if word in _HE | _SHE | _ANYONE | _MANY:
            break
    return at


def _joined(text: str, tokens: list[re.Match[str]], at: int) -> bool:
    return not text[tokens[at - 1].end() : tokens[at].start()].strip()


def _is_name(text: str, tokens: list[re.Match[str]], at: int) -> bool:
    """Whether a capital marks a name: not where a sentence begins, and not in the name of a file."""
    word = tokens[at].group()
    if not (word[:1].isupper() and word[1:].islower()) or word.lower() in STOP_WORDS:
        return False
    before = text[: tokens[at].start()].rstrip()
    return bool(before) and before[-1] not in '.!?:"“(/'


def is_verb(word: str) -> bool:
    """Whether a lower-case word has the form of a verb; nouns of that form count too."""
    inflected = len(word) > 4 and word.endswith(("ing", "ed"))
    return word in _PAST or stem(word) in _VERBS or inflected
