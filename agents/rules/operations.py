"""What a question asks to be computed over time, and on which events, by its shape; nothing where that is not sure.

A wrong operator is worse than none: each is read only where the clause that asks, without polite openings, begins as
such questions do, and where its events are there. English only. Asks no model and knows no archive.
"""

from __future__ import annotations

import re

from lvqa.language.noun_phrases import noun_phrases, whole_phrase
from lvqa.language.stems import STOP_WORDS, words_of
from lvqa.temporal.operators import Operator

Operation = tuple[Operator, tuple[str, ...]]
"""An operator over time, and the events that it works on, each as the question describes it."""


def _words(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern.replace("'", "['’]"), re.IGNORECASE)


# The clause that asks.
_QUOTED = re.compile(r"\"[^\"]*\"|“[^”]*”|«[^»]*»|‘[^’]*’")
_SENTENCES = re.compile(r"(?<=[?!])\s+|(?<!\bMr)(?<!\bDr)(?<!\bMs)(?<!\bMrs)(?<!\bSt)\.\s+(?=[A-Z])")
_ASKS = r"(?:know|remember|recall|tell|say|see|mind|find|work|check|show|count|let|help|give|figure|happen)"
_POLITE = _words(
    r"^(?:(?:hi|hello|hey|ok|okay|well|so|and|but|please|pls|sorry|excuse me|roughly|about|approximately|exactly"
    r"|altogether|in total|in all|(?:tell|show|give|find|let|state|count|determine|check)(?:ing)?|saying|me|us|out|know"
    r"|learn|see|hear|to (?:know|find|learn|tell|show|give|work out|figure out)|(?:have you )?any (?:idea|clue))\b"
    rf"|(?:can|could|would|will|do|did|does|may|might) (?:you|i|we|any(?:one|body)|some(?:one|body)) (?:\w+ )?{_ASKS}\b"
    r"|i(?:'m|'d| am| was| would| do)?(?: just| really)? (?:want|need|like|love|wonder(?:ing)?|curious)\b)[\s,!.:]*"
)
_TAIL = _words(r"[\s,]*(?:\b(?:pls|please|thanks|thank you|(?:would|could|can|will) you)\b[\s?!.]*)?$")
_SETTING = _words(r"^((?:in|on|at) [^,?]+),\s+(?=(?:how|which|what|who|is|are|was|were|do|does|did)\b)")
_LEAD = _words(r"(?:(?:for|on|in|at|of|out of)\s+)?(how \w+|what|which|whose|who|where|why|when)\b")
_FIRST_CLAUSE = _words(
    r"^(?:when|while|after|before|if|once|until)\b[^,]*,\s+(?=(?:how|wh\w+|is|are|was|do|does|did)\b)"
)
_BY_WORD: dict[str, tuple[Operator, ...]] = {
    "where": (),
    "why": (),
    "whose": (),
    "who": ("first", "last"),
    "when": ("first", "last", "overlap"),
    "which": ("first", "last", "order"),
    "what": ("first", "last", "order"),
}
_WORK = r"(?:footage|recording|film|movie|video|clip|episode|programme|program|lecture|scene)s?"
_AUXILIARY = _words(r"^\s*(?:'s|is|are|was|were|do|does|did|has|have|had)\s+(?:there\s+)?")
_WHETHER = _words(r"^(?:whether|if|is|are|was|were|do|does|did|has|have|had)\s")
_IF = _words(r"^(?:whether|if)\s+")
_BE = _words(r"(?:^|\s)(?:is|are|was|were)\s|^'s\s")
_ANY = _words(r"\b(?:any\w*|ever|still|yet)\b|^(?:is|are|was|were) there\b")
_LISTED = re.compile(r"\s*[,;/]\s*(?:(?:and|or)\s+)?|\s+(?:and|or)\s+")
_EMPTY = STOP_WORDS | {
    "happen",
    "happens",
    "happened",
    "last",
    "take",
    "noon",
    "midnight",
    "two",
    "three",
    "four",
    "five",
}

# What would have to be done, and what somebody says of it: said in the video, and nothing that happens in it.
_ADVICE = _words(
    r"\b(?:should|ought|must|according|supposed|recommend\w*|suggest\w*|advis\w+|claim\w*|ago)\b"
    r"|\b(?:says?|said|thinks?|thought|tells?|told|explain\w*|mention\w*)\b"
    r"\s*(?:$|(?:(?:us|them|him|her)\s+)?(?:that|s?he|it|they|we|you|i|one|to|(?:the|an?|his|her|their)"
    r"(?!\s+(?:word|name|phrase|line)))\b)"
)
_GENERIC = _words(r"^\s*(?:(?:do|does)\s+)?(?:you|one|we|i|to|can|could|would|will|may|might|shall)\b")

# "Can a dog be seen to jump" asks what is in the picture, not what is possible.
_TO_BE_SEEN = _words(r"^\s*(?:can|could)\s+(.+?)\s+be\s+(?:seen|observed|spotted|heard)\b(?:\s+to\b)?")

_TIMES = r"(?:(?:separate|different|distinct|single)\s+)*(?:times|occasions|instances|attempts|tries|goes)(?:\s+of)?"
_COUNT = _words(
    rf"^(?:(?:on|in|for|at)\s+)?(?:how often|how many {_TIMES}"
    rf"|(?:what(?:'s| is| was)\s+)?(?:the\s+)?(?:total\s+)?number of {_TIMES})\b(?:'s)?(.*)$"
)
_NO_COUNT = _words(
    r"\b(?:as|more|less|\w+er) (?:\w+ ){0,3}than\b|^\s+as\b|\b(?:an?|per|each|every) (?:hour|day|week|month|year)\b"
)
_SO_OFTEN = r"(?:once|twice|thrice|never|\w+ times|more(?: often)?)"
_COUNTED = _words(
    rf"^(?:do|does|did|is|are|was|were)\s+(.+?),?\s+(?:(?:only|just)\s+)?{_SO_OFTEN}\b.*\bor\s+(?:\w+\s+)?{_SO_OFTEN}\W*$"
)
_THINGS = _words(
    r"\b(?:there|at once|at most|at the same time|visible|you see|be seen|on (?:the )?screen|in (?:shot|view|frame))\b"
)

_LONG = _words(
    r"^(for )?(?:about )?(?:how long(?! (?:an?|of)\b)(?!-)|how much time|how many (?:seconds|minutes|hours))\b\s*(.+)$"
)
# Times from one event to another, of a whole video, on a clock; "how long has she been a nurse" is a life.
_NO_LENGTH = _words(
    r"^(?:before|after|until|till|into|from|between|in|on|long|late|later|earlier|past|since|there|left|has|have|had)\b"
    r"|^(?:is|are|was|were) (?:there|in|on|left)\b|\b(?:left|remain\w*|measure|be|is|are|was|were|shows|reads)\W*$"
    rf"|^(?:(?:does|did|is|was)\s+)?(?:the|this) {_WORK}(?:\s+(?:is|was|lasts?|runs?|goes on|takes?))?\W*$"
)
_STATE = _words(
    r"\b(?:visible|on (?:the )?screen|in (?:shot|view|frame|sight)|asleep|awake|away|absent|gone|missing)\b"
    r"|\b(?:seen|shown)\W*$|\bbeing \w|^(?:s?he|they) (?:\w+ )?\w+ing\b"
)
_ENDS = _words(r"\s+(?:before|until|till)\b.*$|^(?:it\s+)?takes?\s+(?:(?:to|for)\s+)?")

_TOGETHER = _words(r"\s*,?\s*\b(?:at the same time as|together with|simultaneously with)\s+")
_WHILE = _words(r"(?<!\ba)(?<!\bthe),?\s+while\s+")
_AT_ONCE = _words(r"\s*\b(?:at the same time|simultaneously|at once)\b")
_IN_PICTURE = _words(
    r"\b(?:visible|seen|shown|there|appear\w*|on (?:the )?screen|in (?:the )?(?:picture|shot|frame|view|sight))\b"
)
_MOMENT = _words(
    r"^(?:is|are|was|were) there an? (?:moment|time|point|scene|shot) (?:when|where|in which|at which)\s+"
    r"|\b(?:ever|both|together)\b"
)

_SIDES = _words(
    r"\s*,?\s+(?:(?:right|just|shortly|soon|immediately|long)\s+)?(before or after|after or before"
    r"|(?:earlier or later|later or earlier|earlier|later|sooner) than|before|after|by the time(?: that)?)\b[\s,]*"
)
_EITHER = _words(r"\b(?:before or after|after or before|than)\b")
_OR_NOT = _words(
    r",?\s+or\s+(?:(?:is|was|does|did)\s+)?(?:before|after(?:wards?)?|earlier|later)(?:\s+(?:it|that|this|him|her|them))?$"
)
_IS_THAT = re.compile(r"\s*[-–—,;:]+\s*(?:is|was|does|did)\s+(?:that|this|it)(?=\s+(?:before|after)\b)", re.IGNORECASE)
# "run after the ball", "kneel before the king", "one after another".
_NO_TIME = _words(
    r"\b(?:look|tak|took|nam|run|ran|running|go|went|chas|seek|ask|call)(?:s|es|ed|ing|e|ing)?\s+after\b"
    r"|\b(?:kneel|bow|pray|stand|testif)\w*\s+before\b|\b(\w+) after \1\b|\bone after\b"
)
# How somebody or something is before or after an event is no order of two events, unless what is done to it is told.
_IS_IN = _words(
    r"\b(?:look|seem|feel|sound|wear|know|need|want|like|stay|remain|contain|own)s?\b|^(?:do|does|did)\b.*\bhave\b"
)
_DONE = _words(
    r"\b(?:\w{2,}ed|been|cut|put|shown|seen|taken|given|broken|brought|thrown|hit|shut|set|lit|found|made|held|sung|eaten"
    r"|drunk|driven|written|read|told|caught|hung|worn|sold|sent|built|born|shot|drawn|blown|hidden)\b"
)

_RIGHT = r"(?:(?:correct|right|proper|actual|true|chronological|temporal)\s+)*(?:order|sequence)"
_ORDER = _words(
    rf"^(?:in (?:what|which) {_RIGHT}|what(?:'s| is| was) the {_RIGHT}|which {_RIGHT} (?:is|was|are)"
    r"|(?:put|sort|order|arrange|list|rank|bring)\b.*\b(?:order|sequence|by time|chronolog\w+|first to last)"
    r"|(?:sort|order|arrange) (?:these|the following|them))\b(.*)$"
)

_EXTREME = r"(first|last|final|earliest|latest)"
_NEVER = _words(r"\bnot\b|n't\b|\bnever\b|\bexcept\b|\bat (?:first|last)\W*$|\b(?:do|does|did|to|will|can) last\W*$")
_TIME = _words(
    rf"^(?:when(?:'s| is| was)\s+)?the (?:very )?{_EXTREME} (?:time|occasion)(?: that| when)?\s+([^,]+)$"
    rf"|^when (?:is|are|was|were|do|does|did) (.+?) for the (?:very )?{_EXTREME} time$"
)
_SELECTS = _words(r"^(?:which|who|what)\b|\b(?:which|who|what)\b(?!.*\b(?:which|who|what)\b)")
_TO_DO = _words(rf"\b(?:the )?(?:very )?{_EXTREME}(?: one| thing| person| of \w+)? to (.+)$")
_AT_END = _words(
    rf"^(?:which|who|what)(?:'s)?\b\s*(?:ones?\b\s*)?((?:of\b\s*)?)(.+?)\s+{_EXTREME}"
    rf"(?:\s+(?:in|of|during) (?:the|this) (?:whole |entire )?{_WORK})?(?:\s*[,:]\s*(.+))?$"
)
_APPEARS = _words(
    r"\b(?:appear(?:s|ed)?|show(?:s|n|ed)?|turn(?:s|ed)? up|pop(?:s|ped)? up|(?:comes?|came)(?: in(?:to)?| up| on|$)"
    r"|enter(?:s|ed)?$|seen|visible|introduced|entrance|arrive(?:s|d)?)(?!\w)"
)


def operation(question: str, options: tuple[str, ...] = ()) -> Operation | None:
    """What a question asks to be computed, and on what; None where it asks for something else, or may do so."""
    asked = clause(question)
    found = _count(asked) or _duration(asked) or _overlap(asked) or _before_after(asked)
    found = found or _order(asked, options) or _extreme(asked, options)
    if found is None or not all(any(w.isalpha() for w in words_of(e) if w not in _EMPTY) for e in found[1]):
        return None
    return found


def enough(operator: Operator, events: tuple[str, ...]) -> bool:
    """Whether there are as many events as an operator works on: a relation has two, an order at least two."""
    if operator in ("before_after", "overlap"):
        return len(events) == 2
    return len(events) >= (2 if operator == "order" else 1)


def fits(operator: Operator, question: str) -> bool:
    """Whether a question may ask for an operator, by its first word; true of one that begins in no known way.

    "Why ..." asks for nothing that is computed, "who ..." for no duration, "how many dogs are there" for no happening.
    """
    asked = _FIRST_CLAUSE.sub("", clause(question))
    lead = _LEAD.match(asked)
    word = lead[1].lower() if lead is not None else ""
    if word == "how many" and not _LONG.match(asked) and not _COUNT.match(asked):
        return operator == "count" and not _THINGS.search(asked)
    if word.startswith("how"):
        found = _count(asked) or _duration(asked)
        return found is not None and found[0] == operator
    if word == "what" and operator in ("count", "duration"):
        return (
            re.match(r"what(?:['’]s| is| was)? (?:the )?(?:total )?(?:number|duration|length)\b", asked, re.I)
            is not None
        )
    if word in ("which", "what") and operator == "before_after":
        return re.search(r"\b(?:first|earlier|later)\b", asked, re.IGNORECASE) is not None
    return operator in _BY_WORD.get(word, (operator,))


def clause(question: str) -> str:
    """The clause of a text that asks, without what is only polite; empty where several sentences ask."""
    parts = _SENTENCES.split(" ".join(question.split()))
    sentences = [part for part in parts if len(words_of(part)) > 2] or parts
    asking = [part for part in sentences if part.endswith("?")] or sentences[:1]
    text = _TAIL.sub("", asking[0]).rstrip("?!. ") if len(asking) == 1 else ""
    while (rest := _POLITE.sub("", text, count=1)) and rest != text:
        text = rest
    if match := _SETTING.match(text):
        text = f"{text[match.end() :]} {match[1][0].lower()}{match[1][1:]}"
    return text.strip()


def listed(text: str) -> list[str]:
    """The items of a list in words: "a cat, a dog and a cow"."""
    return [part.strip(" ?.") for part in _LISTED.split(text) if part.strip(" ?.")]


def _bare(text: str) -> str:
    return _AUXILIARY.sub("", f"{text} ").strip(" ,")


def _count(asked: str) -> Operation | None:
    if match := _COUNTED.match(asked):
        return "count", (match[1],)
    match = _COUNT.match(asked)
    counted = _TO_BE_SEEN.sub(r" \1", match[1]) if match is not None else ""
    if match is None or _ADVICE.search(asked) or _NO_COUNT.search(counted) or _GENERIC.match(counted):
        return None
    return "count", (_bare(counted),)


def _duration(asked: str) -> Operation | None:
    match = _LONG.match(asked)
    measured = _TO_BE_SEEN.sub(r" \1", match[2]) if match is not None else ""
    if match is None or _ADVICE.search(asked) or _NO_LENGTH.search(measured) or _GENERIC.match(measured):
        return None
    event = _bare(measured)
    if _BE.search(measured) and not _STATE.search(event):
        firm = match[1] or not asked.lower().startswith("how long")
        first = next(iter(noun_phrases(event)), None)
        acts = first and not first.start and first.person and re.match(r"\s+(?:\w+ )?\w+ing\b", event[first.end :])
        if not acts and not (firm and whole_phrase(event) is None):
            return None  # "how long is the rope?"
    return "duration", (_ENDS.sub("", event).strip(),)


def _overlap(asked: str) -> Operation | None:
    if not _WHETHER.match(asked):
        return None
    body = _IF.sub("", asked)
    cut = _TOGETHER if _TOGETHER.search(body) else _WHILE if not _ANY.search(body) else None
    if cut is not None and len(parts := cut.split(_bare(body))) == 2:
        return "overlap", tuple(parts)
    rest = _MOMENT.sub(" ", body)
    shown = _IN_PICTURE.search(rest) is not None
    if not _AT_ONCE.search(body) and not (shown and "together" in body.lower()):
        return None
    rest = _AT_ONCE.sub(" ", _bare(" ".join(rest.split())))
    rest = " ".join((_IN_PICTURE.sub(" ", rest) if shown else rest).split())
    things = noun_phrases(rest)[:2]
    if len(things) < 2 or things[0].start or rest[things[0].end : things[1].start] != " and ":
        return None
    does = _bare(rest[things[1].end :])
    if not does and not shown:
        return None  # the verb is taken for a part of the second thing
    return "overlap", tuple(f"{thing.text} {does}".strip() for thing in things)


def _before_after(asked: str) -> Operation | None:
    text = _OR_NOT.sub("", asked)
    told = _IS_THAT.sub("", text)
    if not (_WHETHER.match(asked) or (told != text and not re.match(r"wh|how", text, re.IGNORECASE))):
        return None
    hidden = _QUOTED.sub(lambda quote: "_" * len(quote[0]), told)
    cuts = list(_SIDES.finditer(hidden))
    if len(cuts) != 1 or _ANY.search(hidden) or _NO_TIME.search(hidden):
        return None
    one, other = told[: cuts[0].start()], told[cuts[0].end() :]
    if text == asked and not _EITHER.search(hidden):
        state = _BE.search(f"{one} ") and (cuts[0][1].lower() == "after" or not _DONE.search(one))
        if state or _IS_IN.search(one):
            return None
    one = re.sub(r"\balready\s+", "", _bare(_IF.sub("", one)), flags=re.IGNORECASE)
    other = re.sub(r"\s+(?:is|are|was|were|do|does|did|has|had)$", "", other.strip(), flags=re.IGNORECASE)
    return "before_after", (one, other)


def _order(asked: str, options: tuple[str, ...]) -> Operation | None:
    match = _ORDER.match(asked)
    if match is None:
        return None
    if ":" in asked:
        return "order", tuple(listed(asked.rsplit(":", 1)[-1]))
    if same := _rearranged(options):
        return "order", same
    items = listed(_bare(match[1]))
    last = noun_phrases(items[-1]) if len(items) > 1 else []
    does = items[-1][last[0].end :].strip() if last and not last[0].start else ""
    return ("order", tuple(_with(item, does) for item in [*items[:-1], last[0].text])) if does else None


def _rearranged(options: tuple[str, ...]) -> tuple[str, ...]:
    """The items of options that are all the same list in another order; none where they are not."""
    lists = [listed(option) for option in options]
    same = len(lists) > 1 and len(lists[0]) > 1 and len({tuple(sorted(map(str.lower, items))) for items in lists}) == 1
    return tuple(lists[0]) if same else ()


def _extreme(asked: str, options: tuple[str, ...]) -> Operation | None:
    if _NEVER.search(asked) or _ADVICE.search(asked):
        return None
    if match := _TIME.match(asked):
        return _which(match[1] or match[4]), (_bare(match[2] or match[3]),)
    selects = _SELECTS.search(asked)
    if selects is None:
        return None
    choice = asked[selects.start() :]
    named = listed(re.sub(r"^(?:out )?of\s+|[\s,;:–—-]+$", "", asked[: selects.start()], flags=re.IGNORECASE))
    named = [
        thing[: found[0].end] if (found := noun_phrases(thing)) and not found[0].start else thing for thing in named
    ]
    if match := _TO_DO.search(choice):
        which, does = match[1], match[2]
    elif match := _AT_END.match(choice):
        which, does = match[3], match[2]
        named = listed(match[4]) if match[4] else named
        group = noun_phrases(does) if match[1] else []
        does = does[group[0].end :].strip() if group and not group[0].start else does
    else:
        return None
    things = named if len(named) > 1 else list(options)
    if len(things) > 1:
        return None if _rearranged(options) else (_which(which), tuple(_with(thing, does) for thing in things))
    if named or choice.lower().startswith("what") or re.search(r"\b(?:these|those|them|following)\b", choice, re.I):
        return None  # of several things that are not named
    return _which(which), (does,)


def _which(word: str) -> Operator:
    return "first" if word.lower() in ("first", "earliest") else "last"


def _with(thing: str, does: str) -> str:
    """A thing and what it does, or what is done to it; the thing alone where it only appears."""
    if not does or _APPEARS.search(does):
        return thing
    return f"{_bare(does)} {thing}" if re.match(r"(?:do|does|did)\s", does, re.IGNORECASE) else f"{thing} {_bare(does)}"
