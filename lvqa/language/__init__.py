"""Words of a question and of a note, by rule: times, ordinals, names of files, stems. Knows no note and no model."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
