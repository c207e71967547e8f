"""Clips of several videos with the captioner at once: no call waits for a video, and the rows are the same."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from lvqa.errors import ModelError, ServerAway
from lvqa.models.base import InFlight, VisionRequest

RED, BLUE = (255, 0, 0), (0, 0, 255)


def shade(number: int) -> tuple[int, int, int]:
    """A colour of its own: videos that are the same are indexed once."""
    return (20 + 5 * number, 100, 200)


def captions(kit: Any) -> list[tuple[Any, ...]]:
    connection = sqlite3.connect(kit.index_dir / "archive.db")
    try:
        return connection.execute("SELECT id, text FROM notes WHERE source = 'caption' ORDER BY id").fetchall()
    finally:
        connection.close()


class Many:
    """A vision model that takes several calls at once, each from a thread of its own; `meet` is called in each."""

    name = "fake:vision"

    def __init__(self, how: InFlight, meet: Callable[[Sequence[VisionRequest]], object] = lambda asked: None) -> None:
        self.in_flight = how
        self.calls: list[list[VisionRequest]] = []
        self._meet = meet

    def generate(self, requests: Sequence[VisionRequest]) -> list[str]:
        self.calls.append(list(requests))
        self._meet(requests)
        # What is said follows from the request alone.
        return [f"{len(r.frames)} frames, {r.prompt[-40:]} {r.frames[0].mean():.0f}" for r in requests]

    def yes_probability(self, requests: Sequence[VisionRequest]) -> list[float]:
        return [0.5 for _ in requests]

    @property
    def asked(self) -> list[str]:
        return [request.prompt for call in self.calls for request in call]


HOW = [InFlight(), InFlight(1, 1), InFlight(6, 1), InFlight(2, 8), InFlight(3, 5)]


@pytest.mark.parametrize("workers", [1, 3])
def test_the_rows_are_the_same_however_the_clips_are_asked_about(
    kit: Any, counter: Callable[..., Path], tmp_path: Path, workers: int
) -> None:
    for name, seconds, colour in (("a", 5, RED), ("b", 30, BLUE), ("c", 9, RED), ("d", 1, BLUE)):
        counter(f"{name}.mp4", seconds, colour)
    kit.settings["workers"] = workers
    rows = []
    for number, how in enumerate(HOW):
        kit.vision, kit.index_dir = Many(how), tmp_path / f"index{number}"
        report = kit.run()
        assert (report.indexed, report.failed) == (4, [])
        assert len(kit.vision.asked) == len(set(kit.vision.asked)) == report.clips
        rows.append(captions(kit))
    assert rows[0]
    assert all(other == rows[0] for other in rows)


def test_calls_of_several_videos_are_under_way_at_once(kit: Any, counter: Callable[..., Path]) -> None:
    meeting = threading.Barrier(6)  # broken, and the run with it, unless six are under way at once
    for number in range(6):
        counter(f"{number}.mp4", 3, shade(number))  # one clip each
    kit.vision = Many(InFlight(6, 1), lambda asked: meeting.wait(60))
    assert kit.run().clips == 6
    assert all(len(call) == 1 for call in kit.vision.calls)


def test_calls_are_filled_with_clips_of_several_videos(kit: Any, counter: Callable[..., Path]) -> None:
    for number in range(40):
        counter(f"{number}.mp4", 12, shade(number))
    kit.vision = Many(InFlight(2, 8))
    report = kit.run()
    sizes = [len(call) for call in kit.vision.calls]
    assert report.clips == sum(sizes) == 120
    assert sum(sizes) / len(sizes) >= 0.9 * 8
    assert any(len({r.prompt.split(".mp4")[0] for r in call}) > 2 for call in kit.vision.calls)


def test_like_sizes_go_together(kit: Any, counter: Callable[..., Path], shots: Callable[..., Path]) -> None:
    for number in range(4):
        counter(f"many{number}.mp4", 12, shade(number))  # clips of several frames
        shots(f"one{number}.mp4", (RED, 4), (BLUE, 4), (shade(number), 4))  # clips of one
    kit.vision = Many(InFlight(1, 6))
    kit.run()
    counts = [[len(r.frames) for r in call] for call in kit.vision.calls]
    assert sorted(n for call in counts for n in call) == [1] * 12 + [4] * 12
    assert all(len(set(call)) == 1 for call in counts)


def test_one_video_that_the_model_cannot_take_fails_alone(kit: Any, counter: Callable[..., Path]) -> None:
    for number, name in enumerate("abcd"):
        counter(f"{name}.mp4", 12, shade(number))

    def meet(asked: Sequence[VisionRequest]) -> None:
        if any("b.mp4" in request.prompt for request in asked):
            raise ModelError("a 400")

    kit.vision = Many(InFlight(1, 12), meet)
    report = kit.run()
    assert report.failed == [("b.mp4", "a 400")]
    assert report.indexed == 3
    kit.vision = Many(InFlight(1, 12))
    assert kit.run().indexed == 1
    assert all("b.mp4" in prompt for prompt in kit.vision.asked)


@pytest.mark.parametrize("how", HOW)
def test_a_stop_brings_what_was_begun_to_its_end(kit: Any, counter: Callable[..., Path], how: InFlight) -> None:
    for number, name in enumerate("abc"):
        counter(f"{name}.mp4", 40, shade(number))
    asked: list[str] = []
    kit.vision = Many(how, lambda requests: asked.extend(request.prompt for request in requests))
    report = kit.run(stop=lambda: len(asked) >= 3)
    assert report.stopped
    assert 0 < len(captions(kit)) == len(set(asked)) < 30
    kit.run()
    assert len(captions(kit)) == len(asked) == len(set(asked)) == 30


@pytest.mark.parametrize("how", HOW)
def test_a_server_that_stays_away_halts_the_run_and_the_next_goes_on(
    kit: Any, counter: Callable[..., Path], how: InFlight
) -> None:
    for number, name in enumerate("abc"):
        counter(f"{name}.mp4", 40, shade(number))
    asked: list[str] = []

    def meet(requests: Sequence[VisionRequest]) -> None:
        if len(asked) >= 8:
            raise ServerAway("gone for 5 s")
        asked.extend(request.prompt for request in requests)

    kit.vision = Many(how, meet)
    with pytest.raises(ServerAway):
        kit.run()
    with kit.store() as store:
        assert not list(store.jobs.all("failed"))
    kept = len(captions(kit))
    kit.vision = Many(how)
    assert kit.run().failed == []
    assert len(captions(kit)) == 30
    assert len(kit.vision.asked) == 30 - kept
