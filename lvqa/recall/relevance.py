"""How much a note has to do with a question at all: a scale in [0, 1] that means the same whatever the embedder.

0 is as near as unrelated sentences are to stock questions, and on captions with MiniLM closeness comes to about the
share of questions whose best note lies in the right video (measured on 1,196 NExT-GQA questions: cosine 0.45 -> 0.38,
0.55 -> 0.62, 0.65 -> 0.77). This module knows no store and no model but the embedder.
"""

from __future__ import annotations

import weakref

import numpy as np
import numpy.typing as npt

from lvqa.language.stems import content, coverage
from lvqa.language.words import exact_parts, has_exactly
from lvqa.models.base import Embedder
from lvqa.models.replies import encode_document, encode_query

_STOCK_QUESTIONS = (
    "What is the man doing?",
    "Where does she put it?",
    "When does it begin?",
    "How many of them are there?",
)
_UNRELATED = (
    "The numbers were added up at the end of the quarter.",
    "A list of names in alphabetical order.",
    "Rain is expected in the north tomorrow.",
    "The committee adopted the resolution.",
    "Please contact the office for further details.",
    "Water boils at one hundred degrees.",
    "The train leaves from platform four.",
    "Two and two make four.",
)
# The share of the way from the floor to identity at which a match is as good as certain.
_FULL = 0.75
# All content words of a question in one note are strong evidence, but word order and roles may still differ.
_WORDS = 0.8
_floors: weakref.WeakKeyDictionary[Embedder, float] = weakref.WeakKeyDictionary()


def dense_closeness(embedder: Embedder, cosines: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Cosines as closeness, of the same shape, not yet cut to [0, 1]."""
    floor = floor_of(embedder)
    result: npt.NDArray[np.float64] = (cosines - floor) / (_FULL * (1 - floor))
    return result


def lexical_closeness(phrase: str, text: str) -> float:
    """Closeness by words alone: 1 for a literal match of what must be literal, else from the content words shared."""
    if parts := exact_parts(phrase):
        found = sum(has_exactly(text, part) for part in parts) / len(parts)
        if found:
            return found
    asked = content(phrase)
    share = coverage(asked, text)
    return _WORDS * (share**2 if len(asked) > 1 else share / 2)


def floor_of(embedder: Embedder) -> float:
    """The cosine that means nothing: the mean, over stock questions, of the nearest of some unrelated sentences."""
    try:
        known = _floors.get(embedder)
    except TypeError:  # neither hashed nor weakly referenced: measured each time
        return _floor(embedder)
    if known is None:
        known = _floors[embedder] = _floor(embedder)
    return known


def _floor(embedder: Embedder) -> float:
    cosines = encode_query(embedder, _STOCK_QUESTIONS) @ encode_document(embedder, _UNRELATED).T
    return float(np.clip(cosines.max(axis=1).mean(), 0.0, 0.95))
