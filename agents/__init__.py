"""From a question to an answer with its evidence: who decides what is done next.

The names below load on first use, so that `import lvqa.agents` brings in no LangGraph.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
