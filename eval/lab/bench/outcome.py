"""What a benchmark found, how it is shown, and how one is run in a process of its own.

Knows no benchmark. A benchmark is a module of this package whose `main()` prints one outcome as JSON on its last line.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from lvqa.errors import LvqaError


@dataclass(frozen=True, slots=True)
class BenchOutcome:
    """A measured value and the bound it is held to, with the figures it came from.

    `unit` is `x` for a ratio, `ms`, `modules` or `misses`; `bound_is` says on which side of the bound the value has to
    lie.
    """

    name: str
    what: str
    value: float
    bound: float
    bound_is: Literal["at least", "at most"]
    unit: str = "x"
    facts: Mapping[str, Any] = field(default_factory=dict)

    @property
    def passed(self) -> bool:
        """Whether the value, unrounded, keeps to its bound."""
        return self.value >= self.bound if self.bound_is == "at least" else self.value <= self.bound

    def to_dict(self) -> dict[str, Any]:
        """The fields that `--json` prints."""
        return {**asdict(self), "passed": self.passed}

    @classmethod
    def from_dict(cls, record: Mapping[str, Any]) -> BenchOutcome:
        """The outcome that `to_dict` wrote."""
        return cls(**{name: value for name, value in record.items() if name != "passed"})

    def __str__(self) -> str:
        digits = 2 if self.unit == "x" else 0 if self.unit in ("modules", "misses") else 1
        head = (
            f"{'PASS' if self.passed else 'FAIL'}  {self.name:8} {self.value:.{digits}f} {self.unit} "
            f"({self.bound_is} {self.bound:g})  {self.what}"
        )
        return "\n".join([head, *(f"      {name}: {_plain(fact)}" for name, fact in self.facts.items())])


def _plain(fact: Any) -> str:
    if isinstance(fact, float):
        return f"{fact:.4g}"
    if isinstance(fact, Sequence) and not isinstance(fact, str):
        return ", ".join(_plain(item) for item in fact) or "none"
    return str(fact)


def run_child(module: str, *arguments: str, timeout_s: float = 600.0) -> dict[str, Any]:
    """Run a module in a process of its own, without the user's `LVQA_*` settings, and read the JSON of its last line.

    Raises LvqaError with the end of its stderr when it fails, says no JSON, or takes longer than `timeout_s`.
    """
    environment = {name: value for name, value in os.environ.items() if not name.startswith("LVQA_")}
    command = [sys.executable, "-m", module, *arguments]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=timeout_s, env=environment, check=False)
    except subprocess.TimeoutExpired as error:
        raise LvqaError(
            f"{module} was not done after {timeout_s:.0f} s; run it alone to see where it stands"
        ) from error
    lines = done.stdout.strip().splitlines()
    try:
        if done.returncode != 0:
            raise ValueError(f"exit status {done.returncode}")
        record: dict[str, Any] = json.loads(lines[-1])
    except (ValueError, IndexError) as error:
        end = "\n".join(done.stderr.strip().splitlines()[-15:])
        raise LvqaError(f"{module} failed ({error}); its last words:\n{end}") from error
    return record
