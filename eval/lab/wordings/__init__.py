"""The grammar of the world's questions, and the programs that only its wordings ask for.

`WorldPlanner` is what `Models(..., planner=WorldPlanner())` takes.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
