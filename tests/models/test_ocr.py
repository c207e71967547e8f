"""Text on the screen: one contract for every TextReader, and what RapidOCR must read right."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

from lvqa.models.base import Frame, TextReader
from lvqa.models.fake import FakeReader
from lvqa.models.ocr import _believed, with_lost_spaces
from lvqa.models.registry import load_reader
from lvqa.models.text_lines import TextLine, rows_of


def card(*texts: tuple[int, int, str, int], size: tuple[int, int] = (640, 360), spacing: int = 4) -> Frame:
    """A dark green frame with texts at (x, y, text, font size)."""
    image = Image.new("RGB", size, (10, 60, 20))
    draw = ImageDraw.Draw(image)
    for x, y, text, points in texts:
        draw.multiline_text((x, y), text, font=ImageFont.load_default(points), fill="white", spacing=spacing)
    return np.asarray(image)


@pytest.fixture
def rapid(loaded: Callable[..., Any]) -> Any:
    pytest.importorskip("rapidocr")
    return loaded(load_reader, "rapidocr")


@pytest.fixture(params=["fake", "rapidocr"])
def reader(request: pytest.FixtureRequest) -> TextReader:
    if request.param == "fake":
        return FakeReader(lambda frame: "HELLO" if frame.max() == 255 else "")
    return request.getfixturevalue("rapid")


def test_contract(reader: TextReader) -> None:
    assert isinstance(reader, TextReader)
    assert reader.read([]) == []
    blank, hello = card(), card((200, 140, "HELLO", 60), size=(700, 300))
    assert reader.read([blank, hello, blank]) == ["", "HELLO", ""]
    assert reader.read([hello]) == ["HELLO"]


@pytest.mark.parametrize("points", [16, 28, 60])
def test_time_codes_and_small_print(rapid: Any, points: int) -> None:
    frame = card((40, 60, "01:00:21:00", points), (40, 220, "flight 1234 to Paris", points), size=(1280, 720))
    assert rapid.read([frame]) == ["01:00:21:00\nflight 1234 to Paris"]


def test_reading_order(rapid: Any) -> None:
    frame = card((400, 40, "right", 40), (40, 44, "left", 40), (40, 250, "below", 40))
    assert rapid.read([frame]) == ["left right\nbelow"]


def test_two_tight_lines_of_a_title(rapid: Any) -> None:
    # So tight that letters of both lines touch: the detector takes them for one.
    frame = card((300, 60, "The Last\nHARVEST", 190), size=(1280, 720), spacing=-60)
    first, second = rapid.read([frame])[0].splitlines()
    assert first.replace(" ", "") == "TheLast"
    assert second == "HARVEST"


def test_several_threads_may_read(rapid: Any) -> None:
    frames = [card((60, 120, f"room {i}{i}", 60)) for i in range(4)]
    read: dict[int, str] = {}

    def work(i: int) -> None:
        read[i] = rapid.read([frames[i]])[0]

    threads = [threading.Thread(target=work, args=(i,)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert read == {i: f"room {i}{i}" for i in range(4)}


def test_it_is_quiet(real_models: None, capfd: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("rapidocr")
    capfd.readouterr()
    load_reader("rapidocr").read([card((60, 120, "hello", 60))])
    assert capfd.readouterr() == ("", "")


def _line(text: str, score: float, x: float = 0, y: float = 0, h: float = 10) -> TextLine:
    return TextLine(text, score, (x, y, x + 50, y + h))


def test_a_short_text_must_be_surer() -> None:
    assert not _believed(_line("L", 0.73), 0.5)
    assert _believed(_line("L", 0.95), 0.5)
    assert _believed(_line("hello world", 0.6), 0.5)
    assert not _believed(_line(" ", 1.0), 0.5)


def test_rows_by_their_middles() -> None:
    lines = [_line("c", 1, 80, 31), _line("a", 1, 0, 0), _line("d", 1, 0, 60), _line("b", 1, 0, 33)]
    assert rows_of(lines) == ["a", "b c", "d"]


def test_lost_spaces() -> None:
    assert with_lost_spaces("BigBuck", [3, 5, 7, 11, 14, 16, 18]) == "Big Buck"
    assert with_lost_spaces("YouTube", [3, 5, 7, 9, 11, 13, 15]) == "YouTube"
    assert with_lost_spaces("bigbuck", [3, 5, 7, 11, 14, 16, 18]) == "bigbuck"
    assert with_lost_spaces("Big Buck", [3, 5, 7, 14, 18, 20, 22]) == "Big Buck"
    assert with_lost_spaces("BigBuck", []) == "BigBuck"
