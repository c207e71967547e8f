"""Recall: from a question to the passages of an archive that most probably answer it.

`query` reads the question, the store's channels propose notes, `background` puts their cosines on one
scale, `passages` turns scores into picks and windows, `retriever` does it all in order. Nothing here asks a model other
than the embedders, and nothing decodes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import lazy_loader

if TYPE_CHECKING:
    from lvqa.recall.ranking import LITERAL_BONUS as LITERAL_BONUS
    from lvqa.recall.ranking import literalness as literalness
    from lvqa.recall.ranking import merge as merge
    from lvqa.recall.ranking import rank as rank
    from lvqa.recall.relevance import dense_closeness as dense_closeness
    from lvqa.recall.relevance import lexical_closeness as lexical_closeness
    from lvqa.recall.retriever import Retriever as Retriever
    from lvqa.recall.rules import CHANNELS as CHANNELS
    from lvqa.recall.rules import Channel as Channel
    from lvqa.recall.rules import RecallRules as RecallRules
    from lvqa.recall.search import hybrid_search as hybrid_search

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "ranking": ("LITERAL_BONUS", "literalness", "merge", "rank"),
        "relevance": ("dense_closeness", "lexical_closeness"),
        "retriever": ("Retriever",),
        "rules": ("CHANNELS", "Channel", "RecallRules"),
        "search": ("hybrid_search",),
    },
)
