"""The vectors of a video's frames, for searchers that compare frames with each other, small however long it is.

Read from the index in blocks and projected on their own first directions (PCA through the d x d Gram matrix, two passes
over the blocks); frames that the index does not have are embedded, and paid for.
"""

from __future__ import annotations

import numpy as np

from lvqa.errors import UsageError
from lvqa.zoom.arrays import Values
from lvqa.zoom.looking import Looker, evenly
from lvqa.zoom.scorers import Scorers, Similarity

DIMENSIONS = 48


def features(looker: Looker, similarity: Similarity, dimensions: int = DIMENSIONS) -> tuple[Values, Values]:
    """Times, float64 (n,), and vectors, float64 (n, d), d at most `dimensions` where the index has them.

    Frames that are embedded for it, as many as the budget holds, evenly spaced, count as looked at by the looker.
    """
    channel = looker.video.channel
    if channel is not None and similarity.index and similarity.usable(looker.video):
        gram = np.zeros((0, 0))
        for block in channel.blocks():
            wide = block.astype(np.float64)
            gram = wide.T @ wide if not gram.size else gram + wide.T @ wide
        if gram.size:
            axes = np.linalg.eigh(gram)[1][:, ::-1][:, :dimensions].astype(np.float32)
            parts = [block @ axes for block in channel.blocks()]
            return channel.times_s, np.concatenate(parts).astype(np.float64)
    return _embedded(looker, similarity)


def _embedded(looker: Looker, similarity: Similarity) -> tuple[Values, Values]:
    within = looker.video.within
    granted = looker.take(min(looker.left, len(looker.video.seconds)))
    if not granted:
        return np.zeros(0), np.zeros((0, 1))
    times = looker.video.clip(evenly(within.start_s, within.end_s, granted))
    vectors = similarity.vectors(looker.video.at(times.tolist()))
    looker.remember(times, vectors @ similarity.encode(looker.query.things).T)
    return times, vectors.astype(np.float64)


def similarity_of(scorers: Scorers) -> Similarity:
    """The scorer that can compare frames. Raises UsageError where there is none."""
    if scorers.similarity is None:
        raise UsageError("frames cannot be compared without an image embedder; name one with --image-embedder")
    return scorers.similarity


def left_vectors(vectors: Values, rank: int) -> Values:
    """The first left singular vectors of float64 (n, d), as (n, r) of r <= rank: without those of no weight."""
    if not len(vectors):
        return np.zeros((0, rank))
    u, s, _ = np.linalg.svd(vectors, full_matrices=False)
    kept = max(1, int((s[:rank] > 1e-6 * max(float(s[0]), 1e-12)).sum()))
    return np.asarray(u[:, :kept], np.float64)
