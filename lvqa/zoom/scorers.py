"""How much frames show of what is searched for: image-text similarity, open-vocabulary detection, a VLM's yes.

A scorer returns raw scores in its model's own unit; `presence` turns them into how probable it is that a thing is
there. It charges nothing and remembers nothing: `lvqa.zoom.looking` does. This module knows no searcher.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from lvqa.errors import UsageError
from lvqa.language.words import with_article
from lvqa.models.base import Detector, ImageEmbedder, Vectors, VisionModel, VisionRequest
from lvqa.models.capabilities import capabilities_of
from lvqa.models.replies import boxes_of, encode_frames, encode_query, yes_of
from lvqa.prompts import for_prompt, load
from lvqa.zoom.arrays import Mask, Scores, Values
from lvqa.zoom.base import FrameScorer, Query
from lvqa.zoom.footage import Footage, Frames
from lvqa.zoom.salience import nearest

if TYPE_CHECKING:
    from lvqa.models.profiles import Models

_BATCH = 32
# A cosine this many standard deviations above its video's mean is as likely the thing as not: of 3,600 frames none is
# by chance, and what is there 1 second in 300 stands out by about as much (see METHODS.md on crowded frame vectors).
_EVEN_Z = 4.0
# Without a channel to compare with: CLIP's cosine of a picture and its caption, and how fast it falls.
_EVEN_COSINE, _COSINE_UNIT = 0.26, 0.02
_LEAST_CHANNEL = 32
_LEAST_SPREAD = 0.01


@dataclass(eq=False)
class Similarity(FrameScorer):
    """Cosine of a frame and a phrase, read from the visual channel where `index` allows and it covers the time.

    `presence` is a logistic of how far the cosine stands out from this video's own: a cosine means nothing by itself.
    """

    embedder: ImageEmbedder
    index: bool = True
    _queries: dict[str, Vectors] = field(default_factory=dict)

    def score_each(self, frames: Frames, phrases: Sequence[str]) -> Scores:
        """Cosines, float32 (n, m)."""
        queries = self.encode(phrases)
        scores = np.empty((len(frames), len(phrases)), np.float32)
        free = self.covered(frames)
        if free.any():
            rows = np.flatnonzero(free)
            assert frames.footage.channel is not None
            places = nearest(frames.footage.channel.times_s, np.array(frames.times_s)[rows])
            scores[rows] = self.of_channel(frames.footage, phrases)[places]
        rest = np.flatnonzero(~free)
        if len(rest):
            scores[rest] = self.vectors(frames[rest]) @ queries.T
        return scores

    def combine(self, scores: Scores, query: Query) -> Scores:
        """The best target's cosine, plus half of the best cue's: a sum, since cosines have no zero to weigh from."""
        n = len(query.targets)
        found = scores[:, :n].max(axis=1)
        if len(query.cues):
            found = found + query.weights[n] * scores[:, n:].max(axis=1)
        return np.asarray(found, np.float32)

    def presence(self, scores: Scores, footage: Footage, phrases: Sequence[str]) -> Values:
        """A logistic of the z-score against the video's channel; of the cosine where there is too little of one."""
        known = footage.channel.times_s if footage.channel is not None and self.index else np.zeros(0)
        if len(known) < _LEAST_CHANNEL or not self.usable(footage):
            x = (scores.astype(np.float64) - _EVEN_COSINE) / _COSINE_UNIT
        else:
            usual = self.of_channel(footage, phrases)
            spread = np.maximum(usual.std(axis=0), _LEAST_SPREAD)
            z = np.asarray((scores - np.median(usual, axis=0)) / spread, np.float64)
            x = 1.5 * (z - _EVEN_Z)
        return np.asarray(1.0 / (1.0 + np.exp(-np.clip(x, -40, 40))), np.float64)

    def covered(self, frames: Frames) -> Mask:
        """Whole frames at times that the channel has vectors for."""
        if not self.index or not self.usable(frames.footage):
            return np.zeros(len(frames), bool)
        whole = np.array([crop is None for crop in frames.crops], bool)
        return whole & frames.footage.covered(np.array(frames.times_s))

    def of_channel(self, footage: Footage, phrases: Sequence[str]) -> Scores:
        """Cosines of the whole channel, float32 (n, m), read in blocks; kept with the footage."""
        known = footage.cosines
        missing = [phrase for phrase in phrases if (self.embedder.name, phrase) not in known]
        if missing and footage.channel is not None:
            queries = self.encode(missing)
            parts = [block @ queries.T for block in footage.channel.blocks()]
            found = np.concatenate(parts) if parts else np.zeros((0, len(missing)), np.float32)
            for column, phrase in enumerate(missing):
                known[self.embedder.name, phrase] = np.ascontiguousarray(found[:, column])
        return np.stack([known[self.embedder.name, phrase] for phrase in phrases], axis=1)

    def vectors(self, frames: Frames) -> Vectors:
        """Vectors of frames that are decoded for it, float32 (n, d)."""
        parts = [encode_frames(self.embedder, list(part.images())) for part in _batches(frames)]
        return np.concatenate(parts) if parts else np.zeros((0, self.embedder.dim), np.float32)

    def usable(self, footage: Footage) -> bool:
        """Whether the footage has a channel that this embedder made."""
        channel = footage.channel
        return channel is not None and channel.model == self.embedder.name and len(channel.times_s) > 0

    def encode(self, phrases: Sequence[str]) -> Vectors:
        """Phrases in the space of frames, float32 (m, d), unit norm; each encoded once."""
        missing = [phrase for phrase in phrases if phrase not in self._queries]
        if missing:
            encoded = encode_query(self.embedder, [with_article(phrase) for phrase in missing])
            self._queries.update(zip(missing, encoded, strict=True))
        return np.stack([self._queries[phrase] for phrase in phrases])


@dataclass(eq=False)
class Detection(FrameScorer):
    """An open-vocabulary detector: the confidence of the best box of each phrase, in [0, 1].

    `bar` is a confidence: detectors' scores do not compare with each other.
    """

    detector: Detector
    bar: float = 0.3

    def score_each(self, frames: Frames, phrases: Sequence[str]) -> Scores:
        """Confidences, float32 (n, m)."""
        scores = np.zeros((len(frames), len(phrases)), np.float32)
        columns = {phrase: m for m, phrase in enumerate(phrases)}
        found = [boxes_of(self.detector, list(part.images()), list(phrases)) for part in _batches(frames)]
        for row, boxes in enumerate(chain.from_iterable(found)):
            for box in boxes:
                if box.label in columns:
                    column = columns[box.label]
                    scores[row, column] = max(scores[row, column], box.score)
        return scores


@dataclass(eq=False)
class Yes(FrameScorer):
    """A VLM's P(yes) to whether a thing is in a frame, its log odds taken from `even`, where it is worth a half.

    `even` is the model's own bar where it states one. Each phrase of each frame is a request of its own.
    """

    vision: VisionModel
    even: float | None = None
    is_vlm: ClassVar[bool] = True

    def score_each(self, frames: Frames, phrases: Sequence[str]) -> Scores:
        """Probabilities, float32 (n, m)."""
        prompt = load("timeline_present", capabilities_of(self.vision).prompts)
        asked = [prompt.fill(thing=for_prompt(with_article(phrase), 200)) for phrase in phrases]
        even = self.even if self.even is not None else yes_bar(self.vision)
        rows: list[list[float]] = []
        for part in _batches(frames):
            requests = [VisionRequest([image], text, 1) for image in part.images() for text in asked]
            yes = yes_of(self.vision, requests)
            rows += [[calibrated(p, even) for p in yes[i : i + len(asked)]] for i in range(0, len(yes), len(asked))]
        return np.array(rows, np.float32).reshape(len(frames), len(phrases))


@dataclass(frozen=True, slots=True)
class Scorers:
    """The scorers that a searcher may use; each may be missing.

    `similarity` reads the index and costs nothing there; `detection` and `yes` look, and are paid for.
    """

    similarity: Similarity | None = None
    detection: Detection | None = None
    yes: Yes | None = None
    other: FrameScorer | None = None

    @classmethod
    def of(cls, models: Models) -> Scorers:
        """From an archive's models."""
        embedder, detector, vision = models.image_embedder, models.detector, models.vision
        return cls(
            Similarity(embedder) if embedder is not None else None,
            Detection(detector) if detector is not None else None,
            Yes(vision) if vision is not None else None,
        )

    @property
    def eye(self) -> FrameScorer | None:
        """What looks at frames one by one and tells things apart: `other`, detector or VLM; None without them."""
        return self.other or self.detection or self.yes

    @property
    def look(self) -> FrameScorer | None:
        """The eye; without one similarity, of frames that are decoded for it; None without models."""
        if self.eye is not None or self.similarity is None:
            return self.eye
        return Similarity(self.similarity.embedder, index=False)

    @property
    def series(self) -> FrameScorer:
        """What scores all of a video at once: similarity, else what looks. Raises UsageError where there is neither."""
        scorer = self.similarity or self.look
        if scorer is None:
            raise UsageError("there is no model that scores frames; name one with --image-embedder or --vision")
        return scorer


def yes_bar(vision: VisionModel) -> float:
    """The P(yes) from which this model's yes is more often right than wrong: its own, else what it declares."""
    return float(getattr(vision, "yes_bar", capabilities_of(vision).yes_bar))


def calibrated(yes: float, bar: float) -> float:
    """P(yes), in [0, 1], of a model that leans to yes: its log odds less those of `bar`, where it is worth a half."""
    if not 0 < yes < 1 or bar == 0.5:
        return min(1.0, max(0.0, yes))
    return 1 / (1 + math.exp(math.log(bar / (1 - bar)) - math.log(yes / (1 - yes))))


def _batches(frames: Frames) -> Iterator[Frames]:
    for start in range(0, len(frames), _BATCH):
        yield frames[range(start, min(start + _BATCH, len(frames)))]
