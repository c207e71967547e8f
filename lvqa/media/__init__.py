"""Video files, sound and subtitles: what is in them and when. Knows nothing of models or the store.

What is offered here (`lvqa.media.reader`) reads in a child process (`lvqa.media.isolation`), which decodes with
`lvqa.media.decoding`: videos are other people's, and a codec that crashes must not take an index of days with it.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
