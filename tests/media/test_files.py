"""Finding videos below a folder, and telling files apart by content."""

from __future__ import annotations

import os
import unicodedata

import pytest

from lvqa.errors import MediaError
from lvqa.media import content_hash, find_videos, locate, present


def _touch(folder, *names):
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"x")


def test_every_video_below_sorted(tmp_path):
    _touch(tmp_path, "b.mp4", "a.MKV", "sub/c.webm", "sub/deeper/d.avi", "e.mov", "f.ts", "g.m4v", "new\nline 🎬.mp4")
    _touch(tmp_path, "notes.txt", "b.srt", ".hidden.mp4", ".lvqa/cache.mp4", "sub/.git/x.mp4", "mp4")
    found = [p.relative_to(tmp_path).as_posix() for p in find_videos(tmp_path)]
    wanted = ["a.MKV", "b.mp4", "e.mov", "f.ts", "g.m4v", "new\nline 🎬.mp4", "sub/c.webm", "sub/deeper/d.avi"]
    assert found == wanted


def test_links_are_followed_and_loops_end(tmp_path):
    outside = tmp_path / "outside"
    _touch(outside, "far.mp4")
    inside = tmp_path / "inside"
    _touch(inside, "near.mp4", "sub/below.mp4")
    (inside / "sub" / "up").symlink_to(inside)
    (inside / "self").symlink_to(inside / "self")
    (inside / "linked").symlink_to(outside)
    (inside / "dangling.mp4").symlink_to(tmp_path / "none")
    found = [p.relative_to(inside).as_posix() for p in find_videos(inside)]
    assert found == ["dangling.mp4", "linked/far.mp4", "near.mp4", "sub/below.mp4"]


def test_an_unreadable_subfolder_is_reported_and_the_rest_found(tmp_path, monkeypatch, caplog):
    _touch(tmp_path, "a.mp4", "locked/b.mp4", "z/c.mp4")
    real = os.scandir

    def scandir(path):
        if os.fspath(path).endswith("locked"):
            raise PermissionError(13, "Permission denied")
        return real(path)

    monkeypatch.setattr(os, "scandir", scandir)
    told = []
    found = find_videos(tmp_path, on_problem=lambda where, why: told.append((where.name, why)))
    assert [p.name for p in found] == ["a.mp4", "c.mp4"]
    assert told == [("locked", "cannot be listed (Permission denied); its videos are left out")]
    find_videos(tmp_path)
    assert "Permission denied" in caplog.text


def test_folders_that_are_none(tmp_path):
    _touch(tmp_path, "a.mp4")
    with pytest.raises(MediaError, match="does not exist"):
        find_videos(tmp_path / "none")
    with pytest.raises(MediaError, match="is a file"):
        find_videos(tmp_path / "a.mp4")


def test_the_hash_is_of_the_content_not_of_the_name(tmp_path):
    small = os.urandom(1000)
    (tmp_path / "a.mp4").write_bytes(small)
    (tmp_path / "b.mp4").write_bytes(small)
    (tmp_path / "c.mp4").write_bytes(small[:-1] + bytes([small[-1] ^ 1]))
    one, two, other = (content_hash(tmp_path / f"{n}.mp4") for n in "abc")
    assert one == two != other
    assert len(one) == 64
    int(one, 16)


@pytest.mark.parametrize("place", [0, 0.5, 1])
def test_the_hash_of_a_large_file_sees_head_middle_and_tail(tmp_path, place):
    data = bytearray(2_000_000)
    path = tmp_path / "large.mp4"
    path.write_bytes(data)
    before = content_hash(path)
    data[int(place * (len(data) - 1))] = 1
    path.write_bytes(data)
    assert content_hash(path) != before
    path.write_bytes(bytes(2_000_001))
    assert content_hash(path) != before


def test_hashing_what_is_no_file(tmp_path):
    for name in ("none.mp4", "."):
        with pytest.raises(MediaError):
            content_hash(tmp_path / name)


@pytest.mark.parametrize("name", ["../a.mp4", "x/../../a.mp4", "/etc/passwd", "", ".", "a\0b.mp4", "..", "//a.mp4"])
def test_a_path_of_the_index_leads_nowhere_outside(tmp_path, name):
    folder = tmp_path / "videos"
    folder.mkdir()
    (tmp_path / "a.mp4").write_bytes(b"secret")
    with pytest.raises(MediaError, match="is no file below its folder") as told:
        locate(folder, name)
    assert str(told.value).isprintable()
    assert present(folder, name) is None


def test_other_paths_of_the_index_are_those_of_files(tmp_path):
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "videos").mkdir()
    (tmp_path / "elsewhere" / "a.mp4").write_bytes(b"x")
    (tmp_path / "videos" / "link").symlink_to(tmp_path / "elsewhere")
    for name in ("link/a.mp4", "..a.mp4", "a..mp4", "C:x.mp4", "day 1/a b.mp4", os.fsdecode(b"\xff.mp4")):
        assert locate(tmp_path / "videos", name) == tmp_path / "videos" / name
    assert present(tmp_path / "videos", "link/a.mp4")
    assert present(tmp_path / "videos", "..a.mp4") is None
    assert present(tmp_path / "videos", "x" * 5000) is None


@pytest.mark.parametrize("stored", ["NFC", "NFD"])
@pytest.mark.parametrize("indexed", ["NFC", "NFD"])
def test_a_file_is_present_in_either_form_of_its_name(tmp_path, stored, indexed):
    name = unicodedata.normalize(stored, "Übung/Zoë.mp4")
    _touch(tmp_path, name)
    assert present(tmp_path, unicodedata.normalize(indexed, name)) == tmp_path / name
    assert present(tmp_path, unicodedata.normalize(indexed, "Übung/Zoé.mp4")) is None
