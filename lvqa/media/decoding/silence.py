"""Where sound is quiet: a place to cut it at that lies between words. Knows samples alone."""

from __future__ import annotations

import numpy as np

from lvqa.media.values import Samples

# A pause between words lasts about so long; what is quieter for less is a closed p, t or k.
_PAUSE_S = 0.25
_STEP_S = 0.02
# A chunk is shortened by no more than this, and by no more than a share of it.
_MOST_S = 30.0
_SHARE = 0.2


def quiet_place(samples: Samples, rate: int) -> int:
    """Where to cut a stretch of sound, float32 (n,): a number of samples near its end, in the quietest quarter second.

    Of places as quiet the last. The whole stretch where it is too short to look in.
    """
    step, width = max(1, round(_STEP_S * rate)), round(_PAUSE_S / _STEP_S)
    looked = int(min(_MOST_S * rate, _SHARE * len(samples))) // step
    if looked <= width:
        return len(samples)
    first = len(samples) - looked * step
    loud = np.square(samples[first:], dtype=np.float64).reshape(looked, step).mean(axis=1)
    total = np.concatenate([[0.0], np.cumsum(loud)])
    pauses = total[width:] - total[:-width]
    quietest = len(pauses) - 1 - int(np.argmin(pauses[::-1]))
    return first + (quietest + width // 2) * step
