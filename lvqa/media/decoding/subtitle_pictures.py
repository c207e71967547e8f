"""Subtitles that are pictures (PGS, VobSub, DVB, XSUB), each as a text recogniser reads it best. Knows no recogniser.

Bright letters on black, whatever the colours were: what lies around letters is made one with their outline.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any, Literal, TypeVar

import numpy as np
from av.error import FFmpegError

from lvqa.media.decoding.container import open_container, packets, start_of
from lvqa.media.decoding.continuity import Continuity, Shifted, is_stamped, read_continuity, shifts_of
from lvqa.media.decoding.cues import DEFAULT_S
from lvqa.media.decoding.streams import video_stream
from lvqa.media.decoding.subtitle_palettes import PICTURE_CODECS, Colours, Palette, palette_of
from lvqa.media.sidecars import Kind, Label, track_label
from lvqa.media.values import MOST_PIXELS, Frame, OnPicture, SubtitlePicture
from lvqa.types import Span

K = TypeVar("K")

_TEXTS = "subrip srt webvtt mov_text ass ssa text microdvd mpl2 subviewer subviewer1 jacosub ttml"
TEXT_CODECS = frozenset(_TEXTS.split())
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
LEAST_SHARE = 0.25
# Formats of subtitle files that hold pictures; a VobSub's index opens the file of that name beside it.
_FILE_FORMATS = "sup,vobsub,mpeg"
# What a track that is a trap has more is not read.
_MOST_PICTURES = 20_000
# A picture that its format leaves standing for hours stands no longer.
_LONGEST_S = 30.0
# As FFmpeg has it: until something else is shown.
_UNTIL_NEXT = 0xFFFFFFFF
# A picture that comes again so soon, with other colours or not, goes on.
_SAME_GAP_S = 0.2
# Of 255: a letter is so much more luminous than what is around it, or less.
_LEAST_CONTRAST = 64
# A box has fewer pixels at its edge than letters have, of all it has.
_BOX_EDGES = 0.15
# Recognisers read lines of this height well; lower ones are shown twice as large.
_LINE_PIXELS = 28
_MARGIN = 16


@dataclass(slots=True)
class _Shown:
    """A track while it is read: what it shows, since when, and until when at most."""

    label: Label
    palette: Palette
    by_clock: bool = False
    begin_s: float = 0.0
    end_s: float = 0.0
    key: bytes = b""
    strength: int = 0
    image: Frame | None = field(default=None, repr=False)
    count: int = 0

    def show(self, begin_s: float, end_s: float, rects: Sequence[Any]) -> Iterator[SubtitlePicture]:
        """From `begin_s` on it shows these rectangles, until `end_s` at most; yields what it showed before."""
        colours = [self.palette.colours(rect) for rect in rects]
        strength = sum(int(found[:, 1].sum()) for found in colours)
        key = b"".join(b"%d,%d,%d;" % (rect.x, rect.y, rect.width) + bytes(rect.planes[0]) for rect in rects)
        if self.image is not None and key and key == self.key and begin_s - self.end_s <= _SAME_GAP_S:
            self.end_s = max(end_s, self.end_s)
            if strength > self.strength:  # it fades in
                self.strength, self.image = strength, drawn(rects, colours)
            return
        yield from self.ended(begin_s)
        image = drawn(rects, colours) if self.count < _MOST_PICTURES else None
        self.begin_s, self.end_s, self.key, self.strength, self.image = begin_s, end_s, key, strength, image

    def ended(self, at_s: float | None = None) -> Iterator[SubtitlePicture]:
        """What it showed until now, if anything."""
        until_s = self.end_s if at_s is None else min(self.end_s, at_s)
        begin_s = max(0.0, self.begin_s)
        if self.image is not None and begin_s < until_s:
            self.count += 1
            kind: Literal["dialogue", "signs"] = "signs" if self.label.kind == "signs" else "dialogue"
            yield SubtitlePicture(Span(begin_s, until_s), self.image, self.label.language, kind)
        self.image = None


def stream_label(stream: Any) -> Label:
    """What a subtitle stream says of itself."""
    kinds = {kind for name, kind in _KINDS.items() if getattr(type(stream.disposition), name, 0) & stream.disposition}
    kind: Kind = "signs" if "signs" in kinds else "sdh" if kinds else "full"
    return track_label(stream.language or "", stream.metadata.get("title", ""), kind)


def codec_of(stream: Any) -> str:
    """FFmpeg's name of what decodes a subtitle stream."""
    return stream.codec_context.name if stream.codec_context is not None else "unknown"


def primary(label: Label) -> str:
    """A language without its region."""
    return label.language.partition("-")[0]


def wanted_tracks(labels: Mapping[K, Label], told: frozenset[str]) -> list[K]:
    """Which tracks of pictures to read where the dialogue of some languages is told otherwise.

    What is no dialogue, and for each language that is not told one track, one in full before one for the hard of
    hearing. A language that is not known may be any.

    Args:
        labels: what each track says of itself, the best first.
        told: codes of languages, without regions, and "" for one that is not known.
    """
    chosen: dict[str, K] = {}
    spoken = set(told)
    for kind in ("full", "sdh"):
        these = {key: label for key, label in labels.items() if label.kind == kind}
        spoken |= {primary(labels[key]) for key in chosen.values()}
        for key, label in these.items():
            if not spoken or (primary(label) and not spoken & {primary(label), ""}):
                chosen.setdefault(label.language, key)
    return [key for key, label in labels.items() if label.kind == "signs" or key in chosen.values()]


def pictures_inside(container: Any) -> int:
    """How many tracks of pictures of an open video are read where there is a recogniser and no file beside it."""
    labels = {stream.index: stream_label(stream) for stream in container.streams.subtitles}
    texts = {s.index for s in container.streams.subtitles if codec_of(s) in TEXT_CODECS}
    told = frozenset(primary(labels[index]) for index in texts if labels[index].kind != "signs")
    pictures = {s.index: labels[s.index] for s in container.streams.subtitles if codec_of(s) in PICTURE_CODECS}
    return len(wanted_tracks(pictures, told))


def labels_inside(path: Path) -> dict[int, Label]:
    """The tracks of pictures inside a video, by the index of their stream.

    Of several in full for one language, those with far fewer pictures than another are signs. Raises MediaError.
    """
    with open_container(path) as container:
        streams = [s for s in container.streams.subtitles if codec_of(s) in PICTURE_CODECS]
        labels = {stream.index: stream_label(stream) for stream in streams}
        full = [label.language for label in labels.values() if label.kind == "full"]
        rivals = {i: label for i, label in labels.items() if label.kind == "full" and full.count(label.language) > 1}
        if not rivals:
            return labels
        counts = dict.fromkeys(rivals, 0)
        try:
            for packet in packets(container, *(stream for stream in streams if stream.index in rivals)):
                counts[packet.stream.index] += packet.size > 0
        except FFmpegError:
            pass  # what was counted stands
    for index, label in rivals.items():
        most = max(counts[other] for other in rivals if rivals[other].language == label.language)
        if counts[index] < LEAST_SHARE * most:
            labels[index] = Label(label.language, "signs")
    return labels


def read_inside(path: Path, labels: Mapping[int, Label], on_picture: OnPicture) -> None:
    """Give out the pictures of tracks inside a video, in the order in which they end. Raises MediaError."""
    with open_container(path) as container:
        film = video_stream(container, path)
        continuity = read_continuity(path) if is_stamped(container, film) else None
        _read(container, labels, start_of(container, film), on_picture, continuity)


def labels_beside(path: Path, label: Label) -> dict[int, Label]:
    """The tracks of a file of pictures: of a VobSub with several languages each. Raises MediaError."""
    with open_container(path, _FILE_FORMATS) as container:
        streams = [s for s in container.streams.subtitles if codec_of(s) in PICTURE_CODECS]
        several = len(streams) > 1
        languages = {s.index: stream_label(s).language for s in streams}
    if several:
        return {index: Label(language or label.language, label.kind) for index, language in languages.items()}
    return {index: Label(label.language or language, label.kind) for index, language in languages.items()}


def read_beside(path: Path, labels: Mapping[int, Label], on_picture: OnPicture) -> None:
    """As `read_inside`, of a file beside a video. Raises MediaError."""
    with open_container(path, _FILE_FORMATS) as container:
        _read(container, labels, Fraction(0), on_picture)


def _read(
    container: Any,
    labels: Mapping[int, Label],
    start: Fraction,
    on_picture: OnPicture,
    continuity: Continuity | None = None,
) -> None:
    tracks: dict[int, _Shown] = {}
    shifted: dict[int, Shifted] = {}
    counts: Counter[int] = Counter()
    for stream in container.streams.subtitles:
        codec = codec_of(stream)
        if stream.index in labels and codec in PICTURE_CODECS:
            header = bytes(stream.codec_context.extradata or b"")
            # Of others a tag may be no text.
            tag = stream.codec_context.codec_tag if codec == "xsub" else ""
            palette = palette_of(codec, header, tag)
            shifted[stream.index] = shifts_of(continuity, stream, start)
            tracks[stream.index] = _Shown(labels[stream.index], palette, by_clock=codec == "xsub")
    try:
        # All streams' packets, though few are wanted: minutes may lie between two pictures, and reading is to show.
        for packet in packets(container):
            if (track := tracks.get(packet.stream.index)) is None or not packet.size:
                continue
            index = packet.stream.index
            packet = shifted[index].moved(packet, counts[index])
            counts[index] += 1
            track.palette.feed(bytes(packet))
            try:
                shown = packet.stream.codec_context.decode2(packet)
            except (FFmpegError, ValueError, RuntimeError):
                continue
            if shown is None:
                continue
            begin_s, length_s = _times(track, packet, shown, start)
            rects = [rect for rect in shown.rects if rect.type == b"bitmap" and rect.width and rect.height]
            for picture in track.show(begin_s, begin_s + length_s, rects):
                on_picture(picture)
    except FFmpegError:
        pass  # the file cannot be read on; what was read stands
    for track in tracks.values():
        for picture in track.ended():
            on_picture(picture)


def _times(track: _Shown, packet: Any, shown: Any, start: Fraction) -> tuple[float, float]:
    """When what a packet shows begins, in seconds, and how long it stands at most."""
    begin_ms, end_ms = shown.start_display_time, shown.end_display_time
    stands_s = (end_ms - begin_ms) / 1000 if begin_ms < end_ms < _UNTIL_NEXT else 0.0
    if track.by_clock:  # XSUB: the picture itself says when it is shown
        return begin_ms / 1000, stands_s or DEFAULT_S
    at = Fraction(shown.pts, 1_000_000) if shown.pts is not None and shown.pts > -(1 << 62) else None
    if at is None:
        at = packet.pts * packet.time_base if packet.pts is not None else start
    if not stands_s and packet.duration and 0 < packet.duration * packet.time_base <= _LONGEST_S:
        stands_s = float(packet.duration * packet.time_base)
    return float(at - start) + begin_ms / 1000, min(stands_s or _LONGEST_S, _LONGEST_S)


def drawn(rects: Sequence[Any], colours: Sequence[Colours]) -> Frame | None:
    """Rectangles of a picture, one above the other, bright on black; None where there is nothing to read.

    Returns uint8 (h, w).
    """
    parts: list[Frame] = []
    for rect, found in sorted(zip(rects, colours, strict=True), key=lambda pair: (pair[0].y, pair[0].x)):
        plane = np.frombuffer(rect.planes[0], np.uint8)[: rect.width * rect.height].reshape(rect.height, rect.width)
        if (part := _letters(found[plane, 0], found[plane, 1])) is not None:
            parts.append(part)
    if not parts or sum(part.size for part in parts) > MOST_PIXELS // 4:
        return None
    width = max(part.shape[1] for part in parts)
    wide = [np.pad(part, ((_MARGIN // 2,) * 2, (0, width - part.shape[1]))) for part in parts]
    return np.pad(np.concatenate(wide), _MARGIN)


def _letters(luma: Frame, opacity: Frame) -> Frame | None:
    """A rectangle as bright letters on black, cut to what it shows; None where that is one colour or nothing."""
    seen = opacity > max(1, int(opacity.max())) // 2
    rows, columns = np.flatnonzero(seen.any(axis=1)), np.flatnonzero(seen.any(axis=0))
    if not len(rows):
        return None
    part = slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)
    luma, opacity, seen = luma[part], opacity[part], seen[part]
    around = np.pad(seen, 1)
    inside = seen & around[2:, 1:-1] & around[:-2, 1:-1] & around[1:-1, 2:] & around[1:-1, :-2]
    edges = seen & ~inside
    edge, fill = float(np.median(luma[edges])), float(np.median(luma[inside] if inside.any() else luma[seen]))
    # An outline or a box is what letters stand on; letters without one are cut out as they are.
    outlined = abs(edge - fill) >= _LEAST_CONTRAST or edges.sum() < _BOX_EDGES * seen.sum()
    levels = luma[seen]
    if not outlined or max(levels.max() - edge, edge - levels.min()) < _LEAST_CONTRAST:
        edge = 0.0 if fill >= 128 else 255.0
    # In single precision: a picture may have the size of a screen.
    far = np.abs(luma.astype(np.float32) - np.float32(edge)) * (opacity / np.float32(max(1, int(opacity.max()))))
    if far.max() < _LEAST_CONTRAST // 2:
        return None
    bright: Frame = (far * (255 / far.max())).astype(np.uint8)
    lines = np.diff(np.flatnonzero(np.diff(np.pad(seen.any(axis=1), 1).astype(np.int8))))[::2]
    return bright.repeat(2, axis=0).repeat(2, axis=1) if np.median(lines) < _LINE_PIXELS else bright
