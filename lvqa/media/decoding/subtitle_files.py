"""A subtitle file of any format into cues: told by what it holds, whatever its suffix says."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeVar
from xml.etree import ElementTree

from lvqa.errors import SubtitleError
from lvqa.media.decoding.charsets import decode_text
from lvqa.media.decoding.cues import (
    DEFAULT_S,
    LONGEST_CUE,
    Cue,
    ParsedCues,
    clean,
    has_word_times,
    is_placed,
    parse_cues,
    parted_by_style,
    said_once,
)
from lvqa.media.files import shown
from lvqa.media.values import Subtitle
from lvqa.types import Span

T = TypeVar("T")

_MOST_BYTES = 64 << 20
_USUAL_FPS = 25.0
# A line of lyrics that no next line ends stands no longer.
_LONGEST_LINE_S = 10.0
_LRC = re.compile(r"^[ \t]*((?:\[\d{1,3}:\d{1,2}(?:[.:]\d{1,3})?\])+)(.*)$")
_LRC_STAMP = re.compile(r"\[(\d{1,3}):(\d{1,2})(?:[.:](\d{1,3}))?\]")
_LRC_OFFSET = re.compile(r"^\s*\[offset:\s*([+-]?\d+)\s*\]", re.IGNORECASE | re.MULTILINE)
_SYNC = re.compile(r"<sync\s[^>]{0,99}?start\s{0,9}=\s{0,9}[\"']?(\d{1,12})[^>]{0,99}>", re.IGNORECASE)
_CLASS = re.compile(r"<p\s[^>]{0,99}?class\s{0,9}=\s{0,9}[\"']?([\w-]{1,99})[^>]{0,99}>", re.IGNORECASE)
_CLASS_LANGUAGE = re.compile(r"\.([\w-]{1,99})\s{0,9}\{[^}]{0,999}?lang\s{0,9}:\s{0,9}([\w-]{1,99})", re.IGNORECASE)
# SubStation Alpha's own way to begin a line, where Advanced has the layer.
_MARKED = re.compile(r"^(Dialogue:\s*)Marked=", re.IGNORECASE | re.MULTILINE)
_CLOCK = re.compile(r"(\d+):(\d+):(\d+)(?:[.,](\d+)|:(\d+)(?:\.\d+)?)?$")
_OFFSET = re.compile(r"(\d+(?:\.\d+)?)(h|ms|m|s|f|t)$")
_TTML_UNITS = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001}
_NOTES_ONLY = re.compile(r"(?:NOTE|STYLE|REGION|X-TIMESTAMP-MAP|Kind:|Language:)")


@dataclass(frozen=True, slots=True)
class FileCues:
    """What a file holds: its subtitles, and a line about what of it could not be read, empty where all could."""

    cues: tuple[Subtitle, ...]
    told: str = ""


def parse_file(path: Path, language: str = "", *, fps: Callable[[], float] = lambda: 0.0) -> FileCues:
    """Read one subtitle file.

    Args:
        path: the file.
        language: a code, which guides how its bytes are read.
        fps: gives the video's frames a second, for files that count frames; asked only where needed.

    Raises SubtitleError where the file cannot be read, or holds text but no cue.
    """
    try:
        data = path.read_bytes() if path.stat().st_size <= _MOST_BYTES else b"too much"
    except OSError as error:
        raise SubtitleError(
            f"{shown(path)} cannot be read ({error.strerror}); give this user the right to read it, or move it away"
        ) from error
    unreadable = SubtitleError(f"{shown(path)} holds no readable subtitle; mend it, or move it away from the video")
    text = decode_text(data, language)
    try:
        parsed = _parsed(text, language, fps)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError, ElementTree.ParseError) as error:
        raise unreadable from error
    said, shown_too = parted_by_style(sorted(parsed.cues, key=lambda cue: cue.begin_s))
    spoken = said_once(list(dict.fromkeys(said)), scrolls=has_word_times(text))
    cues = (*subtitles(spoken, language), *subtitles(shown_too, language, "signs"))
    body = re.sub(r"^WEBVTT[^\n]*", "", text.strip())
    if body.strip() and not cues and not _only_notes(body):
        raise unreadable
    total = len(parsed.cues) + parsed.bad
    told = f"{parsed.bad} of {total} cues cannot be read, the first in line {parsed.bad_line}" if parsed.bad else ""
    return FileCues(cues, f"{shown(path)}: {told}; mend them" if told else "")


def is_pictures(path: Path) -> bool:
    """Whether a file holds subtitles that are pictures, or is called as the index of a VobSub is."""
    if (suffix := path.suffix.lower()) not in (".sub", ".sup", ".idx"):
        return False
    try:
        with path.open("rb") as file:
            head = file.read(256)
    except OSError:
        return False
    return suffix == ".idx" or head.startswith((b"\x00\x00\x01\xba", b"PG"))


def beside_index(path: Path) -> bool:
    """Whether a file of pictures is read by way of another one: a .sub by its .idx, which names languages."""
    return path.suffix.lower() == ".sub" and any(path.with_suffix(suffix).is_file() for suffix in (".idx", ".IDX"))


def subtitles(
    cues: Iterable[Cue], language: str, kind: Literal["dialogue", "signs"] = "dialogue"
) -> Iterator[Subtitle]:
    """Cues as values, without those that say nothing, or whose times make no sense."""
    for cue in cues:
        begin_s, text = max(0.0, cue.begin_s), " ".join(cue.lines)[:LONGEST_CUE]
        if text and begin_s < cue.end_s:
            yield Subtitle(Span(begin_s, cue.end_s), text, language, kind)


def _parsed(text: str, language: str, fps: Callable[[], float]) -> ParsedCues:
    head = text.lstrip("\ufeff \t\r\n")[:4000]
    lower = head.lower()
    if lower.startswith("{") and '"events"' in text:
        return ParsedCues(tuple(_json3(text)))
    if re.match(r"(?:<\?xml[^>]*>\s*)?(?:<!--.*?-->\s*)*<(?:\w+:)?tt[\s>]", lower, re.DOTALL):
        return ParsedCues(tuple(_ttml(text.lstrip("\ufeff \t\r\n"))))
    if "<sync" in lower or lower.startswith("<sami"):
        return ParsedCues(tuple(_smi(text, language)))
    if re.match(r"\s*\{\s*\d+\s*\}\s*\{\s*\d*\s*\}", head):
        return ParsedCues(tuple(_by_pysubs2(text, "microdvd", fps)))
    if re.match(r"\s*\[\d+\]\s*\[\d+\]", head):
        return ParsedCues(tuple(_by_pysubs2(text, "mpl2", fps)))
    if "[script info]" in lower or "[events]" in lower or re.search(r"^dialogue:", text, re.IGNORECASE | re.MULTILINE):
        return ParsedCues(tuple(_by_pysubs2(_MARKED.sub(r"\1", text), "ass", fps)))
    if re.search(_LRC.pattern, text, re.MULTILINE) and "-->" not in text:
        return ParsedCues(tuple(_lrc(text)))
    return parse_cues(text)


def _by_pysubs2(text: str, name: str, fps: Callable[[], float]) -> Iterator[Cue]:
    import pysubs2

    try:
        subs = pysubs2.SSAFile.from_string(text, format_=name)
    except pysubs2.exceptions.UnknownFPSError:
        subs = pysubs2.SSAFile.from_string(text, format_=name, fps=fps() or _USUAL_FPS)
    except pysubs2.exceptions.Pysubs2Error as error:
        raise ValueError(str(error)) from error
    for event in subs:
        if not event.is_comment and not event.is_drawing and (line := clean(event.text)):
            placed = is_placed(event.text)
            yield Cue(event.start / 1000, event.end / 1000, (line,), event.style, placed)


def _json3(text: str) -> Iterator[Cue]:
    """YouTube's own form; where words have times, a line ends where the next begins."""
    events = [event for event in json.loads(text)["events"] if event.get("segs")]
    timed = any(seg.get("tOffsetMs") for event in events for seg in event["segs"])
    cues = []
    for event in events:
        line = clean("".join(str(seg.get("utf8", "")) for seg in event["segs"]).replace("\n", " "))
        begin_s = float(event.get("tStartMs", 0)) / 1000
        if line:
            cues.append(Cue(begin_s, begin_s + float(event.get("dDurationMs", DEFAULT_S * 1000)) / 1000, (line,)))
    for cue, after in _followed(cues):
        cut = timed and after is not None and cue.begin_s < after.begin_s
        yield Cue(cue.begin_s, min(cue.end_s, after.begin_s), cue.lines) if cut and after else cue


def _lrc(text: str) -> Iterator[Cue]:
    shift = _LRC_OFFSET.search(text)
    shift_s = int(shift.group(1)) / 1000 if shift else 0.0
    lines: list[tuple[float, str]] = []
    for match in filter(None, map(_LRC.match, text.splitlines())):
        for minutes, seconds, fraction in _LRC_STAMP.findall(match.group(1)):
            at_s = int(minutes) * 60 + int(seconds) + int((fraction or "0").ljust(3, "0")) / 1000
            lines.append((at_s - shift_s, clean(match.group(2))))
    lines.sort(key=lambda line: line[0])
    for (begin_s, line), after in _followed(lines):
        if after is None:
            end_s = begin_s + DEFAULT_S
        else:
            # An empty line says when the one before ends.
            end_s = after[0] if not after[1] else min(after[0], begin_s + _LONGEST_LINE_S)
        if line and begin_s < end_s:
            yield Cue(begin_s, end_s, (line,))


def _smi(text: str, language: str) -> Iterator[Cue]:
    """SAMI: what each class (a language) shows from one time on lasts until the next time that it shows something."""
    languages = {name.lower(): code.lower() for name, code in _CLASS_LANGUAGE.findall(text)}
    tracks: dict[str, list[tuple[float, str]]] = {}
    for match, following in _followed(list(_SYNC.finditer(text))):
        body = text[match.end() : following.start() if following else None]
        parts = _CLASS.split(body)
        for name, part in zip(["", *parts[1::2]], parts[0::2], strict=True):
            if name or part.strip():
                content = re.split(r"</(?:sync|body|sami)\s*>", part, flags=re.IGNORECASE)[0]
                line = clean(re.sub(r"<(?!/?(?:b|i|u|s)\b)[^>]*>", " ", content))
                tracks.setdefault(name.lower(), []).append((int(match.group(1)) / 1000, line))
    chosen = [name for name in tracks if language and languages.get(name, "").startswith(language[:2])]
    for name in chosen[:1] or list(tracks)[:1]:
        for (begin_s, line), after in _followed(tracks[name]):
            end_s = after[0] if after is not None else begin_s + DEFAULT_S
            if line and begin_s < end_s:
                yield Cue(begin_s, end_s, (line,))


def _ttml(text: str) -> Iterator[Cue]:
    if "<!ENTITY" in text:
        raise ValueError("a file that defines entities may blow up")
    root = ElementTree.fromstring(text)  # noqa: S314 - without entities
    at = {name.rpartition("}")[2]: value for name, value in root.attrib.items()}
    rate = float(at.get("frameRate", 30)) * _multiplier(at.get("frameRateMultiplier", "1 1"))
    ticks = float(at.get("tickRate", 0)) or (rate if "frameRate" in at else 1.0)

    def seconds(value: str) -> float:
        if (clock := _CLOCK.match(value.strip())) is not None:
            hours, minutes, whole, fraction, frames = clock.groups()
            part = int(frames) / rate if frames else float(f"0.{fraction or 0}")
            return int(hours) * 3600 + int(minutes) * 60 + int(whole) + part
        if (offset := _OFFSET.match(value.strip())) is None:
            raise ValueError(value)
        number, unit = float(offset.group(1)), offset.group(2)
        return number * _TTML_UNITS[unit] if unit in _TTML_UNITS else number / (rate if unit == "f" else ticks)

    def walk(element: ElementTree.Element, base_s: float, until_s: float | None) -> Iterator[Cue]:
        begin, end, length = (element.get(name) for name in ("begin", "end", "dur"))
        begin_s = base_s + seconds(begin) if begin else base_s
        if end:
            until_s = base_s + seconds(end)
        elif length:
            until_s = begin_s + seconds(length)
        kind = element.tag.rpartition("}")[2] if isinstance(element.tag, str) else ""
        timed = [child for child in element.iter() if child is not element and child.get("begin")]
        if kind in ("p", "span") and not timed:
            line = clean(" ".join(_inner(element).split()))
            if line and (begin or base_s or until_s is not None):
                yield Cue(begin_s, until_s if until_s is not None else begin_s + DEFAULT_S, (line,))
            return
        for child in element:
            if child.tag.rpartition("}")[2] != "head":
                yield from walk(child, begin_s, until_s)

    yield from walk(root, 0.0, None)


def _inner(element: ElementTree.Element) -> str:
    """The text below an element, a blank where a line breaks."""
    parts = [element.text or ""]
    for child in element:
        kind = child.tag.rpartition("}")[2]
        parts += [" " if kind == "br" else "" if kind == "metadata" else _inner(child), child.tail or ""]
    return "".join(parts)


def _followed(items: Sequence[T]) -> Iterator[tuple[T, T | None]]:
    """Each item with the next one, None behind the last."""
    return zip(items, [*items[1:], None], strict=True)


def _multiplier(value: str) -> float:
    above, _, below = value.replace(":", " ").partition(" ")
    return float(above) / float(below or 1)


def _only_notes(body: str) -> bool:
    """Whether a WebVTT text has comments, styles and metadata only: a track without speech, not a broken one."""
    blocks = [block.strip() for block in re.split(r"\n\s*\n", body.replace("\r\n", "\n")) if block.strip()]
    return all(_NOTES_ONLY.match(block) for block in blocks)
