"""Each number of the programs of changes, and what two things at once and the first of one thing come to.

As in `test_rules`: by what changes at a number's edge, or by what is computed from it.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from temporal_world import FRAME_S, World

from lvqa.temporal import is_cut
from lvqa.temporal.change_searches import ChangePresence
from lvqa.temporal.localize import Interval
from lvqa.temporal.presence import Coverage
from lvqa.temporal.result import Result
from lvqa.types import Span

# What two and three frames that agree are worth.
TWO, THREE = 1 - 0.42**2, 1 - 0.42**3
SQUARE = "green square"
# Captions of a square in which one, of 50 seconds, does not tell of it.
AROUND_50 = [(44, 48, "a green square"), (48, 52, "a wall"), (52, 56, "a green square")]


def gap_of(start_s: float, end_s: float, **given: Any) -> World:
    """A square that is gone between two times."""
    things = {SQUARE: [(0, start_s), (end_s, 100)], **given.pop("things", {})}
    return World(things, captions=AROUND_50, **{"says": "none", **given})


def vanishing(world: World, op: str = "when", **given: Any) -> Result:
    return world.solved(op, SQUARE, change="vanish", **given)


def telling(*rows: tuple[str, float, float, str]) -> Callable[[str, float], str]:
    """Of (word of the question, from, to, reply) the reply of the first that holds."""

    def says(about: str, pts_s: float) -> str:
        return next((text for word, start, end, text in rows if word in about and start <= pts_s < end), "none")

    return says


# A gap, and where it ends.


@pytest.mark.parametrize("options", [(), ("00:00:49-00:00:51",)])
@pytest.mark.parametrize(("yes", "no", "found"), [(0.2, 0.199, True), (0.95, 0.2, False), (0.199, 0.0, False)])
def test_below_a_fifth_a_thing_is_gone(yes, no, found, options):
    given = vanishing(gap_of(49.5, 51, yes=yes, no=no), options=options)
    assert given.found == found
    if found:
        assert given.value == Span(49.5, 51)
        assert given.shown[0][0].yes == pytest.approx(1 - no)


@pytest.mark.parametrize(
    ("start_s", "end_s", "found"), [(42.25, 54, True), (42, 51, False), (49, 54.25, False), (49, 57, False)]
)
def test_a_thing_is_gone_for_less_than_eight_seconds_on_either_side(start_s, end_s, found):
    # Steps double: 1, 2, 4, and 8 before it, which is within the reach; 8 after it is not.
    world = gap_of(start_s, end_s)
    assert vanishing(world).found == found
    assert world.times[:3] == [50, 49, 51]


@pytest.mark.parametrize("budget", [0, 1, 2])
def test_where_the_budget_ends_before_both_sides_are_seen_nothing_is_gone(budget):
    assert not vanishing(gap_of(49.5, 51, budget=budget)).found


@pytest.mark.parametrize("options", [(), ("00:00:49-00:00:51",)])
@pytest.mark.parametrize(("end_s", "found"), [(50.25, False), (50.5, True)])
def test_a_gap_of_one_frame_is_misread(end_s, found, options):
    assert vanishing(gap_of(50, end_s), options=options).found == found


def test_three_gaps_are_looked_into_at_a_time():
    captions = [(40 + 2 * n, 42 + 2 * n, "a wall" if n % 2 else "a green square") for n in range(9)]
    world = World({SQUARE: [(0, 100)]}, captions=captions)
    assert not vanishing(world).found
    assert [[ask.time_s for ask in asks] for asks in world.asked] == [[43, 47, 51], [55]]


@pytest.mark.parametrize(("left", "looks"), [(0, 0), (1, 6), (10, 6), (12, 9)])
def test_gaps_are_looked_into_as_far_as_patience_goes(left, looks):
    captions = [(20 + 2 * n, 22 + 2 * n, "a wall" if n % 2 else "a green square") for n in range(30)]
    world = World({SQUARE: [(0, 100)]}, captions=captions, left=left)
    assert not vanishing(world).found
    assert len(world.looks) == looks


# Stays, and what tells of a gap in one.


def presence(captions: Any, **cosines: Any) -> ChangePresence:
    given: Any = World(captions=captions, cosines={name.replace("_", " "): row for name, row in cosines.items()})
    return ChangePresence.of(given)


@pytest.mark.parametrize(("start_s", "stays"), [(24.0, 1), (24.1, 2)])
def test_captions_up_to_twelve_seconds_apart_tell_of_one_stay(start_s, stays):
    told = presence([(10, 12, "a green square at the top"), (start_s, 26, "a green square at the left")])
    assert len(told.runs("v", SQUARE)) == stays
    moves = [row for row in told.shifts("v", SQUARE) if row[2] > 0]
    assert len(moves) == (stays == 1)


@pytest.mark.parametrize(
    ("start_s", "end_s", "may"), [(29.9, 32, True), (30, 32, False), (14, 16.1, True), (14, 16, False)]
)
def test_a_thing_may_be_gone_up_to_four_seconds_around_a_stay(start_s, end_s, may):
    told = presence([(20, 26, "a green square"), (start_s, end_s, "a wall")])
    dips = told.dips("v", SQUARE)
    assert [(c.time_s, c.score, c.by) for c in dips] == [((start_s + end_s) / 2, 6.0, "caption")] * may


def test_being_in_a_stay_and_among_what_is_usual_is_weighed():
    told = presence([(20, 26, "a green square")], green_square=np.full(200, 0.3))
    scores = {c.time_s: c.score for c in told.dips("v", SQUARE)}
    assert len(scores) == 48
    assert {t for t, score in scores.items() if score == pytest.approx(3.0)} == set(range(16, 30))
    assert {round(score, 6) for score in scores.values()} == {1.0, 3.0}


@pytest.mark.parametrize(("frames", "score"), [(20, 0.0), (19, 1.0)])
def test_without_a_stay_a_tenth_of_a_video_tells_what_is_usual(frames, score):
    told = presence([], green_square=[*[0.1] * (200 - frames), *[0.3] * frames])
    scores = {c.time_s: c.score for c in told.dips("v", SQUARE)}
    assert scores[10.0] == pytest.approx(score)
    assert max(scores.values()) == pytest.approx(1.0)


def test_what_a_thing_turns_into_tells_of_a_gap():
    red = np.zeros(200)
    red[140] = 0.3
    told = presence([(20, 26, "a green square")], green_square=np.full(200, 0.3), red_square=red)
    assert told.dips("v", SQUARE, "red square")[0].time_s == 70
    assert told.dips("v", SQUARE)[0].time_s == 16


@pytest.mark.parametrize(("end_s", "inside"), [(26, (20.5, 25.5)), (21.5, (20.5, 21.0)), (20.8, (20.5, 20.75))])
def test_a_stay_is_looked_at_half_a_second_inside_its_ends(end_s, inside):
    assert presence([(20, end_s, "a green square")]).shifts("v", SQUARE) == [(*inside, 0.0)]


# What a gap means.


def test_cuts_are_looked_for_three_tenths_of_a_second_around_the_ends():
    world = gap_of(49.5, 51)
    vanishing(world)
    assert world.compared == [pytest.approx((49.2, 49.8)), pytest.approx((50.7, 51.3))]
    assert [ask.time_s for ask in world.looks if ask.about.startswith("where")] == [pytest.approx(49.2)]
    assert [ask.time_s for ask in world.looks if ask.about.startswith("what")] == [49.875, 50.625]


@pytest.mark.parametrize(("cut_s", "found"), [(49.75, False), (50.75, False), (49.85, True), (51.35, True)])
def test_what_a_cut_hides_is_not_gone(cut_s, found):
    assert vanishing(gap_of(49.5, 51, cuts=[cut_s])).found == found


CHANGES = ("vanish", "recolour")


def red(yes: float = 0.95, colour: str = "red") -> World:
    """A square that is there before and after a time at which there is a red one, or at which a colour is named."""
    things = {"red square in the middle": [(49.5, 51)]}
    says = telling(("where", 0, 100, "middle"), ("what", 0, 100, colour))
    return gap_of(49.5, 51, things=things, says=says, yes=yes)


@pytest.mark.parametrize(("yes", "change"), [(0.5, "recolour"), (0.49, "vanish")])
@pytest.mark.parametrize("options", [(), ("00:00:49-00:00:51",)])
def test_another_colour_is_there_from_even_odds_on(yes, change, options):
    founds = {change: red(yes).solved("when", SQUARE, change=change, options=options) for change in CHANGES}
    assert [change for change, given in founds.items() if given.found] == [change]


def test_how_sure_another_colour_is():
    # Two frames name it; of what is asked for surely the surer frame counts.
    given = red().solved("attribute", SQUARE, change="recolour")
    assert (given.value, given.text) == ("red", "red (00:00:49.500-00:00:51.000 of v)")
    assert given.confidence == pytest.approx(THREE * TWO)
    assert red(0.6).solved("attribute", SQUARE, change="recolour").confidence == pytest.approx(THREE * 0.6)
    assert red().solved("attribute", SQUARE, change="recolour", options=["red", "blue"]).text == "red"
    assert not red().solved("attribute", SQUARE, change="recolour", to="blue").found
    assert not vanishing(gap_of(49.5, 51), "attribute").found


def test_how_sure_it_is_that_a_thing_is_gone():
    assert vanishing(gap_of(49.5, 51)).confidence == pytest.approx(THREE * 0.9)
    assert vanishing(red(colour="blue")).confidence == pytest.approx(THREE * 0.8)
    assert vanishing(red(colour="green")).confidence == pytest.approx(THREE * 0.6)
    whole = gap_of(49.5, 51)
    vanishing(whole)
    ends = [ask.says for ask in whole.looks].index(True)
    assert vanishing(gap_of(49.5, 51, budget=ends)).confidence == pytest.approx(THREE * 0.4)
    assert not vanishing(gap_of(49.5, 51, budget=0)).found


@pytest.mark.parametrize(("start_s", "measured"), [(43, True), (42.75, False)])
def test_a_gap_of_eight_seconds_is_measured_and_a_longer_one_is_not(start_s, measured):
    world = gap_of(start_s, 51)
    given = vanishing(world, "duration")
    assert given.value == 51 - start_s
    frames = {start_s + FRAME_S * (k + 0.5) for k in range(round((51 - start_s) / FRAME_S))}
    assert (frames <= set(world.times)) == measured
    if not measured:
        assert given.confidence == pytest.approx(THREE * 0.9)


# A cut, on pictures.


def pictures(difference: Any) -> tuple[np.ndarray, np.ndarray]:
    """Two pictures of 144 by 144 that differ by so much, which is broadcast."""
    before = np.full((144, 144, 3), 120, np.float32)
    return before, before + np.broadcast_to(np.asarray(difference, np.float32), before.shape)


@pytest.mark.parametrize(("difference", "cut"), [(6.0, False), (6.01, True), (-6.01, True)])
def test_a_picture_has_changed_from_a_difference_of_six_on(difference, cut):
    assert is_cut(*pictures(difference)) == cut


@pytest.mark.parametrize(("columns", "cut"), [(60, False), (84, True)])
def test_a_change_of_half_a_picture_is_no_cut(columns, cut):
    assert is_cut(*pictures(20.0 * (np.arange(144) < columns)[:, None])) == cut


def test_pictures_are_compared_by_twelve_blocks_a_side():
    # What evens out within a twelfth of a side, and in no block of another size.
    wave = np.where(np.arange(144) % 12 < 6, 100.0, -100.0)
    before, rows = pictures(wave[:, None, None])
    _, columns = pictures(wave[:, None])
    assert not is_cut(before, rows)
    assert not is_cut(before, columns)
    assert is_cut(before[:132], rows[:132])
    assert is_cut(before[:, :132], columns[:, :132])


# A move.


def moving(says: Any, captions: Any = (), **given: Any) -> World:
    captions = captions or [(40, 44, "a green square at the top"), (44, 48, "a green square at the left")]
    return World(captions=captions, says=says, **given)


TO_THE_LEFT = telling(("where", 0, 45.1, "top"), ("where", 45.1, 100, "left"))


def test_a_move_is_shown_a_second_around_and_looked_at_when_it_is_over():
    world = moving(TO_THE_LEFT)
    given = world.solved("when", SQUARE, change="move")
    # A quarter of a second tells when: 45 and 45.25.
    assert given.value == Span(45.125 - 1, 45.125 + 1)
    assert world.times == [42, 46, 44, 45, 45.5, 45.25, 45.25 + 1.5, 45.25 + 3.0]
    assert world.compared == [(45, 45.5)]
    assert given.confidence == pytest.approx(0.97 * THREE * (0.7 + 0.25))
    assert moving(TO_THE_LEFT).solved("place", SQUARE, change="move").value == "left"
    assert not moving(TO_THE_LEFT, cuts=[45.5]).solved("when", SQUARE, change="move").found


@pytest.mark.parametrize(
    ("budget", "span"), [(2, Span(42, 46)), (3, Span(44, 46)), (4, Span(44.5, 46.5)), (6, Span(44.125, 46.125))]
)
def test_where_the_budget_ends_a_move_is_shown_from_before_to_after_it(budget, span):
    given = moving(TO_THE_LEFT, budget=budget).solved("when", SQUARE, change="move")
    assert given.value == given.shown[0][0].span == span


@pytest.mark.parametrize(("fps", "seconds"), [(0, 0.25), (2, 0.5), (1, 1.0)])
def test_a_move_is_found_to_a_quarter_of_a_second_or_a_frame(fps, seconds):
    world = moving(TO_THE_LEFT, fps=fps)
    world.solved("when", SQUARE, change="move")
    ((low, high),) = world.compared
    assert high - low == seconds + 0.25


def test_a_move_is_surer_where_the_rest_stays():
    captions = [
        (40, 44, "a green square at the top, a wall, a cat"),
        (44, 48, "a green square at the left, a wall, a dog"),
    ]
    given = moving(TO_THE_LEFT, captions).solved("when", SQUARE, change="move")
    assert given.confidence == pytest.approx(0.97 * THREE * (0.7 + 0.25 * 2 / 4))
    # Captions that tell of no move: its ends are looked at.
    still = [(40, 44, "a green square"), (44, 48, "a green square")]
    world = moving(TO_THE_LEFT, still)
    assert world.solved("when", SQUARE, change="move").confidence == pytest.approx(0.97 * THREE * 0.7)
    assert world.times[:2] == [40.5, 47.5]


def test_what_does_not_come_to_rest_hardly_moved():
    says = telling(("where", 0, 45.1, "top"), ("where", 45.1, 46.25, "left"), ("where", 46.25, 100, "top"))
    given = moving(says).solved("place", SQUARE, change="move")
    assert (given.value, given.confidence) == ("top", pytest.approx(0.97 * THREE * 0.3))
    gone = telling(("where", 0, 45.1, "top"), ("where", 45.1, 46.25, "left"))
    given = moving(gone).solved("place", SQUARE, change="move")
    assert (given.value, given.confidence) == ("left", pytest.approx(0.97 * THREE * 0.3))


PLACES = ("top", "left", "bottom", "right", "top left", "top right")


def test_each_move_that_was_none_takes_from_the_next():
    captions = [(36 + 4 * n, 40 + 4 * n, f"a green square at the {place}") for n, place in enumerate(PLACES[:3])]
    given = moving(telling(("where", 0, 45, "top"), ("where", 45, 100, "left")), captions)
    assert given.solved("when", SQUARE, change="move").confidence == pytest.approx(0.97 * THREE * 0.95 * 0.97)


@pytest.mark.parametrize(("left", "looks"), [(1, 0), (2, 8), (8, 8), (10, 12)])
def test_a_move_takes_two_looks_and_patience(left, looks):
    captions = [(20 + 4 * n, 24 + 4 * n, f"a green square at the {place}") for n, place in enumerate(2 * PLACES)]
    world = moving("top", captions, left=left)
    assert not world.solved("when", SQUARE, change="move").found
    assert len(world.looks) == looks


# Stretches that are offered.


def offered(world: World, change: str, *options: str) -> Result:
    return world.solved("when", SQUARE, change=change, options=options or ["00:00:49-00:00:51"])


def test_an_offered_stretch_is_looked_at_twice_a_second():
    world = World()
    assert not offered(world, "appear").found
    assert world.times == [49.25, 49.75, 50.25, 50.75]
    cosines = np.zeros(200)
    cosines[[100, 99, 98]] = 0.3, 0.2, 0.1
    clear = World(cosines={SQUARE: cosines})
    offered(clear, "appear")
    assert clear.times == [50.0, 49.5, 49.25, 49.75, 50.25, 50.75]


@pytest.mark.parametrize(("yes", "found"), [(0.5, True), (0.49, False)])
def test_even_odds_show_a_thing_in_an_offered_stretch(yes, found):
    given = offered(World({SQUARE: [(49.5, 52)]}, yes=yes), "appear")
    assert given.found == found
    if found:
        assert (given.value, given.confidence) == (Span(49.5, 52), pytest.approx(0.5 * THREE))


@pytest.mark.parametrize(("end_s", "found"), [(50.0, False), (50.25, True)])
def test_one_frame_shows_nothing_in_an_offered_stretch(end_s, found):
    assert offered(World({SQUARE: [(49.75, end_s)]}), "appear").found == found


def test_two_offered_stretches_that_show_a_thing_share_the_odds():
    world = World({SQUARE: [(20, 22), (49, 51)]})
    given = offered(world, "appear", "00:00:49-00:00:51", "00:00:20-00:00:22", "00:01:10-00:01:12")
    assert (given.choice, given.confidence) == (0, pytest.approx(0.5))
    assert [one.span for one, _ in given.shown] == [Span(49, 51), Span(20, 22)]


def test_an_offered_gap_has_the_thing_on_both_its_sides():
    world = gap_of(49.5, 51)
    given = offered(world, "vanish")
    assert (given.value, given.confidence) == (Span(49.5, 51), pytest.approx(THREE))
    assert world.times[:3] == [pytest.approx(48.4), pytest.approx(51.6), 49.25]
    cosines = np.full(200, 0.3)
    cosines[[100, 99]] = 0.1, 0.2
    clear = gap_of(50.5, 51, cosines={SQUARE: cosines})
    offered(clear, "vanish")
    assert clear.times[2:5] == [50.0, 49.5, 49.25]


@pytest.mark.parametrize(
    ("start_s", "end_s", "further", "found"),
    [(48.25, 51, 47.9, True), (47.75, 51, 47.9, False), (49, 51.75, 52.1, True), (49, 52.25, 52.1, False)],
)
def test_a_side_that_is_misread_is_looked_at_half_a_second_further_away(start_s, end_s, further, found):
    world = gap_of(start_s, end_s)
    assert offered(world, "vanish").found == found
    assert world.times[2] == pytest.approx(further)


@pytest.mark.parametrize("change", ["vanish", "recolour", "move"])
@pytest.mark.parametrize("budget", [0, 1, 2])
def test_where_the_budget_ends_an_offered_stretch_shows_no_change(budget, change):
    assert not offered(gap_of(49, 51, budget=budget), change).found


@pytest.mark.parametrize(("budget", "confidence"), [(3, 0.0), (4, 0.95 * 0.58)])
def test_where_the_budget_ends_one_frame_shows_a_thing_in_an_offered_stretch(budget, confidence):
    assert offered(World({SQUARE: [(50.5, 60)]}, budget=budget), "appear").confidence == pytest.approx(confidence)


def test_an_offered_stretch_in_which_a_thing_stays_has_no_gap():
    assert not offered(World({SQUARE: [(0, 100)]}), "vanish").found


def test_an_offered_gap_without_the_thing_on_either_side_is_none():
    world = gap_of(40, 60)
    assert not offered(world, "vanish").found
    assert len(world.looks) == 2


def test_a_move_in_an_offered_stretch_is_told_by_its_sides():
    world = moving(telling(("where", 0, 50, "top"), ("where", 50, 100, "left")))
    given = offered(world, "move")
    assert world.times == [pytest.approx(48.4), pytest.approx(51.6)]
    assert (given.value, given.confidence) == (Span(49, 51), pytest.approx(0.95 * TWO))
    assert not offered(moving("top"), "move").found


# Two things at the same time.


SURE = 0.95 * THREE


def together(cats: Any, dogs: Any, candidates: Any = None, **given: Any) -> Result:
    """Whether a cat and a dog are there at once; without candidates, those are the middles of their stretches."""
    things = {"cat": cats, "dog": dogs}
    middles = {name: [sum(span) / 2 for span in spans] for name, spans in things.items()}
    return World(things, middles if candidates is None else candidates, **given).solved("overlap", "cat", "dog")


def spans_of(result: Result) -> list[tuple[Span, str]]:
    return [(one.span, text) for one, text in result.shown]


def test_two_things_at_once_are_shown_where_they_are():
    given = together([(10, 20)], [(14, 30)], {"cat": [12]})
    assert given.text == "Yes, a cat and a dog are seen in 00:00:10-00:00:20 of v."
    assert given.value is True
    # The dog is found while the cat is there, and how long it stays does not matter.
    assert spans_of(given) == [(Span(10, 20), "a cat is there"), (Span(15, 15.25), "a dog is there")]
    assert given.confidence == pytest.approx(SURE**2)


def test_either_of_two_things_leads_to_the_other():
    given = together([(10, 20)], [(14, 30)], {"dog": [22]})
    assert given.text == "Yes, a dog and a cat are seen in 00:00:14-00:00:30 of v."
    assert [text for _, text in spans_of(given)] == ["a dog is there", "a cat is there"]


def test_what_an_index_knows_of_the_other_is_looked_at_first():
    world = World({"cat": [(10, 20)], "dog": [(18, 19)]}, {"cat": [12], "dog": [95, 18.5, 5]})
    given = world.solved("overlap", "cat", "dog")
    assert [one.span.start_s for one, _ in given.shown] == [10, 18.5]


def test_two_things_at_different_times_are_both_shown():
    given = together([(10, 20)], [(30, 40)])
    assert given.text == "No, a cat and a dog were not found at the same time in v."
    assert given.value is False
    assert spans_of(given) == [(Span(10, 20), "a cat is there"), (Span(30, 40), "a dog is there")]
    assert given.confidence == pytest.approx(0.94**2)


def test_of_two_things_one_that_is_never_there_is_never_there_with_the_other():
    given = together([(10, 20)], [], {"cat": [12], "dog": [50]})
    assert given.value is False
    assert spans_of(given) == [(Span(10, 20), "a cat is there")]
    assert given.confidence == pytest.approx(0.94**2)
    neither = together([], [], {"cat": [12], "dog": [50]})
    assert (neither.found, neither.why) == (False, "a cat and a dog was not found")


@pytest.mark.parametrize(("nth", "value"), [(4, True), (5, False)])
def test_four_stays_of_a_thing_are_looked_at_for_another(nth, value):
    cats = [(10 * n, 10 * n + 6) for n in range(1, 6)]
    candidates = [start + 3 for start, _ in cats]
    given = together(cats, [cats[nth - 1]], {"cat": candidates})
    assert given.value is value
    # The same of the other.
    assert together([cats[nth - 1]], cats, {"dog": candidates}).value is value


def test_a_doubtful_look_speaks_against_a_no():
    given = together([(10, 20)], [], {"cat": [12]}, no=0.4)
    assert given.confidence == pytest.approx(0.94**2 * (1 - 0.5 * 0.4))


def test_where_the_budget_ends_two_things_are_not_surely_apart():
    whole = World({"cat": [(10, 20)], "dog": [(14, 30)]}, {"cat": [12]})
    whole.solved("overlap", "cat", "dog")
    cats = [ask.about for ask in whole.looks].index("dog")
    given = together([(10, 20)], [(14, 30)], {"cat": [12]}, budget=cats)
    assert given.value is False
    assert given.confidence == pytest.approx(0.94**2 * 0.7)
    # One more look shows the dog, on one frame.
    assert together([(10, 20)], [(14, 30)], {"cat": [12]}, budget=cats + 3).value is True
    nowhere = together([(10, 20)], [(14, 30)], {"cat": [12]}, budget=0)
    assert not nowhere.found


# The first and the last time of one thing.


def times_of(cats: Any, candidates: Any, side: str, **given: Any) -> Result:
    return World({"cat": cats}, {"cat": candidates}, **given).solved("first_last", "cat", side=side)


@pytest.mark.parametrize(
    ("side", "span", "told"),
    [
        ("first", Span(10, 12), "00:00:10.000-00:00:12.000"),
        ("last", Span(80, 84), "00:01:20.000-00:01:24.000"),
    ],
)
def test_of_one_thing_the_first_or_last_time_is_told_with_its_ends(side, span, told):
    given = times_of([(10, 12), (50, 52), (80, 84)], [51, 11, 81], side)
    assert given.value == span
    assert spans_of(given) == [(span, "a cat is there")]
    assert given.text == f"{told} of v"
    assert given.choice is None


@pytest.mark.parametrize("side", ["first", "last"])
def test_how_far_the_first_or_last_time_of_one_thing_is_trusted(side):
    # Of what an index hides, a share would upset an order.
    assert times_of([(10, 12)], [11], side).confidence == pytest.approx(SURE * (1 - 0.3 * 0.06))
    unseen = times_of([(10, 12)], [11], side, coverage=Coverage(math.inf, 0.0))
    assert unseen.confidence == pytest.approx(SURE * (1 - 0.3 * 0.7))


@pytest.mark.parametrize("side", ["first", "last"])
def test_of_one_thing_that_is_not_there_no_time_is_told(side):
    given = times_of([], [10, 20], side)
    assert (given.found, given.why, given.confidence) == (False, "a cat was not found", 0.0)
    assert not times_of([(10, 12)], [11], side, budget=0).found


@pytest.mark.parametrize(("side", "end_s"), [("first", 30), ("last", 70)])
def test_three_further_times_of_one_thing_are_looked_for(side, end_s):
    times = [60, 50, 40, 30, 20] if side == "first" else [40, 50, 60, 70, 80]
    rows = [(t, 10.0 - n) for n, t in enumerate(times)]
    assert times_of([(t, t + 1) for t in times], rows, side).value == Span(end_s, end_s + 1)


@pytest.mark.parametrize(("left", "span"), [(7, Span(11, 11.25)), (8, Span(10, 14))])
def test_ends_of_one_thing_take_eight_looks(left, span):
    # With few looks left ends are found to a second.
    given = times_of([(10, 14)], [11], "first", left=left).value
    assert isinstance(given, Span)
    assert (given.start_s, given.end_s) == pytest.approx((span.start_s, span.end_s), abs=0.5 * (left == 8))


def test_where_the_budget_ends_one_frame_tells_the_first_time():
    given = times_of([(10, 14)], [11], "first", budget=1)
    assert given.shown == ((Interval("v", Span(11, 11.25), 0.95, 1, False), "a cat is there"),)
    assert given.confidence == pytest.approx(0.95 * 0.58 * (1 - 0.3 * (1 - 0.94 * 0.7)))
