"""Subtitles that are pictures: which are given out, when they are shown, and how they look."""

from __future__ import annotations

import shutil
import struct
from pathlib import Path

import numpy as np
import pytest
from subtitle_pictures import (
    LETTER,
    NOTHING,
    OUTLINE,
    WHITE_ON_BLACK,
    bar,
    bar_number,
    cues,
    packed,
    pgs,
    plane,
    sup,
    vobsub,
    with_pictures,
)

from lvqa.media import Limits, probe, read_subtitles, use_limits
from lvqa.media.decoding.subtitle_palettes import palette_of

CASES = Path(__file__).parent / "cases"


@pytest.fixture
def film(footage):
    return footage.kind("h264.mp4").path


def _read(path, lines=None):
    """(begin, end, bar's number, language, kind) of each picture."""
    found = []

    def take(picture):
        number = bar_number(np.repeat(picture.image[:, :, None], 3, axis=2))
        times = round(picture.span.start_s, 2), round(picture.span.end_s, 2)
        found.append((*times, number, picture.language, picture.kind))

    texts = read_subtitles(path, on_problem=(lines if lines is not None else []).append, on_picture=take)
    return found, [(cue.text, cue.kind) for cue in texts]


def _packets(*stretches, **more):
    return [(at_s, packed(segments)) for at_s, segments in cues(*stretches, **more)]


@pytest.mark.parametrize("isolate", [True, False])
def test_pictures_are_given_out_with_their_times(tmp_path, film, isolate):
    units = _packets((1, 2, bar(0)), (2.5, 3.5, bar(3)), (4, 5, bar(7)))
    path = with_pictures(tmp_path / "a.mkv", film, ("pgssub", "en", 0, units))
    use_limits(Limits(isolate=isolate))
    try:
        right = [(1, 2, 0, "en", "dialogue"), (2.5, 3.5, 3, "en", "dialogue"), (4, 5, 7, "en", "dialogue")]
        assert _read(path) == (right, [])
        assert probe(path).picture_subtitles == 1
        lines = []
        assert read_subtitles(path, on_problem=lines.append) == []
        assert len(lines) == 1
        assert "a.mkv holds 1 subtitle track of pictures, not read" in lines[0]
    finally:
        use_limits(None)


@pytest.mark.parametrize("name", ["pictures_dvb.ts", "pictures_xsub.avi", "pictures_vobsub.mp4"])
def test_pictures_that_ffmpeg_wrote(tmp_path, film, name):
    """DVB, XSUB, and a VobSub beside a film, as FFmpeg and mkvextract write them."""
    for path in CASES.glob("pictures_*"):
        shutil.copy(path, tmp_path / path.name)
    shutil.copy(film, tmp_path / "pictures_vobsub.mp4")
    found, _ = _read(tmp_path / name)
    language = "" if name.endswith("avi") else "en"
    assert [(*one[3:],) for one in found] == [(language, "dialogue")] * 3
    assert [one[0] for one in found] == pytest.approx([2, 7, 12], abs=0.2)
    assert [one[1] for one in found] == pytest.approx([5, 10, 15], abs=0.2)


def test_a_vobsub_of_two_languages_is_two_tracks(tmp_path, film):
    for suffix in (".idx", ".sub"):
        shutil.copy(CASES / f"pictures_two{suffix}", tmp_path / f"a{suffix}")
    shutil.copy(film, tmp_path / "a.mp4")
    times = [(2, "en"), (2, "de"), (7, "en"), (7, "de"), (12, "en"), (12, "de")]
    assert [(round(one[0]), one[3]) for one in _read(tmp_path / "a.mp4")[0]] == times
    (tmp_path / "a.de.srt").write_text("1\n00:00:01,000 --> 00:00:02,000\nHallo\n")
    assert [(round(one[0]), one[3]) for one in _read(tmp_path / "a.mp4")[0]] == times[::2]
    (tmp_path / "a.idx").unlink()  # a language that is not known may be that of the text
    assert _read(tmp_path / "a.mp4") == ([], [("Hallo", "dialogue")])
    (tmp_path / "a.de.srt").unlink()
    assert [(round(one[0]), one[3]) for one in _read(tmp_path / "a.mp4")[0]] == [(2, ""), (7, ""), (12, "")]


def test_a_picture_ends_with_the_next_and_the_last_one_by_itself(tmp_path, film):
    units = [(at_s, packed(pgs(n, [(0, 0, bar(n))]))) for n, at_s in enumerate((1, 3))]
    path = with_pictures(tmp_path / "a.mkv", film, ("pgssub", "en", 0, units))
    assert [one[:3] for one in _read(path)[0]] == [(1, 3, 0), (3, 33, 1)]


def test_the_same_picture_with_other_colours_goes_on(tmp_path, film):
    dim = {**WHITE_ON_BLACK, 1: (235, 128, 128, 40), 2: (16, 128, 128, 40)}
    sets = [(1 + k / 10, pgs(k, [(0, 0, bar(2))], dim if k < 3 else None)) for k in range(6)]
    (tmp_path / "a.en.sup").write_bytes(
        sup([*sets, (4, pgs(9, [])), (4.1, pgs(10, [(0, 0, bar(2))])), (5, pgs(11, []))])
    )
    shutil.copy(film, tmp_path / "a.mp4")
    assert [one[:3] for one in _read(tmp_path / "a.mp4")[0]] == [(1, 4, 2), (4.1, 5, 2)]


@pytest.mark.parametrize(
    ("tracks", "given"),
    [
        ([("en", 0), ("de", 0)], [("en", "dialogue"), ("de", "dialogue")]),
        ([("en", 0), ("en", 0)], [("en", "dialogue")]),
        ([("en", 128), ("en", 0)], [("en", "dialogue")]),  # the deaf's
        ([("en", 128), ("de", 0)], [("en", "dialogue"), ("de", "dialogue")]),
        ([("en", 64), ("en", 0)], [("en", "signs"), ("en", "dialogue")]),  # forced
        ([("en", 64)], [("en", "signs")]),
    ],
)
def test_which_tracks_of_pictures_are_read(tmp_path, film, tracks, given):
    one = _packets((1, 2, bar(0)))
    path = with_pictures(tmp_path / "a.mkv", film, *(("pgssub", language, marks, one) for language, marks in tracks))
    assert sorted(one[3:] for one in _read(path)[0]) == sorted(given)


def test_a_track_with_far_fewer_pictures_than_another_is_signs(tmp_path, film):
    few = _packets((1, 1.5, bar(1)))
    many = _packets(*((k / 2, k / 2 + 0.4, bar(5)) for k in range(8)))
    path = with_pictures(tmp_path / "a.mkv", film, ("pgssub", "en", 0, few), ("pgssub", "en", 0, many))
    found, _ = _read(path)
    assert {(number, kind) for _, _, number, _, kind in found} == {(1, "signs"), (5, "dialogue")}


@pytest.mark.parametrize(
    ("name", "given"),
    [(".en.srt", 0), (".srt", 0), (".de.srt", 0), (".en.forced.srt", 1), (".en.sdh.srt", 0), (".de.sdh.srt", 1)],
)
def test_text_wins_over_pictures(tmp_path, film, name, given):
    """A text file in full is what is said; without one, pictures of other languages are read, too."""
    path = with_pictures(tmp_path / "a.mkv", film, ("pgssub", "en", 0, _packets((1, 2, bar(0)))))
    (tmp_path / f"a{name}").write_text("1\n00:00:01,000 --> 00:00:02,000\nHello\n")
    found, texts = _read(path)
    assert len(found) == given
    assert [text for text, _ in texts] == ["Hello"]


def test_a_file_of_pictures_beside_a_video_does_not_hide_the_text_inside(tmp_path, footage):
    shutil.copy(footage.make("text.mkv", subtitles=[(0.5, 2.0, "inside")]), tmp_path / "a.mkv")
    (tmp_path / "a.en.sup").write_bytes(sup(cues((1, 2, bar(0)))))
    assert _read(tmp_path / "a.mkv") == ([], [("inside", "dialogue")])
    assert probe(tmp_path / "a.mkv").picture_subtitles == 0


def test_damage_costs_the_damaged_pictures_alone(tmp_path, film):
    units = _packets((1, 2, bar(0)), (2.5, 3, bar(3)), (4, 5, bar(7)))
    units[2] = (2.5, units[2][1][:40] + bytes(60))
    path = with_pictures(tmp_path / "a.mkv", film, ("pgssub", "en", 0, units))
    assert [one[2] for one in _read(path)[0]] == [0, 7]


# Fill, outline and the way both are drawn: bright on dark, dark on bright, boxes, letters without an outline, shadows.
@pytest.mark.parametrize(
    ("fill", "around", "box"),
    [
        (fill, around, box)
        for fill in (16, 140, 235)
        for around, box in ((16, False), (16, True), (235, False), (235, True), (None, False))
        if fill != around
    ],
)
def test_letters_are_bright_on_black_whatever_their_colours(tmp_path, film, fill, around, box):
    picture = np.full((40, 120), OUTLINE if box else NOTHING, np.uint8)
    if around is not None:
        picture[8:32, 8:112] = OUTLINE
    picture[12:28, 12:108] = LETTER
    colours = {0: (16, 128, 128, 0), 1: (fill, 128, 128, 255), 2: (around or 0, 128, 128, 255)}
    (tmp_path / "a.sup").write_bytes(sup(cues((1, 2, picture), colours=colours)))
    shutil.copy(film, tmp_path / "a.mp4")
    images = []
    read_subtitles(tmp_path / "a.mp4", on_picture=lambda given: images.append(given.image))
    (image,) = images
    middle = image[image.shape[0] // 2, image.shape[1] // 2]
    assert middle > 200
    assert image[0].max() == image[:, 0].max() == 0


def test_what_is_one_colour_or_nothing_is_no_picture(tmp_path, film):
    clear = {0: (16, 128, 128, 0), 1: (235, 128, 128, 0), 2: (16, 128, 128, 0)}
    (tmp_path / "a.sup").write_bytes(sup(cues((1, 2, bar(1)), colours=clear)))
    shutil.copy(film, tmp_path / "a.mp4")
    assert _read(tmp_path / "a.mp4") == ([], [])


def test_rectangles_of_a_picture_are_read_from_top_to_bottom(tmp_path, film):
    objects = [(400, 600, bar(9)), (100, 50, bar(1))]
    (tmp_path / "a.sup").write_bytes(sup([(1, pgs(0, objects)), (2, pgs(1, []))]))
    shutil.copy(film, tmp_path / "a.mp4")
    images = []
    read_subtitles(tmp_path / "a.mp4", on_picture=lambda given: images.append(given.image))
    half = images[0].shape[0] // 2
    widths = [(part.max(axis=0) > 128).sum() / 2 for part in (images[0][:half], images[0][half:])]
    assert widths == [68, 228]


class _Rect:
    def __init__(self, colours, width=10, height=10):
        self.nb_colors, self.width, self.height = colours, width, height


def _dvb(kind, body):
    return b"\x0f" + bytes([kind]) + b"\0\x01" + struct.pack(">H", len(body)) + body


def test_the_colours_of_a_vobsub_are_those_of_its_header():
    header = b"size: 720x576\npalette: " + b", ".join(b"%02x%02x%02x" % (n, n, n) for n in range(0, 256, 16)) + b"\n"
    palette = palette_of("dvdsub", header, "")
    unit = vobsub(bar(0), 2, (3, 15, 8, 1))
    palette.feed(unit[:50])
    palette.feed(unit[50:])  # a unit may come in pieces
    assert palette.colours(_Rect(4))[:4].tolist() == [[48, 0], [240, 255], [128, 255], [16, 255]]
    unknown = palette_of("dvdsub", b"", "")
    unknown.feed(unit)
    assert unknown.colours(_Rect(4))[:4].tolist() == [[0, 0], [255, 255], [128, 255], [0, 255]]


def test_the_colours_of_dvb_are_those_given_else_those_of_the_standard():
    palette = palette_of("dvbsub", b"", "")
    assert palette.colours(_Rect(4))[:4].tolist() == [[0, 0], [255, 255], [0, 255], [127, 255]]
    assert palette.colours(_Rect(16))[[0, 1, 7, 8, 15]].tolist() == [
        [0, 0],
        [76, 255],
        [255, 255],
        [0, 255],
        [127, 255],
    ]
    assert palette.colours(_Rect(256))[[7, 0x77, 0xFF]].tolist() == [[255, 63], [255, 255], [128, 255]]
    regions = _dvb(0x11, struct.pack(">BBHHBBBB", 0, 0, 10, 10, 8, 5, 0, 0))
    regions += _dvb(0x11, struct.pack(">BBHHBBBB", 1, 0, 20, 10, 8, 6, 0, 0))
    tables = _dvb(0x12, bytes([5, 0, 1, 0x81, 200, 128, 128, 55, 2, 0x80, 0xFC, 0x40]))
    tables += _dvb(0x12, bytes([6, 0, 1, 0x81, 90, 128, 128, 0]))
    palette.feed(b"\x20\x00" + regions + tables)
    assert palette.colours(_Rect(4))[1:3].tolist() == [[200, 200], [252, 255]]
    assert palette.colours(_Rect(4, 20))[1].tolist() == [90, 255]


def test_the_colours_of_an_xsub_stand_in_its_head():
    unit = bytes(41) + bytes([0, 0, 0, 255, 255, 255, 0, 0, 0, 128, 128, 128]) + bytes([0, 255, 200, 100])
    plain, clear = palette_of("xsub", b"", "DXSB"), palette_of("xsub", b"", "DXSA")
    for palette in (plain, clear):
        palette.feed(unit)
    assert plain.colours(_Rect(4))[:4].tolist() == [[0, 0], [255, 255], [0, 255], [128, 255]]
    assert clear.colours(_Rect(4))[:4].tolist() == [[0, 0], [255, 255], [0, 200], [128, 100]]


@pytest.mark.parametrize("codec", ["pgssub", "dvdsub", "dvbsub", "xsub"])
def test_colours_survive_noise(codec):
    rng = np.random.default_rng(5)
    palette = palette_of(codec, b"palette: ffffff", "")
    heads = {"pgssub": b"\x16\0\x0b", "dvdsub": b"\0\x20\0\x04", "dvbsub": b"\x0f\x12\0\x01\0\x20", "xsub": b"["}
    for size in range(200):
        palette.feed(heads[codec] + rng.bytes(size))
        assert palette.colours(_Rect(4)).shape == (256, 2)


@pytest.mark.slow
@pytest.mark.real_models
def test_a_real_recogniser_reads_them(tmp_path, film):
    rapidocr = pytest.importorskip("lvqa.models.ocr")
    pytest.importorskip("rapidocr")
    reader = rapidocr.RapidReader(threads=1)
    lines = [
        "The lighthouse stands\non the northern cliff.",
        "The keeper lights the lamp.",
        "A ship comes home at night.",
    ]
    for path in CASES.glob("pictures_*"):
        shutil.copy(path, tmp_path / path.name)
    shutil.copy(film, tmp_path / "pictures_vobsub.mp4")
    shutil.copy(film, tmp_path / "pgs.mp4")
    yellow = {0: (16, 128, 128, 0), 1: (200, 146, 16, 255), 2: (16, 128, 128, 255)}
    (tmp_path / "pgs.sup").write_bytes(
        sup(cues(*((5 * n + 2, 5 * n + 5, plane(t)) for n, t in enumerate(lines)), colours=yellow))
    )
    for name in ("pictures_dvb.ts", "pictures_xsub.avi", "pictures_vobsub.mp4", "pgs.mp4"):
        texts = []
        read_subtitles(
            tmp_path / name,
            on_picture=lambda given: texts.extend(reader.read([np.repeat(given.image[:, :, None], 3, axis=2)])),  # noqa: B023
        )
        assert texts == lines, name
