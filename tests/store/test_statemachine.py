"""Random sequences of operations against a store of plain dicts: the same rows, the same searches."""

from __future__ import annotations

import contextlib
import shutil
import tempfile
from pathlib import Path

import numpy as np
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from lvqa.store import FileRow, Filter, JobRow, Store, note_id
from lvqa.types import SOURCES, Clip, Note, Span, Video

VIDEOS = st.sampled_from(["v1", "v2", "v3"])
PATHS = st.sampled_from(["a.mp4", "b.mp4", "copies/a.mp4", "d.mp4"])
STARTS = st.integers(0, 5)
WORDS = ("milk", "fridge", "dog", "ball")
TEXTS = st.lists(st.sampled_from(WORDS), min_size=1, max_size=3).map(" ".join)
LEVELS = st.sampled_from(["clip", "segment"])
MODELS = st.sampled_from(["m1", "m2"])
VECTORS = st.tuples(*[st.integers(-2, 2)] * 3).map(lambda values: np.array(values, np.float32))
STAGES = st.sampled_from(["segment", "caption", "screen", "speech", "summary", "frames", "embed"])


def unit(vector: np.ndarray) -> np.ndarray:
    norm = np.linalg.norm(vector.astype(np.float64))
    return vector.astype(np.float64) / norm if norm else vector.astype(np.float64)


class StoreMachine(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp(prefix="lvqa-test-"))
        self.store = Store.open(self.folder, write=True)
        self.videos: dict[str, Video] = {}
        self.files: dict[str, FileRow] = {}
        self.clips: dict[str, Clip] = {}
        self.notes: dict[str, Note] = {}
        self.vectors: dict[tuple[str, str], np.ndarray] = {}
        self.frames: dict[tuple[str, str, float], np.ndarray] = {}
        self.jobs: dict[tuple[str, str], JobRow] = {}

    def teardown(self) -> None:
        self.store.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    # What a deletion takes with it, in plain Python.

    def forget_notes(self, gone: set[str]) -> None:
        self.notes = {k: v for k, v in self.notes.items() if k not in gone}
        self.vectors = {k: v for k, v in self.vectors.items() if k[1] not in gone}

    def forget_clips(self, gone: set[str]) -> None:
        self.clips = {k: v for k, v in self.clips.items() if k not in gone}
        self.forget_notes({n.id for n in self.notes.values() if n.clip_id in gone})

    def forget_video(self, name: str) -> None:
        self.videos.pop(name, None)
        self.files = {k: v for k, v in self.files.items() if v.video_id != name}
        self.forget_clips({c.id for c in self.clips.values() if c.video_id == name})
        self.forget_notes({n.id for n in self.notes.values() if n.video_id == name})
        self.frames = {k: v for k, v in self.frames.items() if k[1] != name}
        self.jobs = {k: v for k, v in self.jobs.items() if k[0] != name}

    def ensure(self, name: str) -> None:
        if name not in self.videos:
            self.videos[name] = Video(name, f"{name}.avi", f"h{name}", 60.0)
            self.store.videos.put(self.videos[name])

    @initialize(name=VIDEOS)
    def first(self, name: str) -> None:
        self.ensure(name)

    @rule(path=PATHS, name=VIDEOS, size=st.integers(0, 9))
    def put_file(self, path: str, name: str, size: int) -> None:
        self.ensure(name)
        self.files[path] = FileRow(path, name, size, size)
        self.store.files.put(path, name, size, size)

    @rule(path=PATHS)
    def remove_file(self, path: str) -> None:
        counts = self.store.files.remove(path)
        row = self.files.pop(path, None)
        assert counts.files == (row is not None)
        if row is not None and not any(file.video_id == row.video_id for file in self.files.values()):
            assert counts.videos == 1
            self.forget_video(row.video_id)

    @rule(name=VIDEOS)
    def remove_video(self, name: str) -> None:
        counts = self.store.videos.remove(name)
        before = len(self.notes), len(self.clips), len(self.vectors), len(self.frames)
        self.forget_video(name)
        after = len(self.notes), len(self.clips), len(self.vectors), len(self.frames)
        gone = tuple(a - b for a, b in zip(before, after, strict=True))
        assert (counts.notes, counts.clips, counts.embeddings, counts.frames) == gone

    @rule(name=VIDEOS, start=STARTS, level=LEVELS)
    def put_clip(self, name: str, start: int, level: str) -> None:
        self.ensure(name)
        clip = Clip.of(name, Span(start, start + 2), level)  # type: ignore[arg-type]
        self.clips[clip.id] = clip
        self.store.clips.put([clip])

    @rule(name=VIDEOS, start=STARTS, text=TEXTS, source=st.sampled_from(SOURCES), level=st.none() | LEVELS)
    def put_note(self, name: str, start: int, text: str, source: str, level: str | None) -> None:
        self.ensure(name)
        clip = None
        if level is not None:
            clip = Clip.of(name, Span(start, start + 2), level)  # type: ignore[arg-type]
            self.clips[clip.id] = clip
            self.store.clips.put([clip])
        span = Span(start, start + 2)
        # The id leaves the clip out, so that one id may come with other content.
        note = Note(
            note_id(name, source, span, "", "", text),  # type: ignore[arg-type]
            name,
            clip.id if clip else None,
            span,
            text,
            source,  # type: ignore[arg-type]
        )
        if self.notes.get(note.id) != note:
            self.forget_notes({note.id})
        self.notes[note.id] = note
        self.store.notes.put([note, note])

    @rule(data=st.data())
    def delete_note(self, data: st.DataObject) -> None:
        if self.notes:
            gone = data.draw(st.sampled_from(sorted(self.notes)))
            assert self.store.notes.delete([gone]) == 1
            self.forget_notes({gone})

    @rule(data=st.data())
    def delete_clip(self, data: st.DataObject) -> None:
        if self.clips:
            gone = data.draw(st.sampled_from(sorted(self.clips)))
            assert self.store.clips.delete([gone, "unknown"]) == 1
            self.forget_clips({gone})

    @rule(data=st.data(), model=MODELS, vector=VECTORS)
    def put_vector(self, data: st.DataObject, model: str, vector: np.ndarray) -> None:
        if self.notes:
            owner = data.draw(st.sampled_from(sorted(self.notes)))
            self.vectors[model, owner] = vector
            self.store.vectors.put(model, [owner], vector[None])

    @rule(keep=MODELS)
    def drop_vectors(self, keep: str) -> None:
        gone = [key for key in self.vectors if key[0] != keep]
        assert self.store.vectors.drop(keep) == len(gone)
        for key in gone:
            del self.vectors[key]

    @rule(name=VIDEOS, time_s=STARTS, model=MODELS, vector=VECTORS)
    def put_frame(self, name: str, time_s: int, model: str, vector: np.ndarray) -> None:
        self.ensure(name)
        self.frames[model, name, float(time_s)] = vector
        self.store.frames.put(model, name, [time_s], vector[None])

    @rule(name=VIDEOS, stage=STAGES, status=st.sampled_from(["pending", "done", "failed"]))
    def put_job(self, name: str, stage: str, status: str) -> None:
        self.ensure(name)
        job = JobRow(name, f"{name}.avi", stage, "key", status, 1.0)  # type: ignore[arg-type]
        self.jobs[name, stage] = job
        self.store.jobs.put(job)

    @rule(name=VIDEOS, stage=STAGES)
    def reset(self, name: str, stage: str) -> None:
        self.store.reset_stage(name, stage)
        self.jobs.pop((name, stage), None)
        own = [note for note in self.notes.values() if note.video_id == name]
        if stage == "segment":
            clips = {c.id for c in self.clips.values() if c.video_id == name and c.level == "clip"}
            screen = {n.id for n in own if n.source == "screen" and n.clip_id is not None}
            self.jobs.pop((name, "caption"), None)
            if screen:
                self.jobs.pop((name, "screen"), None)
            self.forget_notes(screen | {n.id for n in own if n.source == "caption"})
            for note in list(self.notes.values()):
                if note.clip_id in clips:
                    self.notes[note.id] = Note(note.id, name, None, note.span, note.text, note.source)
            self.forget_clips(clips)
        elif stage == "summary":
            self.forget_notes({n.id for n in own if n.source == "summary"})
            self.forget_clips({c.id for c in self.clips.values() if c.video_id == name and c.level != "clip"})
        elif stage == "frames":
            self.frames = {k: v for k, v in self.frames.items() if k[1] != name}
        elif stage == "embed":
            self.vectors = {k: v for k, v in self.vectors.items() if self.notes[k[1]].video_id != name}
        else:
            sources = {"speech", "signs"} if stage == "speech" else {stage}
            self.forget_notes({n.id for n in own if n.source in sources})

    @rule(name=VIDEOS, text=TEXTS)
    def fail_half_way(self, name: str, text: str) -> None:
        with contextlib.suppress(KeyError), self.store.atomic():
            self.store.videos.remove(name)
            self.store.videos.put(Video("new", "new.avi", "h", 1.0))
            self.store.notes.put([Note("half", "new", None, Span(0, 1), text, "seen")])
            self.store.vectors.put("m1", ["half"], np.ones((1, 3), np.float32))
            assert "half" in dict(self.store.vectors.search("m1", np.ones(3, np.float32), 100))
            raise KeyError

    @rule()
    def reopen(self) -> None:
        self.store.close()
        self.store = Store.open(self.folder, write=True)

    @rule()
    def lose_the_cache(self) -> None:
        shutil.rmtree(self.folder / "vectors", ignore_errors=True)

    @rule(
        query=st.sampled_from(WORDS),
        model=MODELS,
        vector=VECTORS,
        k=st.integers(1, 6),
        names=st.none() | st.frozensets(VIDEOS),
        sources=st.none() | st.frozensets(st.sampled_from(SOURCES)),
        span=st.none() | STARTS.map(lambda start: Span(start, start + 1)),
    )
    def search(self, query, model, vector, k, names, sources, span) -> None:
        wanted = Filter(video_ids=names, sources=sources, span=span)
        allowed = {
            note.id: note
            for note in self.notes.values()
            if (names is None or note.video_id in names)
            and (sources is None or note.source in sources)
            and (span is None or span.overlaps(note.span))
        }
        assert {note.id for note in self.store.notes.select(wanted)} == set(allowed)
        found = {found for found, _ in self.store.notes.search(query, 1000, wanted)}
        assert found == {note.id for note in allowed.values() if query in note.text.split()}
        assert len(self.store.notes.search(query, k, wanted)) == min(k, len(found))

        near = self.store.vectors.search(model, vector, k, wanted)
        scores = {i: float(unit(v) @ unit(vector)) for (m, i), v in self.vectors.items() if m == model and i in allowed}
        assert np.allclose([s for _, s in near], sorted(scores.values(), reverse=True)[:k], atol=1e-6)
        assert np.allclose([s for _, s in near], [scores[i] for i, _ in near], atol=1e-6)

        frames = self.store.frames.search(model, vector, k, wanted)
        scores = {
            (v, t): float(unit(row) @ unit(vector))
            for (m, v, t), row in self.frames.items()
            if m == model and (names is None or v in names) and (span is None or span.contains(t))
        }
        assert np.allclose([f.score for f in frames], sorted(scores.values(), reverse=True)[:k], atol=1e-6)
        assert np.allclose([f.score for f in frames], [scores[f.video_id, f.time_s] for f in frames], atol=1e-6)

    @invariant()
    def the_same_rows(self) -> None:
        assert {video.id for video in self.store.videos.all()} == set(self.videos)
        assert self.store.files.all() == [self.files[path] for path in sorted(self.files)]
        assert {note.id: note for note in self.store.notes.select()} == self.notes
        for name in self.videos:
            own = sorted((c for c in self.clips.values() if c.video_id == name), key=lambda c: c.span)
            assert self.store.clips.of(name) + self.store.clips.of(name, "segment") == [
                *(c for c in own if c.level == "clip"),
                *(c for c in own if c.level == "segment"),
            ]
        assert {(job.video_id, job.stage): job for job in self.store.jobs.all()} == self.jobs
        for model in ("m1", "m2"):
            owners = sorted(i for m, i in self.vectors if m == model)
            if owners:
                rows = np.stack([self.vectors[model, i] for i in owners])
                assert np.array_equal(self.store.vectors.of(model, owners), rows)
            assert {n.id for n in self.store.vectors.missing(model)} == set(self.notes) - set(owners)
            for name in self.videos:
                times = sorted(t for m, v, t in self.frames if (m, v) == (model, name))
                assert self.store.frames.of(model, name)[0].tolist() == times

    @invariant()
    def the_same_counts(self) -> None:
        counts = self.store.counts()
        levels = [clip.level for clip in self.clips.values()]
        assert (counts["clips"], counts["segments"]) == (levels.count("clip"), levels.count("segment"))
        assert counts["notes"] == len(self.notes)
        assert (counts["embeddings"], counts["frames"]) == (len(self.vectors), len(self.frames))
        states = {"indexed": 0, "failed": 0, "pending": 0}
        for name in self.videos:
            own = {job.status for (video, _), job in self.jobs.items() if video == name}
            held = any(note.video_id == name for note in self.notes.values())
            state = "failed" if "failed" in own else "pending" if "pending" in own or not (own or held) else "indexed"
            states[state] += 1
        assert counts["videos"] == states

    @invariant()
    def the_full_text_index_agrees_with_the_notes(self) -> None:
        with self.store.atomic():
            self.store.connections.write("INSERT INTO notes_fts(notes_fts, rank) VALUES ('integrity-check', 1)")


TestStore = StoreMachine.TestCase
TestStore.settings = settings(
    max_examples=25, stateful_step_count=25, deadline=None, suppress_health_check=list(HealthCheck)
)
