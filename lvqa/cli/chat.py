"""`lvqa chat`: reads questions from stdin, one a line, and prints answers as `lvqa ask` does.

What is asked of a person (the prompt, how to go on later) goes to stderr.
"""

from __future__ import annotations

import io
import shlex
import sys
import warnings
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lvqa import phrasing
from lvqa.cli import options as o
from lvqa.cli import output
from lvqa.cli.shared import ERROR, OK, STOPPED, open_archive, reasons
from lvqa.errors import LvqaError, UsageError
from lvqa.types import Answer

if TYPE_CHECKING:
    from lvqa.agents.chat.turns import Understood
    from lvqa.archive.archive import Archive
    from lvqa.archive.chats import Chat

_QUESTION_CHARACTERS = 80


@o.takes_settings
def chat(
    folder: o.Folder,
    settings: dict[str, Any],
    resume: Annotated[str | None, typer.Option("--resume", metavar="ID", help="Go on with this chat.")] = None,
    list_all: Annotated[bool, typer.Option("--list", help="List the chats that were kept, the latest first.")] = False,
    forget: Annotated[str | None, typer.Option("--forget", metavar="ID", help="Delete this chat.")] = None,
    steps: o.Steps = False,
    seed: o.Seed = 0,
    think: o.Think = False,
    archive_dir: o.ArchiveDir = None,
    as_json: o.AsJson = False,
) -> int:
    """Ask one question after the other, each in a line of stdin.

    A question may refer to the answers before it: "and before that?", "what colour was it?", "and in kitchen.mp4?". An
    empty line ends. With --json every answer is one line.
    """
    if sum((resume is not None, list_all, forget is not None)) > 1:
        raise UsageError("--resume, --list and --forget go alone; give one of them")
    with open_archive(folder, archive_dir, settings | o.given(think=think or None)) as archive:
        if list_all:
            return _list_all(archive, as_json)
        if forget is not None:
            return _forget(archive, forget, as_json)
        return _converse(archive, resume, steps, seed, as_json)


def _list_all(archive: Archive, as_json: bool) -> int:
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
    output.out(*output.table(rows, indent=""))
    return OK


def _forget(archive: Archive, thread: str, as_json: bool) -> int:
    archive.forget(thread)
    if as_json:
        output.out_json({"forgotten": thread})
    else:
        output.out(f"forgot the chat {phrasing.escaped(thread)}")
    return OK


def _converse(archive: Archive, resume: str | None, steps: bool, seed: int, as_json: bool) -> int:
    """Answer questions until stdin ends, a line is empty, or Ctrl-C.

    A question that fails is one line on stderr, and does not stop the next; the status then is 1.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # said below
        chat = archive.chat(resume)
    if chat.notice:
        output.note(f"lvqa: {phrasing.for_terminal(chat.notice)}")
    output.note(*reasons(archive)[:1])
    if resume is not None:
        turns, last = phrasing.count(len(chat.turns), "turn"), phrasing.for_terminal(chat.turns[-1].question)
        output.note(f"lvqa: {turns}; the last: {last}")
    if isinstance(sys.stdin, io.TextIOWrapper):
        sys.stdin.reconfigure(errors="replace")
    status = OK
    try:
        while question := _read():
            status = max(status, _answer(chat, question, steps, seed, as_json))
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


def _answer(chat: Chat, question: str, steps: bool, seed: int, as_json: bool) -> int:
    from lvqa.agents.chat.turns import UnderstandStep

    understood: Understood | None = None
    answer: Answer | None = None
    try:
        for event in chat.stream(question, seed=seed):
            if isinstance(event, Answer):
                answer = event
                continue
            told = steps
            if isinstance(event, UnderstandStep):
                understood = event.understood
                told = steps or (not as_json and _is_told(understood, question))
            if told:
                output.note_step(event)
    except LvqaError as error:
        if as_json:
            output.out_json_line({"chat": chat.id, "question": question, "error": str(error)})
        output.note(f"lvqa: error: {phrasing.for_terminal(str(error))}")
        return ERROR
    assert answer is not None, "the agent ended without an answer"
    if as_json:
        meant = understood.to_dict() if understood is not None else {}
        head = {"chat": chat.id, "question": question, "understood": meant}
        output.out_json_line(head | output.answer_dict(answer, steps))
    else:
        output.out(*output.answer_lines(answer))
        sys.stdout.flush()
    return OK


def _is_told(understood: Understood, question: str) -> bool:
    """Whether what a question was understood as is more than the question."""
    told = (understood.videos, understood.between, understood.failure)
    return understood.question != question or any(told) or understood.by == "rules"


def _resume_command(archive: Archive, thread: str) -> str:
    from lvqa.archive.workspace import INDEX_FOLDER

    command = f"lvqa chat {shlex.quote(str(archive.folder))}"
    if archive.index_dir != archive.folder / INDEX_FOLDER:
        command += f" --archive {shlex.quote(str(archive.index_dir))}"
    return phrasing.escaped(f"{command} --resume {thread}")
