"""What follows from the papers beyond single cases: shares, frequencies, volumes; and what our search looks at."""

from __future__ import annotations

import itertools
from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lvqa.types import Note, Span
from lvqa.zoom import Query, SearchBudget, make_searcher
from lvqa.zoom.keyframe_selection import quantiles
from lvqa.zoom.searchers.at_once import gumbel_top, halve, tiers
from lvqa.zoom.searchers.maxinfo import maxvol, rect_maxvol
from lvqa.zoom.searchers.tstar import CROPS
from lvqa.zoom.searchers.videotree import breadth, depth

STAR = Query(("red star",))
few = settings(max_examples=25, deadline=None)


def run(scripted, name, says, *, seconds=100.0, k=4, frames=64, seed=0, query=STAR, video=None, look=None, **rules):
    """A search without an index, unless the footage has one: what it found, and what it was shown."""
    scorers = scripted.scorers(says)
    if look is not None:
        scorers = type(scorers)(other=look)
    video = scripted.footage(seconds) if video is None else video
    budget = SearchBudget(k, frames, min_gap_s=rules.pop("gap", 0.0))
    return make_searcher(name, scorers, **rules).search(video, query, budget, seed), scorers.other.shown


def crops_too(scripted, whole, in_crops):
    """A scorer that says something else of crops than of frames."""

    class Closer(scripted.Script):
        def score_each(self, frames, phrases):
            self.shown += list(zip(frames.times_s, frames.crops, strict=True))
            says = [whole if crop is None else in_crops for crop in frames.crops]
            rows = [[say(t, p) for p in phrases] for say, t in zip(says, frames.times_s, strict=True)]
            return np.array(rows, np.float32).reshape(len(frames), len(phrases))

    return Closer(whole)


@few
@given(st.lists(st.floats(0, 1), min_size=1, max_size=40), st.integers(1, 40), st.floats(0, 0.99))
def test_each_row_is_drawn_as_often_as_its_share_says(shares, n, offset):
    shares = np.array([*shares, 0.5])
    counts = np.bincount(quantiles(shares, n, offset), minlength=len(shares))
    assert counts.sum() == n
    assert np.abs(counts - n * shares / shares.sum()).max() < 1 + 1e-6


@few
@given(st.lists(st.floats(0, 1), max_size=80), st.integers(0, 90), st.floats(0, 1), st.integers(0, 7))
def test_aks_gives_out_all_frames_once(scores, k, threshold, levels):
    rows, leaves = halve(np.array(scores), k, threshold=threshold, depth=levels)
    assert len(rows) == len(set(rows.tolist())) == min(k, len(scores)) == sum(n for *_, n in leaves)
    for low, high, n in leaves:
        assert 0 < n == ((rows >= low) & (rows < high)).sum()
    assert all(a[1] <= b[0] for a, b in itertools.pairwise(leaves))


def test_aks_takes_the_best_of_what_is_kept_whole():
    scores = np.zeros(64)
    scores[40:44] = [0.9, 1.0, 0.8, 0.7]
    assert halve(scores, 2, threshold=0.6, depth=5)[0].tolist() == [40, 41]


def test_gumbel_draws_without_replacement_follow_plackett_and_luce():
    p, n = np.array([0.5, 0.3, 0.2]), 6000
    drawn = Counter(tuple(gumbel_top(np.log(p) + 7, 2, seed).tolist()) for seed in range(n))
    for i, j in itertools.permutations(range(3), 2):
        wanted = p[i] * p[j] / (1 - p[i])
        assert drawn[i, j] / n == pytest.approx(wanted, abs=4 * np.sqrt(wanted / n))


def test_gumbel_by_searcher_is_the_same_for_a_seed_and_not_for_another(scripted):
    draws = [[f.time_s for f in run(scripted, "qframe", lambda t, p: 0.5, seed=s)[0].keyframes] for s in (1, 1, 2)]
    assert draws[0] == draws[1] != draws[2]


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("tolerance", [1.05, 1.5])
def test_no_swap_makes_the_volume_larger_than_the_tolerance(seed, tolerance):
    n, r = 8, 3
    matrix = np.random.default_rng(seed).normal(size=(n, r))
    rows = maxvol(matrix, tolerance=tolerance)
    volume = abs(np.linalg.det(matrix[rows]))
    for place, row in itertools.product(range(r), range(n)):
        swapped = rows.copy()
        swapped[place] = row
        assert abs(np.linalg.det(matrix[swapped])) <= tolerance * volume * (1 + 1e-9)
    # Each r rows are C times those chosen, |C| <= tolerance: by Hadamard their det is at most (tolerance sqrt(r))**r.
    largest = max(abs(np.linalg.det(matrix[list(some)])) for some in itertools.combinations(range(n), r))
    assert volume >= largest / (tolerance * np.sqrt(r)) ** r


@pytest.mark.parametrize("seed", range(6))
def test_a_row_that_is_added_multiplies_the_volume_by_its_norm(seed):
    matrix = np.random.default_rng(seed).normal(size=(25, 3))
    rows = rect_maxvol(matrix, 8, tolerance=0.5).tolist()
    assert len(set(rows)) == len(rows) > 3
    for n in range(3, len(rows)):
        block, more = matrix[rows[:n]], matrix[rows[: n + 1]]
        norm = float(((matrix[rows[n]] @ np.linalg.pinv(block)) ** 2).sum())
        grown = np.linalg.det(more.T @ more) / np.linalg.det(block.T @ block)
        assert grown == pytest.approx(1 + norm)
        # No other row would have made it larger.
        others = ((matrix @ np.linalg.pinv(block)) ** 2).sum(axis=1)
        assert np.delete(others, rows[:n]).max() <= norm * (1 + 1e-9)


def test_maxvol_ends_where_the_others_are_told():
    matrix = np.eye(3)[[0, 1, 2, 0, 1, 2, 0]]
    assert sorted(np.argmax(matrix[rect_maxvol(matrix, 7)], axis=1)) == [0, 1, 2]


def test_breadth_ends_with_enough_threes():
    vectors, asked = np.random.default_rng(0).normal(size=(80, 4)), []

    def rate(rows):
        asked.append(len(rows))
        return np.full(len(rows), 3 if len(rows) >= 16 else 2)

    _, centres, _ = breadth(vectors, rate, width=8, widest=32, threes=4, seed=0)
    assert asked == [8, 16]
    assert len(centres) == 16


@pytest.mark.parametrize(("rating", "most"), [(1, 0), (2, 4), (3, 20)])
def test_depth_adds_no_more_than_its_branches(rating, most):
    # A cluster rated 3 is cut into 4, and those into 4 each; the centres of both levels are keyframes.
    vectors = np.random.default_rng(rating).normal(size=(64, 3))
    rows, worth = depth(vectors, np.zeros(64, np.int64), np.array([7]), np.array([rating]), branch=4)
    assert 7 in rows
    assert min(most, 3) < len(rows) + (rating == 1) * 1 <= 1 + most + (rating == 1)
    assert worth.max() == rating == worth[rows.tolist().index(7)]


class TestTStar:
    def test_no_second_is_drawn_again(self, scripted):
        found, _ = run(scripted, "tstar", lambda t, p: 0.19 if 40 <= t < 60 else 0.05, frames=500)
        drawn = [t for one in found.trace.rounds if one.why == "grid" for t in one.times_s]
        assert sorted(drawn) == list(range(100))

    def test_exploration_has_its_share_of_the_belief(self, scripted):
        says = crops_too(scripted, lambda t, p: 0.4, lambda t, p: 0.4)
        found, _ = run(scripted, "tstar", None, look=says, grid=1, explore=0.2)
        first, second = [one for one in found.trace.rounds if one.why == "grid"][:2]
        at, belief = int(first.times_s[0]), np.array(second.belief)
        far = np.abs(np.arange(100) - at) > 5
        assert belief.sum() == pytest.approx(1)
        assert belief[at] == 0
        # Far off nothing but even chance speaks for a second; all else is within reach of what was seen.
        np.testing.assert_allclose(belief[far], 0.2 / 99, rtol=1e-6)
        assert belief[~far].sum() == pytest.approx(0.8 + 0.2 * (~far).sum() / 99 - 0.2 / 99)

    def test_the_hot_is_drawn_more_often_than_the_cold(self, scripted):
        drawn = Counter()
        for seed in range(60):
            found, _ = run(scripted, "tstar", lambda t, p: 0.19 if t < 50 else 0, grid=2, warm=0.1, seed=seed, frames=8)
            drawn.update(t < 50 for one in found.trace.rounds if one.why == "grid" for t in one.times_s[:4])
        assert drawn[True] > drawn[False]

    def test_draws_and_crops_are_paid_for(self, scripted):
        found, shown = run(scripted, "tstar", lambda t, p: 0.3, grid=2, frames=24)
        assert found.trace.looked == len(shown) == 24
        assert Counter(one.why for one in found.trace.rounds) == {"grid": 1, "crops": 4}

    def test_crops_confirm_what_a_frame_half_shows(self, scripted):
        closer = crops_too(scripted, lambda t, p: 0.3, lambda t, p: 0.9)
        found, shown = run(scripted, "tstar", None, look=closer, grid=1)
        assert len(found.trace.found) == 1
        assert [crop for _, crop in shown] == [None, *CROPS]


class TestLvqa:
    def test_the_frame_that_confirms_is_beside_the_first(self, scripted):
        found, shown = run(scripted, "lvqa", lambda t, p: 0.97 if 40 <= t < 60 else 0.0)
        at = found.trace.found["red star"]
        assert {t for t, _ in shown} & {at - 0.25, at + 0.25}
        why = [one.why for one in found.trace.rounds if {at - 0.25, at + 0.25} & set(one.times_s)]
        assert why == ["confirm"]

    def test_what_is_less_than_certain_has_to_be_seen_on_a_crop(self, scripted):
        def whole(time_s, phrase):
            return 0.9 if 40 <= time_s < 60 else 0.0

        for in_crops, confirmed in ((whole, True), (lambda t, p: 0.1, False)):
            found, shown = run(scripted, "lvqa", None, look=crops_too(scripted, whole, in_crops), frames=40)
            assert bool(found.trace.found) == confirmed
            assert any(crop is not None for _, crop in shown)
        certain = crops_too(scripted, lambda t, p: 0.998 * (40 <= t < 60), lambda t, p: 0.0)
        found, shown = run(scripted, "lvqa", None, look=certain)
        assert found.trace.found
        assert all(crop is None for _, crop in shown)

    def test_no_second_frame_where_none_is_wanted(self, scripted):
        found, _ = run(scripted, "lvqa", lambda t, p: 0.97 if t == 40 else 0.0, frames=100, confirm=False)
        assert found.trace.found == {"red star": 40.0}
        assert "confirm" not in {one.why for one in found.trace.rounds}

    def test_crops_show_what_a_frame_half_shows(self, scripted):
        def whole(time_s, phrase):
            return 0.3 if 20 <= time_s < 40 else 0.0

        closer = crops_too(scripted, whole, lambda t, p: 0.95 * (20 <= t < 40))
        found, shown = run(scripted, "lvqa", None, look=closer, confirm=False)
        assert 20 <= found.trace.found["red star"] < 40
        assert {t for t, crop in shown if crop is not None} == {found.trace.found["red star"]}

    def test_moments_between_seconds_are_looked_at_where_something_is(self, scripted):
        _, shown = run(scripted, "lvqa", lambda t, p: 0.4 if 30 <= t < 32 else 0.0, frames=150)
        between = [t for t, crop in shown if crop is None and t % 1]
        assert between
        assert np.median(np.abs(np.array(between) - 31)) < 3
        assert all(t % 0.25 == 0 for t in between)

    def test_what_was_taken_is_not_looked_at_again(self, scripted):
        video = scripted.footage(20, taken=tuple(range(0, 20, 2)))
        _, shown = run(scripted, "lvqa", lambda t, p: 0.05, video=video, frames=10)
        assert not {t for t, _ in shown} & set(range(0, 20, 2))

    @pytest.mark.parametrize("explore", [0.0, 0.5, 1.0])
    def test_without_a_look_the_stated_share_goes_where_nothing_speaks_for_it(self, scripted, explore):
        known = [Note("c", "v", None, Span(100, 140), "a red star", "caption")]
        video = scripted.footage(600, notes=known)
        scorers = scripted.scorers()
        found = make_searcher("lvqa", scorers, explore=explore).search(video, STAR, SearchBudget(10))
        assert len(found.keyframes) == 10
        assert sum(frame.score == 0 for frame in found.keyframes) == round(10 * explore)
        assert sum(100 <= frame.time_s < 140 for frame in found.keyframes if frame.score > 0) >= 8 * (1 - explore)

    def test_one_occasion_is_not_two(self, scripted):
        found, _ = run(scripted, "lvqa", lambda t, p: 0.97 if 40 <= t < 43 else 0.0, occasions=2, frames=300)
        sure = [frame.time_s for frame in found.keyframes if frame.score > 0.5]
        assert len(sure) == 1
        assert found.trace.stopped != "all targets are confirmed"


# Known defects; each says what should be.


def test_tstar_keeps_the_scores_of_what_it_cannot_confirm(scripted):
    found, _ = run(scripted, "tstar", lambda t, p: 0.45 if t >= 10 else 0.1, seconds=20, frames=16, k=1)
    assert found.keyframes[0].time_s >= 10


def test_lvqa_returns_frames_of_a_short_video_that_it_saw_all_of(scripted):
    found, _ = run(scripted, "lvqa", lambda t, p: 0.05, seconds=4, frames=32)
    assert len(found.keyframes) == 4


def test_lvqa_ends_where_all_looks_explore(scripted):
    calls = itertools.count()

    def says(time_s, phrase):
        return 0.05

    video = scripted.footage(6)
    from lvqa.zoom.searchers import lvqa

    class Counting(np.random.Generator):
        def random(self, *args, **kwargs):
            assert next(calls) < 1000
            return super().random(*args, **kwargs)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lvqa.np.random, "default_rng", lambda seed: Counting(np.random.PCG64(seed)))
        run(scripted, "lvqa", says, video=video, frames=40, explore=1.0)


def test_lvqa_is_not_confirmed_by_the_same_frame(scripted):
    seconds = 9.1
    last = 0.25 * np.floor((seconds - 1e-6) / 0.25)
    found, _ = run(scripted, "lvqa", lambda t, p: 0.97 if t >= last else 0.0, seconds=seconds)
    assert not found.trace.found


def test_lvqa_confirms_what_only_crops_show(scripted):
    def whole(time_s, phrase):
        return 0.3 if 20 <= time_s < 40 else 0.0

    closer = crops_too(scripted, whole, lambda t, p: 0.99 * (20 <= t < 40))
    found, _ = run(scripted, "lvqa", None, look=closer, frames=200)
    assert found.trace.found


def test_lvqa_treats_a_purse_like_its_own_budget(scripted):
    def says(time_s, phrase):
        return 0.9

    scorers, left = scripted.scorers(says), [2 + 1]

    def charge(n):
        granted = min(n, left[0])
        left[0] -= granted
        return granted

    own = make_searcher("lvqa", scripted.scorers(says)).search(scripted.footage(60), STAR, SearchBudget(4, 3))
    purse = make_searcher("lvqa", scorers).search(scripted.footage(60), STAR, SearchBudget(4, 64, charge))
    assert own.trace.found
    assert purse.trace.found == own.trace.found


def test_lvqa_is_not_sure_of_what_a_frame_beside_contradicts(scripted):
    found, _ = run(scripted, "lvqa", lambda t, p: 0.95 if t % 1 == 0 else 0.0, seconds=60, frames=3, batch=1)
    assert not found.trace.found


def test_lvqa_learns_from_a_frame_once(scripted):
    video = scripted.footage(6, within=Span(2, 4))
    found, _ = run(scripted, "lvqa", lambda t, p: 0.05, video=video, frames=60)
    times = [t for one in found.trace.rounds if one.why == "look" for t in one.times_s]
    assert len(times) == len(set(times))


def test_lvqa_looks_where_the_index_says_little(scripted):
    def cosine(time_s, phrase):
        return 0.30 if time_s < 150 else 0.29

    scorers = scripted.scorers(lambda t, p: 0.97 if 100 <= t < 103 else 0.02, STAR.things, cosine)
    video = scripted.footage(300, channel=scripted.channel(300, STAR.things, cosine))
    assert make_searcher("lvqa", scorers).search(video, STAR, SearchBudget(4, 64)).trace.looked > 0


def test_lvqa_confirms_nothing_too_near_to_what_was_taken(scripted):
    def says(time_s, phrase):
        return 0.97 if 12.3 <= time_s < 12.95 else 0.3 if time_s == 13 else 0.02

    video = scripted.footage(30, taken=(10.0,))
    found, _ = run(scripted, "lvqa", says, video=video, frames=200, gap=3.0)
    assert found.keyframes


@pytest.mark.parametrize("n", range(1, 6))
def test_qframe_shows_the_best_whole(n):
    assert tiers(n)[0] == 1.0
