"""What can be done with an archive while answering, and what it costs: looks at frames, temporal search, the ledger.

Whoever decides what is done next (a node of the graph, a baseline) does it through this room.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
