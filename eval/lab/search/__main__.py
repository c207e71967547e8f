"""`python -m lvqa.eval.lab.search`: score every searcher on long synthetic videos, by frames looked at."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from lvqa.cli import output
from lvqa.cli.shared import progress_bar
from lvqa.eval.lab.command import Parser, carry_out, print_outcome, whole
from lvqa.eval.lab.search import bench, report
from lvqa.eval.lab.search.systems import systems_named

BUDGETS = (8, 32, 128, 512)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run from the command line; returns the exit status: 0 measured, 1 failed, 2 the call makes no sense."""
    parser = Parser(
        prog="python -m lvqa.eval.lab.search",
        description="Score every searcher on long synthetic videos, by frames looked at.",
    )
    parser.add_argument("--minutes", type=float, default=60.0, help="length of each world's video; 60")
    parser.add_argument("--seed", type=int, default=1, help="decides the first world, and the searches in it; 1")
    parser.add_argument("--worlds", type=whole, default=3, metavar="N", help="worlds, each of the next seed; 3")
    parser.add_argument("--targets", type=whole, default=16, metavar="N", help="most targets in a world; 16")
    parser.add_argument(
        "--budget",
        type=whole,
        action="append",
        metavar="N",
        help=f"frames a search may cost; repeatable: {', '.join(map(str, BUDGETS))}",
    )
    parser.add_argument(
        "--system", action="append", default=[], metavar="NAME", help="only this one, as the report names it"
    )
    parser.add_argument("--dir", metavar="DIR", help="where all goes; ./search-MINUTES-SEED if not given")
    parser.add_argument("--json", action="store_true", help="print one JSON document")

    def work() -> int:
        given = parser.parse_args(arguments)
        folder = Path(given.dir or f"search-{given.minutes:g}-{given.seed}").expanduser()
        with progress_bar() as progress:
            outcome = bench.run(
                folder,
                minutes=given.minutes,
                seed=given.seed,
                worlds=given.worlds,
                targets=given.targets,
                budgets=tuple(sorted(set(given.budget or BUDGETS))),
                systems=systems_named(given.system),
                progress=progress,
                say=output.note,
            )
        return print_outcome(outcome, report.text, as_json=given.json)

    return carry_out(work)


if __name__ == "__main__":
    sys.exit(main())
