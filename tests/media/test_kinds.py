"""What is taken for a video: suffixes x contents, folders of a NAS, and what a look at a large tree costs."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from lvqa.media import PassedTally, find_videos, kinds

CASES = Path(__file__).parent / "cases"
TYPESCRIPT = b"import { a } from './b';\n\nexport const answer: number = 42;\n" * 40
QT = '<?xml version="1.0" encoding="utf-8"?>\n<TS version="2.1" language="de">Übersetzung</TS>\n'.encode() * 60


def _look(folder):
    tally = PassedTally(folder)
    found = [path.relative_to(folder).as_posix() for path in find_videos(folder, on_passed=tally.add)]
    return found, {one.kind: (one.count, one.paths) for one in tally.kinds()}


SUFFIXES = """
.vob .asf .gif .mxf .f4v .3g2 .m2t .divx .m2v .insv .VOB .Mp4 .rmvb .dv .ogm .qt .mod .tod .wtv .m2p .360
"""


@pytest.mark.parametrize("suffix", SUFFIXES.split())
def test_suffixes_of_videos_are_looked_into(tmp_path, suffix):
    (tmp_path / f"a{suffix}").write_bytes(b"\0" * 10)
    assert _look(tmp_path) == ([f"a{suffix}"], {})


PASSED = {
    **dict.fromkeys([".jpg", ".PNG", ".webp", ".apng", ".heic", ".avif", ".tif"], kinds.PICTURES),
    **dict.fromkeys([".mp3", ".m4a", ".flac", ".opus", ".wav", ".ogg"], kinds.SOUND),
    **dict.fromkeys([".py", ".tsx", ".js", ".rs"], kinds.CODE),
    **dict.fromkeys([".part", ".crdownload"], kinds.UNFINISHED),
}


@pytest.mark.parametrize("suffix", PASSED)
def test_other_suffixes_are_passed_over_whatever_is_in_them(tmp_path, suffix):
    shutil.copy(CASES / "anamorph.mp4", tmp_path / f"a{suffix}")
    assert _look(tmp_path) == ([], {PASSED[suffix]: (1, (f"a{suffix}",))})


def test_subtitles_belong_to_videos(tmp_path):
    for suffix in (".srt", ".vtt", ".ass", ".lrc", ".ttml"):
        (tmp_path / f"a{suffix}").write_bytes(b"1\n00:00:01,000 --> 00:00:02,000\nhello\n")
    assert _look(tmp_path) == ([], {})


@pytest.mark.parametrize("suffix", [".ts", ".mts", ".TS"])
@pytest.mark.parametrize("text", [TYPESCRIPT, QT, "export const ü = 1;\n".encode("utf-16"), b"export {};"])
def test_source_code_is_no_transport_stream(tmp_path, suffix, text):
    (tmp_path / f"a{suffix}").write_bytes(text)
    assert _look(tmp_path) == ([], {kinds.CODE: (1, (f"a{suffix}",))})


def test_a_character_that_the_end_of_the_head_cuts_is_text_still():
    head = ("a" * 4095 + "ü").encode()[:4096]
    assert kinds.is_text(head)
    assert not kinds.is_text(head[:-1] + b"\xff" + b"a")


@pytest.mark.parametrize("name", [".ts", ".m2ts", ".mts"])
def test_streams_are_found_whole_and_cut(tmp_path, footage, name):
    data = footage.kind("h264.ts").path.read_bytes()
    (tmp_path / f"whole{name}").write_bytes(data)
    (tmp_path / f"cut{name}").write_bytes(data[100 : len(data) // 2 + 7])
    assert _look(tmp_path)[0] == [f"cut{name}", f"whole{name}"]


CONTENTS = ["h264.mp4", "h264.mkv", "h264.mov", "h264.ts", "mpeg4.avi", "vp9.webm"]


@pytest.mark.parametrize("name", ["holiday", "clip.xyz", "CLIP.0001", "film.mp4.bak2", "film.txt", "film.mp4.bak"])
@pytest.mark.parametrize("content", CONTENTS)
def test_a_video_is_known_by_its_content(tmp_path, footage, content, name):
    shutil.copy(footage.kind(content).path, tmp_path / name)
    assert _look(tmp_path) == ([name], {})


@pytest.mark.parametrize("case", ["suffix_vob.vob", "suffix_asf.asf", "suffix_gif.gif", "coverplain_default.mkv"])
def test_so_are_the_cases(tmp_path, case):
    shutil.copy(CASES / case, tmp_path / "unnamed")
    assert _look(tmp_path) == (["unnamed"], {})


NO_VIDEO = {
    "text": b"nothing but words\n" * 100,
    "noise": bytes(range(256)) * 10,
    "wav": b"RIFF\0\0\0\0WAVEfmt " + b"\0" * 2000,
    "heic": b"\0\0\0\x18ftypheic" + b"\0" * 2000,
    "m4a": b"\0\0\0\x18ftypM4A " + b"\0" * 2000,
    "ogg": b"OggS" + b"\0" * 24 + b"\x01vorbis" + b"\0" * 2000,
    "png": b"\x89PNG\r\n\x1a\n" + b"\0" * 2000,
    "small": b"\x1aE\xdf\xa3",
    "empty": b"",
}


@pytest.mark.parametrize("name", NO_VIDEO)
def test_what_does_not_begin_as_a_video_is_passed_over(tmp_path, name):
    (tmp_path / "unnamed").write_bytes(NO_VIDEO[name])
    assert _look(tmp_path) == ([], {kinds.OTHER: (1, ("unnamed",))})


@pytest.mark.parametrize(
    "folder",
    ["@eaDir", "@EADIR", "#recycle", "$RECYCLE.BIN", "System Volume Information", "lost+found", "node_modules"],
)
def test_folders_of_nas_and_system_are_passed_over(tmp_path, folder):
    (tmp_path / "films" / folder).mkdir(parents=True)
    (tmp_path / "films" / folder / "a.mp4").write_bytes(b"x")
    (tmp_path / "films" / "b.mp4").write_bytes(b"x")
    assert _look(tmp_path) == (["films/b.mp4"], {kinds.SYSTEM: (1, (f"films/{folder}",))})


def test_what_is_hidden_is_counted_and_our_index_is_not(tmp_path):
    for name in (".Trash-1000", ".Trashes", ".lvqa"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "a.mp4").write_bytes(b"x")
    (tmp_path / "._a.mp4").write_bytes(b"x")
    assert _look(tmp_path) == ([], {kinds.HIDDEN: (3, (".Trash-1000", ".Trashes", "._a.mp4"))})


def test_of_many_unclear_files_the_largest_are_looked_into(tmp_path, monkeypatch):
    monkeypatch.setattr(kinds, "MOST_SNIFFED", 3)
    for k in range(10):
        (tmp_path / f"unclear{k}").write_bytes(b"\x1aE\xdf\xa3" + b"\0" * (2000 + k))
    found, passed = _look(tmp_path)
    assert found == ["unclear7", "unclear8", "unclear9"]
    assert passed[kinds.UNREAD][0] == 7


def test_documents_are_looked_into_last(tmp_path, monkeypatch):
    monkeypatch.setattr(kinds, "MOST_SNIFFED", 2)
    for name in ("a.txt", "b.txt", "c.pdf", "unnamed"):
        (tmp_path / name).write_bytes(b"\x1aE\xdf\xa3" + b"\0" * (1000 + 100 * len(name)))
    (tmp_path / "c.pdf").write_bytes(b"\x1aE\xdf\xa3" + b"\0" * 9000)
    assert _look(tmp_path) == (["c.pdf", "unnamed"], {kinds.OTHER: (2, ("a.txt", "b.txt"))})


def test_a_tree_of_other_files_costs_no_look_into_them(tmp_path, monkeypatch):
    """Names alone for what has a telling suffix; of others a bounded number is opened, and nothing is probed."""
    import lvqa.media

    suffixes = [".txt", ".jpg", ".mp3", ".json", ".c", "", ".dat"]
    for k in range(700):
        (tmp_path / f"f{k}{suffixes[k % 7]}").write_bytes(b"\1" * 1100)
    opened = []
    real = Path.open
    monkeypatch.setattr(Path, "open", lambda self, *a, **n: opened.append(self) or real(self, *a, **n))
    monkeypatch.setattr(lvqa.media, "probe", lambda path: pytest.fail("probed"))
    monkeypatch.setattr(kinds, "MOST_SNIFFED", 50)
    found, passed = _look(tmp_path)
    assert found == []
    assert sum(count for count, _ in passed.values()) == 700
    assert len(opened) == 50
    assert all(len(paths) <= kinds.MOST_LISTED for _, paths in passed.values())


def test_pipes_are_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    os.mkfifo(tmp_path / "pipe.ts")
    assert _look(tmp_path) == (["pipe.ts"], {kinds.OTHER: (1, ("pipe",))})


def test_numbers_of_the_rule():
    assert (kinds.MOST_SNIFFED, kinds.MOST_LISTED) == (1000, 100)
