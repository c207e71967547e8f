"""The sound of a video as samples, in chunks. Knows nothing of speech."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import av
import numpy as np
from av.error import FFmpegError

from lvqa.errors import MediaError
from lvqa.media.decoding.container import decoded, open_container, packets, start_of
from lvqa.media.decoding.continuity import Shifted, is_stamped, read_continuity, shifts_of
from lvqa.media.decoding.downmix import Downmix
from lvqa.media.decoding.silence import quiet_place
from lvqa.media.decoding.streams import audio_stream
from lvqa.media.files import shown
from lvqa.media.values import Samples, room_for

# Timestamps jitter by less; a longer hole starts a new chunk, so that no offset drifts.
_GAP_S = 0.1
# Samples a second; resampled from fewer, a few bytes would become hours.
_LEAST_RATE = 1000


def decode_audio(path: Path, rate: int, chunk_s: float, track: int = 0) -> Iterator[tuple[float, Samples]]:
    """What `lvqa.media.read_audio` yields, decoded in this process. Raises MediaError.

    The memory of a chunk is taken at once. A chunk ends where it is quiet, so that no word is cut in two.
    """
    most = max(1, round(chunk_s * rate))
    chunk = room_for(most)
    count = 0
    offset_s = 0.0
    with open_container(path) as container:
        if not container.streams.audio:
            return
        stream = audio_stream(container, track)
        if stream is None:
            raise _undecodable(path)
        base = container.streams.video[0] if container.streams.video else stream
        start = start_of(container, base)
        start_s = float(start)
        continuity = read_continuity(path) if is_stamped(container, stream) else None
        shifted = shifts_of(continuity, stream, start)
        for time_s, samples in _decode(container, stream, rate, path, shifted):
            at_s = time_s - start_s if time_s is not None else offset_s + count / rate
            if count and abs(at_s - (offset_s + count / rate)) > _GAP_S:
                yield offset_s, chunk[:count]
                chunk, count = room_for(most), 0
            if not count:
                offset_s = max(0.0, at_s)
            while len(samples):
                fits = samples[: most - count]
                chunk[count : count + len(fits)] = fits
                count += len(fits)
                samples = samples[len(fits) :]
                if count == most:
                    cut = quiet_place(chunk, rate)
                    following, count = room_for(most), most - cut
                    following[:count] = chunk[cut:]
                    yield offset_s, chunk[:cut]
                    chunk = following
                    offset_s += cut / rate
        if count:
            yield offset_s, chunk[:count]


def _decode(
    container: Any, stream: Any, rate: int, path: Path, shifted: Shifted
) -> Iterator[tuple[float | None, Samples]]:
    resampler: Any = None
    mixer: Any = None
    damaged = good = 0

    def heard(resampled: list[Any]) -> Iterator[tuple[float | None, Samples]]:
        for frame in resampled:
            if frame is not None and frame.samples:
                # Packed: PyAV counts the planes of eight channels and more wrong, and reads where nothing is.
                samples = frame.to_ndarray().astype(np.float32, copy=False).reshape(-1, frame.layout.nb_channels)
                yield from mixer.add(frame.time, np.ascontiguousarray(samples.T))

    def ended() -> Iterator[tuple[float | None, Samples]]:
        yield from heard(resampler.resample(None))
        yield from mixer.rest()

    try:
        for packet in shifted.all_moved(packets(container, stream)):
            frames = decoded(packet, path)
            if frames is None:
                damaged += 1
                continue
            good += len(frames)
            for frame in frames:
                if frame.sample_rate < _LEAST_RATE:
                    damaged += 1
                    good -= 1
                    continue
                try:
                    resampled = resampler.resample(frame) if resampler is not None else None
                except ValueError:  # the track changes its rate or its layout on the way
                    yield from ended()
                    resampled = None
                if resampled is None:
                    layout = frame.layout
                    resampler = av.AudioResampler(format="flt", layout=layout, rate=rate)
                    mixer = Downmix(rate, layout, layout.nb_channels)
                    resampled = resampler.resample(frame)
                yield from heard(resampled)
    except FFmpegError:
        pass  # the file cannot be read on; what was decoded stands
    if damaged and not good:
        raise _undecodable(path)
    if resampler is not None:
        yield from ended()


def _undecodable(path: Path) -> MediaError:
    return MediaError(f"the sound of {shown(path)} cannot be decoded; convert the file, or leave its speech out")
