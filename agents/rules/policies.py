"""What each kind of question needs: which notes it reads, and what may be computed from them.

Global questions read summaries, counting reads all candidates, questions of order need a window for each event. A
table, and nothing that acts on it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from lvqa.temporal.operators import Operator
    from lvqa.types import Source

Reads = Literal["passages", "all", "summaries", "both"]


@dataclass(frozen=True, slots=True)
class Policy:
    """How a kind of question is gone about.

    `reads`: `passages` the best few, `all` every candidate, `summaries` what was written of whole videos and segments,
    `both` those and the passages. `operators` may be computed; `apart` searches each event by itself, so that
    one that is told of often does not hide another.
    """

    reads: Reads = "passages"
    operators: frozenset[Operator] = frozenset()
    apart: bool = False


_RELATIONS: frozenset[Operator] = frozenset(("order", "first", "last", "before_after", "overlap"))

POLICIES: Mapping[str, Policy] = {
    "count": Policy("all", operators=frozenset({"count"})),
    "order": Policy(operators=_RELATIONS, apart=True),
    "before_after": Policy(operators=_RELATIONS, apart=True),
    "duration": Policy(operators=frozenset({"duration"})),
    "existence": Policy(operators=frozenset({"overlap", "before_after"})),
    "when": Policy(operators=frozenset({"first", "last", "overlap"})),
    "summary": Policy("summaries"),
    "comparison": Policy("both", apart=True),
    "cause": Policy("both"),
}
_USUAL = Policy()

# Where the answer to a kind of question stands, if there is such a note.
PREFERRED: Mapping[str, frozenset[Source]] = {
    "title": frozenset({"screen"}),
    "text": frozenset({"screen"}),
    "speech": frozenset({"speech"}),
}


def policy(kind: str) -> Policy:
    """The policy of a kind of question; the usual one for a kind that has none of its own."""
    return POLICIES.get(kind, _USUAL)
