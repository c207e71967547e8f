"""Every file of an index deleted, truncated, overwritten and bit-flipped in turn: found by verify, and mended.

Whatever is done to a file, verify has to tell of it unless no row and no search is any different; then repair and an
index must bring back the rows of before, or refuse in one line where nothing is left to bring them back from.
"""

from __future__ import annotations

import contextlib
import os
import random
import shutil
import signal
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from typing import Any
from unittest import mock

from lvqa.errors import LvqaError
from lvqa.eval.lab.snapshot import differences, snapshot
from lvqa.eval.lab.torture.check import Say, Tally
from lvqa.eval.lab.torture.forked import Forked, preload, run_forked
from lvqa.eval.lab.torture.kills import KillStage, verified
from lvqa.eval.lab.torture.workload import models, perform, settings

TRIALS, SHORT_TRIALS = 12, 1
_COMMITS = 20  # so many the index that is killed comes to, of some sixty
_QUERIES = ("a kettle falls", "GATE 5 OPEN", "violin")


def _deleted(path: Path, draw: random.Random) -> str:
    path.unlink()
    return "deleted"


def _truncated(path: Path, draw: random.Random) -> str:
    size = draw.randrange(max(1, path.stat().st_size))
    with path.open("r+b") as file:
        file.truncate(size)
    return f"truncated to {size}"


def _flipped(path: Path, draw: random.Random) -> str:
    at, bit = draw.randrange(max(1, path.stat().st_size)), draw.randrange(8)
    with path.open("r+b") as file:
        file.seek(at)
        byte = file.read(1) or b"\0"
        file.seek(at)
        file.write(bytes([byte[0] ^ 1 << bit]))
    return f"bit {bit} of byte {at} flipped"


def _zeroed(path: Path, draw: random.Random) -> str:
    at, length = draw.randrange(max(1, path.stat().st_size)), draw.randrange(1, 8192)
    with path.open("r+b") as file:
        file.seek(at)
        file.write(bytes(min(length, max(1, path.stat().st_size - at))))
    return f"{length} bytes from {at} zeroed"


HARMS: dict[str, Callable[[Path, random.Random], str]] = {
    "deleted": _deleted,
    "truncated": _truncated,
    "flipped": _flipped,
    "zeroed": _zeroed,
}


def run(*, short: bool, seed: int, say: Say) -> list[Tally]:
    """Try every harm on every file that an index may hold."""
    with tempfile.TemporaryDirectory(prefix="lvqa-damage-") as scratch:
        stage = KillStage(Path(scratch))
        stage.prepare_indexed()
        preload(lambda: _searched(stage, stage.state("indexed")))
        _search_files(stage)
        _killed(stage)
        checks: list[Tally] = []
        for state, names in (
            ("indexed", ("archive.db", "commits", "lock")),
            ("killed", ("archive.db", "archive.db-wal", "archive.db-shm", "commits")),
            ("flat", ("vectors/*.faiss", "vectors/*.json")),
            ("based", ("vectors/*/*",)),
        ):
            for name in names:
                chosen = random.Random(f"{seed} {state} {name}").sample(sorted(HARMS), 1) if short else list(HARMS)
                for harm in chosen:
                    draw = random.Random(f"{seed} {state} {name} {harm}")
                    trials = SHORT_TRIALS if short or (harm == "deleted" and "*" not in name) else TRIALS
                    checks.append(_trials(stage, state, name, harm, trials, draw))
                    say(checks[-1].lines()[0])
        return checks


def _search_files(stage: KillStage) -> None:
    """The states with flat vector files, and with those of a large archive."""
    for name in ("flat", "based"):
        shutil.copytree(stage.state("indexed"), stage.state(name))
    run_forked(lambda: _searched(stage, stage.state("flat")))
    run_forked(lambda: _build(stage, stage.state("based")))


def _build(stage: KillStage, index_dir: Path) -> None:
    from lvqa.store import Store
    from lvqa.store.search import maintain

    maintain.BASE_FROM = 20
    with Store.open(index_dir, write=True) as store:
        store.build_indexes()


def _killed(stage: KillStage) -> None:
    """The state that a kill leaves: with a log that holds commits."""
    state = stage.state("killed")
    state.mkdir()
    if not Forked(lambda: _index_until_killed(stage, state)).killed():
        raise LvqaError(f"an index came to its end in less than {_COMMITS} commits; use more footage")
    if not (state / "archive.db-wal").stat().st_size:
        raise LvqaError("the kill left no log with commits")


def _index_until_killed(stage: KillStage, index_dir: Path) -> None:
    """Index, and be killed once there were so many commits."""
    from lvqa.store.database import Connections

    plain, left = Connections.atomic, count(_COMMITS - 1, -1)

    @contextlib.contextmanager
    def atomic(connections: Connections) -> Iterator[None]:
        with plain(connections):
            yield
        if not next(left):
            os.kill(os.getpid(), signal.SIGKILL)

    with mock.patch.object(Connections, "atomic", atomic):
        perform("index", stage.folder, index_dir, latency_s=0)


def _searched(stage: KillStage, index_dir: Path) -> list[Any]:
    from lvqa.archive.archive import Archive

    with Archive(stage.folder, archive_dir=index_dir, models=models(), **settings()) as archive:
        return [[hit.to_dict() for hit in archive.search(query, 5)] for query in _QUERIES]


def _trials(stage: KillStage, state: str, pattern: str, harm: str, trials: int, draw: random.Random) -> Tally:
    outcomes: Counter[str] = Counter()
    problems: list[str] = []
    trial = stage.state("trial")
    for _ in range(trials):
        shutil.rmtree(trial, ignore_errors=True)
        shutil.copytree(stage.state(state), trial)
        files = sorted(path for path in trial.glob(pattern) if path.is_file())
        if not files:
            return Tally(f"{pattern} of an index, {state}: {harm}", 0, 0, skipped="there is no such file")
        path = draw.choice(files)
        told = f"{path.name} {HARMS[harm](path, draw)}"
        outcome, wrong = _outcome(stage, state, trial)
        outcomes[outcome] += 1
        if wrong:
            problems.append(f"{told}: {outcome}: {wrong[:600]}")
    detail = ", ".join(f"{count} {outcome}" for outcome, count in outcomes.most_common())
    return Tally(f"{pattern}, {state}: {harm}", trials - len(problems), trials, detail, tuple(problems))


def _outcome(stage: KillStage, state: str, trial: Path) -> tuple[str, str]:
    """What came of a trial, and what was wrong with that."""
    damaged = False
    try:
        report = run_forked(lambda: verified(stage, trial))
        found = not report["complete"]
        damaged = not report["sound"]
    except LvqaError as error:
        return _refused("verify refused it", str(error))
    if damaged:
        try:
            run_forked(lambda: verified(stage, trial, repair=True))
        except LvqaError as error:
            return _refused("repair refused it", str(error))
        report = run_forked(lambda: verified(stage, trial))
        if not report["sound"]:
            return "repaired", f"still damaged: {report['findings']}"
    elif not found and state != "killed" and (changed := _changed(stage, "indexed", trial)):
        return "not found", changed
    try:
        run_forked(lambda: perform("index", stage.folder, trial) and None)
        report = run_forked(lambda: verified(stage, trial))
    except LvqaError as error:
        return "indexed again", str(error)
    if not report["complete"]:
        return "indexed again", f"verify: {report['findings']}"
    changed = _changed(stage, "indexed", trial)
    return ("repaired, the rows of before" if damaged else "found" if found else "harmless"), changed


def _refused(how: str, line: str) -> tuple[str, str]:
    clear = (
        "unexpected" not in line and "\n" not in line.strip() and line.startswith(("StoreError", "StoreVersionError"))
    )
    return how, "" if clear else f"not in one clear line: {line}"


def _changed(stage: KillStage, state: str, trial: Path) -> str:
    def look() -> list[str]:
        wrong = differences(snapshot(stage.state(state)), snapshot(trial))
        if not wrong and _searched(stage, stage.state(state)) != _searched(stage, trial):
            wrong = ["a search finds something else"]
        return wrong

    try:
        return "; ".join(run_forked(look))
    except LvqaError as error:
        return str(error)
