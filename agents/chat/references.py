"""What a follow-up refers to, by English rules: a time beside the last answer, what it speaks of, a part replaced.

"And before that?" is about the stretch before the last answer's evidence in the same video; "it", "he" and "there" are
what the last answer or question speaks of; "and in kitchen.mp4?", "and the dog?" ask the last question again. A
question without such a reference comes back as it is. Asks no model.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from lvqa.agents.chat.binding import Bound, bind, event_of, put_in_place
from lvqa.agents.chat.turns import Turn, Understood, time_text
from lvqa.agents.rules.numbers import READING
from lvqa.characters import composed
from lvqa.language.noun_phrases import ARTICLES, noun_phrases
from lvqa.language.stems import words_of
from lvqa.language.times import times, without_times
from lvqa.language.video_names import file_forms, named_videos
from lvqa.types import Evidence, Span

Side = Literal["before", "after", "at"]

_LEAD = re.compile(r"^(?:(?:and|but|so|or|ok|okay|now|well)\b[\s,]*)+", re.IGNORECASE)
_ABOUT = re.compile(r"^(?:what|how)\s+about\b\s*", re.IGNORECASE)
_NEAR = r"(?:(?:just|right|shortly|immediately|directly|soon|long)\s+)?"
_STOP = r"(?=\s*(?:$|[?!.,;]|\b(?:in|on|at|with|did|does|do|is|was|were|are|what|who|where)\b))"
_SIDES: tuple[tuple[Side, re.Pattern[str]], ...] = (
    (
        "at",
        re.compile(
            r"\b(?:at|during|in)\s+(?:that|this|the\s+same)\s+(?:very\s+)?(?:time|moment|point|scene)\b"
            r"|\bmeanwhile\b|\bby\s+then\b|\b(?:while|when|as)\s+(?:that|this)\s+(?:happens|happened|was\s+happening)\b",
            re.IGNORECASE,
        ),
    ),
    (
        "before",
        re.compile(
            rf"\b{_NEAR}before\s+(?:that|this|then|it|those|these){_STOP}|\bbefore(?:hand)?{_STOP}(?=\s*[?!.]*\s*$)"
            r"|\b(?:until|up\s+to)\s+then\b|\bpreviously\b|(?<!much )(?<!seconds )(?<!minutes )\bearlier(?:\s+on)?"
            r"(?=\s*[?!.]*\s*$)",
            re.IGNORECASE,
        ),
    ),
    (
        "after",
        re.compile(
            rf"\b{_NEAR}after\s+(?:that|this|then|it|those|these){_STOP}|\bafterwards?\b"
            r"|\b(?:since|from)\s+then(?:\s+on)?\b|\bnext(?=\s*(?:[?!.,]|$))|\b(?:and\s+)?then\b(?!\s+(?:again|the)\b)"
            r"|(?<!much )(?<!seconds )(?<!minutes )\blater(?:\s+on)?(?=\s*[?!.]*\s*$)",
            re.IGNORECASE,
        ),
    ),
)
# What is left of "what happened before that?" without "before that": nothing of its own.
_EMPTY_WORDS = """
    what happens happened happening happen is was were did does do about else comes came goes went going on
    there the and there's what's it
"""
_EMPTY = frozenset(_EMPTY_WORDS.split())
_DOES = re.compile(r"^what\s+(?:is|are|was|were|does|do|did)\s+(.+?)\s+do(?:ing)?\b", re.IGNORECASE)
_ASKS_WORDS = """
    what which who whom whose when where why how is are was were do does did has have had can could will would
    should isn't aren't wasn't weren't doesn't don't didn't
"""
_ASKS = frozenset(_ASKS_WORDS.split())
_BARE = re.compile(r"^(when|where|why|how)(?:\s+(?:exactly|come))?\s*[?!.]*$", re.IGNORECASE)
_SAME_VIDEO = re.compile(
    r"\b(?:in|of|from|within|during)\s+(?:that|this|the\s+same)\s+(?:video|film|movie|clip|recording|footage)\b",
    re.IGNORECASE,
)


def by_rules(question: str, turns: Sequence[Turn], durations: Mapping[str, float]) -> Understood:
    """A follow-up as a question that stands by itself; the question itself where it refers to no turn.

    Args:
        question: as asked.
        turns: those before it, oldest first.
        durations: seconds of each video of the archive, by path.
    """
    asked = " ".join(question.split())
    if not turns or not asked:
        return Understood(question)
    frame = _Frame(asked, turns, durations)
    found = frame.of_time() or frame.of_part() or frame.of_things()
    return found if found is not None else Understood(question)


@dataclass(frozen=True, slots=True)
class _Frame:
    """A follow-up between the turns before it and the videos that there are."""

    asked: str
    turns: Sequence[Turn]
    durations: Mapping[str, float]

    @property
    def last(self) -> Turn:
        return self.turns[-1]

    @property
    def shown(self) -> Evidence | None:
        """The best evidence of the latest turn that was answered, of a video that is still there."""
        for turn in reversed(self.turns):
            if not turn.abstained:
                return next((e for e in turn.evidence if e.video in self.durations), None)
        return None

    @property
    def shown_videos(self) -> tuple[str, ...]:
        """The videos of the last answer's evidence."""
        if self.last.abstained:
            return self.still_there(self.last.videos)
        return self.still_there(e.video for e in self.last.evidence)

    def still_there(self, videos: Iterable[str]) -> tuple[str, ...]:
        return tuple(dict.fromkeys(v for v in videos if v in self.durations))

    def names_videos(self, text: str) -> frozenset[str]:
        return named_videos(text, self.durations)[1]

    def of_time(self) -> Understood | None:
        """Before, after or at the time of the last answer."""
        said = _side_of(self.asked)
        if said is None:
            return None
        side, match = said
        shown, named = self.shown, self.names_videos(self.asked)
        if named and (shown is None or shown.video not in named):
            return self.of_things() or Understood(self.asked)
        if shown is None:
            return Understood(
                self.asked, why=f'there is no answer yet that "{match.group()}" could refer to', by="rules"
            )
        rest = " ".join(f"{self.asked[: match.start()]} {self.asked[match.end() :]}".split())
        rest = _ABOUT.sub("", _LEAD.sub("", rest)).strip(" ,?!.;")
        bound = Bound(rest)
        bare = set(words_of(rest)) <= _EMPTY
        if bare:
            rest = self._what_of_subject()
        else:
            bound = bind(f"{rest}?", self.turns)
            rest = bound.text.rstrip("?")
        between, where = self._beside(side, shown)
        if bare and between is not None and between.duration_s > READING.before_s:
            # What happens before something happens just before it.
            start = between.end_s - READING.before_s if side == "before" else between.start_s
            between = Span(start, start + READING.before_s)
        why = "; ".join([where, *bound.why])
        text = f"{rest}?" if between is None else f"{rest} between {_clocks(between)}?"
        return Understood(_capital(text), (shown.video,), between, why, "rules", empty=between is None)

    def _beside(self, side: Side, shown: Evidence) -> tuple[Span | None, str]:
        """The stretch on that side of a piece of evidence; None where the video has none."""
        length, span = self.durations[shown.video], shown.span
        at = f"{shown.video} at {time_text(span.start_s)}-{time_text(span.end_s)}"
        if side == "at":
            return span, f"while the last answer is shown ({at})"
        start, end = (0.0, span.start_s) if side == "before" else (span.end_s, length)
        if end - start < 0.001:
            edge = "begins" if side == "before" else "ends"
            return None, f"the last answer stands where the video {edge} ({at}): there is nothing {side} it"
        return Span(start, end), f"{side} the last answer ({at})"

    def _what_of_subject(self) -> str:
        """What a bare "and before that?" asks: what the last question's subject does, else what happens."""
        asked = without_times(named_videos(self.last.understood, self.durations)[0])
        if match := _DOES.match(asked):
            return f"What does {match[1]} do" if not match[1].lower().endswith("s") else f"What do {match[1]} do"
        acting = next((p for p in noun_phrases(asked) if p.person or p.animal), None)
        if acting is not None:
            return f"What {'do' if acting.plural else 'does'} {acting.definite} do"
        return "What happens"

    def of_part(self) -> Understood | None:
        """The last question once more, with the part that the follow-up names in place of its own."""
        rest = _LEAD.sub("", self.asked)
        about = _ABOUT.sub("", rest)
        led = about != self.asked
        fragment = about.strip(" ?!.,;")
        first = (words_of(fragment) or [""])[0]
        if match := _BARE.match(fragment):
            return self._asked_anew(match[1])
        if not fragment or first in _ASKS or len(fragment.split()) > READING.fragment_words:
            return None
        files = self._files(fragment)
        if not led and not files and not (first in ARTICLES and self._is_one_phrase(fragment)):
            return None
        base = named_videos(self.last.understood, self.durations)[0] if files else self.last.understood
        videos, between = self.last.videos, self.last.between
        part = fragment
        if files:
            videos, between = files, self._within(between, files)
            part = self._without_files(fragment)
            base = f"{base.rstrip('?!. ')} in {' and '.join(files)}?"
        if (named := times(part)) is not None:
            base, between, part = f"{without_times(base).rstrip('?!. ')} {part}?", named, ""
        why = f'"{fragment}" in place of what was asked last'
        if part:
            bound = bind(part, self.turns)
            if bound.text == part and bound.why:
                return None  # a pronoun alone that stands for nothing
            placed = put_in_place(base, bound.text)
            if placed is None:
                return None
            base, why = placed, "; ".join([why, *bound.why])
        return Understood(_capital(base), self.still_there(videos), between, why, "rules")

    def _asked_anew(self, word: str) -> Understood:
        """A bare "why?": the last question with that word in front, where it began with its like or with a verb.

        Else it is asked of what the last answer tells.
        """
        first, _, rest = self.last.understood.partition(" ")
        if first.lower() in ("when", "where", "why", "how") and (rest.split() or [""])[0].lower() in _ASKS:
            text = f"{word} {rest}"
        elif first.lower() in _ASKS - {"what", "which", "who", "whom", "whose", "when", "where", "why", "how"}:
            text = f"{word} {first.lower()} {rest}"
        else:
            text = f"{word} does that happen ({event_of(self.last)})?"
        why = f'"{word.lower()}" asked of the last question'
        return Understood(_capital(text), self.shown_videos, self.last.between, why, "rules")

    def _files(self, fragment: str) -> tuple[str, ...]:
        plain = composed(fragment).casefold()
        return tuple(
            path
            for path in self.durations
            if any(re.search(rf"(?<![\w./-]){re.escape(f.casefold())}(?![\w-]|\.\w)", plain) for f in file_forms(path))
        )

    def _without_files(self, fragment: str) -> str:
        text = fragment
        for path in self._files(fragment):
            for form in file_forms(path):
                text = re.sub(rf"(?<![\w./-]){re.escape(form)}(?![\w-]|\.\w)", " ", text, flags=re.IGNORECASE)
        text = re.sub(r"\b(?:in|of|from|and|or|the|video|videos|file|,)\s*$|^\s*(?:in|of|from)\s*$", "", text.strip())
        return "" if set(words_of(text)) <= {"in", "of", "from", "and", "or", "the", "video", "file"} else text.strip()

    def _within(self, between: Span | None, files: tuple[str, ...]) -> Span | None:
        return between if between is not None and all(between.start_s < self.durations[f] for f in files) else None

    def _is_one_phrase(self, fragment: str) -> bool:
        found = noun_phrases(fragment)
        return len(found) == 1 and found[0].start == 0 and found[0].end == len(fragment)

    def of_things(self) -> Understood | None:
        """Pronouns, "there" and "in that video", bound to what the last turns speak of."""
        bound = bind(self.asked, self.turns)
        text, why = bound.text, list(bound.why)
        same = _SAME_VIDEO.search(text)
        if same is not None:
            why.append(f'"{same.group()}" is the last answer\'s')
        if not why:
            return None
        named = self.names_videos(self.asked)
        videos = () if named else self.shown_videos
        return Understood(text, videos, None, "; ".join(why), "rules")


def _side_of(asked: str) -> tuple[Side, re.Match[str]] | None:
    for side, pattern in _SIDES:
        if match := pattern.search(asked):
            return side, match
    return None


def _clocks(span: Span) -> str:
    return f"{time_text(span.start_s)} and {time_text(span.end_s)}"


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
