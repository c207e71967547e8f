"""Speech as text: subtitle files beside a video, else the text tracks inside it. Knows nothing of sound.

Times count from the start of the container, as those of frames do.
"""

from __future__ import annotations

import html
import os
import re
from collections.abc import Iterator
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

from av.error import FFmpegError

from lvqa.errors import SubtitleError
from lvqa.media.decoding.container import open_container, packets, start_of
from lvqa.media.decoding.streams import video_stream
from lvqa.media.files import shown
from lvqa.media.values import Subtitle
from lvqa.types import Span

_SUFFIXES = (".srt", ".vtt")
_LANGUAGE = re.compile(r"^[A-Za-z]{2,3}(?:[-_][A-Za-z0-9]{2,8})*$")
_STAMP = r"(?:(\d{1,4}):)?(\d{1,2}):(\d{1,2})[.,](\d{1,3})"
_ARROW = re.compile(rf"^\s*{_STAMP}\s*-+>\s*{_STAMP}(?:\s.*)?$")
_VOICE = re.compile(r"<v(?:\.[^\s>]*)?\s+([^<>]+)>")
_TAG = re.compile(
    r"</?(?:b|i|u|s|c|v|em|strong|span|font|lang|ruby|rt|br)(?:[.\s][^<>]*)?/?>|<\d[\d:.,]*>", re.IGNORECASE
)
_OVERRIDE = re.compile(r"\{\\[^{}]*\}|\{[bius]\}|\{/[bius]\}")
_ROLLING = re.compile(r"<\d+:\d[\d:.]*><c>")
_TEXT_CODECS = ("subrip", "srt", "webvtt", "mov_text", "ass", "ssa", "text")
# Nobody says more at once; what a hostile cue has more is cut off.
_LONGEST_CUE = 10_000
# A cue of a track that gives no length ends with the next one, or here.
_DEFAULT_S = 4.0


def collect_subtitles(path: Path) -> list[Subtitle]:
    """What `lvqa.media.read_subtitles` returns, read in this process. Raises SubtitleError, MediaError."""
    sidecars = _sidecars(path)
    if sidecars:
        cues = [cue for language, file in sidecars.items() for cue in parse_file(file, language)]
    else:
        cues = _embedded(path)
    return sorted(cues, key=lambda cue: (cue.span, cue.language, cue.text))


def parse_file(path: Path, language: str = "") -> list[Subtitle]:
    """Read one .srt or .vtt file: UTF-8 or UTF-16 with its mark, else UTF-8, else Latin-1.

    Raises SubtitleError where the file cannot be read, or holds text but no cue.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise SubtitleError(
            f"{shown(path)} cannot be read ({error.strerror}); give this user the right to read it, or move it away"
        ) from error
    text = _decode(data)
    cues = list(parse_cues(text, language))
    body = re.sub(r"^WEBVTT[^\n]*", "", text.strip())
    if body.strip() and not cues and not _only_notes(body):
        raise SubtitleError(f"{shown(path)} holds no readable subtitle; mend it, or move it away from the video")
    return cues


def parse_cues(text: str, language: str = "") -> Iterator[Subtitle]:
    """Cues of a .srt or .vtt text, in its order; what cannot be read is passed over."""
    rolling = _ROLLING.search(text) is not None
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    arrows = {number: match for number, line in enumerate(lines) if (match := _ARROW.match(line))}
    shown_before: list[str] = []
    for here, after in pairwise([*arrows, len(lines)]):
        stamps = arrows[here].groups()
        begin_s, end_s = _seconds(*stamps[:4]), _seconds(*stamps[4:])
        body = lines[here + 1 : after]
        if "" in (stripped := [line.strip() for line in body]):
            # A blank line ends a cue; what follows is the next one's number or name, or a stray comment.
            body = body[: stripped.index("")]
        elif after < len(lines) and body and body[-1].strip().isdigit():
            body = body[:-1]
        cleaned = [line for line in (_clean(line) for line in body) if line]
        fresh = cleaned
        if rolling:
            # Captions that scroll repeat the line above; said once is enough.
            fresh = [line for line in cleaned if line not in shown_before]
            shown_before = cleaned
        spoken = " ".join(fresh)
        if spoken and begin_s is not None and end_s is not None and begin_s < end_s:
            yield Subtitle(Span(begin_s, end_s), spoken[:_LONGEST_CUE], language)


def _sidecars(path: Path) -> dict[str, Path]:
    """Subtitle files of a video by language; of two for one language, the first by name."""
    found: dict[str, Path] = {}
    try:
        names = sorted(file.name for file in path.parent.iterdir())
    except OSError:
        return found
    for name in names:
        stem, suffix = os.path.splitext(name)  # noqa: PTH122 - names, not paths
        if suffix.lower() not in _SUFFIXES or not stem.startswith(path.stem):
            continue
        tags = [tag for tag in stem[len(path.stem) :].split(".") if tag]
        if stem != path.stem and (stem[len(path.stem)] != "." or not tags or not _LANGUAGE.match(tags[0])):
            continue
        file = path.parent / name
        if file.is_file():
            found.setdefault(tags[0].lower() if tags else "", file)
    return found


def _embedded(path: Path) -> list[Subtitle]:
    with open_container(path) as container:
        if not container.streams.subtitles:
            return []
        start = start_of(container, video_stream(container, path))
        tracks: dict[str, Any] = {}
        for stream in container.streams.subtitles:
            if stream.codec_context is not None and stream.codec_context.name in _TEXT_CODECS:
                tracks.setdefault(_language(stream), stream)
        if not tracks:
            return []
        found: dict[int, list[tuple[Fraction, Fraction | None, str]]] = {s.index: [] for s in tracks.values()}
        # Read here: a stream's fields are freed memory once its container is closed.
        languages = {stream.index: language for language, stream in tracks.items()}
        try:
            # All streams' packets, though few are wanted: minutes may lie between two lines, and reading is to show.
            for packet in packets(container):
                if packet.stream.index in found and packet.size and packet.pts is not None:
                    begin = packet.pts * packet.time_base - start
                    length = packet.duration * packet.time_base if packet.duration else None
                    text = _dialogue(packet)
                    found[packet.stream.index].append((begin, begin + length if length else None, text))
        except FFmpegError as error:
            if not any(found.values()):
                raise SubtitleError(
                    f"the subtitles inside {shown(path)} cannot be read; copy the file again"
                ) from error
    return [cue for index, language in languages.items() for cue in _timed(found[index], language)]


def _timed(cues: list[tuple[Fraction, Fraction | None, str]], language: str) -> Iterator[Subtitle]:
    for number, (begin, end, text) in enumerate(cues):
        begin_s = max(0.0, float(begin))
        end_s = float(end) if end is not None else begin_s + _DEFAULT_S
        if end is None and number + 1 < len(cues) and cues[number + 1][0] > begin:
            end_s = min(end_s, float(cues[number + 1][0]))
        if text and begin_s < end_s:
            yield Subtitle(Span(begin_s, end_s), text[:_LONGEST_CUE], language)


def _dialogue(packet: Any) -> str:
    try:
        rects = packet.decode()
    except (FFmpegError, ValueError):
        return ""
    lines: list[str] = []
    for rect in rects:
        event = getattr(rect, "ass", b"").decode("utf-8", "replace")
        if r"\p1" not in event:  # a drawing, not a text
            # Eight fields stand before the text: order, layer, style, name, three margins, effect.
            fields = event.split(",", 8)
            lines.append(_clean(fields[-1] if len(fields) == 9 else event))
    return " ".join(line for line in lines if line)


def _language(stream: Any) -> str:
    language = (stream.language or "").lower()
    return "" if language == "und" else language


def _clean(line: str) -> str:
    line = line[:_LONGEST_CUE]
    line = _VOICE.sub(r"\1: ", line)
    line = _OVERRIDE.sub("", _TAG.sub("", line))
    line = html.unescape(line.replace(r"\N", " ").replace(r"\n", " ").replace(r"\h", " "))
    return " ".join("".join(c if c.isprintable() else " " for c in line).split())


def _seconds(hours: str | None, minutes: str, seconds: str, fraction: str) -> float | None:
    if int(seconds) > 59 or (hours is not None and int(minutes) > 59):
        return None
    whole = int(hours or 0) * 3600 + int(minutes) * 60 + int(seconds)
    return whole + int(fraction.ljust(3, "0")) / 1000


def _decode(data: bytes) -> str:
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return data.decode("utf-16", "replace")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("latin-1")


def _only_notes(body: str) -> bool:
    """Whether a WebVTT text has comments, styles and metadata only: a track without speech, not a broken one."""
    blocks = [block.strip() for block in re.split(r"\n\s*\n", body.replace("\r\n", "\n")) if block.strip()]
    return all(re.match(r"(NOTE|STYLE|REGION|X-TIMESTAMP-MAP|Kind:|Language:)", block) for block in blocks)
