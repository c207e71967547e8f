"""The demo's footage: three short videos written from a script, and what is asked about them with the known truth.

The script is the ground truth: what stands on the screen, what is said, and when. Knows how to draw and encode;
nothing of indexes or models, which see only the files.
"""

from __future__ import annotations

import filecmp
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from lvqa.types import Answer, Span, format_time

if TYPE_CHECKING:
    from lvqa.media import Frame

Colour = tuple[int, int, int]

SIZE = (640, 360)
FPS = 5


@dataclass(frozen=True, slots=True)
class Take:
    """A stretch of a video: how long, what stands on the screen, what is said, and the colour of the picture."""

    seconds: int
    screen: str = ""
    said: str = ""
    colour: Colour = (24, 32, 64)
    ball: Colour | None = None


LECTURE = (
    Take(6, "Glaciers in motion"),
    Take(8, "1. How ice flows", "Ice looks solid, but under its own weight it flows downhill like honey."),
    Take(8, "2. The Aletsch glacier", "The Aletsch glacier moves about two hundred metres every year."),
    Take(8, "3. Salt water", "Sea water freezes at minus two degrees because of the salt that it holds."),
    Take(8, "Exam: 14 March\nRoom B12", "Please do not forget to bring your student card."),
    Take(6, "Thank you", "Thanks to Anna for filming this lecture."),
)
KITCHEN = (
    Take(6, said="First I chop two onions and a clove of garlic.", colour=(214, 180, 120), ball=(250, 245, 240)),
    Take(6, said="Then half a litre of milk goes into the pot.", colour=(70, 110, 170), ball=(255, 255, 255)),
    Take(6, said="A pinch of nutmeg, and stir well.", colour=(120, 160, 90), ball=(200, 60, 40)),
    Take(
        8, said="Now it bakes in the oven at 180 degrees for forty minutes.", colour=(150, 60, 40), ball=(240, 190, 0)
    ),
    Take(6, said="Thanks to Anna for the recipe.", colour=(60, 60, 80), ball=(230, 230, 230)),
)
STATION_START_S = 9 * 3600 + 58 * 60 + 50
STATION = tuple(Take(1, format_time(STATION_START_S + second), colour=(10, 10, 10)) for second in range(20))
SCRIPTS: dict[str, Sequence[Take]] = {"lecture.mp4": LECTURE, "kitchen.mp4": KITCHEN, "station.mov": STATION}


@dataclass(frozen=True, slots=True)
class Truth:
    """What the right answer holds: words of its text (any of them), the option, where it is shown, or that it is not.

    Each of `shown` must overlap a piece of evidence, and the first piece of evidence must overlap one of them.
    """

    words: tuple[str, ...] = ()
    choice: int | None = None
    shown: tuple[tuple[str, Span], ...] = ()
    absent: bool = False

    def holds(self, answer: Answer) -> bool:
        """Whether an answer is right, its evidence included."""
        if self.absent or answer.abstained:
            return self.absent and answer.abstained
        text = answer.text.casefold()
        if self.words and not any(word.casefold() in text for word in self.words):
            return False
        if answer.choice != self.choice:
            return False
        found = [[video == e.video and span.overlaps(e.span) for e in answer.evidence] for video, span in self.shown]
        return all(any(row) for row in found) and (not found or any(row[0] for row in found))

    def __str__(self) -> str:
        if self.absent:
            return "not in these videos"
        said = " or ".join(f'"{word}"' for word in self.words)
        if self.choice is not None:
            said = f"option {chr(ord('A') + self.choice)}"
        where = "; ".join(f"{video} {span}" for video, span in self.shown)
        return ", ".join(part for part in (said, where) if part)


@dataclass(frozen=True, slots=True)
class DemoQuestion:
    """What is asked of the footage, and the truth."""

    text: str
    truth: Truth
    options: tuple[str, ...] = ()
    kind: str = ""


def where(video: str, *, screen: str = "", said: str = "") -> tuple[str, Span]:
    """The video and interval at which the script shows or says something. Raises ValueError where it does not."""
    start = 0
    for scene in SCRIPTS[video]:
        if (screen and screen in scene.screen) or (said and said in scene.said):
            return video, Span(start, start + scene.seconds)
        start += scene.seconds
    raise ValueError(f"the script of {video} has no {screen or said!r}")


QUESTIONS = (
    DemoQuestion(
        "In which room is the exam?", Truth(("B12",), shown=(where("lecture.mp4", screen="Room B12"),)), kind="screen"
    ),
    DemoQuestion(
        "How long does it bake in the oven?",
        Truth(("forty minutes", "40 minutes"), shown=(where("kitchen.mp4", said="oven"),)),
        kind="speech",
    ),
    DemoQuestion(
        "When does the station clock show 09:59:05?",
        Truth(shown=(where("station.mov", screen="09:59:05"),)),
        kind="when",
    ),
    DemoQuestion(
        "How much milk goes into the pot?",
        Truth(choice=1, shown=(where("kitchen.mp4", said="milk"),)),
        ("two litres", "half a litre", "a spoonful", "none at all"),
        kind="multiple choice",
    ),
    DemoQuestion(
        "What is Anna thanked for?",
        Truth(("lecture", "recipe"), shown=(where("lecture.mp4", said="Anna"), where("kitchen.mp4", said="Anna"))),
        kind="across videos",
    ),
    DemoQuestion("What is the name of the pilot of the helicopter?", Truth(absent=True), kind="not in the videos"),
)


def make_footage(folder: Path) -> list[Path]:
    """Write the videos and their subtitles (.srt) into a folder, which is made; returns the videos' paths.

    The same bytes come out every time, so nothing changes where they lie already; other files of the same names are
    replaced, each in one step.
    """
    folder.mkdir(parents=True, exist_ok=True)
    return [_write(folder / name, script) for name, script in SCRIPTS.items()]


def _write(path: Path, script: Sequence[Take]) -> Path:
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=".") as scratch:
        film = Path(scratch, path.name)
        _encode(film, _frames(script))
        _put(film, path)
        subtitles = _srt(script)
        if subtitles:
            text = Path(scratch, "subtitles.srt")
            text.write_text(subtitles, encoding="utf-8")
            _put(text, path.with_suffix(".srt"))
    return path


def _put(made: Path, path: Path) -> None:
    """Leave a file alone that holds the same bytes: to an index, a new date is a reason to look again."""
    if not (path.is_file() and filecmp.cmp(made, path, shallow=False)):
        made.replace(path)


def _frames(script: Sequence[Take]) -> Iterator[Frame]:
    import numpy as np

    width, height = SIZE
    rows, columns = np.ogrid[:height, :width]
    for scene in script:
        card = text_card(scene.screen, SIZE, background=scene.colour)
        count = scene.seconds * FPS
        for number in range(count):
            frame = card.copy()
            if scene.ball is not None:
                across = width * (0.15 + 0.7 * number / count)
                frame[(rows - height / 2) ** 2 + (columns - across) ** 2 < (height / 6) ** 2] = scene.ball
            yield frame


def _encode(path: Path, frames: Iterator[Frame]) -> None:
    """Write frames of SIZE as a film of H.264 with FPS frames a second."""
    import av

    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=FPS, options={"preset": "veryfast", "crf": "18", "bf": "2"})
        stream.width, stream.height = SIZE
        stream.pix_fmt = "yuv420p"
        for number, frame in enumerate(frames):
            picture = av.VideoFrame.from_ndarray(frame, format="rgb24")
            picture.pts = number
            container.mux(stream.encode(picture))
        container.mux(stream.encode(None))


def text_card(text: str, size: tuple[int, int] = SIZE, *, background: Colour = (24, 32, 64)) -> Frame:
    """Draw a text in white, as large as fits, in the middle of a plain frame.

    Args:
        text: what to write; line breaks are kept.
        size: (width, height) in pixels.
        background: RGB behind the text.

    Returns:
        uint8 (h, w, 3), RGB.
    """
    import numpy as np
    from PIL import Image, ImageDraw, ImageFont

    width, height = size
    image = Image.new("RGB", size, background)
    if text.strip():
        draw = ImageDraw.Draw(image)
        points = height * 0.6
        while True:
            font = ImageFont.load_default(points)
            left, top, right, bottom = draw.multiline_textbbox((0, 0), text, font=font, align="center")
            if (right - left <= width * 0.9 and bottom - top <= height * 0.9) or points <= 6:
                break
            points *= 0.9
        at = ((width - right - left) / 2, (height - bottom - top) / 2)
        draw.multiline_text(at, text, font=font, fill=(255, 255, 255), align="center")
    return np.array(image, dtype=np.uint8)


def _srt(script: Sequence[Take]) -> str:
    blocks: list[str] = []
    start = 0
    for scene in script:
        if scene.said:
            times = [
                format_time(s, milliseconds=True).replace(".", ",") for s in (start + 1, start + scene.seconds - 1)
            ]
            blocks.append(f"{len(blocks) + 1}\n{times[0]} --> {times[1]}\n{scene.said}\n")
        start += scene.seconds
    return "\n".join(blocks)
