"""A second film behind the first in one file, which FFmpeg does not read: found by the heads of boxes, and told."""

from __future__ import annotations

import struct

import numpy as np
import pytest

from lvqa.eval.lab.footage_writer import write_video
from lvqa.media import probe
from lvqa.media.joined import second_film


def _film(path, frames=10, **more):
    return write_video(path, (np.full((64, 64, 3), 20 * k % 255, np.uint8) for k in range(frames)), fps=10, **more)


# Container, how it is written, whether FFmpeg passes over what is joined behind.
CONTAINERS = [
    ("a.mp4", {}, True),
    ("a.mov", {}, True),
    ("a.m4v", {}, True),
    ("a.f4v", {}, True),
    ("a.3gp", {}, True),
    ("a.asf", {"codec": "mpeg4"}, True),
    ("a.wmv", {"codec": "wmv2"}, True),
    ("a.flv", {"codec": "flv"}, False),
    ("a.avi", {"codec": "mpeg4"}, False),
    ("a.mkv", {}, False),
    ("a.webm", {"codec": "libvpx"}, False),
    ("a.ts", {}, False),
    ("a.mpg", {"codec": "mpeg2video", "fps": 25}, False),
]


@pytest.mark.parametrize(("name", "options", "passed_over"), CONTAINERS)
def test_films_joined_as_bytes(tmp_path, name, options, passed_over):
    options = {"fps": 10, **options}
    frames = (np.full((64, 64, 3), 20 * k % 255, np.uint8) for k in range(10))
    one = write_video(tmp_path / name, frames, **options)
    size = one.stat().st_size
    assert second_film(one) == 0
    both = tmp_path / f"both{one.suffix}"
    both.write_bytes(one.read_bytes() * 2)
    assert second_film(both) == (size if passed_over else 0)
    if passed_over:
        assert second_film(both) == probe(both).joined_at_byte
        (line,) = probe(both).streams.told()
        assert line.endswith(
            f"at byte {size}, and is not read: cut it off into a file of its own (tail -c +{size + 1})"
        )
        assert both.read_bytes()[size:] == one.read_bytes()
    both.write_bytes(one.read_bytes() * 3)
    assert second_film(both) == (size if passed_over else 0)


def _box(kind, size=8, *, large=False, to_end=False):
    if large:
        return struct.pack(">I4sQ", 1, kind.encode(), size + 8) + bytes(size - 8)
    return struct.pack(">I4s", 0 if to_end else size, kind.encode()) + bytes(size - 8)


@pytest.mark.parametrize(
    ("boxes", "second"),
    [
        ("ftyp moov mdat", None),
        ("ftyp mdat moov", None),
        ("ftyp free mdat moov udta uuid", None),
        ("ftyp mdat mdat moov", None),
        ("ftyp moov mdat moov", None),  # an index that was kept twice
        ("ftyp mdat moov moov", None),
        ("ftyp moov moof mdat moof mdat", None),
        ("ftyp moov moof mdat ftyp moov moof mdat", None),  # fragments are read on
        ("ftyp mdat moov ftyp", None),
        ("ftyp moov mdat ftyp moov mdat", 3),
        ("ftyp mdat moov ftyp mdat moov", 3),
        ("ftyp mdat moov ftyp moov mdat", 3),
        ("ftyp moov mdat free ftyp free moov mdat", 4),
        ("ftyp moov mdat mdat ftyp moov mdat", 4),
        ("ftyp moov mdat ftyp moov moof mdat", 3),
        ("moov mdat moov mdat", 2),
        ("mdat moov mdat moov", 2),
        ("wide mdat moov wide mdat moov", 3),
        ("pnot moov mdat pnot mdat moov", 3),
    ],
)
@pytest.mark.parametrize("large", [False, True])
def test_boxes(tmp_path, boxes, second, large):
    parts = [_box(kind, 40, large=large and kind == "mdat") for kind in boxes.split()]
    (tmp_path / "a.mp4").write_bytes(b"".join(parts))
    assert second_film(tmp_path / "a.mp4") == (len(b"".join(parts[:second])) if second else 0)


def test_what_is_no_container_or_breaks_off_is_no_second_film(tmp_path):
    rng = np.random.default_rng(3)
    path = tmp_path / "a.mp4"
    heads = (
        b"",
        b"\0\0\0\x18ftypisom",
        b"FLV\x01\x05\0\0\0\x09\0\0\0\0",
        bytes.fromhex("3026b2758e66cf11"),
    )
    for head in heads:
        for size in (0, 1, 5, 9, 40, 500):
            path.write_bytes(head + rng.bytes(size))
            assert second_film(path) == 0
    path.write_bytes(_box("ftyp", 24) + _box("moov", 40) + _box("mdat", 8, to_end=True) + _box("ftyp") + _box("moov"))
    assert second_film(path) == 0
    path.write_bytes(_box("ftyp", 24) + _box("moov", 40) + _box("mdat", 80) + bytes(64))
    assert second_film(path) == 0
    assert second_film(tmp_path / "none.mp4") == 0
