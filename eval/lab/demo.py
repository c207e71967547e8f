"""`python -m lvqa.eval.lab.demo`: the whole way to an answer, on 30 minutes of the synthetic world in three videos.

The videos are rendered, indexed with the laboratory's models, and asked one question of each type, with every step
shown; then what they show, and a question that refers to the answer before. Nothing in the answers comes from here:
the archive sees only the files. `--ask QUESTION` asks the same videos one of your own.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lvqa import phrasing
from lvqa.cli import output
from lvqa.cli.shared import ERROR, OK, progress_bar
from lvqa.demo import told
from lvqa.errors import LvqaError
from lvqa.eval.lab.command import Parser, carry_out
from lvqa.eval.lab.tiny.models import open_archive
from lvqa.eval.lab.world.build import build
from lvqa.eval.lab.world.questions.grade import right_choice, right_open
from lvqa.types import Answer, Span

if TYPE_CHECKING:
    from lvqa.archive.archive import Archive
    from lvqa.eval.lab.world.questions.make import WorldQuestion
    from lvqa.indexers import Progress
    from lvqa.models.profiles import Models

MINUTES, VIDEOS, SEED = 30.0, 3, 0
# The demo has worked where this share of the answers is right.
ENOUGH = 0.8
# Asked beside the questions with known answers: of whole videos, and what refers to the answer before.
SUMMARY = "What do these videos show?"
FOLLOW_UP = "And after that?"


@dataclass(frozen=True, slots=True)
class GradedAnswer:
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
    results: Sequence[GradedAnswer]

    @property
    def right(self) -> int:
        """How many answers were right."""
        return sum(one.right for one in self.results)

    @property
    def passed(self) -> bool:
        """Whether at most a fifth of the answers was wrong."""
        return self.right >= ENOUGH * len(self.results)

    def to_dict(self) -> dict[str, Any]:
        """The fields that `--json` prints."""
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
    """Render three videos of the world in `folder`, index them with the tiny models, ask one question of each type.

    Every other question is asked open, the rest with five options, and the steps of each are told; then what the videos
    show, and a question that refers to the answer before. Running it again in the same folder uses the videos
    and the index that are there. `minutes` are those of all videos; `models` take the place of the tiny ones. Raises
    UsageError where the folder holds other files, ModelNotFound.
    """
    tell = say or (lambda line: None)
    tell(f"rendering {VIDEOS} videos of a synthetic world, {minutes:g} minutes in all, in {folder}")
    world = build(folder, minutes, SEED, videos=VIDEOS, on_video=lambda name: tell(f"  {name}"))
    with open_archive(folder, models=models) as archive:
        report = archive.index(progress=progress)
        if report.failed:
            raise LvqaError(f"{report.failed[0][0]} cannot be indexed: {report.failed[0][1]}")
        tell(
            f"indexed in {report.seconds:.1f} s: {phrasing.count(report.notes, 'new note')}"
            f"{f', {report.unchanged} videos unchanged' if report.unchanged else ''}"
        )
        results: list[GradedAnswer] = []
        for number, question in enumerate(pick(world.questions), start=1):
            open_ = number % 2 == 1
            if open_:
                answer = archive.ask(question.question)
            else:
                answer = archive.ask(question.options_question, question.options)
            right = (right_open if open_ else right_choice)(question, answer)
            results.append(GradedAnswer(question, answer, open_, right))
            options = () if open_ else question.options
            for line in told(number, results[-1].text, options, question.type, answer, results[-1].truth, right):
                tell(line)
        for line in _talk(archive, results):
            tell(line)
    done = WorldReport(folder, report.seconds, results)
    tell(f"\n{done.right} of {len(results)} right")
    own = results[0].text if results else ""
    tell(f'ask something yourself: python -m lvqa.eval.lab.demo --dir {folder} --ask "{own}"')
    return done


def _talk(archive: Archive, results: Sequence[GradedAnswer]) -> list[str]:
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


def ask(folder: Path, question: str, *, models: Models | None = None) -> Answer:
    """What the demo's archive in `folder` answers. Raises StoreError where the demo has not run there."""
    with open_archive(folder, models=models) as archive:
        return archive.ask(question)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run from the command line; returns 0 where at most a fifth of the answers was wrong."""
    parser = Parser(
        prog="python -m lvqa.eval.lab.demo", description="Make videos, index them, ask, and check the answers."
    )
    parser.add_argument("--dir", metavar="DIR", default="demo", help="where the videos go; ./demo if not given")
    parser.add_argument("--ask", metavar="QUESTION", help="ask the videos that lie there this, and nothing else")
    parser.add_argument("--json", action="store_true", help="print one JSON document")

    def work() -> int:
        given = parser.parse_args(arguments)
        folder = Path(given.dir)
        if given.ask is not None:
            answer = ask(folder, given.ask)
            if given.json:
                output.out_json(answer.to_dict())
            else:
                for line in told(1, given.ask, (), "yours", answer, "only you know it", True)[:-2]:
                    output.out(line)
            return OK
        with progress_bar() as progress:
            report = run(folder, progress=progress, say=(lambda line: None) if given.json else output.out)
        if given.json:
            output.out_json(report.to_dict())
        return OK if report.passed else ERROR

    return carry_out(work)


if __name__ == "__main__":
    sys.exit(main())
