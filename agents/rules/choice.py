"""Which option the notes speak for, without a language model: a conditional logit over a few measures of each option.

The measures, each against the mean of the options: how near the nearest note comes to "question option"; that, less how
near the option alone comes to the question (what a blind guess would see); how far the notes nearest to the bare option
stand out from the rest; the share of the option's words, by rarity, that one note has; and how near a note comes to the
bare option, less how near the question does. The weights maximise the likelihood of the right options of NExT-GQA's
development questions with MiniLM (`python -m lvqa.eval.lab.choice` prints them, and how they do on videos they were not
fitted on). This module asks no model but the embedder.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from lvqa.agents.baselines.presets import preset
from lvqa.agents.options import option_phrases
from lvqa.agents.rules.numbers import QUOTING
from lvqa.agents.state import Context, Item
from lvqa.language.stems import content, coverage, stems
from lvqa.language.words import declarative
from lvqa.recall.relevance import dense_closeness
from lvqa.store import Filter
from lvqa.types import Note

Values = npt.NDArray[np.float64]
Encode = Callable[[Sequence[str]], npt.NDArray[np.float32]]
Scale = Callable[[Values], Values]

MEASURES = ("near", "beyond", "apart", "words", "bare")


@dataclass(frozen=True, slots=True)
class Weighed:
    """The options' probabilities, which add up to 1, and for each the place of the note that speaks for it best."""

    shares: tuple[float, ...]
    best: tuple[int, ...]


def readable(context: Context, items: Sequence[Item]) -> list[Note]:
    """The notes that options are weighed against: all that may be used where those are few, else the items'."""
    wanted = context.filter or Filter(level="clip")
    videos = wanted.video_ids if wanted.video_ids is not None else {v.id for v in context.store.videos.all()}
    own = [item.note for item in items]
    # A baseline reads what it retrieved, and nothing else.
    if len(videos) > QUOTING.most_videos or preset(context.agent).retrieval != "recall":
        return own
    notes = context.store.notes.select(wanted)
    if len(notes) > QUOTING.most_read:
        return own
    there = {note.id for note in notes}
    return [*notes, *(note for note in own if note.id not in there)]


def weigh(context: Context, notes: Sequence[Note]) -> Weighed:
    """Weigh the question's options against notes, of which there is one at least."""
    retriever, options = context.retriever, context.options
    rows = [vector for vector in retriever.vectors(notes) if vector is not None] if retriever.embedder else []
    texts = [note.text for note in notes]
    if retriever.embedder is None or len(rows) < len(notes):
        asked = [content(phrase) for phrase in option_phrases(context.asked, options)]
        alone = np.array([[coverage(content(option), text) for option in options] for text in texts])
        both = np.array([[coverage(words, text) for words in asked] for text in texts])
        score = (both + alone).max(axis=0) / 2
        return Weighed(tuple(softmax(QUOTING.words_alone * score)), tuple(map(int, (both + alone).argmax(axis=0))))
    embedder = retriever.embedder

    def encode(phrases: Sequence[str]) -> npt.NDArray[np.float32]:
        retriever.prepare(phrases)
        return np.stack([retriever.vector(phrase) for phrase in phrases])

    measured, near = measures(
        context.asked, options, np.stack(rows), texts, encode, lambda cosines: dense_closeness(embedder, cosines)
    )
    return Weighed(tuple(softmax(measured @ np.array(QUOTING.weights))), tuple(map(int, near.argmax(axis=0))))


def measures(
    asked: str,
    options: Sequence[str],
    vectors: npt.NDArray[np.float32],
    texts: Sequence[str],
    encode: Encode,
    scale: Scale,
) -> tuple[Values, Values]:
    """The measures of each option against n notes, float64 (options, 5), and the closeness of notes, (n, options).

    Args:
        asked: the question.
        options: the answers to choose from.
        vectors: of the notes, float32 (n, d), unit norm.
        texts: of the notes.
        encode: query vectors of phrases, float32 (m, d), unit norm.
        scale: cosines as closeness.
    """
    n = len(options)
    phrases = option_phrases(asked, tuple(options))
    queries = encode([asked, declarative(asked), *phrases, *options]).astype(np.float64)
    question, plain, both, bare = queries[0], queries[1], queries[2 : 2 + n], queries[2 + n :]
    held = vectors.astype(np.float64)
    near, alone = scale(held @ both.T), scale(held @ bare.T)
    blind, plainly = scale(both @ question), scale(bare @ plain)
    top = np.sort(alone, axis=0)[-QUOTING.standing_out :].mean(axis=0)
    measured = np.stack(
        [
            near.max(axis=0),
            near.max(axis=0) - blind,
            top - alone.mean(axis=0),
            _words(options, texts),
            alone.max(axis=0) - plainly,
        ],
        axis=1,
    )
    return measured - measured.mean(axis=0), near


def softmax(scores: Sequence[float] | Values) -> list[float]:
    """Shares that add up to 1; n scores, not empty."""
    top = max(scores)
    raised = [math.exp(score - top) for score in scores]
    return [value / sum(raised) for value in raised]


def _words(options: Sequence[str], texts: Sequence[str]) -> Values:
    """The largest share of each option's words, weighed by how rare they are here, that one text has."""
    found = [stems(text) for text in texts]
    often = Counter(stem for row in found for stem in row)
    rare = {stem: math.log((len(texts) + 1) / (n + 1)) + QUOTING.rarity for stem, n in often.items()}
    unknown = math.log(len(texts) + 1) + QUOTING.rarity
    best = []
    for option in options:
        weights = {stem: rare.get(stem, unknown) for stem in content(option)}
        whole = sum(weights.values()) or 1.0
        best.append(max((sum(w for s, w in weights.items() if s in row) for row in found), default=0.0) / whole)
    return np.array(best, np.float64)
