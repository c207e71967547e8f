"""HDR pictures (PQ, HLG) as screens of ordinary range show them. Knows colours, not videos.

FFmpeg's own filter for it (zscale) is not in PyAV's wheels, and swscale takes seconds for a table. The curve is that of
ITU-R BT.2390-11, section 5.4, from 1000 to 203 cd/m2 (reference white of BT.2408), on the largest of the three
components, so that no hue turns; then the primaries of BT.2020 become those of BT.709. Dolby Vision without a base that
others can show (profile 5) is not mapped.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt

from lvqa.media.values import Frame

# `color_trc` of FFmpeg's frames.
_TRANSFERS = {16: "pq", 18: "hlg"}
_PEAK, _WHITE = 1000.0, 203.0
_TABLE = 65  # steps a component, the most that Pillow takes
_TO_709 = np.array([[1.6605, -0.5876, -0.0728], [-0.1246, 1.1329, -0.0083], [-0.0182, -0.1006, 1.1187]])
_LUMA_2020 = np.array([0.2627, 0.6780, 0.0593])
_M1, _M2, _C1, _C2, _C3 = 2610 / 16384, 2523 / 32, 3424 / 4096, 2413 / 128, 2392 / 128

Values = npt.NDArray[np.float64]


def transfer_of(frame: Any) -> str:
    """ "pq" or "hlg", or empty for a frame of ordinary range."""
    return _TRANSFERS.get(int(frame.color_trc or 0), "")


def tone_mapped(picture: Frame, transfer: str) -> Frame:
    """An RGB picture with such a transfer, (h, w, 3), as one of ordinary range."""
    from PIL import Image

    return np.asarray(Image.fromarray(picture).filter(_table(transfer)))


@cache
def _table(transfer: str) -> Any:
    from PIL import ImageFilter

    steps = np.linspace(0, 1, _TABLE)
    blue, green, red = np.meshgrid(steps, steps, steps, indexing="ij")  # red varies fastest
    signal = np.stack([red, green, blue], axis=-1)
    light = _pq_light(signal) if transfer == "pq" else _hlg_light(signal)
    largest = np.maximum(light.max(axis=-1, keepdims=True), 1e-6)
    mapped = light * (_eetf(largest) / largest) @ _TO_709.T / _WHITE
    return ImageFilter.Color3DLUT(_TABLE, (np.clip(mapped, 0, 1) ** (1 / 2.2)).reshape(-1).tolist())


def _pq_light(signal: Values) -> Values:
    """SMPTE ST 2084: a signal in 0 to 1 as cd/m2."""
    root = signal ** (1 / _M2)
    return np.asarray(10_000 * (np.maximum(root - _C1, 0) / (_C2 - _C3 * root)) ** (1 / _M1))


def _pq_signal(light: Values) -> Values:
    root = (light / 10_000) ** _M1
    return np.asarray(((_C1 + _C2 * root) / (1 + _C3 * root)) ** _M2)


def _hlg_light(signal: Values) -> Values:
    """ARIB STD-B67 on a screen of 1000 cd/m2: a signal in 0 to 1 as cd/m2."""
    a, b, c = 0.17883277, 0.28466892, 0.55991073
    scene = np.where(signal <= 0.5, signal**2 / 3, (np.exp((signal - c) / a) + b) / 12)
    luma = np.maximum(scene @ _LUMA_2020, 1e-9)[..., None]
    return np.asarray(_PEAK * luma**0.2 * scene)


def _eetf(light: Values) -> Values:
    """BT.2390: light of a screen of _PEAK for one of _WHITE; straight below the knee, a spline above."""
    top = _pq_signal(np.array(_PEAK))
    signal, most = np.minimum(_pq_signal(light) / top, 1), float(_pq_signal(np.array(_WHITE)) / top)
    knee = 1.5 * most - 0.5
    t = np.maximum(signal - knee, 0) / (1 - knee)
    spline = (2 * t**3 - 3 * t**2 + 1) * knee + (t**3 - 2 * t**2 + t) * (1 - knee) + (3 * t**2 - 2 * t**3) * most
    return _pq_light(np.where(signal < knee, signal, spline) * top)
