"""A full disk: index, import, remove and migration on a small file system of its own, which fills up in their midst.

It must end with one line that says so (the command `lvqa` with status 1), the index must be sound, what was committed
be found on the full disk, and the same come to the rows of an undisturbed run once there is room. A tmpfs of limited
size is mounted in a mount namespace that only the trial's process sees, so that nothing has to be cleaned up.
"""

from __future__ import annotations

import contextlib
import json
import os
import random
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Literal
from unittest import mock

from lvqa.errors import LvqaError, StoreFull
from lvqa.eval.lab.snapshot import differences, snapshot
from lvqa.eval.lab.torture import workload
from lvqa.eval.lab.torture.check import Say, Tally
from lvqa.eval.lab.torture.forked import preload, run_forked
from lvqa.eval.lab.torture.kills import make_old

Kind = Literal["create", "index", "import", "remove", "migrate", "command"]
# How many trials of each; of a short run, one of some.
_FULL: dict[Kind, int] = {"create": 6, "index": 23, "import": 8, "remove": 6, "migrate": 5, "command": 2}
_SHORT: dict[Kind, int] = {"index": 2, "import": 1, "command": 1}
# What each begins from, and whose rows it comes to.
_STATES: dict[Kind, tuple[str, str]] = {
    "create": ("", "indexed"),
    "index": ("", "indexed"),
    "import": ("indexed", "imported"),
    "remove": ("imported", "removed"),
    "migrate": ("old", "migrated"),
    "command": ("", "spoken"),
}
_WITHOUT_MODELS = ("--profile", "text", "--ocr", "none", "--asr", "none", "--embedder", "none")
_PAGE = 4096
_CREATED_BYTES = 700 << 10  # an empty index takes so many
_ROOM_BYTES = 256 << 20
_DRAWS = 12


@dataclass(frozen=True, slots=True)
class FullTrial:
    """What is done on a disk of how many bytes more than its beginning takes, and what came of it."""

    kind: Kind
    room_bytes: int
    problem: str = ""

    def __str__(self) -> str:
        return f"{self.kind} with {self.room_bytes} bytes: {self.problem}"


def _opened(index_dir: Path) -> None:
    """Bring an index to the newest schema."""
    from lvqa.store import Store

    Store.open(index_dir, create=False).close()


def run(*, short: bool, seed: int, say: Say) -> list[Tally]:
    """Fill the disk at random byte counts."""
    name = "disk full at random byte counts"
    inside = namespace()
    if not inside:
        return [Tally(name, 0, 0, skipped="no file system can be mounted here (unshare -rm, unshare -m)")]
    wanted = _SHORT if short else _FULL
    with tempfile.TemporaryDirectory(prefix="lvqa-full-") as scratch:
        command = [*inside, sys.executable, "-m", __name__, scratch, json.dumps(wanted), str(seed)]
        # A parent that waits for the lines of a child must not be kept waiting by what the child says otherwise.
        with (Path(scratch) / "stderr").open("w+") as errors:
            trials: list[FullTrial] = []
            with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors, text=True) as process:
                assert process.stdout is not None
                for line in process.stdout:
                    trials.append(FullTrial(**json.loads(line)))
                    say(f"full: {len(trials)} of {sum(wanted.values())}")
            errors.seek(0)
            if process.returncode:
                raise LvqaError(f"the trials of a full disk ended early: {errors.read()[-1500:].strip()}")
    problems = [str(trial) for trial in trials if trial.problem]
    detail = ", ".join(f"{number} {kind}" for kind, number in wanted.items())
    return [Tally(name, len(trials) - len(problems), sum(wanted.values()), detail, problems)]


def namespace() -> list[str]:
    """The command in front of one that may mount what nobody else sees; empty where there is none."""
    if shutil.which("unshare") is None:
        return []
    for flags in ("-rm", "-m"):
        probe = ["unshare", flags, "sh", "-c", 'd=$(mktemp -d) && mount -t tmpfs -o size=64k tmpfs "$d"; s=$?; exit $s']
        if subprocess.run(probe, capture_output=True, check=False).returncode == 0:
            return ["unshare", flags]
    return []


class Disk:
    """A tmpfs, and the index on it."""

    def __init__(self, at: Path) -> None:
        self.at = at
        self.index_dir = at / "index"

    def begin(self, state: Path | None) -> int:
        """Mount it with much room, holding a state or nothing; returns how many bytes that takes."""
        self.at.mkdir(exist_ok=True)
        _call("mount", "-t", "tmpfs", "-o", f"size={_ROOM_BYTES}", "tmpfs", str(self.at))
        if state is not None:
            shutil.copytree(state, self.index_dir)
        return self.used_bytes

    @property
    def used_bytes(self) -> int:
        """How many bytes are taken."""
        now = os.statvfs(self.at)
        return (now.f_blocks - now.f_bfree) * now.f_frsize

    def resize(self, size_bytes: int) -> None:
        """Give it so many bytes, whole pages and at least one."""
        _call("mount", "-o", f"remount,size={max(1, size_bytes // _PAGE) * _PAGE}", str(self.at))

    @contextlib.contextmanager
    def stuffed(self) -> Iterator[None]:
        """Leave not a single byte free meanwhile."""
        stuffing = self.at / "stuffing"
        with stuffing.open("wb", buffering=0) as file, contextlib.suppress(OSError):
            while True:
                file.write(bytes(_PAGE))
        try:
            yield
        finally:
            stuffing.unlink()

    def end(self) -> None:
        """Unmount it, and lose all that it holds."""
        _call("umount", str(self.at))


def _call(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise LvqaError(f"{' '.join(command)}: {done.stderr.strip()}")


class FullStage:
    """Footage, the states that trials begin from and come to, and the disk."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._folder = root / "footage"
        self._captions = root / "captions.jsonl"
        self._disk = Disk(root / "disk")
        self._peaks: dict[Kind, int] = {}

    def prepare(self) -> None:
        """Make the states by undisturbed runs."""
        workload.make_footage(self._folder)
        workload.write_captions(self._captions, self._folder)
        preload(lambda: self._command("index", self._root / "indexed"))
        for action, begin, end in (("import", "indexed", "imported"), ("remove", "imported", "removed")):
            shutil.copytree(self._root / begin, self._root / end)
            run_forked(partial(self._command, action, self._root / end))
        (self._root / "old").mkdir()
        self._command("command", self._root / "spoken")
        run_forked(lambda: make_old(self._root / "imported" / "archive.db", self._root / "old" / "archive.db"))
        shutil.copytree(self._root / "old", self._root / "migrated")
        run_forked(lambda: _opened(self._root / "migrated"))

    def trial(self, kind: Kind, draw: random.Random) -> FullTrial:
        """Draw byte counts until the disk is full, and tell what was wrong."""
        most = _CREATED_BYTES if kind in ("create", "command") else self._peak(kind)
        for _ in range(_DRAWS):
            room = draw.randrange(most)
            full, problem = self._on(kind, room)
            if full or problem:
                return FullTrial(kind, room, problem)
            most = max(1, room)  # it had enough
        return FullTrial(kind, most, "the disk never was full")

    def _peak(self, kind: Kind) -> int:
        """How many bytes more than at its beginning an undisturbed run takes at most."""
        if kind not in self._peaks:
            begin = self._disk.begin(self._state(kind))
            try:
                peak = int(run_forked(lambda: self._watched(kind)))
            finally:
                self._disk.end()
            self._peaks[kind] = max(_PAGE, peak - begin)
        return self._peaks[kind]

    def _watched(self, kind: Kind) -> int:
        from lvqa.store import database

        plain, most = database.Connections.atomic, [0]

        @contextlib.contextmanager
        def atomic(connections: database.Connections) -> Iterator[None]:
            with plain(connections):
                yield
            most.append(self._disk.used_bytes)

        with mock.patch.object(database.Connections, "atomic", atomic):
            self._command(kind, self._disk.index_dir)
        return max(*most, self._disk.used_bytes)

    def _state(self, kind: Kind) -> Path | None:
        name = _STATES[kind][0]
        return self._root / name if name else None

    def _on(self, kind: Kind, room_bytes: int) -> tuple[bool, str]:
        """Whether the disk was full, and what was wrong."""
        used = self._disk.begin(self._state(kind))
        index_dir = self._disk.index_dir
        try:
            self._disk.resize(used + room_bytes)
            status, said = run_forked(lambda: self._command(kind, index_dir))
            if status == 0:
                return False, ""
            if status != 1 or len(said) != 1 or "is full; free some space" not in said[0]:
                return True, f"status {status}: {' / '.join(said) or 'nothing said'}"
            with self._disk.stuffed():
                if problem := run_forked(lambda: self._looked(index_dir)):
                    return True, f"on the full disk: {problem}"
            self._disk.resize(_ROOM_BYTES)
            status, said = run_forked(lambda: self._command(kind, index_dir))
            if status != 0:
                return True, f"with room again: status {status}: {' / '.join(said)}"
            problem = run_forked(lambda: self._compared(index_dir, self._root / _STATES[kind][1]))
            return True, f"with room again: {problem}" if problem else ""
        except LvqaError as error:
            return True, str(error)
        finally:
            self._disk.end()

    def _command(self, kind: str, index_dir: Path) -> tuple[int, list[str]]:
        """Do it; returns the exit status, and the lines that people are shown."""
        from lvqa.archive.archive import Archive

        if kind == "command":
            # The real one, without models: they would take longer than all the rest.
            command = [sys.executable, "-m", "lvqa.cli", "index", str(self._folder), "--archive", str(index_dir)]
            done = subprocess.run([*command, *_WITHOUT_MODELS], capture_output=True, text=True, check=False)
            return done.returncode, done.stderr.splitlines()
        try:
            if kind == "migrate":
                with Archive(self._folder, archive_dir=index_dir) as archive:
                    archive.status()
            else:
                action: workload.Action = "import" if kind == "import" else "remove" if kind == "remove" else "index"
                workload.perform(action, self._folder, index_dir, captions=self._captions, latency_s=0)
        except LvqaError as error:
            return 1, str(error).splitlines()
        return 0, []

    def _looked(self, index_dir: Path) -> str:
        """What is wrong with an index on a full disk; empty where nothing is."""
        from lvqa.archive.archive import Archive
        from lvqa.store import check_index

        try:
            bad = [finding.text for finding in check_index(index_dir) if finding.is_damage]
            if bad:
                return "; ".join(bad)
            with Archive(self._folder, archive_dir=index_dir, models=workload.models(0)) as archive:
                captions = archive.status()["sources"].get("caption", 0)
                if captions and not archive.search("a ladder before a red wall"):
                    return f"{captions} captions, and none is found"
        except StoreFull:
            # Nothing was committed yet to a file without its tables; an old one cannot be read before it is migrated.
            return "" if _unfinished(index_dir) else "what was committed cannot be read"
        except LvqaError as error:
            return str(error)
        return ""

    def _compared(self, index_dir: Path, expected: Path) -> str:
        from lvqa.store import check_index

        lines = differences(snapshot(expected), snapshot(index_dir))
        return "; ".join([*lines, *(finding.text for finding in check_index(index_dir))])


def _unfinished(index_dir: Path) -> bool:
    """Whether a database lacks tables, or what the newest schema has: nothing of this lvqa was written to it."""
    from lvqa.store.schema import SCHEMA_VERSION

    path = index_dir / "archive.db"
    if not path.exists() or not path.stat().st_size:
        return True
    with tempfile.TemporaryDirectory(prefix="lvqa-copy-") as copy:
        for part in index_dir.glob("archive.db*"):
            if not part.name.endswith("-shm"):
                shutil.copy(part, copy)
        connection = sqlite3.connect(Path(copy, "archive.db"))
        version = int(connection.execute("PRAGMA user_version").fetchone()[0])
        connection.close()
        return version < SCHEMA_VERSION


def main(arguments: Sequence[str]) -> int:
    """Run trials where file systems may be mounted, one line of JSON each."""
    root, wanted, seed = Path(arguments[0]), json.loads(arguments[1]), int(arguments[2])
    stage, draw = FullStage(root), random.Random(seed)
    stage.prepare()
    for kind, number in wanted.items():
        for _ in range(number):
            print(json.dumps(asdict(stage.trial(kind, draw))), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
