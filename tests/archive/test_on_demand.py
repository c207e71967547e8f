"""Captions that are made when somebody reads: kept in the index where nobody else writes, else for the question."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from lvqa import Archive
from lvqa.eval.lab.footage_writer import write_video
from lvqa.models.fake import COLOURS, FakeEmbedder, FakeVision
from lvqa.models.profiles import Models
from lvqa.store import Store
from lvqa.tools.look import look
from lvqa.tools.read import read
from lvqa.tools.search import search
from lvqa.types import Budget, Scope, Span


@pytest.fixture
def archive(tmp_path):
    """An archive of 24 seconds, red, green, blue and yellow, indexed without a vision model."""
    frames = [np.full((48, 64, 3), COLOURS[c], np.uint8) for c in ("red", "green", "blue", "yellow") for _ in range(24)]
    write_video(tmp_path / "film.mp4", frames, fps=4)
    embedder = FakeEmbedder()
    with Archive(tmp_path, models=Models.of(embedder=embedder), isolate=False) as made:
        made.index()
        yield made


@pytest.fixture
def seeing(archive):
    """The same archive with a vision model; closed at the end."""
    with archive.twin(Models.of(embedder=FakeEmbedder(), vision=FakeVision())) as made:
        yield made


def captions(archive: Archive) -> list[Any]:
    with Store.open(archive.index_dir, create=False) as store:
        return [note for note in store.notes.select() if note.source == "caption"]


def test_captions_are_made_charged_kept_and_found(seeing):
    with seeing.bench(budget=Budget(frames=64)) as bench:
        told = read(bench, "film.mp4")
        assert " ".join(note.text for note in told.notes).count("mostly") == len(told.notes) > 0
        assert told.left_out == ()
        assert bench.ledger.cost.frames == sum(
            len(request.frames) for call in seeing.models.vision.calls for request in call
        )
    kept = captions(seeing)
    assert {note.id for note in kept} == {note.id for note in told.notes}
    assert {note.clip_id for note in kept} == {clip.id for clip in seeing.store.clips.of(kept[0].video_id)}
    with seeing.bench(budget=Budget(frames=0)) as bench:
        assert [note.text for note in read(bench, "film.mp4").notes] == [note.text for note in told.notes]
        assert search(bench, "a picture that is mostly green").hits
    assert len(seeing.models.vision.calls) == 1


def test_a_budget_that_ends_leaves_the_rest_without(seeing):
    with seeing.bench(budget=Budget(frames=8)) as bench:
        told = read(bench, "film.mp4")
    assert bench.ledger.cost.frames <= 4
    assert any("has no captions" in line for line in told.left_out)


@pytest.mark.parametrize("why", ["locked", "not allowed"])
def test_where_the_index_cannot_be_written_they_live_for_the_question(seeing, why):
    def made(keep: bool = True) -> None:
        with seeing.bench(Scope(between=Span(0, 12)), budget=Budget(frames=64), keep=keep) as bench:
            assert read(bench, "film.mp4").notes
            first = bench.ledger.cost.frames
            assert look(bench, "film.mp4", (0, 12), "Which colour?", detail="skim").notes
            assert bench.ledger.cost.frames == first + 16  # what was captioned is remembered

    if why == "locked":
        with Store.open(seeing.index_dir, write=True):
            made()
    else:
        made(keep=False)
    assert captions(seeing) == []


def test_a_file_that_is_not_there_has_none(seeing, tmp_path):
    (tmp_path / "film.mp4").unlink()
    with seeing.bench() as bench:
        told = read(bench, "film.mp4")
    assert (told.notes, told.left_out) == ((), ("film.mp4 00:00:00-00:00:24 has no captions",))
