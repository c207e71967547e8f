"""What a change of files or settings does again, and what it leaves alone to the row: decided, shown, applied."""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lvqa.errors import UsageError
from lvqa.indexers import plan_index, plan_lines
from lvqa.indexers.planning.dry_run import IndexPlan
from lvqa.indexers.stages.specs import UNKNOWN_CHANGE, StageSpec, changes, stage_specs
from lvqa.models.base import VisionRequest
from lvqa.models.fake import FakeEmbedder, FakeImageEmbedder, FakeReader, FakeVision
from lvqa.settings import Settings
from lvqa.store import Filter

GREEN, RED, BLUE = (0, 160, 0), (255, 0, 0), (0, 0, 255)
TABLES = {
    "clips": "SELECT n FROM clips WHERE level = 'clip'",
    "caption": "SELECT n FROM notes WHERE source = 'caption'",
    "screen": "SELECT n FROM notes WHERE source = 'screen'",
    "speech": "SELECT n FROM notes WHERE source = 'speech'",
    "summary": "SELECT n FROM notes WHERE source = 'summary'",
    "frames": "SELECT n FROM frames",
    "vectors": "SELECT n FROM embeddings",
}


def row_ids(kit: Any) -> dict[str, set[int]]:
    """The numbers of all rows; SQLite gives no number twice in these tables while a higher one is there."""
    connection = sqlite3.connect(kit.index_dir / "archive.db")
    try:
        return {name: {row[0] for row in connection.execute(sql)} for name, sql in TABLES.items()}
    finally:
        connection.close()


def dry(kit: Any, **more: Any) -> IndexPlan:
    """What a run would do, and that asking changes nothing."""
    models, settings = kit.models(), Settings(**kit.settings)
    if not (kit.index_dir / "archive.db").exists():
        plan = plan_index(kit.folder, None, models.names, settings, own_prompts=models.own_prompts, **more)
        assert not kit.index_dir.exists()
        return plan
    before = (kit.index_dir / "archive.db").read_bytes(), sorted(p.name for p in (kit.index_dir / "logs").iterdir())
    with kit.store() as store:
        plan = plan_index(kit.folder, store, models.names, settings, own_prompts=models.own_prompts, **more)
    assert before == (
        (kit.index_dir / "archive.db").read_bytes(),
        sorted(p.name for p in (kit.index_dir / "logs").iterdir()),
    )
    return plan


def agrees(kit: Any, monkeypatch: pytest.MonkeyPatch) -> tuple[IndexPlan, Any]:
    """The plan and the run after it, which did what the plan said."""
    from lvqa.indexers import run as run_module

    plan = dry(kit)
    told = plan_lines(plan)
    assert told == plan_lines(dry(kit))
    tasks: list[Any] = []
    stages = run_module._stages
    monkeypatch.setattr(run_module, "_stages", lambda m, s, t: tasks.extend(t) or stages(m, s, t))
    report = kit.run()
    done = {task.video.path: {stage: job.progress_s for stage, job in task.jobs.items()} for task in tasks}
    assert done == {
        file.path: {stage.stage: stage.progress_s for stage in file.stages if stage.open}
        for file in plan.files
        if file.work
    }
    states = plan.states
    assert report.removed == [file.path for file in plan.files if file.state == "gone"]
    assert [path for path, _ in report.duplicates] == [
        file.path for file in plan.files if file.state == "copied" and not file.stages
    ]
    failed = [(file.path, file.reason) for file in plan.files if file.state in ("unreadable", "growing")]
    assert [one for one in report.failed if one in failed] == failed
    assert (
        report.unchanged + report.indexed + len(report.duplicates) + len(failed)
        == sum(states.values()) - states["gone"]
    )
    assert not dry(kit).videos
    return plan, report


def state(plan: IndexPlan, path: str) -> str:
    return next(file.state for file in plan.files if file.path == path)


def test_a_first_run_is_told_before_there_is_an_index(
    kit: Any, counter: Callable[..., Path], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    counter("a.mp4", 8)
    counter("b.mp4", 12, RED)
    (folder / "bad.mp4").write_text("no video")
    kit.settings["summaries"] = "extractive"
    plan, _ = agrees(kit, monkeypatch)
    assert plan.to_dict()["states"] == {"new": 2, "unreadable": 1}
    assert (plan.videos, plan.decode_s, plan.clips) == (2, 20.0, 5)
    assert [path for path, _ in plan.summaries] == ["a.mp4", "b.mp4"]
    lines = plan_lines(plan)
    assert lines[0] == "a.mp4: new"
    assert "  caption: to do" in lines
    assert any(line.startswith("bad.mp4: would fail: ") for line in lines)


def test_only_what_is_named_is_told(kit: Any, counter: Callable[..., Path]) -> None:
    counter("a.mp4", 3)
    counter("b.mp4", 4)
    assert [file.path for file in dry(kit, only=["b.mp4"]).files] == ["b.mp4"]
    with pytest.raises(UsageError, match=r"c\.mp4"):
        dry(kit, only=["c.mp4"])


def test_an_empty_folder_is_an_error_here_too(kit: Any, folder: Path) -> None:
    with pytest.raises(UsageError, match="no videos"):
        dry(kit)
    with pytest.raises(UsageError, match="no folder"):
        plan_index(folder / "nowhere", None, {}, Settings())


@pytest.fixture
def three(kit: Any, counter: Callable[..., Path]) -> Path:
    """An index of three videos, one of them with a subtitle beside it."""
    for name, seconds, colour in (("a", 5, GREEN), ("b", 6, RED), ("c", 7, BLUE)):
        counter(f"{name}.mp4", seconds, colour)
    (kit.folder / "a.srt").write_text("1\n00:00:01,000 --> 00:00:03,000\nHello there.\n")
    kit.run()
    kit.vision = FakeVision()
    return Path(kit.folder)


def test_moved_files_keep_every_row(three: Path, kit: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    before = row_ids(kit)
    (three / "deep").mkdir()
    (three / "b.mp4").rename(three / "deep" / "new.mp4")
    plan, report = agrees(kit, monkeypatch)
    assert state(plan, "deep/new.mp4") == "moved"
    assert "deep/new.mp4: moved, was b.mp4" in plan_lines(plan)
    assert (report.unchanged, report.removed) == (3, [])
    assert row_ids(kit) == before
    assert kit.looked() == 0


def test_renamed_with_its_subtitle_nothing_is_done(three: Path, kit: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    before = row_ids(kit)
    (three / "a.mp4").rename(three / "z.mp4")
    (three / "a.srt").rename(three / "z.srt")
    plan, _ = agrees(kit, monkeypatch)
    assert state(plan, "z.mp4") == "moved"
    assert not plan.videos
    assert row_ids(kit) == before


def test_renamed_without_its_subtitle_the_speech_is_done_again(
    three: Path, kit: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    (three / "a.mp4").rename(three / "z.mp4")
    plan, _ = agrees(kit, monkeypatch)
    assert "  speech: redo: subtitles were removed" in plan_lines(plan)
    with kit.store() as store:
        assert store.notes.select(Filter(sources=frozenset({"speech"}))) == []


def test_swapped_names_are_two_moves(three: Path, kit: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    before = row_ids(kit)
    for old, new in (("b", "x"), ("c", "b"), ("x", "c")):
        (three / f"{old}.mp4").rename(three / f"{new}.mp4")
    plan, _ = agrees(kit, monkeypatch)
    assert [file.was for file in plan.files if file.state == "moved"] == ["c.mp4", "b.mp4"]
    assert row_ids(kit) == before
    with kit.store() as store:
        assert {v.path: v.duration_s for v in store.videos.all()} == {"a.mp4": 5, "b.mp4": 7, "c.mp4": 6}


def test_moved_with_a_new_file_in_the_old_place(
    three: Path, kit: Any, counter: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    (three / "b.mp4").rename(three / "old b.mp4")
    counter("b.mp4", 9, GREEN)
    plan, report = agrees(kit, monkeypatch)
    assert (state(plan, "b.mp4"), state(plan, "old b.mp4")) == ("replaced", "moved")
    assert (report.indexed, report.unchanged, report.removed) == (1, 3, [])
    assert kit.looked() == 3  # the clips of the new file alone
    with kit.store() as store:
        assert {v.path: v.duration_s for v in store.videos.all()} == {
            "a.mp4": 5,
            "b.mp4": 9,
            "c.mp4": 7,
            "old b.mp4": 6,
        }


def test_replaced_copied_and_gone(
    three: Path, kit: Any, counter: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    counter("a.mp4", 8, BLUE)
    shutil.copy(three / "b.mp4", three / "copy of b.mp4")
    (three / "c.mp4").unlink()
    plan, report = agrees(kit, monkeypatch)
    assert state(plan, "a.mp4") == "replaced"
    assert state(plan, "copy of b.mp4") == "copied"
    assert state(plan, "c.mp4") == "gone"
    assert "c.mp4: gone, its rows go" in plan_lines(plan)
    assert report.duplicates == [("copy of b.mp4", "b.mp4")]
    with kit.store() as store:
        assert [v.path for v in store.videos.all()] == ["a.mp4", "b.mp4"]


def test_moved_while_stages_are_open(
    kit: Any, counter: Callable[..., Path], monkeypatch: pytest.MonkeyPatch, folder: Path
) -> None:
    path = counter("a.mp4", 40)
    asked: list[int] = []
    kit.run(stop=lambda: len(asked) > 0 if kit.looked() < 4 else bool(asked.append(1)) or True)
    with kit.store() as store:
        job = store.jobs.get(store.videos.all()[0].id, "caption")
        assert job is not None
        assert 0 < job.progress_s < 40
    looked = kit.looked()
    path.rename(folder / "b.mp4")
    plan, report = agrees(kit, monkeypatch)
    assert state(plan, "b.mp4") == "moved"
    assert any(line.startswith("  caption: go on at 00:00:") for line in plan_lines(plan))
    assert report.indexed == 1
    assert kit.looked() == 10
    assert looked > 0
    with kit.store() as store:
        assert [v.path for v in store.videos.all()] == ["b.mp4"]
        assert {job.path for job in store.jobs.all()} == {"b.mp4"}


def test_failed_files_are_told_and_tried_again(
    kit: Any, counter: Callable[..., Path], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = counter("a.mp4", 5)
    (folder / "bad.mp4").write_bytes(b"no video")
    kit.run()
    assert state(dry(kit), "bad.mp4") == "unreadable"
    assert state(dry(kit, retry_failed=False), "bad.mp4") == "failed"
    (folder / "bad.mp4").write_bytes(counter("x.mp4", 4, RED).read_bytes())
    (folder / "x.mp4").unlink()
    plan, _ = agrees(kit, monkeypatch)
    assert state(plan, "bad.mp4") == "retried"
    assert whole.exists()


def test_a_stage_that_failed_is_told_with_its_reason(kit: Any, counter: Callable[..., Path]) -> None:
    counter("a.mp4", 20)

    def look(request: VisionRequest) -> str:
        if len(kit.vision.calls) > 1:
            raise RuntimeError("too bright")
        return "a wall"

    kit.vision = FakeVision(look)
    kit.run()
    kit.vision = FakeVision("a wall")
    (line,) = [line for line in plan_lines(dry(kit)) if line.startswith("  caption")]
    assert line.startswith("  caption: try again at 00:00:08: ")
    assert "too bright" in line
    refused = dry(kit, retry_failed=False)
    assert (state(refused, "a.mp4"), refused.videos) == ("failed", 0)
    assert kit.run(retry_failed=False).failed[0][0] == "a.mp4"


FOLLOWED = "the text on the screen is followed over time now"
CHANGES: list[tuple[dict[str, Any], set[str], str]] = [
    ({"vision": FakeVision(name="fake:o")}, {"caption"}, "caption: redo: the model changed from fake:vision to fake:o"),
    ({"ocr": FakeReader("x1", name="fake:o")}, {"screen"}, "screen: redo: the model changed from fake:ocr to fake:o"),
    ({"image_embedder": FakeImageEmbedder(16, name="fake:o")}, {"frames"}, "changed from fake:image to fake:o"),
    ({"embedder": FakeEmbedder(32, name="fake:embedder-2")}, {"vectors"}, "notes to be embedded"),
    ({"sample_fps": 1.0}, {"clips", "caption"}, "segment: redo: sample_fps 2 -> 1"),
    ({"clip_min_s": 1.0}, {"clips", "caption"}, "segment: redo: clip_min_s 0.5 -> 1"),
    ({"clip_max_s": 3.0}, {"clips", "caption"}, "segment: redo: clip_max_s 4 -> 3"),
    ({"shot_threshold": 20.0}, {"clips", "caption"}, "segment: redo: shot_threshold 27 -> 20"),
    ({"frames_per_clip": 6}, {"caption"}, "caption: redo: frames_per_clip 4 -> 6"),
    ({"caption_tokens": 50}, {"caption"}, "caption: redo: caption_tokens 192 -> 50"),
    ({"duplicate_threshold": 3.0}, {"caption", "screen"}, "screen: redo: duplicate_threshold 4 -> 3"),
    ({"max_side": 64}, {"caption", "frames"}, "frames: redo: max_side 768 -> 64"),
    ({"ocr_every_s": 2.0}, {"screen"}, "screen: redo: ocr_every_s 1 -> 2"),
    ({"ocr_processes": 3}, set(), ""),
    ({"embed_every_s": 0.5}, {"frames"}, "frames: redo: embed_every_s 1 -> 0.5"),
    ({"embed_between": False}, {"frames"}, "frames: redo: frames between them are no longer embedded"),
    ({"segment_min_s": 6.0, "segment_max_s": 12.0}, {"summary"}, "lengths"),
    ({"summaries": "none"}, set(), ""),
    ({"workers": 3}, set(), ""),
    ({"clip_batch": 5}, set(), ""),
    ({"top_k": 5, "rounds": 1, "budget_frames": 1, "agent": "llovi", "seed": None}, set(), ""),
    ({"device": "cpu"}, set(), ""),
    ({"trust_remote_code": "a/b"}, set(), ""),
    ({"audio_track": 2}, {"speech"}, "audio_track none -> 2"),
]  # fmt: skip
# Settings that say how to answer, or which models there are: no row of an index depends on them.
ELSEWHERE = {
    "profile", "chat", "detector", "asr", "language", "reader", "searcher", "explore", "budget_vlm_calls",
    "budget_tokens", "budget_seconds", "budget_money", "price_in", "price_out", "price_frame", "price_call", "currency",
    "abstain_below", "calibration", "isolate", "decode_memory_mb", "decode_stall_s", "timeout_s", "patience_s",
    "retries", "model_id", "think", "reply_tokens", "vision_in_flight", "chat_in_flight", "device_map",
}  # fmt: skip


def test_every_setting_is_tried() -> None:
    tried = {name for change, _, _ in CHANGES for name in change}
    assert tried | ELSEWHERE >= set(Settings.model_fields)


@pytest.mark.parametrize(("change", "stages", "why"), CHANGES, ids=[",".join(change) for change, _, _ in CHANGES])
def test_a_change_does_exactly_its_stages_again(
    kit: Any,
    counter: Callable[..., Path],
    monkeypatch: pytest.MonkeyPatch,
    change: dict[str, Any],
    stages: set[str],
    why: str,
) -> None:
    counter("a.mp4", 12)
    (kit.folder / "a.srt").write_text("1\n00:00:01,000 --> 00:00:03,000\nHello there.\n")
    kit.settings |= {"summaries": "extractive", "segment_min_s": 2.0, "segment_max_s": 6.0}
    kit.run()
    before = row_ids(kit)
    assert all(before.values())
    for name, value in change.items():
        if name in ("vision", "ocr", "embedder", "image_embedder"):
            setattr(kit, name, value)
        elif name in Settings.model_fields:
            kit.settings[name] = value
    plan, _ = agrees(kit, monkeypatch)
    assert why in "\n".join(plan_lines(plan))
    after = row_ids(kit)
    # Notes are made of what was seen, so what depends on the notes follows them: their vectors, the summaries.
    follows = {"summary", "vectors"} if stages else set()
    redone = {name for name in TABLES if after[name] != before[name]}
    assert stages <= redone <= stages | follows
    if "summary" in redone:
        assert [path for path, _ in plan.summaries] == ["a.mp4"]


def test_another_prompt_is_told(kit: Any, counter: Callable[..., Path], monkeypatch: pytest.MonkeyPatch) -> None:
    import lvqa.prompts as prompts

    counter("a.mp4", 5)
    kit.run()
    old = prompts.load("caption")
    new = prompts.Prompt.of("caption", old.text + "\nBe brief.\n")
    monkeypatch.setattr(prompts, "load", lambda name, own=None: new)
    assert "  caption: redo: the prompt changed" in plan_lines(agrees(kit, monkeypatch)[0])


def test_clips_cut_anew_take_the_captions_of_a_model_that_is_off(kit: Any, counter: Callable[..., Path]) -> None:
    counter("a.mp4", 5)
    kit.run()
    kit.vision = None
    kit.settings["clip_max_s"] = 2.0
    assert any(line.startswith("  caption: its rows go: ") for line in plan_lines(dry(kit)))
    kit.run()
    with kit.store() as store:
        assert store.notes.select(Filter(sources=frozenset({"caption"}))) == []
        assert not [job for job in store.jobs.all() if job.stage == "caption"]


@pytest.mark.parametrize("followed", [True, False])
def test_clips_cut_anew_leave_texts_of_the_screen_that_stand_on_none(
    kit: Any, counter: Callable[..., Path], followed: bool
) -> None:
    from dataclasses import replace

    counter("a.mp4", 5)
    kit.run()
    if not followed:  # as an older lvqa left it
        with kit.store(write=True) as store:
            job = store.jobs.get(store.videos.all()[0].id, "screen")
            store.jobs.put(replace(job, spec='{"model": "fake:ocr", "params": {}, "prompt_hash": ""}'))
    kit.ocr = None
    kit.settings["clip_max_s"] = 2.0
    assert any(line.startswith("  screen: its rows go: ") for line in plan_lines(dry(kit))) == (not followed)
    kit.run()
    with kit.store() as store:
        assert len(store.notes.select(Filter(sources=frozenset({"screen"})))) == 1
        assert bool([job for job in store.jobs.all() if job.stage == "screen"]) == followed


def test_rows_of_an_older_lvqa_learn_what_they_were_made_with(kit: Any, counter: Callable[..., Path]) -> None:
    from dataclasses import replace

    counter("a.mp4", 5)
    kit.run()
    with kit.store(write=True) as store:
        for job in store.jobs.all():
            store.jobs.put(replace(job, spec=""))
    kit.settings["caption_tokens"] = 50
    assert f"  caption: redo: {UNKNOWN_CHANGE}" in plan_lines(dry(kit))
    kit.settings["caption_tokens"] = 192
    assert kit.run().unchanged == 1
    kit.settings["caption_tokens"] = 50
    assert "  caption: redo: caption_tokens 192 -> 50" in plan_lines(dry(kit))


def test_captions_of_an_earlier_default_stand_until_they_are_refreshed(kit: Any, counter: Callable[..., Path]) -> None:
    counter("a.mp4", 5)
    kit.settings["caption_tokens"] = 96
    kit.run()
    before = row_ids(kit)
    del kit.settings["caption_tokens"]
    assert not dry(kit).videos
    assert kit.run().unchanged == 1
    assert row_ids(kit) == before
    assert REFRESHED in plan_lines(dry(kit, refresh=["caption"]))
    assert kit.run(refresh=["caption"]).indexed == 1
    assert row_ids(kit) != before
    assert not dry(kit, refresh=["caption"]).videos, "what was refreshed is not refreshed again"


def test_captions_half_made_by_an_earlier_default_are_ended_and_can_be_refreshed(
    kit: Any, counter: Callable[..., Path]
) -> None:
    from dataclasses import replace

    counter("a.mp4", 5)
    kit.settings["caption_tokens"] = 96
    kit.run()
    with kit.store(write=True) as store:
        job = store.jobs.get(store.videos.all()[0].id, "caption")
        store.jobs.put(replace(job, status="pending", spec=""))
    del kit.settings["caption_tokens"]
    kit.run()
    assert not dry(kit).videos
    assert REFRESHED in plan_lines(dry(kit, refresh=["caption"]))


REFRESHED = "  caption: redo: captions are refreshed: lvqa asks for them in another way now"


@pytest.mark.parametrize(
    ("before", "now", "words"),
    [
        (StageSpec("", "", {}).told, StageSpec("m", "", {}), "a model is on now: m"),
        (StageSpec("m", "", {}).told, StageSpec("", "", {}), "its model is off now: m"),
        (StageSpec("m", "1", {}).told, StageSpec("m", "2", {}), "the prompt changed"),
        (StageSpec("m", "", {"subtitles": []}).told, StageSpec("m", "", {"subtitles": [1]}), "subtitles were added"),
        (StageSpec("m", "", {"subtitles": [1]}).told, StageSpec("m", "", {"subtitles": [2]}), "subtitles changed"),
        (StageSpec("m", "", {"version": 1}).told, StageSpec("m", "", {"version": 2}), "lvqa makes it in"),
        (StageSpec("m", "", {"x": "a", "y": 1}).told, StageSpec("m", "", {"x": True}), "x a -> true; y 1 -> none"),
        ("", StageSpec("m", "", {}), UNKNOWN_CHANGE),
        ("", StageSpec("m", "", {"followed": 1}), FOLLOWED),
        (StageSpec("m", "", {"version": 1, "clip_max_s": 8.0, "ocr_every_s": 1.0}).told,
         StageSpec("m", "", {"followed": 1, "ocr_every_s": 1.0}), FOLLOWED),
        (StageSpec("m", "", {"version": 1, "ocr_every_s": 1.0}).told,
         StageSpec("m", "", {"followed": 1, "ocr_every_s": 2.0}), f"{FOLLOWED}; ocr_every_s 1 -> 2"),
        (StageSpec("m", "", {"followed": 1, "ocr_every_s": 1.0}).told,
         StageSpec("m", "", {"followed": 1, "ocr_every_s": 2.0}), "ocr_every_s 1 -> 2"),
        ("[1]", StageSpec("m", "", {}), UNKNOWN_CHANGE),
        (StageSpec("m", "", {}).told, StageSpec("m", "", {}), UNKNOWN_CHANGE),
    ],
)  # fmt: skip
def test_changes_in_words(before: str, now: StageSpec, words: str) -> None:
    assert changes(before, now).startswith(words)


def test_a_file_that_grows_while_it_is_looked_at_is_left(
    kit: Any, counter: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    from lvqa.indexers.planning import survey

    path = counter("a.mp4", 5)
    counter("b.mp4", 6, RED)
    looked_into = survey.looked_into

    def grows(file: Path, rel: str, **exact: bool) -> Any:
        found = looked_into(file, rel, **exact)
        if rel == "a.mp4":
            with file.open("ab") as out:
                out.write(b"more")
        return found

    with monkeypatch.context() as patch:
        patch.setattr(survey, "looked_into", grows)
        report = kit.run()
        assert report.failed == [("a.mp4", survey.GROWING)]
        assert report.indexed == 1
        assert state(dry(kit), "a.mp4") == "growing"
    with kit.store() as store:
        assert store.counts()["videos"] == {"indexed": 1, "failed": 0, "pending": 1}
    counter("a.mp4", 9)
    assert kit.run().indexed == 1
    with kit.store() as store:
        assert store.counts()["videos"] == {"indexed": 2, "failed": 0, "pending": 0}
        assert not [job for job in store.jobs.all() if not job.video_id]
    path.unlink()


def test_a_file_that_is_unreadable_because_it_is_written_is_left(
    kit: Any, counter: Callable[..., Path], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from lvqa.errors import MediaError
    from lvqa.indexers.planning import survey

    counter("b.mp4", 6, RED)
    (folder / "a.mp4").write_bytes(b"ftyp")

    def grows(file: Path, rel: str, **exact: bool) -> Any:
        with file.open("ab") as out:
            out.write(b"more")
        raise MediaError("no moov yet")

    looked_into = survey.looked_into
    monkeypatch.setattr(
        survey, "looked_into", lambda f, rel, **exact: (grows if rel == "a.mp4" else looked_into)(f, rel, **exact)
    )
    assert kit.run().failed == [("a.mp4", survey.GROWING)]


def test_a_file_that_grows_while_it_is_indexed_is_taken_in_whole_later(
    kit: Any, counter: Callable[..., Path], tmp_path: Path
) -> None:
    whole = counter("a.mkv", 60).read_bytes()
    path = kit.folder / "a.mkv"
    path.write_bytes(whole[: len(whole) // 2])

    def look(request: VisionRequest) -> str:
        if len(kit.vision.calls) == 2:
            path.write_bytes(whole)
        return "a reply"

    kit.vision = FakeVision(look)
    report = kit.run()
    assert [path for path, _ in report.failed] == ["a.mkv"]
    assert "is still being written" in report.failed[0][1]
    assert len(kit.vision.calls) < 8  # it was noticed at the next batch, not at the end
    kit.vision = FakeVision("a reply")
    assert (kit.run().indexed, kit.run().unchanged) == (1, 1)
    with kit.store() as store:
        (video,) = store.videos.all()
        assert video.duration_s == 60
        assert {n.video_id for n in store.notes.select()} == {video.id}
        assert store.counts()["videos"] == {"indexed": 1, "failed": 0, "pending": 0}


def test_a_touched_file_that_did_not_grow_says_that_it_changed(kit: Any, counter: Callable[..., Path]) -> None:
    path = counter("a.mp4", 30)

    def look(request: VisionRequest) -> str:
        os.utime(path, (1, 1))
        return "a reply"

    kit.vision = FakeVision(look)
    assert kit.run().failed == [("a.mp4", "changed while it was indexed; run index again")]
    kit.vision = FakeVision("a reply")
    assert kit.run().indexed == 1


def test_a_file_that_changed_before_its_turn_is_not_looked_at(
    kit: Any, counter: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    from lvqa.indexers import run as run_module

    path = counter("a.mp4", 10)
    stages = run_module._stages
    monkeypatch.setattr(run_module, "_stages", lambda m, s, t: os.utime(path, (1, 1)) or stages(m, s, t))
    assert kit.run().failed == [("a.mp4", "changed while it was indexed; run index again")]
    assert kit.looked() == 0


def test_another_language_is_heard_anew_where_somebody_listens() -> None:
    names = {"asr": "whisper:small"}
    before, after = (stage_specs(names, Settings(language=code))["speech"] for code in ("", "de"))
    assert changes(before.told, after) == "language none -> de"
    assert before.told == stage_specs(names, Settings())["speech"].told
    assert stage_specs({}, Settings(language="de"))["speech"].params == stage_specs({}, Settings())["speech"].params
