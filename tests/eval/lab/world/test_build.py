from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest

from lvqa.errors import UsageError
from lvqa.eval.lab.world import build as building
from lvqa.eval.lab.world.build import WorldSet, build
from lvqa.eval.lab.world.questions.make import WorldQuestion
from lvqa.eval.lab.world.scenes.truth import VideoTruth

# The arguments of the `world` fixture.
SAME = {"minutes": 4, "seed": 11, "videos": 2}


@pytest.fixture
def copy(world: WorldSet, tmp_path: Path) -> Path:
    """The rendered world, to be broken."""
    return Path(shutil.copytree(world.folder, tmp_path / "copy"))


@pytest.fixture
def rendered(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the videos that are rendered, as they are."""
    names: list[str] = []
    real = building.render

    def noted(truth: VideoTruth, *rest: object) -> list[Path]:
        names.append(truth.name)
        return real(truth, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(building, "render", noted)
    return names


def stamps(folder: Path) -> dict[str, tuple[int, int]]:
    return {path.name: (path.stat().st_mtime_ns, path.stat().st_ino) for path in folder.iterdir()}


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


def test_a_folder_holds_the_videos_their_truth_and_the_questions(world: WorldSet):
    shown = sorted(path.name for path in world.folder.iterdir() if not path.name.startswith("."))
    assert shown == ["alder.mp4", "birch.mp4", "birch.srt", "questions.jsonl", "truth.json"]
    told = json.loads((world.folder / "truth.json").read_text())
    assert tuple(VideoTruth.from_json(row) for row in told["videos"]) == world.videos
    assert (told["seed"], told["minutes"]) == (11, 4)
    lines = (world.folder / "questions.jsonl").read_text().splitlines()
    assert tuple(WorldQuestion.from_json(json.loads(line)) for line in lines) == world.questions
    assert [path.name for path in world.paths] == ["alder.mp4", "birch.mp4"]
    assert world.video("birch.mp4") is world.videos[1]


def test_what_stands_is_used_again(world: WorldSet, rendered: list[str]):
    before = stamps(world.folder)
    assert build(world.folder, **SAME) == build(world.folder, 4.0, 11, videos=2) == world
    assert stamps(world.folder) == before
    assert rendered == []


def test_the_same_bytes_come_out_elsewhere(world: WorldSet, tmp_path: Path):
    build(tmp_path / "other", **SAME)
    assert contents(tmp_path / "other") == contents(world.folder)


def test_what_was_cut_off_goes_on_where_it_stopped(world: WorldSet, copy: Path, rendered: list[str]):
    for name in ("birch.mp4", "truth.json", "questions.jsonl"):
        (copy / name).unlink()
    (copy / ".rendering").mkdir()
    (copy / ".rendering" / "birch.mp4").write_bytes(b"half a video")
    before = (copy / "alder.mp4").stat()
    told: list[str] = []
    assert build(copy, **SAME, on_video=told.append).questions == world.questions
    assert rendered == told == ["birch.mp4"]
    assert (copy / "alder.mp4").stat() == before
    assert contents(copy) == contents(world.folder)
    assert not (copy / ".rendering").exists()


def test_a_rendering_that_fails_leaves_no_half_video(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    real = building.render

    def failing(truth: VideoTruth, folder: Path, stop: object) -> list[Path]:
        if truth.name == "birch.mp4":
            (folder / truth.name).write_bytes(b"half a video")
            raise RuntimeError("no more electricity")
        return real(truth, folder)

    monkeypatch.setattr(building, "render", failing)
    with pytest.raises(RuntimeError, match="electricity"):
        build(tmp_path / "w", 1, 1, videos=2)
    names = {path.name for path in (tmp_path / "w").iterdir()}
    assert names <= {".world.json", "alder.mp4"}
    monkeypatch.setattr(building, "render", real)
    assert len(build(tmp_path / "w", 1, 1, videos=2).paths) == 2


@pytest.mark.parametrize("name", ["truth.json", "questions.jsonl"])
def test_a_text_that_was_changed_is_written_anew(world: WorldSet, copy: Path, rendered: list[str], name: str):
    with (copy / name).open("a") as file:
        file.write("{}\n")
    build(copy, **SAME)
    assert contents(copy) == contents(world.folder)
    assert rendered == []


def test_a_world_from_other_arguments_is_replaced(copy: Path, rendered: list[str]):
    made = build(copy, 1, 12, videos=1)
    assert rendered == ["alder.mp4"]
    shown = sorted(path.name for path in copy.iterdir() if not path.name.startswith("."))
    assert shown == ["alder.mp4", "questions.jsonl", "truth.json"]
    assert [video.duration_s for video in made.videos] == [60]


def test_a_newer_painter_renders_again(copy: Path, rendered: list[str], monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(building, "VERSION", 1000)
    build(copy, **SAME)
    assert sorted(rendered) == ["alder.mp4", "birch.mp4"]


def test_an_index_beside_the_videos_is_left_alone(copy: Path):
    (copy / ".lvqa").mkdir()
    (copy / ".lvqa" / "archive.db").write_bytes(b"")
    build(copy, **SAME)
    assert (copy / ".lvqa" / "archive.db").exists()


def test_a_folder_of_something_else_is_refused(tmp_path: Path):
    (tmp_path / "holiday.mp4").write_bytes(b"")
    (tmp_path / ".hidden").write_bytes(b"")
    with pytest.raises(UsageError, match=r"holiday\.mp4.*empty folder"):
        build(tmp_path, 1, 1)
    assert {path.name for path in tmp_path.iterdir()} == {"holiday.mp4", ".hidden"}


def test_a_world_without_its_mark_is_something_else(copy: Path):
    (copy / ".world.json").write_text("[")
    with pytest.raises(UsageError, match="something else"):
        build(copy, **SAME)


def test_a_file_is_no_folder(tmp_path: Path):
    (tmp_path / "w").write_bytes(b"")
    with pytest.raises(UsageError, match="is a file"):
        build(tmp_path / "w", 1, 1)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_cannot_be_written_is_refused(tmp_path: Path):
    tmp_path.chmod(0o500)
    with pytest.raises(UsageError, match="cannot be written"):
        build(tmp_path / "w", 1, 1)


@pytest.mark.parametrize("minutes", [0, -1, 0.49, float("nan"), float("inf"), float("-inf")])
def test_a_length_that_makes_no_sense_is_refused(tmp_path: Path, minutes: float):
    with pytest.raises(UsageError, match="minutes"):
        build(tmp_path / "w", minutes, 1)
    assert not (tmp_path / "w").exists()


@pytest.mark.parametrize(("minutes", "videos"), [(10, 0), (10, -2), (1000, 100), (2, 5), (3000, 1)])
def test_a_number_of_videos_that_makes_no_sense_is_refused(tmp_path: Path, minutes: float, videos: int):
    with pytest.raises(UsageError, match=r"videos"):
        build(tmp_path / "w", minutes, 1, videos=videos)


@pytest.mark.parametrize(("minutes", "n"), [(0.5, 1), (0.9, 1), (1, 2), (10, 2), (40, 2), (60, 3), (61, 4), (240, 12)])
def test_videos_are_of_twenty_minutes_at_most_unless_told(minutes: float, n: int):
    assert building._checked(minutes, None) == n
