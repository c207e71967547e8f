"""Verify finds what was done to an index, says nothing of a sound one, and repair mends it."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from lvqa.errors import StoreError, StoreLocked, StoreVersionError
from lvqa.store import Finding, JobRow, Store, check_index, describe_findings, repair_index
from lvqa.store.commits import note_commits, read_commits
from lvqa.store.health.finding import damaged
from lvqa.store.search import maintain

STAGES = ("segment", "caption", "screen", "speech", "frames")


@pytest.fixture
def index(index_dir: Path, make) -> Path:
    """Three videos with every stage done, a vector of every note, and files for searching them."""
    with Store.open(index_dir, write=True) as store:
        make.filled(store)
        for v in range(3):
            for stage in STAGES:
                store.jobs.put(JobRow(f"v{v}", f"v{v}.mp4", stage, f"key {v} {stage}", "done", 80.0))
        store.notes.put([make.note("what a guide wrote", "v1", source="imported")])
        store.vectors.put("emb", [store.notes.select()[-1].id], make.vectors(1))
        for note in store.vectors.missing("emb"):
            store.vectors.put("emb", [note.id], make.vectors(1))
        store.vectors.search("emb", make.vectors(1)[0], 3)
    return index_dir


@contextmanager
def raw(index_dir: Path) -> Iterator[sqlite3.Connection]:
    """The database as something that knows nothing of our functions, triggers and foreign keys would write it."""
    db = sqlite3.connect(index_dir / "archive.db", isolation_level=None)
    try:
        yield db
    finally:
        db.close()


def kinds(index_dir: Path) -> list[str]:
    return [finding.kind for finding in check_index(index_dir)]


def notes_of(index_dir: Path) -> list[str]:
    with Store.open(index_dir, create=False) as store:
        return [note.text for note in store.notes.select()]


def open_stages(index_dir: Path) -> set[tuple[str, str]]:
    with Store.open(index_dir, create=False) as store:
        return {(job.video_id, job.stage) for job in store.jobs.all("pending")}


def test_a_sound_index_is_nothing_to_talk_about(index: Path):
    before = (index / "archive.db").read_bytes()
    assert check_index(index) == []
    assert repair_index(index) == []
    assert (index / "archive.db").read_bytes() == before


def test_there_must_be_an_index(tmp_path: Path):
    with pytest.raises(StoreError, match="no index"):
        check_index(tmp_path / "none")
    assert not (tmp_path / "none").exists()


def test_a_changed_row_is_found_dropped_and_made_again(index: Path):
    with raw(index) as db:
        db.execute("DROP TRIGGER notes_fts_update")
        db.execute("DROP TRIGGER notes_token_update")
        db.execute("UPDATE notes SET text = 'thing0 numberX of video0' WHERE n = 1")
    found = check_index(index)
    assert {finding.kind for finding in found} >= {"rows", "text", "database"}  # the triggers are missed, too
    told = repair_index(index)
    assert "thing0 numberX of video0" not in notes_of(index)
    assert open_stages(index) == {("v0", "caption")}
    assert any("open again" in line for line in told)
    assert check_index(index) == []


@pytest.mark.parametrize(
    ("sql", "opened"),
    [
        ("UPDATE notes SET level = 'video' WHERE n = 21", {("v1", "caption")}),
        ("UPDATE frames SET dim = 9 WHERE n = 1", {("v0", "frames")}),
        ("UPDATE frames SET vector = zeroblob(32) WHERE n = 1", {("v0", "frames")}),
        ("UPDATE clips SET end_s = end_s + 1 WHERE n = 1", {("v0", "segment")}),
        ("UPDATE embeddings SET vector = zeroblob(32) WHERE n = 5", set()),
        ("UPDATE jobs SET progress_s = 9 WHERE stage = 'speech' AND video = 2", {("v1", "speech")}),
        ("UPDATE meta SET value = 'else'", set()),
        ("UPDATE files SET size = 11 WHERE path = 'v1.mp4'", set()),
    ],
)
def test_each_table_is_checked_row_by_row(index: Path, sql: str, opened: set[tuple[str, str]]):
    with Store.open(index, write=True) as store:
        store.meta.set("some", "thing")
    with raw(index) as db:
        assert db.execute(sql).rowcount == 1
    found = check_index(index)
    assert found
    assert damaged(found)
    assert "rows" in {finding.kind for finding in found}
    told = repair_index(index)
    assert told
    assert "were dropped" in told[0]
    assert open_stages(index) >= opened
    assert {stage for _, stage in open_stages(index)} == {stage for _, stage in opened} | (
        {"caption", "screen"} & {stage for _, stage in open_stages(index)} if ("v0", "segment") in opened else set()
    )
    assert not damaged(check_index(index))


def test_a_lost_vector_is_only_work(index: Path):
    with raw(index) as db:
        db.execute("UPDATE embeddings SET vector = zeroblob(32) WHERE n = 5")
    repair_index(index)
    (finding,) = check_index(index)
    assert (finding.kind, finding.mend, finding.is_damage) == ("vectors", "index", False)
    assert finding.text == "1 notes have no vector of emb"


def test_which_model_should_have_embedded_may_be_said(index: Path):
    (finding,) = check_index(index, embedder="other")
    assert finding.text == "61 notes have no vector of other"
    assert check_index(index, embedder="") == []


def test_a_changed_video_is_kept_and_its_file_read_again(index: Path):
    with raw(index) as db:
        db.execute("UPDATE videos SET duration_s = 1e9 WHERE id = 'v1'")
    assert kinds(index) == ["rows"]
    assert repair_index(index) == ["1 videos changed on the disk; the next index reads their files again"]
    with Store.open(index) as store:
        assert store.files.get("v1.mp4").size == -1
        assert store.files.get("v0.mp4").size == 10
        assert len(store.notes.select()) == 61
    assert check_index(index) == []


def test_rows_that_vanished_are_missed(index: Path):
    with raw(index) as db:
        for trigger in ("notes_tally_delete", "frames_tally_delete"):
            sql = db.execute("SELECT sql FROM sqlite_master WHERE name = ?", (trigger,)).fetchone()[0]
            db.execute(f"DROP TRIGGER {trigger}")
            db.execute(
                "DELETE FROM notes WHERE n IN (3, 4)" if "notes" in trigger else "DELETE FROM frames WHERE n = 41"
            )
            db.execute(sql)
    texts = [finding.text for finding in check_index(index)]
    assert "the rows of 2 videos are not as many as were written, 3 are gone (frames img; notes caption)" in texts
    repair_index(index)
    assert open_stages(index) == {("v0", "caption"), ("v2", "frames")}
    assert check_index(index) == []


def test_what_nobody_can_make_again_is_told(index: Path):
    with raw(index) as db:
        db.execute("UPDATE notes SET model = 'other' WHERE source = 'imported'")
    told = repair_index(index)
    assert "1 imported captions are lost; import them again" in told
    assert open_stages(index) == set()


def test_clips_without_a_caption_are_found(index: Path):
    with Store.open(index, write=True) as store:
        store.notes.delete([store.notes.select()[0].id])
    (finding,) = check_index(index)
    assert (finding.kind, finding.text) == ("captions", "v0.mp4: 1 clips have no caption")
    repair_index(index)
    assert open_stages(index) == {("v0", "caption")}
    with Store.open(index, write=True) as store:
        store.jobs.put(JobRow("v0", "v0.mp4", "caption", "k", "done", 80.0, blank=20))
    assert check_index(index) == []


def test_dangling_rows_are_dropped(index: Path):
    with raw(index) as db:
        db.execute("PRAGMA foreign_keys = OFF")
        db.execute("DELETE FROM clips WHERE n = 1")
    assert "rows" in kinds(index)
    told = repair_index(index)
    assert told[0] == "1 rows that referred to rows that are gone were dropped"
    assert ("v0", "segment") in open_stages(index)
    assert not damaged(check_index(index))


@pytest.mark.parametrize(
    "spoil", ["DELETE FROM notes_fts_docsize WHERE id = 2", "DELETE FROM notes_fts_data WHERE id > 10"]
)
def test_full_text_that_does_not_agree_is_built_anew(index: Path, spoil: str):
    with raw(index) as db:
        db.execute(spoil)
    assert set(kinds(index)) & {"text", "database"}
    repair_index(index)
    assert check_index(index) == []
    with Store.open(index) as store:
        assert len(store.notes.search("number3", 9)) == 3


def test_a_text_taken_out_of_the_full_text_is_found(index: Path):
    with raw(index) as db:
        db.execute("INSERT INTO notes_fts(notes_fts, rowid, text) SELECT 'delete', n, text FROM notes WHERE n = 7")
    (finding,) = check_index(index)
    assert finding.kind == "text"
    repair_index(index)
    assert check_index(index) == []


def test_a_missing_index_of_the_database_is_found_and_made(index: Path):
    with raw(index) as db:
        db.execute("DROP INDEX notes_filter")
    (finding,) = check_index(index)
    assert (finding.kind, finding.mend) == ("database", "repair")
    assert "notes_filter" in finding.text
    (made, *_) = repair_index(index)
    assert made.startswith("the database was made anew from what could be read (3 videos, 3 files, 60 clips, 61 notes")
    assert check_index(index) == []
    assert len(notes_of(index)) == 61
    (kept,) = (index / "damaged").iterdir()
    with raw(kept) as db:
        assert db.execute("SELECT count(*) FROM notes").fetchone() == (61,)


def test_lost_commits_are_missed(index: Path, caplog: pytest.LogCaptureFixture):
    old = (index / "archive.db").read_bytes()
    count = read_commits(index)
    assert count > 1
    with Store.open(index, write=True) as store:
        store.meta.set("a", "b")
        store.meta.set("a", "c")
    assert read_commits(index) == count + 2
    (index / "archive.db").write_bytes(old)
    (finding,) = check_index(index)
    assert (finding.kind, finding.mend) == ("commits", "index")
    assert f"the last 2 of {count + 2} commits are lost" in finding.text
    assert repair_index(index) == []
    assert kinds(index) == ["commits"]
    with caplog.at_level("WARNING", "lvqa.store"):
        Store.open(index, write=True).close()
    assert f"the last 2 of {count + 2} commits to {index / 'archive.db'} are lost" in caplog.text
    assert kinds(index) == []


def test_a_count_of_commits_that_changed_on_the_disk_counts_for_nothing(index: Path):
    whole = (index / "commits").read_bytes()
    assert read_commits(index) == int(whole[:16]) > 0
    for at in range(len(whole)):
        (index / "commits").write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
        assert read_commits(index) == 0
        assert check_index(index) == []
    note_commits(index, 7)
    assert read_commits(index) == 7


def test_looking_and_doing_nothing_is_no_commit(index: Path, make):
    count = read_commits(index)
    with Store.open(index, write=True) as store:
        with store.atomic():
            store.notes.select()
        store.jobs.delete("nobody", "caption")
        with pytest.raises(StoreError), store.atomic():
            store.notes.put([make.note("of no video", "nobody")])
    assert read_commits(index) == count
    note_commits(index / "nowhere", 3)
    assert read_commits(index / "nowhere") == 0
    (index / "commits").write_bytes(b"no number")
    assert read_commits(index) == 0


@pytest.mark.parametrize("left", [None, b""])
def test_a_database_that_is_gone_is_not_begun_anew_in_silence(index: Path, left: bytes | None):
    (index / "archive.db").unlink()
    if left is not None:
        (index / "archive.db").write_bytes(left)
    noted = read_commits(index)
    (finding,) = check_index(index)
    assert (finding.kind, finding.mend) == ("database", "backup")
    what = "is gone" if left is None else "is empty"
    assert finding.text == (
        f"the database {index / 'archive.db'} {what}, and with it {noted} commits; its caches cannot bring them back"
    )
    for write in (False, True):
        with pytest.raises(StoreError, match=r"put a backup in its place, or delete"):
            Store.open(index, write=write)
    with pytest.raises(StoreError, match="put a backup in its place"):
        repair_index(index)


def test_a_future_index_is_no_damage(index: Path):
    with raw(index) as db:
        db.execute("PRAGMA user_version = 99")
    with pytest.raises(StoreVersionError):
        check_index(index)


def test_repair_waits_for_nobody(index: Path):
    with raw(index) as db:
        db.execute("DROP INDEX notes_filter")
    with Store.open(index, write=True), pytest.raises(StoreLocked):
        repair_index(index)
    assert not (index / "damaged").exists()


@pytest.fixture
def based(index: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The same with the files of a large archive."""
    monkeypatch.setattr(maintain, "BASE_FROM", 10)
    with Store.open(index, write=True) as store:
        assert store.build_indexes() == 3
    return index


def test_the_files_of_a_large_archive_are_read_through(based: Path):
    assert check_index(based) == []
    for path in sorted((based / "vectors").rglob("*")):
        if path.is_dir():
            continue
        data = path.read_bytes()
        path.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
        (finding,) = check_index(based)
        assert finding.kind == "vectors"
        assert "missing or damaged" in finding.text
        path.write_bytes(data)
    assert check_index(based) == []


def test_search_files_of_other_rows_are_found_and_go(based: Path):
    with raw(based) as db:
        made = db.execute("SELECT sql FROM sqlite_master WHERE name = 'embeddings_gone'").fetchone()
        db.execute("DROP TRIGGER embeddings_gone")
        db.execute("DELETE FROM embeddings WHERE n = 4")
        for trigger in made:
            db.execute(trigger)
    found = check_index(based)
    assert any("of other rows" in finding.text for finding in found)
    repair_index(based)
    assert not damaged(check_index(based))


@pytest.mark.parametrize("part", [".faiss", ".json"])
@pytest.mark.parametrize("harm", ["cut", "flip", "gone"])
def test_cached_vectors_are_checked(index: Path, part: str, harm: str):
    (path,) = (index / "vectors").glob(f"notes-*{part}")
    data = path.read_bytes()
    if harm == "gone":
        path.unlink()
    else:
        path.write_bytes(data[: len(data) // 2] if harm == "cut" else bytes([data[0] ^ 1]) + data[1:])
    if (part, harm) == (".json", "gone"):
        assert check_index(index) == []  # a file without a sidecar is as good as none
        return
    (finding,) = check_index(index)
    assert finding.kind == "vectors"
    assert finding.text.startswith(f"the cached vectors {path.stem}.faiss ")
    repair_index(index)
    assert not (index / "vectors").exists()
    assert check_index(index) == []


def test_cached_vectors_of_earlier_are_no_damage(index: Path, make):
    with Store.open(index, write=True) as store:
        store.notes.put([make.note("later", "v2", start_s=90.0, source="speech")])
        store.vectors.put("emb", [store.notes.select()[-1].id], make.vectors(1, seed=9))
        store._vector_search.indexes.clear()
    assert check_index(index) == []


def test_checking_changes_nothing_and_holds_up_nobody(index: Path, make):
    with Store.open(index, write=True) as store:
        with store.atomic():
            store.meta.set("a", "b")
            assert check_index(index) == []
        assert store.meta.get("a") == "b"


def test_many_names_are_cut_short(index: Path):
    from lvqa.store.health.check import _listed

    assert _listed(["a  b", "c"]) == "a b; c"
    assert _listed([*"abcde"]) == "a; b; c; d; e"
    assert _listed([*"abcdefg"]) == "a; b; c; d; e and 2 more"


def test_an_open_stage_is_told_by_its_videos(index: Path):
    with raw(index) as db:
        db.execute("UPDATE notes SET text = text || '!' WHERE n IN (1, 2, 25)")
        db.execute("UPDATE frames SET dim = 9 WHERE n = 1")
    told = repair_index(index)
    assert told == [
        "3 rows of notes that changed on the disk were dropped",
        "1 rows of frames that changed on the disk were dropped",
        "3 stages of 2 videos are open again; run lvqa index",
    ]
    with Store.open(index) as store:
        assert sorted(job.path for job in store.jobs.all("pending")) == ["v0.mp4", "v0.mp4", "v1.mp4"]
        assert {job.key for job in store.jobs.all("pending")} == {""}


def test_findings_say_what_mends_them():
    lines = describe_findings([Finding("rows", "a"), Finding("work", "b", "index"), Finding("database", "c", "backup")])
    assert lines == ["a; lvqa check --repair mends it", "b; run lvqa index", "c; put a backup in its place"]
    assert Finding("rows", "a").to_dict() == {"kind": "rows", "text": "a", "mend": "repair"}


def page_of(index_dir: Path, table: str) -> int:
    with raw(index_dir) as db:
        return int(db.execute("SELECT rootpage FROM sqlite_master WHERE name = ?", (table,)).fetchone()[0])


def overwrite(index_dir: Path, page: int, data: bytes = bytes(range(256))) -> None:
    with (index_dir / "archive.db").open("r+b") as file:
        file.seek((page - 1) * 16384)
        file.write(data)


@pytest.mark.parametrize(
    ("table", "opened"),
    [
        ("notes", {"caption"}),
        ("clips", {"segment"}),
        ("frames", {"frames"}),
        ("embeddings", set()),
        ("jobs", set()),
        ("files", set()),
        ("meta", set()),
        ("tallies", set()),
        ("notes_filter", set()),
        ("commits", set()),
    ],
)
def test_a_page_that_cannot_be_read_takes_its_rows_and_no_others(index: Path, table: str, opened: set[str]):
    with Store.open(index) as store:
        before = store.counts()
    overwrite(index, page_of(index, table))
    assert "database" in kinds(index)
    told = repair_index(index)
    assert told[0].startswith("the database was made anew")
    with Store.open(index) as store:
        after = store.counts()
        assert {job.stage for job in store.jobs.all("pending")} >= opened
    for other, key in (("clips", "clips"), ("notes", "notes"), ("frames", "frames"), ("embeddings", "embeddings")):
        goes_with = {"clips": ("clips", "notes", "embeddings"), "notes": ("notes", "embeddings")}.get(table, (table,))
        if other not in goes_with:
            assert after[key] == before[key], other  # type: ignore[literal-required]
    assert not damaged(check_index(index))


def test_without_tallies_all_that_may_have_lost_something_is_opened(index: Path):
    overwrite(index, page_of(index, "tallies"))
    overwrite(index, page_of(index, "notes"))
    repair_index(index)
    assert {stage for _, stage in open_stages(index)} == {"caption", "screen", "speech", "summary"}
    assert {video for video, _ in open_stages(index)} == {"v0", "v1", "v2"}


@pytest.mark.parametrize("at", [0, 16, 18, 44, 56, 68])
def test_a_damaged_header_costs_nothing(index: Path, at: int):
    with (index / "archive.db").open("r+b") as file:
        file.seek(at)
        file.write(b"\xee")
    (finding,) = check_index(index)
    assert finding.kind == "database"
    assert finding.text.startswith(
        ("the header of the database archive.db is damaged", "the database cannot be opened")
    )
    repair_index(index)
    assert check_index(index) == []
    assert len(notes_of(index)) == 61


def test_a_file_of_garbage_gives_an_empty_index_and_is_kept(index: Path):
    (index / "archive.db").write_bytes(b"garbage" * 9999)
    assert kinds(index) == ["database"]
    (made, *_) = repair_index(index)
    assert "(nothing)" in made
    assert notes_of(index) == []
    (kept,) = (index / "damaged").iterdir()
    assert (kept / "archive.db").read_bytes() == b"garbage" * 9999


@pytest.mark.parametrize("killed_at", ["mended_path", "finish", "note_commits"])
def test_a_repair_that_is_killed_is_done_by_the_next(index: Path, killed_at: str, monkeypatch: pytest.MonkeyPatch):
    from lvqa.store.health import repair

    class Killed(BaseException):
        pass

    def kill(*args: object) -> None:
        raise Killed

    overwrite(index, page_of(index, "frames"))
    monkeypatch.setattr(repair, killed_at, kill)
    with pytest.raises(Killed):
        repair_index(index)
    monkeypatch.undo()
    repair_index(index)
    assert not damaged(check_index(index))
    assert not (index / "archive.db.mended").exists()
    assert {stage for _, stage in open_stages(index)} == {"frames"}


def test_numbers_that_were_given_are_not_given_again(index: Path, make):
    overwrite(index, page_of(index, "clips"))
    with Store.open(index, create=False) as store:
        before = store.connections.value("SELECT max(n) FROM notes")
    repair_index(index)
    with Store.open(index, write=True) as store:
        assert store.notes.select()[0].source == "imported"
        store.notes.put([make.note("new", "v1", source="speech")])
        assert store.connections.value("SELECT max(n) FROM notes") == before + 1
        assert store.vectors.search("emb", np.ones(8, np.float32), 3)
