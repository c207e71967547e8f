"""Which of several tracks of subtitles is the dialogue, in files beside a video and inside it."""

from __future__ import annotations

import shutil
from pathlib import Path

import av
import pytest

from lvqa.media import read_subtitles

pytestmark = pytest.mark.usefixtures("in_process")
CASES = Path(__file__).parents[1] / "cases/subtitles"


@pytest.fixture
def talk(tmp_path):
    """Write files of one cue each beside a video, and read them: texts of the dialogue, and of the signs."""

    def read(*names):
        shutil.copy(CASES / "ep.mp4", tmp_path / "talk.mp4")
        for number, name in enumerate(names):
            (tmp_path / f"talk{name}").write_text(f"1\n00:00:{number + 1:02d},000 --> 00:00:20,000\n{name}\n")
        cues = read_subtitles(tmp_path / "talk.mp4")
        return [[cue.text for cue in cues if cue.kind == kind] for kind in ("dialogue", "signs")]

    return read


@pytest.mark.parametrize(
    ("names", "dialogue", "signs"),
    [
        ([".en.srt", ".en.sdh.srt"], [".en.srt"], []),
        ([".en.cc.srt", ".en.srt"], [".en.srt"], []),
        ([".en.sdh.srt"], [".en.sdh.srt"], []),
        ([".en.sdh.srt", ".de.srt"], [".en.sdh.srt", ".de.srt"], []),
        ([".sdh.srt", ".en.srt"], [".en.srt"], []),
        ([".srt", ".en.sdh.srt"], [".srt"], []),
        ([".en-US.sdh.srt", ".en.srt"], [".en.srt"], []),
        ([".en.srt", ".en.forced.srt"], [".en.srt"], [".en.forced.srt"]),
        ([".forced.srt", ".srt"], [".srt"], [".forced.srt"]),
        ([".en.Signs.srt", ".en.full.ass.srt"], [".en.full.ass.srt"], [".en.Signs.srt"]),
        ([".en.Directors Commentary.srt", ".en.srt"], [".en.srt"], [".en.Directors Commentary.srt"]),
        ([".commentary.srt"], [], [".commentary.srt"]),
        ([".lyrics.lrc.srt"], [], [".lyrics.lrc.srt"]),
        ([".en.Extended Cut.srt", ".en.srt"], [".en.srt"], []),
        ([".de.srt", ".en.srt"], [".de.srt", ".en.srt"], []),
    ],
)
def test_files_beside_a_video(talk, names, dialogue, signs):
    assert talk(*names) == [dialogue, signs]


def test_a_file_with_few_cues_beside_a_full_one_is_signs_whatever_its_name(tmp_path):
    shutil.copy(CASES / "ep.mp4", tmp_path / "a.mp4")
    line = "{0}\n00:00:{0:02d},000 --> 00:00:{0:02d},900\n{1} {0}\n\n"
    (tmp_path / "a.en.ass.srt").write_text(line.format(30, "harbour"))
    (tmp_path / "a.en.srt").write_text("".join(line.format(n, "said") for n in range(1, 6)))
    cues = read_subtitles(tmp_path / "a.mp4")
    assert [cue.text for cue in cues if cue.kind == "signs"] == ["harbour 30"]
    assert len(cues) == 6
    (tmp_path / "a.en.srt").write_text("".join(line.format(n, "said") for n in range(1, 5)))
    assert {cue.kind for cue in read_subtitles(tmp_path / "a.mp4")} == {"dialogue"}  # a quarter is enough


def test_the_next_file_is_read_where_the_best_cannot_be(talk, tmp_path):
    (tmp_path / "talk.en.ass").write_text("no cue")
    assert talk(".en.srt") == [[".en.srt"], []]


def _with_tracks(path, footage, tracks):
    """A video with text tracks: (language, title, marks, text of its one cue) each."""
    sources = [
        av.open(str(footage.make(f"track-{number}.mkv", subtitles=[(0.5, 2.0, text)])))
        for number, (*_, text) in enumerate(tracks)
    ]
    with av.open(str(path), "w") as out:
        video = out.add_stream_from_template(sources[0].streams.video[0])
        streams = []
        for source, (language, title, marks, _) in zip(sources, tracks, strict=True):
            stream = out.add_stream_from_template(source.streams.subtitles[0])
            stream.metadata.update({"language": language, "title": title})
            stream.disposition = marks
            streams.append(stream)
        for source, stream in zip(sources, streams, strict=True):
            for packet in source.demux(source.streams.subtitles[0]):
                if packet.dts is not None:
                    packet.stream = stream
                    out.mux(packet)
        for packet in sources[0].demux(sources[0].streams.video[0]):
            if packet.dts is not None:
                packet.stream = video
                out.mux(packet)
    for source in sources:
        source.close()
    return path


NONE, FORCED, DEAF, COMMENT = (av.stream.Disposition(bits) for bits in (0, 64, 128, 8))


@pytest.mark.parametrize(
    ("tracks", "dialogue", "signs"),
    [
        ([("eng", "", FORCED, "a"), ("eng", "", NONE, "b")], ["b"], ["a"]),
        ([("eng", "", FORCED, "a")], [], ["a"]),
        ([("eng", "SDH", NONE, "a"), ("eng", "", NONE, "b")], ["b"], []),
        ([("eng", "", DEAF, "a"), ("eng", "", NONE, "b")], ["b"], []),
        ([("eng", "", DEAF, "a"), ("ger", "", NONE, "b")], ["a", "b"], []),
        ([("eng", "Signs & Songs", NONE, "a"), ("eng", "Full", NONE, "b")], ["b"], ["a"]),
        ([("eng", "Director's Commentary", NONE, "a"), ("eng", "", NONE, "b")], ["b"], ["a"]),
        ([("eng", "", COMMENT, "a"), ("eng", "English", NONE, "b")], ["b"], ["a"]),
        ([("", "Forced", NONE, "a"), ("", "", NONE, "b")], ["b"], ["a"]),
        ([("eng", "one", NONE, "a"), ("eng", "two", NONE, "b")], ["a"], []),
    ],
)
def test_tracks_inside_a_video(tmp_path, footage, tracks, dialogue, signs):
    cues = read_subtitles(_with_tracks(tmp_path / "a.mkv", footage, tracks))
    assert sorted(cue.text for cue in cues if cue.kind == "dialogue") == dialogue
    assert [cue.text for cue in cues if cue.kind == "signs"] == signs


def test_a_forced_file_beside_a_video_with_a_full_track_adds_to_it(tmp_path, footage):
    path = _with_tracks(tmp_path / "a.mkv", footage, [("eng", "", NONE, "a")])
    (tmp_path / "a.en.forced.srt").write_text("1\n00:00:03,000 --> 00:00:04,000\nforced\n")
    assert [(cue.text, cue.kind) for cue in read_subtitles(path)] == [("a", "dialogue"), ("forced", "signs")]
    (tmp_path / "a.en.srt").write_text("1\n00:00:03,000 --> 00:00:04,000\nbeside\n")
    assert [cue.text for cue in read_subtitles(path) if cue.kind == "dialogue"] == ["beside"]


@pytest.mark.parametrize(("name", "told"), [("a.en.srt", 0), ("a.en.forced.srt", 1)])
def test_a_vobsub_beside_text_is_told_where_the_text_is_no_dialogue(tmp_path, name, told):
    lines = []
    shutil.copy(CASES / "ep.mp4", tmp_path / "a.mkv")
    for suffix in (".idx", ".sub"):
        shutil.copy(Path(__file__).parent / f"cases/pictures_vobsub{suffix}", tmp_path / f"a{suffix}")
    (tmp_path / name).write_text("1\n00:00:01,000 --> 00:00:02,000\nHello\n")
    assert [cue.text for cue in read_subtitles(tmp_path / "a.mkv", on_problem=lines.append)] == ["Hello"]
    assert len(lines) == told
    assert all("a.idx holds 1 subtitle track of pictures, not read" in line for line in lines)


def test_an_index_without_its_pictures_is_told(tmp_path):
    lines = []
    shutil.copy(CASES / "ep.mp4", tmp_path / "a.mkv")
    shutil.copy(Path(__file__).parent / "cases/pictures_vobsub.idx", tmp_path / "a.idx")
    assert read_subtitles(tmp_path / "a.mkv", on_problem=lines.append) == []
    assert len(lines) == 1
    assert "a.idx" in lines[0]
