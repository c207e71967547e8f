"""VideoTree (CVPR 2025, arXiv 2405.19209): clusters of frames, more of them where the question finds something.

Breadth: k-means over the frames' vectors; the frame nearest each centre is rated 1 to 3 for the query; with too few
threes k doubles. Depth: a cluster rated 2 is cut into 4, one rated 3 into 4 times 4 (Ward linkage); the frames nearest
the centres of all of them are the keyframes. In the released code ratings come back in order of time and are applied
by cluster id; here a rating stays with its cluster. The rater is the scorer's presence, where the paper has a language
model read captions.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from lvqa.errors import needs_extra
from lvqa.zoom.arrays import Rows, Values
from lvqa.zoom.base import Query, SearchBudget, SearchResult
from lvqa.zoom.features import features, similarity_of
from lvqa.zoom.footage import Footage
from lvqa.zoom.keyframe_selection import keyframes
from lvqa.zoom.looking import Looker, start
from lvqa.zoom.scorers import Scorers

Labels = npt.NDArray[np.int64]
Rater = Callable[[Rows], Labels]
"""Rates frames, by row, from 1 to 3."""

# Presence from which a frame is rated 2, and 3.
_TWO, _THREE = 0.1, 0.5


@dataclass(frozen=True, slots=True)
class VideoTree:
    """With the paper's widths: 8 to 32 clusters, 4 threes, 4 branches."""

    scorers: Scorers
    width: int = 8
    widest: int = 32
    threes: int = 4
    branch: int = 4
    name: str = "videotree"

    def search(self, video: Footage, query: Query, budget: SearchBudget, seed: int = 0) -> SearchResult:
        """At most `budget.k` frames, those of better rated clusters first."""
        trace = start(self.name, video, query)
        similarity = similarity_of(self.scorers)
        looker = Looker(video, query, similarity, budget, trace)
        times, vectors = features(looker, similarity)
        if not len(times):
            trace.stopped = "the budget holds no frame to compare"
            return SearchResult([], trace)

        def rate(rows: Rows) -> Labels:
            seen = looker.look(times[rows], "rating")
            ratings = np.ones(len(rows), np.int64)
            if len(seen.rows):
                best = (seen.presence * query.weights).max(axis=1)
                ratings[seen.rows] = 1 + (best >= _TWO).astype(np.int64) + (best >= _THREE).astype(np.int64)
            return ratings

        labels, centres, ratings = breadth(
            vectors, rate, width=self.width, widest=self.widest, threes=self.threes, seed=seed
        )
        rows, worth = depth(vectors, labels, centres, ratings, branch=self.branch)
        trace.notes["clusters"] = [
            {"time_s": round(float(times[row]), 3), "rating": int(rating), "frames": int((labels == n).sum())}
            for n, (row, rating) in enumerate(zip(centres, ratings, strict=True))
        ]
        trace.stopped = "the tree is grown"
        return SearchResult(keyframes(video, times[rows], worth, budget), trace)


def breadth(
    vectors: Values, rate: Rater, *, width: int, widest: int, threes: int, seed: int
) -> tuple[Labels, Rows, Labels]:
    """Each row's cluster, (n,); the row nearest each cluster's centre, (k,); and that cluster's rating, (k,).

    Raises UsageError where scikit-learn is not installed.
    """
    with needs_extra("rivals", "videotree"):
        from sklearn.cluster import KMeans

    distinct = len(np.unique(vectors.round(9), axis=0))
    k = max(1, min(width, distinct))
    while True:
        clusters: Any = KMeans
        found = clusters(k, n_init=1, random_state=seed).fit(vectors)
        labels = found.labels_.astype(np.int64)
        centres = np.array([_nearest(vectors, np.flatnonzero(labels == n)) for n in range(k)], np.int64)
        ratings = rate(centres)
        if (ratings == 3).sum() >= threes or k >= min(widest, distinct):
            return labels, centres, ratings
        k = min(2 * k, widest, distinct)


def depth(vectors: Values, labels: Labels, centres: Rows, ratings: Labels, *, branch: int) -> tuple[Rows, Values]:
    """The rows of keyframes, and what each is worth: its cluster's rating, less with each level down."""
    worth: dict[int, float] = {}
    for n, (centre, rating) in enumerate(zip(centres, ratings, strict=True)):
        worth[int(centre)] = max(worth.get(int(centre), 0.0), float(rating))
        groups = [np.flatnonzero(labels == n)]
        for level in range(int(rating) - 1):
            groups = [part for group in groups for part in ward(vectors, group, branch)]
            for group in groups:
                row = _nearest(vectors, group)
                worth[row] = max(worth.get(row, 0.0), rating - 0.25 * (level + 1))
    rows = np.array(sorted(worth), np.int64)
    return rows, np.array([worth[int(row)] for row in rows])


def ward(vectors: Values, rows: Rows, n: int) -> list[Rows]:
    """Rows cut into at most n groups by Ward linkage; large ones are thinned first, the rest joins the nearest."""
    from scipy.cluster.hierarchy import fcluster, linkage

    if len(rows) <= 1 or n <= 1:
        return [rows]
    thin = rows[:: -(-len(rows) // _MOST_LINKED)]
    if len(thin) < 2:
        return [rows]
    groups = fcluster(linkage(vectors[thin], "ward"), n, "maxclust")
    middles = np.stack([vectors[thin[groups == g]].mean(axis=0) for g in np.unique(groups)])
    gaps = ((vectors[rows][:, None, :] - middles[None]) ** 2).sum(axis=2)
    nearest = gaps.argmin(axis=1)
    return [rows[nearest == g] for g in range(len(middles)) if (nearest == g).any()]


# Linkage takes memory by the square of what is linked.
_MOST_LINKED = 512


def _nearest(vectors: Values, rows: Rows) -> int:
    """The row nearest the mean of some rows; the first of equals."""
    if not len(rows):
        return 0
    gaps = ((vectors[rows] - vectors[rows].mean(axis=0)) ** 2).sum(axis=1)
    return int(rows[int(gaps.argmin())])
