"""`lvqa check` with files: what it says, what its exit status says, and what --repair and index mend."""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from lvqa import Archive
from lvqa.errors import UsageError
from lvqa.store import Store


@pytest.fixture
def folder(tmp_path: Path, make_video: Callable[..., Path], lvqa: Callable[..., Any], light: tuple[str, ...]) -> Path:
    folder = tmp_path / "videos"
    make_video(folder / "a.mp4", "one", "two", said=[(0, 1, "Good morning."), (2, 3, "It rains.")])
    make_video(folder / "b.mp4", "three", said=[(0, 1, "Good night.")])
    assert lvqa("index", folder, *light).status == 0
    return folder


@pytest.fixture
def spoil(folder: Path) -> Callable[[str], None]:
    def change(sql: str) -> None:
        db = sqlite3.connect(folder / ".lvqa" / "archive.db")
        with db:
            db.execute(sql)
        db.close()

    return change


def test_a_whole_archive(folder: Path, lvqa: Callable[..., Any]):
    done = lvqa("check", folder)
    assert (done.status, done.err) == (0, "")
    assert done.out.startswith("whole: ")
    assert lvqa("check", folder, "--json").json["findings"] == []
    assert lvqa("check", folder, "--repair").status == 0


def test_the_earlier_name_stays(folder: Path, spoil: Callable[[str], None], lvqa: Callable[..., Any]):
    spoil("UPDATE files SET mtime_ns = mtime_ns + 1")
    now, then = lvqa("check", folder, "--json"), lvqa("verify", folder, "--json")
    assert (now.status, now.json) == (then.status, then.json)
    assert now.status == 1
    assert " check " in lvqa("--help").out
    assert " verify " not in lvqa("--help").out
    with Archive(folder) as archive:
        assert archive.verify() == archive.check()
        assert archive.verify(repair=True).done == ("2 rows of files that changed on the disk were dropped",)
        assert archive.check().sound


def test_there_is_no_index_yet(tmp_path: Path, lvqa: Callable[..., Any]):
    done = lvqa("check", tmp_path)
    assert done.status == 2
    assert "there is no index" in done.err
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(UsageError, match="run: lvqa index"):
        Archive(tmp_path).check()


def test_damage_is_told_mended_and_made_again(
    folder: Path, spoil: Callable[[str], None], lvqa: Callable[..., Any], light: tuple[str, ...]
):
    spoil("UPDATE notes SET model = 'else' WHERE source = 'speech' AND text LIKE '%rains%'")
    done = lvqa("check", folder)
    assert done.status == 1
    assert "1 row of notes changed on the disk; lvqa check --repair mends it" in done.out
    assert done.out.splitlines()[-1].startswith("damaged: ")
    mended = lvqa("check", folder, "--repair", "--json")
    assert mended.status == 3
    assert mended.json["sound"]
    assert not mended.json["complete"]
    assert [finding["kind"] for finding in mended.json["findings"]] == ["work"]
    assert "It rains.  [speech]" not in lvqa("show", folder, "a.mp4").out
    assert lvqa("index", folder, *light).status == 0
    assert lvqa("check", folder).status == 0
    assert "It rains." in lvqa("show", folder, "a.mp4").out


def test_files_that_are_gone_or_changed_are_work_for_the_next_index(
    folder: Path, make_video: Callable[..., Path], lvqa: Callable[..., Any], light: tuple[str, ...]
):
    (folder / "a.mp4").rename(folder / "moved.mp4")
    make_video(folder / "b.mp4", "another", "one")
    done = lvqa("check", folder)
    assert done.status == 3
    assert "1 file not found any more: a.mp4; run lvqa index" in done.out
    assert "1 file changed after indexing: b.mp4; run lvqa index" in done.out
    assert done.out.splitlines()[-1].startswith("undamaged, with work left: ")
    assert lvqa("index", folder, *light).status == 0
    assert lvqa("check", folder).status == 0


def test_a_file_that_rotted_is_found_though_it_looks_the_same(
    folder: Path, lvqa: Callable[..., Any], light: tuple[str, ...]
):
    path = folder / "b.mp4"
    stat = path.stat()
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    done = lvqa("check", folder)
    assert done.status == 1
    assert (
        "1 file with other content than was indexed, at the same size and time: b.mp4; lvqa check --repair" in done.out
    )
    mended = lvqa("check", folder, "--repair")
    assert mended.status == 3
    assert "1 files will be looked into by the next lvqa index" in mended.out
    lvqa("index", folder, *light)
    assert lvqa("check", folder).status == 0


def test_damaged_chats_are_moved_away(folder: Path, lvqa: Callable[..., Any]):
    (folder / ".lvqa" / "chats.db").write_bytes(b"garbage" * 999)
    done = lvqa("check", folder)
    assert done.status == 1
    assert "the chats in chats.db are damaged" in done.out
    assert lvqa("check", folder, "--repair").status == 0
    assert (folder / ".lvqa" / "damaged" / "chats.db").is_file()
    assert not (folder / ".lvqa" / "chats.db").exists()


def test_a_database_that_is_gone_is_refused_by_everything(
    folder: Path, lvqa: Callable[..., Any], light: tuple[str, ...]
):
    (folder / ".lvqa" / "archive.db").unlink()
    for command in (("check",), ("check", "--repair"), ("index", *light)):
        done = lvqa(command[0], folder, *command[1:])
        assert done.status == 1, command
        text = done.out + done.err
        assert "put a backup in its place" in text
        assert text.count("\n") <= 2


def test_python(folder: Path, spoil: Callable[[str], None]):
    with Archive(folder) as archive:
        assert archive.check().complete
        assert archive.check().checked > 4
        spoil("UPDATE files SET mtime_ns = mtime_ns + 1")
        report = archive.check()
        assert not report.sound
        assert {finding.kind for finding in report.findings} == {"rows", "files"}
        report = archive.check(repair=True)
        assert report.sound
        assert report.done == ("2 rows of files that changed on the disk were dropped",)


def test_what_the_files_hold_is_held_against_what_was_indexed(
    folder: Path, lvqa: Callable[..., Any], light: tuple[str, ...]
):
    shutil.copy(Path(__file__).parents[1] / "media" / "cases" / "joined_reset.ts", folder / "joined.ts")
    assert lvqa("index", folder, *light).status == 0
    assert lvqa("check", folder).status == 0
    shown = lvqa("show", folder, "joined.ts")
    assert "00:00:08-00:00:16 is 00:00:00.200 and on by the file's clock" in shown.out
    with Store.open(folder / ".lvqa", write=True) as store:
        (video,) = store.videos.find("joined.ts")
        store.videos.put(replace(video, duration_s=8.0, clock=(), streams=None))
    # As an earlier lvqa left it: the next index looks into the file.
    found = lvqa("check", folder)
    assert found.status == 3
    assert "1 video not indexed as the file has it: joined.ts (00:00:08 of 00:00:16); run lvqa index" in found.out
    assert lvqa("check", folder, "--quick").status == 0
    assert lvqa("index", folder, *light).status == 0
    assert lvqa("check", folder).status == 0
    # Damage that left size, time and the places that are hashed as they were.
    with Store.open(folder / ".lvqa", write=True) as store:
        (video,) = store.videos.find("joined.ts")
        store.videos.put(replace(video, streams=replace(video.streams, packets=159)))
    found = lvqa("check", folder)
    assert found.status == 1
    assert "joined.ts (159 of 160 packets); lvqa check --repair mends it" in found.out
    assert lvqa("check", folder, "--repair").status == 0
    assert lvqa("index", folder, *light).status == 0
    assert lvqa("check", folder).status == 0
