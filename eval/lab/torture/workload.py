"""What is done to an archive while it comes to harm: footage made on the spot, quick fakes that see it, three actions.

The fakes wait some milliseconds a call, as models do, so that a run is spread over many commits and harm can come
between any two. The same footage gives the same rows every time. Knows no harm.
"""

from __future__ import annotations

import json
import time
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from lvqa.models.base import Frame, Vectors, VisionRequest
from lvqa.models.fake import COLOURS, FakeEmbedder, FakeImageEmbedder, FakeReader, FakeVision, colour_name

if TYPE_CHECKING:
    from lvqa.models.profiles import Models

Action = Literal["index", "import", "remove"]
ACTIONS: tuple[Action, ...] = ("index", "import", "remove")
LATENCY_S = 0.03
FPS = 4
_BITS = 8
_THINGS = ("kettle", "ladder", "bicycle", "lantern", "anchor", "violin", "teapot", "compass", "basket", "hammer")
_DOINGS = ("falls", "turns", "shines", "rolls", "rests", "swings", "opens", "drips")


@dataclass(frozen=True, slots=True)
class Reel:
    """One video: its size, its shots as (colour, seconds), whether it has sound, and what its subtitles say."""

    name: str
    size: tuple[int, int]
    shots: tuple[tuple[str, int], ...]
    codec: str = "libx264"
    audio: bool = False
    said: tuple[str, ...] = ()

    @property
    def seconds(self) -> int:
        """How long it is."""
        return sum(seconds for _, seconds in self.shots)


REELS = (
    Reel("attic.mp4", (96, 64), (("red", 6), ("blue", 8), ("yellow", 6)), audio=True),
    Reel("bridge.mkv", (64, 48), (("green", 9), ("grey", 9)), "mpeg4"),
    Reel(
        "cellar.mp4", (96, 64), (("orange", 12), ("black", 6), ("cyan", 12)), said=("Mind the step.", "Light, please.")
    ),
    Reel("deck.avi", (160, 96), (("blue", 5), ("white", 5)), "mpeg4", audio=True),
    Reel("trips/east.mp4", (96, 64), (("magenta", 10), ("green", 10)), said=("We start at dawn.", "The tea is cold.")),
    Reel("fair.mov", (64, 48), (("yellow", 4), ("red", 4), ("blue", 4), ("grey", 4)), "mpeg4"),
)
REMOVED = REELS[2].name  # what the action `remove` takes out


def make_footage(folder: Path) -> list[Path]:
    """Write the six videos, and subtitles beside two of them, into a folder, which is made; returns the videos."""
    from lvqa.eval.lab.footage_writer import write_video

    paths: list[Path] = []
    for number, reel in enumerate(REELS):
        path = write_video(folder / reel.name, _frames(reel, number), fps=FPS, codec=reel.codec, audio=reel.audio)
        if reel.said:
            path.with_suffix(".srt").write_text(_srt(reel.said), encoding="utf-8")
        paths.append(path)
    return paths


def write_captions(path: Path, folder: Path) -> Path:
    """Write captions to import: twelve for each of two videos of the folder, and twelve for one without a file."""
    del folder  # names are relative to it
    lines: list[str] = []
    for name in (REELS[0].name, REELS[4].name, "lost.mp4"):
        for k in range(12):
            text = f"{_phrase(zlib.crc32(f'{name} {k}'.encode()))} in {Path(name).stem}"
            lines.append(json.dumps({"video": name, "start_s": 1.5 * k, "end_s": 1.5 * k + 1.5, "text": text}))
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def settings() -> dict[str, Any]:
    """Short clips in small batches, so that there are many commits; summaries are extracted."""
    return {
        "clip_max_s": 2.0,
        "clip_batch": 2,
        "frames_per_clip": 2,
        "segment_min_s": 5.0,
        "segment_max_s": 12.0,
        "summaries": "extractive",
    }


def models(latency_s: float = LATENCY_S, caption: Callable[[VisionRequest], str] | None = None) -> Models:
    """Fakes that see, read and embed, each call in `latency_s`; they are the same in every process."""
    from lvqa.models.profiles import Models

    return Models.of(
        vision=FakeVision(caption or caption_of, latency_s=latency_s),
        embedder=SlowEmbedder(latency_s=latency_s),
        image_embedder=SlowImageEmbedder(latency_s=latency_s),
        ocr=FakeReader(_after(latency_s, _sign)),
    )


def perform(
    action: Action,
    folder: Path,
    index_dir: Path,
    *,
    captions: Path | None = None,
    video: str = REMOVED,
    latency_s: float = LATENCY_S,
    caption: Callable[[VisionRequest], str] | None = None,
    wait_s: float = 0.0,
    on_wait: Callable[[str], None] | None = None,
) -> Any:
    """Do one action through `lvqa.archive.archive.Archive`, to its end; returns what the archive returns.

    Args:
        action: `index` the folder, `import` the captions, or `remove` the video.
        folder: the videos, as `make_footage` leaves them.
        index_dir: where the index lies, or will.
        captions: a file of `write_captions`; for `import` alone.
        video: what `remove` takes out; one that is not in the index (any more) is nothing to do.
        latency_s: of each call of a model.
        caption: what the fake that sees says of a clip, where it is not `caption_of`.
        wait_s: how long to wait for another writer.
        on_wait: told who that is, once it is waited for.

    Raises:
        LvqaError: as the archive does.
        ValueError: `import` without captions.
    """
    from lvqa.archive.archive import Archive

    with Archive(folder, archive_dir=index_dir, models=models(latency_s, caption), **settings()) as archive:
        waiting: dict[str, Any] = {"wait_s": wait_s, "on_wait": on_wait} if wait_s else {}
        if action == "index":
            return archive.index(**waiting)
        if action == "import":
            if captions is None:
                raise ValueError("import needs a file of captions")
            return archive.import_captions(captions, **waiting)
        if archive.exists and archive.store.videos.find(video):
            return archive.remove(video, **waiting)
        return None


class SlowEmbedder(FakeEmbedder):
    """A FakeEmbedder that takes its time."""

    def __init__(self, dim: int = 32, *, latency_s: float = LATENCY_S) -> None:
        super().__init__(dim)
        self._latency_s = latency_s

    def encode_document(self, texts: Sequence[str]) -> Vectors:
        """Unit vectors, float32 (n, dim)."""
        time.sleep(self._latency_s)
        return super().encode_document(texts)


class SlowImageEmbedder(FakeImageEmbedder):
    """A FakeImageEmbedder that takes its time."""

    def __init__(self, dim: int = 8, *, latency_s: float = LATENCY_S) -> None:
        super().__init__(dim)
        self._latency_s = latency_s

    def encode_frames(self, frames: Sequence[Frame]) -> Vectors:
        """Unit vectors, float32 (n, dim)."""
        time.sleep(self._latency_s)
        return super().encode_frames(frames)


def _after(latency_s: float, read: Callable[[Frame], str]) -> Callable[[Frame], str]:
    def slowly(frame: Frame) -> str:
        time.sleep(latency_s / 4)  # a call of the reader shows it several frames
        return read(frame)

    return slowly


def _frames(reel: Reel, number: int) -> Iterator[Frame]:
    second = 0
    for colour, seconds in reel.shots:
        for _ in range(seconds):
            yield from [_frame(reel.size, colour, 32 * number + second)] * FPS
            second += 1


def _frame(size: tuple[int, int], colour: str, stamp: int) -> Frame:
    """A plain frame with a number in it, as a row of black and white blocks, which survive any codec."""
    frame = np.full((size[1], size[0], 3), COLOURS[colour], np.uint8)
    for bit in range(_BITS):
        frame[8:16, 8 * bit : 8 * bit + 8] = 255 if stamp >> bit & 1 else 0
    return frame


def _stamp(frame: Frame) -> int:
    return sum(1 << bit for bit in range(_BITS) if frame[10:14, 8 * bit + 2 : 8 * bit + 6].mean() > 128)


def caption_of(request: VisionRequest) -> str:
    """What the fake that sees says of a clip, from its first frame."""
    first = request.frames[0]
    return f"{_phrase(_stamp(first))} before a {colour_name(first)} wall, take {_stamp(first)}"


def _phrase(number: int) -> str:
    thing, doing = _THINGS[number % len(_THINGS)], _DOINGS[number // 3 % len(_DOINGS)]
    return f"a {thing} {doing}"


def _sign(frame: Frame) -> str:
    """Every fifth second shows a sign."""
    stamp = _stamp(frame)
    return f"GATE {stamp} OPEN" if stamp % 5 == 0 else ""


def _srt(said: Sequence[str]) -> str:
    return "\n".join(
        f"{k + 1}\n00:00:{5 * k + 1:02d},000 --> 00:00:{5 * k + 4:02d},000\n{text}\n" for k, text in enumerate(said)
    )
