"""`lvqa find` and `Archive.find`: times at which something is to be seen, with what it took to see them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from lvqa import Archive
from lvqa.errors import UsageError
from lvqa.eval.lab.footage_writer import write_video
from lvqa.models.fake import COLOURS, FakeDetector, FakeImageEmbedder, FakeVision
from lvqa.models.profiles import Models

SECONDS = {"walk.mp4": (60, (23, 26)), "drive.mp4": (40, (31, 33))}


def film(path: Path, seconds: int, red: tuple[int, int]) -> None:
    frames = []
    for n in range(seconds * 4):
        frame = np.full((48, 64, 3), COLOURS["blue"], np.uint8)
        if red[0] * 4 <= n < red[1] * 4:
            frame[:] = COLOURS["red"]
        frames.append(frame)
    write_video(path, frames, fps=4)


def sees_red(request) -> float:
    asked = "red" in request.prompt
    red = request.frames[0].reshape(-1, 3).mean(axis=0)
    return 0.98 if asked and red[0] > red[2] else 0.02


@pytest.fixture(scope="module")
def place(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("find")
    for name, (seconds, red) in SECONDS.items():
        film(folder / name, seconds, red)
    with Archive(folder, models=models(), summaries="none") as archive:
        archive.index()
    return folder


def models(vision: bool = True) -> Models:
    eye = FakeVision("a picture", sees_red) if vision else None
    return Models.of(vision=eye, image_embedder=FakeImageEmbedder())


def in_red(sight) -> bool:
    low, high = SECONDS[sight.video][1]
    return low <= sight.time_s < high


def test_finds_it_in_every_video_that_shows_it(place):
    sights = Archive(place, models=models()).find("a red wall", k=4)
    assert {s.video for s in sights} == set(SECONDS)
    assert all(s.seen and in_red(s) and s.score > 0.5 for s in sights)
    assert 0 < sights.frames <= 32
    assert sum(found.trace.looked for _, found in sights.searches) == sights.frames


def test_the_same_seed_finds_the_same(place):
    archive = Archive(place, models=models())
    assert list(archive.find("a red wall", seed=5)) == list(archive.find("a red wall", seed=5))


def test_what_is_not_there_was_not_seen(place):
    sights = Archive(place, models=models()).find("a green wall", k=3)
    assert sights
    assert not any(s.seen for s in sights)
    assert all(s.score < 0.5 for s in sights)


def test_without_a_model_that_looks_the_index_says_where(place):
    sights = Archive(place, models=models(vision=False)).find("red", k=4, searcher="aks")
    assert any(in_red(s) for s in sights)
    assert sights.frames == 0
    assert not any(s.seen for s in sights)


def test_a_detector_looks_and_is_paid_for(place):
    eye = Models.of(detector=FakeDetector(), image_embedder=FakeImageEmbedder())
    sights = Archive(place, models=eye).find("red", k=2, frames=12)
    assert [in_red(s) and s.seen for s in sights] == [True, True]
    assert 0 < sights.frames <= 12


@pytest.mark.parametrize("searcher", ["uniform", "tstar", "bolt", "aks", "qframe", "maxinfo", "videotree", "gens"])
def test_every_searcher_can_be_named(place, searcher):
    sights = Archive(place, models=models()).find("red", k=4, searcher=searcher, frames=8)
    assert 0 < len(sights) <= 4
    assert sights.frames <= 8
    assert {found.trace.searcher for _, found in sights.searches} == {searcher}


def test_only_there_and_then(place):
    sights = Archive(place, models=models()).find("red", videos=["walk.mp4"], between=(0, 20))
    assert all(s.video == "walk.mp4" and s.time_s < 20 and not s.seen for s in sights)


@pytest.mark.parametrize(
    ("given", "complaint"),
    [
        ({"what": " "}, "empty"),
        ({"what": []}, "empty"),
        ({"what": "red", "cues": [""]}, "empty"),
        ({"what": "red", "k": 0}, "at least 1"),
        ({"what": "red", "frames": -1}, "at least"),
        ({"what": "red", "searcher": "magic"}, "there are: lvqa"),
        ({"what": "red", "videos": ["none.mp4"]}, "no video"),
    ],
)
def test_what_makes_no_sense_is_one_line(place, given, complaint):
    with pytest.raises(UsageError, match=complaint):
        Archive(place, models=models()).find(**given)


def test_no_model_and_no_files(place, tmp_path):
    with pytest.raises(UsageError, match="no model that finds"):
        Archive(place, models=Models.of()).find("red")
    with pytest.raises(UsageError, match="none of the videos' files"):
        Archive(tmp_path, archive_dir=place / ".lvqa", models=models()).find("red")


def test_a_notebook_shows_pictures_and_plots(place, tmp_path):
    sights = Archive(place, models=models()).find("red", k=4)
    html = sights._repr_html_()
    assert html.count("data:image/png") == 2
    assert html.count("data:image/jpeg") == len(sights)
    assert "frames looked at in 2 videos by lvqa" in html
    drawn = sights.plot(tmp_path / "search.png")
    assert [path.name for path in drawn] == ["search.png", "search-1.png"]
    assert all(Image.open(path).width >= 400 for path in drawn)


def test_the_command(place, lvqa, tmp_path, monkeypatch):
    monkeypatch.setattr("lvqa.models.profiles.Models.vision", models().vision)
    monkeypatch.setattr("lvqa.models.profiles.Models.image_embedder", FakeImageEmbedder())
    bare = ("--profile", "text", "--embedder", "none", "--ocr", "none", "--asr", "none")
    done = lvqa("find", place, "red", "-k", "2", "--thumbnails", tmp_path / "t", "--plot", tmp_path / "p.png", *bare)
    assert done.status == 0
    *lines, cost = done.out.splitlines()
    assert [line.split()[0] for line in lines] == ["drive.mp4", "walk.mp4"] or len(lines) == 2
    assert all("[seen]" in line and line.endswith(".jpg") for line in lines)
    assert cost.startswith("cost: ")
    assert len(list((tmp_path / "t").glob("*.jpg"))) == 2
    assert (tmp_path / "p.png").is_file()
    told = lvqa("find", place, "red", "--json", *bare).json
    assert set(told) == {"sights", "frames", "seconds", "searches", "plots"}
    assert set(told["sights"][0]) == {"video", "time_s", "score", "seen"}
    nothing = lvqa("find", place, "green", *bare)
    assert nothing.status == 0
    assert "it was not seen" in nothing.err
    wrong = lvqa("find", place, "red", "--searcher", "magic", *bare)
    assert wrong.status == 2
    assert "there is no searcher 'magic'" in wrong.err


def test_ask_names_its_searcher_and_draws_what_it_looked_at(place, tmp_path):
    model = models()
    archive = Archive(place, models=model)
    answer = archive.ask("What is on the red wall?")
    zooms = [step for step in answer.steps if step.data.get("searches")]
    assert {step.data["searcher"] for step in zooms} == {"lvqa"}
    drawn = answer.plot(tmp_path / "ask.png")
    assert len(drawn) == sum(len(step.data["searches"]) for step in zooms)
    assert all(Image.open(path).format == "PNG" for path in drawn)
    other = Archive(place, models=model, searcher="uniform").ask("What is on the red wall?")
    assert {s.data["searcher"] for s in other.steps if s.data.get("searches")} == {"uniform"}
    with pytest.raises(UsageError, match="no searcher 'magic'"):
        Archive(place, models=model, searcher="magic").ask("When is the wall red?")
    with pytest.raises(UsageError, match="cannot be written"):
        answer.plot(place / "walk.mp4" / "ask.png")


def test_a_video_that_cannot_be_read_stops_no_other(place, tmp_path):
    for name in SECONDS:
        (tmp_path / name).write_bytes((place / name).read_bytes() if name == "walk.mp4" else b"broken")
    archive = Archive(tmp_path, archive_dir=place / ".lvqa", models=models())
    sights = archive.find("a red wall")
    assert {s.video for s in sights if s.seen} == {"walk.mp4"}
    assert len(sights.troubles) == 1
    assert "drive.mp4" in sights.troubles[0]
