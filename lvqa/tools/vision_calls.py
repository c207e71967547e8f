"""The VLM's replies, charged to the ledger: frames and calls before, by `Ledger.take_vision`, tokens here.

A call that does not come back is charged what it was sent. A temporal search, which makes its looks itself, tells the
ledger of them by what `charge_to` and `charge_looks` return. Knows no prompt.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from lvqa.models.base import Reply, VisionModel, VisionRequest
from lvqa.models.replies import replies_of, yes_of
from lvqa.tools.ledger import Ledger, estimate_tokens
from lvqa.zoom import Query
from lvqa.zoom.scorers import Scorers, Yes


def generate(vision: VisionModel, ledger: Ledger, requests: Sequence[VisionRequest]) -> list[str]:
    """A reply to each request. Raises ModelError when the model fails."""
    if not requests:
        return []
    try:
        replies = replies_of(vision, requests)
    except BaseException:
        ledger.add_tokens(_sent(requests), 0)
        raise
    for request, reply in zip(requests, replies, strict=True):
        counted = isinstance(reply, Reply) and reply.tokens_in > 0
        tokens_in = reply.tokens_in if counted and isinstance(reply, Reply) else estimate_tokens(request.prompt)
        tokens_out = reply.tokens_out if counted and isinstance(reply, Reply) else estimate_tokens(reply)
        ledger.add_tokens(tokens_in, tokens_out)
    return replies


def probability_of_yes(vision: VisionModel, ledger: Ledger, requests: Sequence[VisionRequest]) -> list[float]:
    """P(yes) of each request, in [0, 1]. Raises ModelError when the model fails."""
    if not requests:
        return []
    answered = 0
    try:
        yes = yes_of(vision, requests)
        answered = len(requests)
    finally:
        ledger.add_tokens(_sent(requests), answered)
    return [min(1.0, max(0.0, value)) for value in yes]


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


def _sent(requests: Sequence[VisionRequest]) -> int:
    return sum(estimate_tokens(request.prompt) for request in requests)
