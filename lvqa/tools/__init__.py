"""What can be done with an archive while answering, and what it costs: looks at frames, temporal search, the ledger.

Whoever decides what is done next (a node of the graph, a baseline) does it through this room.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import lazy_loader

if TYPE_CHECKING:
    from lvqa.tools.eyes import Eyes as Eyes
    from lvqa.tools.finding import FindResult as FindResult
    from lvqa.tools.finding import find as find
    from lvqa.tools.ledger import Budget as Budget
    from lvqa.tools.ledger import BudgetSpent as BudgetSpent
    from lvqa.tools.ledger import Ledger as Ledger
    from lvqa.tools.prices import Prices as Prices
    from lvqa.tools.proposals import SearcherProposals as SearcherProposals

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "eyes": ("Eyes",),
        "finding": ("FindResult", "find"),
        "ledger": ("Budget", "BudgetSpent", "Ledger"),
        "prices": ("Prices",),
        "proposals": ("SearcherProposals",),
    },
)
