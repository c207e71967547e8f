"""`lvqa demo`: makes videos, indexes them with models that need no download, asks about them, compares with the truth.

`run` does so with three videos of the synthetic world (eval/world), 30 minutes in all, and the VLM that comes with
lvqa; `run_footage` with three short videos of text and speech (lvqa/footage.py), and no VLM. Nothing in the answers
comes from here: the archive sees only the files. Knows no command line; what it has to say goes to a callable.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lvqa import phrasing
from lvqa.archive.archive import Archive
from lvqa.demo_footage import QUESTIONS, SCRIPTS, Question, make_footage
from lvqa.errors import LvqaError, UsageError
from lvqa.types import Answer, Span

if TYPE_CHECKING:
    from lvqa.eval.lab.world.questions.make import Question as WorldQuestion
    from lvqa.indexers import Progress
    from lvqa.models.profiles import Models

__all__ = ["DemoReport", "WorldReport", "make_footage", "pick", "run", "run_footage"]

MINUTES, VIDEOS, SEED = 30.0, 3, 0
PROFILE = "tiny"
# The demo has worked where this share of the answers is right.
ENOUGH = 0.8
# Asked beside the questions with known answers: of whole videos, and what refers to the answer before.
SUMMARY = "What do these videos show?"
FOLLOW_UP = "And after that?"


@dataclass(frozen=True, slots=True)
class Asked:
    """A question about the world with its answer; `open_` says that it was asked without its options."""

    question: WorldQuestion
    answer: Answer
    open_: bool
    right: bool

    @property
    def text(self) -> str:
        """The wording that was asked."""
        return self.question.question if self.open_ else self.question.options_question

    @property
    def truth(self) -> str:
        """The right answer, and where it is shown."""
        q = self.question
        said = f"({chr(ord('A') + q.choice)}) {q.options[q.choice]}" if not self.open_ and q.choice >= 0 else q.answer
        spans = (f"{w.video} {phrasing.span_text(Span(w.start_s, w.end_s))}" for w in q.windows[:3])
        where = "; ".join(spans) + (" ..." if len(q.windows) > 3 else "")
        return f"{said}, {where}" if where else said


@dataclass(frozen=True, slots=True)
class WorldReport:
    """Every question about the world with its answer, and whether it was right."""

    folder: Path
    index_seconds: float
    results: Sequence[Asked]

    @property
    def right(self) -> int:
        """How many answers were right."""
        return sum(one.right for one in self.results)

    @property
    def passed(self) -> bool:
        """Whether at most a fifth of the answers was wrong."""
        return self.right >= ENOUGH * len(self.results)

    def to_dict(self) -> dict[str, Any]:
        """The fields that `lvqa demo --json` prints."""
        return {
            "folder": str(self.folder),
            "index_seconds": round(self.index_seconds, 1),
            "right": self.right,
            "passed": self.passed,
            "questions": [
                {
                    "question": one.text,
                    "options": [] if one.open_ else list(one.question.options),
                    "kind": one.question.type,
                    "truth": one.truth,
                    "right": one.right,
                    **one.answer.to_dict(),
                }
                for one in self.results
            ],
        }


def pick(questions: Sequence[WorldQuestion]) -> list[WorldQuestion]:
    """The demo's questions, by a rule that sees no answer: the first one of each type."""
    first: dict[str, WorldQuestion] = {}
    for question in questions:
        first.setdefault(question.type, question)
    return list(first.values())


def run(
    folder: Path,
    *,
    minutes: float = MINUTES,
    models: Models | None = None,
    progress: Progress | None = None,
    say: Callable[[str], None] | None = None,
) -> WorldReport:
    """Render three videos of the world in `folder`, index them with the `tiny` profile, ask one question of each type.

    Every other question is asked open, the rest with five options, and the steps of each are told; then what the videos
    show, and a question that refers to the answer before. Running it again in the same folder uses the videos
    and the index that are there. `minutes` are those of all videos; `models` take the place of the profile's. Raises
    UsageError where the folder holds other files, ModelNotFound.
    """
    from lvqa.eval.lab.world.build import build
    from lvqa.eval.lab.world.questions.grade import right_choice, right_open

    tell = say or (lambda line: None)
    tell(f"rendering {VIDEOS} videos of a synthetic world, {minutes:g} minutes in all, in {folder}")
    world = build(folder, minutes, SEED, videos=VIDEOS, on_video=lambda name: tell(f"  {name}"))
    with Archive(folder, profile=PROFILE, models=models) as archive:
        report = archive.index(progress=progress)
        if report.failed:
            raise LvqaError(f"{report.failed[0][0]} cannot be indexed: {report.failed[0][1]}")
        tell(
            f"indexed in {report.seconds:.1f} s: {phrasing.count(report.notes, 'new note')}"
            f"{f', {report.unchanged} videos unchanged' if report.unchanged else ''}"
        )
        results: list[Asked] = []
        for number, question in enumerate(pick(world.questions), start=1):
            open_ = number % 2 == 1
            if open_:
                answer = archive.ask(question.question)
            else:
                answer = archive.ask(question.options_question, question.options)
            right = (right_open if open_ else right_choice)(question, answer)
            results.append(Asked(question, answer, open_, right))
            options = () if open_ else question.options
            for line in _lines(number, results[-1].text, options, question.type, answer, results[-1].truth, right):
                tell(line)
        for line in _talk(archive, results):
            tell(line)
    done = WorldReport(folder, report.seconds, results)
    tell(f"\n{done.right} of {len(results)} right")
    tell(f'ask something yourself: lvqa ask {folder} --profile tiny "{results[0].text if results else ""}"')
    return done


@dataclass(frozen=True, slots=True)
class DemoReport:
    """Every question with its answer, and whether it was right."""

    folder: Path
    index_seconds: float
    results: Sequence[tuple[Question, Answer, bool]]

    @property
    def passed(self) -> bool:
        """Whether every answer was right."""
        return all(right for *_, right in self.results)

    def to_dict(self) -> dict[str, Any]:
        """The fields that `lvqa demo --json` prints."""
        return {
            "folder": str(self.folder),
            "index_seconds": round(self.index_seconds, 1),
            "right": sum(right for *_, right in self.results),
            "questions": [
                {"question": q.text, "kind": q.kind, "truth": str(q.truth), "right": right, **answer.to_dict()}
                for q, answer, right in self.results
            ],
        }


def run_footage(
    folder: Path, *, progress: Progress | None = None, say: Callable[[str], None] | None = None
) -> DemoReport:
    """Make the footage in `folder`, index it with the `text` profile, and ask every question.

    Running it again in the same folder uses the index that is there. Raises UsageError where the folder holds other
    files, ModelNotFound where the wheels of the `offline` extra are not installed.
    """
    tell = say or (lambda line: None)
    _only_ours(folder)
    videos = make_footage(folder)
    tell(f"made {phrasing.count(len(videos), 'video')} in {folder}: {', '.join(video.name for video in videos)}")
    with Archive(folder, profile="text") as archive:
        report = archive.index(progress=progress)
        tell(
            f"indexed in {report.seconds:.1f} s: {phrasing.count(report.notes, 'new note')}"
            f"{f', {report.unchanged} videos unchanged' if report.unchanged else ''}"
        )
        results = []
        for number, question in enumerate(QUESTIONS, start=1):
            answer = archive.ask(question.text, question.options or None)
            right = question.truth.holds(answer)
            results.append((question, answer, right))
            lines = _lines(number, question.text, question.options, question.kind, answer, str(question.truth), right)
            for line in lines:
                tell(line)
    done = DemoReport(folder, report.seconds, results)
    right_count = sum(right for *_, right in results)
    tell(f"\n{right_count} of {len(results)} right")
    tell(f'ask something yourself: lvqa ask {folder} --profile text "What freezes at minus two degrees?"')
    return done


def _lines(
    number: int, asked: str, options: Sequence[str], kind: str, answer: Answer, truth: str, right: bool
) -> list[str]:
    listed = "".join(f" ({chr(ord('A') + i)}) {option}" for i, option in enumerate(options))
    choice = f"({chr(ord('A') + answer.choice)}) " if answer.choice is not None else ""
    lines = [
        f"\n{number}. {asked}{listed}   [{kind}]",
        *(f"   {step.node:<9} {phrasing.for_terminal(step.summary, 150)}" for step in answer.steps),
        f"   answer    {choice}{phrasing.for_terminal(answer.text, 160)}   (confidence {answer.confidence:.2f})",
    ]
    if not answer.abstained:
        lines += [
            f"   {'evidence' if i == 0 else '':<9} {e.video}  {phrasing.span_text(e.span)}  "
            f"{phrasing.for_terminal(e.text, 90)}  [{e.source}]"
            for i, e in enumerate(answer.evidence)
        ]
    for one in answer.computed if not answer.abstained else ():
        lines.append(f"   computed  {one.operator.replace('_', ' ')} of")
        lines += [f"             {row.video}  {phrasing.span_text(row.span)}  {row.event}" for row in one.rows]
    return [
        *lines,
        f"   truth     {truth}   -> {'right' if right else 'WRONG'}",
        f"   cost      {phrasing.cost_text(answer.cost)}",
    ]


def _talk(archive: Archive, results: Sequence[Asked]) -> list[str]:
    """Two questions more, shown and not scored: what the videos show, and a conversation about one answer."""
    lines = []
    chat = archive.chat()
    when = next((one for one in results if one.question.type == "when" and not one.answer.abstained), None)
    for asked in (SUMMARY, *((when.question.question, FOLLOW_UP) if when is not None else ())):
        answer = archive.ask(asked) if asked == SUMMARY else chat.ask(asked)
        kind = "summary" if asked == SUMMARY else "conversation"
        lines += [
            f"\n   {asked}   [{kind}]",
            *(f"   {step.node:<9} {phrasing.for_terminal(step.summary, 150)}" for step in answer.steps),
            f"   answer    {phrasing.for_terminal(answer.text, 300)}   (confidence {answer.confidence:.2f})",
        ]
    if chat.turns:
        archive.forget(chat.id)
    return lines


def _only_ours(folder: Path) -> None:
    """The demo replaces files by name, so it takes only a folder that is new, empty or its own."""
    ours = {*SCRIPTS, *(str(Path(name).with_suffix(".srt")) for name in SCRIPTS)}
    if folder.exists() and not folder.is_dir():
        raise UsageError(f"{folder} is a file; name a folder with --dir")
    names = (path.name for path in folder.iterdir()) if folder.is_dir() else ()
    others = sorted(name for name in names if name not in ours and not name.startswith("."))
    if others:
        raise UsageError(f"{folder} holds other files, such as {others[0]}; name an empty folder with --dir")
