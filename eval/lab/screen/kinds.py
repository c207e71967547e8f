"""Other ways in which text comes onto a screen, one short film each: nothing of the rules was chosen by them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from lvqa.eval.lab.footage_writer import write_video
from lvqa.eval.lab.screen.everyday import TRUTH_FILE, OnScreen, font, read_truth, slide, terminal, write_truth
from lvqa.models.base import Frame

FPS = 10
_OPTIONS = {"preset": "ultrafast", "crf": "26", "bf": "0"}
_SAID = [
    "Where is the blue key?",
    "I left it on the table.",
    "There is nothing here.",
    "Then look behind the door.",
    "Somebody has been in this room.",
    "We should call the harbour.",
    "The last ferry left at noon.",
    "Nobody will come before Monday.",
]
_BULLETS = ["Carbon fixation by RuBisCO", "Reduction", "Regeneration of RuBP", "Three turns give one G3P"]
_LOG = [f"{name} {n}.{n * 7 % 10}: {word}" for n, (name, word) in enumerate(
    zip(["zlib", "curl", "python", "openssl", "sqlite", "ffmpeg", "numpy", "pillow", "torch", "faiss"] * 3,
        ["fetching archive", "unpacking", "applying patches", "building wheel", "running tests", "installed"] * 5,
        strict=True))]  # fmt: skip


def build(folder: Path) -> list[OnScreen]:
    """Make all films below a folder unless they are there; returns what they show."""
    truth_file = folder.parent / f"{folder.name}.{TRUTH_FILE}"
    if not truth_file.exists():
        truth: list[OnScreen] = []
        for name, make in KINDS.items():
            frames, shown = make()
            write_video(folder / f"{name}.mp4", frames, fps=FPS, options=_OPTIONS, gop=50)
            truth += [OnScreen(f"{name}.mp4", *row) for row in shown]
        write_truth(truth_file, truth)
    return read_truth(truth_file)


Film = tuple[Iterator[Frame], list[tuple[float, float, str]]]


def moving(time_s: float, seed: int = 3) -> Frame:
    """A landscape of blots that a camera pans over."""
    rng = np.random.default_rng(seed)
    image = Image.new("RGB", (1400, 360), (90, 120, 90))
    draw = ImageDraw.Draw(image)
    for _ in range(120):
        x, y, r = int(rng.integers(0, 1400)), int(rng.integers(0, 360)), int(rng.integers(8, 60))
        draw.ellipse((x - r, y - r, x + r, y + r), fill=tuple(int(c) for c in rng.integers(20, 230, 3)))
    left = int(60 * time_s) % 760
    return np.asarray(image.crop((left, 0, left + 640, 360)))


def written(frame: Frame, *texts: tuple[int, int, int, str]) -> Frame:
    """A frame with texts at (x, y, size), white with a black edge."""
    image = Image.fromarray(frame)
    draw = ImageDraw.Draw(image)
    for x, y, size, text in texts:
        draw.text((x, y), text, font=font(size, "Sans-Bold"), fill="white", stroke_width=2, stroke_fill="black")
    return np.asarray(image)


def _over(seconds: float, draw: Callable[[float], Frame]) -> Iterator[Frame]:
    return (draw(n / FPS) for n in range(round(seconds * FPS)))


def _subtitles(each_s: float, first_s: float, background: Callable[[float], Frame]) -> Film:
    times = [(first_s + n * each_s, first_s + (n + 1) * each_s, text) for n, text in enumerate(_SAID)]

    def draw(time_s: float) -> Frame:
        now = [text for start_s, end_s, text in times if start_s <= time_s < end_s]
        return written(background(time_s), *((60, 310, 24, text) for text in now))

    return _over(times[-1][1] + 2, draw), times


def _still(time_s: float) -> Frame:
    return moving(0.0)


def _clock() -> Film:
    def draw(time_s: float) -> Frame:
        frame = written(moving(0.0), (470, 20, 26, f"20:15:{int(time_s):02d}"), (30, 250, 28, "HARBOUR CLOSED"))
        return written(frame, (30, 300, 22, "Live: Port Ellis" if time_s < 30 else "Reporter: Dana Whitfield"))

    clock = "\n".join(f"20:15:{second:02d}" for second in range(60))
    return _over(60, draw), [
        (0, 60, clock),
        (0, 30, "HARBOUR CLOSED\nLive: Port Ellis"),
        (30, 60, "HARBOUR CLOSED\nReporter: Dana Whitfield"),
    ]


def _scrolling() -> Film:
    """Five lines a second for six seconds, then what is left there stands."""
    last = _LOG[-16:]
    shown = [(0.0, 5.8, "\n".join(_LOG[:-16])), (5.8, 20.0, "\n".join(last)), (0.0, 20.0, "sam@laptop: ~/work")]
    return _over(20, lambda time_s: terminal(_LOG[: 1 + int(5 * min(time_s, 5.8))][-16:])), shown


def _bullets(each_s: float) -> Film:
    def draw(time_s: float) -> Frame:
        return slide("The Calvin cycle", _BULLETS[: int(time_s / each_s)], "Biology 101")

    states = [(n * each_s, (n + 1) * each_s, "\n".join(["The Calvin cycle", *_BULLETS[:n]])) for n in range(5)]
    states[-1] = (states[-1][0], 30.0, states[-1][2])
    if each_s < 2:
        return _over(30, draw), [(0.0, 30.0, "\n".join([states[-1][2], "Biology 101"]))]
    return _over(30, draw), [*states, (0.0, 30.0, "Biology 101")]


def _fading() -> Film:
    """Slides that fade into one another for a second."""
    slides = [slide(f"Part {word}", [text, "and more of it"], "") for word, text in zip("ABC", _SAID, strict=False)]

    def draw(time_s: float) -> Frame:
        n, into_s = int(time_s / 10), time_s % 10
        if into_s < 9 or n == 2:
            return slides[n]
        share = into_s - 9
        return np.asarray((1 - share) * slides[n] + share * slides[n + 1], np.uint8)

    return _over(30, draw), [
        (10.0 * n, 10.0 * n + 9.3, f"Part {'ABC'[n]}\n{_SAID[n]}\nand more of it") for n in range(3)
    ]


def _speaker() -> Film:
    """Slides beside a camera picture that never stands still."""
    slides = [slide(_SAID[n], _BULLETS, f"Biology 101   {n + 1}/3") for n in range(3)]

    def draw(time_s: float) -> Frame:
        frame = slides[int(time_s / 15)].copy()
        frame[300:440, 640:840] = moving(time_s)[100:240, 100:300]
        return frame

    return _over(45, draw), [
        (15.0 * n, 15.0 * n + 15, "\n".join([_SAID[n], *_BULLETS, f"Biology 101 {n + 1}/3"])) for n in range(3)
    ]


KINDS: dict[str, Callable[[], Film]] = {
    "subtitles two seconds each": lambda: _subtitles(2.0, 1.0, _still),
    "subtitles off the beat": lambda: _subtitles(2.3, 0.7, _still),
    "subtitles over a moving camera": lambda: _subtitles(2.6, 0.7, moving),
    "moving camera, no text": lambda: (_over(30, moving), []),
    "clock": _clock,
    "scrolling": _scrolling,
    "bullets five seconds each": lambda: _bullets(5.0),
    "bullets at once": lambda: _bullets(0.8),
    "fading slides": _fading,
    "speaker beside slides": _speaker,
}
