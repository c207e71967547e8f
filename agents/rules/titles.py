"""Which of the texts on a screen is a title, by what title cards have in common, whatever the film.

A title is made of words, not of digits; it is short; it stands still for a while, at the opening or the end, often
right behind "X presents"; credits name what somebody did. This module knows notes, and no model.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from lvqa.agents.rules.numbers import QUOTING
from lvqa.types import Note, Span

_PRESENTS = re.compile(r"\bpresents?\b", re.IGNORECASE)
_CREDIT = re.compile(
    r"\b(?:directed|produced|written|edited|starring|featuring|music|based on|story|screenplay|copyright|rights"
    r"|productions?|studios?|pictures|foundation|www|https?)\b|\b(?:a film|an? .* film) by\b|©|\.(?:com|org|net)\b",
    re.IGNORECASE,
)
_WORD = re.compile(r"[^\W\d_]+")


@dataclass(frozen=True, slots=True)
class Title:
    """A text that may be a title: its words on one line, the notes that read it, its longest run, its score."""

    text: str
    notes: tuple[Note, ...]
    span: Span
    score: float


def titles(notes: Sequence[Note], ends_s: Callable[[str], float], near: Callable[[Note], float]) -> list[Title]:
    """The texts among screen notes that may be titles, best first.

    Args:
        notes: screen notes of any videos.
        ends_s: the duration of a video, by its id, in seconds.
        near: how close a note comes to the question, in [0, 1].

    Returns:
        Titles with scores in [0, 1]: the mean of how wordy it is, how long it stands, whether it follows
        "presents", whether it stands at the opening or the end, its capitals, and its closeness.
    """
    groups: dict[tuple[str, str], list[Note]] = {}
    presents: list[Note] = []
    for note in sorted(notes, key=lambda n: (n.video_id, n.span, n.id)):
        if is_presenting(note):
            presents.append(note)
            continue
        lines = [line for line in note.text.splitlines() if not _CREDIT.search(line)]
        text = " ".join(" ".join(lines).split())
        if text and _could_be(text):
            groups.setdefault((note.video_id, _key(text)), []).append(note)
    found = []
    for (video_id, _), same in groups.items():
        run = _longest_run(same)
        text = " ".join(" ".join(line for line in run[0].text.splitlines() if not _CREDIT.search(line)).split())
        span = Span(run[0].span.start_s, max(note.span.end_s for note in run))
        end_s = ends_s(video_id)
        edge_s = min(QUOTING.edge_s, QUOTING.edge_share * end_s)
        before = [span.start_s - p.span.end_s for p in presents if p.video_id == video_id]
        score = (
            QUOTING.wordy * _wordiness(text)
            + QUOTING.stands * min(1.0, span.duration_s / QUOTING.long_s)
            + QUOTING.follows * any(-QUOTING.overlaps_s <= gap_s <= QUOTING.follows_s for gap_s in before)
            + QUOTING.at_edge * (span.start_s <= edge_s or span.end_s >= end_s - edge_s)
            + QUOTING.headed * _is_headed(text)
            + QUOTING.near * max(near(note) for note in run)
        )
        found.append(Title(text, tuple(run), span, score))
    return sorted(found, key=lambda t: (-t.score, t.notes[0].video_id, t.span, t.text))


def is_presenting(note: Note) -> bool:
    """Whether a note reads "X presents", which announces a title."""
    return bool(_PRESENTS.search(note.text))


def _key(text: str) -> str:
    return "".join(character for character in text.casefold() if character.isalnum())


def _could_be(text: str) -> bool:
    letters = sum(character.isalpha() for character in text)
    digits = sum(character.isdigit() for character in text)
    found = _WORD.findall(text)
    if letters < max(QUOTING.letters, QUOTING.letters * digits):
        return False
    return 1 <= len(found) <= QUOTING.words and _wordiness(text) > QUOTING.wordiness


def _wordiness(text: str) -> float:
    """The share of its letters that stand in words of three letters or more with a vowel (OCR noise seldom does).

    Scripts without Latin letters count in full.
    """
    found = _WORD.findall(text)
    total = sum(map(len, found))
    long = [w for w in found if not w.isascii() or len(w) >= QUOTING.word_letters]
    good = sum(len(w) for w in long if not w.isascii() or re.search("[aeiouy]", w, re.IGNORECASE))
    return good / total if total else 0.0


def _is_headed(text: str) -> bool:
    found = [word for word in _WORD.findall(text) if len(word) > QUOTING.word_letters]
    return bool(found) and all(word[0].isupper() or not word.isascii() for word in found)


def _longest_run(notes: Sequence[Note]) -> list[Note]:
    runs: list[list[Note]] = []
    for note in notes:
        if runs and note.span.start_s - max(n.span.end_s for n in runs[-1]) <= QUOTING.run_gap_s:
            runs[-1].append(note)
        else:
            runs.append([note])
    return max(runs, key=lambda run: (max(n.span.end_s for n in run) - run[0].span.start_s, -run[0].span.start_s))
