"""A folder of videos with its index: the room of `Archive`, which users of the library hold.

The names below load on first use, so that `import lvqa.archive` brings in no model and no database.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
