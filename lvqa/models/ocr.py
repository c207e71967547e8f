"""Text on the screen through RapidOCR (PP-OCR on onnxruntime). Knows nothing of videos: it reads pictures.

Two things are done about what PP-OCR gets wrong in films. Texture looks like a letter or two, so a short text must be
surer than a long one. And its detector takes two lines of a tight title for one, which then reads as neither: a line
that is large and not sure is read once more in two bands and in three, and the bands stay where they are surer.
"""

from __future__ import annotations

import logging
import sys
import threading
from collections.abc import Sequence
from typing import Any

import numpy as np
from PIL import Image

from lvqa.errors import ModelError, ModelNotFound
from lvqa.models.base import Frame
from lvqa.models.ocr_pool import OcrPool, serve
from lvqa.models.text_lines import TextLine, rows_of

# Longer side of the picture in which lines are looked for; they are then read at full size. At 736, lines of 12 px in
# 720p and 14 px in 1080p are found; 960 takes 1.5 times as long and wins 2 px.
DETECT_SIDE = 736
_CONTRAST = 16  # levels of 255; a frame with less, such as a fade to black, holds nothing that can be read
_SURE = 0.95
_LARGE = 0.12  # of the picture's height
_OVERLAP = 0.1  # of a band's height, on each side: lines are rarely of one height


class RapidReader:
    """A TextReader; one engine, used by one thread at a time."""

    def __init__(self, name: str = "rapidocr", *, min_score: float = 0.5, threads: int = 1) -> None:
        try:
            from rapidocr import RapidOCR
        except ImportError as error:
            raise ModelNotFound(f"reading screen text needs rapidocr ({error}): pip install 'lvqa[ocr]'") from error
        self.name = name
        self.min_score = min_score
        self._lock = threading.Lock()
        # The engine sets its logger's level when it is made and logs each file it opens when it is first used.
        logging.getLogger("RapidOCR").setLevel(logging.ERROR)
        try:
            self._engine: Any = RapidOCR(
                params={
                    "Global.log_level": "error",
                    "Global.text_score": 0.0,  # thresholds are ours: see _believed
                    "Det.limit_type": "max",
                    "Det.limit_side_len": DETECT_SIDE,
                    "EngineConfig.onnxruntime.intra_op_num_threads": threads,
                }
            )
        except Exception as error:
            raise ModelError(f"rapidocr cannot be started: {error}; reinstall it: pip install 'lvqa[ocr]'") from error

    def read(self, frames: Sequence[Frame]) -> list[str]:
        """The text of each frame, top to bottom and left to right, a line a text line. Raises ModelError."""
        return ["\n".join(rows_of(lines)) for lines in self.read_lines(frames)]

    def read_lines(self, frames: Sequence[Frame]) -> list[list[TextLine]]:
        """The believed lines of each frame, with their places. Raises ModelError."""
        return [self.lines(frame) for frame in frames]

    def parallel(self, processes: int) -> OcrPool:
        """One that reads as this one does, in so many processes of its own; to be ended by `close`."""
        return OcrPool(self.name, processes)

    def lines(self, frame: Frame) -> list[TextLine]:
        """The believed lines of one frame, in the order the engine found them. Raises ModelError."""
        if int(frame.max()) - int(frame.min()) < _CONTRAST:
            return []
        try:
            with self._lock:
                return [line for line in self._lines(frame) if _believed(line, self.min_score)]
        except Exception as error:
            raise ModelError(f"rapidocr failed on a frame of {frame.shape[1]}x{frame.shape[0]}: {error}") from error

    def _lines(self, frame: Frame) -> list[TextLine]:
        bgr = np.ascontiguousarray(frame[:, :, ::-1])
        # Every flag each time: the engine keeps those of the call before.
        found = self._engine(bgr, use_det=True, use_cls=False, use_rec=True, return_word_box=False, text_score=0.0)
        if found.boxes is None or found.txts is None:
            return []
        lines = []
        for box, text, score in zip(found.boxes, found.txts, found.scores, strict=True):
            (x0, y0), (x1, y1) = np.min(box, axis=0), np.max(box, axis=0)
            line = TextLine(text.strip(), float(score), (float(x0), float(y0), float(x1), float(y1)))
            large = line.xyxy[3] - line.xyxy[1] >= _LARGE * frame.shape[0]
            lines += self._again(bgr, line) if large and line.score < _SURE else [line]
        return lines

    def _again(self, bgr: Frame, line: TextLine) -> list[TextLine]:
        x0, y0, x1, y1 = (round(max(0.0, corner)) for corner in line.xyxy)
        best, best_score = [line], line.score
        for n, gain in ((2, 0.0), (3, 0.1)):
            height = (y1 - y0) / n
            if height < 8:
                break
            bands = []
            for i in range(n):
                top = max(y0, round(y0 + (i - _OVERLAP) * height))
                bottom = min(y1, round(y0 + (i + 1 + _OVERLAP) * height))
                text, score = self._recognise(bgr[top:bottom, x0:x1])
                bands.append(TextLine(text, score, (float(x0), float(top), float(x1), float(bottom))))
            worst = min(band.score for band in bands)
            if worst > best_score + gain and all(len(band.text) > 1 for band in bands):
                best, best_score = bands, worst
        return best

    def _recognise(self, crop: Frame) -> tuple[str, float]:
        """The text and score of a crop that holds one line."""
        height, width = crop.shape[:2]
        # Stretched: the recogniser sees narrow gaps better so.
        wide = np.asarray(Image.fromarray(crop).resize((round(width * 1.25), height), Image.Resampling.BILINEAR))
        read = self._engine(wide, use_det=False, use_cls=False, use_rec=True, return_word_box=True, text_score=0.0)
        if not read.txts:
            return "", 0.0
        return with_lost_spaces(read.txts[0].strip(), _columns(read.word_results)), float(read.scores[0])


def with_lost_spaces(text: str, columns: Sequence[float]) -> str:
    """Put back a space lost between two words of a title: a small letter, a wide gap, then a capital.

    `columns` are the places of the characters that are not spaces. A gap is wide from 1.6 times the median: in
    "YouTube" or "JavaScript" it is at most 1.5 times.
    """
    characters = text.replace(" ", "")
    if " " in text or len(columns) != len(characters) or len(columns) < 4:
        return text
    gaps = np.diff(np.asarray(columns, np.float64))
    wide = gaps >= 1.6 * float(np.median(gaps))
    spaced = [characters[0]]
    for i, character in enumerate(characters[1:]):
        if wide[i] and characters[i].islower() and character.isupper():
            spaced.append(" ")
        spaced.append(character)
    return "".join(spaced)


def _columns(word_results: Any) -> list[float]:
    results = word_results[0] if word_results else None
    return [float(column) for word in getattr(results, "word_cols", None) or [] for column in word]


def _believed(line: TextLine, min_score: float) -> bool:
    """Whether a line is surely text: 0.9 for a lone character, near `min_score` for long lines."""
    length = len(line.text.replace(" ", ""))
    return length > 0 and line.score >= min(1.0, min_score + 0.4 / length)


def load(spec: str, *, device: str = "auto") -> RapidReader:
    """Make the reader; the models come with the package. Raises ModelNotFound, ModelError."""
    return RapidReader(spec)


if __name__ == "__main__":
    serve(RapidReader(sys.argv[1]).lines)
