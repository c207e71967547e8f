"""`python -m lvqa.eval.lab.world`: score the agent, the field's baselines and controls on long synthetic videos."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from lvqa.cli import output
from lvqa.cli.shared import progress_bar
from lvqa.eval.lab.command import Parser, carry_out, print_outcome, whole
from lvqa.eval.lab.world import bench, report


def main(arguments: Sequence[str] | None = None) -> int:
    """Run from the command line; returns the exit status: 0 measured, 1 failed, 2 the call makes no sense."""
    parser = Parser(
        prog="python -m lvqa.eval.lab.world",
        description="Score the agent, the field's baselines and controls on long synthetic videos with known answers.",
    )
    parser.add_argument("--minutes", type=float, default=60.0, help="length of all videos together; 60")
    parser.add_argument("--seed", type=int, default=0, help="decides the world and its questions; 0")
    parser.add_argument("--questions", type=whole, default=200, metavar="N", help="most questions asked; 200")
    parser.add_argument("--videos", type=whole, metavar="N", help="videos that make up the minutes; six")
    parser.add_argument(
        "--system", action="append", default=[], metavar="NAME", help="only this agent or control; repeatable"
    )
    parser.add_argument("--dir", metavar="DIR", help="where all goes; ./world-MINUTES-SEED if not given")
    parser.add_argument("--json", action="store_true", help="print one JSON document")

    def work() -> int:
        given = parser.parse_args(arguments)
        folder = Path(given.dir or f"world-{given.minutes:g}-{given.seed}").expanduser()
        with progress_bar() as progress:
            outcome = bench.run(
                folder,
                minutes=given.minutes,
                seed=given.seed,
                questions=given.questions,
                videos=given.videos,
                only=given.system,
                progress=progress,
                say=output.note,
            )
        return print_outcome(outcome, report.text, as_json=given.json)

    return carry_out(work)


if __name__ == "__main__":
    sys.exit(main())
