"""Reading in several processes: in order, errors as errors, and none left."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from lvqa.errors import ModelError
from lvqa.models import ocr_pool
from lvqa.models.base import Frame
from lvqa.models.ocr_pool import OcrPool
from lvqa.models.text_lines import LineReader


def frame(value: int) -> Frame:
    return np.full((4, 6, 3), value, np.uint8)


@pytest.fixture
def pool(monkeypatch: pytest.MonkeyPatch) -> Iterator[OcrPool]:
    monkeypatch.setattr(ocr_pool, "_MODULE", "tests.models.reading_child")
    pool = OcrPool("rapid", 2)
    yield pool
    pool.close()


def test_frames_come_back_in_order_from_no_more_processes_than_asked_for(pool: OcrPool) -> None:
    assert isinstance(pool, LineReader)
    read = pool.read([frame(value) for value in range(8)])
    assert [text.splitlines()[0] for text in read] == [f"rapid {value}" for value in range(8)]
    assert 1 <= len({text.splitlines()[1] for text in read}) <= 2
    assert pool.read([]) == []


@pytest.mark.parametrize(
    ("value", "said"), [(250, "out of memory"), (251, r"unexpectedly \(KeyError"), (252, "reads screen text ended")]
)
def test_what_goes_wrong_in_a_process_is_a_model_error_and_the_next_frame_is_read(
    pool: OcrPool, value: int, said: str
) -> None:
    with pytest.raises(ModelError, match=said):
        pool.read_lines([frame(value)])
    assert pool.read([frame(1)])[0].startswith("rapid 1\n")


def test_closed_it_leaves_no_process_and_reads_no_more(pool: OcrPool) -> None:
    pool.read([frame(1), frame(2)])
    processes = [worker._process for worker in pool._workers]
    assert [process.poll() for process in processes] == [None] * len(processes)
    pool.close()
    assert None not in [process.poll() for process in processes]
    with pytest.raises((ModelError, RuntimeError)):
        pool.read([frame(1)])


def test_one_whose_starter_is_gone_ends(pool: OcrPool) -> None:
    pool.read([frame(1)])
    ((process,),) = [[worker._process for worker in pool._workers]]
    assert process.stdin is not None
    process.stdin.close()  # as the system does when the process that started it is killed
    assert process.wait(30) == 0


@pytest.mark.slow
def test_several_processes_read_what_one_does(real_models: None) -> None:
    pytest.importorskip("rapidocr")
    from lvqa.demo_footage import text_card
    from lvqa.models.registry import load_reader

    cards = [text_card(text, (640, 360)) for text in ("Office move", "01:00:21:00", "Room B204")]
    reader = load_reader("rapidocr")
    several = reader.parallel(2)
    try:
        assert several.read_lines(cards) == reader.read_lines(cards)
    finally:
        several.close()
