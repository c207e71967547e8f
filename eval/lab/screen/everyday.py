"""The everyday archive, with what stands on its screens when.

The same videos as `make.py` of the shared folder makes, with the same words, pictures, lengths and codecs, but for the
sound, which no text hangs on; the words are read out of that script, which is not run. Films of the shared folder
`media` beside it become the home video and the phone's clips, whose text nobody wrote down.

A text of the truth is what a person would call one screen of it: a slide, a lower third, a state of a terminal. What
stands apart from these through several of them (the window's title, the channel's logo) is a text of its own.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from lvqa.eval.lab.footage_writer import write_video
from lvqa.eval.lab.multihop.archives import NEWS, TERMINAL, tables_of
from lvqa.media import FrameReader
from lvqa.models.base import Frame
from lvqa.types import Span

TRUTH_FILE = "truth.json"
_FONTS = Path("/usr/share/fonts/truetype/dejavu")
_FAST = {"preset": "ultrafast", "crf": "23", "bf": "0"}
_TALKS = (
    ("MEET", 100, "Meetings/2024-03-12 budget meeting.mkv", "Acme GmbH", True),
    ("RESP", 45, "Lectures/2024/Lecture 04.mp4", "Biology 101", False),
    ("PHOTO", 120, "Lectures/2024/Lecture 03.mp4", "Biology 101", True),
)
_HOME = (
    "mdn_pig.mp4",
    "mdn_crystal.mp4",
    "mdn_rabbit320.mp4",
    "moviepy_bbb_0_30.webm",
    "intel_one-by-one-person-detection.mp4",
)
_PHONE = {"Phone/IMG_0001.mp4": "torchcodec_nasa_13013.mp4", "Phone/-clip😀.mp4": "autoeditor_example.mp4"}


@dataclass(frozen=True, slots=True)
class OnScreen:
    """A text that a video shows from one second to another."""

    video: str
    start_s: float
    end_s: float
    text: str


def build(folder: Path, make: Path) -> list[OnScreen]:
    """Make the archive below a folder unless it is there, and `truth.json` beside it; returns the truth.

    `make` is the script, with `../media` beside it. Raises UsageError where it is another one.
    """
    truth_file = folder.parent / f"{folder.name}.{TRUTH_FILE}"
    if not truth_file.exists():
        tables, media = tables_of(make), make.parent.parent / "media"
        truth = [*_terminal(folder, tables["script"]), *_news(folder, tables["items"])]
        for name, each_s, path, foot, subtitles in _TALKS:
            truth += _talk(folder / path, path, tables[name], each_s, foot, subtitles=subtitles)
        write_video(folder / "Home/1998/IMG_0001.mp4", _home(media), fps=15, options=_FAST, gop=250)
        for path, name in _PHONE.items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_bytes((media / name).read_bytes())
        write_truth(truth_file, truth)
    return read_truth(truth_file)


def write_truth(path: Path, truth: Sequence[OnScreen]) -> None:
    """Keep a truth as JSON."""
    path.write_text(json.dumps([asdict(shown) for shown in truth], indent=1, ensure_ascii=False))


def read_truth(path: Path) -> list[OnScreen]:
    """The truth that `write_truth` kept."""
    return [OnScreen(**row) for row in json.loads(path.read_text())]


def font(size: int, style: str = "Sans") -> ImageFont.FreeTypeFont:
    """DejaVu of a size in pixels."""
    return ImageFont.truetype(str(_FONTS / f"DejaVu{style}.ttf"), size)


def slide(title: str, bullets: Sequence[str], foot: str, size: tuple[int, int] = (854, 480)) -> Frame:
    """A slide: title in a bar, bullets, footer."""
    image = Image.new("RGB", size, "white")
    draw = ImageDraw.Draw(image)
    draw.rectangle((0, 0, size[0], 70), fill=(30, 60, 120))
    draw.text((24, 16), title, font=font(30, "Sans-Bold"), fill="white")
    for n, bullet in enumerate(bullets):
        draw.text((50, 110 + 52 * n), "• " + bullet, font=font(24), fill="black")
    draw.text((24, size[1] - 34), foot, font=font(16), fill=(110, 110, 110))
    return np.asarray(image)


def terminal(lines: Sequence[str], title: str = "sam@laptop: ~/work") -> Frame:
    """A window of a terminal."""
    image = Image.new("RGB", (1024, 576), (18, 18, 18))
    draw = ImageDraw.Draw(image)
    draw.rectangle((0, 0, 1024, 26), fill=(60, 60, 60))
    draw.text((430, 4), title, font=font(14), fill="white")
    for n, line in enumerate(lines):
        draw.text((14, 40 + n * 28), line, font=font(18, "SansMono"), fill=(200, 230, 200))
    return np.asarray(image)


def held(pictures: Sequence[tuple[Frame, float]], fps: float) -> Iterator[Frame]:
    """Each picture for so many seconds."""
    for picture, seconds in pictures:
        for _ in range(round(seconds * fps)):
            yield picture


def _talk(out: Path, path: str, slides: Sequence[Any], each_s: int, foot: str, *, subtitles: bool) -> list[OnScreen]:
    pictures, truth, cues = [], [], list[str]()
    for n, (title, bullets, said) in enumerate(slides):
        below = f"{foot}   {n + 1}/{len(slides)}"
        pictures.append((slide(title, bullets, below), float(each_s)))
        truth.append(OnScreen(path, float(n * each_s), float((n + 1) * each_s), "\n".join([title, *bullets, below])))
        gap_s = each_s / len(said)
        for k, sentence in enumerate(said):
            at_s = n * each_s + k * gap_s + 0.5
            end_s = at_s + min(gap_s - 0.3, max(2, len(sentence) / 14))
            cues.append(f"{len(cues) + 1}\n{_stamp(at_s)} --> {_stamp(end_s)}\n{sentence}\n")
    write_video(out, held(pictures, 10), fps=10, options=_FAST, gop=250)
    if subtitles:
        out.with_suffix(".srt").write_text("\n".join(cues))
    return truth


def _terminal(folder: Path, script: Sequence[tuple[float, str | None]]) -> list[OnScreen]:
    pictures, truth, shown = [], [OnScreen(TERMINAL, 0, float(script[-1][0]), "sam@laptop: ~/work")], ""
    for (start_s, said), (end_s, _) in pairwise(script):
        shown = f"{shown}\n{said}".strip()
        lines = shown.split("\n")[-18:]
        pictures.append((terminal(lines), end_s - start_s))
        if shown:
            truth.append(OnScreen(TERMINAL, float(start_s), float(end_s), "\n".join(lines)))
    write_video(folder / TERMINAL, held(pictures, 15), fps=15, options=_FAST, gop=250)
    return truth


def _news(folder: Path, items: Sequence[tuple[str, str, tuple[int, int, int]]]) -> list[OnScreen]:
    pictures, truth = [], [OnScreen(NEWS, 0, 25.0 * len(items), "CH5")]
    for n, (title, below, colour) in enumerate(items):
        image = Image.new("RGB", (720, 576), colour)
        draw = ImageDraw.Draw(image)
        draw.ellipse((280, 90, 440, 250), fill=(220, 190, 160))
        draw.rectangle((240, 250, 480, 430), fill=(40, 40, 60))
        draw.rectangle((0, 440, 720, 540), fill=(10, 10, 40))
        draw.text((30, 452), title, font=font(32, "Sans-Bold"), fill="white")
        draw.text((30, 500), below, font=font(22), fill=(255, 230, 120))
        draw.text((600, 20), "CH5", font=font(32, "Sans-Bold"), fill="white")
        pictures.append((np.asarray(image), 25.0))
        truth.append(OnScreen(NEWS, 25.0 * n, 25.0 * (n + 1), f"{title}\n{below}"))
    quality = {"bf": "0", "qscale": "5", "flags": "+qscale", "global_quality": str(5 * 118)}
    write_video(folder / NEWS, held(pictures, 25), fps=25, codec="mpeg4", options=quality, gop=12)
    return truth


def _home(media: Path) -> Iterator[Frame]:
    for name in _HOME:
        with FrameReader(media / name) as reader:
            for timed in reader.sample(15.0, Span(0, reader.info.duration_s)):
                height, width = timed.image.shape[:2]
                scale = min(640 / width, 360 / height)
                size = (2 * round(width * scale / 2), 2 * round(height * scale / 2))
                frame = np.zeros((360, 640, 3), np.uint8)
                top, left = (360 - size[1]) // 2, (640 - size[0]) // 2
                frame[top : top + size[1], left : left + size[0]] = cv2.resize(
                    timed.image, size, interpolation=cv2.INTER_AREA
                )
                yield frame


def _stamp(time_s: float) -> str:
    milliseconds = round(time_s * 1000)
    seconds, milliseconds = divmod(milliseconds, 1000)
    return f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d},{milliseconds:03d}"
