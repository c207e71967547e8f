"""How recall weighs and chooses: every number of it in one frozen record, with what each was set by."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Channel = Literal["text", "dense", "frames"]

CHANNELS: tuple[Channel, ...] = ("text", "dense", "frames")


@dataclass(frozen=True, slots=True)
class RecallRules:
    """The rules of a search.

    Weights are nats of log-odds a unit of the channel: bm25 (a sum of inverse document frequencies), and standard
    deviations of cosine above the archive's background. `text`, `dense` and `time_share` are near the maximum of
    likelihood of the right video and second on NExT-GQA's development half (`lvqa.eval.lab.retrieval.fit` prints it,
    held out both ways); they and `coverage_s` were rounded where hits, right video and F1 agreed. No footage with
    weights of a large image embedder was at hand: `frames` and `seen_share` were seen to help on the synthetic world
    alone.
    """

    text: float = 0.15
    dense: float = 1.6
    frames: float = 1.6
    # The probability that what is asked shows in the frames rather than in what was written of them.
    seen_share: float = 0.5
    # Where no vectors are, words must tell alone.
    text_alone: float = 0.5
    # The share of a note's log-odds that also tells the second within its video: captions tell videos apart far better.
    time_share: float = 0.375
    # The declarative form beside the question, without words that only say where in the video.
    rewrite: bool = True
    # "At the beginning", "after the dog barks", "the first time".
    relations: bool = True
    # How far a pick covers the seconds around it; 0 takes the most probable notes, however near to each other.
    coverage_s: float = 7.0
    # Closeness, in [0, 1], below which a note has nothing to do with the question.
    least_relevance: float = 0.18
    # Candidates that each channel proposes, whatever k is.
    candidates: int = 64
    # As many frames: those of one shot crowd, and fewer come from too few videos.
    frame_candidates: int = 80
    windows: bool = True
