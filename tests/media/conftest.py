"""Footage whose every frame carries its number, so that a frame can be told from any other by its pixels."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from lvqa.eval.lab.footage_writer import write_video

FRAMES = 60
WIDTH, HEIGHT = 256, 128
BITS = 12


def _numbered(i, width=WIDTH, height=HEIGHT):
    frame = np.full((height, width, 3), 40, np.uint8)
    w, h = width // 6, height // 2
    for bit in range(BITS):
        if i >> bit & 1:
            row, column = divmod(bit, 6)
            frame[row * h : (row + 1) * h, column * w : (column + 1) * w] = 220
    return frame


def _number(image):
    height, width = image.shape[:2]
    w, h = width // 6, height // 2
    found = 0
    for bit in range(BITS):
        row, column = divmod(bit, 6)
        cell = image[row * h + h // 4 : (row + 1) * h - h // 4, column * w + w // 4 : (column + 1) * w - w // 4]
        found |= int(cell.mean() > 128) << bit
    return found


def _shown(pts_s, time_s):
    """The definition, spelled out: the last frame whose time is at most the time asked for, else the first."""
    best = 0
    for index, pts in enumerate(pts_s):
        if pts <= time_s + 0.001:
            best = index
    return best


_rng = np.random.default_rng(7)
VFR = np.concatenate([[0.0], np.cumsum(_rng.integers(5, 400, FRAMES - 1)) / 1000]).round(3).tolist()
_OPEN_264 = {"x264-params": "open-gop=1:keyint=15:bframes=3:b-adapt=0:scenecut=0"}
_OPEN_265 = {"x265-params": "log-level=none:open-gop=1:keyint=15:min-keyint=15:bframes=3:b-adapt=0:scenecut=0:pools=1"}
_AV1 = {"preset": "8", "crf": "15", "svtav1-params": "lp=1"}

# name -> (how to write it, whether decord reads it right)
KINDS = {
    "h264.mp4": ({}, True),
    "h264.mkv": ({}, True),
    "h264.mov": ({}, True),
    "h264.m4v": ({}, True),
    "h264.ts": ({}, False),
    "h264.avi": ({}, False),
    "h264-one-keyframe.mp4": ({"gop": 1000}, True),
    "h264-open.mp4": ({"options": _OPEN_264}, False),
    "h264-open.ts": ({"options": _OPEN_264}, False),
    "hevc.mp4": ({"codec": "libx265"}, False),
    "hevc.mkv": ({"codec": "libx265"}, False),
    "hevc-open.mp4": ({"codec": "libx265", "options": _OPEN_265}, False),
    "hevc.ts": ({"codec": "libx265"}, False),
    "vp8.webm": ({"codec": "libvpx"}, True),
    "vp9.webm": ({"codec": "libvpx-vp9"}, True),
    "vp9.mp4": ({"codec": "libvpx-vp9"}, True),
    "vp9-altref.mkv": (
        {
            "codec": "libvpx-vp9",
            "options": {"deadline": "good", "cpu-used": "6", "auto-alt-ref": "1", "lag-in-frames": "16"},
        },
        True,
    ),
    "av1.mp4": ({"codec": "libsvtav1", "options": _AV1}, False),
    "av1.webm": ({"codec": "libsvtav1", "options": _AV1}, False),
    "av1.mkv": ({"codec": "libsvtav1", "options": _AV1}, False),
    "mpeg4.avi": ({"codec": "mpeg4"}, False),
    "mpeg4.mp4": ({"codec": "mpeg4"}, False),
    "mpeg4.m4v": ({"codec": "mpeg4"}, False),
    "mpeg4.mov": ({"codec": "mpeg4"}, False),
    "mpeg2.ts": ({"codec": "mpeg2video", "fps": 25}, False),
    "vfr.mp4": ({"pts": VFR}, True),
    "vfr.mkv": ({"pts": VFR}, True),
    "vfr.ts": ({"pts": VFR}, False),
    "vfr-vp9.webm": ({"pts": VFR, "codec": "libvpx-vp9"}, True),
    "start.mp4": ({"start_s": 7.5}, True),
    "start.mkv": ({"start_s": 7.5}, True),
    "start.ts": ({"start_s": 7.5}, False),
    "late-picture.mkv": ({"pts": [0.7 + k / 10 for k in range(FRAMES)], "audio": True}, True),
    "sound.mp4": ({"audio": True}, True),
    "rotated-90.mp4": ({"rotation": 90}, True),
    "rotated-180.mov": ({"rotation": 180}, True),
    "rotated-270.mp4": ({"rotation": 270}, True),
    "thirty.mkv": ({"fps": 30}, True),
    "ntsc.mp4": ({"fps": 30000 / 1001}, True),
}


@pytest.fixture(scope="session")
def footage(tmp_path_factory):
    """Makes a numbered video, once a session: `make(name, **options of write_video)` or `kind(name)`."""
    folder = tmp_path_factory.mktemp("footage")

    def make(name, frames=FRAMES, **options):
        path = folder / name
        if not path.exists():
            options.setdefault("gop", 15)
            write_video(path, (_numbered(i) for i in range(frames)), **options)
        return path

    def kind(name):
        options, _ = KINDS[name]
        path = make(name, **options)
        pts = options.get("pts") or [k / options.get("fps", 10) for k in range(FRAMES)]
        turns = options.get("rotation", 0) // 90
        # Without sound the container starts with the first frame, wherever the writer's clock began.
        pts = pts if options.get("audio") else [t - pts[0] for t in pts]
        return SimpleNamespace(
            path=path,
            pts_s=pts,
            turns=turns,
            number=lambda image: _number(np.rot90(image, turns)),
            decord=KINDS[name][1],
        )

    def damaged(folder):
        """A video with random bytes in place of some frames."""
        data = bytearray(make("damage-vp9.mp4", frames=240, codec="libvpx-vp9").read_bytes())
        begin, end = len(data) * 2 // 5, len(data) * 17 // 40
        data[begin:end] = np.random.default_rng(3).bytes(end - begin)
        path = folder / "damaged.mp4"
        path.write_bytes(data)
        return path

    return SimpleNamespace(
        damaged=damaged,
        make=make,
        kind=kind,
        kinds=tuple(KINDS),
        numbered=_numbered,
        number=_number,
        shown=_shown,
        frames=FRAMES,
    )


def pytest_generate_tests(metafunc):
    if "kind_name" in metafunc.fixturenames:
        metafunc.parametrize("kind_name", list(KINDS))
    if "decord_kind_name" in metafunc.fixturenames:
        metafunc.parametrize("decord_kind_name", [name for name, (_, right) in KINDS.items() if right])
    if "other_kind_name" in metafunc.fixturenames:
        metafunc.parametrize("other_kind_name", [name for name, (_, right) in KINDS.items() if not right])


@pytest.fixture
def in_process():
    """Read in this process, where a test can reach it."""
    from lvqa.media import Limits, use_limits

    use_limits(Limits(isolate=False))
    yield
    use_limits(None)
