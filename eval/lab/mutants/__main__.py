"""`python -m lvqa.eval.lab.mutants`: does a test notice, when the source is changed a little?"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from lvqa.cli import output
from lvqa.eval.lab.command import Parser, carry_out, whole
from lvqa.eval.lab.mutants import survivors
from lvqa.phrasing import for_terminal

ROOMS = ("agents", "lvqa/temporal", "lvqa/tools")
TESTS = ("tests/agents", "tests/temporal", "tests/tools")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run from the command line; returns the exit status: 0 measured, 1 failed, 2 the call makes no sense."""
    parser = Parser(
        prog="python -m lvqa.eval.lab.mutants",
        description="Change the source at random places, one at a time, and run the tests that reach them.",
    )
    parser.add_argument("--number", type=whole, default=100, metavar="N", help="changes; 100")
    parser.add_argument("--seed", type=int, default=0, help="decides which; 0")
    parser.add_argument(
        "--room", action="append", default=[], metavar="DIR", help=f"what is changed: {', '.join(ROOMS)}"
    )
    parser.add_argument("--tests", action="append", default=[], metavar="DIR", help=f"what runs: {', '.join(TESTS)}")

    def work() -> int:
        given = parser.parse_args(arguments)
        rooms, tests, found = given.room or ROOMS, given.tests or TESTS, list[survivors.Tried]()
        with tempfile.TemporaryDirectory(prefix="lvqa-mutants-") as folder:
            copied = survivors.copy_of(Path.cwd(), Path(folder) / "checkout")
            output.note("running the tests once")
            known = survivors.reach(copied, rooms, tests)
            chosen = survivors.drawn(copied, rooms, given.number, given.seed)
            for one in survivors.tried(copied, known, chosen):
                found.append(one)
                change = f"{for_terminal(one.mutant.before, 80)} -> {for_terminal(one.mutant.after, 80)}"
                place = f"{one.path}:{one.mutant.first_line}"
                told = "noticed " if one.killed else "SURVIVES"
                output.out(f"{told} {place}  {change}  ({one.tests} tests, {one.seconds:.0f} s)")
        killed = sum(one.killed for one in found)
        output.out(f"{killed} of {len(found)} noticed; {sum(not one.tests for one in found)} reached by no test")
        return 0

    return carry_out(work)


if __name__ == "__main__":
    sys.exit(main())
