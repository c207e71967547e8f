"""`lvqa chat`: reads questions from stdin, one a line, and prints answers as `lvqa ask` does.

Knows the library and the plan, not typer. What is asked of a person (the prompt, how to go on later) goes to stderr.
"""

from __future__ import annotations

import io
import shlex
import sys
import warnings
from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING

from lvqa import phrasing
from lvqa.agents.chat.turns import UnderstandStep, Understood
from lvqa.archive.archive import Archive
from lvqa.archive.workspace import INDEX_FOLDER
from lvqa.cli import output
from lvqa.errors import LvqaError
from lvqa.types import Answer

if TYPE_CHECKING:
    from lvqa.archive.chats import Chat
    from lvqa.cli.plan import Chat as Plan

OK, ERROR, STOPPED = 0, 1, 130
_QUESTION_CHARACTERS = 80


def list_all(archive: Archive, as_json: bool) -> int:
    """Print every chat that was kept, the latest first."""
    chats = archive.chats()
    if as_json:
        output.out_json([asdict(chat) for chat in chats])
        return OK
    if not chats:
        output.note("lvqa: no chats were kept")
    rows = (
        (
            chat.id,
            chat.updated[:16].replace("T", " "),
            phrasing.count(chat.turns, "turn"),
            phrasing.for_terminal(chat.question, _QUESTION_CHARACTERS),
        )
        for chat in chats
    )
    for line in output.table(rows, indent=""):
        output.out(line)
    return OK


def forget(archive: Archive, thread: str, as_json: bool) -> int:
    """Delete a chat."""
    archive.forget(thread)
    if as_json:
        output.out_json({"forgotten": thread})
    else:
        output.out(f"forgot the chat {phrasing.escaped(thread)}")
    return OK


def converse(archive: Archive, plan: Plan, as_json: bool, first: Callable[[], Sequence[str]]) -> int:
    """Answer questions until stdin ends, a line is empty, or Ctrl-C; `first` is said before the first answer.

    A question that fails is one line on stderr, and does not stop the next; the status then is 1.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # said below
        chat = archive.chat(plan.resume)
    if chat.notice:
        output.note(f"lvqa: {phrasing.for_terminal(chat.notice)}")
    for line in first():
        output.note(line)
    if plan.resume is not None:
        last = chat.turns[-1]
        output.note(
            f"lvqa: {phrasing.count(len(chat.turns), 'turn')}; the last: {phrasing.for_terminal(last.question)}"
        )
    if isinstance(sys.stdin, io.TextIOWrapper):
        sys.stdin.reconfigure(errors="replace")
    status = OK
    try:
        while question := _read():
            status = max(status, _answer(chat, question, plan, as_json))
    except KeyboardInterrupt:
        output.note("")
        status = STOPPED
    if chat.turns and not chat.notice:
        output.note(f"lvqa: to go on later: {_resume_command(archive, chat.id)}")
    return status


def _read() -> str:
    """The next question; empty at the end."""
    if sys.stdin.isatty():
        sys.stdout.flush()
        sys.stderr.write("? ")
        sys.stderr.flush()
    return sys.stdin.readline().strip()


def _answer(chat: Chat, question: str, plan: Plan, as_json: bool) -> int:
    understood: Understood | None = None
    answer: Answer | None = None
    try:
        for event in chat.stream(question, seed=plan.seed):
            if isinstance(event, Answer):
                answer = event
                continue
            if isinstance(event, UnderstandStep):
                understood = event.understood
            told = isinstance(event, UnderstandStep) and not as_json and _is_told(event.understood, question)
            if plan.steps or told:
                output.note(output.step_line(event))
    except LvqaError as error:
        if as_json:
            output.out_json_line({"chat": chat.id, "question": question, "error": str(error)})
        output.note(f"lvqa: error: {phrasing.for_terminal(str(error))}")
        return ERROR
    assert answer is not None, "the agent ended without an answer"
    if as_json:
        steps = {"steps": [step.to_dict() for step in answer.steps]} if plan.steps else {}
        meant = understood.to_dict() if understood is not None else {}
        head = {"chat": chat.id, "question": question, "understood": meant}
        output.out_json_line(head | answer.to_dict() | steps)
    else:
        for line in output.answer_lines(answer):
            output.out(line)
        sys.stdout.flush()
    return OK


def _is_told(understood: Understood, question: str) -> bool:
    """Whether what a question was understood as is more than the question."""
    told = (understood.videos, understood.between, understood.failure)
    return understood.question != question or any(told) or understood.by == "rules"


def _resume_command(archive: Archive, thread: str) -> str:
    command = f"lvqa chat {shlex.quote(str(archive.folder))}"
    if archive.index_dir != archive.folder / INDEX_FOLDER:
        command += f" --archive {shlex.quote(str(archive.index_dir))}"
    return phrasing.escaped(f"{command} --resume {thread}")
