"""What one kind of harm came to, and how it is shown. Knows no harm.

A kind of harm is a module of this package with `run(*, short, seed, say) -> list[Check]`: `short` is what the tests
run, `seed` draws everything that is drawn, `say` is told a line now and then.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

Say = Callable[[str], None]
_SHOWN = 8


@dataclass(frozen=True, slots=True)
class Tally:
    """A line of the table: `passed` of `of` trials; `problems` name the others, and what went wrong in each.

    `detail` holds further figures, `skipped` why it could not be tried on this machine.
    """

    name: str
    passed: int
    of: int
    detail: str = ""
    problems: Sequence[str] = ()
    skipped: str = ""

    @property
    def ok(self) -> bool:
        """Whether every trial passed, and there was one, or none could be made here."""
        return bool(self.skipped) or (self.of > 0 and self.passed == self.of and not self.problems)

    def to_dict(self) -> dict[str, Any]:
        """The fields, and whether it is ok."""
        return {**asdict(self), "ok": self.ok}

    def lines(self) -> list[str]:
        """As people read it."""
        state = "SKIP" if self.skipped else "PASS" if self.ok else "FAIL"
        told = self.skipped or self.detail
        head = f"{state}  {self.passed:>5} of {self.of:<5} {self.name}{f' ({told})' if told else ''}"
        more = len(self.problems) - _SHOWN
        rest = [f"and {more} more"] if more > 0 else []
        return [head, *(f"      {line}" for line in [*self.problems[:_SHOWN], *rest])]
