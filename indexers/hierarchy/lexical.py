"""Texts as vectors of the words they hold, for where there is no embedder. Knows no model and no store.

Lexical cohesion is what TextTiling goes by (Hearst, Computational Linguistics 23(1), 1997): stretches about one thing
share its words. English stems and stop words; a text of other languages counts by its whole words.
"""

from __future__ import annotations

import math
import zlib
from collections import Counter
from collections.abc import Sequence

import numpy as np

from lvqa.language.stems import STOP_WORDS, stem, words_of
from lvqa.models.base import Vectors

# Stems are hashed into so many places: a minute of notes has some hundred of them.
DIM = 512


def lexical_vectors(texts: Sequence[str]) -> Vectors:
    """Texts into float32 (n, 512) unit vectors of their stems, rare ones weighing more; zero for a text without words.

    A stem in nearly every text says nothing of where one differs from the next, so each is weighed by
    log(1 + n / texts that have it). The same texts give the same vectors, on every machine.
    """
    bags = [Counter(stems_of(text)) for text in texts]
    held = Counter(word for bag in bags for word in bag)
    vectors = np.zeros((len(bags), DIM), np.float32)
    for row, bag in zip(vectors, bags, strict=True):
        for word, times in bag.items():
            row[zlib.crc32(word.encode()) % DIM] += times * math.log1p(len(bags) / held[word])
    norms = np.linalg.norm(vectors, axis=1, keepdims=True)
    np.divide(vectors, norms, out=vectors, where=norms > 0)
    return vectors


def stems_of(text: str) -> list[str]:
    """The stems of a text's words in order, stop words left out unless there is nothing else."""
    said = words_of(text)
    return [stem(word) for word in said if word not in STOP_WORDS] or [stem(word) for word in said]
