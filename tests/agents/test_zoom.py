"""Searchers: what each must keep to, and what score guidance adds."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lvqa.agents.look import regions
from lvqa.agents.zoom import Region, SearchRequest
from lvqa.agents.zoom.guided import Guided
from lvqa.types import Hit, Keyframe, Note, Span

SEARCHERS = [Guided()]
A, B = Region("a", Span(10, 20), 0.8), Region("b", Span(0, 4), 0.2)
REQUEST = SearchRequest([A, B], {"a": 100.0, "b": 30.0, "c": 30.0}, k=10, explore=0.2, min_gap_s=0.5)


@st.composite
def requests(draw):
    durations = {name: draw(st.floats(1, 200)) for name in ("a", "b")}
    found = [
        Region(
            draw(st.sampled_from(("a", "b"))),
            Span(start, start + draw(st.floats(0.1, 20))),
            draw(st.floats(0.001, 1)),
        )
        for start in draw(st.lists(st.floats(0, 199), max_size=5))
    ]
    taken = [Keyframe("a", t) for t in draw(st.lists(st.floats(0, 100), max_size=4))]
    within = draw(st.sampled_from((None, Span(5, 50))))
    return SearchRequest(
        found, durations, draw(st.integers(0, 24)), draw(st.floats(0, 1)), draw(st.integers(0, 9)), within, taken
    )


@pytest.mark.parametrize("searcher", SEARCHERS, ids=lambda s: s.name)
class TestContract:
    @given(request=requests())
    def test_keeps_to_what_was_asked(self, searcher, request):
        chosen = searcher.search(request)
        assert len(chosen) <= request.k
        assert chosen == sorted(chosen, key=lambda f: (f.video_id, f.time_s))
        assert chosen == searcher.search(request)
        for frame in chosen:
            assert 0 <= frame.time_s <= request.durations_s[frame.video_id]
            assert request.within is None or request.within.start_s <= frame.time_s <= request.within.end_s
        for one, other in itertools.combinations([*chosen, *request.taken], 2):
            if one in chosen or other in chosen:
                assert one.video_id != other.video_id or abs(one.time_s - other.time_s) >= request.min_gap_s - 1e-9

    def test_nothing_recalled_means_exploring(self, searcher):
        chosen = searcher.search(SearchRequest([], {"a": 60.0}, k=6))
        assert len(chosen) == 6
        assert max(f.time_s for f in chosen) > 40

    def test_no_frames_wanted(self, searcher):
        assert searcher.search(SearchRequest([A], {"a": 60.0}, k=0)) == []


def test_frames_follow_the_scores_and_the_stated_share_explores():
    chosen = Guided().search(REQUEST)
    inside = [f for f in chosen if f.score > 0]
    assert len(chosen) == 10
    assert sum(f.video_id == "a" and A.span.contains(f.time_s) for f in inside) == 6
    assert sum(f.video_id == "b" and B.span.contains(f.time_s) for f in inside) == 2
    away = [f for f in chosen if f.score == 0]
    assert len(away) == 2
    assert all(f.video_id in ("a", "b") for f in away)
    assert not any(A.span.contains(f.time_s) for f in away if f.video_id == "a")


def test_the_seed_moves_only_what_explores():
    one, other = (
        Guided().search(SearchRequest(REQUEST.regions, REQUEST.durations_s, 10, 0.2, seed)) for seed in (1, 2)
    )
    assert [f for f in one if f.score > 0] == [f for f in other if f.score > 0]
    assert [f for f in one if f.score == 0] != [f for f in other if f.score == 0]


def test_a_second_round_looks_between_the_frames_of_the_first():
    first = Guided().search(SearchRequest([A], {"a": 100.0}, k=4, explore=0.0))
    second = Guided().search(SearchRequest([A], {"a": 100.0}, k=4, explore=0.0, taken=first))
    assert len(second) == 4
    assert all(A.span.contains(f.time_s) for f in second)
    assert not {f.time_s for f in first} & {f.time_s for f in second}


def test_frames_of_the_visual_channel_come_first():
    scored = [Keyframe("a", 11.0, 0.1), Keyframe("a", 17.0, 0.9), Keyframe("a", 50.0, 1.0)]
    chosen = Guided().search(SearchRequest([A], {"a": 100.0}, k=1, explore=0.0, frame_scores=scored))
    assert [f.time_s for f in chosen] == [17.0]


def test_regions_join_hits_that_touch():
    def hit(start_s, score, video_id="a"):
        span = Span(start_s, start_s + 2)
        return Hit(video_id, Note(f"{video_id}{start_s}", video_id, None, span, "x", "caption"), score)

    found = regions([hit(10, 0.3), hit(12, 0.2), hit(40, 0.25), hit(10, 0.1, "b"), hit(30, 0.01, "b")])
    assert [(r.video_id, r.span) for r in found] == [
        ("a", Span(9.5, 14.5)),
        ("a", Span(39.5, 42.5)),
        ("b", Span(9.5, 12.5)),
    ]
    assert found[0].score == pytest.approx(0.5)
    assert found[0].score > found[1].score > found[2].score > 0
