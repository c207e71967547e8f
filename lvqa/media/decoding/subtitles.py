"""Speech as text: subtitle files beside a video, else the text tracks inside it. Knows nothing of sound.

Times count from the start of the container, as those of frames do.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

from av.error import FFmpegError

from lvqa.errors import MediaError, SubtitleError
from lvqa.media.decoding.container import open_container, packets, start_of
from lvqa.media.decoding.continuity import is_stamped, read_continuity, shifts_of
from lvqa.media.decoding.cues import DEFAULT_S, Cue, clean, said_once
from lvqa.media.decoding.streams import video_stream
from lvqa.media.decoding.subtitle_files import parse_file, subtitle
from lvqa.media.files import shown
from lvqa.media.sidecars import Kind, Label, sidecars_in, track_label
from lvqa.media.values import Subtitle

_TEXT_CODECS = ("subrip", "srt", "webvtt", "mov_text", "ass", "ssa", "text", "microdvd", "mpl2", "subviewer", "ttml")
_KINDS: dict[str, Kind] = {
    "forced": "signs",
    "comment": "signs",
    "descriptions": "signs",
    "lyrics": "signs",
    "karaoke": "signs",
    "hearing_impaired": "sdh",
    "captions": "sdh",
}
# A track with less than this share of the cues of another of its language is no transcript beside it, but signs.
_LEAST_SHARE = 0.25


@dataclass(frozen=True, slots=True)
class _Track:
    label: Label
    cues: tuple[Subtitle, ...]


def collect_subtitles(path: Path, on_problem: Callable[[str], None]) -> list[Subtitle]:
    """What `lvqa.media.read_subtitles` returns, read in this process. Raises SubtitleError, MediaError."""
    tracks: list[_Track] = []
    unread: list[str] = []
    for sidecar in sidecars_in(path.parent, [path.name]).get(path.name, []):
        try:
            read = parse_file(sidecar.path, sidecar.label.language, fps=lambda: _fps(path))
        except SubtitleError as error:
            unread.append(str(error))
            continue
        if read.told:
            on_problem(read.told)
        tracks.append(_Track(sidecar.label, read.cues))
    if not any(track.label.kind == "full" for track in tracks):
        try:
            tracks += _embedded(path, on_problem)
        except SubtitleError as error:
            unread.append(str(error))
        except MediaError:
            if not tracks and not unread:
                raise
    if unread and not any(track.cues for track in tracks):
        raise SubtitleError("; ".join(unread))
    for told in unread:
        on_problem(told)
    return sorted(_chosen(tracks), key=lambda cue: (cue.span, cue.language, cue.text))


def _chosen(tracks: Sequence[_Track]) -> Iterator[Subtitle]:
    """The dialogue of each language, in full before that for the hard of hearing; what is no dialogue, as signs.

    Of several for one language the first; one with far fewer cues than another is signs, whatever its name says. What
    signs say that the dialogue says at the same time is left out.
    """
    signs = [cue for track in tracks if track.label.kind == "signs" for cue in track.cues]
    full = {_primary(track) for track in tracks if track.label.kind == "full" and track.cues}
    spoken: dict[str, list[_Track]] = {}
    for track in sorted(tracks, key=lambda track: track.label.kind != "full"):
        # A full one without a language may be that of any; what is of no language may be the same as any.
        same = full & {_primary(track), ""} if _primary(track) else full
        if track.cues and (track.label.kind == "full" or (track.label.kind == "sdh" and not same)):
            spoken.setdefault(track.label.language, []).append(track)
    dialogue: list[Subtitle] = []
    for found in spoken.values():
        most = max(len(track.cues) for track in found)
        whole = [track for track in found if len(track.cues) >= _LEAST_SHARE * most]
        dialogue += whole[0].cues
        signs += [cue for track in found if track not in whole for cue in track.cues]
    yield from dialogue
    for cue in dict.fromkeys(signs):
        said = _letters(cue)
        if not any(cue.span.overlaps(other.span) and said in _letters(other) for other in dialogue):
            yield replace(cue, kind="signs")


def _primary(track: _Track) -> str:
    return track.label.language.partition("-")[0]


def _letters(cue: Subtitle) -> str:
    return "".join(filter(str.isalnum, cue.text.casefold()))


def _embedded(path: Path, on_problem: Callable[[str], None]) -> list[_Track]:
    """The text tracks inside a video. Raises SubtitleError, MediaError."""
    with open_container(path) as container:
        if not container.streams.subtitles:
            return []
        film = video_stream(container, path)
        start = start_of(container, film)
        continuity = read_continuity(path) if is_stamped(container, film) else None
        labels: dict[int, Label] = {}
        pictures: list[str] = []
        # Read here: a stream's fields are freed memory once its container is closed.
        for stream in container.streams.subtitles:
            codec = stream.codec_context.name if stream.codec_context is not None else "unknown"
            if codec in _TEXT_CODECS:
                labels[stream.index] = _label(stream)
            else:
                pictures.append(codec)
        if pictures:
            number = f"{len(pictures)} subtitle track{'s' if len(pictures) > 1 else ''}"
            on_problem(
                f"{shown(path)} holds {number} of pictures ({', '.join(dict.fromkeys(pictures))}), not read; add the "
                "subtitles as text"
            )
        if not labels:
            return []
        shifted = {index: shifts_of(continuity, container.streams[index], start) for index in labels}
        counts = dict.fromkeys(labels, 0)
        found: dict[int, list[tuple[Fraction, Fraction | None, tuple[str, ...]]]] = {index: [] for index in labels}
        try:
            # All streams' packets, though few are wanted: minutes may lie between two lines, and reading is to show.
            for packet in packets(container):
                index = packet.stream.index
                if index in found and packet.size:
                    packet = shifted[index].moved(packet, counts[index])
                    counts[index] += 1
                    if packet.pts is None:
                        continue
                    begin = packet.pts * packet.time_base - start
                    length = packet.duration * packet.time_base if packet.duration else None
                    found[index].append((begin, begin + length if length else None, _lines(packet)))
        except FFmpegError as error:
            if not any(found.values()):
                raise SubtitleError(
                    f"the subtitles inside {shown(path)} cannot be read; copy the file again"
                ) from error
    return [_Track(label, tuple(_timed(found[index], label.language))) for index, label in labels.items()]


def _timed(lines: list[tuple[Fraction, Fraction | None, tuple[str, ...]]], language: str) -> Iterator[Subtitle]:
    cues: list[Cue] = []
    for number, (begin, end, text) in enumerate(lines):
        begin_s = max(0.0, float(begin))
        end_s = float(end) if end is not None else begin_s + DEFAULT_S
        if end is None and number + 1 < len(lines) and lines[number + 1][0] > begin:
            end_s = min(end_s, float(lines[number + 1][0]))
        if text and begin_s < end_s:
            cues.append(Cue(begin_s, end_s, text))
    for cue in said_once(cues):
        if (made := subtitle(cue.begin_s, cue.end_s, " ".join(cue.lines), language)) is not None:
            yield made


def _lines(packet: Any) -> tuple[str, ...]:
    try:
        rects = packet.decode()
    except (FFmpegError, ValueError):
        return ()
    lines: list[str] = []
    for rect in rects:
        event = getattr(rect, "ass", b"").decode("utf-8", "replace")
        if r"\p1" not in event:  # a drawing, not a text
            # Eight fields stand before the text: order, layer, style, name, three margins, effect.
            fields = event.split(",", 8)
            lines += map(clean, (fields[-1] if len(fields) == 9 else event).split(r"\N"))
    return tuple(filter(None, lines))


def _label(stream: Any) -> Label:
    kinds = {kind for name, kind in _KINDS.items() if getattr(type(stream.disposition), name, 0) & stream.disposition}
    kind: Kind = "signs" if "signs" in kinds else "sdh" if kinds else "full"
    return track_label(stream.language or "", stream.metadata.get("title", ""), kind)


def _fps(path: Path) -> float:
    try:
        with open_container(path) as container:
            return float(video_stream(container, path).average_rate or 0)
    except MediaError:
        return 0.0
