"""Summaries without a model: the notes that stand for the others, word for word, in time order.

Which those are is a matter of how central a note is, its likeness to the mean of all (the centroid of Radev and others,
Information Processing & Management 40(6), 2004), less how much it repeats what was chosen before it (maximal marginal
relevance: Carbonell and Goldstein, SIGIR 1998). Knows texts and vectors; no model, no store.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np

from lvqa.indexers.hierarchy.lexical import lexical_vectors
from lvqa.indexers.hierarchy.shifts import DECIMALS
from lvqa.indexers.hierarchy.topics import WEIGHTS
from lvqa.language import cut_words, word_count
from lvqa.models.base import Vectors
from lvqa.types import Note, Source

EXTRACTIVE = "builtin:extractive"
SEGMENT_WORDS, VIDEO_WORDS, DIGEST_WORDS = 60, 120, 250

_CENTRAL = 0.7  # what centrality counts beside novelty
_REPEATS = 0.95  # likeness to something chosen that makes a text superfluous
_SCREEN_SHARE = 1 / 3
_MOST = 512  # texts that are compared with each other; of more, the most central


@dataclass(frozen=True, slots=True, eq=False)
class Unit:
    """A text that may be chosen: what kind of note it is of, and its vector, float32 (d,), where it has one."""

    text: str
    source: Source
    vector: Vectors | None = None


def units_of(notes: Sequence[Note], vectors: Vectors | None = None) -> list[Unit]:
    """Notes as units, in order; `vectors` is float32 (n, d)."""
    return [
        Unit(" ".join(note.text.split()), note.source, None if vectors is None else vectors[i])
        for i, note in enumerate(notes)
    ]


def choose(units: Sequence[Unit], words: int) -> list[Unit]:
    """The units that stand for all of them, in the order given, of at most so many words together.

    A text that is there several times is chosen once and counts as often as it is there; clocks and counters, which
    have no letter, are chosen where there is nothing else, and text on the screen fills a third beside other kinds.
    Where not even the most central fits, it is cut. Vectors are compared where all units have one, else their words.
    Deterministic.
    """
    if not units:
        return []
    vectors = _vectors(units)
    weights = np.array([WEIGHTS.get(unit.source, 1.0) for unit in units])
    middle = (vectors * weights[:, None]).sum(0, dtype=np.float64)
    norm = float(np.linalg.norm(middle))
    central = np.round((vectors @ middle) / norm, DECIMALS) if norm > 0 else np.zeros(len(units))
    central = central * weights
    first: dict[str, int] = {}
    for index, unit in enumerate(units):
        first.setdefault(_same(unit.text), index)
    able = [i for i in first.values() if any(map(str.isalpha, units[i].text))] or list(first.values())
    pool = sorted(sorted(able, key=lambda i: (-central[i], i))[:_MOST])
    nearest = np.zeros(len(pool))
    likeness = np.round(vectors[pool] @ vectors[pool].T, DECIMALS)
    left, open_ = words, np.ones(len(pool), bool)
    alone = all(units[i].source == "screen" for i in pool)
    written = words if alone else int(words * _SCREEN_SHARE)
    chosen: list[int] = []
    while open_.any():
        value = _CENTRAL * central[pool] - (1 - _CENTRAL) * nearest
        best = int(np.where(open_, value, -np.inf).argmax())
        open_[best] = False
        cost = word_count(units[pool[best]].text)
        screen = units[pool[best]].source == "screen"
        if cost > (min(left, written) if screen else left):
            continue
        left -= cost
        written -= cost * screen
        chosen.append(pool[best])
        nearest = np.maximum(nearest, likeness[best])
        open_ &= nearest <= _REPEATS
    if not chosen:
        best = pool[int(central[pool].argmax())]
        return [Unit(cut_words(units[best].text, words), units[best].source, units[best].vector)]
    return [units[i] for i in sorted(chosen)]


def told(units: Sequence[Unit]) -> str:
    """Units as running text: captions as sentences, speech and text on the screen as quotations."""
    parts: list[str] = []
    for source, run in groupby(units, key=lambda unit: unit.source):
        texts = [unit.text for unit in run]
        if source == "speech":
            parts.append(f'Said: "{" ".join(texts)}"')
        elif source == "screen":
            parts.append("On the screen: " + ", ".join(f'"{text}"' for text in texts) + ".")
        else:
            parts += [text if text[-1:] in '.!?…"' else f"{text}." for text in texts]
    return " ".join(parts)


def _vectors(units: Sequence[Unit]) -> Vectors:
    found = [unit.vector for unit in units if unit.vector is not None]
    return np.stack(found) if len(found) == len(units) else lexical_vectors([unit.text for unit in units])


def _same(text: str) -> str:
    return text.casefold().rstrip(" .!?…")
