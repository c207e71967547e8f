"""The index of an archive: SQLite is the truth, FAISS a cache of it. Knows nothing of models or media.

The names below load on first use, so that `import lvqa.store` brings in neither numpy nor SQLite.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
