"""Each number of the programs over time, by what changes at its edge: a question just inside it and one just outside.

Numbers without an edge (weights, trust) are held by what is computed from them.
"""

from __future__ import annotations

import math
from typing import Any

import pytest
from temporal_world import FRAME_S, World

from lvqa.temporal.compare import which
from lvqa.temporal.count import appearances
from lvqa.temporal.frame_questions import crop_at, read, times_in, vote
from lvqa.temporal.localize import Interval, Localized, boundaries, localize, measure
from lvqa.temporal.looks import LookReply, LookRequest
from lvqa.temporal.operators import count, relation
from lvqa.temporal.options import match
from lvqa.temporal.presence import Candidate, Coverage, Presence, apart_first, spread
from lvqa.temporal.result import absence, exactly_one, hidden
from lvqa.temporal.wording import chance
from lvqa.tools.eyes import run
from lvqa.types import EventRow, Span

# What three frames that agree are worth.
THREE = 1 - 0.42**3


# A look, and what many that agree are worth.


@pytest.mark.parametrize(("yes", "there"), [(0.5, 1), (0.49, 0)])
def test_even_odds_are_a_yes(yes, there):
    assert len(World({"cat": [(0, 100)]}, yes=yes).found(50).intervals) == there
    assert len(World({"cat": [(0, 100)]}, {"cat": [50]}, yes=max(yes, 0.02)).counted()) == there


def test_frames_that_agree_are_trusted_up_to_three():
    trusted = [Interval("v", Span(0, 1), 1.0, looks).support for looks in (1, 2, 3, 4)]
    assert trusted == pytest.approx([0.58, 0.8236, THREE, THREE])
    assert vote([LookReply(0, text="red")] * 5).confidence == pytest.approx(THREE)


def test_a_yes_that_nothing_confirms_leaves_half_of_it_as_doubt():
    assert World(misread=[50.0], yes=0.8).found(50).doubt == pytest.approx(0.4)
    world = World({}, {"cat": [50]}, misread=[50.0], yes=0.8)
    assert run(appearances(world.inquiry("count_events", "cat"), "cat", 9), world.look).doubt == pytest.approx(0.4)


# A search, and the ends of what it finds.


def ended(world: World, at_s: float, **given: Any) -> Interval:
    (seen,) = world.look([LookRequest("v", at_s, "cat")])
    return run(boundaries(LookRequest("v", at_s, "cat"), seen, world.within("v"), **given), world.look)


def test_ends_are_found_to_a_quarter_of_a_second_by_steps_that_double():
    world = World({"cat": [(40, 60)]}, fps=0)
    ended(world, 50)
    assert world.times[1:5] == [49.25, 50.75, 47.75, 52.25]
    halvings = [a for a in world.times if 60 < a < 62]
    assert min(halvings) - 60 <= 0.25
    assert len(world.looks) == 1 + 2 * (4 + 5)


def test_ends_are_not_looked_for_beyond_their_reach():
    # Steps end at 0.75 x (2^n - 1): the first behind 240 seconds is 383.25.
    found = ended(World({"cat": [(0, 2000)]}, seconds=2000), 1000, frame_s=FRAME_S)
    assert found.span == Span(1000 - 383.25, 1000 + 383.25 + FRAME_S)


@pytest.mark.parametrize(("left", "most_off_s"), [(16, 0.0), (15, 0.5)])
def test_ends_are_coarse_where_looks_are_few(left, most_off_s):
    world = World({"cat": [(40.25, 60.25)]}, {"cat": [50]}, left=left)
    (one,) = run(world.inquiry().find("cat"), world.look).intervals
    assert (abs(one.span.end_s - 60.25) > 0) == (most_off_s > 0)
    assert abs(one.span.end_s - 60.25) <= most_off_s


def test_coarse_ends_are_found_to_a_second():
    coarse = World({"cat": [(40, 60)]}, fps=0)
    ended(coarse, 50, resolution_s=1.0)
    told = World({"cat": [(40, 60)]}, fps=0)
    run(localize("cat", [Candidate("v", 50, 1, "x")], told.within), told.look)
    assert told.times == coarse.times


def test_a_search_alone_looks_at_two_candidates_at_a_time():
    world = World({}, {"cat": [10, 20, 30, 40]})
    run(world.inquiry().find("cat"), world.look)
    assert [len(asks) for asks in world.asked] == [2, 2]
    shared = World({}, {"cat": [10, 20]})
    run(shared.inquiry().find("cat", searches=2), shared.look)
    assert [len(asks) for asks in shared.asked] == [1, 1]
    counting = World({}, {"cat": [10, 20, 30, 40]})
    counting.counted()
    assert [len(asks) for asks in counting.asked] == [2, 2]


@pytest.mark.parametrize(
    ("left", "searches", "patience"), [(0, 1, 4), (8, 1, 4), (10, 1, 6), (20, 2, 6), (32, 1, 19), (40, 1, 20)]
)
def test_patience_follows_the_budget(left, searches, patience):
    assert World(left=left).inquiry().patience(searches) == patience


# A length.


def test_a_length_of_eight_seconds_is_measured_and_a_longer_one_is_not():
    short, long = (World({"cat": [(20, end)]}, {"cat": [24]}) for end in (28, 28.25))
    measured, told = (world.solved("duration", "cat") for world in (short, long))
    assert (measured.value, told.value) == (8, 8.25)
    assert {time for time in short.times if 20 <= time < 28} >= {20.125 + k * FRAME_S for k in range(32)}
    assert told.confidence == pytest.approx(0.95 * THREE * 0.9)
    # Another starts without both its ends.
    cut = World({"cat": [(20, 60)]}, {"cat": [24]}, budget=9).solved("duration", "cat")
    assert cut.confidence == pytest.approx(cut.shown[0][0].support * 0.4)


def measured(world: World, start_s: float, end_s: float, bounds: Span) -> Any:
    interval = Interval("v", Span(start_s, end_s), 0.9, 3)
    return run(measure("cat", interval, bounds, FRAME_S), world.look)


def test_a_second_around_is_measured_too_and_no_frame_is_trusted_further():
    world = World({"cat": [(50, 52)]}, yes=1.0)
    found = measured(world, 50, 52, Span(0, 100))
    assert 49 <= min(world.times) < 49.25
    assert 52.75 <= max(world.times) < 53.25
    assert found.interval.yes == pytest.approx(0.97)


@pytest.mark.parametrize(("end_s", "sure"), [(50.5, 0.4), (50.75, None)])
def test_a_length_takes_three_frames(end_s, sure):
    found = measured(World({"cat": [(50, 50.5)]}), 50, 50.25, Span(50, end_s))
    assert found.sure == sure if sure is not None else found.sure > 0.5


# Where a thing may be.


def test_what_is_written_and_said_is_weighed(index, scores):
    alone = Presence(index, None)
    assert {(c.by, c.score) for c in alone.candidates("a.mp4", "red star") if c.score} == {("caption", 6.0)}
    (said,) = (c for c in alone.candidates("b.mp4", "orange diamond") if c.score)
    assert (said.by, said.score) == ("speech", 3.0)
    assert said.time_s == (12.5 - 2.0 + 14.5) / 2
    plain, cued = (
        {c.time_s: c.score for c in Presence(index, scores, cues=cues).candidates("a.mp4", "white moon")}
        for cues in ((), ("black moon",))
    )
    assert {round(cued[t] - plain[t], 6) for t in plain.keys() & cued.keys()} == {0.0, 1.5}
    assert len(Presence(index, scores).candidates("a.mp4", "white moon")) == 48


def test_a_video_of_which_nothing_is_known_is_halved():
    assert len(spread(Span(0, 64))) == len(set(spread(Span(0, 64)))) == 32


def test_candidates_nearer_than_four_seconds_come_last():
    given = [Candidate("v", t, -n, "x") for n, t in enumerate((10, 13.9, 14.1, 6.0))]
    assert [c.time_s for c in apart_first(given)] == [10, 14.1, 6.0, 13.9]


# Counting. `left` of 5 looks says that there are none for ends.


@pytest.mark.parametrize(("other", "times"), [(18.5, 1), (18.75, 2)])
def test_sightings_up_to_eight_seconds_apart_may_be_one(other, times):
    assert len(World({"cat": [(0, 100)]}, {"cat": [10, other]}, left=5).counted()) == times


def test_between_two_sightings_there_is_a_look_a_second():
    world = World({"cat": [(0, 100)]}, {"cat": [10, 13.5]}, left=5)
    world.counted()
    assert [t for t in world.times if 10.5 < t < 13.5] == [11.25, 12.0, 12.75]


@pytest.mark.parametrize(("other", "looked"), [(11.5, False), (11.52, True)])
def test_a_candidate_a_second_away_adds_nothing(other, looked):
    world = World({"cat": [(10, 10.5)]}, {"cat": [10, 40, other]}, left=5)
    world.counted()
    assert (other in world.times) == looked


@pytest.mark.parametrize(("yes", "crops"), [(0.98, []), (0.97, [(0.2, 0.2, 0.8, 0.8)])])
def test_a_sighting_that_is_none_too_clear_has_to_hold_on_a_crop(yes, crops):
    world = World({"cat": [(0, 100)]}, {"cat": [10]}, left=5, yes=yes)
    assert world.counted()
    assert [pytest.approx(ask.crop) for ask in world.looks if ask.crop] == crops


@pytest.mark.parametrize(("left", "ended"), [(5, 0), (6, 1), (11, 1), (12, 2)])
def test_ends_of_appearances_take_six_looks_each(left, ended):
    spans = World({"cat": [(10, 14), (40, 44)]}, {"cat": [11, 41]}, left=left, yes=0.99).counted()
    assert sum(span.duration_s > 2 for span in spans) == ended


def test_at_most_twelve_appearances_are_counted():
    times = [10 * n for n in range(1, 15)]
    world = World({"cat": [(t, t + 1) for t in times]}, {"cat": times}, seconds=200.0, yes=0.99)
    assert world.solved("count_events", "cat").value == 12


# Comparing.


def beside(candidates: list[Any], spans: list[tuple[float, float]], **given: Any) -> Any:
    """Whether a cat comes before a dog, which is there at 95 seconds."""
    world = World({"cat": spans, "dog": [(90, 96)]}, {"cat": candidates, "dog": [95]}, **given)
    return world.solved("before_after", "cat", "dog")


@pytest.mark.parametrize(("score", "first"), [(5.0, "00:00:11"), (4.9, "00:00:51")])
def test_what_is_half_as_likely_is_looked_at_before_a_sighting(score, first):
    assert f"cat at {first}" in beside([(51, 10.0), (11, score)], [(10, 12), (50, 52)]).text


def test_three_further_sightings_are_looked_for():
    times = [60, 50, 40, 30, 20]
    found = beside([(t, 10.0 - n) for n, t in enumerate(times)], [(t, t + 1) for t in times])
    assert "cat at 00:00:30" in found.text


@pytest.mark.parametrize(("refused", "first"), [(1, "00:00:10"), (2, "00:01:00")])
def test_two_refusals_end_a_further_search(refused, first):
    rivals = [(60, 10.0), *((40.0 - 10 * n, 9.0) for n in range(refused)), (10, 8.0)]
    assert f"cat at {first}" in beside(rivals, [(10, 11), (60, 61)]).text


@pytest.mark.parametrize(("tried", "found"), [(15, True), (16, False)])
def test_what_was_not_found_is_looked_for_three_times_more(tried, found):
    # With seven looks left a search takes four refusals: four times four candidates are looked at.
    times = [5.0 * n for n in range(1, tried + 1)]
    assert beside([*times, 94], [(94, 95)], left=7).found == found


@pytest.mark.parametrize(("at", "why"), [(3.75, "a dog is there from the beginning"), (4.0, "")])
def test_what_is_there_for_four_seconds_is_there_from_the_beginning(at, why):
    world = World({"dog": [(at, 50)], "cat": [(0, 3)]}, {"dog": [at], "cat": [1]})
    given = world.solved("before_after", "dog", options=["a cat", "a cow"], side="before", among=True)
    assert given.why == why


@pytest.mark.parametrize(("left", "seconds"), [(7, [0.25, 0.25]), (8, [4, 0.25]), (16, [4, 4])])
def test_ends_of_what_is_compared_take_eight_looks_each(left, seconds):
    world = World({"cat": [(10, 14)], "dog": [(40, 44)]}, {"cat": [11], "dog": [41]}, left=left)
    given = world.solved("first_last", "cat", "dog", side="first")
    assert [one.span.duration_s for one, _ in given.shown] == pytest.approx(seconds, abs=1.0 if left > 7 else 1e-9)


@pytest.mark.parametrize(("yes", "found"), [(0.55, True), (0.53, False)])
def test_a_video_shows_a_thing_from_even_odds_on(yes, found):
    world = World({"cat": [(0, 100)]}, {"cat": [50]}, yes=yes)
    assert world.solved("across", "cat", videos=("v", "w"), both="which").found == found


def test_what_both_videos_show_is_true_and_what_one_lacks_is_not():
    everywhere = World({"cat": [(0, 100)]}, {"cat": [50]})
    assert everywhere.solved("across", "cat", videos=("v", "w"), both="both").value is True
    nowhere = World({}, {"cat": [50]})
    assert nowhere.solved("across", "cat", videos=("v", "w"), both="both").value is False


def test_a_search_that_the_budget_ended_at_once_shows_a_thing_in_no_video():
    world = World({"cat": [(0, 100)]}, {"cat": [50]}, budget=0, coverage=Coverage(math.inf, 0.0))
    assert not world.solved("across", "cat", videos=("v", "w"), both="which").found


@pytest.mark.parametrize(("share", "found"), [(0.53, True), (0.54, False)])
def test_options_that_were_not_found_are_no_answer(share, found):
    # Not found: 0.6 of what is hidden, 1 - 0.94 share; 0.3 is where it ends.
    world = World({}, {"cat": [50], "dog": [60]}, coverage=Coverage(0.5, share))
    inquiry = world.inquiry("existence", options=["a cat", "a dog"], among=True)
    assert run(which(inquiry, lambda there: there), world.look).found == found


def test_how_far_an_order_is_trusted():
    support = 0.95 * THREE
    unseen = {"coverage": Coverage(math.inf, 0.0)}
    assert beside([51], [(50, 52)]).confidence == pytest.approx(support**2 * (1 - 0.3 * 0.06))
    assert beside([51], [(50, 52)], **unseen).confidence == pytest.approx(support**2 * (1 - 0.3 * 0.7))
    world = World({"cat": [(50, 52)]}, {"cat": [51], "dog": [10]}, **unseen)
    first = world.solved("first_last", options=["a cat", "a dog"], side="first", among=True)
    assert first.confidence == pytest.approx(support * (1 - 0.3 * 0.7) * (1 - 0.5 * 0.6 * 0.7))


def test_one_missing_thing_leaves_the_orders_that_fit():
    world = World({"cat": [(10, 12)], "dog": [(40, 42)]}, {"cat": [11], "dog": [41], "cow": [60]})
    options = ["cat, dog, cow", "cow, cat, dog", "dog, cat, cow"]
    given = world.solved("order", "cat", "dog", "cow", options=options)
    assert given.choice == 0
    assert given.confidence == pytest.approx((0.95 * THREE) ** 2 * (1 - 0.3 * 0.06) * 0.9 / 2)


# Readings.


@pytest.mark.parametrize(("silent", "text"), [(3, "top"), (4, "")])
def test_a_frame_hides_a_thing_more_easily_than_it_invents_one(silent, text):
    assert vote([*[LookReply(0, text="top")] * 2, *[LookReply(0, text="nowhere")] * silent]).text == text


def test_three_frames_vote_and_two_show_a_sign():
    assert times_in(Span(0, 9)) == [1.5, 4.5, 7.5]
    world = World({"cat": [(0, 100)]}, {"cat": [50]}, says="k7")
    world.solved("sign", "flag", at=Span(0, 8))
    assert [ask.time_s for ask in world.looks if ask.about.startswith("where")] == [2, 6]


def test_where_a_sign_is_read_and_read_again():
    assert crop_at(0.5, 0.5) == (0.375, 0.375, 0.625, 0.625)
    world = World(says="middle")
    world.one, told = (lambda ask: LookReply(ask.time_s, text="none" if ask.crop else "middle")), world.looks
    run(read("v", [5.0], "flag"), world.look)
    lefts, tops = zip(*(ask.crop[:2] for ask in world.looks if ask.crop), strict=True)
    assert lefts == pytest.approx([0.375, 0.435, 0.315, 0.375, 0.375])
    assert tops == pytest.approx([0.375, 0.375, 0.375, 0.435, 0.315])
    assert not told


def test_of_a_sign_what_was_read_and_not_what_the_budget_left_out_counts():
    world = World(says="middle")
    answers = iter(["middle", "middle", None, "k7", "k7", "k7"])
    world.one = lambda ask: None if (said := next(answers)) is None else LookReply(ask.time_s, text=said)
    found = run(read("v", [5.0, 6.0], "flag"), world.look)
    assert found.text == "k7"
    readings = iter(["middle", "none", "k7"])
    world.one = lambda ask: LookReply(ask.time_s, text=next(readings))
    assert run(read("v", [5.0], "flag"), world.look).confidence == vote([LookReply(5.0, text="k7")]).confidence
    unread = iter(["middle", "middle", None, "none", None])
    world.one = lambda ask: None if (said := next(unread, "k7")) is None else LookReply(ask.time_s, text=said)
    assert run(read("v", [5.0, 6.0], "flag"), world.look).text == "k7"


@pytest.mark.parametrize(("end_s", "searched"), [(10, False), (10.5, True)])
def test_a_short_stretch_is_looked_at_as_it_is_named(end_s, searched):
    world = World({"cat": [(0, 100)]}, {"cat": [5]})
    world.solved("place", "cat", at=Span(0, end_s))
    assert any(not ask.says for ask in world.looks) == searched


def test_when_tells_of_two_times():
    times = (10, 30, 50, 70)
    given = World({"cat": [(t, t + 1) for t in times]}, {"cat": times}).solved("when", "cat")
    assert given.text.count("also") == 1
    assert len(given.shown) == 2


# Confidence.


@pytest.mark.parametrize(
    ("spacing_s", "share", "missed"),
    [(0.3, 1, 0.06), (0.5, 1, 0.06), (0.6, 1, 0.08), (1, 1, 0.16), (2, 1, 0.36), (3, 1, 0.39), (9, 1, 0.57),
     (0.5, 0.5, 0.53), (99, 1, 0.7), (math.inf, 0, 0.7)],
)  # fmt: skip
def test_what_leaves_no_trace_in_an_index(spacing_s, share, missed):
    assert hidden(Coverage(spacing_s, share)) == pytest.approx(missed)


def test_how_surely_there_is_no_more():
    seen, refused = [Coverage(0.5, 1.0)], [Candidate("v", 1, 1, "x")]
    assert absence(Localized(), seen) == pytest.approx(0.94)
    assert absence(Localized(), []) == pytest.approx(0.3)
    assert absence(Localized(left=3), seen) == pytest.approx(0.94 * 0.5)
    assert absence(Localized(refused=refused, left=3), seen) == pytest.approx(0.94)
    assert absence(Localized(starved=True), seen) == pytest.approx(0.94 * 0.7)
    assert absence(Localized(doubt=0.4), seen) == pytest.approx(0.94 * 0.8)
    assert chance(World().inquiry(), Localized()) == pytest.approx(0.6 * 0.06)


def test_no_chance_is_taken_for_none():
    odds = [0.01 / 0.99, 0.01 / 0.99, 0.05 / 0.95]
    assert exactly_one([0.0, 0.0, 0.05]) == (2, pytest.approx(odds[2] / sum(odds)))


# Options, and rows of notes.


@pytest.mark.parametrize(
    ("value", "option", "fit"),
    [(Span(10, 11), "0:14-0:16", 0.6), (Span(10, 11), "0:15-0:16", None), (2.25, "2", 1.0), (2.35, "2", 0.6),
     (2.7, "2", 0.6), (2.8, "2", 0.35), (3.5, "2", 0.35), (3.6, "2", None), ("red", "a red star", 0.9),
     ("k7", "k1", 0.4)],
)  # fmt: skip
def test_how_well_an_option_fits(value, option, fit):
    assert match(value, [option]) == ((0, fit) if fit is not None else (None, 0.0))


@pytest.mark.parametrize(("start_s", "times"), [(13.0, 1), (13.1, 2)])
def test_rows_two_seconds_apart_are_one_happening(start_s, times):
    rows = [EventRow("x", "v", Span(10, 11), 0.9), EventRow("x", "v", Span(start_s, 14), 0.9)]
    assert len(count(rows).rows) == times


@pytest.mark.parametrize(("start_s", "said"), [(10.24, "together"), (10.25, "before")])
def test_starts_a_quarter_of_a_second_apart_are_told_apart(start_s, said):
    found = relation([EventRow("x", "v", Span(10, 11), 0.9)], [EventRow("y", "v", Span(start_s, 14), 0.9)])
    assert found is not None
    assert found.relation == said
