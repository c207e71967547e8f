"""Cues as they stand in texts of stamps and lines (SubRip, WebVTT, SubViewer, YouTube's sbv), mended where they broke.

What scrolls is taken apart: a line that a later cue repeats is said once.
"""

from __future__ import annotations

import html
import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

# Nobody says more at once; what a hostile cue has more is cut off.
LONGEST_CUE = 10_000
# A cue that gives no length ends with the next one, or here.
DEFAULT_S = 4.0
# A cue that begins so soon after another may go on showing its lines.
_SCROLL_GAP_S = 0.5
# So many cues must take a line over before a file without times of words counts as one that scrolls.
_LEAST_CARRIED, _SHARE_CARRIED = 2, 0.5
# So many cues must be the one before, at once, before a file counts as one that marks word after word.
_LEAST_MARKED, _SHARE_MARKED, _MARK_GAP_S = 4, 0.75, 0.05
# What is painted word by word comes in pieces of at most so many words.
_PAINTED_WORDS = 2

# Blanks inside, a colon or nothing before the milliseconds, and wide colons are mended.
_STAMP = r"(?:(\d{1,4})\s*[:：]\s*)?(\d{1,2})\s*[:：]\s*(\d{1,2})(?:\s*[.,:;，]\s*(\d{1,4})(?!\s*[:：\d]))?[.,]?"
_POINTER = r"[-–—=]\s*[-–—=]*\s*>|→"
_ARROW = re.compile(rf"^\s*{_STAMP}\s*(?:{_POINTER})\s*{_STAMP}(?:\s.*)?$")
_COMMA = re.compile(rf"^\s*{_STAMP}\s*,\s*{_STAMP}\s*$")
_LIKE_AN_ARROW = re.compile(rf"(?!.*<!--).*--\s*>|.*\d\s*[:：].*-\s*>.*[:：]\s*\d|\s*{_STAMP}\s*(?:{_POINTER})")
_LONGEST_ARROW = 300
_BLOCK = re.compile(r"(?:NOTE|STYLE|REGION)\b(?!:)")
_VOICE = re.compile(r"<v(?:\.[^\s>]*)?\s+([^<>]+)>")
_TAG = re.compile(
    r"</?(?:b|i|u|s|c|v|em|strong|span|font|lang|ruby|rt|p|div|br)(?:[.\s][^<>]*)?/?>|<\d[\d:.,]*>", re.IGNORECASE
)
_OVERRIDE = re.compile(r"\{\\[^{}]*\}|\{/?[biusyf](?::[^{}]*)?\}", re.IGNORECASE)
_BREAK = re.compile(r"\\[Nnh]|\[br\]|\|(?=\S)|<br\s*/?>", re.IGNORECASE)
# What styles are called that carry no dialogue; styles are named in English wherever they come from.
_SIGN_WORDS = (
    "sign signs ts typeset typesetting op ed opening ending insert song songs karaoke kara romaji kanji lyric lyrics "
    "title titles note notes tl tn credit credits eyecatch"
)
_SIGN_STYLES = frozenset(_SIGN_WORDS.split())
_STYLE_WORDS = re.compile(r"[A-Z]{2,}(?![a-z])|[A-Z]?[a-z]+|[A-Z]")
_PLACED = re.compile(r"\\(?:pos|move|org)\s*\(|\\[kK][fo]?\d")
_LEAST_LETTERS = 2
_WORD_TIME = re.compile(r"<\d+:\d[\d:.]*>")


@dataclass(frozen=True, slots=True)
class Cue:
    """When it begins and ends, in seconds, and its lines, stripped of markup.

    In SubStation Alpha's files it has a `style`, and may be `placed`: put somewhere of its own, or sung syllable by
    syllable.
    """

    begin_s: float
    end_s: float
    lines: tuple[str, ...]
    style: str = ""
    placed: bool = False


@dataclass(frozen=True, slots=True)
class ParsedCues:
    """The cues of a text in its order, how many could not be read, and the number of the first such line, from 1."""

    cues: tuple[Cue, ...]
    bad: int = 0
    bad_line: int = 0


def parse_cues(text: str) -> ParsedCues:
    """The cues of a text of stamps with lines below them; what scrolls is not taken apart yet."""
    vtt = text.lstrip().startswith("WEBVTT")
    numbered = list(enumerate(text.replace("\r\n", "\n").replace("\r", "\n").split("\n"), 1))
    if not any(first.strip() and second.strip() for (_, first), (_, second) in pairwise(numbered)):
        # Double-spaced: a blank line says nothing there.
        numbered = [(number, line) for number, line in numbered if line.strip()]
    lines = [line for _, line in numbered]
    comma = "->" not in text
    arrows = {
        at: _ARROW.match(line) or (_COMMA.match(line) if comma else None)
        for at, line in enumerate(line[:_LONGEST_ARROW] for line in lines)
        if _LIKE_AN_ARROW.match(line) or (comma and _COMMA.match(line))
    }
    head = lines[: next(iter(arrows), 0)]
    apart = bool(head) and not head[-1].strip() and "".join(head).strip().isdigit()
    cues: list[Cue] = []
    bad: list[int] = []
    for here, after in pairwise([*arrows, len(lines)]):
        match = arrows[here]
        begin_s = end_s = None
        if match is not None:
            stamps = match.groups()
            begin_s, end_s = _seconds(*stamps[:4]), _seconds(*stamps[4:])
        cleaned = tuple(filter(None, map(clean, _body(lines[here + 1 : after], vtt, apart, after < len(lines)))))
        if begin_s is None or end_s is None or begin_s >= end_s:
            bad.append(numbered[here][0])
        elif cleaned:
            cues.append(Cue(begin_s, end_s, cleaned))
    return ParsedCues(tuple(cues), len(bad), bad[0] if bad else 0)


def has_word_times(text: str) -> bool:
    """Whether a text gives the times of words: captions made by a machine, which scroll."""
    return _WORD_TIME.search(text) is not None


def said_once(cues: Sequence[Cue], *, scrolls: bool = False) -> Iterator[Cue]:
    """Cues in which no line stands that the cue before still showed, where a file scrolls; as they are elsewhere.

    `scrolls` where that is known; else it is told by how many cues begin with lines of the one before and go on.
    """
    steps: list[tuple[Cue, list[str], int, bool]] = []
    shown: list[list[str]] = []
    until_s, near, same = -math.inf, 0, 0
    for cue in cues:
        words = [word for line in cue.lines for word in line.split()]
        follows = cue.begin_s - until_s <= _SCROLL_GAP_S
        taken = _carried(shown, words) if follows else 0
        same += taken == len(words) and cue.begin_s - until_s <= _MARK_GAP_S
        steps.append((cue, words[taken:], taken, taken == sum(map(len, shown))))
        shown, until_s, near = _pieces(cue, taken), cue.end_s, near + follows
    carried = [(cue, fresh) for cue, fresh, taken, _ in steps if taken]
    grown = [(cue, fresh) for cue, fresh in carried if fresh]
    marked = not grown and same >= max(_LEAST_MARKED, _SHARE_MARKED * near)
    if not (scrolls or marked or (grown and len(carried) >= max(_LEAST_CARRIED, _SHARE_CARRIED * near))):
        yield from cues
        return
    painted = 2 * sum(len(c.lines) == 1 and len(fresh) <= _PAINTED_WORDS for c, fresh in grown) > len(grown)
    last: Cue | None = None
    for cue, fresh, taken, whole in steps:
        if painted and taken and whole and fresh and last is not None:
            last = Cue(last.begin_s, cue.end_s, (*last.lines, *fresh))
        elif marked and taken and last is not None:
            last = Cue(last.begin_s, cue.end_s, last.lines)
        elif fresh:
            if last is not None:
                yield last
            last = Cue(cue.begin_s, cue.end_s, tuple(fresh))
    if last is not None:
        yield last


def parted_by_style(cues: Sequence[Cue]) -> tuple[list[Cue], list[Cue]]:
    """Cues in time order that are dialogue, and those that are signs, songs or notes, by their styles.

    Signs are those of styles that are called so, and those of styles that mostly place what they show while another
    one carries the dialogue; a sign that is drawn anew again and again is one. With one style all is dialogue.
    """
    written: dict[str, list[int]] = {}
    for cue in cues:
        written.setdefault(cue.style, [0, 0])[cue.placed] += sum(map(len, cue.lines))
    if len(written) < 2:
        return [_plain(cue) for cue in cues], []
    named = {style for style in written if not _SIGN_STYLES.isdisjoint(map(str.lower, _STYLE_WORDS.findall(style)))}
    carrying = max(written.keys() - named, key=lambda style: (written[style][0], style), default="")
    signs = named | {style for style in written if style != carrying and written[style][1] > written[style][0]}
    if not written.get(carrying, [0])[0]:
        signs = named
    shown: dict[tuple[str, ...], Cue] = {}
    merged: list[Cue] = []
    for cue in (cue for cue in cues if cue.style in signs):
        last = shown.get(cue.lines)
        if last is not None and cue.begin_s - last.end_s <= _SCROLL_GAP_S:
            shown[cue.lines] = Cue(last.begin_s, max(last.end_s, cue.end_s), cue.lines)
        elif sum(map(str.isalnum, "".join(cue.lines))) >= _LEAST_LETTERS:
            merged += [last] if last is not None else []
            shown[cue.lines] = _plain(cue)
    merged += shown.values()
    return [_plain(cue) for cue in cues if cue.style not in signs], sorted(merged, key=lambda cue: cue.begin_s)


def _plain(cue: Cue) -> Cue:
    return Cue(cue.begin_s, cue.end_s, cue.lines)


def is_placed(text: str) -> bool:
    """Whether an event of SubStation Alpha says where it stands, or is sung syllable by syllable."""
    return _PLACED.search(text) is not None


def clean(line: str) -> str:
    """A line without tags, overrides, entities and what cannot be printed."""
    line = line[:LONGEST_CUE]
    line = _VOICE.sub(r"\1: ", line)
    line = _OVERRIDE.sub("", _TAG.sub("", _BREAK.sub(" ", line)))
    line = html.unescape(line)
    return " ".join("".join(c if c.isprintable() else " " for c in line).split())


def _body(body: list[str], vtt: bool, apart: bool, followed: bool) -> list[str]:
    """The lines of a cue without the number or name of the next one, and without WebVTT's comments and styles.

    `apart` where a blank line stands between a number and its times.
    """
    if apart:
        while body and not body[-1].strip():
            body = body[:-1]
    if followed and body:
        named = vtt and len(body) > 1 and body[-1].strip() and not body[-2].strip()
        body = body[:-1] if named or body[-1].strip().isdigit() else body
    if not vtt:
        return body
    kept: list[str] = []
    skipping = False
    for before, line in zip(["", *body], body, strict=False):
        # A line of blanks is no empty one there: scrolling captions begin with it.
        skipping = line != "" and (skipping or (before == "" and bool(kept) and _BLOCK.match(line) is not None))
        if not skipping:
            kept.append(line)
    return kept


def _carried(shown: list[list[str]], words: list[str]) -> int:
    """How many words a cue takes over: those of the last lines shown before, as many lines as it begins with."""
    for first in range(len(shown)):
        tail = [word for piece in shown[first:] for word in piece]
        if words[: len(tail)] == tail:
            return len(tail)
    return 0


def _pieces(cue: Cue, taken: int) -> list[list[str]]:
    """The lines of a cue, cut where what it took over ends."""
    pieces: list[list[str]] = []
    at = 0
    for line in cue.lines:
        words = line.split()
        cut = taken - at
        pieces += [part for part in (words[:cut], words[cut:]) if part] if 0 < cut < len(words) else [words]
        at += len(words)
    return pieces


def _seconds(hours: str | None, minutes: str, seconds: str, fraction: str | None) -> float | None:
    if int(seconds) > 59 or (hours is not None and int(minutes) > 59):
        return None
    whole = int(hours or 0) * 3600 + int(minutes) * 60 + int(seconds)
    return whole + int((fraction or "0").ljust(3, "0")[:3]) / 1000
