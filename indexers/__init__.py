"""From video files, and from ready-made captions, to rows in the store. Knows nothing of questions.

The names below load on first use, so that `import lvqa.indexers` brings in no model, decoder or database.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
