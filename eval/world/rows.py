"""What one system answered to one question, scored: one line of the results, and the file that collects them.

A line is written as soon as its question is answered, so a run that is cut off goes on where it stopped. Knows the
form of the file; it asks nothing.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from types import TracebackType
from typing import Any

from lvqa.eval import metrics
from lvqa.eval.world.grade import right_choice
from lvqa.eval.world.questions import Question
from lvqa.types import Answer, Evidence

TOLERANCE_S = 5.0


@dataclass(frozen=True, slots=True)
class Row:
    """An answer and its scores; times in seconds, shares in [0, 1].

    `iou` and `iop` are those of the best piece of evidence with the gold windows, `f1` is LV-Haystack's over the
    middles of all pieces; all three are 0 where the system abstained or failed. `error` is why there is no answer.
    """

    system: str
    id: str
    type: str
    event: bool
    unanswerable: bool
    video: str
    choice: int | None
    gold: int
    right: bool
    abstained: bool
    confidence: float
    iou: float
    iop: float
    f1: float
    frames: int
    vlm_calls: int
    seconds: float
    answer: str
    evidence: tuple[dict[str, Any], ...] = ()
    error: str = ""

    @classmethod
    def of(cls, system: str, question: Question, answer: Answer) -> Row:
        """Score an answer to a question with options."""
        shown = [] if answer.abstained else list(answer.evidence)
        best = shown[0] if shown else None
        mine = [(w.start_s, w.end_s) for w in question.windows if best is not None and w.video == best.video]
        span = (best.span.start_s, best.span.end_s) if best is not None else (0.0, 0.0)
        return cls(
            **_about(system, question),
            choice=answer.choice,
            right=right_choice(question, answer),
            abstained=answer.abstained,
            confidence=answer.confidence,
            iou=metrics.iou(span, mine),
            iop=metrics.iop(span, mine),
            f1=_f1(shown, question),
            frames=answer.cost.frames,
            vlm_calls=answer.cost.vlm_calls,
            seconds=answer.cost.seconds,
            answer=answer.text,
            evidence=tuple(piece.to_dict() for piece in answer.evidence),
        )

    @classmethod
    def failed(cls, system: str, question: Question, reason: str) -> Row:
        """A question that got no answer; it counts as wrong."""
        return cls(
            **_about(system, question),
            choice=None,
            right=False,
            abstained=False,
            frames=0,
            vlm_calls=0,
            answer="",
            error=reason,
            confidence=0.0,
            iou=0.0,
            iop=0.0,
            f1=0.0,
            seconds=0.0,
        )

    @classmethod
    def from_json(cls, row: dict[str, Any]) -> Row:
        """The row that `to_json` wrote. Raises TypeError for another form."""
        return cls(**{**row, "evidence": tuple(row["evidence"])})

    def to_json(self) -> dict[str, Any]:
        """Plain values, for json.dumps."""
        return asdict(self)


def _about(system: str, question: Question) -> dict[str, Any]:
    return {
        "system": system,
        "id": question.id,
        "type": question.type,
        "event": question.event,
        "unanswerable": question.unanswerable,
        "video": question.videos[0] if question.videos else "",
        "gold": question.choice,
    }


def _f1(shown: Sequence[Evidence], question: Question) -> float:
    returned = [(piece.video, piece.span.middle_s) for piece in shown]
    gold = [(window.video, (window.start_s + window.end_s) / 2) for window in question.windows]
    return metrics.temporal_f1(returned, gold, tolerance_s=TOLERANCE_S)


class Results:
    """A JSON Lines file of rows. The first line names the run; rows of another run, or cut off, are left behind.

    Use it as a context manager. `done` maps (system, question id) to the rows that stand already.
    """

    def __init__(self, path: Path, run: str) -> None:
        self.path = path
        self.done: dict[tuple[str, str], Row] = {}
        self.dropped = 0
        known, rows = _read(path)
        if known == run:
            self.done = {(row.system, row.id): row for row in rows}
        else:
            self.dropped = len(rows)
        path.parent.mkdir(parents=True, exist_ok=True)
        # Written anew: the last line of a run that was killed may be half a line.
        scratch = path.with_name(f".{path.name}.new")
        lines = [{"run": run}, *(row.to_json() for row in self.done.values())]
        scratch.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
        scratch.replace(path)
        self._file = path.open("a", encoding="utf-8")

    def add(self, row: Row) -> None:
        """Keep a row, on the disk too."""
        self.done[row.system, row.id] = row
        self._file.write(json.dumps(row.to_json()) + "\n")
        self._file.flush()

    def of(self, system: str, questions: Iterable[Question]) -> list[Row]:
        """The rows of a system, in the order of the questions; those not asked yet are left out."""
        return [self.done[system, q.id] for q in questions if (system, q.id) in self.done]

    def __enter__(self) -> Results:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()


def _read(path: Path) -> tuple[str, list[Row]]:
    """The run that a file is of, and its rows up to the first line cut off; both empty where there is no file."""
    if not path.is_file():
        return "", []
    run, rows = "", []
    names = {field.name for field in fields(Row)}
    for number, line in enumerate(path.read_text(encoding="utf-8", errors="replace").splitlines()):
        try:
            found = json.loads(line)
        except ValueError:
            break
        if number == 0 and isinstance(found, dict):
            run = str(found.get("run", ""))
        elif isinstance(found, dict) and found.keys() == names:
            rows.append(Row.from_json(found))
    return run, rows
