"""What an agent tells of itself while it is at work: one value for each kind of event, which renders itself.

A node fills in what happened; the line for people (`summary`) and the plain JSON (`data`) follow from that. A program
that reads an answer's steps asks for their class and reads their fields.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
