"""Our own search: what the index tells it, how belief moves, when it confirms, when it stops."""

from __future__ import annotations

import zlib
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lvqa.types import Note, Span
from lvqa.zoom import Query, SearchBudget, make_searcher
from lvqa.zoom.belief import Belief, BeliefRules
from lvqa.zoom.footage import Region
from lvqa.zoom.prior import Prior, prior
from lvqa.zoom.salience import peaks, within_reach

STAR = Query(("red star",))
CUED = Query(("red star",), ("red flag",))


def note(start_s, end_s, text, source="caption"):
    return Note(f"{source}{start_s}", "v", None, Span(start_s, end_s), text, source)


def there(time_s, phrase):
    return 0.998 if 200 <= time_s < 203 and phrase == "red star" else 0.02


def dim(time_s, phrase):
    return 0.5 if 200 <= time_s < 203 else 0.2 + 0.02 * np.sin(time_s)


def search(scripted, says, query=STAR, seconds=600, frames=64, k=4, cosine=None, seed=0, **given):
    rules = {name: given.pop(name) for name in list(given) if name in ("occasions", "fill", "explore", "look_cost")}
    scorers = scripted.scorers(says, query.things if cosine else (), cosine or (lambda t, p: 0.0))
    known = scripted.channel(seconds, query.things, cosine) if cosine else None
    video = scripted.footage(seconds, channel=known, **given)
    return make_searcher("lvqa", scorers, **rules).search(video, query, SearchBudget(k, frames), seed), scorers.other


class TestPrior:
    def test_captions_speech_and_frames_add_up(self, scripted):
        notes = [
            note(100, 108, "grass, a red star at the left"),
            note(300, 303, "Look, a red star!", "speech"),
            note(400, 408, "grass, a red ring, a blue star"),
        ]
        known = scripted.channel(600, STAR.things, dim)
        video = scripted.footage(600, channel=known, notes=notes)
        told = prior(video, STAR, scripted.scorers(None, STAR.things).similarity)
        scores = (told.own + told.context)[:, 0]
        assert told.informed
        assert scores[100:108].min() > scores[300] > np.median(scores) + 1
        assert scores[201] > scores[100]
        assert abs(scores[404] - np.median(scores)) < 3

    def test_a_cue_reaches_its_surroundings(self, scripted):
        video = scripted.footage(600, notes=[note(250, 258, "grass, a large red flag at the top")])
        scores = prior(video, CUED, None).context[:, 0]
        assert scores[245] == scores[254] == scores[262] > scores[240] == scores[270]

    def test_recall_brings_its_regions(self, scripted):
        video = scripted.footage(600, regions=[Region(Span(60, 70), 0.9), Region(Span(500, 505), 0.1)])
        scores = prior(video, STAR, None).context[:, 0]
        assert scores[65] > scores[502] > scores[300]

    def test_a_frame_of_the_index_between_two_seconds_is_a_moment_of_its_own(self, scripted):
        def blink(time_s, phrase):
            return 0.5 if 200.25 <= time_s < 200.75 else dim(0.0, phrase)

        known = scripted.channel(600, STAR.things, blink)
        times = np.sort(np.append(known.times_s, [200.5, 300.5]))
        known = replace(known, times_s=times, vectors=scripted.vectors_of(times, STAR.things, blink))
        video = scripted.footage(600, channel=known)
        told = prior(video, STAR, scripted.scorers(None, STAR.things).similarity)
        assert told.moments.tolist() == times.tolist()
        assert told.moments[told.own[:, 0].argmax()] == 200.5
        found, _ = search(scripted, lambda t, p: 0.998 * (200.25 <= t <= 200.75), frames=8, seconds=600)
        assert not found.trace.found
        scorers = scripted.scorers(lambda t, p: 0.998 * (200.25 <= t <= 200.75), STAR.things, blink)
        found = make_searcher("lvqa", scorers).search(video, STAR, SearchBudget(4, 8))
        assert found.trace.found == {"red star": 200.5}
        assert len(found.trace.belief) == 512

    def test_without_an_index_it_is_flat(self, scripted):
        told = prior(scripted.footage(60), CUED, None)
        assert not told.informed
        assert np.ptp(told.own + told.context) == 0


class TestBelief:
    def belief(self, query=STAR, seconds=100, **rules):
        n = len(query.targets)
        flat = Prior(np.arange(seconds, dtype=float), np.zeros((seconds, n)), np.zeros((seconds, n)), False)
        return Belief(query, flat, BeliefRules(**rules), 0.25, Span(0, seconds))

    def test_adds_up_to_one_with_nowhere(self):
        belief = self.belief(nowhere=0.25)
        assert belief.shares([0]).sum() == pytest.approx(0.8)

    def test_not_seeing_lowers_what_is_near(self):
        belief = self.belief()
        belief.see(50, np.array([0.0]))
        shares = belief.shares([0])
        assert shares[50] == 0
        assert shares[49] < shares[48] < shares[45] < shares[20]

    def test_half_seeing_raises_what_is_near(self):
        belief = self.belief()
        belief.see(50, np.array([0.4]))
        shares = belief.shares([0])
        assert shares[51] > shares[53] > shares[20]

    def test_a_cue_raises_and_its_absence_lowers(self):
        seen, missed, none = self.belief(CUED), self.belief(CUED), self.belief(CUED)
        seen.see(50, np.array([0.0, 0.95]))
        missed.see(50, np.array([0.0, 0.0]))
        none.see(50, np.array([0.0, 0.5]))
        at = [belief.shares([0])[54] for belief in (seen, none, missed)]
        assert at[0] > at[1] > at[2]

    def test_many_sights_of_one_cue_are_one_cue(self):
        once, often = self.belief(CUED), self.belief(CUED)
        once.see(50, np.array([0.5, 0.95]))
        for row in (48, 49, 50, 51):
            often.see(row, np.array([0.5, 0.95]))
        assert often.cue.max() == pytest.approx(once.cue.max())
        flat = Prior(np.arange(100.0), np.zeros((100, 1)), np.full((100, 1), 5.0), True, np.full(100, 5.0))
        told = Belief(CUED, flat, BeliefRules(), 0.25, Span(0, 100))
        told.see(50, np.array([0.0, 0.95]))
        assert told.cue.max() == 0

    def test_refining_halves_the_step_down_to_the_frame(self):
        belief = self.belief()
        belief.refine(50)
        assert belief.times_s[49:54].tolist() == [49, 49.5, 50, 50.5, 51]
        belief.refine(int(np.searchsorted(belief.times_s, 50.5)))
        assert {50.25, 50.75} <= set(belief.times_s)
        belief.refine(int(np.searchsorted(belief.times_s, 50.25)))
        assert not {50.125, 50.375} & set(belief.times_s)
        assert belief.times_s.tolist() == sorted(belief.times_s)
        assert len(belief.by_second(belief.shares([0]))) == 100


class TestSearch:
    def test_the_index_tells_where_and_few_looks_confirm_it(self, scripted):
        found, _ = search(scripted, there, cosine=dim)
        assert found.trace.stopped == "all targets are confirmed"
        assert found.trace.looked <= 4
        assert 200 <= found.trace.found["red star"] < 203
        assert [200 <= frame.time_s < 203 for frame in found.keyframes] == [True]

    def test_captions_alone_tell_too(self, scripted):
        found, _ = search(scripted, there, notes=[note(198, 206, "grass, a red star"), note(0, 8, "grass")])
        assert found.trace.found
        assert found.trace.looked <= 12

    def test_a_second_frame_has_to_show_it(self, scripted):
        found, _ = search(scripted, lambda t, p: 0.97 if t == 201 else 0.02, cosine=dim)
        assert not found.trace.found
        assert all(frame.score < 0.5 for frame in found.keyframes)

    def test_what_is_half_seen_is_looked_at_in_crops(self, scripted):
        found, looker = search(scripted, lambda t, p: 0.3 if 200 <= t < 203 else 0.02, cosine=dim)
        crops = [(t, crop) for t, crop in looker.shown if crop is not None]
        assert all(200 <= t < 203 for t, _ in crops)
        assert len(crops) % 5 == 0
        assert crops
        assert found.trace.looked == len(looker.shown)

    def test_it_stops_where_no_look_is_worth_its_cost(self, scripted):
        found, _ = search(scripted, lambda t, p: 0.01, cosine=dim, frames=500)
        assert found.trace.stopped == "no look is worth its cost"
        assert found.trace.looked < 250

    def test_without_an_index_it_looks_everywhere(self, scripted):
        found, looker = search(scripted, lambda t, p: 0.01, frames=60)
        assert found.trace.stopped == "the budget is spent"
        gaps = np.diff(sorted(t for t, _ in looker.shown))
        assert gaps.max() < 60

    def test_a_cue_that_is_seen_leads_to_its_target(self, scripted):
        def says(time_s, phrase):
            if phrase == "red flag":
                return 0.95 if 190 <= time_s < 214 else 0.02
            return there(time_s, phrase)

        with_cue = [search(scripted, says, CUED, frames=150, seed=s)[0].trace for s in range(5)]
        without = [search(scripted, there, STAR, frames=150, seed=s)[0].trace for s in range(5)]
        assert sum(bool(t.found) for t in with_cue) >= 4
        assert sum(t.looked for t in with_cue) < sum(t.looked for t in without)

    def test_every_target_is_looked_for(self, scripted):
        query = Query(("red star", "blue ring"))

        def says(time_s, phrase):
            return (
                0.97 if (20 <= time_s < 24) == (phrase == "blue ring") and (time_s < 24 or 70 <= time_s < 74) else 0.01
            )

        found, _ = search(scripted, says, query, seconds=100, frames=100)
        assert set(found.trace.found) == {"red star", "blue ring"}

    def test_several_occasions(self, scripted):
        def says(time_s, phrase):
            return 0.97 if time_s % 100 < 3 else 0.01

        found, _ = search(
            scripted,
            says,
            cosine=lambda t, p: 0.5 if t % 100 < 3 else 0.2 + 0.02 * np.sin(t),
            occasions=4,
            k=4,
            frames=80,
        )
        assert len(found.keyframes) == 4
        assert all(frame.time_s % 100 < 3 and frame.score > 0.5 for frame in found.keyframes)
        assert min(np.diff([frame.time_s for frame in found.keyframes])) > 50

    def test_with_nothing_to_look_with_the_belief_chooses(self, scripted):
        found, _ = search(scripted, None, cosine=dim, k=10, explore=0.2)
        inside = [200 <= frame.time_s < 203 for frame in found.keyframes]
        assert len(inside) == 10
        assert sum(inside) == 3
        assert sum(frame.score == 0 for frame in found.keyframes) == 2
        assert found.trace.looked == 0

    def test_filled_up_where_asked(self, scripted):
        found, _ = search(scripted, there, cosine=dim, k=6, fill=True)
        assert len(found.keyframes) == 6
        assert sum(frame.score > 0.5 for frame in found.keyframes) == 1


def test_peaks_and_reach():
    times = np.arange(10.0)
    score = np.array([0, 1, 5, 4, 0, 0, 3, 0, 0, 0.0])
    assert peaks(times, score, 3, apart_s=2.0) == [2, 6, 0]
    assert within_reach(times, score, 1.0).tolist() == [1, 5, 5, 5, 4, 3, 3, 3, 0, 0]
    assert within_reach(times[:1], score[:1], 5.0).tolist() == [0]


def chance(seed, *, shares=(0.9, 0.04, 0.03, 0.02, 0.01)):
    """Presence by the toss of a die for each time and phrase: mostly nothing, now and then half seen, or clear."""
    edges = np.cumsum(shares)

    def says(time_s, phrase):
        drawn = (zlib.crc32(f"{seed} {time_s:.3f} {phrase}".encode()) % 10_000) / 10_000
        return (0.02, 0.3, 0.7, 0.9, 0.999)[int(np.searchsorted(edges, drawn, side="right").clip(0, 4))]

    return says


class TestMoreNeverLoses:
    BUDGETS = (8, 16, 32, 64, 128)

    @settings(max_examples=60, deadline=None)
    @given(st.integers(0, 10_000), st.sampled_from([1, 2]), st.booleans(), st.booleans())
    def test_what_a_smaller_budget_found_a_larger_one_does(self, scripted, seed, occasions, fill, indexed):
        """Found is what was looked at; where a search ended before its budget, all that it returned."""
        query = Query(("red star", "blue ring"), ("red flag",))
        cosine = (lambda t, p: dim(t + len(p), p)) if indexed else None
        before: set[float] = set()
        for budget in self.BUDGETS:
            given = {"occasions": occasions, "fill": fill, "cosine": cosine, "seed": seed % 7}
            found, eye = search(scripted, chance(seed), query, 300, budget, budget, **given)
            assert found.trace.looked == len(eye.shown) <= budget
            times = {frame.time_s for frame in found.keyframes}
            near = 5.0 if occasions > 1 else 1e-3
            assert all(any(abs(time_s - other) < near for other in times) for time_s in before)
            looked = {time_s for time_s, crop in eye.shown if crop is None}
            before = times & looked if found.trace.stopped == "the budget is spent" else times

    def test_what_later_looks_tell_better_is_not_kept(self, scripted):
        """What nobody looked at fills the places of a small budget, and none beside what a larger one confirms."""
        for seed in range(5):
            found, _ = search(scripted, there, cosine=lambda t, p: 0.3, k=8, frames=512, seed=seed)
            assert found.trace.found
            assert [frame.time_s for frame in found.keyframes] == list(found.trace.found.values())

    def test_what_a_stage_could_not_confirm_the_next_one_confirms(self, scripted):
        """Seven looks show nothing, the eighth does: with a budget of eight it is unconfirmed, with more it is not."""
        counts: set[tuple[bool, bool]] = set()
        for seed in range(30):
            at_8, _ = search(scripted, lambda t, p: 0.998 * (t % 11 < 2), frames=8, seconds=600, seed=seed)
            at_16, _ = search(scripted, lambda t, p: 0.998 * (t % 11 < 2), frames=16, seconds=600, seed=seed)
            counts.add((bool(at_8.trace.found), bool(at_16.trace.found)))
            assert set(at_8.trace.found) <= set(at_16.trace.found)
        assert (False, True) in counts
        assert (True, True) in counts

    def test_a_search_that_ends_before_its_budget_is_the_same_with_any(self, scripted):
        small, _ = search(scripted, there, cosine=dim, frames=8)
        large, _ = search(scripted, there, cosine=dim, frames=128)
        assert small.trace.stopped == large.trace.stopped == "all targets are confirmed"
        assert small.keyframes == large.keyframes
        assert small.trace.rounds == large.trace.rounds

    def test_what_was_not_confirmed_stays_below_a_half(self, scripted):
        for seed in range(20):
            found, _ = search(scripted, chance(seed), k=64, frames=64, seconds=300, seed=seed)
            told = set(found.trace.found.values())
            assert all(frame.score < 0.5 for frame in found.keyframes if frame.time_s not in told)
