"""A synthetic world with known answers: long videos, their exact truth, questions about them, and a benchmark.

V-NIAH and LV-Haystack are its ancestors. `words` names what there is, `draw` paints a frame; no module here knows a
model.
"""
