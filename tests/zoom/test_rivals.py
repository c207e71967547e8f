"""Each searcher of the literature on a case made by hand, whose right answer follows from its paper."""

from __future__ import annotations

import itertools
from collections import Counter

import numpy as np
import pytest

from lvqa.zoom import Query, SearchBudget, make_searcher
from lvqa.zoom.keyframe_selection import best, quantiles, split
from lvqa.zoom.looking import Looker, start
from lvqa.zoom.searchers.at_once import gumbel_top, halve, sharpened, tiers
from lvqa.zoom.searchers.maxinfo import maxvol, rect_maxvol
from lvqa.zoom.searchers.tstar import TStar, _TStarState
from lvqa.zoom.searchers.videotree import breadth, depth, ward

STAR = Query(("red star",))


def times_of(found) -> list[float]:
    return [frame.time_s for frame in found.keyframes]


class TestUniform:
    def test_centres_of_equal_parts(self, scripted):
        found = make_searcher("uniform", scripted.scorers()).search(scripted.footage(8), STAR, SearchBudget(4))
        assert times_of(found) == [1, 3, 5, 7]
        assert found.trace.looked == 0

    def test_no_more_frames_than_there_are(self, scripted):
        found = make_searcher("uniform", scripted.scorers()).search(scripted.footage(1), STAR, SearchBudget(100))
        assert times_of(found) == [0.125, 0.375, 0.625, 0.875]


class TestBolt:
    def test_the_density_by_hand(self):
        assert sharpened(np.array([0.0, 0.5, 1.0]), 3.0) == pytest.approx([0, 1 / 9, 8 / 9])
        assert sharpened(np.array([2.0, 2.0]), 3.0) == pytest.approx([0.5, 0.5])

    def test_quantiles_of_the_cumulated_density(self):
        # Cumulated 0.1, 0.3, 0.6, 1; quantiles 1/8, 3/8, 5/8, 7/8.
        assert quantiles(np.array([1.0, 2.0, 3.0, 4.0]), 4).tolist() == [1, 2, 3, 3]

    def test_frames_go_where_the_similarity_is(self, scripted):
        def cosine(time_s, phrase):
            return 0.4 if 30 <= time_s < 34 else 0.2

        scorers = scripted.scorers(None, STAR.things, cosine)
        known = scripted.channel(60, STAR.things, cosine)
        found = make_searcher("bolt", scorers).search(scripted.footage(60, channel=known), STAR, SearchBudget(8))
        assert times_of(found) == [30, 31, 32, 33]


class TestAks:
    def test_a_stretch_whose_best_stand_out_is_kept_whole(self):
        scores = np.zeros(16)
        scores[[5, 11]] = 1.0
        rows, leaves = halve(scores, 2, threshold=0.6, depth=5)
        assert rows.tolist() == [5, 11]
        assert leaves == [(0, 16, 2)]

    def test_one_whose_do_not_is_halved(self):
        # The best four of all are 1, 1, 0.9, 0.9: mean 0.95 against 0.475, a gap of less than 0.6.
        scores = np.array([1, 1, 0.9, 0.9, 0, 0, 0, 0], float)
        rows, leaves = halve(scores, 4, threshold=0.6, depth=1)
        assert leaves == [(0, 4, 2), (4, 8, 2)]
        assert rows.tolist() == [0, 1, 4, 5]

    def test_an_odd_frame_goes_to_the_better_half(self):
        scores = np.array([0.1, 0, 0.1, 0, 0.9, 1, 0.8, 0.9])
        _, leaves = halve(scores, 3, threshold=2.0, depth=1)
        assert leaves == [(0, 4, 1), (4, 8, 2)]

    @pytest.mark.parametrize("k", [1, 2, 3, 5, 8, 31])
    def test_few_frames_are_all_given_out(self, k):
        rows, _ = halve(np.random.default_rng(k).random(100), k, threshold=0.6, depth=5)
        assert len(set(rows.tolist())) == k

    def test_constant_scores_are_covered_evenly(self):
        rows, _ = halve(np.full(64, 0.3), 4, threshold=0.6, depth=5)
        assert rows.tolist() == [8, 24, 40, 56]

    def test_no_more_than_there_are(self):
        assert halve(np.arange(5.0), 9, threshold=0.6, depth=5)[0].tolist() == [0, 1, 2, 3, 4]


class TestQFrame:
    def test_draws_follow_the_softmax(self):
        logits = np.log(np.array([0.5, 0.3, 0.15, 0.05]))
        first = Counter(int(gumbel_top(logits, 1, seed)[0]) for seed in range(4000))
        assert [first[n] / 4000 for n in range(4)] == pytest.approx([0.5, 0.3, 0.15, 0.05], abs=0.025)

    def test_without_replacement_and_by_seed(self):
        logits = np.zeros(10)
        assert sorted(gumbel_top(logits, 10, 3)) == list(range(10))
        assert gumbel_top(logits, 4, 3).tolist() == gumbel_top(logits, 4, 3).tolist()
        assert gumbel_top(logits, 4, 3).tolist() != gumbel_top(logits, 4, 4).tolist()

    def test_the_best_are_shown_whole(self):
        # 44 frames, as in the paper: 4 at full, 8 at half, 32 at a quarter of the side.
        assert Counter(tiers(44)) == {1.0: 4, 0.5: 8, 0.25: 32}
        assert tiers(44) == sorted(tiers(44), reverse=True)


class TestMaxInfo:
    @pytest.mark.parametrize("seed", range(12))
    def test_maxvol_against_brute_force(self, seed):
        n, r = 9, 3
        matrix = np.linalg.qr(np.random.default_rng(seed).normal(size=(n, r)))[0]
        rows = maxvol(matrix, tolerance=1.0 + 1e-9)
        volume = abs(np.linalg.det(matrix[rows]))
        largest = max(abs(np.linalg.det(matrix[list(c)])) for c in itertools.combinations(range(n), r))
        # A dominant submatrix (no coefficient above 1) has at least r ** (-r / 2) of the largest volume (Goreinov).
        assert np.abs(np.linalg.solve(matrix[rows].T, matrix.T)).max() <= 1 + 1e-6
        assert volume >= largest * r ** (-r / 2)
        assert volume >= 0.75 * largest

    @pytest.mark.parametrize("seed", range(6))
    def test_rows_are_added_as_by_recomputing(self, seed):
        matrix = np.linalg.qr(np.random.default_rng(seed).normal(size=(30, 4)))[0]
        chosen = [int(row) for row in maxvol(matrix)]
        while len(chosen) < 9:
            told = matrix @ np.linalg.pinv(matrix[chosen])
            norms = (told**2).sum(axis=1)
            norms[chosen] = 0
            if norms.max() <= 1.0:
                break
            chosen.append(int(norms.argmax()))
        assert rect_maxvol(matrix, 9, tolerance=1.0).tolist() == chosen

    def test_what_is_rare_is_kept_whatever_is_asked(self, scripted):
        things = ("sea", "ship", "whale")

        def cosine(time_s, phrase):
            shown = "ship" if 20 <= time_s < 22 else "whale" if time_s == 41 else "sea"
            return 0.9 if shown == phrase else 0.0

        scorers, known = scripted.scorers(None, things, cosine), scripted.channel(60, things, cosine)
        found = make_searcher("maxinfo", scorers, rank=3).search(
            scripted.footage(60, channel=known), Query(("a",)), SearchBudget(3)
        )
        assert 41 in times_of(found)
        assert {20, 21} & set(times_of(found))


class TestVideoTree:
    def three(self):
        """Rows of three far clusters, in no order of time: which is which follows from the row's number."""
        kinds = np.array([2, 0, 1, 1, 0, 2, 2, 0, 1, 0, 1, 2] * 5)
        rng = np.random.default_rng(0)
        return kinds, np.eye(3)[kinds] * 10 + 0.1 * rng.normal(size=(60, 3))

    def test_ratings_stay_with_their_cluster(self):
        kinds, vectors = self.three()
        labels, centres, ratings = breadth(vectors, lambda rows: 1 + kinds[rows], width=3, widest=3, threes=1, seed=0)
        assert sorted(ratings.tolist()) == [1, 2, 3]
        for n, rating in enumerate(ratings):
            assert set(kinds[labels == n] + 1) == {rating}
            assert labels[centres[n]] == n

    def test_k_doubles_while_there_are_too_few_threes(self):
        _, vectors = self.three()
        asked = []

        def rate(rows):
            asked.append(len(rows))
            return np.where(np.arange(len(rows)) < len(rows) // 8, 3, 1)

        breadth(vectors, rate, width=8, widest=32, threes=4, seed=0)
        assert asked == [8, 16, 32]

    def test_depth_follows_the_rating(self):
        rng = np.random.default_rng(1)
        vectors = np.concatenate([rng.normal(size=(40, 2)) + 100 * n for n in range(3)])
        labels = np.repeat(np.arange(3), 40)
        centres = np.array([0, 40, 80])
        rows, worth = depth(vectors, labels, centres, np.array([1, 2, 3]), branch=4)
        per = [int(((rows >= 40 * n) & (rows < 40 * n + 40)).sum()) for n in range(3)]
        assert per[0] == 1
        assert 4 <= per[1] <= 5
        assert 12 <= per[2] <= 21
        assert worth[rows >= 80].min() > worth[(rows >= 40) & (rows < 80)].max() - 1
        assert max(worth) == 3

    def test_ward_parts_what_is_apart(self):
        vectors = np.array([[0.0], [0.1], [5.0], [5.1], [9.0]])
        parts = ward(vectors, np.arange(5), 3)
        assert sorted(sorted(part.tolist()) for part in parts) == [[0, 1], [2, 3], [4]]


class TestGens:
    def test_the_second_pass_goes_where_the_first_scored(self, scripted):
        scorers = scripted.scorers(lambda t, p: 0.9 if 48 <= t < 56 else 0.0)
        found = make_searcher("gens", scorers).search(scripted.footage(64), STAR, SearchBudget(4, 16))
        coarse, fine = found.trace.rounds
        assert list(coarse.times_s) == [4 + 8 * n for n in range(8)]
        assert sum(48 <= t < 56 for t in fine.times_s) >= 6
        assert all(48 <= t < 56 for t in times_of(found))
        assert found.trace.looked == 16


class TestTStar:
    def state(self, scripted, says, query=STAR, **rules):
        rules = TStar(scripted.scorers(says), **rules)
        trace = start("tstar", scripted.footage(100), query)
        budget = SearchBudget(8, 64)
        looker = Looker(scripted.footage(100), query, rules.scorers.look, budget, trace)
        return _TStarState(looker.video, query, trace, looker, rules)

    def test_belief_after_one_round(self, scripted):
        state = self.state(scripted, lambda t, p: 0.45 if t == 50 else 0.0, explore=0.2)
        state.visit(np.array([10, 50, 90]))
        near, far = state.belief[[48, 49, 51, 52]], state.belief[[20, 70, 80]]
        assert near.min() > 5 * far.max()
        assert state.belief[[10, 50, 90]].tolist() == [0, 0, 0]
        assert state.belief.sum() == pytest.approx(1)
        # A fifth of it is spread over the 97 seconds that are left.
        assert far == pytest.approx(0.2 / 97, rel=0.3)

    def test_scores_spread_by_distance(self, scripted):
        state = self.state(scripted, lambda t, p: 0.4 if t == 50 else 0.0)
        state.visit(np.array([50]))
        assert state.spread[50:57].tolist() == pytest.approx([0.4 / (1 + d) for d in range(6)] + [0])

    def test_belief_is_proportional_to_score(self, scripted):
        state = self.state(scripted, lambda t, p: {20: 0.4, 70: 0.2}.get(t, 0.0), explore=0.0, smoothing=1e-6)
        state.visit(np.array([5, 20, 45, 70, 95]))
        assert state.belief[21] / state.belief[71] == pytest.approx(2.0, rel=0.1)

    def test_a_target_is_confirmed_by_itself_alone(self, scripted):
        query = Query(("red star", "blue ring"), ("red flag",))
        state = self.state(scripted, lambda t, p: 0.9 if p in ("red star", "red flag") else 0.0, query)
        state.visit(np.array([30]))
        assert state.trace.found == {"red star": 30.0}

    def test_a_cue_weighs_half(self, scripted):
        query = Query(("red star",), ("red flag",))
        state = self.state(scripted, lambda t, p: 0.4 if p == "red flag" else 0.0, query)
        state.visit(np.array([30]))
        assert state.scores[30] == pytest.approx(0.2)

    def test_what_is_half_seen_is_looked_at_in_crops_and_paid_for(self, scripted):
        scorers = scripted.scorers(lambda t, p: 0.3)
        found = make_searcher("tstar", scorers, grid=1).search(scripted.footage(50), STAR, SearchBudget(4, 12))
        assert found.trace.looked == 12 == len(scorers.other.shown)
        assert sum(crop is not None for _, crop in scorers.other.shown) == 10

    def test_ends_when_all_targets_are_confirmed(self, scripted):
        scorers = scripted.scorers(lambda t, p: 0.9 if 40 <= t < 60 else 0.0)
        found = make_searcher("tstar", scorers).search(scripted.footage(100), STAR, SearchBudget(4, 100))
        assert found.trace.stopped == "all targets are confirmed"
        assert found.trace.looked < 100
        assert any(40 <= t < 60 for t in times_of(found))

    def test_no_second_is_visited_twice(self, scripted):
        scorers = scripted.scorers(lambda t, p: 0.1)
        found = make_searcher("tstar", scorers).search(scripted.footage(40), STAR, SearchBudget(4, 500))
        assert found.trace.stopped == "every second was looked at"
        assert found.trace.looked == 40


def test_best_is_apart_and_in_ties_early():
    times, scores = np.array([0.0, 1.0, 2.0, 3.0, 4.0]), np.array([1.0, 3.0, 2.0, 3.0, 1.0])
    assert best(times, scores, 3).tolist() == [1, 3, 2]
    assert best(times, scores, 3, 2.0).tolist() == [1, 3]
    assert best(times, scores, 2, 1.5, taken=[1.0]).tolist() == [3]


def test_split_by_largest_remainder():
    assert split(10, np.array([1.0, 1.0, 1.0])) == [4, 3, 3]
    assert split(3, np.array([0.5, 0.3, 0.2])) == [1, 1, 1]
    assert split(0, np.array([1.0])) == [0]
    assert split(5, np.zeros(2)) == [0, 0]
