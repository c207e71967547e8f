"""How fast `FrameReader` samples a video at one frame a second, against the barest loops over decord and PyAV.

All three open the file, give RGB arrays of the same seconds at full size, and close it; they take turns, and medians
are compared. The faster bare loop is the yardstick.
"""

from __future__ import annotations

import importlib.util
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from lvqa.eval.lab.bench.footage import make
from lvqa.eval.lab.bench.outcome import BenchOutcome

BOUND = 0.9
ROUNDS = 7
SECONDS = 120
FPS = 25
SIZE = (640, 360)
_CHUNK = 16


def frame_reader(path: Path) -> int:
    """Sample at 1 fps as lvqa does; returns the number of frames."""
    from lvqa.media import FrameReader

    with FrameReader(path) as reader:
        return sum(frame.image.ndim == 3 for frame in reader.sample(1.0))


def bare_decord(path: Path) -> int:
    """`get_batch` of every second's frame, some at a time."""
    import decord

    reader = decord.VideoReader(str(path))
    rate = reader.get_avg_fps()
    wanted = [index for second in range(SECONDS) if (index := round(second * rate)) < len(reader)]
    count = 0
    for start in range(0, len(wanted), _CHUNK):
        count += len(reader.get_batch(wanted[start : start + _CHUNK]).asnumpy())
    return count


def bare_pyav(path: Path) -> int:
    """Decode in order, on FFmpeg's threads, and convert the first frame of every second."""
    import av

    count = 0
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        stream.thread_type = "AUTO"
        for frame in container.decode(stream):
            if frame.time is not None and frame.time >= count:
                count += frame.to_ndarray(format="rgb24").ndim == 3
    return count


def measure(path: Path, *, rounds: int = ROUNDS) -> BenchOutcome:
    """Let the loops take turns on one file of SECONDS seconds; the first turn only warms up."""
    loops: dict[str, Callable[[Path], int]] = {"FrameReader": frame_reader, "PyAV": bare_pyav}
    if importlib.util.find_spec("decord") is not None:
        loops["decord"] = bare_decord
    times_s: dict[str, list[float]] = {name: [] for name in loops}
    for turn in range(rounds + 1):
        for name, loop in loops.items():
            started = time.perf_counter()
            frames = loop(path)
            if frames != SECONDS:
                raise RuntimeError(f"{name} gave {frames} frames of {SECONDS} seconds; the loops are not comparable")
            if turn:
                times_s[name].append(time.perf_counter() - started)
    medians = {name: statistics.median(times) for name, times in times_s.items()}
    best = min((name for name in loops if name != "FrameReader"), key=lambda name: medians[name])
    facts = {f"{name}, frames/s": SECONDS / seconds for name, seconds in medians.items()}
    return BenchOutcome(
        "decode",
        f"rate of FrameReader at 1 fps, over that of a bare {best} loop ({SECONDS} s of {SIZE[0]}x{SIZE[1]} H.264)",
        medians[best] / medians["FrameReader"],
        BOUND,
        "at least",
        facts=facts,
    )


def main() -> int:
    """Make a video, measure, print the outcome as JSON."""
    with tempfile.TemporaryDirectory() as folder:
        path = make(Path(folder) / "video.mp4", SECONDS, FPS, SIZE)
        print(json.dumps(measure(path).to_dict()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
