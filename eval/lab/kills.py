"""Does `lvqa index` survive SIGKILL? `python -m lvqa.eval.lab.kills [FOLDER] [--rounds 10] [--seed 0]`.

One archive is indexed undisturbed. Then, round by round, another is begun anew, killed at a random moment (uniform over
the time the undisturbed run took), run again to its end, and compared with the first row by row. The real command runs,
in processes of its own; only the main process is killed, so that what it may have started is left alone, as in life.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import random
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from lvqa.errors import LvqaError, StoreError
from lvqa.eval.lab.snapshot import differences, snapshot
from lvqa.eval.lab.standin import serve
from lvqa.eval.lab.torture.killing import killed_at

INDEXED = (0, 3)  # exit statuses of a run that came to its end: all well, or some videos failed
TEXT_ONLY = ("--profile", "text")


@dataclass(frozen=True, slots=True)
class KillRound:
    """One interrupted index: when it was killed, how many rows it had by then, and how the finished one differs."""

    killed_at_s: tuple[float, ...]
    rows_then: tuple[int, ...]
    differences: tuple[str, ...]

    @property
    def equal(self) -> bool:
        """Whether the finished index holds the rows of the undisturbed one."""
        return not self.differences


@dataclass(frozen=True, slots=True)
class Report:
    """What the undisturbed run took and wrote, and every round."""

    clean_s: float
    rows: int
    rounds: tuple[KillRound, ...]

    @property
    def equal(self) -> int:
        """How many rounds ended with the same rows."""
        return sum(r.equal for r in self.rounds)


def run_kills(
    folder: Path,
    *,
    rounds: int = 10,
    kills: int = 1,
    seed: int = 0,
    models: Sequence[str] = TEXT_ONLY,
    on_round: Callable[[KillRound], None] = lambda _: None,
) -> Report:
    """Index undisturbed, then round by round with kills, and compare.

    Args:
        folder: videos; nothing is written into it.
        rounds: indexes that are begun, killed and finished.
        kills: runs of one index that are killed, one after the other, before the one that finishes it.
        seed: of the moments at which they are killed.
        models: options of `lvqa index` that choose the models.
        on_round: told of each round as it ends.

    Raises:
        LvqaError: a run fails by itself.
    """
    draw = random.Random(seed)
    with tempfile.TemporaryDirectory(prefix="lvqa-kills-") as scratch:
        clean = Path(scratch, "clean")
        _run(folder, clean, models)  # warms the caches of the disk, which would otherwise stretch the clock
        shutil.rmtree(clean)
        started = time.perf_counter()
        _run(folder, clean, models)
        whole_s = clean_s = time.perf_counter() - started
        expected = snapshot(clean)
        if not len(expected):
            raise LvqaError(
                f"indexing {folder} wrote nothing that could be compared; give it videos with text or speech"
            )
        done: list[KillRound] = []
        for number in range(rounds):
            index = Path(scratch, f"round{number}")
            moments: list[float] = []
            rows: list[int] = []
            while not moments:
                started = time.perf_counter()
                moments = killed_at(
                    draw,
                    whole_s,
                    kills,
                    lambda after_s, index=index: _run_and_kill(folder, index, models, after_s),  # type: ignore[misc]
                    lambda index=index, rows=rows: rows.append(_rows(index)),  # type: ignore[misc]
                )
                if not moments:
                    whole_s = min(whole_s, time.perf_counter() - started)  # the machine was busier before
                    shutil.rmtree(index)
            _run(folder, index, models)
            done.append(KillRound(tuple(moments), tuple(rows), tuple(differences(expected, snapshot(index)))))
            shutil.rmtree(index)
            on_round(done[-1])
        return Report(clean_s, len(expected), tuple(done))


def _command(folder: Path, index: Path, models: Sequence[str]) -> list[str]:
    return [sys.executable, "-m", "lvqa.cli", "index", str(folder), "--archive", str(index), *models]


def _run(folder: Path, index: Path, models: Sequence[str]) -> None:
    done = subprocess.run(
        _command(folder, index, models), capture_output=True, text=True, env=_environment(), check=False
    )
    if done.returncode not in INDEXED:
        end = "\n".join((done.stderr or done.stdout).strip().splitlines()[-15:])
        raise LvqaError(f"lvqa index ended with status {done.returncode}; its last words:\n{end}")


def _run_and_kill(folder: Path, index: Path, models: Sequence[str], after_s: float) -> bool:
    """Start a run and kill it `after_s` seconds later; False when it ended before that."""
    process = subprocess.Popen(
        _command(folder, index, models), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=_environment()
    )
    try:
        process.wait(after_s)
    except subprocess.TimeoutExpired:
        process.kill()
        return process.wait() == -signal.SIGKILL
    return False


def _environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith("LVQA_")}


def _rows(index: Path) -> int:
    try:
        return len(snapshot(index))
    except StoreError:
        return 0  # killed before there was an index


@contextmanager
def chosen_models(given: str | None) -> Iterator[Sequence[str]]:
    """The options that choose the models: those given, or the text profile and a stand-in that sees and summarises."""
    if given is not None:
        yield shlex.split(given)
    elif importlib.util.find_spec("langchain_openai") is None:
        yield TEXT_ONLY
    else:
        with serve() as base_url:
            standin = f"openai:standin@{base_url}"
            yield (*TEXT_ONLY, "--vision", standin, "--chat", standin)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run from the command line; returns 0 when every round ended with the same rows, else 1."""
    parser = argparse.ArgumentParser(prog="python -m lvqa.eval.lab.kills", description=str(__doc__).partition("\n")[0])
    parser.add_argument("folder", nargs="?", type=Path, metavar="FOLDER", help="videos; made here when not given")
    parser.add_argument("--rounds", type=int, default=10, help="indexes that are begun, killed and finished")
    parser.add_argument("--kills", type=int, default=1, help="kills of each index before it may finish")
    parser.add_argument("--seed", type=int, default=0, help="of the moments of the kills")
    parser.add_argument(
        "--models", help="options of lvqa index that choose models; the text profile and a stand-in when not given"
    )
    parser.add_argument("--json", action="store_true", help="print the report as JSON")
    options = parser.parse_args(arguments)
    if options.rounds < 1 or options.kills < 1:
        parser.error("--rounds and --kills must be at least 1")
    try:
        with tempfile.TemporaryDirectory(prefix="lvqa-footage-") as made, chosen_models(options.models) as models:
            folder: Path | None = options.folder
            if folder is None:
                from lvqa.demo_footage import make_footage

                folder = Path(made)
                make_footage(folder)
            report = run_kills(
                folder,
                rounds=options.rounds,
                kills=options.kills,
                seed=options.seed,
                models=models,
                on_round=(lambda _: None) if options.json else (lambda step: print(_line(step), flush=True)),
            )
    except LvqaError as error:
        print(f"lvqa: {error}", file=sys.stderr)
        return 1
    if options.json:
        print(json.dumps(asdict(report), indent=2))
    else:
        print(f"{report.equal} of {len(report.rounds)} equal ({report.rows} rows, {report.clean_s:.1f} s undisturbed)")
    return 0 if report.equal == len(report.rounds) else 1


def _line(step: KillRound) -> str:
    kills = ", ".join(f"{at:.2f} s ({n} rows)" for at, n in zip(step.killed_at_s, step.rows_then, strict=True))
    return "\n    ".join([f"{'equal ' if step.equal else 'DIFFER'}  killed at {kills}", *step.differences])


if __name__ == "__main__":
    sys.exit(main())
