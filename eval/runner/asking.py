"""Puts questions to a system, several at a time, and keeps each answer as it comes; what fails is a row like any other.

Every thread has its own archive over the one index, and all share the models. Knows nothing of tasks and reports.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lvqa.archive.archive import Archive
from lvqa.errors import LvqaError
from lvqa.eval.runner.rows import AnswerRow, Results
from lvqa.eval.tasks.base import TaskQuestion
from lvqa.phrasing import for_terminal
from lvqa.types import Answer, Step

if TYPE_CHECKING:
    from lvqa.indexers import Progress

# So many failures and no answer before them: it is the model that fails, not the questions.
FIRST = 5


@dataclass(frozen=True, slots=True)
class AskedSystem:
    """What is asked: its name in the results, how it answers a question with options in that order, and the order."""

    name: str
    ask: Callable[[Archive, TaskQuestion, Sequence[int]], Answer]
    agent: str = ""
    order: Callable[[TaskQuestion], Sequence[int]] = lambda question: tuple(range(len(question.options)))


Outcome = tuple[AnswerRow, Exception | None]


def ask_all(
    system: AskedSystem,
    questions: Sequence[TaskQuestion],
    archive: Archive,
    results: Results,
    *,
    seed: int = 0,
    workers: int = 1,
    missing: dict[str, str] | None = None,
    progress: Progress | None = None,
    say: Callable[[str], None] = lambda line: None,
) -> None:
    """Ask what has no answer yet, failures of earlier runs among it, and add the rows to `results`.

    `missing` says why a video cannot be asked about: its questions fail. Where the first questions all fail, with none
    answered before, the first of their errors is raised and none is kept.
    """
    failing = dict(missing or {})
    stand = [row for row in results.of(system.name, [question.id for question in questions]) if not row.error]
    done = {row.id for row in stand}
    open_ = [question for question in questions if question.id not in done]
    if not open_:
        return
    say(f"asking {system.name}: {len(open_)} questions" + (", the others stand" if stand else ""))
    lost = [q for q in open_ if q.videos and all(video in failing for video in q.videos)]
    for question in lost:
        reason, order = failing[question.videos[0]], system.order(question)
        results.add(AnswerRow.failed(system.name, question, reason, agent=system.agent, seed=seed, order=order))
    askable = [question for question in open_ if question not in lost]
    alive, first_failures, first_error = bool(stand), list[AnswerRow](), None
    if progress is not None:
        progress.start(0, len(askable), "questions")
    try:
        for row, error in _rows(system, askable, archive, seed, workers):
            if progress is not None:
                progress.advance(1)
            if error is not None and not alive:
                first_failures.append(row)
                first_error = first_error or error
                if len(first_failures) >= min(FIRST, len(askable)):
                    if isinstance(first_error, LvqaError):
                        raise first_error
                    raise LvqaError(f"{type(first_error).__name__}: {first_error}")
                continue
            alive = True
            for failure in first_failures:
                results.add(failure)
            first_failures.clear()
            results.add(row)
    finally:
        if progress is not None:
            progress.finish()


def _rows(
    system: AskedSystem, questions: Sequence[TaskQuestion], archive: Archive, seed: int, workers: int
) -> Iterator[Outcome]:
    """Rows as they come."""
    if workers == 1 or len(questions) < 2:
        for question in questions:
            yield _row(system, question, archive, seed)
        return
    todo: queue.SimpleQueue[TaskQuestion] = queue.SimpleQueue()
    for question in questions:
        todo.put(question)
    came: queue.SimpleQueue[Outcome] = queue.SimpleQueue()
    stop = threading.Event()

    def work(mine: Archive) -> None:
        with mine:
            while not stop.is_set():
                try:
                    question = todo.get_nowait()
                except queue.Empty:
                    return
                came.put(_row(system, question, mine, seed))

    threads = [
        threading.Thread(target=work, args=(archive.twin(),), name=f"lvqa-eval-{n}", daemon=True)
        for n in range(min(workers, len(questions)))
    ]
    for thread in threads:
        thread.start()
    try:
        for _ in questions:
            yield came.get()
    finally:
        stop.set()
        for thread in threads:
            thread.join()


def _row(system: AskedSystem, question: TaskQuestion, archive: Archive, seed: int) -> Outcome:
    order = tuple(system.order(question))
    began = time.monotonic()
    try:
        answer = system.ask(archive, question, order)
        return AnswerRow.of(system.name, question, answer, agent=system.agent, seed=seed, order=order), None
    except Exception as error:
        said = str(error) if isinstance(error, LvqaError) else f"{type(error).__name__}: {error}"
        reason = f"{for_terminal(said, 400)} (after {time.monotonic() - began:.1f} s)"
        return AnswerRow.failed(system.name, question, reason, agent=system.agent, seed=seed, order=order), error


def by_agent(
    agent: str, seed: int, sources: Sequence[str] | None, on_step: Callable[[Step], None] | None = None
) -> Callable[[Archive, TaskQuestion, Sequence[int]], Answer]:
    """How an agent is asked: about the question's videos alone, in the time and from the notes that it may use."""

    def ask(archive: Archive, question: TaskQuestion, order: Sequence[int]) -> Answer:
        return archive.ask(
            question.text,
            [question.options[n] for n in order],
            videos=question.videos or None,
            between=question.between,
            sources=sources,
            seed=seed,
            agent=agent,
            on_step=on_step,
        )

    return ask
