"""The runs of an archive that can go on after their process ended: `runs.db` of its index folder.

A row of `runs` is one question, with what it was asked of, and its answer once there is one. How far a run came is in
the tables of LangGraph's SqliteSaver, of which every graph's last checkpoint is kept, and no more once a run is over.
All values are JSON (`plain`). Knows no archive and no node.
"""

from __future__ import annotations

import secrets
import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any, get_type_hints

from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.base import ChannelVersions, Checkpoint, CheckpointMetadata, CheckpointTuple
from langgraph.checkpoint.sqlite import SqliteSaver
from pydantic import TypeAdapter

from lvqa import phrasing
from lvqa.agents.checkpoints.plain import PlainJson, dumps, loads
from lvqa.agents.state import State
from lvqa.errors import StoreError, StoreVersionError, UsageError
from lvqa.types import Answer, Question

RUNS_FILE = "runs.db"
APPLICATION_ID = 0x6C767172  # "lvqr", in the header of the file
FORMAT = 1
MOST_RUNS = 32  # the latest stay
_BUSY_S = 10.0
_COLUMNS = "n INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, asked TEXT NOT NULL, answer TEXT"
_UNREADABLE = (LookupError, TypeError, ValueError, AttributeError)


@dataclass(frozen=True, slots=True)
class Run:
    """A run that was begun: its id, the question as it was asked, its answer if it has ended."""

    id: str
    question: Question
    answer: Answer | None = None


class Checkpoints(SqliteSaver):
    """Keeps how far a run came: of every graph of it, the last checkpoint.

    Nothing more is kept once `ending` says that the run is to end: its nodes do less from then on.
    """

    def __init__(self, connection: sqlite3.Connection, path: Path, ending: Callable[[], bool]) -> None:
        super().__init__(connection, serde=PlainJson())
        self._path = path
        self._ending = ending

    @contextmanager
    def cursor(self, transaction: bool = True) -> Iterator[sqlite3.Cursor]:
        """A cursor, as SqliteSaver takes it. Raises StoreError for what SQLite complains of."""
        with explained(self._path), super().cursor(transaction) as cursor:
            yield cursor

    def get_tuple(self, config: RunnableConfig) -> CheckpointTuple | None:
        """The last checkpoint of a run. Raises StoreError where it is not as lvqa writes it."""
        try:
            found = super().get_tuple(config)
            if found is not None:
                held: dict[str, Any] = {**found.checkpoint}
                channels = [*held["channel_values"].items(), *(write[1:] for write in found.pending_writes or ())]
                for name, value in [*held.items(), *channels]:
                    if name in (kinds := _kinds()):
                        kinds[name].validate_python(value)
        except (StoreError, *_UNREADABLE) as error:
            why = " ".join(str(error).split())[:200]
            raise StoreError(f"how far the run came cannot be read ({why}); ask anew, without resuming it") from error
        return found

    def put(
        self,
        config: RunnableConfig,
        checkpoint: Checkpoint,
        metadata: CheckpointMetadata,
        new_versions: ChannelVersions,
    ) -> RunnableConfig:
        """Keep a checkpoint in the place of those before it, and of those of the sub-questions that it has taken in."""
        told = config.get("configurable", {})
        run, graph = str(told["thread_id"]), told["checkpoint_ns"]
        if self._ending():
            return {"configurable": {"thread_id": run, "checkpoint_ns": graph, "checkpoint_id": checkpoint["id"]}}
        made = super().put(config, checkpoint, metadata, new_versions)
        with self.cursor() as cursor:
            for table in ("checkpoints", "writes"):
                cursor.execute(
                    f"DELETE FROM {table} WHERE thread_id = ? AND (checkpoint_ns = ? OR ? = '') AND checkpoint_id <> ?",  # noqa: S608
                    (run, graph, graph, checkpoint["id"]),
                )
        return made

    def put_writes(
        self, config: RunnableConfig, writes: Sequence[tuple[str, Any]], task_id: str, task_path: str = ""
    ) -> None:
        """Keep what a node wrote whose neighbours are still at work."""
        if not self._ending():
            super().put_writes(config, writes, task_id, task_path)


class Runs:
    """The runs that one file holds; close it."""

    def __init__(self, connection: sqlite3.Connection, path: Path) -> None:
        self._connection = connection
        self._path = path

    @classmethod
    def open(cls, path: Path) -> Runs | None:
        """Open the file, or make it; None where it cannot be written.

        Raises StoreError for one that holds something else, StoreVersionError for that of a newer lvqa.
        """
        try:
            with explained(path):
                connection = sqlite3.connect(path, timeout=_BUSY_S, check_same_thread=False)
                try:
                    _claim(connection, path)
                except BaseException:
                    connection.close()
                    raise
        except StoreError as error:
            name = getattr(error.__cause__, "sqlite_errorname", None) or ""
            if name.startswith(("SQLITE_READONLY", "SQLITE_CANTOPEN", "SQLITE_PERM")) and not path.is_dir():
                return None
            raise
        return cls(connection, path)

    def close(self) -> None:
        """Let go of the file."""
        self._connection.close()

    def begin(self, question: Question, of: Mapping[str, str]) -> str:
        """The id of a new run, `of` what it goes on with alone; the oldest runs go. Raises StoreError."""
        made = secrets.token_hex(4)
        with explained(self._path), self._connection:
            asked = dumps({"question": question, "of": dict(of)})
            self._connection.execute("INSERT INTO runs (id, asked) VALUES (?, ?)", (made, asked))
            old = "SELECT id FROM runs ORDER BY n DESC LIMIT -1 OFFSET ?"
            for (run,) in self._connection.execute(old, (MOST_RUNS,)).fetchall():
                self._forget(run)
                self._connection.execute("DELETE FROM runs WHERE id = ?", (run,))
        return made

    def take_up(self, run: str, question: Question, of: Mapping[str, str]) -> Run:
        """A run that goes on, or its answer if it has one.

        Raises UsageError where there is none of that id, where it is of another question, or began `of` something else
        and has no answer yet; StoreError where it cannot be read.
        """
        with explained(self._path):
            known = [row[0] for row in self._connection.execute("SELECT id FROM runs ORDER BY n DESC")]
            if run not in known:
                raise UsageError(f"there is no run {run!r}; there are: {phrasing.listed(known) or 'none'}")
            asked, answer = self._connection.execute("SELECT asked, answer FROM runs WHERE id = ?", (run,)).fetchone()
        try:
            held, ended = loads(asked), loads(answer) if answer is not None else None
            kept, begun = held["question"], {**held["of"]}
            like = replace(question, budget=kept.budget, agent=kept.agent, searcher=kept.searcher)
        except (StoreError, *_UNREADABLE) as error:
            raise StoreError(f"run {run} cannot be read ({error}); ask anew, without resuming it") from error
        if not isinstance(ended, Answer | None) or not isinstance(kept, Question):
            raise StoreError(f"run {run} holds no answer to a question; ask anew, without resuming it")
        if like != kept:
            text = phrasing.for_terminal(kept.text, 160)
            raise UsageError(f"run {run} is of another question, or of other options or videos: {text!r}")
        changed = [name for name in of if begun.get(name) != of[name]]
        if changed and ended is None:
            raise UsageError(f"{changed[0]} changed after run {run} was begun, so it cannot go on; ask anew")
        return Run(run, kept, ended)

    def checkpoints(self, ending: Callable[[], bool]) -> Checkpoints:
        """What keeps how far a run comes, until `ending` says that it is to end."""
        return Checkpoints(self._connection, self._path, ending)

    def end(self, run: str, answer: Answer) -> None:
        """Keep a run's answer, and no longer how it was come by. Raises StoreError."""
        with explained(self._path), self._connection:
            self._connection.execute("UPDATE runs SET answer = ? WHERE id = ?", (dumps(answer), run))
            self._forget(run)

    def _forget(self, run: str) -> None:
        for table in ("checkpoints", "writes"):
            self._connection.execute(f"DELETE FROM {table} WHERE thread_id = ?", (run,))  # noqa: S608


@contextmanager
def explained(path: Path) -> Iterator[None]:
    """Inside the `with`, what SQLite says about the file is raised as StoreError: what happened and what to do."""
    try:
        yield
    except sqlite3.Error as error:
        name = getattr(error, "sqlite_errorname", "") or ""
        if name.startswith("SQLITE_FULL"):
            raise StoreError(f"the disk below {path.parent} is full; free some space and ask again") from error
        raise StoreError(f"the runs in {path} cannot be used ({error}); move the file away, and ask anew") from error


def _claim(connection: sqlite3.Connection, path: Path) -> None:
    """Make a new file ours; raise StoreError for one that is not, StoreVersionError."""
    connection.execute("BEGIN IMMEDIATE")
    with connection:
        if connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0] == 0:
            connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
            connection.execute(f"PRAGMA user_version = {FORMAT}")
        if connection.execute("PRAGMA application_id").fetchone()[0] != APPLICATION_ID:
            raise StoreError(f"{path} holds something else than runs of lvqa; move it away, and ask anew")
        if (version := connection.execute("PRAGMA user_version").fetchone()[0]) > FORMAT:
            raise StoreVersionError(f"the runs in {path} are of a newer lvqa (format {version}); update lvqa")
        connection.execute(f"CREATE TABLE IF NOT EXISTS runs ({_COLUMNS})")
    SqliteSaver(connection).setup()


@cache
def _kinds() -> dict[str, TypeAdapter[Any]]:
    """What checks a value of the graph's state, or of a checkpoint, by its name."""
    return {name: TypeAdapter(kind) for made in (Checkpoint, State) for name, kind in get_type_hints(made).items()}
