"""Hostile videos: a thousand mutants of six container formats and a shelf of traps are indexed by the real pipeline.

Each folder is indexed by a main process of its own, so that its crash would be seen. Every file has to end in the
index, or in the report with one line that says why, within the time that one file may take. Knows no container.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any
from unittest import mock

from lvqa.eval.lab.torture.check import Say, Tally

MUTANTS = 1000
SHORT = 60
FOLDER = 250  # files a main process
STALL_S = 20.0
MEMORY_MB = 2048
# To end a child, and to start another; a short run is a test, which no busy machine may fail.
SLACK_S, SHORT_SLACK_S = 2.0, 600.0
_MAIN_S = 3600.0


@dataclass(slots=True)
class _Outcome:
    """What became of the files of one folder, and what went wrong."""

    indexed: int = 0
    partly: int = 0
    refused: int = 0
    passed: int = 0
    reasons: Counter[str] = field(default_factory=Counter)
    problems: list[str] = field(default_factory=list)
    slowest_s: float = 0.0
    slowest: str = ""
    seconds: float = 0.0
    crashes: int = 0
    hangs: int = 0
    named: set[str] = field(default_factory=set)
    judged: set[str] = field(default_factory=set)

    def add(self, other: _Outcome) -> None:
        """Take the counts of another folder into this one."""
        for name in ("indexed", "partly", "refused", "passed", "seconds", "crashes", "hangs"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.reasons += other.reasons
        self.problems += other.problems
        self.named |= other.named
        self.judged |= other.judged
        if other.slowest_s > self.slowest_s:
            self.slowest_s, self.slowest = other.slowest_s, other.slowest

    def detail(self) -> str:
        """The counts in words."""
        kinds = ", ".join(f"{count} {reason}" for reason, count in self.reasons.most_common())
        return (
            f"{self.indexed} indexed, {self.partly} in part; {self.refused} refused; {self.passed} passed over; "
            f"reasons: {kinds or 'none'}; slowest {self.slowest_s:.1f} s ({self.slowest}); {self.crashes} crashes and "
            f"{self.hangs} hangs of the main process; {self.seconds:.0f} s"
        )


def run(*, short: bool, seed: int, say: Say) -> list[Tally]:
    """Make the files, index them, and count what became of them."""
    from lvqa.eval.lab.torture.mutants import make_seeds, mutate
    from lvqa.eval.lab.torture.traps import make_traps

    count = SHORT if short else MUTANTS
    mutants, traps = _Outcome(), _Outcome()
    with tempfile.TemporaryDirectory(prefix="lvqa-videos-") as scratch:
        seeds = make_seeds(Path(scratch))
        made = mutate(seeds, count, seed)
        for first in range(0, count, FOLDER):
            folder = Path(scratch, f"mutants-{first}")
            folder.mkdir()
            names = []
            for mutant in islice(made, FOLDER):
                (folder / mutant.name).write_bytes(mutant.data)
                names.append(mutant.name)
            say(f"videos: indexing {first + len(names)} of {count} mutants")
            mutants.add(_index(folder, names, SHORT_SLACK_S if short else SLACK_S))
        if not short:
            good = Path(scratch, "good.mp4")
            good.write_bytes(seeds["full.mp4"])
            folder = Path(scratch, "traps")
            folder.mkdir()
            say("videos: indexing the traps")
            traps.add(_index(folder, make_traps(folder, good), SLACK_S))
    checks = [_check(f"mutants of {len({name.split('.')[1] for name in seeds})} container formats", mutants)]
    if not short:
        checks.append(_check("traps", traps))
    return checks


def _check(name: str, outcome: _Outcome) -> Tally:
    wrong = {line.partition(":")[0] for line in outcome.problems}
    return Tally(name, len(outcome.judged - wrong), len(outcome.named), outcome.detail(), outcome.problems)


def _index(folder: Path, names: list[str], slack_s: float) -> _Outcome:
    """Index a folder in a main process of its own, and look at what it says of each file."""
    report = folder.with_suffix(".json")
    command = [sys.executable, "-m", "lvqa.eval.lab.torture.videos", str(folder), str(folder.with_suffix(".index"))]
    began = time.monotonic()
    outcome = _Outcome(named=set(names))
    try:
        done = subprocess.run(
            [*command, str(report), str(slack_s)],
            env={**os.environ, "OMP_NUM_THREADS": "1"},
            capture_output=True,
            text=True,
            timeout=_MAIN_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        outcome.hangs += 1
        outcome.problems.append(f"{folder.name}: the main process hung")
        return outcome
    outcome.seconds = time.monotonic() - began
    if done.returncode not in (0, 3) or not report.is_file():
        outcome.crashes += 1
        outcome.problems.append(f"{folder.name}: the main process ended with {done.returncode}: {done.stderr[-600:]!r}")
        return outcome
    said = json.loads(report.read_text(encoding="utf-8"))
    for name in names:
        _judge(name, said, outcome)
    outcome.problems += [f"{name}: {line}" for name, line in said["over"]]
    outcome.problems += [f"{folder.name}: process {pid} was left behind" for pid in said["left"]]
    outcome.slowest, outcome.slowest_s = max(said["seconds"].items(), key=lambda item: item[1], default=("none", 0.0))
    return outcome


def _judge(name: str, said: dict[str, Any], outcome: _Outcome) -> None:
    reasons = [reason for path, reason in said["failed"] if path == name]
    indexed = name in said["indexed"]
    outcome.judged.add(name)
    outcome.indexed += indexed
    outcome.partly += indexed and bool(reasons)
    outcome.refused += not indexed and bool(reasons)
    outcome.passed += name in said["passed"]
    for reason in reasons:
        if not reason.strip() or "\n" in reason or not reason.isprintable():
            outcome.problems.append(f"{name}: a reason that is none: {reason!r}")
        outcome.reasons[_sort(reason)] += 1
    if not indexed and not reasons and name not in said["passed"]:
        outcome.problems.append(f"{name}: neither indexed nor named")


def _sort(reason: str) -> str:
    for mark, name in (
        ("crashed", "crashed a child"),
        ("took longer", "too slow"),
        ("MB of memory", "too much memory"),
        ("is not a video", "no video"),
        ("no frame of it", "undecodable"),
        ("cannot be decoded at", "undecodable there"),
        ("breaks off", "breaks off"),
        ("says it lasts", "impossible length"),
        ("holds sound", "no picture"),
        ("holds no video", "no picture"),
        ("the sound of", "undecodable sound"),
        ("it is damaged", "damaged"),
    ):
        if mark in reason:
            return name
    return "other"


def index(folder: Path, index_dir: Path, report_path: Path, slack_s: float = SLACK_S) -> int:
    """What the main process does: index a folder with fakes, and write what became of each file.

    One that was waited for `slack_s` longer than it may take is named as such.
    """
    from lvqa.archive.archive import Archive
    from lvqa.indexers import read_passed
    from lvqa.media.isolation.conversation import Conversation
    from lvqa.media.isolation.process import POOL
    from lvqa.models.base import Utterance
    from lvqa.models.fake import FakeEmbedder, FakeImageEmbedder, FakeReader, FakeTranscriber, FakeVision
    from lvqa.models.profiles import Models
    from lvqa.types import Span

    models = Models.of(
        vision=FakeVision(),
        embedder=FakeEmbedder(),
        image_embedder=FakeImageEmbedder(),
        ocr=FakeReader(lambda frame: f"{frame.shape[1]} x {frame.shape[0]}"),
        asr=FakeTranscriber([Utterance(Span(0.5, 1.5), "someone speaks")]),
    )
    seconds: dict[str, float] = {}
    over: list[tuple[str, str]] = []
    leave = Conversation.__exit__

    def timed(talk: Conversation, *error: Any) -> None:
        leave(talk, *error)
        seconds[talk.path.name] = seconds.get(talk.path.name, 0.0) + talk.waited_s
        if talk.waited_s > talk.allowed_s + slack_s:
            over.append((talk.path.name, f"took {talk.waited_s:.1f} s of {talk.allowed_s:.1f} s"))

    limits: dict[str, Any] = {"decode_stall_s": STALL_S, "decode_memory_mb": MEMORY_MB}
    with (
        mock.patch.object(Conversation, "__exit__", timed),
        Archive(folder, archive_dir=index_dir, models=models, summaries="none", **limits) as archive,
    ):
        report = archive.index()
        done: dict[str, set[str]] = {}
        for job in archive.store.jobs.all("done"):
            done.setdefault(job.video_id, set()).add(job.stage)
        passed = [path for kind in read_passed(archive.store) for path in kind["paths"]]
        held = {row.path: row.video_id for row in archive.store.files.all() if row.video_id}
    copies = dict(report.duplicates)
    indexed = [path for path, video_id in held.items() if done.get(video_id)]
    POOL.close()
    said = {
        "indexed": [*indexed, *(path for path, first in copies.items() if first in indexed)],
        "failed": report.failed,
        "passed": passed,
        "seconds": seconds,
        "over": over,
        "left": _children(),
    }
    report_path.write_text(json.dumps(said), encoding="utf-8")
    return 3 if report.failed else 0


def _children() -> list[int]:
    tasks = Path(f"/proc/{os.getpid()}/task")
    if not tasks.is_dir():
        return []
    return [int(pid) for task in tasks.iterdir() for pid in (task / "children").read_text().split()]


if __name__ == "__main__":
    sys.exit(index(Path(sys.argv[1]), Path(sys.argv[2]), Path(sys.argv[3]), float(sys.argv[4])))
