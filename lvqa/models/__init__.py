"""Models by role: seeing, embedding, detecting, reading, transcribing. Knows nothing of videos or the store."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
