"""The second reader sees only decoded pixels; what it sees has to be what the truth says."""

from __future__ import annotations

import json
import sys
from dataclasses import replace

import numpy as np
import pytest

from lvqa.eval.lab.world import agree as agreeing
from lvqa.eval.lab.world.agree import agree
from lvqa.eval.lab.world.build import WorldSet
from lvqa.eval.lab.world.scenes.draw import Thing, View, paint
from lvqa.eval.lab.world.scenes.pixels import ground_seen, read
from lvqa.eval.lab.world.words import COLOURS, FLAG, GROUNDS, PLACES, SHAPES, SIGN, SIZES, centre_of


@pytest.fixture(scope="module")
def found(world: WorldSet) -> agreeing.Agreement:
    return agree(zip(world.paths, world.videos, strict=True), 4)


def test_objects_on_decoded_frames_are_what_and_where_the_truth_says(found: agreeing.Agreement):
    assert found.frames == 60
    assert found.objects >= 0.985
    assert found.things >= 0.985
    assert found.counts >= 0.97
    assert found.off_px <= 10


def test_signs_and_grounds_are_where_the_truth_says(found: agreeing.Agreement):
    assert found.signs >= 0.98
    assert found.grounds == 1


def test_events_begin_and_end_on_the_frame_that_the_truth_names(found: agreeing.Agreement):
    assert found.events >= 0.95


def test_a_truth_that_lies_is_found_out(world: WorldSet):
    """The comparison can fail: tracks of another video, or events half a second late."""
    path, (truth, other) = world.paths[0], world.videos
    assert agree([(path, replace(truth, scenes=other.scenes))], 6).objects < 0.3
    late = tuple(replace(e, start_s=e.start_s + 0.5, end_s=e.end_s + 0.5) for e in truth.events if e.kind != "move")
    assert agree([(path, replace(truth, events=late))], 60).events == 0


def test_the_command_prints_the_agreement(
    world: WorldSet, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(sys, "argv", ["agree", str(world.folder), "--every", "60"])
    agreeing.main()
    printed = json.loads(capsys.readouterr().out)
    assert set(printed) == set(agreeing.Agreement.__slots__)
    assert printed["frames"] == 4


@pytest.mark.parametrize("ground", GROUNDS)
@pytest.mark.parametrize("colour", COLOURS)
def test_every_colour_is_seen_on_every_ground(ground: str, colour: str):
    things = tuple(
        Thing(shape, colour, ("small", "large")[k % 2], *centre_of(PLACES[k])) for k, shape in enumerate(SHAPES)
    )
    frame = paint(View(ground, 7, things, noise=2.0))
    seen = {(thing.shape, thing.colour, thing.size, thing.place) for thing in read(frame)}
    told = {(thing.shape, thing.colour, thing.size, thing.place) for thing in things}
    assert ground_seen(frame) == ground
    assert len(seen & told) >= 6


@pytest.mark.parametrize("ground", GROUNDS)
def test_there_is_nothing_on_a_bare_ground(ground: str):
    for seed in range(6):
        assert read(paint(View(ground, seed, (), noise=3.0))) == []


def test_flags_and_signs_are_told_from_objects():
    things = (Thing(FLAG, "blue", "large", *centre_of("left")), Thing(SIGN, "white", "small", 420, 48, "K7"))
    flag, sign = read(paint(View("sand", 1, things)))
    assert (flag.shape, flag.colour, flag.size, flag.place) == (FLAG, "blue", "large", "left")
    assert (sign.shape, sign.colour, sign.size, sign.place) == (SIGN, "white", "small", "top right")


def test_nothing_of_the_world_is_seen_on_a_plain_picture():
    assert read(np.full((288, 512, 3), 128, np.uint8)) == []
    assert set(SIZES) == {"small", "large"}
