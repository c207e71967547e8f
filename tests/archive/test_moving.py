"""`lvqa export`, `lvqa import` of an export, `lvqa backup`: as people and programs see them."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from lvqa import Archive
from lvqa.errors import UsageError


@pytest.fixture
def indexed(folder: Path, lvqa, light, monkeypatch) -> Path:
    monkeypatch.setattr("lvqa.store.exchange.part_folder.os.fsync", lambda fd: None)
    assert lvqa("index", folder, *light).status == 0
    return folder


def test_an_archive_moves(indexed: Path, tmp_path: Path, lvqa, light) -> None:
    out, other = tmp_path / "export", tmp_path / "other"
    done = lvqa("export", indexed, out)
    assert done.status == 0
    assert re.fullmatch(rf"exported to {out}: 2 videos, .*\d notes?, .*B\n", done.out), done.out
    other.mkdir()
    done = lvqa("import", other, out)
    assert (done.status, done.err) == (0, "")
    assert re.fullmatch(r"imported in .*: 2 videos, .*\n", done.out), done.out
    found = lvqa("search", other, "carton of milk", "-k", "1", *light)
    assert found.out == "kitchen.mp4  00:00:02-00:00:04  She takes out a carton of milk.  [speech]\n"
    assert lvqa("import", other, out).out.endswith(": nothing new\n")
    assert lvqa("ask", other, "What does she take out of the fridge?", *light).status == 0
    # The videos are elsewhere, and stay in the index.
    assert lvqa("index", other, *light).status == 0
    assert len(lvqa("videos", other, "--json").json) == 2
    assert lvqa("check", other).out.startswith("whole: ")


def test_json(indexed: Path, tmp_path: Path, lvqa) -> None:
    said = lvqa("export", indexed, tmp_path / "export", "--video", "kitchen", "--json").json
    assert said["videos"] == 1
    assert set(said) >= {"folder", "files", "clips", "notes", "jobs", "embeddings", "frames", "models", "bytes"}
    (tmp_path / "other").mkdir()
    said = lvqa("import", tmp_path / "other", tmp_path / "export", "--json").json
    assert (said["videos"], said["left_out"]) == (1, [])
    said = lvqa("backup", indexed, tmp_path / "copy", "--json").json
    assert said["files"] == ["archive.db", "commits"]
    assert said["folder"] == str(tmp_path / "copy")


def test_a_backup_serves_as_the_archive(indexed: Path, tmp_path: Path, lvqa, light) -> None:
    done = lvqa("backup", indexed, tmp_path / "copy")
    assert re.fullmatch(
        rf"copied to {tmp_path / 'copy'}: archive.db, commits, .*; it serves as --archive DIR\n", done.out
    )
    found = lvqa("search", indexed, "carton of milk", "-k", "1", "--archive", tmp_path / "copy", *light)
    assert found.out.startswith("kitchen.mp4")
    assert "2 unchanged" in lvqa("index", indexed, "--archive", tmp_path / "copy", *light).out
    assert lvqa("backup", indexed, tmp_path / "copy").status == 2


def test_an_export_holds_no_settings(indexed: Path, tmp_path: Path, lvqa) -> None:
    (indexed / ".lvqa" / "settings.toml").write_text('chat = "openai:model@http://key-123@host"\n')
    lvqa("export", indexed, tmp_path / "export")
    for path in (tmp_path / "export").rglob("*"):
        assert path.is_dir() or b"key-123" not in path.read_bytes()
        assert path.is_dir() or str(indexed).encode() not in path.read_bytes()


@pytest.mark.parametrize(
    ("argv", "status", "told"),
    [
        (("export", "{folder}", "{folder}"), 2, "is there already"),
        (("export", "{folder}", "{tmp}/x", "--video", "nobody"), 2, "no video 'nobody'"),
        (("export", "{folder}", ""), 2, "is empty"),
        (("backup", "{folder}", " "), 2, "is empty"),
        (("backup", "{folder}", "/"), 2, "name a folder"),
        (("export", "{empty}", "{tmp}/x"), 2, "there is no index"),
        (("backup", "{empty}", "{tmp}/x"), 1, "no index"),
        (("import", "{folder}", "{empty}"), 2, "holds no export"),
        (("import", "{folder}", "{tmp}/bad"), 2, "is not JSON"),
    ],
)
def test_what_goes_wrong_is_one_line(indexed: Path, tmp_path: Path, lvqa, argv, status, told) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "bad").mkdir()
    (tmp_path / "bad" / "manifest.json").write_text("hello")
    holes = {"folder": indexed, "tmp": tmp_path, "empty": tmp_path / "empty"}
    done = lvqa(*(text.format(**holes) for text in argv))
    assert (done.status, done.out) == (status, "")
    assert len(done.err.splitlines()) == 1
    assert told in done.err
    assert not (tmp_path / "x").exists()


def test_what_stays_behind_is_said(indexed: Path, tmp_path: Path, lvqa) -> None:
    from lvqa.store import JobRow

    lvqa("export", indexed, tmp_path / "export")
    lvqa("backup", indexed, tmp_path / "copy")
    archive = Archive(indexed, archive_dir=tmp_path / "copy")
    with archive._writer("test", 0.0, None) as store:
        for video in store.videos.all():
            store.jobs.put(JobRow(video.id, video.path, "segment", "another", "done", 8.0))
    done = lvqa("import", indexed, tmp_path / "export", "--archive", tmp_path / "copy")
    assert done.status == 0
    assert re.fullmatch(
        r"lvqa: left out: caption, screen, segment of 2 videos; this archive has them by .*\n", done.err
    )
    with pytest.raises(UsageError, match="holds no export"):
        archive.import_archive(tmp_path)
    assert json.loads((tmp_path / "export" / "manifest.json").read_text())["counts"]["videos"] == 2
