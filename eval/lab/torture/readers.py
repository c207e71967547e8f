"""Many readers beside one writer, each a process of its own; and two writers at once.

The writer indexes, imports, removes, builds index files, and rewrites stamped videos: all that is known of one carries
its generation, and how much there is of it, so that a reader that ever saw half a transaction, or two at once, would
know. Readers search, show and count without end. Knows nothing of how reads are kept apart from writes.
"""

from __future__ import annotations

import math
import os
import random
import select
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
from lvqa.eval.lab.torture.check import Say, Tally
from lvqa.eval.lab.torture.forked import Forked, preload, run_forked
from lvqa.eval.lab.torture.stamps import STAMPED, StampReader, StampsSeen, stamp, stamped_video

if TYPE_CHECKING:
    from lvqa.models.base import VisionRequest
    from lvqa.store import Store

READERS, SECONDS = 8, 120.0
SHORT_READERS, SHORT_SECONDS = 3, 6.0
CHANGES = 2  # generations that a reader must have seen for its reads to say anything


def run(*, short: bool, seed: int, say: Say) -> list[Tally]:
    """Readers beside a writer for some time, then two writers."""
    readers, seconds = (SHORT_READERS, SHORT_SECONDS) if short else (READERS, SECONDS)
    with tempfile.TemporaryDirectory(prefix="lvqa-readers-") as scratch:
        place = ReadersPlace(Path(scratch))
        place.prepare()
        return [*side_by_side(place, readers, seconds, seed, say), *two_writers(place)]


@dataclass(frozen=True, slots=True)
class ReadersPlace:
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
            StampReader(self.index_dir, self.folder, random.Random(0)).read()

        preload(first)

    def perform(self, action: workload.Action, **more: Any) -> Any:
        """One action of the workload on the index."""
        given = {"index_dir": self.index_dir, "latency_s": 0.0, **more}
        return workload.perform(action, self.folder, captions=self.captions, **given)


def side_by_side(place: ReadersPlace, readers: int, seconds: float, seed: int, say: Say) -> list[Tally]:
    """So many readers and a writer, for so long at least, and until each of them has done enough to be judged."""
    began = time.monotonic()
    end = End()
    writer = Forked(lambda: write(place, end, readers, random.Random(seed)))
    reading: list[Forked] = []
    enough: list[int] = []
    for number in range(readers):
        told, tell = os.pipe()
        reading.append(Forked(partial(_read, place, end, seed + number, tell)))
        os.close(tell)
        enough.append(told)
    say(f"readers: {readers} of them and a writer, for {seconds:.0f} s")
    # One that ends already has failed, and the others need not go on.
    failed = bool(select.select([writer, *reading], [], [], seconds)[0])
    for told in enough:
        failed = failed or told not in select.select([writer.fileno(), told], [], [])[0]
    end.come()
    problems: list[str] = []
    seen = [StampsSeen(**told) for told in _results(reading, problems)]
    written = _results([writer], problems)
    for told in enough:
        os.close(told)
    took_s = time.monotonic() - began
    reads = sum(one.reads for one in seen)
    errors = [error for one in seen for error in one.errors]
    torn = [tear for one in seen for tear in one.torn]
    if not written:
        problems.append("the writer did not come to its end")
    elif written[0] < readers:
        problems.append(f"the writer came to {written[0]} transactions only")
    if seen and min(one.changes for one in seen) < CHANGES:
        problems.append("a reader never saw anything change")
    detail = f"{readers} readers, {seconds:.0f} s, {reads / took_s:.0f} reads/s, {sum(written)} rounds of writing"
    return [
        Tally("reads beside a writer without an error", reads - len(errors), reads, detail, [*problems, *errors]),
        Tally("reads that saw one version", reads - len(torn), reads, "", torn),
    ]


def _results(processes: Sequence[Forked], problems: list[str]) -> list[Any]:
    done: list[Any] = []
    for process in processes:
        try:
            done.append(process.result())
        except LvqaError as error:
            problems.append(str(error))
    return done


def two_writers(place: ReadersPlace) -> list[Tally]:
    """While one process indexes, another is refused by its name; one that waits does its work after it.

    The first comes to its end only when the second waits for it.
    """
    straight, both = place.root / "straight", place.root / "both"

    def undisturbed() -> None:
        place.perform("index", index_dir=straight)
        place.perform("import", index_dir=straight)

    run_forked(undisturbed)
    begun, begin = os.pipe()
    may_end, let_end = os.pipe()

    def index() -> None:
        os.close(let_end)

        def caption(request: VisionRequest) -> str:
            if not told:
                told.append(os.write(begin, b"."))
                os.read(may_end, 1)
            return workload.caption_of(request)

        told: list[int] = []
        place.perform("index", index_dir=both, caption=caption)

    def second(wait_s: float) -> str:
        try:
            place.perform("import", index_dir=both, wait_s=wait_s, on_wait=lambda _: os.write(let_end, b"."))
        except StoreLocked as error:
            return str(error)
        return ""

    first = Forked(index)
    os.close(begin)
    refused, waited = "", "did not"
    problems: list[str] = []
    try:
        os.read(begun, 1)
        refused = str(run_forked(lambda: second(0.0)))
        waited = str(run_forked(lambda: second(math.inf)))
    except LvqaError as error:
        problems.append(str(error))
    for end in (begun, may_end, let_end):
        os.close(end)
    _results([first], problems)
    named = f"process {first.pid} on " in refused and "(lvqa index) since" in refused
    if not waited:
        problems += differences(snapshot(straight), snapshot(both))
    return [
        Tally("a second writer is told who holds the index", int(named), 1, "", [] if named else [refused or "let in"]),
        Tally(
            "a second writer waits and does its work",
            int(not waited),
            1,
            "",
            [*([waited] if waited else []), *problems],
        ),
    ]


class End:
    """When processes that this one forks are to come to their end: once it says so, or has ended itself."""

    def __init__(self) -> None:
        self._told, self._tell = os.pipe()
        self._parent = os.getpid()

    @property
    def here(self) -> bool:
        """Whether it has come. In the forked processes only."""
        if self._tell >= 0 and os.getpid() != self._parent:
            os.close(self._tell)
            self._tell = -1
        return bool(select.select([self._told], [], [], 0)[0])

    def come(self) -> None:
        """Let it come."""
        os.close(self._tell)
        os.close(self._told)


def write(place: ReadersPlace, end: End, least: int, draw: random.Random) -> int:
    """Write until the end, and so many rounds at least; returns how many they were."""
    from lvqa.store.search import maintain

    generations: Counter[int] = Counter(range(STAMPED))
    rounds = 0
    # So few rows are worth index files, so that readers meet new ones again and again.
    with (
        mock.patch.object(maintain, "BASE_FROM", 60),
        mock.patch.object(maintain, "TAIL_LEAST", 20),
    ):
        while not end.here or rounds < least:
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

    return Store.open(index_dir, write=True, wait_s=math.inf)


def _read(place: ReadersPlace, end: End, seed: int, tell: int) -> dict[str, Any]:
    """Read until the end; writes a byte once it has seen enough."""
    reader = StampReader(place.index_dir, place.folder, random.Random(seed))
    told = False
    while not end.here:
        reader.read()
        if not told and reader.seen.changes >= CHANGES:
            told = bool(os.write(tell, b"."))
    return asdict(reader.seen)
