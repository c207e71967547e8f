"""What one system answered to one question, scored: one line of the results, and the file that collects them.

A line is written as soon as its question is answered, so a run that is cut off goes on where it stopped; with the
file's first line it holds all that is needed to ask its question again. Knows the form of the file; it asks nothing.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from types import TracebackType
from typing import Any

from lvqa.agents.steps import VerifyStep
from lvqa.eval import metrics
from lvqa.eval.tasks.base import TaskQuestion, Window
from lvqa.types import Answer, Evidence

TOLERANCE_S = 5.0


@dataclass(frozen=True, slots=True)
class AnswerRow:
    """An answer and its scores; times in seconds, shares in [0, 1].

    `choice` and `gold` are indices of the task's own options; `options` are those as they were asked, the k-th of them
    being the task's `order[k]`-th. `gold` is -1 where to abstain is right and None where it is not public. `iou` and
    `iop` are those of the first piece of evidence with the gold windows; `precision`, `recall` and `f1` are
    LV-Haystack's over the middles of all pieces; all of them are 0 where the system abstained or failed. `event` marks
    the world's questions about something brief. `unparsed` names the steps whose reply could not be read: an abstention
    for that is wrong whatever the question. `way` names the curve that makes the agent's `uncalibrated` confidence a
    probability (`lvqa.agents.calibration`). `error` is why there is no answer.
    """

    system: str
    id: str
    type: str
    event: bool
    unanswerable: bool
    video: str
    choice: int | None
    gold: int | None
    right: bool
    abstained: bool
    confidence: float
    iou: float
    iop: float
    precision: float
    recall: float
    f1: float
    frames: int
    vlm_calls: int
    llm_calls: int
    tokens_in: int
    tokens_out: int
    seconds: float
    money: float
    answer: str
    agent: str
    seed: int
    question: str
    options: tuple[str, ...]
    order: tuple[int, ...]
    videos: tuple[str, ...]
    between: tuple[float, float] | None
    windows: tuple[Window, ...]
    way: str = ""
    uncalibrated: float = 0.0
    evidence: tuple[dict[str, Any], ...] = ()
    unparsed: str = ""
    error: str = ""

    @classmethod
    def of(
        cls,
        system: str,
        question: TaskQuestion,
        answer: Answer,
        *,
        agent: str = "",
        seed: int = 0,
        order: Sequence[int] | None = None,
        event: bool = False,
    ) -> AnswerRow:
        """Score an answer to a question with options, asked in the task's own order unless told otherwise."""
        order = tuple(order) if order is not None else tuple(range(len(question.options)))
        windows = question.windows
        choice = None if answer.choice is None else order[answer.choice]
        unparsed = ", ".join(dict.fromkeys(step.node for step in answer.steps if step.unparsed))
        shown = [] if answer.abstained else list(answer.evidence)
        best = shown[0] if shown else None
        mine = [(w.start_s, w.end_s) for w in windows if best is not None and w.video == best.video]
        span = (best.span.start_s, best.span.end_s) if best is not None else (0.0, 0.0)
        precision, recall = _frames(shown, windows)
        cost = answer.cost
        checked = next((step for step in reversed(answer.steps) if isinstance(step, VerifyStep)), None)
        return cls(
            system=system,
            id=question.id,
            type=question.type,
            event=event,
            unanswerable=question.unanswerable,
            video=question.video,
            choice=choice,
            gold=question.choice,
            right=is_right(question.choice, choice, answer.abstained) and not (answer.abstained and unparsed),
            abstained=answer.abstained,
            confidence=answer.confidence,
            iou=metrics.iou(span, mine),
            iop=metrics.iop(span, mine),
            precision=precision,
            recall=recall,
            f1=metrics.harmonic(precision, recall),
            frames=cost.frames,
            vlm_calls=cost.vlm_calls,
            llm_calls=cost.llm_calls,
            tokens_in=cost.tokens_in,
            tokens_out=cost.tokens_out,
            seconds=cost.seconds,
            money=cost.money,
            answer=answer.text,
            agent=agent,
            seed=seed,
            question=question.text,
            options=tuple(question.options[n] for n in order),
            order=order,
            videos=question.videos,
            between=question.between,
            windows=windows,
            way=checked.way if checked is not None else "",
            uncalibrated=round(checked.uncalibrated, 4) if checked is not None else answer.confidence,
            evidence=tuple(piece.to_dict() for piece in answer.evidence),
            unparsed=unparsed,
        )

    @classmethod
    def failed(
        cls,
        system: str,
        question: TaskQuestion,
        reason: str,
        *,
        agent: str = "",
        seed: int = 0,
        order: Sequence[int] | None = None,
        event: bool = False,
    ) -> AnswerRow:
        """A question that got no answer; it counts as wrong."""
        nothing = Answer("", None, 0.0)
        return replace(
            cls.of(system, question, nothing, agent=agent, seed=seed, order=order, event=event), error=reason
        )

    @classmethod
    def from_json(cls, row: Mapping[str, Any]) -> AnswerRow:
        """The row that `to_json` wrote. Raises TypeError for another form."""
        lists = {name: tuple(row[name]) for name in ("options", "order", "videos", "evidence")}
        windows = tuple(Window(**window) for window in row["windows"])
        between = None if row["between"] is None else tuple(row["between"])
        return cls(**{**row, **lists, "windows": windows, "between": between})

    def to_json(self) -> dict[str, Any]:
        """Plain values, for json.dumps."""
        return asdict(self)

    def as_task(self) -> TaskQuestion:
        """The question, its options in the task's own order."""
        options = tuple(self.options[self.order.index(n)] for n in range(len(self.options)))
        return TaskQuestion(
            self.id, self.question, options, self.gold, self.videos, self.type, self.windows, self.between
        )

    @property
    def chosen(self) -> str:
        """The text of the option that was chosen; empty for none."""
        return "" if self.choice is None else self.options[self.order.index(self.choice)]

    @property
    def scored(self) -> bool:
        """Whether it is known what is right."""
        return self.gold is not None


def is_right(gold: int | None, choice: int | None, abstained: bool) -> bool:
    """Whether the right option was chosen or, where `gold` is -1, rightly none; False where gold is not known."""
    if abstained or gold == -1:
        return abstained and gold == -1
    return gold is not None and choice == gold


def _frames(shown: Sequence[Evidence], windows: Sequence[Window]) -> tuple[float, float]:
    returned = [(piece.video, piece.span.middle_s) for piece in shown]
    gold = [(window.video, (window.start_s + window.end_s) / 2) for window in windows]
    return metrics.temporal_match(returned, gold, tolerance_s=TOLERANCE_S)


class Results:
    """A JSON Lines file of rows. The first line names the run; rows of another run, or cut off, are left behind.

    `header` is what else the first line holds. With `keep`, a file of another run is renamed, not overwritten; `kept`
    is then its new name. Use it as a context manager; safe to share between threads. `done` maps (system, question id)
    to the rows that stand already.
    """

    def __init__(self, path: Path, run: str, header: Mapping[str, Any] | None = None, *, keep: bool = False) -> None:
        self.path = path
        self.done: dict[tuple[str, str], AnswerRow] = {}
        self.dropped = 0
        self.kept: Path | None = None
        self._lock = threading.Lock()
        known, rows = read_results(path)
        if known.get("run") == run:
            self.done = {(row.system, row.id): row for row in rows}
        else:
            self.dropped = len(rows)
            if keep and rows:
                self.kept = path.with_name(f"{path.stem}-{known.get('run') or 'before'}{path.suffix}")
                path.replace(self.kept)
        path.parent.mkdir(parents=True, exist_ok=True)
        # Written anew: the last line of a run that was killed may be half a line.
        scratch = path.with_name(f".{path.name}.new")
        lines = [{"run": run, **(header or {})}, *(row.to_json() for row in self.done.values())]
        scratch.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
        scratch.replace(path)
        self._file = path.open("a", encoding="utf-8")

    def add(self, row: AnswerRow) -> None:
        """Keep a row, on the disk too."""
        with self._lock:
            self.done[row.system, row.id] = row
            self._file.write(json.dumps(row.to_json()) + "\n")
            self._file.flush()

    def of(self, system: str, ids: Iterable[str]) -> list[AnswerRow]:
        """The rows of a system, in the order of the questions' ids; those not asked yet are left out."""
        return [self.done[system, id] for id in ids if (system, id) in self.done]

    def __enter__(self) -> Results:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()


def read_results(path: Path) -> tuple[dict[str, Any], list[AnswerRow]]:
    """The first line of a file of results, and its rows up to the first line cut off; both empty without a file."""
    if not path.is_file():
        return {}, []
    header: dict[str, Any] = {}
    rows = []
    names = {field.name for field in fields(AnswerRow)}
    for number, line in enumerate(path.read_text(encoding="utf-8", errors="replace").splitlines()):
        try:
            found = json.loads(line)
        except ValueError:
            break
        if number == 0 and isinstance(found, dict):
            header = found
        elif isinstance(found, dict) and found.keys() == names:
            rows.append(AnswerRow.from_json(found))
    return header, rows
