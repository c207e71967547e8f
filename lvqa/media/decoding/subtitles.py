"""Speech as text: subtitle files beside a video, else the text tracks inside it. Knows nothing of sound.

Times count from the start of the container, as those of frames do.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

from av.error import FFmpegError

from lvqa.errors import MediaError, SubtitleError
from lvqa.media.decoding.container import open_container, packets, start_of
from lvqa.media.decoding.continuity import is_stamped, read_continuity, shifts_of
from lvqa.media.decoding.cues import DEFAULT_S, Cue, clean, is_placed, parted_by_style, said_once
from lvqa.media.decoding.streams import video_stream
from lvqa.media.decoding.subtitle_files import beside_index, is_pictures, parse_file, subtitles
from lvqa.media.decoding.subtitle_palettes import PICTURE_CODECS
from lvqa.media.decoding.subtitle_pictures import (
    LEAST_SHARE,
    TEXT_CODECS,
    codec_of,
    labels_beside,
    labels_inside,
    primary,
    read_beside,
    read_inside,
    stream_label,
    wanted_tracks,
)
from lvqa.media.files import shown
from lvqa.media.sidecars import Label, Sidecar, sidecars_in
from lvqa.media.values import OnPicture, Subtitle

# The lines of an event, its style, and whether it is placed.
_Event = tuple[tuple[str, ...], str, bool]


@dataclass(frozen=True, slots=True)
class _Track:
    label: Label
    cues: tuple[Subtitle, ...]


def collect_subtitles(
    path: Path, on_problem: Callable[[str], None], on_picture: OnPicture | None = None
) -> list[Subtitle]:
    """What `lvqa.media.read_subtitles` returns, read in this process. Raises SubtitleError, MediaError."""
    tracks: list[_Track] = []
    unread: list[str] = []
    pictures: list[Sidecar] = []
    for sidecar in sidecars_in(path.parent, [path.name]).get(path.name, []):
        if is_pictures(sidecar.path):
            pictures += [] if beside_index(sidecar.path) else [sidecar]
            continue
        try:
            read = parse_file(sidecar.path, sidecar.label.language, fps=lambda: _fps(path))
        except SubtitleError as error:
            unread.append(str(error))
            continue
        if read.told:
            on_problem(read.told)
        tracks.append(_track(sidecar.label, read.cues))
    look_inside = not any(track.label.kind == "full" for track in tracks)
    if look_inside:
        try:
            tracks += _embedded(path, on_problem)
        except SubtitleError as error:
            unread.append(str(error))
        except MediaError:
            if not tracks and not unread and not pictures:
                raise
    if unread and not any(track.cues for track in tracks):
        raise SubtitleError("; ".join(unread))
    for told in unread:
        on_problem(told)
    chosen = sorted(_chosen(tracks), key=lambda cue: (cue.span, cue.language, cue.text))
    spoken = frozenset(cue.language.partition("-")[0] for cue in chosen if cue.kind == "dialogue")
    try:
        _give_pictures(path, pictures, spoken, look_inside, on_problem, on_picture)
    except MediaError as error:
        on_problem(str(error))
    return chosen


def _give_pictures(
    path: Path,
    sidecars: Sequence[Sidecar],
    spoken: frozenset[str],
    look_inside: bool,
    on_problem: Callable[[str], None],
    on_picture: OnPicture | None,
) -> None:
    """Give out the pictures of tracks that nothing else tells, `spoken` being languages; without a taker, say so."""
    tracks: dict[tuple[Path, int], Label] = {}
    for sidecar in sidecars:
        try:
            labels = labels_beside(sidecar.path, sidecar.label)
            tracks |= {(sidecar.path, index): label for index, label in labels.items()}
        except MediaError as error:
            on_problem(str(error))
    if look_inside:
        tracks |= {(path, index): label for index, label in labels_inside(path).items()}
    wanted = wanted_tracks(tracks, spoken)
    for file in dict.fromkeys(file for file, _ in wanted):
        labels = {index: tracks[file, index] for of, index in wanted if of == file}
        if on_picture is not None:
            (read_inside if file == path else read_beside)(file, labels, on_picture)
            continue
        number = f"{len(labels)} subtitle track{'s' if len(labels) > 1 else ''}"
        on_problem(
            f"{shown(file)} holds {number} of pictures, not read; have OCR read them (pip install 'lvqa[ocr]'), or add "
            "the subtitles as text"
        )


def _chosen(tracks: Sequence[_Track]) -> Iterator[Subtitle]:
    """The dialogue of each language, in full before that for the hard of hearing; what is no dialogue, as signs.

    Of several for one language the first; one with far fewer cues than another is signs, whatever its name says. What
    signs say that the dialogue says at the same time is left out.
    """
    signs = [cue for track in tracks if track.label.kind == "signs" for cue in track.cues]
    full = {primary(track.label) for track in tracks if track.label.kind == "full" and track.cues}
    spoken: dict[str, list[_Track]] = {}
    for track in sorted(tracks, key=lambda track: track.label.kind != "full"):
        # A full one without a language may be that of any; what is of no language may be the same as any.
        same = full & {primary(track.label), ""} if primary(track.label) else full
        if track.cues and (track.label.kind == "full" or (track.label.kind == "sdh" and not same)):
            spoken.setdefault(track.label.language, []).append(track)
    dialogue: list[Subtitle] = []
    for found in spoken.values():
        counts = [sum(cue.kind == "dialogue" for cue in track.cues) for track in found]
        whole = [track for track, count in zip(found, counts, strict=True) if count >= LEAST_SHARE * max(counts)]
        dialogue += [cue for cue in whole[0].cues if cue.kind == "dialogue"]
        signs += [cue for cue in whole[0].cues if cue.kind == "signs"]
        signs += [cue for track in found if track not in whole for cue in track.cues]
    yield from dialogue
    for cue in dict.fromkeys(signs):
        said = _letters(cue)
        if not any(cue.span.overlaps(other.span) and said in _letters(other) for other in dialogue):
            yield replace(cue, kind="signs")


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
        unknown = 0
        # Read here: a stream's fields are freed memory once its container is closed.
        for stream in container.streams.subtitles:
            if codec_of(stream) in TEXT_CODECS:
                labels[stream.index] = stream_label(stream)
            unknown += codec_of(stream) not in TEXT_CODECS | PICTURE_CODECS
        if unknown:
            number = f"{unknown} subtitle track{'s' if unknown > 1 else ''}"
            on_problem(f"{shown(path)} holds {number} of a kind that is not read; add the subtitles as text")
        if not labels:
            return []
        shifted = {index: shifts_of(continuity, container.streams[index], start) for index in labels}
        counts = dict.fromkeys(labels, 0)
        found: dict[int, list[tuple[Fraction, Fraction | None, _Event]]] = {index: [] for index in labels}
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
                    found[index].append((begin, begin + length if length else None, _event(packet)))
        except FFmpegError as error:
            if not any(found.values()):
                raise SubtitleError(
                    f"the subtitles inside {shown(path)} cannot be read; copy the file again"
                ) from error
    return [_track(label, _timed(found[index], label.language)) for index, label in labels.items()]


def _track(label: Label, cues: Iterable[Subtitle]) -> _Track:
    """A track with its cues; signs where nothing of it is dialogue."""
    held = tuple(cues)
    signs = held and all(cue.kind == "signs" for cue in held)
    return _Track(replace(label, kind="signs") if signs else label, held)


def _timed(events: list[tuple[Fraction, Fraction | None, _Event]], language: str) -> Iterator[Subtitle]:
    cues: list[Cue] = []
    for number, (begin, end, event) in enumerate(events):
        begin_s = max(0.0, float(begin))
        end_s = float(end) if end is not None else begin_s + DEFAULT_S
        if end is None and number + 1 < len(events) and events[number + 1][0] > begin:
            end_s = min(end_s, float(events[number + 1][0]))
        lines, style, placed = event
        if lines and begin_s < end_s:
            cues.append(Cue(begin_s, end_s, lines, style, placed))
    said, signs = parted_by_style(cues)
    yield from subtitles(said_once(said), language)
    yield from subtitles(signs, language, "signs")


def _event(packet: Any) -> _Event:
    try:
        rects = packet.decode()
    except (FFmpegError, ValueError):
        return (), "", False
    lines: list[str] = []
    style, placed = "", False
    for rect in rects:
        event = getattr(rect, "ass", b"").decode("utf-8", "replace")
        if r"\p1" not in event:  # a drawing, not a text
            # Eight fields stand before the text: order, layer, style, name, three margins, effect.
            fields = event.split(",", 8)
            if len(fields) == 9:
                style, event = fields[2], fields[-1]
            placed = placed or is_placed(event)
            lines += map(clean, event.split(r"\N"))
    return tuple(filter(None, lines)), style, placed


def _fps(path: Path) -> float:
    try:
        with open_container(path) as container:
            return float(video_stream(container, path).average_rate or 0)
    except MediaError:
        return 0.0
