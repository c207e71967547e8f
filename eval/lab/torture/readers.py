"""Many readers beside one writer, each a process of its own; and two writers at once.

The writer indexes, imports, removes, builds index files, and rewrites stamped videos: all that is known of one carries
its generation, and how much there is of it, so that a reader that ever saw half a transaction, or two at once, would
know. Readers search, show and count without end. Knows nothing of how reads are kept apart from writes.
"""

from __future__ import annotations

import random
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unittest import mock

from lvqa.errors import LvqaError, StoreLocked
from lvqa.eval.lab.snapshot import differences, snapshot
from lvqa.eval.lab.torture import workload
from lvqa.eval.lab.torture.check import Check, Say
from lvqa.eval.lab.torture.forked import Forked, preload, run_forked
from lvqa.eval.lab.torture.stamps import STAMPED, Reader, Seen, stamp, stamped_video

if TYPE_CHECKING:
    from lvqa.store import Store

READERS, SECONDS = 8, 120.0
SHORT_READERS, SHORT_SECONDS = 3, 6.0


def run(*, short: bool, seed: int, say: Say) -> list[Check]:
    """Readers beside a writer for some time, then two writers."""
    readers, seconds = (SHORT_READERS, SHORT_SECONDS) if short else (READERS, SECONDS)
    with tempfile.TemporaryDirectory(prefix="lvqa-readers-") as scratch:
        place = Place(Path(scratch))
        place.prepare()
        return [*side_by_side(place, readers, seconds, seed, say), *two_writers(place)]


@dataclass(frozen=True, slots=True)
class Place:
    """Footage, captions and indexes below one folder."""

    root: Path

    @property
    def folder(self) -> Path:
        """The videos."""
        return self.root / "footage"

    @property
    def captions(self) -> Path:
        """What is imported."""
        return self.root / "captions.jsonl"

    @property
    def index_dir(self) -> Path:
        """What everybody reads."""
        return self.root / "index"

    def prepare(self) -> None:
        """Make the footage, and an index with stamped videos."""
        workload.make_footage(self.folder)
        workload.write_captions(self.captions, self.folder)

        def first() -> None:
            self.perform("index")
            with _written(self.index_dir) as store:
                for number in range(STAMPED):
                    stamp(store, number, 1)
            Reader(self.index_dir, self.folder, random.Random(0)).read()

        preload(first)

    def perform(self, action: workload.Action, **more: Any) -> Any:
        """One action of the workload on the index."""
        given = {"index_dir": self.index_dir, "latency_s": 0.0, **more}
        return workload.perform(action, self.folder, captions=self.captions, **given)


def side_by_side(place: Place, readers: int, seconds: float, seed: int, say: Say) -> list[Check]:
    """So many readers and a writer, for so long."""
    until = time.monotonic() + seconds
    writer = Forked(lambda: write(place, until, random.Random(seed)))
    reading = [Forked(partial(_read, place, until, seed + number)) for number in range(readers)]
    say(f"readers: {readers} of them and a writer, for {seconds:.0f} s")
    problems: list[str] = []
    seen = [Seen(**told) for told in _results(reading, problems)]
    written = _results([writer], problems)
    reads = sum(one.reads for one in seen)
    errors = [error for one in seen for error in one.errors]
    torn = [tear for one in seen for tear in one.torn]
    if not written:
        problems.append("the writer did not come to its end")
    elif written[0] < readers:
        problems.append(f"the writer came to {written[0]} transactions only")
    if seen and min(one.changes for one in seen) < 2:
        problems.append("a reader never saw anything change")
    detail = f"{readers} readers, {seconds:.0f} s, {reads / seconds:.0f} reads/s, {sum(written)} rounds of writing"
    return [
        Check("reads beside a writer without an error", reads - len(errors), reads, detail, [*problems, *errors]),
        Check("reads that saw one version", reads - len(torn), reads, "", torn),
    ]


def _results(processes: Sequence[Forked], problems: list[str]) -> list[Any]:
    done: list[Any] = []
    for process in processes:
        try:
            done.append(process.result())
        except LvqaError as error:
            problems.append(str(error))
    return done


def two_writers(place: Place) -> list[Check]:
    """While one process indexes, another is refused by its name; one that waits does its work after it."""
    straight, both = place.root / "straight", place.root / "both"

    def undisturbed() -> None:
        place.perform("index", index_dir=straight)
        place.perform("import", index_dir=straight)

    run_forked(undisturbed)
    first = Forked(lambda: place.perform("index", index_dir=both, latency_s=workload.LATENCY_S) and None)

    def second(wait_s: float) -> str:
        deadline = time.monotonic() + 60
        while True:
            try:
                place.perform("import", index_dir=both, wait_s=wait_s)
                return ""
            except StoreLocked as error:
                return str(error)
            except LvqaError:
                if time.monotonic() > deadline:
                    raise

    refused, waited = "", "did not"
    problems: list[str] = []
    try:
        while not (both / "archive.db").exists() or not (both / "lock").read_bytes():
            time.sleep(0.01)
        refused = str(run_forked(lambda: second(0.0)))
        waited = str(run_forked(lambda: second(120.0)))
        first.result()
    except LvqaError as error:
        problems.append(str(error))
    named = f"process {first.pid} on " in refused and "(lvqa index) since" in refused
    if not waited:
        problems += differences(snapshot(straight), snapshot(both))
    return [
        Check("a second writer is told who holds the index", int(named), 1, "", [] if named else [refused or "let in"]),
        Check(
            "a second writer waits and does its work",
            int(not waited),
            1,
            "",
            [*([waited] if waited else []), *problems],
        ),
    ]


def write(place: Place, until: float, draw: random.Random) -> int:
    """Write until the time has come; returns how many rounds that were."""
    from lvqa.store.search import maintain

    generations: Counter[int] = Counter(range(STAMPED))
    rounds = 0
    # So few rows are worth index files, so that readers meet new ones again and again.
    with (
        mock.patch.object(maintain, "BASE_FROM", 60),
        mock.patch.object(maintain, "TAIL_LEAST", 20),
    ):
        while time.monotonic() < until:
            rounds += 1
            if rounds % 5 == 0:
                place.perform(draw.choice(workload.ACTIONS), video=draw.choice(workload.REELS).name)
                continue
            with _written(place.index_dir) as store:
                for _ in range(4):
                    number = draw.randrange(STAMPED)
                    generations[number] += 1
                    if draw.random() < 0.2:
                        store.videos.remove(stamped_video(number).id)
                    else:
                        stamp(store, number, generations[number])
                if draw.random() < 0.3:
                    store.build_indexes()
    return rounds


def _written(index_dir: Path) -> Store:
    from lvqa.store import Store

    return Store.open(index_dir, write=True, wait_s=60.0)


def _read(place: Place, until: float, seed: int) -> dict[str, Any]:
    reader = Reader(place.index_dir, place.folder, random.Random(seed))
    while time.monotonic() < until:
        reader.read()
    return asdict(reader.seen)
