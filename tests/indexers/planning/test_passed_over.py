"""What is passed over is counted, listed and not looked into again; tracks and names that people choose by."""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Callable
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from lvqa.archive.archive import Archive
from lvqa.cli import main
from lvqa.eval.lab.footage_writer import write_video
from lvqa.indexers import plan_index, plan_lines
from lvqa.indexers.planning import survey
from lvqa.models.base import Utterance
from lvqa.models.fake import FakeTranscriber
from lvqa.settings import Settings
from lvqa.types import Span

GREEN = (0, 160, 0)


def _song(path: Path) -> None:
    with av.open(str(path), "w", format="mp4") as container:
        stream = container.add_stream("aac", rate=16000, layout="mono")
        noise = np.random.default_rng(3).normal(0, 0.1, (1, 16000)).astype(np.float32)
        frame = av.AudioFrame.from_ndarray(noise, format="fltp", layout="mono")
        frame.sample_rate = 16000
        for packet in [*stream.encode(frame), *stream.encode(None)]:
            container.mux(packet)


def _gif(path: Path, frames: int) -> None:
    from PIL import Image

    pictures = [Image.new("RGB", (64, 48), (40 * k, 100, 100)) for k in range(frames)]
    pictures[0].save(path, save_all=True, append_images=pictures[1:], duration=200)


@pytest.fixture
def mixed(folder: Path, shots: Callable[..., Path]) -> Path:
    shots("film.mp4", (GREEN, 3))
    _song(folder / "recording")
    _gif(folder / "still.gif", 1)
    _gif(folder / "moving.gif", 5)
    (folder / "app.ts").write_text("export const answer: number = 42;\n")
    (folder / "notes.txt").write_text("notes")
    (folder / "cover.jpg").write_bytes(b"\xff\xd8")
    (folder / "@eaDir").mkdir()
    (folder / "@eaDir" / "film.mp4").write_bytes(b"x")
    return folder


PASSED = {
    "no moving pictures": (2, ["recording", "still.gif"]),
    "other files": (1, ["notes.txt"]),
    "pictures": (1, ["cover.jpg"]),
    "source code": (1, ["app.ts"]),
    "system folders": (1, ["@eaDir"]),
}


def test_all_that_is_passed_over_is_counted_and_listed(
    mixed: Path, kit: Any, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = plan_index(mixed, None, kit.models().names, Settings(**kit.settings))
    assert {one.kind: (one.count, list(one.paths)) for one in plan.passed} == PASSED
    lines = plan_lines(plan)
    assert "passed over: 2 no moving pictures: recording, still.gif" in lines
    assert any(line.startswith("recording: passed over: ") and "sound but no video" in line for line in lines)
    assert any(line.startswith("still.gif: passed over: ") and "still picture" in line for line in lines)
    assert [one["kind"] for one in plan.to_dict()["passed_over"]] == sorted(PASSED)
    assert plan.states == {"new": 2, "passed": 2}

    report = kit.run()
    assert (report.indexed, report.failed) == (2, [])
    assert [video.path for video in Archive(mixed, archive_dir=kit.index_dir).videos()] == ["film.mp4", "moving.gif"]
    assert main(["status", str(mixed), "--archive", str(kit.index_dir), "--json"]) == 0
    status = json.loads(capsys.readouterr().out)
    assert {one["kind"]: (one["count"], one["paths"]) for one in status["passed_over"]} == PASSED
    assert status["videos"] == {"indexed": 2, "failed": 0, "pending": 0}
    assert main(["status", str(mixed), "--archive", str(kit.index_dir)]) == 0
    assert "passed over 2 no moving pictures: recording, still.gif" in capsys.readouterr().out
    assert main(["check", str(mixed), "--archive", str(kit.index_dir)]) == 0

    # Neither is looked into again while it stays as it is.
    monkeypatch.setattr(survey, "looked_into", lambda *_: pytest.fail("looked into again"))
    assert kit.run().unchanged == 2


def test_a_film_in_the_place_of_what_was_passed_over_is_taken_in_and_back(mixed: Path, kit: Any) -> None:
    kit.run()
    song = (mixed / "recording").read_bytes()
    film = write_video(mixed.parent / "film.mp4", [np.full((48, 64, 3), 30 * k, np.uint8) for k in range(8)], fps=4)
    film.replace(mixed / "recording")
    assert kit.run().indexed == 1
    with kit.store() as store:
        assert [video.path for video in store.videos.all()] == ["film.mp4", "moving.gif", "recording"]
        assert store.jobs.get("", "probe", "recording") is None
    (mixed / "recording").write_bytes(song)
    assert kit.run().failed == []
    with kit.store() as store:
        assert [video.path for video in store.videos.all()] == ["film.mp4", "moving.gif"]


@pytest.mark.parametrize("name", ["podcast.mp4", "podcast.webm", "podcast.ts"])
def test_a_name_that_promises_a_film_fails_without_one(
    folder: Path, shots: Callable[..., Path], kit: Any, name: str
) -> None:
    shots("film.mp4", (GREEN, 3))
    _song(folder / name)
    ((path, reason),) = kit.run().failed
    assert path == name
    assert "sound but no video" in reason


def test_a_part_of_the_folder_leaves_the_list_of_the_whole(mixed: Path, kit: Any) -> None:
    kit.run()
    (mixed / "more.jpg").write_bytes(b"\xff\xd8")
    kit.run(only=["film.mp4"])
    passed = {one["kind"]: one["count"] for one in Archive(mixed, archive_dir=kit.index_dir).status()["passed_over"]}
    assert passed["pictures"] == 1


@pytest.mark.parametrize("stored", ["NFC", "NFD"])
@pytest.mark.parametrize("asked", ["NFC", "NFD"])
def test_names_are_found_in_either_form(
    folder: Path, shots: Callable[..., Path], kit: Any, stored: str, asked: str
) -> None:
    name, wanted = (unicodedata.normalize(form, "Übung für Zoë.mp4") for form in (stored, asked))
    shots(name, (GREEN, 3))
    kit.run(only=[wanted])
    archive = Archive(folder, archive_dir=kit.index_dir, models=kit.models())
    for given in (wanted, wanted.removesuffix(".mp4"), f"*{wanted[-7:]}", wanted.replace("Zo", "?o")):
        assert archive.show(given).video.path == name
    assert archive.search("anything", videos=[wanted]) is not None
    (folder / "captions.jsonl").write_text(json.dumps({"video": wanted, "start_s": 0, "end_s": 1, "text": "a goat"}))
    assert archive.import_captions(folder / "captions.jsonl").without_file == 0
    assert {note.text for note in archive.show(wanted).notes} >= {"a goat"}


def test_of_two_names_in_two_forms_the_one_that_is_meant(folder: Path, shots: Callable[..., Path], kit: Any) -> None:
    forms = [unicodedata.normalize(form, "Ü.mp4") for form in ("NFC", "NFD")]
    for name, colour in zip(forms, (GREEN, (250, 0, 0)), strict=True):
        shots(name, (colour, 3))
    kit.run()
    archive = Archive(folder, archive_dir=kit.index_dir, models=kit.models())
    assert [archive.show(name).video.path for name in forms] == forms


# -- several tracks of sound


def _two_tracks(path: Path) -> None:
    with av.open(str(path), "w") as container:
        film = container.add_stream("libx264", rate=4)
        film.width, film.height, film.pix_fmt = 64, 48, "yuv420p"
        streams = [container.add_stream("aac", rate=16000, layout="mono") for _ in range(2)]
        for k in range(12):
            frame = av.VideoFrame(64, 48, "yuv420p")
            frame.pts = k
            container.mux(film.encode(frame))
        container.mux(film.encode(None))
        for stream, level in zip(streams, (0.1, 0.5), strict=True):
            samples = (level * np.sin(np.arange(3 * 16000) / 5)).astype(np.float32)[None]
            frame = av.AudioFrame.from_ndarray(samples, format="fltp", layout="mono")
            frame.sample_rate, frame.pts = 16000, 0
            for packet in [*stream.encode(frame), *stream.encode(None)]:
                container.mux(packet)


class _Loudness(FakeTranscriber):
    """Says which of the two tracks it hears."""

    def transcribe(self, audio: Any, offset_s: float = 0.0) -> list[Utterance]:
        self.calls.append((offset_s, len(audio)))
        return [Utterance(Span(0.5, 1.5), "The second one." if np.abs(audio).max() > 0.3 else "The first one.")]


@pytest.mark.parametrize(
    ("track", "said", "told"),
    [
        (0, {"The first one."}, "1 of 2 audio tracks heard (track 1; --audio-track chooses)"),
        (2, {"The second one."}, "1 of 2 audio tracks heard (track 2; --audio-track chooses)"),
        ("all", {"The first one.", "The second one."}, "2 of 2 audio tracks heard"),
    ],
)
def test_the_track_that_is_chosen_is_heard_and_named(
    folder: Path, kit: Any, capsys: pytest.CaptureFixture[str], track: Any, said: set[str], told: str
) -> None:
    _two_tracks(folder / "a.mkv")
    kit.asr = _Loudness()
    kit.settings["audio_track"] = track
    plan = plan_index(folder, None, kit.models().names, Settings(**kit.settings))
    assert any(line.endswith(f"a.mkv: {told}") for line in plan_lines(plan))
    kit.run()
    archive = Archive(folder, archive_dir=kit.index_dir, models=kit.models(), audio_track=track)
    report = archive.show("a.mkv")
    assert {note.text for note in report.notes if note.source == "speech"} == said
    assert list(report.tracks) == [told]
    assert kit.run().unchanged == 1
    if track == 0:
        assert main(["show", str(folder), "a.mkv", "--archive", str(kit.index_dir)]) == 0
        assert told in capsys.readouterr().out
        assert main(["show", str(folder), "a.mkv", "--archive", str(kit.index_dir), "--json"]) == 0
        assert json.loads(capsys.readouterr().out)["tracks"] == [told]


def test_another_track_is_another_transcript(folder: Path, kit: Any) -> None:
    _two_tracks(folder / "a.mkv")
    kit.asr = _Loudness()
    kit.run()
    kit.settings["audio_track"] = 2
    with kit.store() as store:
        plan = plan_index(folder, store, kit.models().names, Settings(**kit.settings))
    assert plan_lines(plan) == ["a.mkv: unchanged", "  speech: redo: audio_track none -> 2"]
    kit.run()
    with kit.store() as store:
        assert {note.text for note in store.notes.select() if note.source == "speech"} == {"The second one."}


def test_sound_of_all_tracks_goes_on_in_the_last(folder: Path) -> None:
    from lvqa.indexers.stages.sound import heard_sound

    _two_tracks(folder / "a.mkv")
    fresh = [(offset, round(done, 1)) for offset, _, done in heard_sound(folder / "a.mkv", [1, 2], 0.0)]
    assert fresh == [(0.0, 0.0), (0.0, 3.0)]
    assert [done for _, _, done in heard_sound(folder / "a.mkv", [1, 2], 1.0)] == [pytest.approx(3.0, abs=0.1)]
    assert list(heard_sound(folder / "a.mkv", [1, 2], 3.1)) == []


def test_the_option_is_read(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _two_tracks(folder / "a.mkv")
    assert main(["index", str(folder), "--dry-run", "--audio-track", "all", "--profile", "text", "--asr", "none"]) == 0
    assert "2 of 2 audio tracks heard" in capsys.readouterr().out
    assert main(["index", str(folder), "--dry-run", "--audio-track", "second"]) == 2
    assert "audio_track" in capsys.readouterr().err


def test_a_second_film_in_a_file_is_told(folder: Path, kit: Any, shots: Any) -> None:
    one = shots("a.mp4", ((255, 0, 0), 2))
    one.write_bytes(one.read_bytes() * 2)
    told = f"a second film is joined behind the first at byte {one.stat().st_size // 2}, and is not read: cut it off"
    plan = plan_index(folder, None, kit.models().names, Settings(**kit.settings))
    assert any(told in line for line in plan_lines(plan))
    kit.run()
    report = Archive(folder, archive_dir=kit.index_dir, models=kit.models()).show("a.mp4")
    assert [told in line for line in report.tracks] == [True]
    assert report.video.duration_s == pytest.approx(2)
