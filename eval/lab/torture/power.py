"""Power loss: every file as a disk may have left it, at every commit and every fsync of index, import and remove.

What SQLite writes is recorded once, in order. A moment later the power fails: what was synced before is there, of the
writes since then all, none, some sectors, or the first few, the last of them torn. From such files the index must open,
sound, as it was after the last commit that had returned, or the one under way; and the same commands must bring it to
the rows of an undisturbed run. Files of ours are put in place by renaming, and may be empty or full of zeros after it.
"""

from __future__ import annotations

import hashlib
import random
import shutil
import sqlite3
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Literal
from unittest import mock

from lvqa.errors import LvqaError
from lvqa.eval.lab.snapshot import Snapshot, differences, snapshot
from lvqa.eval.lab.torture import workload
from lvqa.eval.lab.torture.check import Say, Tally
from lvqa.eval.lab.torture.vfs import Op, recording, unavailable

Loss = Literal["all", "none", "some", "torn"]
LOSSES: tuple[Loss, ...] = ("none", "some", "torn", "all")
SECTOR_BYTES = 512
_PLAN: tuple[workload.Action, ...] = ("index", "import", "remove", "index")
# So few pages of log, that there are checkpoints in between.
_CHECKPOINT_PAGES = 60
_FULL_STATES, _SHORT_STATES, _SHORT_FINISHED = 600, 40, 3


@dataclass(slots=True)
class Recorded:
    """What was done to the files, and what was in the database after each commit.

    `begun` says for each action of the plan how many operations there were before it, `counts` what the file beside
    the database said after each commit.
    """

    ops: list[Op] = field(default_factory=list)
    digests: list[str] = field(default_factory=list)
    counts: list[bytes] = field(default_factory=list)
    begun: list[int] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class DiskState:
    """The power fails when so many operations were done, and the disk keeps so much of what was not synced."""

    at: int
    loss: Loss
    seed: int

    def __str__(self) -> str:
        return f"operation {self.at}, {self.loss} kept"


def run(*, short: bool, seed: int, say: Say) -> list[Tally]:
    """Record once, then rebuild what the disk may hold, and go on from there."""
    name = "power lost at commits and fsyncs"
    if reason := unavailable():
        return [Tally(name, 0, 0, skipped=reason)]
    with tempfile.TemporaryDirectory(prefix="lvqa-power-") as scratch:
        trial = PowerTrial(Path(scratch))
        recorded = trial.record()
        states = choose(recorded, _SHORT_STATES if short else _FULL_STATES, random.Random(seed))
        every = max(1, len(states) // _SHORT_FINISHED) if short else 1
        problems: list[str] = []
        for number, state in enumerate(states):
            say(f"power: {number} of {len(states)} states, {len(problems)} bad")
            if problem := trial.survives(recorded, state, finish=number % every == 0):
                problems.append(f"{state}: {problem}")
        syncs = sum(op.kind == "sync" for op in recorded.ops)
        detail = f"{len(recorded.digests)} commits, {syncs} fsyncs, {len(recorded.ops)} operations"
        return [
            Tally(name, len(states) - len(problems), len(states), detail, problems),
            trial.renamed_files(short=short, say=say),
        ]


def choose(recorded: Recorded, most: int, draw: random.Random) -> list[DiskState]:
    """At most so many states: before and after each sync and commit, with every kind of loss; drawn where too many."""
    moments = {n + after for n, op in enumerate(recorded.ops) if op.kind in ("sync", "mark") for after in (0, 1)}
    moments |= {len(recorded.ops)}
    states = [DiskState(at, loss, draw.randrange(1 << 30)) for at in sorted(moments) for loss in LOSSES]
    return sorted(draw.sample(states, most), key=lambda state: state.at) if len(states) > most else states


def left_on_disk(ops: Sequence[Op], loss: Loss, draw: random.Random) -> dict[str, bytes]:
    """What each file holds after a power loss behind these operations; files that are not there are left out."""
    synced = {op.file: n for n, op in enumerate(ops) if op.kind == "sync"}

    def is_volatile(n: int, op: Op) -> bool:
        return n > max(synced.get(op.file, -1), synced.get("", -1) if op.kind == "delete" else -1)

    volatile = [n for n, op in enumerate(ops) if op.kind not in ("sync", "mark") and is_volatile(n, op)]
    kept = set(volatile if loss in ("all", "some") else [])
    cut: dict[int, int] = {}
    if loss == "torn" and volatile:
        last = draw.randrange(len(volatile))
        kept = set(volatile[: last + 1])
        cut[volatile[last]] = SECTOR_BYTES * draw.randrange(1 + len(ops[volatile[last]].data) // SECTOR_BYTES)
    share = draw.random()
    files: dict[str, bytearray] = {}
    for n, op in enumerate(ops):
        free = is_volatile(n, op)
        if op.kind in ("sync", "mark") or (free and n not in kept):
            continue
        parts = [(0, op.data[: cut.get(n, len(op.data))])]
        if free and loss == "some":
            cuts = [0, *range(-op.at % SECTOR_BYTES or SECTOR_BYTES, len(op.data), SECTOR_BYTES), len(op.data)]
            parts = [(a, op.data[a:b]) for a, b in pairwise(cuts) if draw.random() < share]
            if op.kind != "write" and draw.random() >= share:
                continue
        if op.kind == "delete":
            files.pop(op.file, None)
            continue
        content = files.setdefault(op.file, bytearray())
        if op.kind == "truncate":
            del content[op.at :]
            content.extend(bytes(op.at - len(content)))
            continue
        for offset, data in parts:
            start = op.at + offset
            if start > len(content) and data:
                content.extend(bytes(start - len(content)))
            content[start : start + len(data)] = data
    return {name: bytes(content) for name, content in files.items()}


class PowerTrial:
    """Footage, the rows of an undisturbed run, and a place for states of the disk."""

    def __init__(self, scratch: Path) -> None:
        self._scratch = scratch
        self._folder = scratch / "videos"
        workload.make_footage(self._folder)
        self._captions = workload.write_captions(scratch / "captions.jsonl", self._folder)
        self._expected: Snapshot | None = None

    @property
    def expected(self) -> Snapshot:
        """The rows that the plan comes to."""
        if self._expected is None:
            self._perform(self._scratch / "undisturbed", 0)
            self._expected = snapshot(self._scratch / "undisturbed")
        return self._expected

    def record(self) -> Recorded:
        """Carry out the plan, and write down what it does to the files."""
        from lvqa.store import database
        from lvqa.store.commits import COMMITS_FILE

        recorded, index_dir = Recorded(), self._scratch / "recorded"
        plain, connect = database.Connections.atomic, database.connect

        @contextmanager
        def atomic(connections: database.Connections) -> Iterator[None]:
            with plain(connections):
                yield
            if not connections.writing:
                recorded.digests.append(digest(index_dir))
                recorded.counts.append((index_dir / COMMITS_FILE).read_bytes())
                recorded.ops.append(Op("mark", at=len(recorded.digests)))

        def with_checkpoints(path: Path, options: str) -> sqlite3.Connection:
            connection = connect(path, options)
            connection.execute(f"PRAGMA wal_autocheckpoint = {_CHECKPOINT_PAGES}")
            return connection

        with (
            mock.patch.object(database.Connections, "atomic", atomic),
            mock.patch.object(database, "connect", with_checkpoints),
            recording(index_dir, recorded.ops),
        ):
            for number in range(len(_PLAN)):
                recorded.begun.append(len(recorded.ops))
                self._perform(index_dir, number, number + 1)
        return recorded

    def survives(self, recorded: Recorded, state: DiskState, *, finish: bool) -> str:
        """What is wrong with an index that has to go on from a state of the disk; empty where nothing is."""
        from lvqa.store import Store, check_index
        from lvqa.store.commits import COMMITS_FILE

        index_dir, draw = self._scratch / "state", random.Random(state.seed)
        shutil.rmtree(index_dir, ignore_errors=True)
        index_dir.mkdir()
        ops = recorded.ops[: state.at]
        for name, content in left_on_disk(ops, state.loss, draw).items():
            (index_dir / name).write_bytes(content)
        returned = sum(op.kind == "mark" for op in ops)
        if returned:
            # Never synced: it may hold what it held at any time, or what its blocks held before.
            count = recorded.counts[draw.randint(max(0, returned - 3), returned - 1)]
            (index_dir / COMMITS_FILE).write_bytes(draw.choice([count, recorded.counts[returned - 1], b"", bytes(16)]))
            (index_dir / "lock").write_bytes(draw.choice([b"", bytes(64), b"{"]))
        try:
            with Store.open(index_dir, write=True) as store:
                empty = not store.videos.all() and not store.notes.select() and not store.jobs.all()
            found = digest(index_dir)
            allowed = recorded.digests[max(0, returned - 1) : returned + 1]
            if found not in allowed and not (returned == 0 and empty):
                known = recorded.digests.index(found) + 1 if found in recorded.digests else "none"
                return f"{returned} commits had returned, and the rows are those after {known}"
            bad = [finding.text for finding in check_index(index_dir) if finding.mend != "index" or returned]
            bad = [text for text in bad if "has no vector" not in text and "have no vector" not in text]
            if bad:
                return "; ".join(bad)
            if finish:
                under_way = max(n for n, begun in enumerate(recorded.begun) if begun <= state.at)
                self._perform(index_dir, under_way)
                if lines := differences(self.expected, snapshot(index_dir)):
                    return "; ".join(lines)
                if left := check_index(index_dir):
                    return "; ".join(finding.text for finding in left)
        except (LvqaError, sqlite3.Error) as error:
            return str(error)
        return ""

    def renamed_files(self, *, short: bool, say: Say) -> Tally:
        """Search must be as right when files that were renamed into place hold nothing, zeros, or a part."""
        from lvqa.store import Store
        from lvqa.store.search import maintain

        whole, damaged = self._scratch / "cached", self._scratch / "damaged"
        self._perform(whole, 0, 1)
        answers = _answers(whole)
        with mock.patch.object(maintain, "BASE_FROM", 40), Store.open(whole, write=True) as store:
            store.build_indexes()
        files = sorted(path.relative_to(whole) for path in whole.rglob("*") if path.is_file() and path.parent != whole)
        trials = [(path, word) for path in files for word in _LEFT]
        problems: list[str] = []
        for number, (path, word) in enumerate(trials[::3] if short else trials):
            say(f"power: {number} of {len(trials)} files")
            shutil.rmtree(damaged, ignore_errors=True)
            shutil.copytree(whole, damaged)
            content = (damaged / path).read_bytes()
            (damaged / path).write_bytes(_LEFT[word](content))
            if _answers(damaged) != answers:
                problems.append(f"{path} {word}: other hits")
        tried = len(trials[::3] if short else trials)
        return Tally("index files lost with the power", tried - len(problems), tried, f"{len(files)} files", problems)

    def _perform(self, index_dir: Path, first: int, end: int = len(_PLAN)) -> None:
        for action in _PLAN[first:end]:
            workload.perform(action, self._folder, index_dir, captions=self._captions, latency_s=0)


_LEFT: dict[str, Callable[[bytes], bytes]] = {
    "empty": lambda content: b"",
    "all zeros": lambda content: bytes(len(content)),
    "half of it": lambda content: content[: len(content) // 2],
    "zeros behind its half": lambda content: content[: len(content) // 2] + bytes(len(content) - len(content) // 2),
}


def _answers(index_dir: Path) -> list[object]:
    from lvqa.store import Store

    models = workload.models(0)
    assert models.embedder is not None
    assert models.image_embedder is not None
    with Store.open(index_dir, create=False) as store:
        found: list[object] = []
        for query in ("a ladder before a red wall", "gate open", "the tea is cold"):
            found.append(store.notes.search(query, 20))
            near = store.vectors.search(models.embedder.name, models.embedder.encode_query([query])[0], 20)
            seen = store.frames.search(models.image_embedder.name, models.image_embedder.encode_query([query])[0], 20)
            found.append([(name, round(score, 5)) for name, score in near])
            found.append([(frame.video_id, frame.time_s, round(frame.score, 5)) for frame in seen])
        return found


def digest(index_dir: Path) -> str:
    """All rows of a database, its full-text index included, as one hash."""
    connection = sqlite3.connect(f"{(index_dir / 'archive.db').absolute().as_uri()}?mode=ro", uri=True)
    try:
        tables = connection.execute("SELECT name FROM sqlite_master WHERE rootpage > 0 AND type = 'table' ORDER BY 1")
        told = hashlib.sha256()
        for (name,) in tables.fetchall():
            told.update(name.encode())
            for row in connection.execute(f'SELECT * FROM "{name}"'):  # noqa: S608 - a name of this database's own
                told.update(repr(row).encode())
        return told.hexdigest()
    finally:
        connection.close()
