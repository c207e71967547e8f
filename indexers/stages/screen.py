"""Text on the screen: a stage that reads frames. Knows an OCR model; no times, no video file, no store."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from lvqa.errors import ModelError
from lvqa.indexers.stages.stage_model import StageModel
from lvqa.models.base import Frame, TextReader
from lvqa.models.replies import as_model_errors
from lvqa.models.text_lines import LineReader, Parallel, TextLine, stacked

_MOST_PROCESSES = 4

Reading = tuple[TextLine, ...]
"""The lines of a frame, spaces collapsed; empty where there is no text."""


@dataclass(frozen=True, slots=True)
class ScreenReader:
    """Stage: frames, whole, into the text lines of each; empty where there are none."""

    role: StageModel[TextReader]
    close: Callable[[], None] = lambda: None

    @classmethod
    def of(cls, name: str, model: TextReader, processes: int) -> ScreenReader:
        """The stage with a model, which reads in several processes where it can; `close` ends them.

        Of `processes`, 0 is one for each processor, four at most.
        """
        count = processes or min(_MOST_PROCESSES, _processors())
        if count < 2 or not isinstance(model, Parallel):
            return cls(StageModel(name, model))
        pool = model.parallel(count)
        return cls(StageModel(name, pool), pool.close)

    def __call__(self, frames: Sequence[Frame]) -> list[Reading]:
        """Read each frame. Raises ModelError, also when the model returns another number of texts than frames."""
        return [tidy(lines) for lines in self.role.run(list(frames), self._read)]

    def _read(self, model: TextReader, frames: Sequence[Frame]) -> list[list[TextLine]]:
        with as_model_errors("the OCR model", self.role.name):
            read = model.read_lines(frames) if isinstance(model, LineReader) else list(map(stacked, model.read(frames)))
            if len(read) != len(frames):
                raise ModelError(
                    f"{self.role.name} read {len(read)} texts in {len(frames)} frames; use another OCR model"
                )
            return read


def tidy(lines: Sequence[TextLine]) -> Reading:
    """Lines without runs of spaces; none of those that hold no letter and no digit (rules, specks read as dots)."""
    from lvqa.prompts import clean

    tidied = (replace(line, text=" ".join(clean(line.text).split())) for line in lines)
    return tuple(line for line in tidied if any(character.isalnum() for character in line.text))


def _processors() -> int:
    """How many this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
