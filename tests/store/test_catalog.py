from __future__ import annotations

import pytest

from lvqa.errors import StoreError, UsageError
from lvqa.store import FileRow, Filter, JobRow, RemovedCounts, Store
from lvqa.store.schema import SCHEMA_VERSION
from lvqa.types import Span


def test_a_video_comes_back_as_it_was_put(store: Store, make):
    store.videos.put(make.video("b"))
    store.videos.put(make.video("a"))
    assert store.videos.all() == [make.video("a"), make.video("b")]
    assert store.videos.get("a") == make.video("a")
    assert store.videos.get("zzz") is None


def test_putting_a_video_again_keeps_its_rows(store: Store, make):
    make.filled(store, videos=1)
    store.videos.put(make.video("v0", duration_s=55.0))
    assert store.videos.get("v0").duration_s == 55.0
    assert len(store.notes.select()) == 20


def test_two_files_of_one_content(store: Store, make):
    make.filled(store, videos=1)
    store.files.put("copy/of.mp4", "v0", 10, 21)
    assert store.videos.all()[0].path == "copy/of.mp4"
    assert store.files.all() == [FileRow("copy/of.mp4", "v0", 10, 21), FileRow("v0.mp4", "v0", 10, 20)]
    assert store.files.remove("copy/of.mp4") == RemovedCounts(files=1)
    assert store.videos.all()[0].path == "v0.mp4"
    assert len(store.notes.select()) == 20
    assert store.files.remove("v0.mp4") == RemovedCounts(1, 1, 20, 20, 20, 20)
    assert store.videos.all() == store.notes.select() == store.clips.of("v0") == store.files.all() == []
    assert store.files.remove("v0.mp4") == RemovedCounts()


def test_a_file_whose_content_changed(store: Store, make):
    store.videos.put(make.video("old"))
    store.videos.put(make.video("new"))
    store.files.put("x.mp4", "old", 1, 1)
    store.files.put("x.mp4", "new", 2, 2)
    assert store.files.get("x.mp4") == FileRow("x.mp4", "new", 2, 2)
    assert [video.path for video in store.videos.all()] == ["old.mp4", "x.mp4"]


def test_find_videos(store: Store, make):
    for name, path in [("1", "cats/one.mp4"), ("2", "dogs/one.mp4"), ("3", "dogs/two [x].mkv"), ("one", "three.mp4")]:
        store.videos.put(make.video(name))
        store.files.put(path, name, 1, 1)
    store.files.put("zz/alias.mp4", "3", 1, 1)

    def found(name: str) -> list[str]:
        return [video.id for video in store.videos.find(name)]

    assert found("one") == ["one"]  # an id goes before a stem
    assert found("cats/one.mp4") == ["1"]
    assert found("one.mp4") == ["1", "2"]
    assert found("two [x]") == ["3"]
    assert found("alias") == ["3"]
    assert found("dogs/*") == ["2", "3"]
    assert found("*.mp4") == ["1", "2", "3", "one"]
    assert found("nothing") == found("") == []


def test_jobs(store: Store, make):
    store.videos.put(make.video())
    store.jobs.put(JobRow("a", "a.mp4", "caption", "k1", "pending", 4.0))
    store.jobs.put(JobRow("a", "a.mp4", "caption", "k2", "done", 100.0))
    store.jobs.put(JobRow("", "bad.mp4", "probe", "", "failed", 0.0, "not a video"))
    assert store.jobs.get("a", "caption") == JobRow("a", "a.mp4", "caption", "k2", "done", 100.0)
    assert store.jobs.get("a", "screen") is None
    assert store.jobs.get("", "probe", "bad.mp4").reason == "not a video"
    assert [job.stage for job in store.jobs.all()] == ["caption", "probe"]
    assert [job.path for job in store.jobs.all("failed")] == ["bad.mp4"]
    store.jobs.delete("a", "caption")
    assert store.jobs.get("a", "caption") is None
    # The file was mended: as a video it is no failure any more.
    store.files.put("bad.mp4", "a", 1, 1)
    assert store.jobs.all() == []


def test_a_failed_probe_goes_with_its_file(store: Store):
    store.files.put("bad.mp4", "", 3, 4)
    store.jobs.put(JobRow("", "bad.mp4", "probe", status="failed", reason="empty"))
    assert store.files.get("bad.mp4") == FileRow("bad.mp4", "", 3, 4)
    assert store.counts()["videos"] == {"indexed": 0, "failed": 1, "pending": 0}
    assert store.files.remove("bad.mp4") == RemovedCounts(files=1)
    assert store.jobs.all() == []


@pytest.mark.parametrize(
    "bad",
    [
        {"status": "odd"},
        {"stage": ""},
        {"path": "", "video_id": ""},
        {"progress_s": -1.0},
        {"progress_s": float("nan")},
    ],
)
def test_a_job_is_checked(bad):
    with pytest.raises(ValueError, match=r"job|status|progress"):
        JobRow(**{"video_id": "a", "path": "a.mp4", "stage": "caption", **bad})


def test_unknown_videos_are_refused(store: Store):
    for put in (
        lambda: store.files.put("x.mp4", "nobody", 1, 1),
        lambda: store.jobs.put(JobRow("nobody", "x.mp4", "caption")),
        lambda: store.frames.put("m", "nobody", [0.0], [[1.0]]),
    ):
        with pytest.raises(StoreError, match="put the video first"):
            put()


def test_meta(store: Store):
    assert store.meta.get("folder") is None
    assert store.meta.get("folder", "x") == "x"
    store.meta.set("folder", "/a")
    store.meta.set("folder", "/b")
    assert store.meta.get("folder") == "/b"


def test_counts(store: Store, make):
    assert store.counts()["videos"] == {"indexed": 0, "failed": 0, "pending": 0}
    make.filled(store, videos=4)
    store.videos.put(make.video("untouched"))
    store.notes.put([make.note("hello", "v3", source="speech")])
    store.jobs.put(JobRow("v0", "v0.mp4", "caption", status="done"))
    store.jobs.put(JobRow("v1", "v1.mp4", "caption", status="done"))
    store.jobs.put(JobRow("v1", "v1.mp4", "screen", status="pending"))
    store.jobs.put(JobRow("v2", "v2.mp4", "caption", status="pending"))
    store.jobs.put(JobRow("v2", "v2.mp4", "screen", status="failed", reason="no"))
    store.jobs.put(JobRow("", "x.mp4", "probe", status="failed", reason="no"))
    counts = store.counts()
    assert counts["videos"] == {"indexed": 2, "failed": 2, "pending": 2}
    assert (counts["clips"], counts["notes"], counts["embeddings"], counts["frames"]) == (80, 81, 80, 80)
    assert counts["sources"] == {"caption": 80, "speech": 1}
    assert counts["models"] == ["emb", "fake:vlm", "img"]
    assert counts["schema"] == SCHEMA_VERSION
    assert counts["bytes"] >= (store.index_dir / "archive.db").stat().st_size > 0


@pytest.fixture
def stages(store: Store, make) -> Store:
    """A video with something of every stage, and another that no reset of the first may touch."""
    for name in ("a", "b"):
        clip, scene = make.clip(name), make.clip(name, length_s=60, level="segment")
        notes = [
            make.note("c", name, clip=clip),
            make.note("s on a clip", name, source="screen", clip=clip),
            make.note("s", name, source="screen"),
            make.note("sp", name, source="speech"),
            make.note("i", name, source="imported", clip=clip),
            make.note("su", name, source="summary", clip=scene),
            make.note("se", name, source="seen"),
        ]
        with store.atomic():
            store.videos.put(make.video(name))
            store.clips.put([clip, scene])
            store.notes.put(notes)
            store.vectors.put("m", [note.id for note in notes], make.vectors(len(notes)))
            store.frames.put("img", name, [0.0, 1.0], make.vectors(2))
            for stage in ("segment", "caption", "screen", "speech", "summary", "frames", "embed"):
                store.jobs.put(JobRow(name, f"{name}.mp4", stage, status="done"))
    return store


ALL = {"c", "s on a clip", "s", "sp", "i", "su", "se"}


@pytest.mark.parametrize(
    ("stage", "texts", "clips", "frames", "jobs_gone"),
    [
        ("segment", ALL - {"c", "s on a clip"}, 0, 2, {"segment", "caption", "screen"}),
        ("caption", ALL - {"c"}, 1, 2, {"caption"}),
        ("screen", ALL - {"s", "s on a clip"}, 1, 2, {"screen"}),
        ("speech", ALL - {"sp"}, 1, 2, {"speech"}),
        ("summary", ALL - {"su"}, 1, 2, {"summary"}),
        ("imported", ALL - {"i"}, 1, 2, set()),
        ("seen", ALL - {"se"}, 1, 2, set()),
        ("frames", ALL, 1, 0, {"frames"}),
        ("embed", ALL, 1, 2, {"embed"}),
    ],
)
def test_reset_takes_exactly_what_the_stage_wrote(stages: Store, stage, texts, clips, frames, jobs_gone):
    before = {job.stage for job in stages.jobs.all()}
    stages.reset_stage("a", stage)
    left = stages.notes.select(Filter(video_ids=frozenset({"a"})))
    assert {note.text for note in left} == texts
    assert len(stages.clips.of("a")) == clips
    assert len(stages.clips.of("a", "segment")) == (0 if stage == "summary" else 1)
    assert len(stages.frames.of("img", "a")[0]) == frames
    assert {job.stage for job in stages.jobs.all() if job.video_id == "a"} == before - jobs_gone
    bare = {note.text for note in stages.vectors.missing("m")}
    assert bare == (ALL if stage == "embed" else set())
    # The other video is whole.
    assert {note.text for note in stages.notes.select(Filter(video_ids=frozenset({"b"})))} == ALL
    assert {job.stage for job in stages.jobs.all() if job.video_id == "b"} == before
    assert len(stages.frames.of("img", "b")[0]) == 2


def test_reset_of_segments_leaves_what_stood_on_them(stages: Store):
    stages.reset_stage("a", "segment")
    (note,) = [note for note in stages.notes.select(Filter(frozenset({"a"}))) if note.source == "imported"]
    assert note.clip_id is None
    assert note.span == Span(0, 4)


def test_reset_of_the_unknown(store: Store):
    with pytest.raises(UsageError, match="there are segment, caption"):
        store.reset_stage("a", "polish")
    store.reset_stage("nobody", "caption")


def test_removals_add_up():
    total = RemovedCounts(1, 2, 3, 4, 5, 6) + RemovedCounts(10, 20, 30, 40, 50, 60)
    assert total == RemovedCounts(videos=11, files=22, clips=33, notes=44, embeddings=55, frames=66)


@pytest.mark.parametrize(
    "wrong", [{"status": "odd"}, {"stage": ""}, {"video_id": "", "path": ""}, {"progress_s": -1.0}]
)
def test_jobs_are_checked_when_made(wrong):
    with pytest.raises(ValueError):  # noqa: PT011 - each of them says what is wrong in its own words
        JobRow(**{"video_id": "v", "path": "v.mp4", "stage": "caption", **wrong})
