"""The questions of a task as they are put: in which order, in which words, from which notes. Reads no file."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace

from lvqa.errors import UsageError
from lvqa.eval.tasks.base import TaskData, TaskQuestion
from lvqa.eval.tasks.registry import Task
from lvqa.prompts import Prompt
from lvqa.types import SOURCES


def chosen(task: Task, data: TaskData, limit: int | None, seed: int) -> tuple[TaskQuestion, ...]:
    """The questions in the order in which they are asked: shuffled by the seed, the first `limit` of them.

    Videos are mixed, and a larger limit asks the same and more. Raises UsageError for none, for two of one id, and for
    one with fewer than two options.
    """
    if limit is not None and limit < 1:
        raise UsageError(f"ask at least one question: --limit 1, got {limit}")
    if not data.questions:
        raise UsageError(f"{task.title} has no questions in that folder; check --data")
    ids = [question.id for question in data.questions]
    if len(set(ids)) < len(ids):
        twice = next(name for name in ids if ids.count(name) > 1)
        raise UsageError(f"{task.title} has two questions {twice!r}; answers are kept by id")
    for question in data.questions:
        if len(question.options) < 2 or not all(option.strip() for option in question.options):
            raise UsageError(f"question {question.id!r} of {task.title} needs two options or more, none of them empty")
    order = sorted(data.questions, key=lambda question: question.id)
    random.Random(f"questions:{seed}").shuffle(order)
    wording = Prompt.of(task.name, task.prompt or "{{question}}")
    return tuple(replace(question, text=wording.fill(question=question.text)) for question in order[:limit])


def videos_of(questions: Sequence[TaskQuestion]) -> tuple[str, ...] | None:
    """The videos that questions are about, sorted; None where one of them is about all of the archive."""
    if any(not question.videos for question in questions):
        return None
    return tuple(sorted({video for question in questions for video in question.videos}))


def sources_of(task: Task) -> list[str] | None:
    """The kinds of notes that an answer may rest on; None where the task allows all of them."""
    return None if not task.sources or set(task.sources) >= set(SOURCES) else list(task.sources)
