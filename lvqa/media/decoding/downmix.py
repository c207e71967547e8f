"""Several channels of sound as one. Knows samples, not files.

Mixed as FFmpeg mixes; but where channels cancel each other, the loudest is taken as it is: a microphone that was wired
the wrong way round, or a "surround" effect, else leaves silence.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import av
import numpy as np
import numpy.typing as npt
from av.error import FFmpegError

from lvqa.media.values import Samples

Timed = tuple[float | None, Samples]

# A mix that keeps less than this share of the energy that channels with nothing in common would give has cancelled.
_CANCELLED = 0.1
# Energy a sample below which there is nothing to hear: -80 dB.
_SILENT = 1e-8
# Another channel is taken only where it has so many times the energy: no changing to and fro between equals.
_LOUDER = 2.0
# What FFmpeg's mix has of a surround channel.
_SURROUND = 0.5


class Downmix:
    """Takes samples of all channels, gives those of one; decides for about a second at a time.

    Args:
        rate: samples a second.
        layout: how FFmpeg names the channels.
        channels: how many there are.
    """

    def __init__(self, rate: int, layout: Any, channels: int) -> None:
        self._rate = rate
        self._weights = _weights(layout, channels)
        self._held: list[tuple[float | None, npt.NDArray[np.float32]]] = []
        self._count = 0
        self._channel = 0

    def add(self, time_s: float | None, samples: npt.NDArray[np.float32]) -> Iterator[Timed]:
        """Take (channels, n) samples; yields what is decided by now, in the pieces in which it was given."""
        if len(samples) == 1:
            yield time_s, samples[0]
            return
        self._held.append((time_s, samples))
        self._count += samples.shape[1]
        if self._count >= self._rate:
            yield from self.rest()

    def rest(self) -> Iterator[Timed]:
        """What is left."""
        held, self._held, self._count = self._held, [], 0
        if held:
            weights = self._chosen(np.concatenate([samples for _, samples in held], axis=1))
            for time_s, samples in held:
                yield time_s, weights @ samples

    def _chosen(self, samples: npt.NDArray[np.float32]) -> Samples:
        energies = np.mean(np.square(samples), axis=1)
        # Low frequencies alone, as LFE holds them, have no part in the mix and are not listened to.
        heard = np.where(self._weights > 0, energies, 0)
        mixed = float(np.mean(np.square(self._weights @ samples)))
        if heard.max() < _SILENT or mixed >= _CANCELLED * float(np.square(self._weights) @ energies):
            return self._weights
        if heard.max() > _LOUDER * heard[self._channel]:
            self._channel = int(heard.argmax())
        alone = np.zeros_like(self._weights)
        alone[self._channel] = 1
        return alone


def _weights(layout: Any, channels: int) -> Samples:
    """How much of each channel FFmpeg's mix to mono has: what it makes of a single sample in each.

    Channels that it leaves out (those above, and those that have no place) are taken as surrounds are, but for bass.
    """
    ones = np.zeros((1, channels * channels), np.float32)
    ones[0, :: channels + 1] = 1  # packed: the n-th sample has a one in the n-th channel
    try:
        frame = av.AudioFrame.from_ndarray(ones, format="flt", layout=layout)
        frame.sample_rate = 48000
        mixer = av.AudioResampler(format="flt", layout="mono")
        parts = [*mixer.resample(frame), *mixer.resample(None)]
        found = np.concatenate([part.to_ndarray().reshape(-1).astype(np.float32) for part in parts])
    except (FFmpegError, ValueError):  # channels in an order that FFmpeg has no mix of
        found = np.empty(0, np.float32)
    if len(found) != channels:
        return np.full(channels, 1 / channels, np.float32)
    bass = np.array([channel.name.startswith("LFE") for channel in av.AudioLayout(layout).channels])
    return np.where((found == 0) & ~bass, np.float32(_SURROUND), found)
