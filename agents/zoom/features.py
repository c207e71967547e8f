"""The vectors of a video's frames, for searchers that compare frames with each other, small however long it is.

Read from the index in blocks and projected on their own first directions (PCA through the d x d Gram matrix, two passes
over the blocks); frames that the index does not have are embedded, and paid for.
"""

from __future__ import annotations

import numpy as np

from lvqa.agents.zoom.base import Query, SearchBudget, Trace, Values
from lvqa.agents.zoom.footage import Footage
from lvqa.agents.zoom.looking import Looker, evenly
from lvqa.agents.zoom.scorers import Scorers, Similarity
from lvqa.errors import UsageError

DIMENSIONS = 48


def features(
    video: Footage, query: Query, scorers: Scorers, budget: SearchBudget, trace: Trace, dimensions: int = DIMENSIONS
) -> tuple[Values, Values]:
    """Times, float64 (n,), and vectors, float64 (n, d), d at most `dimensions`.

    Raises UsageError without an embedder.
    """
    similarity = scorers.similarity
    if similarity is None:
        raise UsageError("frames cannot be compared without an image embedder; name one with --image-embedder")
    channel = video.channel
    if channel is not None and similarity.index and similarity.usable(video):
        gram = np.zeros((0, 0))
        for block in channel.blocks():
            wide = block.astype(np.float64)
            gram = wide.T @ wide if not gram.size else gram + wide.T @ wide
        if gram.size:
            axes = np.linalg.eigh(gram)[1][:, ::-1][:, :dimensions].astype(np.float32)
            parts = [block @ axes for block in channel.blocks()]
            return channel.times_s, np.concatenate(parts).astype(np.float64)
    return embedded(video, query, similarity, budget, trace)


def embedded(
    video: Footage, query: Query, similarity: Similarity, budget: SearchBudget, trace: Trace
) -> tuple[Values, Values]:
    """The same of frames that are decoded and embedded, as many as the budget holds, evenly spaced."""
    looker = Looker(video, query, similarity, budget, trace)
    wanted = min(looker.left, len(video.seconds))
    granted = looker.take(wanted)
    times = video.clip(evenly(video.within.start_s, video.within.end_s, granted))
    return times, similarity.vectors(video.at(times.tolist())).astype(np.float64).reshape(len(times), -1)


def left_vectors(vectors: Values, rank: int) -> Values:
    """The first left singular vectors of float64 (n, d), as (n, r) of r <= rank: without those of no weight."""
    if not len(vectors):
        return np.zeros((0, rank))
    u, s, _ = np.linalg.svd(vectors, full_matrices=False)
    kept = max(1, int((s[:rank] > 1e-6 * max(float(s[0]), 1e-12)).sum()))
    return np.asarray(u[:, :kept], np.float64)
