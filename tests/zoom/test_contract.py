"""What every searcher keeps to, whatever it is asked: Hypothesis makes up videos, budgets, scores, what was taken."""

from __future__ import annotations

import itertools
import zlib

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lvqa.errors import UsageError
from lvqa.types import Span
from lvqa.zoom import SEARCHERS, Query, SearchBudget, make_searcher

QUERY = Query(("red star", "blue ring"), ("red flag",))
MANY = settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
KINDS = ("noise", "constant", "zero", "peak")


def says(kind: str, seed: int):
    def one(time_s: float, phrase: str) -> float:
        if kind in ("constant", "zero"):
            return 0.3 if kind == "constant" else 0.0
        if kind == "peak":
            return 0.95 if abs(time_s - 17) < 2 and phrase != "blue ring" else 0.05
        return zlib.crc32(f"{round(time_s * 8)} {phrase} {seed}".encode()) % 997 / 997

    return one


@st.composite
def cases(draw):
    duration = draw(st.one_of(st.just(0.25), st.floats(0.3, 3), st.integers(1, 120).map(float), st.floats(3, 120)))
    start = draw(st.floats(0, 1)) * duration
    within = draw(st.sampled_from((None, None, Span(min(start, duration - 0.1), duration))))
    return {
        "duration": duration,
        "within": within,
        "k": draw(st.one_of(st.integers(0, 12), st.just(400))),
        "frames": draw(st.one_of(st.integers(0, 40), st.just(600))),
        "gap": draw(st.sampled_from((0.0, 0.5, 2.0))),
        "taken": tuple(draw(st.lists(st.floats(0, duration), max_size=3))),
        "kind": draw(st.sampled_from(KINDS)),
        "seed": draw(st.integers(0, 3)),
        "channel": draw(st.booleans()),
        "grant": draw(st.sampled_from((None, None, 5))),
    }


def search(scripted, name, case):
    """One search; returns what it found, the footage, and all frames that a scorer was shown."""
    duration, things = case["duration"], QUERY.things
    score = says(case["kind"], case["seed"])
    similar = case["channel"] or name in ("maxinfo", "videotree")

    def cosine(time_s: float, phrase: str) -> float:
        return 0.5 * score(time_s, phrase)

    scorers = scripted.scorers(score, things if similar else (), cosine)
    known = scripted.channel(int(np.ceil(duration)), things, cosine) if case["channel"] else None
    video = scripted.footage(duration, within=case["within"], taken=case["taken"], channel=known)
    left = [case["grant"]]

    def grant(n: int) -> int:
        given = n if left[0] is None else min(n, left[0])
        left[0] = None if left[0] is None else left[0] - given
        return given

    budget = SearchBudget(case["k"], case["frames"], grant, case["gap"])
    return make_searcher(name, scorers).search(video, QUERY, budget, case["seed"]), video, _shown(scorers)


def _shown(scorers):
    similar = scorers.similarity.shown if scorers.similarity is not None else []
    return [*scorers.other.shown, *similar]


@pytest.mark.parametrize("name", SEARCHERS)
@MANY
@given(case=cases())
def test_keeps_to_what_was_asked(scripted, name, case):
    found, video, shown = search(scripted, name, case)
    times = [frame.time_s for frame in found.keyframes]
    assert len(times) <= case["k"]
    assert times == sorted(times)
    assert all(video.within.start_s <= t < video.within.end_s for t in times)
    assert all(b - a >= max(case["gap"], 1e-3) - 1e-6 for a, b in itertools.pairwise(times))
    assert all(abs(t - other) >= max(case["gap"], 1e-3) - 1e-6 for t in times for other in case["taken"])
    assert all(frame.video_id == "v" and np.isfinite(frame.score) for frame in found.keyframes)
    assert found.trace.looked <= case["frames"]
    assert case["grant"] is None or found.trace.looked <= case["grant"]
    assert len(shown) <= found.trace.looked
    assert all(video.within.start_s <= t < video.within.end_s for t, _ in shown)
    assert found.trace.stopped
    again, _, _ = search(scripted, name, case)
    assert again.keyframes == found.keyframes
    assert again.trace == found.trace


@pytest.mark.parametrize("name", SEARCHERS)
def test_no_frame_is_shown_twice(scripted, name):
    case = {"duration": 60.0, "within": None, "k": 8, "frames": 200, "gap": 0.0, "taken": (), "kind": "noise"}
    _, _, shown = search(scripted, name, {**case, "seed": 1, "channel": False, "grant": None})
    assert len(set(shown)) == len(shown)


@pytest.mark.parametrize("name", [n for n in SEARCHERS if n not in ("maxinfo", "videotree")])
def test_enough_frames_come_back(scripted, name):
    """Of a minute in which nothing stands out a budget of frames is not left lying, but where frames are all alike."""
    case = {"duration": 60.0, "within": None, "k": 6, "frames": 48, "gap": 0.0, "taken": (), "kind": "constant"}
    found, _, _ = search(scripted, name, {**case, "seed": 1, "channel": True, "grant": None})
    assert 4 <= len(found.keyframes) <= 6


def test_what_cannot_search_says_so(scripted):
    bare = scripted.scorers()
    for name in ("tstar", "bolt", "aks", "qframe", "maxinfo", "videotree", "gens"):
        with pytest.raises(UsageError, match="name"):
            make_searcher(name, bare).search(scripted.footage(10), QUERY, SearchBudget())
    with pytest.raises(UsageError, match="there are: lvqa, uniform"):
        make_searcher("magic", bare)


def test_values_are_checked():
    for targets, cues in (((), ()), (("",), ()), (("a star",), (" ",))):
        with pytest.raises(ValueError, match="target"):
            Query(targets, cues)
    with pytest.raises(ValueError, match="negative"):
        SearchBudget(-1)
    assert Query(("a",), ("b", "c")).weights.tolist() == [1.0, 0.5, 0.5]
