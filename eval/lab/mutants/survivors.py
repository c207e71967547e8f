"""Runs, for mutants drawn at random, the tests that reach their lines, in a copy of the checkout; says which survive.

Tests that reach fewest lines go first: they are about the place. A test that no longer ends counts as noticing.
"""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from lvqa.errors import LvqaError
from lvqa.eval.lab.mutants.mutate import Mutation, mutants

LEFT_OUT = shutil.ignore_patterns(".git", ".venv", "__pycache__", ".*_cache", "*.egg-info", "build", "dist", "site")
_QUIET = ("-q", "-x", "-p", "no:cacheprovider", "--no-header", "--tb=no")
_PATIENCE, _LEAST_S = 4.0, 60.0
# What tests of a room's numbers are called.
_NUMBERS = ("test_rules.py", "test_numbers.py")


@dataclass(frozen=True, slots=True)
class Tried:
    """A mutant of a file, how many tests reach its line, whether one noticed, and the seconds that this took."""

    path: str
    mutant: Mutation
    tests: int
    killed: bool
    seconds: float


@dataclass(frozen=True, slots=True)
class Reach:
    """Which tests run which lines: node ids by (path, line), none for a line that runs on import alone.

    `lines` says how many lines each test runs, `seconds` how long all of them take.
    """

    by_line: dict[tuple[str, int], set[str]]
    lines: dict[str, int]
    seconds: float


def copy_of(checkout: Path, folder: Path) -> Path:
    """A copy of a checkout to change; one that is there already is made anew."""
    if folder.exists():
        shutil.rmtree(folder)
    shutil.copytree(checkout, folder, ignore=LEFT_OUT, symlinks=True)
    return folder


def reach(copied: Path, rooms: Sequence[str], tests: Sequence[str]) -> Reach:
    """Run the tests once, and see which lines of the rooms each of them reaches. Raises LvqaError where one fails."""
    from coverage import CoverageData

    data, began = copied / ".coverage-mutants", time.monotonic()
    data.unlink(missing_ok=True)
    rules = copied / ".coveragerc-mutants"
    rules.write_text(f"[run]\ndata_file = {data}\nsource =\n" + "".join(f"    {copied / room}\n" for room in rooms))
    command = [sys.executable, "-m", "coverage", "run", f"--rcfile={rules}", "-m", "pytest", *_QUIET]
    ran = _run([*command, "-p", "coverage_contexts", *tests], copied, None)
    if ran.returncode:
        raise LvqaError(f"the tests fail before anything is changed:\n{ran.stdout[-2000:]}")
    held = CoverageData(str(data))
    held.read()
    by_line: dict[tuple[str, int], set[str]] = defaultdict(set)
    lines: dict[str, int] = defaultdict(int)
    for measured in held.measured_files():
        path = str(Path(measured).relative_to(copied))
        for line, contexts in held.contexts_by_lineno(measured).items():
            named = {one for one in contexts if one}
            by_line[path, line] |= named
            for one in named:
                lines[one] += 1
    return Reach(dict(by_line), dict(lines), time.monotonic() - began)


def drawn(copied: Path, rooms: Sequence[str], number: int, seed: int) -> list[tuple[str, Mutation]]:
    """So many mutants of the rooms' modules, each as probable."""
    found = [
        (str(path.relative_to(copied)), mutant)
        for room in rooms
        for path in sorted((copied / room).rglob("*.py"))
        for mutant in mutants(path.read_text(encoding="utf-8"))
    ]
    return random.Random(seed).sample(found, min(number, len(found)))


def tests_of(known: Reach, path: str, mutant: Mutation) -> list[str]:
    """The tests that reach a mutant's lines, in the order in which they run.

    Of lines that run when the module is imported, as numbers and tables do, nothing says which tests hang on them:
    those are the tests whose file is about numbers, then all that reach the module.
    """
    places = [(path, at) for at in range(mutant.first_line, mutant.last_line + 1)]
    reached, about = {one for place in places for one in known.by_line.get(place, ())}, set[str]()
    if not reached and any(place in known.by_line for place in places):
        about = {one for one in known.lines if one.partition("::")[0].endswith(_NUMBERS)}
        reached = {one for (module, _), tests in known.by_line.items() if module == path for one in tests}
    last = sorted(reached - about, key=lambda one: (known.lines[one], one))
    return [*sorted(about), *last]


def tried(copied: Path, known: Reach, chosen: Sequence[tuple[str, Mutation]]) -> Iterator[Tried]:
    """Put each mutant in its place, run the tests that reach it, put back what was there."""
    for path, mutant in chosen:
        ordered = tests_of(known, path, mutant)
        began, place = time.monotonic(), copied / path
        before = place.read_text(encoding="utf-8")
        listed = copied / ".tests-mutants"
        listed.write_text("\n".join(ordered), encoding="utf-8")
        try:
            place.write_text(mutant.source, encoding="utf-8")
            most_s = max(_LEAST_S, _PATIENCE * known.seconds * len(ordered) / max(1, len(known.lines)))
            command = [sys.executable, "-m", "pytest", *_QUIET, f"@{listed}"]
            killed = bool(ordered) and _run(command, copied, most_s).returncode != 0
        except subprocess.TimeoutExpired:
            killed = True
        finally:
            place.write_text(before, encoding="utf-8")
        yield Tried(path, mutant, len(ordered), killed, time.monotonic() - began)


def _run(command: Sequence[str], folder: Path, most_s: float | None) -> subprocess.CompletedProcess[str]:
    paths = os.pathsep.join([str(folder), str(Path(__file__).parent)])
    environment = {**os.environ, "PYTHONPATH": paths, "PYTHONDONTWRITEBYTECODE": "1"}
    return subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=most_s, check=False
    )
