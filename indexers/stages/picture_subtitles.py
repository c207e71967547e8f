"""Subtitles that are pictures as cues of text: read by the OCR model, what goes on or grows said once.

Knows an OCR model and pictures with times; no video file, no store.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from difflib import SequenceMatcher
from pathlib import Path
from typing import Literal

import numpy as np

from lvqa.indexers.stages.screen import tidy
from lvqa.indexers.stages.stage_model import StageModel
from lvqa.media import Cue, Subtitle, SubtitlePicture, read_subtitles, said_once
from lvqa.models.base import TextReader
from lvqa.models.replies import as_model_errors
from lvqa.models.text_lines import stacked
from lvqa.types import Span

# So many pictures are read at once.
_AT_ONCE = 8
# A text that follows another so soon, and is it but for what OCR reads wrong, goes on. Half a character in ten differs.
_SAME_GAP_S, _SAME = 0.5, 0.9
# After so many letters it is looked at whether they are those of the language.
_ENOUGH_LETTERS, _OF_LANGUAGE = 200, 0.5
# The beginnings of the names that Unicode gives the letters of languages which are not written in Latin ones.
_SCRIPTS = {
    language: scripts
    for scripts, languages in {
        ("CYRILLIC",): "be bg kk mk mn ru uk",
        ("GREEK",): "el",
        ("HEBREW",): "he",
        ("ARABIC",): "ar fa ur",
        ("DEVANAGARI",): "hi mr ne",
        ("THAI",): "th",
        ("HANGUL", "CJK"): "ko",
        ("HIRAGANA", "KATAKANA", "CJK"): "ja",
        ("CJK",): "zh",
        ("ARMENIAN",): "hy",
        ("GEORGIAN",): "ka",
        ("BENGALI",): "bn",
        ("TAMIL",): "ta",
        ("TELUGU",): "te",
        ("KANNADA",): "kn",
        ("MALAYALAM",): "ml",
        ("KHMER",): "km",
        ("MYANMAR",): "my",
    }.items()
    for language in languages.split()
}

_Which = tuple[str, Literal["dialogue", "signs"]]


class Ended(Exception):
    """The run is to end: what was read so far is left."""


@dataclass(slots=True)
class _Texts:
    """What a track says; `letters` are how many were read, and how many of them are those of its language."""

    cues: list[Cue] = field(default_factory=list)
    letters: list[int] = field(default_factory=lambda: [0, 0])
    foreign: bool = False


def subtitles_of(
    path: Path,
    role: Callable[[], StageModel[TextReader]] | None,
    on_problem: Callable[[str], None],
    ending: Callable[[], bool] = lambda: False,
) -> list[Subtitle]:
    """The subtitles of a video as `lvqa.media.read_subtitles` has them, those that are pictures read where it can be.

    Args:
        path: the video.
        role: gives the OCR model, asked once there is something to read; None where it is off.
        on_problem: told, a line each, what could not be read.
        ending: asked before each picture whether the run is to end.

    Raises SubtitleError, MediaError, ModelError, and Ended where the run is to end.
    """
    if role is None:
        return read_subtitles(path, on_problem=on_problem)
    reading = _Reading(role, on_problem, ending, path.name)
    texts = read_subtitles(path, on_problem=on_problem, on_picture=reading.take)
    read = list(reading.subtitles())
    dialogue = [cue for cue in (*texts, *read) if cue.kind == "dialogue"]
    # What signs say that the dialogue says at the same time is left out.
    kept = (
        cue
        for cue in read
        if cue.kind == "dialogue"
        or not any(cue.span.overlaps(other.span) and _same(cue.text, other.text) for other in dialogue)
    )
    return sorted([*texts, *kept], key=lambda cue: (cue.span, cue.language, cue.text))


class _Reading:
    """Reads pictures of several tracks as they come."""

    def __init__(
        self,
        role: Callable[[], StageModel[TextReader]],
        on_problem: Callable[[str], None],
        ending: Callable[[], bool],
        name: str,
    ) -> None:
        self._role = role
        self._on_problem = on_problem
        self._ending = ending
        self._name = name
        self._waiting: list[SubtitlePicture] = []
        self._tracks: dict[_Which, _Texts] = {}

    def take(self, picture: SubtitlePicture) -> None:
        """The next picture. Raises ModelError, Ended."""
        if self._ending():
            raise Ended
        if not self._tracks.setdefault((picture.language, picture.kind), _Texts()).foreign:
            self._waiting.append(picture)
        if len(self._waiting) >= _AT_ONCE:
            self._read()

    def subtitles(self) -> Iterator[Subtitle]:
        """What was read, track by track. Raises ModelError."""
        self._read()
        for (language, kind), texts in self._tracks.items():
            ordered = sorted(texts.cues, key=lambda cue: cue.begin_s)
            for cue in said_once([] if texts.foreign else list(_joined(ordered))):
                yield Subtitle(Span(cue.begin_s, cue.end_s), " ".join(cue.lines), language, kind)

    def _read(self) -> None:
        waiting, self._waiting = self._waiting, []
        if not waiting:
            return
        role = self._role()
        frames = [np.repeat(picture.image[:, :, None], 3, axis=2) for picture in waiting]
        with as_model_errors("the OCR model", role.name):
            texts = role.run(frames, lambda model, some: model.read(some))
        for picture, text in zip(waiting, texts, strict=True):
            track = self._tracks[picture.language, picture.kind]
            if lines := tuple(line.text for line in tidy(stacked(text))):
                track.cues.append(Cue(picture.span.start_s, picture.span.end_s, lines))
            self._compare(track, picture.language, text, role.name)

    def _compare(self, track: _Texts, language: str, text: str, name: str) -> None:
        """Give a track up of whose language the model does not know the letters."""
        scripts = _SCRIPTS.get(language.partition("-")[0])
        if scripts is None or track.foreign or track.letters[0] >= _ENOUGH_LETTERS:
            return
        letters = [letter for letter in text if letter.isalpha()]
        track.letters[0] += len(letters)
        track.letters[1] += sum(unicodedata.name(letter, "").startswith(scripts) for letter in letters)
        if track.letters[0] >= _ENOUGH_LETTERS and track.letters[1] < _OF_LANGUAGE * track.letters[0]:
            track.foreign = True
            self._on_problem(
                f"{self._name}: {name} does not know the letters of its subtitles of pictures ({language}), "
                "not read; add them as text"
            )


def _joined(cues: list[Cue]) -> Iterator[Cue]:
    """Cues in time order; one that says what the one before did, but for noise, or says more of it, goes on with it."""
    last: Cue | None = None
    for cue in cues:
        if last is not None and cue.begin_s - last.end_s <= _SAME_GAP_S:
            before, now = (" ".join(one.lines).split() for one in (last, cue))
            if _same(before, now) or _same(before, now[: len(before)]):
                last = Cue(last.begin_s, max(last.end_s, cue.end_s), max(last.lines, cue.lines, key=_length))
                continue
        if last is not None:
            yield last
        last = cue
    if last is not None:
        yield last


def _length(lines: tuple[str, ...]) -> int:
    return sum(map(len, lines))


def _same(one: Iterable[str], other: Iterable[str]) -> bool:
    """Whether two texts, in words or characters, are one but for what OCR reads wrong."""
    first, second = ("".join(filter(str.isalnum, "".join(text).casefold())) for text in (one, other))
    if first == second:
        return True
    # Digits and short words are easily another text: 17:05 and 17:06.
    digits = [[c for c in text if c.isdigit()] for text in (first, second)]
    return digits[0] == digits[1] and SequenceMatcher(None, first, second, autojunk=False).ratio() >= _SAME
