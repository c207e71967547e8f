"""Export and import: the round trip, merging, kills, and what an export may not do to an archive."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lvqa.errors import StoreError, StoreLocked, StoreVersionError, UsageError
from lvqa.eval.lab.snapshot import differences, snapshot
from lvqa.store import JobRow, Store, check_index, export_archive, imported_video_ids, merge_export
from lvqa.store.database import Connections
from lvqa.store.exchange.format import FIELDS, TABLES, VERSION, MergeReport
from lvqa.store.health.check import damage
from lvqa.store.health.finding import damaged
from lvqa.types import Clip, Note, Span, Video

ODD = os.fsdecode(b"odd\xff%.mp4")


def fill(store: Store, make: Any) -> None:
    """An archive with all kinds of rows."""
    make.filled(store, videos=2, notes=5)
    with store.atomic():
        store.videos.put(Video("odd", ODD, "hash-odd", 9.5, 64, 48, 30000 / 1001, "vp9"))
        store.files.put(ODD, "odd", 7, -1)
        store.files.put("copy.mp4", "v0", 7, 1 << 60)
        store.files.put("broken.mp4", "", 3, 4)
        segment = Clip.of("odd", Span(0.0, 9.5), "segment")
        store.clips.put([segment])
        said = Note("said", "odd", None, Span(1 / 3, 2.0), 'the "milk"\n\u2028 is\0 on – 机', "speech", "asr")
        told = Note("told", "odd", segment.id, segment.span, "all of it", "summary", "m", "p")
        store.notes.put([said, told])
        store.vectors.put("emb", ["said"], make.vectors(1, seed=5))
        store.vectors.put("other", ["said", "told"], make.vectors(2, dim=3, seed=6))
        store.jobs.put(JobRow("", "broken.mp4", "probe", status="failed", reason="no video"))
        store.jobs.put(JobRow("odd", ODD, "caption", "k", "pending", 4.5, "", '{"a": 1}', 2))
        store.jobs.put(JobRow("v0", "v0.mp4", "segment", "k0", "done", 100.0))
    store.meta.set("folder", '"/home/me/videos"')
    store.meta.set("digest", json.dumps({"text": "t", "model": "m", "key": "k"}))
    store.meta.set("transcribers", '["a", "b"]')


@pytest.fixture(autouse=True)
def quick_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    """A busy disk takes its time to sync."""
    monkeypatch.setattr("lvqa.store.exchange.part_folder.os.fsync", lambda fd: None)


@pytest.fixture
def full(store: Store, make: Any) -> Store:
    fill(store, make)
    return store


@pytest.fixture
def export(full: Store, tmp_path: Path) -> Path:
    export_archive(full, tmp_path / "export")
    return tmp_path / "export"


def merged(export: Path, index_dir: Path) -> MergeReport:
    with Store.open(index_dir, write=True) as store:
        report = merge_export(store, export)
        assert not damaged(check_index(index_dir))
        return report


def content(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_the_format_is_what_its_description_says(export: Path):
    """The fields follow from the tables: a change of those is a new version of the format."""
    assert {table: " ".join(FIELDS[table]) for table in TABLES} == {
        "videos": "id path content_hash duration_s width height fps codec has_audio probe",
        "files": "path video size mtime_ns",
        "clips": "id video start_s end_s level",
        "notes": "id video clip start_s end_s level text source model prompt_hash",
        "jobs": "video path stage key status progress_s reason spec blank",
        "meta": "key value",
    }
    manifest = json.loads((export / "manifest.json").read_text())
    assert (manifest["format"], manifest["version"], manifest["complete"]) == ("lvqa-export", 2, True)
    assert manifest["counts"]["notes"] == 12
    for name, about in manifest["files"].items():
        raw = (export / name).read_bytes()
        assert (len(raw), hashlib.sha256(raw).hexdigest()) == (about["bytes"], about["sha256"])
        if name.endswith(".jsonl"):
            assert len(raw.split(b"\n")) == about["rows"] + 1
    notes = [json.loads(line) for line in (export / "notes.jsonl").read_bytes().splitlines()]
    assert {"id": "said", "video": "odd", "clip": None, "start_s": 1 / 3}.items() <= notes[1].items()
    paths = [json.loads(line)["path"] for line in (export / "files.jsonl").read_bytes().splitlines()]
    assert "odd\ufffd%FF%.mp4" in paths
    for about in manifest["vectors"]:
        array = np.load(export / about["array"], allow_pickle=False)
        assert (array.dtype, array.shape) == (np.float32, (about["rows"], about["dim"]))
    assert [about["model"] for about in manifest["vectors"]] == ["emb", "other", "img"]
    assert [json.loads(line)["key"] for line in (export / "meta.jsonl").read_bytes().splitlines()] == [
        "digest",
        "transcribers",
    ]


def test_the_round_trip(full: Store, export: Path, tmp_path: Path):
    report = merged(export, tmp_path / "other")
    assert (report.videos, report.notes, report.embeddings, report.frames, report.left_out) == (3, 12, 13, 10, [])
    assert differences(snapshot(full.index_dir), snapshot(tmp_path / "other")) == []
    with Store.open(tmp_path / "other", write=True) as other:
        assert imported_video_ids(other) == {"v0", "v1", "odd"}
        assert other.meta.get("folder") is None
        assert [hit for hit, _ in other.notes.search("milk", 3)] == ["said"]
        export_archive(other, tmp_path / "again")
        before = other.connections.value("SELECT total_changes()")
        again = merge_export(other, export)
        assert (again.videos, again.files, again.notes, again.jobs, again.embeddings, again.frames) == (0,) * 6
        assert other.connections.value("SELECT total_changes()") == before
    assert content(tmp_path / "again") == content(export)


words = st.text(st.characters(codec="utf-8"), min_size=1, max_size=12).filter(str.strip)
seconds = st.floats(0, 1e6, allow_nan=False)


@settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.data())
def test_random_rows_make_the_round_trip(data: st.DataObject):
    with tempfile.TemporaryDirectory() as scratch:
        here, there = Path(scratch, "here"), Path(scratch, "there")
        ids = data.draw(st.lists(words, unique=True, min_size=1, max_size=3))
        with Store.open(here, write=True) as store, store.atomic():
            for number, name in enumerate(ids):
                path = os.fsdecode(data.draw(st.binary(max_size=6)).replace(b"\0", b"").replace(b"/", b"")) + "x"
                store.videos.put(Video(name, path, data.draw(words), data.draw(seconds) + 1e-9, fps=data.draw(seconds)))
                store.files.put(f"{number}{path}", name, data.draw(st.integers(0, 1 << 62)), number)
                start_s = data.draw(seconds)
                clip = Clip(
                    f"clip{number}", name, Span(start_s, start_s + 1), data.draw(st.sampled_from(["clip", "video"]))
                )
                store.clips.put([clip])
                note = Note(f"n{number}", name, clip.id, clip.span, data.draw(words), "caption", data.draw(words))
                store.notes.put([note])
                rows = st.lists(st.floats(width=32, allow_nan=False, allow_infinity=False), min_size=2, max_size=2)
                vector = np.array([data.draw(rows)], np.float32)
                store.vectors.put("m", [note.id], vector)
                store.frames.put("m", name, [data.draw(seconds)], vector)
                store.jobs.put(JobRow(name, path, data.draw(words), data.draw(words), "pending", data.draw(seconds)))
        with Store.open(here) as store:
            export_archive(store, Path(scratch, "export"))
        merged(Path(scratch, "export"), there)
        assert differences(snapshot(here), snapshot(there)) == []
        with Store.open(there) as store:
            export_archive(store, Path(scratch, "again"))
        assert content(Path(scratch, "export")) == content(Path(scratch, "again"))


def test_some_videos(full: Store, tmp_path: Path):
    report = export_archive(full, tmp_path / "some", ["v1"])
    assert (report.videos, report.files, report.notes, report.jobs, report.embeddings) == (1, 1, 5, 0, 5)
    assert not json.loads((tmp_path / "some" / "manifest.json").read_text())["complete"]
    merged(tmp_path / "some", tmp_path / "other")
    with Store.open(tmp_path / "other") as other:
        assert [video.id for video in other.videos.all()] == ["v1"]
        assert other.meta.get("digest") is None  # it is about all videos
    with pytest.raises(UsageError, match="no video 'nobody'"):
        export_archive(full, tmp_path / "none", ["nobody"])
    assert not list(tmp_path.glob("none*"))


def test_an_empty_archive_makes_the_round_trip(index_dir: Path, tmp_path: Path):
    with Store.open(index_dir) as store:
        assert export_archive(store, tmp_path / "export").videos == 0
    assert merged(tmp_path / "export", tmp_path / "other").videos == 0


WRITER = """
import sys, pathlib
from lvqa.store import Store
from lvqa.types import Note, Span
import numpy as np
with Store.open(pathlib.Path(sys.argv[1]), write=True) as store:
    k = 0
    while True:
        with store.atomic():
            notes = [Note(f"w{k}-{i}", "v0", None, Span(k, k + 1), "text", "seen") for i in range(7)]
            store.notes.put(notes)
            store.vectors.put("emb", [n.id for n in notes], np.ones((7, 8), np.float32))
        k += 1
        if k == 3:
            print("begun", flush=True)
"""


def writing(index_dir: Path) -> subprocess.Popen[str]:
    """Another process that writes all the time, seven notes with their vectors in each transaction."""
    process = subprocess.Popen([sys.executable, "-c", WRITER, str(index_dir)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "begun\n"
    return process


def test_a_snapshot_while_another_process_writes(index_dir: Path, make, tmp_path: Path):
    with Store.open(index_dir, write=True) as store:
        make.filled(store, videos=1)
    process = writing(index_dir)
    try:
        with Store.open(index_dir) as store:
            for number in range(3):
                report = export_archive(store, tmp_path / str(number))
                assert report.notes == report.embeddings
                assert (report.notes - 20) % 7 == 0
        assert process.poll() is None
    finally:
        process.kill()
        process.wait()
    assert merged(tmp_path / "2", tmp_path / "other").notes == report.notes > 20 + 21


def test_where_it_is_written(full: Store, tmp_path: Path):
    out = tmp_path / "out"
    out.mkdir()
    export_archive(full, out)  # an empty folder may be taken
    before = content(out)
    for taken in (out, tmp_path / "file", tmp_path / "link"):
        if taken.name == "file":
            taken.write_text("mine")
        elif taken.name == "link":
            taken.symlink_to(tmp_path / "nowhere")
        with pytest.raises(UsageError, match="is there already"):
            export_archive(full, taken)
    assert content(out) == before
    with pytest.raises(UsageError, match="name a folder"):
        export_archive(full, Path("/"))
    export_archive(full, tmp_path / "deep" / "er" / "out")
    assert content(tmp_path / "deep" / "er" / "out") == before


def test_what_a_killed_export_left_is_cleared_away(full: Store, tmp_path: Path, monkeypatch):
    part = tmp_path / "out.part"
    monkeypatch.setattr("lvqa.store.exchange.part_folder.shutil.rmtree", lambda *args, **more: None)
    monkeypatch.setattr("lvqa.store.exchange.export.npy_header", lambda *args: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        export_archive(full, tmp_path / "out")
    monkeypatch.undo()
    assert (part / "videos.jsonl").exists()
    assert not (tmp_path / "out").exists()
    export_archive(full, tmp_path / "out")
    assert not part.exists()
    assert not (tmp_path / "out" / "lock").exists()


def test_what_is_not_ours_is_left_alone(full: Store, tmp_path: Path):
    part = tmp_path / "out.part"
    part.mkdir()
    (part / "mine.txt").write_text("mine")
    with pytest.raises(UsageError, match="in the way"):
        export_archive(full, tmp_path / "out")
    assert content(tmp_path / "out.part") == {"mine.txt": b"mine"}


def test_two_exports_to_one_folder(full: Store, tmp_path: Path):
    from lvqa.store.exchange.part_folder import part_folder

    with part_folder(tmp_path / "out") as part:
        (part / "file").write_text("mine")
        with pytest.raises(StoreLocked, match="being written by another process"):
            export_archive(full, tmp_path / "out")
    assert content(tmp_path / "out") == {"file": b"mine"}


def test_a_full_disk_leaves_nothing(full: Store, tmp_path: Path, monkeypatch):
    def fsync(fd: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("lvqa.store.exchange.part_folder.os.fsync", fsync)
    with pytest.raises(StoreError, match=r"is full and .*out was not written; free some space"):
        export_archive(full, tmp_path / "out")
    assert not list(tmp_path.glob("out*"))


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE notes SET text = 'forged' WHERE id = 'said'",
        "UPDATE embeddings SET vector = zeroblob(32) WHERE n = 3",
        "UPDATE frames SET time_s = 3.25 WHERE n = 2",
        "UPDATE videos SET duration_s = 5 WHERE id = 'v0'",
        "UPDATE tallies SET count = count + 1 WHERE kind = 'notes caption'",
        "DELETE FROM tallies WHERE kind = 'frames img'",
        "DELETE FROM videos WHERE id = 'v0'",
    ],
)
def test_damage_does_not_travel(full: Store, tmp_path: Path, sql: str):
    full.close()
    connection = sqlite3.connect(full.index_dir / "archive.db")
    connection.execute("PRAGMA foreign_keys = OFF")
    connection.execute(sql)
    connection.commit()
    connection.close()
    with Store.open(full.index_dir) as store, pytest.raises(StoreError, match=r"damaged \(.*lvqa check --repair"):
        export_archive(store, tmp_path / "out")
    assert not list(tmp_path.glob("out*"))


class Killed(Exception):
    pass


def test_a_kill_between_any_two_transactions(export: Path, full: Store, tmp_path: Path, monkeypatch):
    """Whatever was committed when it died, the next import completes, and half a stage never counts as done."""
    monkeypatch.setattr("lvqa.store.exchange.merge._BATCH", 4)
    monkeypatch.setattr("lvqa.store.exchange.incoming._BATCH", 4)
    atomic, wanted = Connections.atomic, snapshot(full.index_dir)
    left, kills = 0, 0

    def dying(connections: Connections) -> Any:
        nonlocal left
        left -= 1
        if left == 0:
            raise Killed
        return atomic(connections)

    while True:
        kills += 1
        index = tmp_path / f"killed{kills}"
        with Store.open(index, write=True) as store:
            left = kills
            monkeypatch.setattr(Connections, "atomic", dying)
            try:
                merge_export(store, export)
            except Killed:
                monkeypatch.setattr(Connections, "atomic", atomic)
                assert damage(store.connections.connection) == ""
                for job in store.jobs.all():
                    assert len(store.notes.select()) == 12, job
                assert {video.id for video in store.videos.all()} <= imported_video_ids(store)
            else:
                break
            finally:
                monkeypatch.setattr(Connections, "atomic", atomic)
            merge_export(store, export)
        assert differences(wanted, snapshot(index)) == []
        shutil.rmtree(index)
    assert kills > 12


def test_two_archives_become_one(export: Path, tmp_path: Path, make):
    with Store.open(tmp_path / "other", write=True) as other:
        with other.atomic():
            other.videos.put(make.video("mine"))
            other.files.put("copy.mp4", "mine", 1, 1)
            other.notes.put([make.note("mine alone", "mine")])
            other.vectors.put("emb", [other.notes.select()[0].id], make.vectors(1))
            other.jobs.put(JobRow("", "broken.mp4", "probe", status="failed", reason="mine"))
        other.meta.set("transcribers", '["c"]')
        other.meta.set("digest", '"mine"')
        merge_export(other, export)
        assert [video.id for video in other.videos.all()] == ["mine", "odd", "v0", "v1"]
        assert other.files.get("copy.mp4").video_id == "mine"  # files are told by what is here
        assert other.jobs.get("", "probe", "broken.mp4").reason == "mine"
        assert json.loads(other.meta.get("transcribers")) == ["a", "b", "c"]
        assert other.meta.get("digest") == '"mine"'
        assert len(other.notes.select()) == 13
        assert imported_video_ids(other) == {"v0", "v1", "odd"}


def test_vectors_of_another_model_stay_behind(export: Path, tmp_path: Path, make):
    with Store.open(tmp_path / "other", write=True) as other:
        with other.atomic():
            other.videos.put(make.video("mine"))
            other.notes.put([make.note("mine alone", "mine")])
            other.vectors.put("new", [other.notes.select()[0].id], make.vectors(1))
            other.frames.put("img", "mine", [0.0], make.vectors(1, dim=5))
        report = merge_export(other, export)
        assert len(report.left_out) == 3
        assert "11 vectors of notes by emb; this archive has those of new" in report.left_out
        assert "10 vectors of frames by img; those here have 5 values" in report.left_out
        assert (other.vectors.models(), other.vectors.models("frames")) == (["new"], ["img"])
        assert (report.embeddings, report.frames) == (0, 0)
        assert len(other.vectors.missing("new")) == 12  # to be embedded by the next index


def test_a_frames_job_stays_behind_with_its_vectors(full: Store, tmp_path: Path, make):
    full.jobs.put(JobRow("v0", "v0.mp4", "frames", "kf", "done", 100.0))
    export_archive(full, tmp_path / "export")
    with Store.open(tmp_path / "other", write=True) as other:
        other.videos.put(make.video("mine"))
        other.frames.put("newer", "mine", [0.0], make.vectors(1))
        merge_export(other, tmp_path / "export")
        assert other.jobs.get("v0", "frames") is None
        assert other.jobs.get("v0", "segment").status == "done"


def test_a_stage_done_otherwise_here_stays_as_it_is(export: Path, tmp_path: Path, make):
    with Store.open(tmp_path / "other", write=True) as other:
        with other.atomic():
            other.videos.put(make.video("v0"))
            other.clips.put([make.clip("v0", 1.0)])
            other.notes.put([make.note("mine", "v0", clip=make.clip("v0", 1.0))])
            other.jobs.put(JobRow("v0", "v0.mp4", "segment", "mine", "done", 100.0))
        report = merge_export(other, export)
        assert any(line.startswith("caption, screen, segment of 1 videos") for line in report.left_out)
        assert [clip.span.start_s for clip in other.clips.of("v0")] == [1.0]
        assert [note.text for note in other.notes.select() if note.video_id == "v0"] == ["mine"]
        assert other.jobs.get("v0", "segment").key == "mine"
        assert len(other.clips.of("v1")) == 5
        assert len(other.frames.times("img", "v0")) == 5  # another stage
        assert merge_export(other, export).notes == 0


def test_the_job_that_came_further_is_taken(export: Path, tmp_path: Path, make):
    for key, progress_s, status, wanted in (
        ("k", 2.0, "pending", 4.5),
        ("k", 6.0, "pending", 6.0),
        ("k", 1.0, "done", 1.0),
    ):
        index = tmp_path / f"{progress_s}"
        with Store.open(index, write=True) as other:
            other.videos.put(Video("odd", ODD, "hash-odd", 9.5))
            other.jobs.put(JobRow("odd", ODD, "caption", key, status, progress_s))  # type: ignore[arg-type]
            merge_export(other, export)
            assert other.jobs.get("odd", "caption").progress_s == wanted


# What an export may not do. Each returns what the refusal must name.


def seal(export: Path) -> None:
    """Make the manifest agree with the files again, as somebody would who forges an export."""
    path = export / "manifest.json"
    manifest = json.loads(path.read_text())
    for name in manifest["files"]:
        raw = (export / name).read_bytes()
        rows = raw.count(b"\n") if name.endswith(".jsonl") else manifest["files"][name]["rows"]
        manifest["files"][name] = {"bytes": len(raw), "sha256": hashlib.sha256(raw).hexdigest(), "rows": rows}
    path.write_text(json.dumps(manifest))


def edit(table: str, line: int, **values: Any) -> Callable[[Path], None]:
    """Change fields of a line."""

    def change(export: Path) -> None:
        path = export / f"{table}.jsonl"
        lines = path.read_bytes().splitlines()
        lines[line - 1] = json.dumps(json.loads(lines[line - 1]) | values).encode()
        path.write_bytes(b"\n".join(lines) + b"\n")
        seal(export)

    return change


def put(table: str, line: int, raw: bytes) -> Callable[[Path], None]:
    """Write another line."""

    def change(export: Path) -> None:
        path = export / f"{table}.jsonl"
        lines = path.read_bytes().splitlines()
        lines[line - 1] = raw
        path.write_bytes(b"\n".join(lines) + b"\n")
        seal(export)

    return change


def again(table: str, line: int) -> Callable[[Path], None]:
    """Write a line twice."""

    def change(export: Path) -> None:
        path = export / f"{table}.jsonl"
        lines = path.read_bytes().splitlines()
        path.write_bytes(b"\n".join([*lines, lines[line - 1]]) + b"\n")
        seal(export)

    return change


def manifest(change_it: Callable[[dict[str, Any]], None]) -> Callable[[Path], None]:
    """Change the manifest alone."""

    def change(export: Path) -> None:
        about = json.loads((export / "manifest.json").read_text())
        change_it(about)
        (export / "manifest.json").write_text(json.dumps(about))

    return change


def array(change_it: Callable[[np.ndarray], np.ndarray]) -> Callable[[Path], None]:
    """Write another first array."""

    def change(export: Path) -> None:
        path = export / "vectors" / "notes-0.npy"
        np.save(path, change_it(np.load(path)))
        seal(export)

    return change


def raw(name: str, content: bytes) -> Callable[[Path], None]:
    def change(export: Path) -> None:
        (export / name).write_bytes(content)
        seal(export)

    return change


def link(name: str, target: str) -> Callable[[Path], None]:
    def change(export: Path) -> None:
        (export / name).unlink(missing_ok=True)
        (export / name).symlink_to(target)

    return change


def pickled(export: Path) -> None:
    np.save(export / "vectors" / "notes-0.npy", np.array([{}] * 11), allow_pickle=True)
    seal(export)


def with_nan(values: np.ndarray) -> np.ndarray:
    values[4, 1] = np.nan
    return values


def changed_byte(export: Path) -> None:
    path = export / "notes.jsonl"
    path.write_bytes(b" " + path.read_bytes()[1:])


def instead(name: str, make_it: Callable[[Path], object]) -> Callable[[Path], None]:
    """Put something else in the place of a file."""

    def change(export: Path) -> None:
        (export / name).unlink()
        make_it(export / name)

    return change


def vectors_away(export: Path) -> None:
    away = export.parent / "away"
    (export / "vectors").rename(away)
    (export / "vectors").symlink_to(away)


def about(name: str, **values: Any) -> Callable[[Path], None]:
    """Change what the manifest says of a file."""
    return manifest(lambda m: m["files"][name].update(values))


def line(table: str, text: str) -> Callable[[Path], None]:
    """Write another first line."""
    return put(table, 1, text.encode("utf-8", "surrogateescape"))


CLIP = '{"id": "a", "video": "v0", "start_s": 0, "end_s": %s, "level": "clip"}'
META = '{"key": "a", "value": "%s"}'
HEADER = b"\x93NUMPY\x01\x00\x76\x00"
HOSTILE: dict[str, tuple[Callable[[Path], Any], str]] = {
    "a path upwards": (edit("videos", 1, path="../../etc/x.mp4"), r"videos.jsonl, line 1: path must be a path below"),
    "an absolute path": (edit("files", 2, path="/etc/passwd"), r"files.jsonl, line 2: path must be a path below"),
    "a Windows path": (edit("videos", 1, path="C:\\x.mp4"), r"path must be a path below"),
    "a hidden way up": (edit("jobs", 1, path="\ufffd%2E\ufffd%2E/x"), r"jobs.jsonl, line 1: path is not written as"),
    "a path with a zero": (edit("files", 1, path="a\0b"), r"path must be a path below"),
    "an empty id": (edit("videos", 1, id=" "), r"id must be a text that is not empty"),
    "a lone surrogate": (line("meta", META % "\\ud800"), r"meta.jsonl, line 1: value must be text"),
    "NaN": (line("clips", CLIP % "NaN"), r"clips.jsonl, line 1: NaN is not a number"),
    "Infinity": (line("clips", CLIP % "Infinity"), r"clips.jsonl, line 1: Infinity is not a number"),
    "1e999": (line("clips", CLIP % "1e999"), r"end_s must lie between"),
    "a huge number": (edit("files", 1, size=1 << 70), r"files.jsonl, line 1: size must be a whole number of 64 bits"),
    "a huger number": (line("clips", CLIP % ("9" * 9000)), r"clips.jsonl, line 1: "),
    "a huge time": (edit("jobs", 1, progress_s=10**300), r"progress_s must lie between"),
    "a time that is true": (edit("clips", 1, start_s=True), r"start_s must be a number"),
    "an end before its start": (edit("notes", 2, start_s=5, end_s=5), r"notes.jsonl, line 2: needs start_s < end_s"),
    "no duration": (edit("videos", 1, duration_s=0), r"duration_s must be above 0"),
    "an unknown source": (edit("notes", 1, source="god"), r"source must be one of"),
    "an unknown level": (edit("clips", 1, level="scene"), r"level must be one of"),
    "an unknown status": (edit("jobs", 1, status="ready"), r"status must be one of"),
    "an unknown field": (edit("notes", 1, extra=1), r"notes.jsonl, line 1: needs just id, video"),
    "a field twice": (line("meta", '{"key": "a", "key": "b", "value": ""}'), r"has a field twice"),
    "a lacking field": (line("meta", '{"key": "a"}'), r"needs just key, value"),
    "a list": (line("meta", "[1]"), r"must be a JSON object"),
    "no JSON": (line("meta", "hello"), r"meta.jsonl, line 1: is not JSON"),
    "no UTF-8": (line("meta", META % "\udcff"), r"is not UTF-8"),
    "deep JSON": (line("meta", "[" * 100_000), r"meta.jsonl, line 1: is nested too deep"),
    "a long line": (line("meta", "x" * 1_000_001), r"meta.jsonl, line 1: is longer than 1000000 bytes"),
    "a deep manifest": (instead("manifest.json", lambda path: path.write_text("[" * 100_000)), r"nested too deep"),
    "a long manifest": (instead("manifest.json", lambda path: path.write_text(" " * 1_000_001)), r"is too long"),
    "a video twice": (again("videos", 1), r"videos.jsonl, line 4: odd is there twice"),
    "a clip twice": (again("clips", 2), r"clips.jsonl, line 12: .* is there twice"),
    "a note twice": (again("notes", 1), r"notes.jsonl, line 13: told is there twice"),
    "a job twice": (again("jobs", 2), r"jobs.jsonl, line 4: .* is there twice"),
    "a file twice": (again("files", 1), r"files.jsonl, line 6: .* is there twice"),
    "a value twice": (again("meta", 1), r"meta.jsonl, line 3: digest is there twice"),
    "one vector too many": (again("vectors/notes-1", 1), r"notes-1.npy has not 2 rows"),
    "two vectors of a note": (edit("vectors/notes-1", 1, note="said"), r"notes-1.jsonl, line 2: .* is there twice"),
    "a note of no video": (edit("notes", 1, video="nobody"), r"notes.jsonl, line 1: there is no video 'nobody'"),
    "a note of no clip": (edit("notes", 1, clip="nothing"), r"notes.jsonl, line 1: there is no clip 'nothing'"),
    "a note of another's clip": (edit("notes", 1, clip="v0:clip:0-4000"), r"its clip is one of video 'v0'"),
    "a note of another level": (edit("notes", 1, level="video"), r"its clip is one of video 'odd' and level segment"),
    "a clip of no video": (edit("clips", 1, video="nobody"), r"there is no video 'nobody'"),
    "a file of no video": (edit("files", 1, video="nobody"), r"there is no video 'nobody'"),
    "a job of no video": (edit("jobs", 2, video="nobody"), r"there is no video 'nobody'"),
    "a job of nothing": (edit("jobs", 1, path=""), r"needs a video or a path"),
    "a vector of no note": (edit("vectors/notes-0", 2, note="x"), r"notes-0.jsonl, line 2: there is no note 'x'"),
    "a frame of no video": (edit("vectors/frames-0", 1, video="x"), r"there is no video 'x'"),
    "a frame before the start": (edit("vectors/frames-0", 1, time_s=-1), r"time_s must lie between"),
    "another's place": (edit("meta", 1, key="folder"), r"meta.jsonl, line 1: 'folder' is about one place alone"),
    "vectors that are NaN": (array(with_nan), r"vectors/notes-0.npy, row 5: holds values that are not finite"),
    "vectors of another size": (array(lambda a: a[:, :3]), r"notes-0.npy: must be float32 \(11, 8\)"),
    "fewer vectors": (array(lambda a: a[:5]), r"must be float32 \(11, 8\)"),
    "vectors of another type": (array(lambda a: a.astype(np.float64)), r"must be float32"),
    "vectors of another order": (array(np.asfortranarray), r"must be float32"),
    "pickled vectors": (pickled, r"notes-0.npy: must be float32"),
    "no vectors": (raw("vectors/notes-0.npy", HEADER + b"{"), r"notes-0.npy: is no NumPy array"),
    "a header that runs": (
        raw("vectors/notes-0.npy", HEADER + b"__import__('os').abort()".ljust(117) + b"\n"),
        r"is no NumPy array",
    ),
    "a changed byte": (changed_byte, r"notes.jsonl: is not what the manifest says"),
    "a cut file": (lambda export: os.truncate(export / "notes.jsonl", 100), r"notes.jsonl: has 100 bytes, the manif"),
    "a missing file": (lambda export: (export / "notes.jsonl").unlink(), r"cannot be read \(No such file"),
    "a folder for a file": (instead("meta.jsonl", Path.mkdir), r"plain file|cannot be read"),
    "a pipe": (instead("meta.jsonl", os.mkfifo), r"meta.jsonl: is no plain file"),
    "a link for a file": (link("meta.jsonl", "/etc/passwd"), r"meta.jsonl: is a link"),
    "a link for the manifest": (link("manifest.json", "/etc/passwd"), r"manifest.json: is a link"),
    "a link beside": (link("more", "/"), r"more: is a link"),
    "a link for the vectors": (vectors_away, r"vectors: is a link"),
    "a file elsewhere": (manifest(lambda m: m["files"].update({"../x": {}})), r"files must be just these"),
    "vectors elsewhere": (manifest(lambda m: m["vectors"][0].update(array="../x.npy")), r"vectors of notes lie in"),
    "vectors twice": (manifest(lambda m: m["vectors"].append(m["vectors"][0])), r"names a file or a model twice"),
    "a thousand models": (manifest(lambda m: m["vectors"].extend(m["vectors"] * 400)), r"vectors must be a list of"),
    "no dimensions": (manifest(lambda m: m["vectors"][0].update(dim=0)), r"dim must lie between"),
    "rows below none": (about("meta.jsonl", rows=-1), r"must not be below 0"),
    "more rows than told": (about("meta.jsonl", rows=1), r"meta.jsonl, line 2: is one too many"),
    "fewer rows than told": (about("meta.jsonl", rows=9), r"meta.jsonl: has 2 lines, the manifest says 9"),
    "no hash": (about("meta.jsonl", sha256="x"), r"sha256 of meta.jsonl must be 64 hex"),
    "no files": (manifest(lambda m: m.pop("files")), r"manifest.json: lacks files"),
    "another format": (manifest(lambda m: m.update(format="zip")), r"is not the manifest of an lvqa export"),
    "a version that is none": (manifest(lambda m: m.update(version="1")), r"version must be a number"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_export_is_refused_in_one_line(export: Path, tmp_path: Path, monkeypatch, name: str):
    monkeypatch.setattr("lvqa.store.exchange.incoming.LONGEST_LINE_BYTES", 1_000_000)
    change, told = HOSTILE[name]
    change(export)
    with Store.open(tmp_path / "other", write=True) as other:
        with pytest.raises(UsageError, match=told) as raised:
            merge_export(other, export)
        assert "\n" not in str(raised.value)
        assert other.connections.value("SELECT total_changes()") == 0
        assert other.videos.all() == []


def test_an_export_of_the_first_format_says_nothing_of_what_files_hold(export: Path, tmp_path: Path):
    rows = [json.loads(line) for line in (export / "videos.jsonl").read_text().splitlines()]
    for row in rows:
        del row["probe"]
    raw = "".join(json.dumps(row) + "\n" for row in rows).encode()
    (export / "videos.jsonl").write_bytes(raw)
    about = {"bytes": len(raw), "sha256": hashlib.sha256(raw).hexdigest(), "rows": len(rows)}
    manifest(lambda m: m["files"].update({"videos.jsonl": about}))(export)
    with Store.open(tmp_path / "new", write=True) as new, pytest.raises(UsageError, match="needs just"):
        merge_export(new, export)
    manifest(lambda m: m.update(version=1))(export)
    with Store.open(tmp_path / "other", write=True) as other:
        merge_export(other, export)
        assert {video.streams for video in other.videos.all()} == {None}


def test_an_export_of_the_future_is_refused(export: Path, tmp_path: Path):
    manifest(lambda m: m.update(version=VERSION + 1, wonders=True, files={}))(export)
    with Store.open(tmp_path / "other", write=True) as other:
        with pytest.raises(StoreVersionError, match=rf"format {VERSION + 1}, this lvqa knows {VERSION}; update lvqa"):
            merge_export(other, export)
        assert other.videos.all() == []


@pytest.mark.parametrize(
    ("table", "values", "told"),
    [
        (
            "videos",
            {"content_hash": "forged"},
            r"videos.jsonl, line 2: v0 is another one in the archive \(of hash-v0\)",
        ),
        ("clips", {"video": "v1"}, r"clips.jsonl, line 2: .* is another one in the archive \(of v0\)"),
    ],
)
def test_what_contradicts_the_archive_is_refused(
    full: Store, export: Path, table: str, values: dict[str, str], told: str
):
    for file, line in ((table, 2), ("notes", 3)):
        edit(file, line, **(values if file == table else {"clip": None} if table == "clips" else {}))(export)
    before = full.connections.value("SELECT total_changes()")
    with pytest.raises(UsageError, match=told):
        merge_export(full, export)
    assert full.connections.value("SELECT total_changes()") == before


def test_an_archive_that_lost_rows_gets_them_back(full: Store, export: Path):
    """Rows are united by id, also where the stage counts as done: an export mends what was lost."""
    wanted = snapshot(full.index_dir)
    full.notes.delete([note.id for note in full.notes.select() if note.video_id == "v0"][:4])
    assert merge_export(full, export).notes == 4
    assert differences(wanted, snapshot(full.index_dir)) == []
