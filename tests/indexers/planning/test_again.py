"""Videos that an earlier lvqa saw less of are looked into again, and redone by stage; all others stay as they are."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from lvqa.indexers import plan_index
from lvqa.indexers.planning.again import stages_anew
from lvqa.settings import Settings
from lvqa.types import Streams, Video, clock_of

CASES = Path(__file__).parents[2] / "media" / "cases"
THROUGH, STEPS = clock_of([[0, 0, 0, None]]), clock_of([[0, 0, 0, None], [8, 0, 80, None]])
FILM = Video("v", "a.mp4", "hash", 16.0, 384, 216, 10.0, "h264", True, THROUGH, Streams(audio_tracks=1, channels=2))
PICTURES = {"caption", "screen", "frames"}
VISUAL = PICTURES | {"segment"}

# (what the index held, what the file is found to hold, whether anything was heard, the stages that are redone)
FOUND = {
    "nothing new": (FILM, FILM, False, set()),
    "a clock that starts again": (
        replace(FILM, duration_s=8.0),
        replace(FILM, clock=STEPS),
        False,
        VISUAL | {"speech"},
    ),
    "a longer film": (replace(FILM, duration_s=8.0), FILM, False, VISUAL | {"speech"}),
    "another track": (replace(FILM, codec="mjpeg", width=300, height=300), FILM, False, VISUAL),
    "oblong pixels": (replace(FILM, width=192), FILM, False, PICTURES),
    "HDR": (FILM, replace(FILM, streams=Streams(hdr="pq")), False, PICTURES),
    "text inside": (FILM, replace(FILM, streams=Streams(subtitle_tracks=1)), False, {"speech"}),
    "silence of two channels": (FILM, FILM, True, {"speech"}),
    "silence of one channel": (FILM, replace(FILM, streams=Streams(audio_tracks=1, channels=1)), True, set()),
}


@pytest.mark.parametrize("found", list(FOUND))
def test_only_what_does_not_fit_any_more_is_redone(found: str) -> None:
    before, now, unheard, stages = FOUND[found]
    anew = stages_anew(replace(before, clock=(), streams=None), now, unheard=unheard)
    assert set(anew) == stages
    assert all(anew.values())


def _as_before(kit: Any, **was: Any) -> None:
    """Make the index one of an earlier lvqa, which saw this of its only video."""
    with kit.store(write=True) as store:
        (video,) = store.videos.all()
        store.videos.put(replace(video, clock=(), streams=None, **was))


def _planned(kit: Any) -> dict[str, dict[str, str]]:
    with kit.store() as store:
        plan = plan_index(kit.folder, store, kit.models().names, Settings(**kit.settings))
    return {file["video"]: {s["stage"]: s["why"] for s in file["stages"]} for file in plan.to_dict()["files"]}


def test_a_video_of_which_half_was_lost_is_indexed_whole(kit: Any, folder: Path) -> None:
    shutil.copy(CASES / "joined_reset.ts", folder / "a.ts")
    kit.run()
    whole = kit.rows()
    _as_before(kit, duration_s=8.0)
    why = _planned(kit)["a.ts"]
    assert set(why) == {"segment", "caption", "screen", "frames", "speech"}
    assert set(why.values()) == {"its clock starts again or jumps: it lasts 00:00:16.000, 00:00:08.000 was indexed"}
    report = kit.run()
    assert (report.indexed, report.unchanged) == (1, 0)
    assert kit.rows() == whole
    assert _planned(kit)["a.ts"] == {}
    assert kit.run().unchanged == 1


def test_oblong_pixels_keep_the_cuts_and_what_was_said(kit: Any, folder: Path) -> None:
    shutil.copy(CASES / "anamorph.mp4", folder / "a.mp4")
    (folder / "a.srt").write_text("1\n00:00:01,000 --> 00:00:03,000\nhello\n")
    kit.run()
    _as_before(kit, width=192)
    assert set(_planned(kit)["a.mp4"]) == PICTURES
    looked = kit.looked()
    assert kit.run().indexed == 1
    assert kit.looked() == 2 * looked
    with kit.store() as store:
        assert store.videos.all()[0].width == 384
        assert [note.text for note in store.notes.select() if note.source == "speech"] == ["hello"]


def test_what_fits_is_looked_into_once_and_kept(kit: Any, counter: Callable[..., Path]) -> None:
    counter("a.mp4", 8)
    kit.run()
    before, looked = kit.rows(), kit.looked()
    _as_before(kit)
    assert _planned(kit)["a.mp4"] == {}
    assert kit.run().unchanged == 1
    assert (kit.rows(), kit.looked()) == (before, looked)
    with kit.store() as store:
        assert store.videos.all()[0].streams is not None


def test_a_file_that_cannot_be_looked_into_keeps_its_rows(
    kit: Any, counter: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    from lvqa.errors import MediaError
    from lvqa.indexers.planning import survey

    counter("a.mp4", 8)
    kit.run()
    before = kit.rows()
    _as_before(kit)

    def fails(file: Path, rel: str, **exact: bool) -> Any:
        raise MediaError("the disk is gone")

    with monkeypatch.context() as patch:
        patch.setattr(survey, "looked_into", fails)
        assert kit.run().unchanged == 1
    assert kit.rows()["notes"] == before["notes"]
    assert kit.run().unchanged == 1
    assert kit.rows() == before


def test_a_sound_file_that_was_a_video_before_is_passed_over_with_its_rows(
    kit: Any, counter: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    from lvqa.errors import NoVideo
    from lvqa.indexers.planning import survey

    counter("a.mp4", 4).rename(kit.folder / "a.gif")
    counter("b.mp4", 4)
    kit.run()
    with kit.store(write=True) as store:
        for video in store.videos.all():
            store.videos.put(replace(video, clock=(), streams=None))
    looked_into = survey.looked_into

    def still(file: Path, rel: str, **exact: bool) -> Any:
        if rel == "a.gif":
            raise NoVideo("a.gif is a still picture; leave it out")
        return looked_into(file, rel, **exact)

    monkeypatch.setattr(survey, "looked_into", still)
    kit.run()
    with kit.store() as store:
        assert [video.path for video in store.videos.all()] == ["b.mp4"]
