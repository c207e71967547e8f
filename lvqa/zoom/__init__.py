"""Temporal search: which few frames of a video show what is searched for, and what it cost to find them.

`base` has the two interfaces, `Searcher` and `FrameScorer`; `searchers` holds ours and those of the literature.
`footage` is what they search, `scorers` what they see with, `looking` charges and remembers. `across` shares one budget
among the videos of an archive, `plot` draws a search.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
