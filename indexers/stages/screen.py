"""Text on the screen: a stage that reads frames, and the merging of what they read into notes.

Knows an OCR model and times; no video file, no store.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from lvqa.errors import ModelError
from lvqa.indexers.stages.stage_model import StageModel
from lvqa.models.base import Frame, TextReader
from lvqa.models.replies import as_model_errors
from lvqa.types import Span

_EPS = 1e-6


@dataclass(frozen=True, slots=True)
class ScreenReader:
    """Stage: frames, whole, into the text of each, a line a text line, spaces collapsed; empty where there is none."""

    role: StageModel[TextReader]

    def __call__(self, frames: Sequence[Frame]) -> list[str]:
        """Read each frame. Raises ModelError, also when the model returns another number of texts than frames."""
        return [tidy(text) for text in self.role.run(list(frames), self._read)]

    def _read(self, model: TextReader, frames: Sequence[Frame]) -> list[str]:
        with as_model_errors("the OCR model", self.role.name):
            texts = model.read(frames)
            if len(texts) != len(frames):
                raise ModelError(
                    f"{self.role.name} read {len(texts)} texts in {len(frames)} frames; use another OCR model"
                )
            return list(texts)


def tidy(text: str) -> str:
    """Lines stripped, runs of spaces collapsed; "" for what holds no letter and no digit (specks read as dots)."""
    from lvqa.prompts import clean

    lines = [" ".join(line.split()) for line in clean(text).splitlines()]
    tidied = "\n".join(line for line in lines if line)
    return tidied if any(character.isalnum() for character in tidied) else ""


def merge_texts(readings: Iterable[tuple[float, str]], clip: Span, every_s: float) -> list[tuple[Span, str]]:
    """Join equal texts that follow one another inside a clip.

    Args:
        readings: (time in seconds, text), in time order, all inside the clip.
        clip: the clip; no text outlives it, since the picture changes at its end or it goes on in the next.
        every_s: spacing of the readings; a text stands from its first reading to `every_s` after its last.

    Returns:
        (span, text) of every text that is not empty, in time order.
    """
    merged: list[tuple[float, float, str]] = []
    for time_s, text in readings:
        if merged and merged[-1][2] == text and time_s - merged[-1][1] <= every_s + _EPS:
            merged[-1] = (merged[-1][0], time_s, text)
        else:
            merged.append((time_s, time_s, text))
    spans = ((first, min(last + every_s, clip.end_s), text) for first, last, text in merged if text)
    return [(Span(first, end), text) for first, end, text in spans if end > first]
