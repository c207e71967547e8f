"""Intervals from looks at frames: boundaries, counts, orders, comparisons, durations, as small programs over time.

A `TemporalQuery` says what is asked; `solve` is its program, which asks to look at frames (`LookRequest`) where
`Presence` says that things may be, and comes to a `Result`.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
