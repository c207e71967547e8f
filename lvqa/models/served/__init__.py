"""Models behind a server or a provider: how they are named, called, waited for, and how many calls are under way."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
