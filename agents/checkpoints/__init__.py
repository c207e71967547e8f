"""Runs that outlast their process: the values of the graph's state as JSON, and the file that keeps them.

`runs` imports langgraph-checkpoint-sqlite, which comes with the extra `checkpoints`.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
