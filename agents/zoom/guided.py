"""Score-guided sampling: most frames where recall scored, a stated share spread over what it passed by.

Frames go to regions by their share of the score (largest remainder), and inside a region to the best frames of the
visual channel where there is one, else to the centres of equal parts, which cover it best. Belief starts from the
caption index instead of flat, as T* (arXiv 2504.02259) would have it; unlike there, the share of exploration is what it
says, nothing is drawn without a seed, and near-duplicates in time are suppressed.
"""

from __future__ import annotations

import random
import zlib
from collections.abc import Sequence
from dataclasses import dataclass

from lvqa.agents.zoom import Region, SearchRequest
from lvqa.types import Keyframe, Span

# Regions beyond this many compete for frames that are too few to tell them apart.
_MOST_REGIONS = 16


@dataclass(frozen=True, slots=True)
class Guided:
    """The searcher of this module."""

    name: str = "guided"

    def search(self, request: SearchRequest) -> list[Keyframe]:
        """At most `k` keyframes, by video and time; fewer where there is no room for more."""
        if request.k <= 0:
            return []
        chosen: list[Keyframe] = []
        to_explore = round(request.k * request.explore) if request.regions else request.k
        regions = _allowed(request)[:_MOST_REGIONS]
        for region, n in zip(regions, _shares([r.score for r in regions], request.k - to_explore), strict=True):
            chosen += _in_region(request, region, n, chosen)
        chosen += _explore(request, regions, request.k - len(chosen), chosen)
        return sorted(chosen, key=lambda frame: (frame.video_id, frame.time_s))


def _allowed(request: SearchRequest) -> list[Region]:
    """Regions cut to what may be searched, best first."""
    kept = []
    for region in request.regions:
        duration_s = request.durations_s.get(region.video_id)
        span = region.span.clamp(duration_s) if duration_s is not None else None
        if span is not None and request.within is not None:
            span = span.intersection(request.within)
        if span is not None:
            kept.append(Region(region.video_id, span, region.score))
    return sorted(kept, key=lambda r: (-r.score, r.video_id, r.span))


def _shares(scores: Sequence[float], n: int) -> list[int]:
    """n split in proportion to scores, by largest remainder; earlier ones win ties."""
    total = sum(scores)
    if total <= 0 or n <= 0:
        return [0] * len(scores)
    exact = [n * score / total for score in scores]
    shares = [int(x) for x in exact]
    by_remainder = sorted(range(len(exact)), key=lambda i: (shares[i] - exact[i], i))
    for i in by_remainder[: n - sum(shares)]:
        shares[i] += 1
    return shares


def _in_region(request: SearchRequest, region: Region, n: int, chosen: Sequence[Keyframe]) -> list[Keyframe]:
    found: list[Keyframe] = []
    scored = [f for f in request.frame_scores if f.video_id == region.video_id and region.span.contains(f.time_s)]
    for frame in sorted(scored, key=lambda f: (-f.score, f.time_s)):
        if len(found) < n and _free(request, frame.video_id, frame.time_s, [*chosen, *found]):
            found.append(Keyframe(frame.video_id, frame.time_s, region.score))
    # Twice as many parts each time, so that a second round falls between the frames of the first.
    parts = n
    while len(found) < n and parts <= 8 * n and region.span.duration_s / parts > request.min_gap_s / 4:
        for i in range(parts):
            time_s = region.span.start_s + (i + 0.5) * region.span.duration_s / parts
            if len(found) < n and _free(request, region.video_id, time_s, [*chosen, *found]):
                found.append(Keyframe(region.video_id, time_s, region.score))
        parts *= 2
    return found


def _explore(request: SearchRequest, regions: Sequence[Region], n: int, chosen: Sequence[Keyframe]) -> list[Keyframe]:
    """One time drawn from each of n equal strata of the time outside the regions, recalled videos first."""
    recalled = {region.video_id for region in regions}
    found: list[Keyframe] = []
    for videos in (sorted(recalled), sorted(request.durations_s.keys() - recalled)):
        gaps = [(v, gap) for v in videos for gap in _outside(request, v, [r.span for r in regions if r.video_id == v])]
        total_s = sum(gap.duration_s for _, gap in gaps)
        wanted = n - len(found)
        draw = random.Random(zlib.crc32(f"{request.seed}:{len(request.taken)}:{videos}".encode()))
        for i in range(wanted if total_s > 0 else 0):
            at_s = (i + draw.random()) * total_s / wanted
            video_id, time_s = _locate(gaps, at_s)
            if _free(request, video_id, time_s, [*chosen, *found]):
                found.append(Keyframe(video_id, time_s, 0.0))
    return found


def _outside(request: SearchRequest, video_id: str, spans: Sequence[Span]) -> list[Span]:
    """The searchable stretches of a video that lie in no region."""
    whole = Span(0.0, request.durations_s[video_id])
    allowed = whole if request.within is None else whole.intersection(request.within)
    if allowed is None:
        return []
    gaps, at_s = [], allowed.start_s
    for span in sorted(spans):
        if span.start_s > at_s:
            gaps.append(Span(at_s, min(span.start_s, allowed.end_s)))
        at_s = max(at_s, span.end_s)
    if at_s < allowed.end_s:
        gaps.append(Span(at_s, allowed.end_s))
    return gaps


def _locate(gaps: Sequence[tuple[str, Span]], at_s: float) -> tuple[str, float]:
    for video_id, gap in gaps:
        if at_s < gap.duration_s:
            return video_id, gap.start_s + at_s
        at_s -= gap.duration_s
    video_id, gap = gaps[-1]
    return video_id, gap.middle_s


def _free(request: SearchRequest, video_id: str, time_s: float, chosen: Sequence[Keyframe]) -> bool:
    return all(
        frame.video_id != video_id or abs(frame.time_s - time_s) >= request.min_gap_s
        for frame in [*request.taken, *chosen]
    )
