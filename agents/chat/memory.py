"""Conversations that last: each turn of each chat is a row of one table (`chat_file`).

Knows no archive, and does not answer.
"""

from __future__ import annotations

import json
import secrets
import sqlite3
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lvqa.agents.chat.chat_file import connect, explain, parsed, writing
from lvqa.agents.chat.conversation import understand
from lvqa.agents.chat.turns import Turn, Understood
from lvqa.errors import StoreError
from lvqa.tools.ledger import Ledger

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel


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


class Memory:
    """The chats of one archive, in `chats.db` of its index folder; close it.

    Where that folder cannot be written they are kept in this process alone, beginning with those that the file holds:
    `notice` then says so, and is empty otherwise. Threads may share one.
    """

    def __init__(self, connection: sqlite3.Connection, path: Path, notice: str = "") -> None:
        self.path = path
        self.notice = notice
        self._connection = connection
        self._lock = threading.Lock()

    @classmethod
    def open(cls, path: Path) -> Memory:
        """Open the file, or make it. Raises StoreError for one that holds something else, StoreVersionError."""
        try:
            connection, notice = connect(path)
        except sqlite3.Error as error:
            raise explain(error, path) from error
        return cls(connection, path, notice)

    def begin(self) -> str:
        """An id for a new chat: eight hexadecimal digits that no chat has yet. Raises StoreError."""
        known = {chat.id for chat in self.chats()}
        while (made := secrets.token_hex(4)) in known:
            pass
        return made

    def turns(self, thread: str) -> list[Turn]:
        """The turns of a chat, oldest first; none for an unknown one. Raises StoreError."""
        with self._using() as connection:
            rows = connection.execute("SELECT turn FROM turns WHERE chat = ? ORDER BY number", (thread,)).fetchall()
        return [_turn(parsed(turn)) for (turn,) in rows]

    def understand(self, thread: str, question: str, asking: Asking) -> Understood:
        """What a question means after the turns of a chat. Raises StoreError, ModelError."""
        return understand(question, self.turns(thread), asking.durations, chat=asking.chat, ledger=asking.ledger)

    def keep(self, thread: str, turn: Turn) -> None:
        """Add a turn to a chat. Raises StoreError."""
        told, now = json.dumps(turn.to_dict()), datetime.now(UTC).isoformat()
        number = "(SELECT coalesce(max(number), 0) + 1 FROM turns WHERE chat = ?)"
        with self._using() as connection, writing(connection):
            connection.execute(
                f"INSERT INTO turns (chat, number, at, turn) VALUES (?, {number}, ?, ?)",  # noqa: S608
                (thread, thread, now, told),
            )

    def chats(self) -> list[ChatSummary]:
        """Every chat with a turn, the latest first; one that cannot be read has no turns. Raises StoreError."""
        with self._using() as connection:
            rows = connection.execute("SELECT chat, max(at) FROM turns GROUP BY chat").fetchall()
        found = [self._summary(str(chat), str(updated)) for chat, updated in rows]
        return sorted(found, key=lambda chat: (chat.updated, chat.id), reverse=True)

    def _summary(self, thread: str, updated: str) -> ChatSummary:
        try:
            turns = self.turns(thread)
        except StoreError as error:
            return ChatSummary(thread, 0, str(error), "")
        return ChatSummary(thread, len(turns), turns[0].question if turns else "", updated)

    def forget(self, thread: str) -> bool:
        """Delete a chat; whether there was one. Raises StoreError, also where the file cannot be written."""
        if self.notice:
            raise StoreError(f"{self.path} cannot be written; change the permissions of {self.path.parent}")
        with self._using() as connection, writing(connection):
            return connection.execute("DELETE FROM turns WHERE chat = ?", (thread,)).rowcount > 0

    def close(self) -> None:
        """Close the file; a second call does nothing."""
        with suppress(sqlite3.Error):
            self._connection.close()

    @contextmanager
    def _using(self) -> Iterator[sqlite3.Connection]:
        try:
            with self._lock:
                yield self._connection
        except sqlite3.Error as error:
            raise explain(error, self.path) from error


def _turn(data: Any) -> Turn:
    try:
        return Turn.of(data)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise StoreError(
            f"a turn of a chat cannot be read ({type(error).__name__}: {error}); forget it, or delete the file chats.db"
        ) from error
