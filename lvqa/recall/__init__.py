"""Recall: from a question to the passages of an archive that most probably answer it.

`query` reads the question, the store's channels propose notes, `background` puts their cosines on one
scale, `passages` turns scores into picks and windows, `retriever` does it all in order. Nothing here asks a model other
than the embedders, and nothing decodes.
"""

from lvqa.recall.ranking import LITERAL_BONUS, literalness, merge, rank
from lvqa.recall.retriever import Retriever
from lvqa.recall.rules import CHANNELS, Channel, RecallRules
from lvqa.recall.search import hybrid_search

__all__ = [
    "CHANNELS",
    "LITERAL_BONUS",
    "Channel",
    "RecallRules",
    "Retriever",
    "hybrid_search",
    "literalness",
    "merge",
    "rank",
]
