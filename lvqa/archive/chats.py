"""Chats with an archive: questions that may refer to the answers before them, and are remembered.

How a follow-up is understood, and how turns are kept, is `lvqa.agents.chat`'s.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from lvqa import phrasing, render
from lvqa.archive.questions import Questions
from lvqa.archive.results import link_base, thumbnailer
from lvqa.archive.workspace import Workspace
from lvqa.errors import UsageError
from lvqa.stopping import Asked
from lvqa.types import Answer, Budget, Question, Step

if TYPE_CHECKING:
    from lvqa.agents.chat.memory import ChatSummary, Memory
    from lvqa.agents.chat.turns import Turn
    from lvqa.tools.ledger import Ledger


class Chats:
    """The conversations with one archive, in `chats.db` of its index folder; opened when they are first needed."""

    def __init__(self, workspace: Workspace, questions: Questions) -> None:
        self._workspace = workspace
        self._questions = questions
        self._memory: Memory | None = None

    def open(self, thread: str | None = None) -> Chat:
        """A new conversation, or the one of that id; see `Archive.chat`."""
        memory = self.memory()
        if thread is not None and not memory.turns(thread):
            raise _no_such_chat(thread, memory.chats())
        chat = Chat(self._workspace, self._questions, self.memory, thread if thread is not None else memory.begin())
        if chat.notice:
            warnings.warn(chat.notice, stacklevel=3)
        return chat

    def kept(self) -> list[ChatSummary]:
        """The chats that were kept, the latest first. Raises StoreError."""
        return self.memory().chats() if self._exist else []

    def forget(self, thread: str) -> None:
        """Delete a chat. Raises UsageError where there is none of that id, StoreError."""
        if not self._exist or not self.memory().forget(thread):
            raise _no_such_chat(thread, self.kept())

    def memory(self) -> Memory:
        """Where the turns are kept, opened. Raises UsageError where there is no index, StoreError."""
        if self._memory is None:
            from lvqa.agents.chat.chat_file import CHATS_FILE
            from lvqa.agents.chat.memory import Memory

            self._workspace.filled_store()
            self._memory = Memory.open(self._workspace.index_dir / CHATS_FILE)
        return self._memory

    def close(self) -> None:
        """Let go of the file; the next use opens it again."""
        if self._memory is not None:
            self._memory.close()
            self._memory = None

    @property
    def _exist(self) -> bool:
        from lvqa.agents.chat.chat_file import CHATS_FILE

        return self._memory is not None or (self._workspace.index_dir / CHATS_FILE).exists()


class Chat:
    """One conversation, made by `Archive.chat`. `id` resumes it later; `turns` are its questions and answers so far.

    `notice` says why it is kept in memory alone, where the index folder cannot be written; it is empty otherwise.
    """

    def __init__(self, workspace: Workspace, questions: Questions, memory: Callable[[], Memory], id: str) -> None:
        self.id = id
        self.notice = memory().notice
        self._workspace = workspace
        self._questions = questions
        self._memory = memory

    @property
    def turns(self) -> list[Turn]:
        """The questions that were answered, oldest first. Raises StoreError."""
        return self._memory().turns(self.id)

    def ask(
        self,
        question: str | Question,
        options: Sequence[str] | None = None,
        *,
        on_step: Callable[[Step], None] | None = None,
        **given: Any,
    ) -> Answer:
        """Answer a question that may refer to the turns before it; keywords and errors as those of `Archive.ask`.

        The answer's `question` is what was asked; its first step tells what that was understood as. `videos` and
        `between` win over what the question refers to.
        """
        answer: Answer | None = None
        for event in self.stream(question, options, **given):
            if isinstance(event, Answer):
                answer = event
            elif on_step is not None:
                on_step(event)
        assert answer is not None, "the agent ended without an answer"
        return answer

    def stream(
        self,
        question: str | Question,
        options: Sequence[str] | None = None,
        *,
        stop: Asked = None,
        **given: Any,
    ) -> Iterator[Step | Answer]:
        """Like `ask`, as it happens: every Step, and the Answer last, by then kept as a turn.

        What understanding the question took counts in the answer's cost and budget.
        """
        from lvqa.agents.chat.memory import Asking
        from lvqa.agents.chat.turns import Turn
        from lvqa.tools.ledger import Ledger
        from lvqa.tools.prices import Prices

        asked = Question.of(question, options, **given)
        workspace, scope = self._workspace, asked.scope
        durations, chat = workspace.durations(), workspace.models.chat  # loaded before the clock starts
        ledger = Ledger(asked.budget_in(workspace.settings), prices=Prices.of(workspace.settings))
        found = self._memory().understand(self.id, asked.text, Asking(durations, chat, ledger))
        step, cost = found.step(), ledger.cost
        where = scope.videos or found.videos
        when = scope.between if scope.between is not None else found.between
        if found.empty and not scope.videos and scope.between is None:
            nothing = Answer(_sentence(found.why), None, 0.0, "absent", options=asked.options)
            answering: Iterator[Step | Answer] = iter([nothing])
        else:
            narrowed = replace(scope, videos=where, between=when)
            understood = replace(asked, text=found.question, scope=narrowed, budget=_left(ledger))
            answering = self._questions.stream(understood, stop=stop)

        def events() -> Iterator[Step | Answer]:
            yield step
            for event in answering:
                if not isinstance(event, Answer):
                    yield event
                    continue
                answer = replace(event, question=asked.text, steps=(step, *event.steps), cost=event.cost + cost)
                self._memory().keep(self.id, Turn.answered(answer, found.question, where, when))
                yield answer

        return events()

    def __repr__(self) -> str:
        return f"Chat({self.id!r}, {phrasing.count(len(self.turns), 'turn')})"

    def _repr_html_(self) -> str:
        workspace = self._workspace
        pictures, base = thumbnailer(workspace.folder), link_base(workspace.folder)
        return render.chat_html(self.id, self.turns, pictures, workspace.durations(), base, note=self.notice)


def _left(ledger: Ledger) -> Budget:
    """What a ledger has left, as a budget of its own."""
    budget, cost = ledger.budget, ledger.cost
    return replace(
        budget,
        tokens=max(0, budget.tokens - cost.tokens_in - cost.tokens_out),
        seconds=max(0.001, budget.seconds - cost.seconds),
        # 0 would be no limit.
        money=max(1e-9, budget.money - cost.money) if budget.money > 0 else 0.0,
    )


def _no_such_chat(thread: str, chats: Sequence[ChatSummary]) -> UsageError:
    known = phrasing.listed([chat.id for chat in chats])
    return UsageError(f"there is no chat {thread!r}; there are: {known or 'none'}")


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}"
