"""Conversations that last: a LangGraph of one question, understood and then kept, with a checkpointer in SQLite.

    START -> understand -> (the question is answered outside of the graph) -> keep -> END

A thread of the checkpointer is one chat. Its state is plain JSON, and is stored as JSON: nothing that is read from the
file is ever unpickled or imported. Knows no archive, and does not answer.
"""

from __future__ import annotations

import operator
import secrets
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypedDict

from langgraph.checkpoint.sqlite import SqliteSaver
from langgraph.graph import END, START, StateGraph
from langgraph.runtime import Runtime

from lvqa.agents.chat.chat_file import PlainJson, connect, explain
from lvqa.agents.chat.conversation import understand
from lvqa.agents.chat.turns import Turn, Understood
from lvqa.errors import StoreError
from lvqa.tools.ledger import Ledger

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel
    from langchain_core.runnables import RunnableConfig
    from langgraph.graph.state import CompiledStateGraph
_CHECKPOINT = {"id", "ts", "channel_values", "channel_versions", "versions_seen"}


@dataclass(frozen=True, slots=True)
class ChatSummary:
    """A chat that was kept: its id, its number of turns, its first question, the time of its last turn (ISO, UTC)."""

    id: str
    turns: int
    question: str
    updated: str


@dataclass(frozen=True, slots=True)
class Asking:
    """What a question is understood with: the chat model or None, its ledger, the seconds of each video by path."""

    durations: Mapping[str, float]
    chat: BaseChatModel | None = None
    ledger: Ledger | None = None


class Conversation(TypedDict):
    """The graph's state: the question, what it was understood as, and the turns so far; JSON all through."""

    asked: str
    understood: dict[str, Any]
    turns: Annotated[list[dict[str, Any]], operator.add]


def build_conversation(saver: SqliteSaver) -> CompiledStateGraph[Conversation, Asking, Conversation, Conversation]:
    """Compile the graph; it stops before `keep`, until the answer is there."""
    graph = StateGraph(Conversation, context_schema=Asking)
    graph.add_node("understand", _understand)
    graph.add_node("keep", _keep)
    graph.add_edge(START, "understand")
    graph.add_edge("understand", "keep")
    graph.add_edge("keep", END)
    return graph.compile(checkpointer=saver, interrupt_before=["keep"])


def _understand(state: Conversation, runtime: Runtime[Asking]) -> dict[str, Any]:
    given = runtime.context
    turns = [_turn(data) for data in state.get("turns", ())]
    found = understand(state["asked"], turns, given.durations, chat=given.chat, ledger=given.ledger)
    return {"understood": found.to_dict()}


def _keep(state: Conversation) -> dict[str, Any]:
    return {}


class Memory:
    """The chats of one archive, in `chats.db` of its index folder; close it.

    Where that folder cannot be written they are kept in this process alone, beginning with those that the file holds:
    `notice` then says so, and is empty otherwise.
    """

    def __init__(self, connection: sqlite3.Connection, path: Path, notice: str = "") -> None:
        self.path = path
        self.notice = notice
        self._connection = connection
        self._saver = SqliteSaver(connection, serde=PlainJson())
        self._graph = build_conversation(self._saver)
        with self._explained():
            self._saver.setup()

    @classmethod
    def open(cls, path: Path) -> Memory:
        """Open the file, or make it. Raises StoreError for one that holds something else, StoreVersionError."""
        try:
            connection, notice = connect(path)
        except sqlite3.Error as error:
            raise explain(error, path) from error
        try:
            return cls(connection, path, notice)
        except BaseException:
            connection.close()
            raise

    def begin(self) -> str:
        """An id that no chat has yet."""
        known = {chat.id for chat in self.chats()}
        while (made := secrets.token_hex(4)) in known:
            pass
        return made

    def turns(self, thread: str) -> list[Turn]:
        """The turns of a chat, oldest first; none for an unknown one. Raises StoreError."""
        with self._explained():
            kept = self._saver.get_tuple(_config(thread))
        return _turns(kept.checkpoint) if kept is not None else []

    def understand(self, thread: str, question: str, asking: Asking) -> Understood:
        """What a question means after the turns of a chat. Raises StoreError, ModelError."""
        found: Understood | None = None
        with self._explained():
            for update in self._graph.stream(
                {"asked": question, "understood": {}, "turns": []},
                _config(thread),
                context=asking,
                stream_mode="updates",
                durability="exit",
            ):
                if "understand" in update:
                    found = Understood.of(update["understand"]["understood"])
        assert found is not None, "the graph ended without understanding"
        return found

    def keep(self, thread: str, turn: Turn) -> None:
        """Add a turn to a chat. Raises StoreError."""
        with self._explained():
            self._graph.update_state(_config(thread), {"turns": [turn.to_dict()]}, as_node="keep")
            self._only_latest(thread)

    def chats(self) -> list[ChatSummary]:
        """Every chat with a turn, the latest first; one that cannot be read has no turns. Raises StoreError."""
        with self._explained(), self._saver.cursor(transaction=False) as cursor:
            threads = [str(row[0]) for row in cursor.execute("SELECT DISTINCT thread_id FROM checkpoints").fetchall()]
        found = [summary for thread in threads if (summary := self._summary(thread)) is not None]
        return sorted(found, key=lambda chat: (chat.updated, chat.id), reverse=True)

    def _summary(self, thread: str) -> ChatSummary | None:
        try:
            with self._explained():
                kept = self._saver.get_tuple(_config(thread))
            if kept is None:
                return None
            turns = _turns(kept.checkpoint)
            return ChatSummary(thread, len(turns), turns[0].question, str(kept.checkpoint["ts"])) if turns else None
        except StoreError as error:
            return ChatSummary(thread, 0, str(error), "")

    def forget(self, thread: str) -> bool:
        """Delete a chat; whether there was one. Raises StoreError, also where the file cannot be written."""
        if self.notice:
            raise StoreError(f"{self.path} cannot be written; change the permissions of {self.path.parent}")
        with self._explained():
            with self._saver.cursor(transaction=False) as cursor:
                known = cursor.execute("SELECT 1 FROM checkpoints WHERE thread_id = ?", (thread,)).fetchone()
            self._saver.delete_thread(thread)
        return known is not None

    def close(self) -> None:
        """Close the file; a second call does nothing."""
        with suppress(sqlite3.Error):
            self._connection.close()

    def _only_latest(self, thread: str) -> None:
        """Drop the checkpoints before the last: each holds all turns, and all of them grow with the square."""
        latest = "(SELECT max(checkpoint_id) FROM checkpoints WHERE thread_id = ?)"
        with self._saver.cursor() as cursor:
            for table in ("writes", "checkpoints"):
                cursor.execute(
                    f"DELETE FROM {table} WHERE thread_id = ? AND checkpoint_id <> {latest}",  # noqa: S608
                    (thread, thread),
                )

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise explain(error, self.path) from error


def _config(thread: str) -> RunnableConfig:
    return {"configurable": {"thread_id": thread}}


def _turns(checkpoint: Any) -> list[Turn]:
    """The turns that a checkpoint holds. Raises StoreError for one that is not as LangGraph makes them."""
    values = checkpoint.get("channel_values") if isinstance(checkpoint, dict) else None
    turns = values.get("turns", []) if isinstance(values, dict) else None
    if not isinstance(turns, list) or not checkpoint.keys() >= _CHECKPOINT:
        raise StoreError("a chat is not as lvqa keeps them; forget it, or delete the file chats.db")
    return [_turn(data) for data in turns]


def _turn(data: Any) -> Turn:
    try:
        return Turn.of(data)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise StoreError(
            f"a turn of a chat cannot be read ({type(error).__name__}: {error}); forget it, or delete the file chats.db"
        ) from error
