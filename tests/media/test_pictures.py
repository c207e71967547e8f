"""Pictures as players show them: square pixels before rotation, by either backend, and HDR as screens show it."""

from __future__ import annotations

import io
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lvqa.eval.lab.footage_writer import _rotate
from lvqa.media import FrameReader, probe, thumbnail
from lvqa.media.decoding.decord_frames import load_decord
from lvqa.media.decoding.hdr import _pq_light, _pq_signal, tone_mapped
from lvqa.media.values import displayed, interpolation

pytestmark = pytest.mark.usefixtures("in_process")
CASES = Path(__file__).parent / "cases"

# (stored, aspect of a pixel, shown): anamorphic film and DVD, PAL and NTSC, narrow and wide, HDV, upright pictures
ASPECTS = [
    ((128, 128), Fraction(2, 1), (256, 128)),
    ((192, 128), Fraction(4, 3), (256, 128)),
    ((256, 64), Fraction(1, 2), (256, 128)),
    ((180, 144), Fraction(16, 15), (192, 144)),
    ((180, 144), Fraction(64, 45), (256, 144)),
    ((180, 120), Fraction(8, 9), (180, 135)),
    ((180, 120), Fraction(32, 27), (213, 120)),
    ((180, 120), Fraction(40, 33), (218, 120)),
    ((256, 128), Fraction(1, 1), (256, 128)),
]


def _anamorphic(footage, path, size, aspect, rotation=0, codec="libx264", rate=10):
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=rate, options={"bf": "0"})
        stream.width, stream.height, stream.pix_fmt = *size, "yuv420p"
        stream.codec_context.sample_aspect_ratio = aspect
        for number in range(20):
            frame = av.VideoFrame.from_ndarray(footage.numbered(number, *size), format="rgb24")
            frame.pts = number
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    if rotation:
        _rotate(path, rotation)
    return path


@pytest.mark.parametrize("rotation", [0, 90, 180, 270])
@pytest.mark.parametrize(("size", "aspect", "wanted"), ASPECTS)
def test_pixels_are_made_square_before_the_picture_is_turned(footage, tmp_path, size, aspect, wanted, rotation):
    path = _anamorphic(footage, tmp_path / "a.mp4", size, aspect, rotation)
    info = probe(path)
    shown = wanted[::-1] if rotation in (90, 270) else wanted
    assert (info.width, info.height, info.rotation) == (*shown, rotation)
    assert (info.stored_width, info.stored_height) == size
    for backend in ["pyav", *(["decord"] if load_decord() is not None else [])]:
        with FrameReader(path, backend=backend) as reader:
            frames = [*reader.at([0.5, 1.3]), *reader.sample(1.0)]
        assert {frame.image.shape for frame in frames} == {(shown[1], shown[0], 3)}
        upright = [np.rot90(frame.image, rotation // 90) for frame in frames]
        assert [footage.number(image) for image in upright] == [5, 13, 0, 10]


@pytest.mark.parametrize(
    ("suffix", "codec"), [("mkv", "libx264"), ("ts", "mpeg2video"), ("avi", "mpeg4"), ("mov", "mpeg4")]
)
def test_wherever_the_aspect_is_written(footage, tmp_path, suffix, codec):
    aspect = Fraction(64, 45) if codec == "mpeg2video" else Fraction(2, 1)
    size = (180, 144) if codec == "mpeg2video" else (128, 128)
    path = tmp_path / f"a.{suffix}"
    _anamorphic(footage, path, size, aspect, codec=codec, rate=25 if codec == "mpeg2video" else 10)
    info = probe(path)
    assert (info.width, info.height) == (256, size[1])
    with FrameReader(path, max_side=100) as reader:
        image = reader.at([0.3])[0].image
    assert image.shape == (round(size[1] * 100 / 256), 100, 3)


def test_the_case_of_an_anamorphic_film():
    path = CASES / "anamorph.mp4"
    assert (probe(path).width, probe(path).height) == (384, 216)
    with FrameReader(path) as reader:
        assert reader.at([1.0])[0].image.shape == (216, 384, 3)
    from PIL import Image

    assert Image.open(io.BytesIO(thumbnail(path, 1.0))).size == (160, 90)


@given(st.integers(2, 4000), st.integers(2, 4000), st.fractions(Fraction(1, 16), 16))
def test_one_side_grows_and_none_loses_pixels(width, height, aspect):
    shown = displayed(width, height, aspect)
    assert shown[0] >= width
    assert shown[1] >= height
    assert width in (shown[0],) or height == shown[1]
    assert shown[0] / shown[1] == pytest.approx(width * aspect / height, rel=0.5 / min(shown) + 1e-9)


@pytest.mark.parametrize("aspect", [None, Fraction(0), Fraction(1, 100), Fraction(100), Fraction(-2)])
def test_an_aspect_that_cannot_be_is_none(aspect):
    assert displayed(64, 48, aspect) == (64, 48)


def test_how_a_picture_is_scaled():
    assert interpolation((64, 48), (64, 48)) == "BILINEAR"
    assert interpolation((64, 48), (32, 24)) == "AREA"
    assert interpolation((64, 48), (128, 48)) == interpolation((64, 48), (32, 96)) == "BICUBIC"


# -- HDR

_TO_2020 = np.array([[0.6274, 0.3293, 0.0433], [0.0691, 0.9195, 0.0114], [0.0164, 0.0880, 0.8956]])


def _signal(colour, nits, transfer):
    """A colour of BT.709, 0 to 1 and linear, with its white at so many cd/m2, as a signal of BT.2020."""
    light = _TO_2020 @ np.array(colour, float) * nits
    if transfer == "pq":
        return _pq_signal(light)
    luma = max(light @ [0.2627, 0.6780, 0.0593], 1e-9)
    scene = light / 1000 * (luma / 1000) ** (1 / 1.2 - 1)
    a, b, c = 0.17883277, 0.28466892, 0.55991073
    return np.where(scene <= 1 / 12, np.sqrt(3 * scene), a * np.log(np.maximum(12 * scene - b, 1e-9)) + c)


COLOURS = {"white": (1, 1, 1), "red": (1, 0, 0), "green": (0, 1, 0), "blue": (0, 0, 1), "black": (0, 0, 0)}


@pytest.mark.parametrize("transfer", ["pq", "hlg"])
@pytest.mark.parametrize("name", COLOURS)
def test_colours_of_ordinary_brightness_stay_what_they_are(transfer, name):
    signal = np.clip(_signal(COLOURS[name], 203, transfer), 0, 1)
    shown = tone_mapped(np.full((8, 8, 3), np.round(signal * 255), np.uint8), transfer)[4, 4].astype(int)
    for value, part in zip(shown, COLOURS[name], strict=True):
        assert value > 195 if part else value < 70


@pytest.mark.parametrize("transfer", ["pq", "hlg"])
def test_brighter_stays_brighter_up_to_the_peak(transfer):
    greys = [_signal((1, 1, 1), nits, transfer)[0] for nits in (1, 10, 50, 100, 203, 400, 700, 1000)]
    shown = [int(tone_mapped(np.full((2, 2, 3), round(grey * 255), np.uint8), transfer)[0, 0, 1]) for grey in greys]
    assert shown == sorted(shown)
    assert len(set(shown)) >= len(shown) - 1
    assert shown[0] < 40
    assert 165 < shown[3] < 205
    assert shown[-1] >= 250


def test_pq_is_its_own_inverse():
    light = np.array([0.01, 1, 100, 1000, 10_000])
    assert _pq_light(_pq_signal(light)) == pytest.approx(light, rel=1e-6)


@pytest.mark.parametrize(
    ("transfer", "name", "number"), [("pq", "smpte2084", 16), ("hlg", "arib-std-b67", 18), ("", "bt709", 1)]
)
@pytest.mark.parametrize("suffix", ["mp4", "mkv"])
def test_hdr_films_are_mapped_and_others_left(tmp_path, transfer, name, number, suffix):
    params = f"log-level=none:pools=1:colorprim=bt2020:colormatrix=bt2020nc:transfer={name}:range=limited"
    path = tmp_path / f"a.{suffix}"
    grey = _signal((1, 1, 1), 203, transfer)[0] if transfer else 0.5
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx265", rate=10, options={"x265-params": params})
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p10le"
        for k in range(10):
            frame = av.VideoFrame(64, 48, "yuv420p10le")
            for plane, level in zip(frame.planes, (round(64 + 876 * grey), 512, 512), strict=True):
                plane.update(np.full(plane.buffer_size // 2, level, np.uint16).tobytes())
            frame.color_trc, frame.pts = number, k
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    assert probe(path).hdr == transfer
    with FrameReader(path) as reader:
        images = [frame.image for frame in [*reader.at([0.5]), *reader.sample(5.0)]]
    wanted = 228 if transfer else 127
    assert all(np.abs(image.astype(int) - wanted).max() < 8 for image in images)
