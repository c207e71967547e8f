"""What can be done with an archive while answering, and what it costs: looks at frames, temporal search, the ledger.

Whoever decides what is done next (a node of the graph, a baseline) does it through this room.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import lazy_loader

if TYPE_CHECKING:
    from lvqa.tools.eyes import Eyes as Eyes
    from lvqa.tools.eyes import run as run
    from lvqa.tools.finding import FindResult as FindResult
    from lvqa.tools.finding import find as find
    from lvqa.tools.ledger import BudgetSpent as BudgetSpent
    from lvqa.tools.ledger import Ledger as Ledger
    from lvqa.tools.ledger import estimate_tokens as estimate_tokens
    from lvqa.tools.prices import Prices as Prices
    from lvqa.tools.proposals import SearcherProposals as SearcherProposals
    from lvqa.tools.scope import filter_of as filter_of
    from lvqa.tools.scope import video_named as video_named
    from lvqa.tools.scope import videos_named as videos_named
    from lvqa.tools.search_charges import SEARCH_SHARE as SEARCH_SHARE
    from lvqa.tools.search_charges import charge_looks as charge_looks
    from lvqa.tools.search_charges import charge_to as charge_to
    from lvqa.tools.vision_calls import generate as generate
    from lvqa.tools.vision_calls import probability_of_yes as probability_of_yes

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "eyes": ("Eyes", "run"),
        "finding": ("FindResult", "find"),
        "ledger": ("BudgetSpent", "Ledger", "estimate_tokens"),
        "prices": ("Prices",),
        "proposals": ("SearcherProposals",),
        "scope": ("filter_of", "video_named", "videos_named"),
        "search_charges": ("SEARCH_SHARE", "charge_looks", "charge_to"),
        "vision_calls": ("generate", "probability_of_yes"),
    },
)
