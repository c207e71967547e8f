"""`python -m lvqa.eval.lab.bench [name ...] [--json]`: run benchmarks, each with its bound; status 1 on a miss."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence

from lvqa.errors import LvqaError
from lvqa.eval.lab.bench import BENCHMARKS, LONG
from lvqa.eval.lab.bench.outcome import BenchOutcome, run_child


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the named benchmarks, or all; returns 0 when every bound holds, 1 when one does not or was not measured."""
    listing = "\n".join(f"  {name:9} {what}" for name, what in BENCHMARKS.items())
    parser = argparse.ArgumentParser(
        prog="python -m lvqa.eval.lab.bench",
        description="Measure speed and memory against their bounds.",
        epilog=f"benchmarks:\n{listing}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("name", nargs="*", help=f"which to run; all but {', '.join(LONG)} when none is named")
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of lines")
    options = parser.parse_args(arguments)
    unknown = [name for name in options.name if name not in BENCHMARKS]
    if unknown:
        parser.error(f"no benchmark {', '.join(unknown)}; there are {', '.join(BENCHMARKS)}")
    outcomes: dict[str, BenchOutcome] = {}
    errors: dict[str, str] = {}
    for name in options.name or [name for name in BENCHMARKS if name not in LONG]:
        try:
            outcomes[name] = BenchOutcome.from_dict(
                run_child(f"lvqa.eval.lab.bench.{name}", timeout_s=LONG.get(name, 600.0))
            )
        except LvqaError as error:
            errors[name] = str(error)
        if not options.json:
            print(outcomes[name] if name in outcomes else f"FAIL  {name:8} {errors[name]}", flush=True)
    passed = not errors and all(outcome.passed for outcome in outcomes.values())
    if options.json:
        results = {name: outcome.to_dict() for name, outcome in outcomes.items()}
        print(json.dumps({"passed": passed, "benchmarks": results, "errors": errors}, indent=2))
    return 0 if passed else 1


if __name__ == "__main__":
    sys.exit(main())
