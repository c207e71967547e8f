"""Recall: from a question to the passages of an archive that most probably answer it.

`query` reads the question, the store's channels propose notes, `background` puts their cosines on one
scale, `passages` turns scores into picks and windows, `retriever` does it all in order. Nothing here asks a model other
than the embedders, and nothing decodes.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
