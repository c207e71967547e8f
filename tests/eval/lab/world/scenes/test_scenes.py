from __future__ import annotations

from collections import Counter
from itertools import combinations, pairwise

import pytest

from lvqa.eval.lab.world.scenes.make import make_videos, name_of
from lvqa.eval.lab.world.scenes.truth import EVENT_KINDS, FPS, Event, VideoTruth
from lvqa.eval.lab.world.words import COLOURS, FLAG, SHAPES, SIGN, centre_of

Truths = tuple[VideoTruth, ...]


def test_the_same_seed_makes_the_same_videos():
    assert make_videos(12, 3, 2) == make_videos(12, 3, 2)
    assert make_videos(12, 3, 2) != make_videos(12, 4, 2)
    one, other = make_videos(12, 3, 2)
    assert one.scenes != other.scenes


def test_lengths_add_up():
    assert [video.duration_s for video in make_videos(7, 1, 3)] == [140.0, 140.0, 140.0]
    assert len({name_of(k) for k in range(99)}) == 99


def test_scenes_follow_each_other_and_last_5_to_60_s(truths: Truths):
    for video in truths:
        assert video.scenes[0].start_s == 0
        assert video.scenes[-1].end_s == video.duration_s
        for one, other in pairwise(video.scenes):
            assert one.end_s == other.start_s
        assert all(5 <= scene.end_s - scene.start_s <= 60 for scene in video.scenes)
        assert [scene.number for scene in video.scenes] == list(range(len(video.scenes)))


def test_casts_are_two_to_five_objects_that_differ(truths: Truths):
    for scene in (scene for video in truths for scene in video.scenes):
        cast = [track for track in scene.tracks if track.role == "cast"]
        assert 2 <= len(cast) <= 5
        assert len({(track.colour, track.shape) for track in cast}) == len(cast)
        assert all(track.shape in SHAPES for track in cast)


def test_events_are_short_rare_and_apart_from_cuts_and_each_other(truths: Truths):
    events = [event for video in truths for event in video.events]
    every_s = sum(video.duration_s for video in truths) / len(events)
    assert 15 <= every_s <= 20
    for video in truths:
        assert len({event.id for event in video.events}) == len(video.events)
        for event in video.events:
            scene = video.scenes[event.scene]
            assert 0.5 <= event.duration_s <= 4
            assert event.start_s * FPS == int(event.start_s * FPS)
            assert event.end_s * FPS == int(event.end_s * FPS)
            assert scene.start_s + 1 <= event.start_s
            assert event.end_s + 1 <= scene.end_s
        for one, other in pairwise(video.events):
            assert one.end_s + 1 <= other.start_s


def test_kinds_of_events_in_their_shares(truths: Truths):
    kinds = Counter(event.kind for video in truths for event in video.events)
    assert set(kinds) == set(EVENT_KINDS)
    assert 0.45 < kinds["appear"] / kinds.total() < 0.65
    assert min(kinds.values()) / kinds.total() > 0.07


def names(video: VideoTruth, time_s: float) -> dict[str, str]:
    """Place by object."""
    return {f"{thing.colour} {thing.shape}": thing.place for thing in video.objects_at(time_s)}


def frames_of(event: Event) -> list[float]:
    return [k / FPS for k in range(round(event.start_s * FPS), round(event.end_s * FPS))]


@pytest.mark.parametrize("kind", EVENT_KINDS)
def test_what_happens_is_what_an_event_says(truths: Truths, kind: str):
    for video in truths:
        for event in (event for event in video.events if event.kind == kind):
            before, after = names(video, event.start_s - 1 / FPS), names(video, event.end_s)
            during = [names(video, time_s) for time_s in frames_of(event)]
            if kind == "appear":
                assert event.target not in before
                assert event.target not in after
                assert all(now[event.target] == event.place for now in during)
                assert event.place not in before.values()
            elif kind == "vanish":
                assert before[event.target] == after[event.target] == event.place
                assert all(event.target not in now for now in during)
            elif kind == "recolour":
                dyed = f"{event.to_colour} {event.shape}"
                assert dyed not in before
                assert dyed not in after
                assert before[event.target] == after[event.target] == event.place
                assert all(now[dyed] == event.place and event.target not in now for now in during)
            else:
                x, y = centre_of(event.place)
                to_x, to_y = centre_of(event.to_place)
                assert before[event.target] == event.place
                assert after[event.target] == event.to_place
                assert (x == to_x) != (y == to_y)
                assert all(now[event.target] in (event.place, event.to_place) for now in during)


def test_never_two_things_in_one_place_or_over_each_other(truths: Truths):
    for video in truths:
        for k in range(video.n_frames):
            things = video.things_at(k / FPS)
            assert len({thing.place for thing in things}) == len(things)
            assert len({(thing.colour, thing.shape) for thing in things}) == len(things)
            assert sum(thing.shape == FLAG for thing in things) <= 1
            assert sum(thing.shape == SIGN for thing in things) <= 1
            assert len(video.objects_at(k / FPS)) <= 6
            for one, other in combinations(things, 2):
                a, b = one.box, other.box
                assert a[2] <= b[0] or b[2] <= a[0] or a[3] <= b[1] or b[3] <= a[1]


def test_things_at_rest_stay_near_the_middle_of_their_place(truths: Truths):
    for video in truths:
        moves = [(event.start_s, event.end_s) for event in video.events if event.kind == "move"]
        for k in range(0, video.n_frames, 3):
            if not any(start_s <= k / FPS < end_s for start_s, end_s in moves):
                for thing in video.things_at(k / FPS):
                    x, y = centre_of(thing.place)
                    assert abs(thing.x - x) <= 14
                    assert abs(thing.y - y) <= 8


def test_what_appears_is_of_no_cast_of_the_video(truths: Truths):
    for video in truths:
        guests = {event.target for event in video.events if event.kind == "appear"}
        states = [
            f"{state.colour} {track.shape}"
            for scene in video.scenes
            for track in scene.tracks
            if track.role == "cast"
            for state in track.states
        ]
        assert not guests & set(states)
        assert len(video.seen()) <= len(COLOURS) * len(SHAPES) - 8


def test_some_things_appear_several_times_and_many_once(truths: Truths):
    for video in truths:
        times = Counter(Counter(event.target for event in video.events if event.kind == "appear").values())
        assert max(times) <= 5
        assert times[1] >= 5
        assert sum(times.values()) - times[1] >= 2


def test_flags_stand_around_most_events_and_rarely_elsewhere(truths: Truths):
    cued, flags = [], Counter[str]()
    for video in truths:
        flags.update(track.role for scene in video.scenes for track in scene.tracks if track.shape == FLAG)
        for event in video.events:
            if event.kind != "move":
                cued.append(bool(event.cue))
            if event.cue:
                assert event.cue == event.colour
                for time_s in (event.start_s - 1 / FPS, event.start_s, event.end_s):
                    assert (FLAG, event.cue) in [(thing.shape, thing.colour) for thing in video.things_at(time_s)]
    assert 0.7 < sum(cued) / len(cued) < 0.9
    assert flags["cue"] == sum(cued)
    assert flags["decoy"] < 0.15 * flags["cue"]


def test_signs_stand_in_about_a_third_of_the_scenes(truths: Truths):
    signs = sum(len(video.signs) for video in truths)
    assert 0.25 < signs / sum(len(video.scenes) for video in truths) < 0.45
    for video in truths:
        assert len({sign.text for sign in video.signs}) == len(video.signs)
        for sign in video.signs:
            for time_s in (sign.start_s, sign.end_s - 1 / FPS):
                (seen,) = [thing for thing in video.things_at(time_s) if thing.shape == SIGN]
                assert (seen.text, seen.place, seen.size) == (sign.text, sign.place, "small")


def test_subtitles_speak_of_some_events_one_at_a_time(truths: Truths):
    spoken = sum(bool(line.event) for video in truths for line in video.subtitles)
    assert 0.2 < spoken / sum(len(video.events) for video in truths) < 0.4
    for video in truths:
        events = {event.id: event for event in video.events}
        for one, other in pairwise(video.subtitles):
            assert one.end_s <= other.start_s
        for line in video.subtitles:
            assert 0 <= line.start_s < line.end_s <= video.duration_s
            if line.event:
                event = events[line.event]
                assert event.target in line.text
                assert event.start_s <= line.start_s <= event.start_s + 1
            else:
                assert not any(word in line.text.lower().split() for word in (*COLOURS, *SHAPES))


@pytest.mark.parametrize("seed", range(40))
def test_short_and_long_videos_can_be_made(seed: int):
    assert make_videos(0.5, seed, 1)[0].duration_s == 30
    assert len(make_videos(100, seed, 1)[0].scenes) > 100
