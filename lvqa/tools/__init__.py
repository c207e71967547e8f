"""What can be done with an archive while answering, and what it costs.

A tool is a function of its module's name, of a `Workbench` and arguments that are checked: `overview`, `search`,
`find`, `read`, `look`, `measure`, `frames`, `verify`. Its result cites notes and stretches, and says what was not
looked at. Whoever decides what is done next (a node of the graph, a model that calls tools, a person) does it through
this room; frames are shown by `Eyes` alone, charged to one `Ledger`.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
