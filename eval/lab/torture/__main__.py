"""`python -m lvqa.eval.lab.torture [KIND ...] [--short] [--seed N] [--json]`: the table of what an archive survives."""

from __future__ import annotations

import argparse
import importlib
import json
import os
import sys
import time
from collections.abc import Sequence

from lvqa.errors import LvqaError
from lvqa.eval.lab.torture.check import Tally

# The order of the table. What forks must run before anything starts a thread.
KINDS = ("kills", "damage", "videos", "readers", "power", "full")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run from the command line; returns 0 when everything was survived, else 1."""
    parser = argparse.ArgumentParser(
        prog="python -m lvqa.eval.lab.torture", description=str(__doc__).partition(": ")[2]
    )
    parser.add_argument("kinds", nargs="*", metavar="KIND", help=f"only these: {', '.join(KINDS)}")
    parser.add_argument("--short", action="store_true", help="a few trials of each kind, as the tests run them")
    parser.add_argument("--seed", type=int, default=0, help="draws every moment, byte and bit")
    parser.add_argument("--json", action="store_true", help="print the table as JSON")
    options = parser.parse_args(arguments)
    if unknown := sorted(set(options.kinds) - set(KINDS)):
        parser.error(f"there is no kind {unknown[0]!r}; there are: {', '.join(KINDS)}")
    # Workers that each start a team of threads stand in each other's way, and a team does not survive a fork.
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    checks: list[Tally] = []
    for kind in KINDS:
        if options.kinds and kind not in options.kinds:
            continue
        began = time.monotonic()
        try:
            found = _run(kind, options)
        except LvqaError as error:
            found = [Tally(kind, 0, 1, problems=(str(error),))]
        checks += found
        if not options.json:
            for check in found:
                print("\n".join(check.lines()), flush=True)
            print(f"      {kind}: {time.monotonic() - began:.0f} s", file=sys.stderr, flush=True)
    if options.json:
        print(json.dumps([check.to_dict() for check in checks], indent=2))
    return 0 if all(check.ok for check in checks) else 1


def _run(kind: str, options: argparse.Namespace) -> list[Tally]:
    said = sys.stderr.isatty() and not options.json

    def say(line: str) -> None:
        if said:
            print(f"\r{line[:110]:<110}", end="", file=sys.stderr, flush=True)

    found: list[Tally] = importlib.import_module(f"lvqa.eval.lab.torture.{kind}").run(
        short=options.short, seed=options.seed, say=say
    )
    say("")
    return found


if __name__ == "__main__":
    sys.exit(main())
