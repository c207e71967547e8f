"""A kill while an index is being made leaves something that the next run can use."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

import lvqa.store.opening as module
from lvqa.store import Store
from lvqa.store.schema import SCHEMA_VERSION


def test_every_instant_of_making_an_index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Before each statement the folder is copied as it lies on disk: that is what a kill there would leave."""
    connect = module.connect
    left: list[Path] = []

    def traced(path: Path, *args, **kwargs):
        def copy(statement: str) -> None:
            left.append(tmp_path / str(len(left)))
            shutil.copytree(tmp_path / "index", left[-1])

        connection = connect(path, *args, **kwargs)
        connection.set_trace_callback(copy)
        return connection

    monkeypatch.setattr(module, "connect", traced)
    Store.open(tmp_path / "index", write=True).close()
    monkeypatch.undo()
    assert len(left) > 20
    for folder in left:
        with Store.open(folder, write=True) as store:
            assert store.videos.all() == []
            assert store.counts()["schema"] == SCHEMA_VERSION
