"""How a question's ledger hears of what a temporal search looks at on its way."""

from __future__ import annotations

from collections.abc import Callable

from lvqa.tools.ledger import Ledger, estimate_tokens
from lvqa.zoom import Query
from lvqa.zoom.scorers import Scorers, Yes

# Of the frames that may be looked at, the share that a search may look at on its way; the rest are for the question.
SEARCH_SHARE = 0.5


def charge_to(ledger: Ledger, scorers: Scorers, query: Query) -> Callable[[int], int]:
    """What tells a question's ledger of a search's looks: calls where a VLM makes them, else frames alone."""
    return charge_looks(ledger, query) if isinstance(scorers.look, Yes) else ledger.take_frames


def charge_looks(ledger: Ledger, query: Query) -> Callable[[int], int]:
    """What tells a question's ledger of frames that the VLM looks at, each in a request for each thing."""
    asked = sum(estimate_tokens(thing) + 40 for thing in query.things)

    def charge(frames: int) -> int:
        granted = ledger.take_vision([1] * frames, requests=len(query.things))
        ledger.add_tokens(granted * asked, granted * len(query.things))
        return granted

    return charge
