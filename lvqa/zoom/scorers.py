"""How much frames show of what is searched for: image-text similarity, open-vocabulary detection, a VLM's yes.

A scorer returns raw scores in its model's own unit; `presence` turns them into how probable it is that a thing is
there. It charges nothing and remembers nothing: `lvqa.zoom.looking` does. This module knows no searcher.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, ClassVar

import numpy as np
import numpy.typing as npt

from lvqa.errors import UsageError
from lvqa.language.words import with_article
from lvqa.models.base import Box, Detector, Frame, ImageEmbedder, Vectors, VisionModel, VisionRequest
from lvqa.models.capabilities import capabilities_of
from lvqa.models.replies import boxes_of, encode_frames, encode_query, yes_of
from lvqa.prompts import for_prompt, load
from lvqa.zoom.arrays import Mask, Scores, Values
from lvqa.zoom.base import Query
from lvqa.zoom.footage import Footage, Frames, fitted
from lvqa.zoom.salience import nearest

if TYPE_CHECKING:
    from lvqa.models.profiles import Models
    from lvqa.zoom.base import FrameScorer

_BATCH = 32
# A cosine this many standard deviations above its video's mean is as likely the thing as not: of 3,600 frames none is
# by chance, and what is there 1 second in 300 stands out by about as much (see METHODS.md on crowded frame vectors).
_EVEN_Z = 4.0
# Without a channel to compare with: CLIP's cosine of a picture and its caption, and how fast it falls.
_EVEN_COSINE, _COSINE_UNIT = 0.26, 0.02
_LEAST_CHANNEL = 32
_LEAST_SPREAD = 0.01


class Scorer:
    """What the scorers here share: a look is a frame, all phrases at once, and every look is paid for."""

    cells: int = 1
    bar: float = 0.5
    is_vlm: ClassVar[bool] = False

    def score(self, frames: Frames, query: Query) -> Scores:
        """One score a frame, float32 (n,)."""
        return self.combine(self.score_each(frames, query.things), query)

    def score_each(self, frames: Frames, phrases: Sequence[str]) -> Scores:
        """The score of each phrase on each frame, float32 (n, m)."""
        raise NotImplementedError

    def combine(self, scores: Scores, query: Query) -> Scores:
        """The best thing of each frame, confidence times weight (T*), float32 (n,)."""
        return np.asarray((scores * query.weights).max(axis=1), np.float32)

    def presence(self, scores: Scores, footage: Footage, phrases: Sequence[str]) -> Values:
        """The scores themselves, where they are confidences already."""
        return np.clip(scores.astype(np.float64), 0.0, 1.0)

    def covered(self, frames: Frames) -> Mask:
        """None: each look is paid for."""
        return np.zeros(len(frames), bool)


@dataclass(eq=False)
class Similarity(Scorer):
    """Cosine of a frame and a phrase, read from the visual channel where `index` allows and it covers the time.

    `presence` is a logistic of how far the cosine stands out from this video's own: a cosine means nothing by itself.
    """

    embedder: ImageEmbedder
    index: bool = True
    _queries: dict[str, Vectors] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The embedder's."""
        return f"similarity {self.embedder.name}"

    def score_each(self, frames: Frames, phrases: Sequence[str]) -> Scores:
        """Cosines, float32 (n, m)."""
        queries = self.encode(phrases)
        scores = np.empty((len(frames), len(phrases)), np.float32)
        free = self.covered(frames)
        if free.any():
            rows = np.flatnonzero(free)
            scores[rows] = self.of_channel(frames.footage, phrases)[self._places(frames, rows)]
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
            x = 1.5 * (self._z(scores, self.of_channel(footage, phrases)) - _EVEN_Z)
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

    def _z(self, scores: Scores, usual: Scores) -> Values:
        spread = np.maximum(usual.std(axis=0), _LEAST_SPREAD)
        return np.asarray((scores - np.median(usual, axis=0)) / spread, np.float64)

    def usable(self, footage: Footage) -> bool:
        """Whether the footage has a channel that this embedder made."""
        channel = footage.channel
        return channel is not None and channel.model == self.embedder.name and len(channel.times_s) > 0

    def _places(self, frames: Frames, rows: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        assert frames.footage.channel is not None
        return nearest(frames.footage.channel.times_s, np.array(frames.times_s)[rows])

    def encode(self, phrases: Sequence[str]) -> Vectors:
        """Phrases in the space of frames, float32 (m, d), unit norm; each encoded once."""
        missing = [phrase for phrase in phrases if phrase not in self._queries]
        if missing:
            encoded = encode_query(self.embedder, [with_article(phrase) for phrase in missing])
            self._queries.update(zip(missing, encoded, strict=True))
        return np.stack([self._queries[phrase] for phrase in phrases])


@dataclass(eq=False)
class Detection(Scorer):
    """An open-vocabulary detector: the confidence of the best box of each phrase, in [0, 1].

    With `grid` > 1, g x g frames are laid out as one picture of `grid_side` pixels, and a frame's score is the best box
    whose centre lies in its cell (T*). `bar` is a confidence: detectors' scores do not compare with each other.
    """

    detector: Detector
    grid: int = 1
    bar: float = 0.3
    grid_side: int = 1024

    def __post_init__(self) -> None:
        if self.grid < 1:
            raise ValueError(f"a grid has at least one cell a side, got {self.grid}")

    @property
    def name(self) -> str:
        """The detector's, and the grid's side."""
        return f"detection {self.detector.name}" + (f" {self.grid}x{self.grid}" if self.grid > 1 else "")

    @property
    def cells(self) -> int:  # type: ignore[override]
        """Frames in a picture."""
        return self.grid**2

    def score_each(self, frames: Frames, phrases: Sequence[str]) -> Scores:
        """Confidences, float32 (n, m)."""
        scores = np.zeros((len(frames), len(phrases)), np.float32)
        columns = {phrase: m for m, phrase in enumerate(phrases)}
        row = 0
        for part in _batches(frames, max(_BATCH, self.cells)):
            small = None if self.grid == 1 else max(1, self.grid_side // self.grid)
            images = list(part.images(small))
            pictures = images if self.grid == 1 else [
                lay_out(images[i : i + self.cells], self.grid) for i in range(0, len(images), self.cells)
            ]  # fmt: skip
            for number, boxes in enumerate(boxes_of(self.detector, pictures, list(phrases))):
                self._fill(scores, row + number * self.cells, boxes, pictures[number], columns)
            row += len(images)
        return scores

    def _fill(self, scores: Scores, first: int, boxes: Sequence[Box], picture: Frame, columns: dict[str, int]) -> None:
        height, width = picture.shape[0] / self.grid, picture.shape[1] / self.grid
        for box in boxes:
            x, y = (box.xyxy[0] + box.xyxy[2]) / 2, (box.xyxy[1] + box.xyxy[3]) / 2
            column, line = min(int(x // width), self.grid - 1), min(int(y // height), self.grid - 1)
            row, at = first + line * self.grid + column, columns.get(box.label)
            if at is not None and row < len(scores):
                scores[row, at] = max(scores[row, at], box.score)


@dataclass(eq=False)
class Yes(Scorer):
    """A VLM's P(yes) to whether a thing is in a frame, its log odds taken from `even`, where it is worth a half.

    `even` is the model's own bar where it states one. Each phrase of each frame is a request of its own.
    """

    vision: VisionModel
    even: float | None = None
    is_vlm: ClassVar[bool] = True

    @property
    def name(self) -> str:
        """The model's."""
        return f"yes {self.vision.name}"

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


def single(scorer: FrameScorer) -> FrameScorer:
    """The same scorer, one frame a picture."""
    return replace(scorer, grid=1) if isinstance(scorer, Detection) else scorer


def yes_bar(vision: VisionModel) -> float:
    """The P(yes) from which this model's yes is more often right than wrong: its own, else what it declares."""
    return float(getattr(vision, "yes_bar", capabilities_of(vision).yes_bar))


def calibrated(yes: float, bar: float) -> float:
    """P(yes), in [0, 1], of a model that leans to yes: its log odds less those of `bar`, where it is worth a half."""
    if not 0 < yes < 1 or bar == 0.5:
        return min(1.0, max(0.0, yes))
    return 1 / (1 + math.exp(math.log(bar / (1 - bar)) - math.log(yes / (1 - yes))))


def lay_out(images: Sequence[Frame], g: int) -> Frame:
    """Up to g * g frames as one g x g picture, row by row, uint8 (g * h, g * w, 3); cells of the first one's size."""
    h, w = images[0].shape[:2]
    picture = np.zeros((g * h, g * w, 3), np.uint8)
    for number, image in enumerate(images):
        y, x = number // g * h, number % g * w
        small = fitted(image, max(h, w))[:h, :w]
        picture[y : y + small.shape[0], x : x + small.shape[1]] = small
    return picture


def _batches(frames: Frames, size: int = _BATCH) -> Iterator[Frames]:
    for start in range(0, len(frames), size):
        yield frames[range(start, min(start + size, len(frames)))]
