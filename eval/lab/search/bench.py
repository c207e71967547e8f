"""The search bench: worlds of one long video each, searched for what appears in them once, by every searcher.

Everything lies below one folder: a folder a world (`videos/`, `index/`), `results.jsonl` (a line a search),
`report.md`, `report.png`, `plots/` (searches with their gold window). A run that was cut off goes on: what stands is
kept while the program is the same. Knows no command line.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from lvqa.errors import LvqaError, UsageError
from lvqa.eval.folder import claim, code_hash
from lvqa.eval.lab.search import report, score
from lvqa.eval.lab.search.outcome import SearchOutcome, SearchRow
from lvqa.eval.lab.search.systems import SYSTEMS, Bench, SearchSystem
from lvqa.eval.lab.search.targets import Target, targets_of
from lvqa.eval.lab.tiny.models import open_archive
from lvqa.eval.lab.world.build import WorldSet, build
from lvqa.models.base import Frame
from lvqa.zoom.plot import save

if TYPE_CHECKING:
    from lvqa.indexers import Progress
    from lvqa.models.profiles import Models

BUDGETS = (8, 32, 128, 512)
# F1 is that of so many returned frames, as LV-Haystack has it; its visual form is measured at one budget.
RETURNED = 8
VISUAL_AT = 32
# Whose searches are drawn, at the largest budget.
DRAWN = ("lvqa", "tstar")
_MARK = ".lvqa-eval-search"


def run(
    folder: Path,
    *,
    minutes: float = 60.0,
    seed: int = 1,
    worlds: int = 3,
    targets: int = 16,
    budgets: Sequence[int] = BUDGETS,
    systems: Sequence[SearchSystem] = SYSTEMS,
    models: Models | None = None,
    progress: Progress | None = None,
    say: Callable[[str], None] | None = None,
) -> SearchOutcome:
    """Measure every searcher on worlds of one video.

    Args:
        folder: made where it is missing; holds nothing but earlier runs.
        minutes: the length of each world's video.
        seed: of the first world, and of the searches in it; the next ones count on.
        worlds: how many.
        targets: at most so many are searched for in a world, about as many of each kind.
        budgets: frames that a search may cost, and return.
        systems: who searches.
        models: in place of those of the tiny profile, ready-made.
        progress: told how far indexing is.
        say: told what is going on, a line each.

    Raises:
        UsageError: figures that make no sense, or a folder that holds something else; LvqaError, ModelNotFound.
    """
    if worlds < 1 or targets < 1 or not budgets:
        raise UsageError("search at least one world for at least one target, with at least one budget")
    minutes, tell, began = _checked(minutes), say or (lambda line: None), time.monotonic()
    _take(folder)
    done = {_key(row): row for row in _read(folder / "results.jsonl")}
    wanted: list[tuple[int, str, int, str]] = []
    look_s = 0.0
    for number in range(seed, seed + worlds):
        place = folder / f"world-{number}"
        tell(f"rendering {minutes:g} minutes of the world, seed {number}")
        world = build(place / "videos", minutes, number, videos=1)
        (video,) = world.videos
        chosen = thinned(targets_of(video), targets)
        if not chosen:
            raise UsageError(f"nothing appears just once in {minutes:g} minutes of seed {number}; ask for more")
        keys = [(number, s.name, b, t.name) for t in chosen for s in systems for b in budgets]
        wanted += keys
        if all(key in done for key in keys):
            continue
        with open_archive(world.folder, place / "index", models=models, summaries="none") as archive:
            tell("indexing")
            indexed = archive.index(progress=progress)
            if indexed.failed:
                raise LvqaError(f"{indexed.failed[0][0]} cannot be indexed: {indexed.failed[0][1]}")
            bench, plots = Bench(archive), folder / "plots"
            plots.mkdir(exist_ok=True)
            for row in _searches(bench, number, world, chosen, systems, budgets, done, plots, tell):
                done[_key(row)] = row
                with (folder / "results.jsonl").open("a", encoding="utf-8") as out:
                    out.write(json.dumps(asdict(row)) + "\n")
            look_s = bench.look_s
    rows = tuple(done[key] for key in wanted)
    numbers = tuple(range(seed, seed + worlds))
    outcome = SearchOutcome(folder, minutes, numbers, rows, look_s, time.monotonic() - began)
    report.write(outcome)
    return outcome


def thinned(targets: Sequence[Target], most: int) -> list[Target]:
    """At most so many of them, evenly over the video, two thirds of them with a cue where there are as many."""
    cued, bare = [t for t in targets if t.cue], [t for t in targets if not t.cue]
    n_bare = min(len(bare), max(most // 3, most - len(cued)))
    parts = [_evenly(cued, most - n_bare), _evenly(bare, n_bare)]
    return sorted((t for part in parts for t in part), key=lambda t: t.span)


def _evenly(targets: Sequence[Target], n: int) -> list[Target]:
    if n >= len(targets):
        return list(targets)
    return [targets[int((i + 0.5) * len(targets) / n)] for i in range(n)]


def _searches(
    bench: Bench,
    number: int,
    world: WorldSet,
    targets: Sequence[Target],
    systems: Sequence[SearchSystem],
    budgets: Sequence[int],
    done: dict[tuple[int, str, int, str], SearchRow],
    plots: Path,
    tell: Callable[[str], None],
) -> Iterator[SearchRow]:
    duration_s = world.videos[0].duration_s
    for n, target in enumerate(targets):
        tell(f"world {number}: {target.name}, {n + 1} of {len(targets)}")
        pictures = _Pictures(bench, target)
        for system in systems:
            for budget in budgets:
                if (number, system.name, budget, target.name) in done:
                    continue
                all_ = bench.search(system, target.query, budget, budget, number)
                times = [frame.time_s for frame in all_.found.keyframes]
                few = all_ if budget <= RETURNED else bench.search(system, target.query, budget, RETURNED, number)
                best = [frame.time_s for frame in few.found.keyframes]
                row = SearchRow(
                    number,
                    system.name,
                    budget,
                    target.name,
                    target.span.start_s,
                    target.span.end_s,
                    target.size,
                    bool(target.cue),
                    duration_s,
                    all_.frames,
                    score.is_found(times, target.span),
                    score.is_found(times, target.span, score.TOLERANCE_S),
                    score.f1(best, target.span),
                    pictures.f1(best) if budget == VISUAL_AT else None,
                    all_.own_s + all_.frames * bench.look_s,
                    1000 * all_.own_s / max(1, len(all_.found.trace.rounds)),
                )
                if system.name in DRAWN and budget == max(budgets):
                    name = f"{number}-{target.name}-{system.name}.png".replace(" ", "-")
                    save(plots / name, all_.found.trace, all_.found.keyframes, gold=[target.span])
                yield row


class _Pictures:
    """The pictures of one target's video, for the visual F1."""

    def __init__(self, bench: Bench, target: Target) -> None:
        self._bench = bench
        self._gold_s = score.gold_times(target.span)
        self._gold: list[Frame] = []

    def f1(self, times_s: Sequence[float]) -> float:
        with self._bench.footage(SYSTEMS[0]) as footage:
            self._gold = self._gold or list(footage.at(self._gold_s).images())
            return score.visual_f1(list(footage.at(times_s).images()), self._gold)


def _key(row: SearchRow) -> tuple[int, str, int, str]:
    return row.world, row.system, row.budget, row.target


def _read(path: Path) -> Iterator[SearchRow]:
    if not path.is_file():
        return
    for line in path.read_text(encoding="utf-8").splitlines():
        try:
            yield SearchRow(**json.loads(line))
        except (ValueError, TypeError):  # the line that a kill cut off, or one of another version
            continue


def _take(folder: Path) -> None:
    """Make the folder ours, or refuse one that holds something else; drop what another program measured."""
    rooms = ("zoom", "eval/lab/world", "eval/lab/search", "eval/lab/tiny", "indexers")
    claim(folder, _MARK, code_hash(rooms, (".py", ".safetensors")), stale=["results.jsonl"])


def _checked(minutes: float) -> float:
    """Minutes that make sense. Raises UsageError."""
    if not (math.isfinite(minutes) and minutes > 0):
        raise UsageError(f"a world of {minutes:g} minutes makes no sense; ask for 10, 60 or 240")
    return minutes
