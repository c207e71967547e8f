"""What was found wrong with an index, and what mends it. Knows nothing of how it was found."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any, Literal

FindingKind = Literal["database", "rows", "text", "vectors", "commits", "files", "captions", "work", "chats"]
Mend = Literal["repair", "index", "backup"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is not as it should be.

    `mend` says what puts it right: `repair` (`lvqa check --repair`), `index` (nothing is damaged, there is work left
    to do: `lvqa index`), `backup` (the truth is gone: put a backup in its place, or begin anew).
    """

    kind: FindingKind
    text: str
    mend: Mend = "repair"

    @property
    def is_damage(self) -> bool:
        """Whether something is damaged, and not merely not done yet."""
        return self.mend != "index"

    def to_dict(self) -> dict[str, Any]:
        """The fields, as `--json` prints them."""
        return asdict(self)


def damaged(findings: Iterable[Finding]) -> bool:
    """Whether any of the findings is damage."""
    return any(finding.is_damage for finding in findings)
