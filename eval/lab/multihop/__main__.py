"""`python -m lvqa.eval.lab.multihop`: are questions of two and three hops answered better part by part?"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

from lvqa.cli import output
from lvqa.eval.lab.command import Parser, carry_out
from lvqa.eval.lab.multihop import archives, bench
from lvqa.eval.lab.wordings.chat import plan_of
from lvqa.phrasing import for_terminal

ROOMS = ("everyday", "nextgqa", "world")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run from the command line; returns the exit status: 0 measured, 1 failed, 2 the call makes no sense."""
    parser = Parser(
        prog="python -m lvqa.eval.lab.multihop",
        description="Ask questions of two and three hops with a scripted planner, part by part and at once.",
    )
    parser.add_argument("--folder", default="multihop", metavar="DIR", help="where the indexes go; ./multihop")
    parser.add_argument("--shared", required=True, metavar="DIR", help="holds everyday/make.py and data/nextgqa_dev")
    parser.add_argument("--only", choices=ROOMS, help="one part alone")
    parser.add_argument("--said", action="store_true", help="print the answers, too")

    def work() -> int:
        given = parser.parse_args(arguments)
        rows: list[bench.Asked] = []
        for room in [given.only] if given.only else ROOMS:
            folder, shared = Path(given.folder).expanduser() / room, Path(given.shared).expanduser()
            folder.mkdir(parents=True, exist_ok=True)
            for one in _asked(room, folder, shared):
                rows.append(one)
                marks = "".join("+" if part else "-" for part in one.parts)
                line = (
                    f"{one.question.id:<12} parted {'+' if one.parted else '-'}  at once {'+' if one.at_once else '-'}"
                )
                output.out(f"{line}  parts {marks:<3}  {for_terminal(one.question.text, 100)}")
                output.out(*(f"    {for_terminal(said, 160)}" for said in (one.said if given.said else ())))
        parts = [part for one in rows for part in one.parts]
        output.out(
            f"right part by part {sum(one.parted for one in rows)} of {len(rows)}, "
            f"at once {sum(one.at_once for one in rows)} of {len(rows)}; parts that stand {sum(parts)} of {len(parts)}"
        )
        return 0

    return carry_out(work)


def _asked(room: str, folder: Path, shared: Path) -> Iterator[bench.Asked]:
    asked = bench.questions(room)
    if room == "world":
        return bench.run(partial(archives.world, folder), asked, plan_of)
    made = archives.everyday(shared / "everyday" / "make.py") if room == "everyday" else None
    notes = made or archives.captions(shared / "data" / "nextgqa_dev")
    archives.fill(folder, notes, archives.embedder_of(folder))
    return bench.run(partial(archives.opened, folder), asked)


if __name__ == "__main__":
    sys.exit(main())
