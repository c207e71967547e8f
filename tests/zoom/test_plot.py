from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageChops

from lvqa.errors import UsageError
from lvqa.types import Keyframe, Span
from lvqa.zoom.base import Round, Trace
from lvqa.zoom.plot import LEFT, RIGHT, picture, save

WIDTH = 1000
STRONG, HILL, CUE, FOUND = (192, 16, 40), (130, 150, 196), (0, 140, 149), (29, 122, 51)
HALF = (0.0, 0.0, 0.5, 0.5)


def trace_of(*rounds: Round, belief: tuple[float, ...] = (), duration_s: float = 100.0, **more) -> Trace:
    return Trace("lvqa", "a.mp4", duration_s, ("red star", "tree"), 1, list(rounds), belief=belief, **more)


def look(*times_s: float, star: float = 0.0, tree: float = 0.0, why: str = "look") -> Round:
    return Round(why, times_s, (None,) * len(times_s), ((star, tree),) * len(times_s))


def x_of(share: float) -> float:
    return LEFT + share * (WIDTH - RIGHT - LEFT)


def columns(picture: Image.Image, colour: tuple[int, int, int]) -> np.ndarray:
    """How many pixels of a colour are above each x, the legend left out."""
    return (np.asarray(picture)[:-60] == colour).all(-1).sum(0)


def changed(one: Image.Image, other: Image.Image) -> tuple[int, int, int, int]:
    """Left, top, right and bottom of what differs, both ends inside."""
    left, top, right, bottom = ImageChops.difference(one, other).getbbox()
    return left, top, right - 1, bottom - 1


def test_the_width_is_as_asked_and_the_height_follows_the_rounds_up_to_24_rows():
    none, one, full, many = (
        picture(trace_of(*[look(5.0)] * n, look(6.0)) if n else trace_of(), [], width=WIDTH) for n in (0, 1, 23, 90)
    )
    assert {image.width for image in (none, one, full, many)} == {WIDTH}
    assert none.height < one.height < full.height == many.height
    assert picture(trace_of(), []).width == 1200
    assert picture(trace_of(), [], width=1).width == 400


def test_all_rounds_are_drawn_when_they_share_rows():
    many = picture(trace_of(*(look(float(n), star=1.0) for n in range(100))), [], width=WIDTH)
    seen = columns(many, STRONG)
    assert all(seen[round(x_of(n / 100)) - 1 :][:2].any() for n in range(100))


def test_the_belief_is_highest_at_its_peak():
    hill = columns(picture(trace_of(belief=(0.1, 0.1, 0.6, 0.2)), [], width=WIDTH), HILL)
    quarters = [hill[round(x_of(share))] for share in (0.125, 0.375, 0.625, 0.875)]
    assert quarters[2] == hill.max() > 50
    assert quarters[0] == quarters[1] < quarters[3] < quarters[2]


def test_a_look_is_at_its_time_and_the_stronger_the_more_is_seen():
    strong = columns(picture(trace_of(look(25.0, star=1.0)), [], width=WIDTH), STRONG)
    assert 1 <= np.count_nonzero(strong) <= 3
    assert abs(np.flatnonzero(strong).mean() - x_of(0.25)) <= 1
    assert not columns(picture(trace_of(look(25.0)), [], width=WIDTH), STRONG).any()


def test_crops_and_confirmations_look_unlike_looks():
    crops = Round("crops", (50.0,), (HALF,), ((1.0, 0.0),))
    wide = [
        np.count_nonzero(columns(picture(trace_of(one), [], width=WIDTH), STRONG))
        for one in (look(50.0, star=1.0), crops, look(50.0, star=1.0, why="confirm"))
    ]
    assert wide[0] < wide[1] < wide[2]


def test_cues_count_from_a_half():
    cue = columns(picture(trace_of(look(10.0, tree=0.49), look(80.0, tree=0.5)), [], width=WIDTH), CUE)
    assert abs(np.flatnonzero(cue).mean() - x_of(0.8)) < 1


def test_a_gold_window_stands_over_all_rows_at_least_two_pixels_wide():
    trace = trace_of(look(10.0), look(20.0), belief=(1.0,))
    wide, thin = (picture(trace, [], gold=[span], width=WIDTH) for span in (Span(40, 60), Span(40, 40.001)))
    plain = picture(trace, [], width=WIDTH)
    size = (WIDTH, plain.height - 70)  # Without the legend, which gains an entry.
    wide, thin, plain = (image.crop((0, 0, *size)) for image in (wide, thin, plain))
    left, top, right, bottom = changed(plain, wide)
    assert abs(left - x_of(0.4)) <= 1
    assert abs(right - x_of(0.6)) <= 1
    assert bottom - top > 84 + 2 * 24
    assert changed(plain, thin)[2] - changed(plain, thin)[0] in (1, 2)


def test_keyframes_and_found_targets_are_marked():
    plain = picture(trace_of(), [], width=WIDTH)
    left, _, right, _ = changed(
        plain.crop((LEFT, 0, *plain.size)),
        picture(trace_of(), [Keyframe("a.mp4", 75.0)], width=WIDTH).crop((LEFT, 0, *plain.size)),
    )
    assert abs((left + right) / 2 + LEFT - x_of(0.75)) <= 1
    names = [picture(trace_of(found={name: 99.0}), [], width=WIDTH) for name in ("red star", "blue ring")]
    assert names[0].height > plain.height
    # Two targets differ in their names alone, left of the time of the video.
    assert changed(*(image.crop((0, 58, *image.size)) for image in names))[2] < LEFT
    found = columns(names[0], FOUND)[LEFT:]
    assert abs(np.flatnonzero(found).mean() + LEFT - x_of(0.99)) <= 1
    assert abs(int(found.argmax()) + LEFT - x_of(0.99)) <= 1
    assert found.max() > 84


@pytest.mark.parametrize("name", ["名前 の 星", "نجمة", "a\nb\tc\0", "\ud800", "🟥", "", "very long " * 5000])
def test_no_name_fails(name: str):
    trace = Trace("lvqa", "a.mp4", 9.0, (name, "x", name), 2, [look(1.0)], 1, {name: 8.9, "x": 0.0}, name, (1.0,))
    assert picture(trace, [], title=name, width=WIDTH).width == WIDTH


@pytest.mark.parametrize("duration_s", [0.0, 0.25, 1.0, 59.0, 3599.0, 36000.0, 1e6])
def test_no_length_fails(duration_s: float):
    trace = trace_of(look(0.1, duration_s, duration_s + 5), duration_s=duration_s, belief=(0.0, 0.0))
    assert picture(trace, [Keyframe("a.mp4", 0.2)], gold=[Span(0.1, 0.2), Span(2e6, 3e6)], width=WIDTH).width == WIDTH


def test_ten_thousand_looks_and_more_stretches_than_pixels():
    times = tuple(n / 100 for n in range(10_000))
    belief = tuple([1.0] * 5_000)
    rounds = Round("look", times, (None,) * 10_000, ((0.3, 0.7),) * 10_000, belief), Round("grid", (), (), ())
    assert columns(picture(trace_of(*rounds, belief=belief), [], width=WIDTH), HILL)[LEFT:-RIGHT].all()


def test_saved_as_png_or_said_why_not(tmp_path: Path):
    path = tmp_path / "search.png"
    save(path, trace_of(look(1.0)), [], title="q1", width=WIDTH)
    with Image.open(path) as image:
        assert (image.format, image.width) == ("PNG", WIDTH)
    with pytest.raises(UsageError, match=r"cannot be written .* name another file"):
        save(path / "below.png", trace_of(), [])


def test_without_matplotlib_it_is_said_what_to_install(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(UsageError, match=r"a picture of a search needs matplotlib.*pip install 'lvqa\[plot\]'"):
        picture(trace_of(), [])
