"""`lvqa demo`: films three short videos of text and speech, indexes them, asks, and compares with the truth.

The models need no download, and none of them is a VLM. Nothing in the answers comes from here: the archive sees only
the files. Knows no command line; what it has to say goes to a callable.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lvqa import phrasing
from lvqa.archive.archive import Archive
from lvqa.demo_footage import QUESTIONS, SCRIPTS, DemoQuestion, make_footage
from lvqa.errors import UsageError
from lvqa.types import Answer

if TYPE_CHECKING:
    from lvqa.indexers import Progress

__all__ = ["DemoReport", "make_footage", "run", "told"]


@dataclass(frozen=True, slots=True)
class DemoReport:
    """Every question with its answer, and whether it was right."""

    folder: Path
    index_seconds: float
    results: Sequence[tuple[DemoQuestion, Answer, bool]]

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


def run(folder: Path, *, progress: Progress | None = None, say: Callable[[str], None] | None = None) -> DemoReport:
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
            lines = told(number, question.text, question.options, question.kind, answer, str(question.truth), right)
            for line in lines:
                tell(line)
    done = DemoReport(folder, report.seconds, results)
    right_count = sum(right for *_, right in results)
    tell(f"\n{right_count} of {len(results)} right")
    tell(f'ask something yourself: lvqa ask {folder} --profile text "What freezes at minus two degrees?"')
    return done


def told(
    number: int, asked: str, options: Sequence[str], kind: str, answer: Answer, truth: str, right: bool
) -> list[str]:
    """The lines that show a question, the steps to its answer, what that rests on, the truth, and what it cost."""
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


def _only_ours(folder: Path) -> None:
    """The demo replaces files by name, so it takes only a folder that is new, empty or its own."""
    ours = {*SCRIPTS, *(str(Path(name).with_suffix(".srt")) for name in SCRIPTS)}
    if folder.exists() and not folder.is_dir():
        raise UsageError(f"{folder} is a file; name a folder with --dir")
    names = (path.name for path in folder.iterdir()) if folder.is_dir() else ()
    others = sorted(name for name in names if name not in ours and not name.startswith("."))
    if others:
        raise UsageError(f"{folder} holds other files, such as {others[0]}; name an empty folder with --dir")
