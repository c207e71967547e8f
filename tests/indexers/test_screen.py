"""Text on the screen over whole runs: one note each, whatever the batches, however often a run was interrupted."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lvqa.errors import MediaError, ModelError
from lvqa.eval.lab.footage_writer import write_video
from lvqa.indexers import plan_index, plan_lines
from lvqa.indexers.planning.survey import SCREEN
from lvqa.indexers.writer import Writer
from lvqa.media import FrameReader
from lvqa.models.base import Frame
from lvqa.models.fake import FakeReader
from lvqa.models.text_lines import TextLine, stacked
from lvqa.settings import Settings
from lvqa.store import Filter
from lvqa.types import Span

_BITS = 12
# What stands there from second to second: a logo through all of it, a slide over three clips, a clock, nothing.
SHOWN = [
    (1, 7, "ACME\n\nBudget meeting\nAgenda"), (2, 12, "ACME\n\nHiring\nOne backend developer"),
    (3, 1, "ACME\n\n20:15:01"), (4, 1, "ACME\n\n20:15:02"), (5, 1, "ACME\n\n20:15:03"), (6, 4, "ACME"),
    (7, 9, "ACME\n\nOffice move"),
]  # fmt: skip
WHOLE = [
    (Span(0, 7), "Budget meeting\nAgenda"),
    (Span(0, 35), "ACME"),
    (Span(6.5, 19), "Hiring\nOne backend developer"),
    (Span(18.5, 22), "20:15:01\n20:15:02\n20:15:03"),
    (Span(25.5, 35), "Office move"),
]


def numbered(number: int) -> Frame:
    """A frame that shows a number as a row of black and white blocks."""
    frame = np.full((64, 8 * _BITS, 3), (0, 160, 0), np.uint8)
    for bit in range(_BITS):
        frame[8:16, 8 * bit : 8 * bit + 8] = 255 * (number >> bit & 1)
    return frame


def shown(frame: Frame) -> int:
    """The number that a frame shows in bits."""
    return sum(1 << bit for bit in range(_BITS) if frame[10:14, 8 * bit + 2 : 8 * bit + 6].mean() > 128)


def read(frame: Frame) -> str:
    return {number: text for number, _, text in SHOWN}[shown(frame)]


@pytest.fixture
def footage(kit: Any) -> Path:
    """A video that shows those texts; the reader of the kit reads them."""
    frames = (numbered(number) for number, seconds, _ in SHOWN for _ in range(2 * seconds))
    kit.ocr = FakeReader(read)
    return write_video(kit.folder / "news.mp4", frames, fps=2)


def screen_texts(kit: Any) -> list[tuple[Span, str]]:
    with kit.store() as store:
        notes = store.notes.select(Filter(sources=frozenset({"screen"})))
        assert {note.clip_id for note in notes} <= {None}
        return sorted((note.span, note.text) for note in notes)


def kept_state(kit: Any) -> dict[str, str]:
    with kit.store() as store:
        return store.meta.starting(SCREEN)


def stop_after(monkeypatch: pytest.MonkeyPatch, batches: int) -> None:
    write, written = Writer._rows, []

    def some(self: Any, rows: Any) -> None:
        write(self, rows)
        written.append(rows.part)
        if written.count("visual") == batches:
            raise KeyboardInterrupt

    monkeypatch.setattr(Writer, "_rows", some)


def clean_rows(kit: Any) -> dict[str, Any]:
    clean = type(kit)(kit.folder, kit.index_dir.parent / "clean")
    clean.settings, clean.ocr = kit.settings, FakeReader(kit.ocr._text)
    clean.run()
    return clean.rows()


@pytest.mark.parametrize("clip_batch", [1, 2, 8])
@pytest.mark.parametrize("clip_max_s", [1.5, 4.0, 60.0])
def test_a_text_is_one_note_however_its_video_is_cut(
    kit: Any, footage: Path, clip_batch: int, clip_max_s: float
) -> None:
    kit.settings |= {"clip_batch": clip_batch, "clip_max_s": clip_max_s}
    kit.run()
    assert screen_texts(kit) == WHOLE
    assert sum(kit.ocr.calls) == len(SHOWN)
    assert kept_state(kit) == {}


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("batches", range(1, 9))
def test_interrupted_after_any_batch_the_same_rows_come(
    kit: Any, footage: Path, monkeypatch: pytest.MonkeyPatch, batches: int, workers: int
) -> None:
    kit.settings |= {"clip_batch": 1, "workers": workers}
    with monkeypatch.context() as patch:
        stop_after(patch, batches)
        with pytest.raises(KeyboardInterrupt):
            kit.run()
    # What is over stands there with its whole stretch, what still stands does not yet.
    assert set(screen_texts(kit)) <= set(WHOLE)
    assert len(kept_state(kit)) == 1
    kit.run()
    assert kept_state(kit) == {}
    assert kit.rows() == clean_rows(kit)
    assert screen_texts(kit) == WHOLE


def test_interrupted_again_and_again_the_same_texts_come(
    kit: Any, footage: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kit.settings["clip_batch"] = 1
    runs = 0
    while True:
        runs += 1
        with monkeypatch.context() as patch:
            stop_after(patch, 1)
            try:
                kit.run()
            except KeyboardInterrupt:
                continue
        break
    assert runs > 8
    assert screen_texts(kit) == WHOLE


def test_where_it_is_not_known_what_stood_there_it_is_read_from_the_start(
    kit: Any, footage: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kit.settings["clip_batch"] = 1
    with monkeypatch.context() as patch:
        stop_after(patch, 4)
        with pytest.raises(KeyboardInterrupt):
            kit.run()
    with kit.store(write=True) as store:
        (key,) = store.meta.starting(SCREEN)
        store.meta.set(key, "torn")
        plan = plan_lines(plan_index(kit.folder, store, kit.models().names, Settings(**kit.settings)))
    assert [line for line in plan if "go on" in line and "caption" in line]
    assert not [line for line in plan if "screen" in line and "00:00:16" in line]
    kit.run()
    assert kit.rows() == clean_rows(kit)


def test_what_stands_where_a_file_cannot_be_decoded_is_written_and_mended_later(
    kit: Any, footage: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sample = FrameReader.sample

    def broken(self: FrameReader, fps: float, span: Any = None) -> Iterator[Any]:
        for frame in sample(self, fps, span):
            if frame.time_s > 13:
                raise MediaError("news.mp4 cannot be decoded at 00:00:13; copy it again")
            yield frame

    with monkeypatch.context() as patch:
        patch.setattr(FrameReader, "sample", broken)
        assert kit.run().indexed == 0
    assert screen_texts(kit) == [(Span(0, 7), "Budget meeting\nAgenda"), (Span(0, 12), "ACME"),
                                 (Span(6.5, 12), "Hiring\nOne backend developer")]  # fmt: skip
    assert kit.run().indexed == 1
    assert kit.rows() == clean_rows(kit)
    assert screen_texts(kit) == WHOLE


def test_a_reader_that_fails_half_way_goes_on_where_it_stopped(kit: Any, footage: Path) -> None:
    kit.settings["clip_batch"] = 1

    def fails(frame: Frame) -> str:
        if shown(frame) == 7:
            raise ModelError("out of memory")
        return read(frame)

    kit.ocr = FakeReader(fails)
    assert kit.run().failed == [("news.mp4", "out of memory")]
    assert (Span(6.5, 19), "Hiring\nOne backend developer") in screen_texts(kit)
    kit.ocr = FakeReader(read)
    kit.run()
    assert sum(kit.ocr.calls) == 1
    assert kit.rows() == clean_rows(kit)


def test_a_file_that_breaks_off_is_not_read_again_each_time(kit: Any, footage: Path) -> None:
    whole = write_video(kit.folder / "whole.mkv", (numbered(1) for _ in range(40)), fps=2)
    footage.unlink()
    (kit.folder / "torn.mkv").write_bytes(whole.read_bytes()[: int(whole.stat().st_size * 0.7)])
    whole.unlink()
    kit.ocr = FakeReader("EXIT")
    for _ in range(2):
        assert [path for path, _ in kit.run().failed] == ["torn.mkv"]
        assert [text for _, text in screen_texts(kit)] == ["EXIT"]
    assert sum(kit.ocr.calls) == 1


class Pool:
    """A reader in processes of its own, as far as the stage can tell."""

    name = "fake:ocr"

    def __init__(self, processes: int) -> None:
        self.processes, self.closed = processes, 0

    def read(self, frames: Any) -> list[str]:
        raise AssertionError("lines are asked for")

    def read_lines(self, frames: Any) -> list[list[TextLine]]:
        return [stacked(read(frame)) for frame in frames]

    def close(self) -> None:
        self.closed += 1


class Parallel(FakeReader):
    """A reader that can be several."""

    def __init__(self) -> None:
        super().__init__(read)
        self.pools: list[Pool] = []

    def parallel(self, processes: int) -> Pool:
        self.pools.append(Pool(processes))
        return self.pools[-1]


@pytest.mark.parametrize(
    ("asked", "there", "processes"), [(0, 2, [2]), (0, 9, [4]), (3, 1, [3]), (0, 1, []), (1, 4, [])]
)
def test_several_processes_read_and_are_ended_with_the_run(
    kit: Any, footage: Path, monkeypatch: pytest.MonkeyPatch, asked: int, there: int, processes: list[int]
) -> None:
    from lvqa.indexers.stages import screen

    monkeypatch.setattr(screen, "_processors", lambda: there)
    kit.settings["ocr_processes"] = asked
    kit.ocr = Parallel()
    kit.run()
    assert [pool.processes for pool in kit.ocr.pools] == processes
    assert [pool.closed for pool in kit.ocr.pools] == [1] * len(processes)
    assert screen_texts(kit) == WHOLE


@pytest.mark.parametrize("error", [KeyboardInterrupt, OSError])
def test_they_are_ended_whatever_ends_the_run(
    kit: Any, footage: Path, monkeypatch: pytest.MonkeyPatch, error: type[BaseException]
) -> None:
    kit.settings["ocr_processes"] = 2
    kit.ocr = Parallel()

    def ends(*_: Any) -> None:
        raise error

    monkeypatch.setattr(Writer, "_rows", ends)
    with pytest.raises(error):
        kit.run()
    assert [pool.closed for pool in kit.ocr.pools] == [1]
