"""The sound of a video that is to be heard: one track, or each on request. Knows no model."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from lvqa.media import Samples, probe, read_audio
from lvqa.types import ALL_TRACKS

RATE = 16000


def heard_sound(path: Path, audio_track: int, done_s: float) -> Iterator[tuple[float, Samples, float]]:
    """The chunks of a video's sound that are still to be heard.

    Args:
        path: the video.
        audio_track: the setting of that name.
        done_s: how far the sound was heard before; of several tracks the last.

    Yields:
        (offset_s, samples, done_s): where the chunk begins, float32 (n,) at RATE, and how far all is heard behind it.

    Raises MediaError.
    """
    tracks = [audio_track] if audio_track != ALL_TRACKS else list(range(1, probe(path, exact=False).audio_tracks + 1))
    for track in tracks:
        last = track == tracks[-1]
        if done_s and not last:
            continue
        for offset_s, samples in read_audio(path, rate=RATE, track=track):
            end_s = offset_s + len(samples) / RATE
            if not last or end_s > done_s + 1e-3:
                yield offset_s, samples, end_s if last else 0.0
            del samples  # else this chunk would stay while the next is decoded
