"""The sound of a video that is to be heard: one track, or each on request; none of a language that nobody knows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from lvqa.indexers.stages.listen import Listener
from lvqa.media import Samples, probe, read_audio
from lvqa.types import ALL_TRACKS

RATE = 16000


def tracks_to_hear(path: Path, audio_track: int, listener: Listener, language: str) -> tuple[list[int], list[str]]:
    """Which audio tracks of a video are heard, and lines about those that are not.

    What the file says to be in a language that the transcriber does not know would come to words that nobody said.

    Args:
        path: the video.
        audio_track: the setting of that name.
        listener: what hears.
        language: the setting of that name; it goes before what the file says.

    Raises MediaError.
    """
    known: frozenset[str] = frozenset() if language else getattr(listener.role.model, "languages", frozenset())
    if audio_track != ALL_TRACKS and not known:
        return [audio_track], []
    info = probe(path, exact=False).streams
    tracks, lines = [], []
    for track in range(1, info.audio_tracks + 1) if audio_track == ALL_TRACKS else [info.heard(audio_track)]:
        spoken = info.audio_languages[track - 1].partition("-")[0] if track else ""
        if not known or not spoken or spoken in known:
            tracks.append(track)
            continue
        lines.append(
            f"{path.name}: audio track {track} is marked as {spoken!r}, and {listener.role.name} knows "
            f"{', '.join(sorted(known))} only: not heard; name a model that knows it with --asr, such as "
            f"whisper:small, or set language = {min(known)} where the mark is wrong"
        )
    return tracks, lines


def heard_sound(path: Path, tracks: Sequence[int], done_s: float) -> Iterator[tuple[float, Samples, float]]:
    """The chunks of a video's sound that are still to be heard.

    Args:
        path: the video.
        tracks: the numbers of its audio tracks that are heard, one after the other; 0 for the film's.
        done_s: how far the sound was heard before; of several tracks the last.

    Yields:
        (offset_s, samples, done_s): where the chunk begins, float32 (n,) at RATE, and how far all is heard behind it.

    Raises MediaError.
    """
    for track in tracks:
        last = track == tracks[-1]
        if done_s and not last:
            continue
        for offset_s, samples in read_audio(path, rate=RATE, track=track):
            end_s = offset_s + len(samples) / RATE
            if not last or end_s > done_s + 1e-3:
                yield offset_s, samples, end_s if last else 0.0
            del samples  # else this chunk would stay while the next is decoded
