"""SIGKILL at random moments of index, import, remove, repair and migrate: nothing is lost, nothing is there twice.

A round begins from the same state each time; the action is killed once to three times, the index looked through after
every kill, and the action run to its end. Then the rows must be those of an undisturbed run, and verify have nothing to
say. A repair ends with an index, and must bring back the rows of the archive as it was before it was damaged.
"""

from __future__ import annotations

import random
import shutil
import sqlite3
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lvqa.errors import LvqaError
from lvqa.eval.lab.snapshot import differences, snapshot
from lvqa.eval.lab.torture.check import Say, Tally
from lvqa.eval.lab.torture.forked import Forked, preload, run_forked
from lvqa.eval.lab.torture.killing import killed_at
from lvqa.eval.lab.torture.workload import make_footage, models, perform, settings, write_captions

KILLS, SHORT_KILLS = 200, 5
_MOST = 3  # kills before an action may end
_DAMAGED_PAGES = 3
_PAGE = 16384


@dataclass(slots=True)
class KillStage:
    """Where the actions happen: footage, captions, and the states that they begin from."""

    root: Path
    folder: Path = field(init=False)
    captions: Path = field(init=False)

    def __post_init__(self) -> None:
        self.folder = self.root / "footage"
        self.captions = self.root / "captions.jsonl"

    def state(self, name: str) -> Path:
        """The index of that name."""
        return self.root / name

    def prepare_indexed(self) -> None:
        """Make the footage, and the state `indexed` by an undisturbed run."""
        make_footage(self.folder)
        write_captions(self.captions, self.folder)
        preload(lambda: do("index", self, self.state("indexed")))

    def prepare(self) -> None:
        """Make the footage, and all the states by undisturbed runs."""
        self.prepare_indexed()
        self.state("empty").mkdir()
        shutil.copytree(self.state("indexed"), self.state("imported"))
        preload(lambda: do("import", self, self.state("imported")))
        shutil.copytree(self.state("indexed"), self.state("damaged"))
        run_forked(lambda: damage(self.state("damaged") / "archive.db"))
        self.state("old").mkdir()
        run_forked(lambda: make_old(self.state("imported") / "archive.db", self.state("old") / "archive.db"))


def do(action: str, stage: KillStage, index_dir: Path) -> None:
    """One action, to its end."""
    if action == "repair":
        verified(stage, index_dir, repair=True)
    elif action == "migrate":
        from lvqa.store import Store

        Store.open(index_dir, create=False).close()
    else:
        perform(action, stage.folder, index_dir, captions=stage.captions)  # type: ignore[arg-type]


def verified(stage: KillStage, index_dir: Path, *, repair: bool = False) -> dict[str, Any]:
    """What `Archive.verify` says."""
    from lvqa.archive.archive import Archive

    with Archive(stage.folder, archive_dir=index_dir, models=models(), **settings()) as archive:
        return archive.check(repair=repair).to_dict()


def damage(path: Path) -> None:
    """Overwrite some pages of the captions' table: they cannot be read, and only a new database mends that."""
    with sqlite3.connect(path) as connection:
        (root,) = connection.execute("SELECT rootpage FROM sqlite_master WHERE name = 'notes'").fetchone()
    connection.close()
    with path.open("r+b") as file:
        for page in range(root, root + _DAMAGED_PAGES):
            file.seek((page - 1) * _PAGE)
            file.write(bytes(range(256)) * 4)


def make_old(source: Path, target: Path) -> None:
    """Write the rows of an index as the schema before the newest had them."""
    from sqlite_utils import Database

    from lvqa.store.checksums import SUMMED
    from lvqa.store.database import PAGE_BYTES, connect
    from lvqa.store.migrations import MIGRATIONS

    connection = connect(target, "mode=rwc")
    connection.execute(f"PRAGMA page_size = {PAGE_BYTES}")
    connection.execute("PRAGMA journal_mode = WAL")
    MIGRATIONS.apply(Database(connection, execute_plugins=False), stop_before="m005_checks")
    connection.execute("ATTACH ? AS new", (str(source),))
    connection.execute("BEGIN")
    for table in SUMMED:
        columns = [row[1] for row in connection.execute(f"PRAGMA main.table_info({table})")]
        names = ", ".join(columns)
        connection.execute(f"INSERT INTO main.{table}({names}) SELECT {names} FROM new.{table}")  # noqa: S608
    connection.execute("COMMIT")
    connection.close()


# What each action begins from, and whose rows it must end with (None: those of an undisturbed run).
_STATES: dict[str, tuple[str, str | None]] = {
    "index": ("empty", None),
    "import": ("indexed", None),
    "remove": ("imported", None),
    "repair": ("damaged", "indexed"),
    "migrate": ("old", None),
}


def run(*, short: bool, seed: int, say: Say) -> list[Tally]:
    """Kill every action a fifth of so many times."""
    with tempfile.TemporaryDirectory(prefix="lvqa-kills-") as scratch:
        stage = KillStage(Path(scratch))
        stage.prepare()
        each = (SHORT_KILLS if short else KILLS) // len(_STATES)
        return [_action(action, stage, each, random.Random(f"{seed} {action}"), say) for action in _STATES]


def _action(action: str, stage: KillStage, wanted: int, draw: random.Random, say: Say) -> Tally:
    start, end = _STATES[action]
    trial = stage.state("trial")

    def begin() -> None:
        shutil.rmtree(trial, ignore_errors=True)
        shutil.copytree(stage.state(start), trial)

    def work() -> None:
        do(action, stage, trial)

    begin()
    preload(work)
    begin()
    began = time.perf_counter()
    run_forked(work)
    whole_s = time.perf_counter() - began
    expected = stage.state(f"{action} undisturbed")
    shutil.copytree(stage.state(end) if end else trial, expected)
    after = "index" if action == "repair" else ""
    kills = good = 0
    problems: list[str] = []
    while kills < wanted:
        begin()
        wrong: list[str] = []

        def look(wrong: list[str] = wrong) -> None:
            # Before a repair is done there is damage, as there was.
            if action != "repair":
                wrong += _look(stage, trial, "sound")

        most = draw.randint(1, min(_MOST, wanted - kills))
        moments = killed_at(draw, whole_s, most, lambda after_s: Forked(work).kill_after(after_s), look)
        if not moments:
            whole_s *= 0.95  # it was slower when it was timed
            continue
        kills += len(moments)
        wrong += _tried(work)
        wrong += _tried(lambda: do(after, stage, trial)) if after else []
        wrong += _look(stage, trial, "complete")
        wrong += _tried(lambda: differences(snapshot(expected), snapshot(trial)))
        good += 0 if wrong else len(moments)
        if wrong:
            at = ", ".join(f"{moment:.3f}" for moment in moments)
            problems.append(f"{action} killed at {at} of {whole_s:.3f} s: {'; '.join(wrong)[:600]}")
        say(f"{action}: {good} of {kills} kills left no trace")
    shutil.rmtree(trial, ignore_errors=True)
    return Tally(f"SIGKILL during {action}", good, kills, f"{whole_s:.2f} s undisturbed", tuple(problems))


def _look(stage: KillStage, index_dir: Path, word: str) -> list[str]:
    """What verify holds against an index; nothing where it is not there yet."""
    if not (index_dir / "archive.db").exists():
        return []
    try:
        report = run_forked(lambda: verified(stage, index_dir))
    except LvqaError as error:
        return [f"verify: {error}"]
    return [] if report[word] else [f"verify: {finding['text']}" for finding in report["findings"]]


def _tried(work: Callable[[], Any]) -> list[str]:
    try:
        return list(run_forked(work) or [])
    except LvqaError as error:
        return [str(error)]
