"""Search in an archive of a million notes and a million frames: time, recall, memory, opening, adding; and rivals.

The archive is made once and kept in the user's cache folder, so that the first run takes a quarter of an hour and a
later one some minutes. Each step runs in a process of its own. `ROWS=120000` in the environment makes a small trial.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lvqa.eval.lab.bench.corpus import FRAME_DIM, NOTE_DIM
from lvqa.eval.lab.bench.outcome import BenchOutcome, run_child
from lvqa.eval.lab.bench.rivals import NAMES

ROWS = 1_000_000
QUERIES = 300
_STEP_S = 3600.0
# What is made once; the rest is measured anew in every run.
_KEPT = ("fill", "truth")


@dataclass(frozen=True, slots=True)
class RetrievalBound:
    """A figure and what it is held to."""

    name: str
    value: float
    bound: float
    at_most: bool = True
    unit: str = ""

    @property
    def held(self) -> bool:
        """Whether the figure keeps to its bound."""
        return self.value <= self.bound if self.at_most else self.value >= self.bound

    def __str__(self) -> str:
        side = "at most" if self.at_most else "at least"
        return f"{self.value:.4g}{self.unit} ({side} {self.bound:g}{self.unit}){'' if self.held else '  MISSED'}"


def measure(folder: Path, rows: int, queries: int) -> BenchOutcome:
    """Make what is not there yet, measure the rest, and hold it to the bounds."""
    folder.mkdir(parents=True, exist_ok=True)
    done = {step: _step(step, folder, rows, queries) for step in ("fill", "truth", "search", "recall", "add")}
    rivals = {
        name: run_child("lvqa.eval.lab.bench.rivals", name, str(folder), str(rows), str(queries), timeout_s=_STEP_S)
        for name in NAMES
    }
    held = bounds(done)
    missed = [bound for bound in held if not bound.held]
    facts = {bound.name: str(bound) for bound in held} | _more(done) | _side_by_side(done, rivals)
    what = (
        f"bounds missed of {len(held)}, in an archive of {rows:,} notes ({NOTE_DIM}) and {rows:,} frames ({FRAME_DIM})"
    )
    return BenchOutcome("retrieval", what, len(missed), 0, "at most", "misses", facts)


def _step(step: str, folder: Path, rows: int, queries: int) -> dict[str, Any]:
    kept = folder / f"{step}-{rows}-{queries}.json"
    if step in _KEPT and kept.exists():
        found: dict[str, Any] = json.loads(kept.read_bytes())
        return found
    found = run_child("lvqa.eval.lab.bench.large", step, str(folder), str(rows), str(queries), timeout_s=_STEP_S)
    if step in _KEPT:
        kept.write_text(json.dumps(found), encoding="utf-8")
    return found


def bounds(done: Mapping[str, Any]) -> list[RetrievalBound]:
    """What the issue of a search at scale asks for."""
    search, recall, fill = done["search"], done["recall"], done["fill"]
    seconds = fill["seconds"]
    full_s = seconds["notes"] + seconds["note indexes"]
    every = search["filters"]
    return [
        RetrievalBound("hybrid query, p50", recall["p50 ms"], 25, unit=" ms"),
        RetrievalBound("hybrid query, p99", recall["p99 ms"], 100, unit=" ms"),
        RetrievalBound("three channels of the store, p50", every["none"]["p50 ms"], 25, unit=" ms"),
        RetrievalBound("three channels of the store, p99", every["none"]["p99 ms"], 100, unit=" ms"),
        *(
            RetrievalBound(f"recall@10 of {kind}, filter: {name}", of[f"recall {kind}"], 0.95, at_most=False)
            for name, of in every.items()
            for kind in ("notes", "frames")
        ),
        RetrievalBound("opening and the first query", search["open s"], 1, unit=" s"),
        RetrievalBound("peak memory, building", fill["peak GB"], 6, unit=" GB"),
        RetrievalBound("peak memory, searching", max(search["peak GB"], recall["peak GB"]), 6, unit=" GB"),
        RetrievalBound("adding 10,000 notes, share of a full build", done["add"]["seconds"] / full_s, 0.02),
    ]


def _more(done: Mapping[str, Any]) -> dict[str, Any]:
    filters = {
        f"three channels, filter: {name}": f"p50 {of['p50 ms']:.1f} ms, p99 {of['p99 ms']:.1f} ms"
        for name, of in done["search"]["filters"].items()
    }
    of = done["search"]["filters"]["none"]
    parts = ", ".join(f"{part} {of[f'{part} ms']:.1f}" for part in ("text", "notes", "frames", "fetch"))
    add = done["add"]
    return filters | {
        "of which, mean ms": parts,
        "building, s": ", ".join(f"{name} {s:.0f}" for name, s in done["fill"]["seconds"].items()),
        "on disk, GB": done["fill"]["disk GB"],
        "after adding": f"first query {add['first ms']:.0f} ms, then p50 {add['p50 ms']:.1f} ms",
        "adding, s": add["seconds"],
        **({"MiniLM encodes a query in, ms": ms} if (ms := done["recall"].get("encode ms")) else {}),
    }


def _side_by_side(done: Mapping[str, Any], rivals: Mapping[str, Any]) -> dict[str, str]:
    of = done["search"]["filters"]["none"]
    ours = {"notes": of["notes ms"], "frames": of["frames ms"]}
    lines = {f"lvqa, {kind}": f"mean {ms:.1f} ms, recall@10 {of[f'recall {kind}']:.3f}" for kind, ms in ours.items()}
    for name, found in rivals.items():
        if "missing" in found:
            lines[name] = found["missing"]
            continue
        for kind, ms in ours.items():
            one = found[kind]
            lines[f"{name}, {kind}"] = (
                f"mean {one['mean ms']:.1f} ms ({one['mean ms'] / ms:.1f} x lvqa), recall@10 {one['recall']:.3f}, "
                f"built in {one['build s']:.0f} s, peak {found['peak GB']:.1f} GB"
            )
    return lines


def _cache_dir(rows: int) -> Path:
    import platformdirs

    return platformdirs.user_cache_path("lvqa") / f"bench-retrieval-{rows}"


def main(arguments: Sequence[str]) -> int:
    """Measure and print the outcome as JSON; the folder may be named."""
    rows = int(os.environ.get("ROWS", ROWS))
    folder = Path(arguments[0]) if arguments else _cache_dir(rows)
    print(json.dumps(measure(folder, rows, QUERIES).to_dict()))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
