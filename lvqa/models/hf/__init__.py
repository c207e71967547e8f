"""Models of transformers: vision-language models, language models as chat models, and what both share."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
