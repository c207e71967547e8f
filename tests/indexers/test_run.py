"""Whole runs over small real videos with fakes: what is written, what is done again, and what is not."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from lvqa.errors import UsageError
from lvqa.indexers.progress import NoProgress
from lvqa.models.capabilities import Capabilities
from lvqa.models.fake import FakeEmbedder, FakeImageEmbedder, FakeReader, FakeVision
from lvqa.settings import Settings
from lvqa.store import Filter, Store
from lvqa.types import Span

RED, GREEN, BLUE = (255, 0, 0), (0, 160, 0), (0, 0, 255)


def texts(store: Store, source: Any) -> list[tuple[Span, str]]:
    return [(n.span, n.text) for n in store.notes.select(Filter(sources=frozenset([source])))]


def test_a_video_of_two_shots_is_cut_captioned_and_embedded(kit: Any, shots: Callable[..., Path]) -> None:
    shots("two shots.mp4", (RED, 3), (BLUE, 6))
    kit.ocr = None
    report = kit.run()
    assert (report.indexed, report.failed, report.clips, report.notes) == (1, [], 3, 3)
    with kit.store() as store:
        (video,) = store.videos.all()
        assert video.path == "two shots.mp4"
        assert [c.span for c in store.clips.of(video.id)] == [Span(0, 3), Span(3, 7), Span(7, 9)]
        assert [text.split()[-1] for _, text in texts(store, "caption")] == ["red", "blue", "blue"]
        assert {n.model for n in store.notes.select()} == {"fake:vision"}
        assert all(n.prompt_hash for n in store.notes.select())
        times, vectors = store.frames.of("fake:image", video.id)
        assert times.tolist() == [float(t) for t in range(9)]
        assert vectors.shape == (9, 8)
        assert store.vectors.missing("fake:embedder") == []
        assert store.counts()["videos"] == {"indexed": 1, "failed": 0, "pending": 0}
        assert report.embeddings == 3
        assert report.frames == 9
    prompts = [request.prompt for call in kit.vision.calls for request in call]
    assert "two shots.mp4" in prompts[0]
    assert "00:00:03" in prompts[1]


def test_a_time_code_is_one_note_in_which_every_second_is_found(kit: Any, counter: Callable[..., Path]) -> None:
    counter("clock.mp4", 21)
    kit.settings["clip_max_s"] = 8.0
    kit.run()
    with kit.store() as store:
        code = "\n".join(f"01:00:00:{t:02d}" for t in range(21))
        assert texts(store, "screen") == [(Span(0, 21), code)]
        hit = store.notes.search("01:00:00:13", 1)[0][0]
        assert store.notes.get_many([hit])[0].clip_id is None
    assert sum(kit.ocr.calls) == 21


def test_text_that_stays_is_read_once_and_is_one_note(kit: Any, shots: Callable[..., Path]) -> None:
    shots("still.mp4", (GREEN, 10))
    kit.ocr = FakeReader("EXIT")
    kit.run()
    with kit.store() as store:
        assert texts(store, "screen") == [(Span(0, 10), "EXIT")]
    assert sum(kit.ocr.calls) == 1


def test_near_equal_frames_do_not_reach_the_captioner(kit: Any, shots: Callable[..., Path]) -> None:
    shots("still.mp4", (GREEN, 8))
    kit.run()
    assert {len(request.frames) for call in kit.vision.calls for request in call} == {1}


def test_ocr_sees_frames_whole_and_the_captioner_small_ones(kit: Any, shots: Callable[..., Path], folder: Path) -> None:
    import numpy as np

    from lvqa.eval.lab.footage_writer import write_video

    write_video(folder / "big.mp4", (np.full((180, 320, 3), 9, np.uint8) for _ in range(4)), fps=2)
    seen: list[tuple[int, ...]] = []
    kit.ocr = FakeReader(lambda frame: seen.append(frame.shape) or "x1")
    kit.settings["max_side"] = 64
    kit.run()
    assert set(seen) == {(180, 320, 3)}
    assert {frame.shape for call in kit.vision.calls for r in call for frame in r.frames} == {(36, 64, 3)}


def test_a_second_run_loads_and_calls_nothing(kit: Any, counter: Callable[..., Path]) -> None:
    counter("a.mp4", 5)
    kit.run()
    before = kit.rows()
    models = kit.models()

    class Sealed(type(models)):  # type: ignore[misc]
        def _get(self, role: str) -> Any:
            raise AssertionError(f"{role} was loaded")

    models.__class__ = Sealed
    with kit.store(write=True) as store:
        from lvqa.indexers import run_index

        report = run_index(kit.folder, store, models, Settings(**kit.settings))
    assert (report.indexed, report.unchanged, report.notes) == (0, 1, 0)
    assert kit.rows() == before


def test_a_touched_file_is_hashed_and_found_unchanged(kit: Any, counter: Callable[..., Path]) -> None:
    path = counter("a.mp4", 3)
    kit.run()
    os.utime(path, (1, 1))
    looked = kit.looked()
    assert kit.run().unchanged == 1
    assert kit.looked() == looked


@pytest.mark.parametrize(
    ("change", "stages"),
    [
        ({"vision": FakeVision(name="fake:other")}, {"caption"}),
        ({"ocr": FakeReader("new", name="fake:other")}, {"screen"}),
        ({"image_embedder": FakeImageEmbedder(16, name="fake:other")}, {"frames"}),
        ({"caption_tokens": 50}, {"caption"}),
        ({"ocr_every_s": 2.0}, {"screen"}),
        ({"embed_every_s": 0.5}, {"frames"}),
        ({"embed_between": False}, {"frames"}),
        ({"clip_max_s": 3.0}, {"segment", "caption"}),
        ({"workers": 3, "clip_batch": 5}, set()),
    ],
)
def test_a_change_does_again_what_depends_on_it(
    kit: Any, counter: Callable[..., Path], change: dict[str, Any], stages: set[str]
) -> None:
    counter("a.mp4", 9)
    kit.run()
    before = kit.rows()
    keys = {job.stage: job.key for job in before["jobs"]}
    kit.vision, kit.ocr, kit.image_embedder = FakeVision(), FakeReader(kit.ocr._text), FakeImageEmbedder()
    for name, value in change.items():
        if hasattr(kit, name) and name != "settings":
            setattr(kit, name, value)
        else:
            kit.settings[name] = value
    kit.run()
    after = kit.rows()
    assert {job.stage for job in after["jobs"] if job.key != keys[job.stage]} == stages
    assert all(job.status == "done" for job in after["jobs"])
    assert bool(kit.vision.calls) == ("caption" in stages)
    assert bool(kit.ocr.calls) == ("screen" in stages)
    assert bool(kit.image_embedder.calls) == ("frames" in stages)
    clean = type(kit)(kit.folder, kit.index_dir.parent / "clean")
    clean.settings, clean.vision, clean.ocr = kit.settings, FakeVision(name=kit.vision.name), kit.ocr
    clean.image_embedder = kit.image_embedder
    clean.run()
    assert clean.rows() == after


def test_another_prompt_does_the_captions_again(
    kit: Any, counter: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    import lvqa.prompts as prompts

    counter("a.mp4", 5)
    kit.run()
    looked, read = kit.looked(), sum(kit.ocr.calls)
    old = prompts.load("caption")
    new = prompts.Prompt.of("caption", old.text + "\nBe brief.\n")
    monkeypatch.setattr(prompts, "load", lambda name, own=None: new)
    kit.run()
    assert kit.looked() == 2 * looked
    assert sum(kit.ocr.calls) == read
    with kit.store() as store:
        assert {n.prompt_hash for n in store.notes.select(Filter(sources=frozenset(["caption"])))} == {new.hash}


def test_another_embedder_embeds_all_notes_and_drops_the_old_vectors(kit: Any, counter: Callable[..., Path]) -> None:
    counter("a.mp4", 5)
    kit.run()
    looked = kit.looked()
    kit.embedder = FakeEmbedder(32, name="fake:embedder-2")
    report = kit.run()
    assert kit.looked() == looked
    with kit.store() as store:
        counts = store.counts()
        assert report.embeddings == counts["embeddings"] == counts["notes"]
        assert "fake:embedder" not in counts["models"]


def test_a_role_switched_off_keeps_what_it_wrote(kit: Any, counter: Callable[..., Path]) -> None:
    counter("a.mp4", 5)
    kit.run()
    before = kit.rows()
    kit.vision = kit.ocr = kit.image_embedder = None
    assert kit.run().unchanged == 1
    assert kit.rows() == before


def test_two_copies_are_one_video(kit: Any, counter: Callable[..., Path], folder: Path) -> None:
    path = counter("b.mp4", 4)
    shutil.copy(path, folder / "a.mp4")
    report = kit.run()
    assert report.indexed == 1
    assert report.duplicates == [("b.mp4", "a.mp4")]
    with kit.store() as store:
        assert len(store.videos.all()) == 1
        assert [f.path for f in store.files.all()] == ["a.mp4", "b.mp4"]
    (folder / "a.mp4").unlink()
    report = kit.run()
    assert (report.unchanged, report.duplicates, report.removed) == (1, [], [])
    with kit.store() as store:
        assert [v.path for v in store.videos.all()] == ["b.mp4"]
        assert store.counts()["notes"] > 0


def test_a_renamed_file_is_known_by_its_content(kit: Any, counter: Callable[..., Path], folder: Path) -> None:
    path = counter("old.mp4", 4)
    kit.run()
    looked = kit.looked()
    (folder / "deeper").mkdir()
    path.rename(folder / "deeper" / "new name.mp4")
    report = kit.run()
    assert (report.unchanged, report.removed, kit.looked()) == (1, [], looked)
    with kit.store() as store:
        assert [v.path for v in store.videos.all()] == ["deeper/new name.mp4"]
        assert [f.path for f in store.files.all()] == ["deeper/new name.mp4"]


def test_a_file_that_is_gone_leaves_the_index(kit: Any, counter: Callable[..., Path], folder: Path) -> None:
    counter("a.mp4", 3)
    counter("b.mp4", 4).with_suffix(".mp4")
    kit.run()
    (folder / "b.mp4").unlink()
    report = kit.run()
    assert report.removed == ["b.mp4"]
    with kit.store() as store:
        assert [v.path for v in store.videos.all()] == ["a.mp4"]
        assert store.counts()["notes"] == len(store.notes.select())


def test_an_edited_file_replaces_what_it_was(kit: Any, counter: Callable[..., Path]) -> None:
    counter("a.mp4", 3)
    kit.run()
    counter("a.mp4", 5, RED)
    report = kit.run()
    assert report.indexed == 1
    with kit.store() as store:
        (video,) = store.videos.all()
        assert video.duration_s == 5
        assert {n.video_id for n in store.notes.select()} == {video.id}


def test_a_folder_that_became_empty_changes_nothing(kit: Any, counter: Callable[..., Path], folder: Path) -> None:
    counter("a.mp4", 3)
    kit.run()
    before = kit.rows()
    (folder / "a.mp4").rename(folder.parent / "a.mp4")
    with pytest.raises(UsageError, match="mounted"):
        kit.run()
    assert kit.rows() == before


def test_an_empty_folder_is_a_usage_error(kit: Any, folder: Path) -> None:
    with pytest.raises(UsageError, match="no videos"):
        kit.run()


def test_only_indexes_what_is_named(kit: Any, counter: Callable[..., Path]) -> None:
    counter("a.mp4", 3)
    counter("b.mp4", 4)
    assert kit.run(only=["b.mp4"]).indexed == 1
    with kit.store() as store:
        assert [v.path for v in store.videos.all()] == ["b.mp4"]
    with pytest.raises(UsageError, match=r"c\.mp4"):
        kit.run(only=["c.mp4"])


def test_subtitles_are_notes_and_come_before_the_transcriber(
    kit: Any, counter: Callable[..., Path], folder: Path
) -> None:
    counter("a.mp4", 8, audio=True)
    (folder / "a.srt").write_text(
        "1\n00:00:01,000 --> 00:00:03,000\nThe milk is\n\n2\n00:00:03,100 --> 00:00:05,000\nin the fridge.\n"
    )
    counter("b.mkv", 6, RED, subtitles=[(1.0, 2.0, "Look up.")])
    kit.hear((0.5, 2, "nobody hears this"))
    kit.run()
    with kit.store() as store:
        spoken = store.notes.select(Filter(sources=frozenset(["speech"])))
        assert sorted((n.span, n.text, n.model) for n in spoken) == [
            (Span(1, 2), "Look up.", ""),
            (Span(1, 5), "The milk is in the fridge.", ""),
        ]
    assert kit.asr.calls == []


def test_subtitles_that_come_later_or_change_are_taken_in(kit: Any, counter: Callable[..., Path], folder: Path) -> None:
    counter("a.mp4", 6)
    kit.run()
    looked = kit.looked()
    for word in ("First.", "Second."):
        (folder / "a.en.srt").write_text(f"1\n00:00:01,000 --> 00:00:03,000\n{word} {'!' * len(word)}\n")
        kit.run()
        with kit.store() as store:
            assert [text.split()[0] for _, text in texts(store, "speech")] == [word]
    assert kit.looked() == looked


def test_speech_is_transcribed_where_there_are_no_subtitles(kit: Any, counter: Callable[..., Path]) -> None:
    counter("a.mp4", 6, audio=True)
    counter("mute.mp4", 5, RED)
    kit.hear((0.5, 2, "Good morning."), (3, 4, "How are you?"))
    kit.run()
    with kit.store() as store:
        spoken = store.notes.select(Filter(sources=frozenset(["speech"])))
        assert [(n.span, n.text, n.model) for n in spoken] == [
            (Span(0.5, 2), "Good morning.", "fake:asr"),
            (Span(3, 4), "How are you?", "fake:asr"),
        ]
    assert len(kit.asr.calls) == 1
    before = kit.rows()
    kit.asr = None
    assert kit.run().unchanged == 2
    assert kit.rows() == before


def test_an_unusable_caption_is_asked_for_once_more_and_never_made_up(kit: Any, shots: Callable[..., Path]) -> None:
    shots("a.mp4", (RED, 4), (GREEN, 4), (BLUE, 4))
    kit.ocr = None
    kit.vision = FakeVision(["A red wall.", "I'm sorry, I can't help.", "", "A green wall.", "A blue wall."])
    kit.settings["clip_batch"] = 3
    kit.vision = FakeVision(["A red wall.", "I'm sorry, I can't help.", "", "A green wall.", "I cannot see it."])
    report = kit.run()
    assert [len(call) for call in kit.vision.calls] == [3, 2]
    assert report.unparsed == 1
    with kit.store() as store:
        assert [text for _, text in texts(store, "caption")] == ["A red wall.", "A green wall."]
        assert store.counts()["clips"] == 3
        video = store.videos.all()[0]
        job = store.jobs.get(video.id, "caption")
        assert job is not None
        assert (job.status, job.reason.split(" without")[0]) == ("done", "1 clip")


def test_what_a_model_does_not_know_is_no_note_and_is_told(kit: Any, shots: Callable[..., Path]) -> None:
    shots("strange.mp4", (RED, 4), (GREEN, 4), (BLUE, 4))
    shots("known.mp4", (GREEN, 4), (BLUE, 4))
    kit.ocr = None
    kit.vision = FakeVision(lambda r: "A blue wall." if r.frames[0][..., 2].mean() > 150 else "unknown")
    told: list[str] = []

    class Told(NoProgress):
        def message(self, text: str) -> None:
            told.append(text)

    report = kit.run(progress=Told())
    assert report.unfamiliar == ["strange.mp4"]
    assert (report.unparsed, report.failed, report.indexed) == (0, [], 2)
    assert [line for line in told if "does not know what 2 of its 3 clips show" in line] == told
    with kit.store() as store:
        assert {text for _, text in texts(store, "caption")} == {"A blue wall."}
        assert {job.status for job in store.jobs.all()} == {"done"}
    assert kit.run(progress=Told()).unchanged == 2
    assert len(told) == 1


def test_a_model_is_asked_by_its_own_prompts(kit: Any, shots: Callable[..., Path]) -> None:
    shots("a.mp4", (RED, 4))
    kit.ocr = None
    kit.vision = FakeVision("a red wall")
    kit.run()
    kit.vision.capabilities = Capabilities(prompts={"caption": "describe the frame.\n"})
    assert kit.run().indexed == 1
    (first,), (second,) = kit.vision.calls
    assert "time order" in first.prompt
    assert second.prompt == "describe the frame."
    with kit.store() as store:
        assert len(texts(store, "caption")) == 1


@pytest.mark.parametrize("names", [['it\'s a "test".mp4', "new\nline.mp4", "📼 emoji.mp4", "-rf.mp4"]])
def test_odd_names_are_names(kit: Any, counter: Callable[..., Path], names: list[str]) -> None:
    for seconds, name in enumerate(names, 2):
        counter(name, seconds)
    assert kit.run().indexed == len(names)
    with kit.store() as store:
        assert {v.path for v in store.videos.all()} == set(names)


@pytest.mark.parametrize(
    "spacing",
    [{"ocr_every_s": 0.7}, {"embed_every_s": 0.37}, {"sample_fps": 0.5}, {"sample_fps": 3, "clip_max_s": 0.5}],
)
def test_any_spacing_works(kit: Any, counter: Callable[..., Path], spacing: dict[str, float]) -> None:
    counter("a.mp4", 6)
    kit.settings |= spacing
    report = kit.run()
    assert report.failed == []
    settings = Settings(**kit.settings)
    with kit.store() as store:
        video = store.videos.all()[0]
        times, _ = store.frames.of("fake:image", video.id)
        every_s = settings.embed_every_s
        assert times.tolist() == pytest.approx([k * every_s for k in range(int(6 / every_s - 1e-9) + 1)])
        clips = store.clips.of(video.id)
        assert clips[-1].span.end_s == 6
        assert all(a.span.end_s == b.span.start_s for a, b in pairwise(clips))
        assert {n.clip_id for n in store.notes.select(Filter(sources=frozenset(["caption"])))} == {c.id for c in clips}


def test_clips_cut_anew_in_the_middle_lose_no_frame(
    kit: Any, shots: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    from lvqa.indexers.writer import Writer

    shots("still.mp4", (RED, 20))
    kit.settings["clip_batch"] = 1
    write, written = Writer._rows, []

    def two_batches(self: Any, rows: Any) -> None:
        write(self, rows)
        written.append(rows.part)
        if written.count("visual") == 2:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Writer, "_rows", two_batches)
        with pytest.raises(KeyboardInterrupt):
            kit.run()
    kit.settings["clip_max_s"] = 3.0  # 8 s are done, and no clip begins there any more
    kit.run()
    with kit.store() as store:
        times, _ = store.frames.of("fake:image", store.videos.all()[0].id)
        assert times.tolist() == [float(t) for t in range(20)]


def test_a_video_goes_by_the_copy_that_can_be_read(kit: Any, shots: Callable[..., Path], folder: Path) -> None:
    shutil.copy(shots("a.mp4", (RED, 4)), folder / "b.mp4")
    kit.run()
    (folder / "a.mp4").write_bytes(b"no video any more")
    assert [path for path, _ in kit.run().failed] == ["a.mp4"]
    with kit.store() as store:
        assert [video.path for video in store.videos.all()] == ["b.mp4"]


def test_subtitles_beside_a_second_copy_are_not_left_out_in_silence(
    kit: Any, shots: Callable[..., Path], folder: Path
) -> None:
    from lvqa.indexers.progress import NoProgress

    class Told(NoProgress):
        def __init__(self) -> None:
            self.lines: list[str] = []

        def message(self, text: str) -> None:
            self.lines.append(text)

    srt = "1\n00:00:01,000 --> 00:00:02,000\n{}\n"
    shutil.copy(shots("a.mp4", (RED, 4)), folder / "b.mp4")
    (folder / "b.srt").write_text(srt.format("hello"))
    told = Told()
    kit.run(progress=told)
    assert [line for line in told.lines if "subtitles" in line and "b.mp4" in line and "a.mp4" in line]
    (folder / "a.srt").write_text(srt.format("hello"))  # the same beside both: nothing to tell
    told = Told()
    kit.run(progress=told)
    assert not [line for line in told.lines if "subtitles" in line]
