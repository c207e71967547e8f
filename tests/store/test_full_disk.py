"""Reading on a full disk, where SQLite cannot even make the memory that its readers share."""

from __future__ import annotations

import errno
import sqlite3
from pathlib import Path

import pytest

from lvqa.errors import StoreError, StoreFull
from lvqa.store import Store, check_index
from lvqa.store.database import Connections
from lvqa.store.faults import explain
from lvqa.store.lock.writer import WriterLock


class Disk:
    """Says that it is full as long as it is told to."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.full = False
        self.error = "SQLITE_IOERR_SHMSIZE"
        plain = Connections._configured

        def configured(connections: Connections, options: str) -> sqlite3.Connection:
            if self.full and "immutable" not in options:
                error = sqlite3.OperationalError("disk I/O error")
                error.sqlite_errorname = self.error
                raise error
            return plain(connections, options)

        monkeypatch.setattr(Connections, "_configured", configured)


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> Disk:
    return Disk(monkeypatch)


@pytest.fixture
def filled(index_dir: Path, make) -> Path:
    with Store.open(index_dir, write=True) as store:
        make.filled(store, videos=1)
    return index_dir


def test_what_was_committed_is_found_on_a_full_disk(filled: Path, make, disk: Disk):
    disk.full = True
    with Store.open(filled) as reader:
        assert len(reader.notes.select()) == 20
        assert len(reader.notes.search("thing1", 9)) == 3
        assert len(reader.vectors.search("emb", make.vectors(1)[0], 9)) == 9


def test_a_reader_of_a_full_disk_sees_what_is_written_once_there_is_room(filled: Path, make, disk: Disk):
    disk.full = True
    with Store.open(filled) as reader:
        assert len(reader.videos.all()) == 1
        disk.full = False
        with Store.open(filled, write=True) as writer:
            writer.videos.put(make.video("new"))
            assert len(reader.videos.all()) == 2
            writer.videos.put(make.video("newer"))
            assert len(reader.videos.all()) == 3
        assert len(reader.videos.all()) == 3


def test_a_snapshot_of_a_full_disk_ends_when_the_file_changes(filled: Path, make, disk: Disk):
    disk.full = True
    with Store.open(filled) as reader:
        with reader.snapshot():
            assert len(reader.videos.all()) == 1
            disk.full = False
            with Store.open(filled, write=True) as writer:
                writer.videos.put(make.video("new"))
            with pytest.raises(StoreError, match="ask again"):
                reader.videos.all()
        assert len(reader.videos.all()) == 2


def test_a_writer_is_told_that_the_disk_is_full(filled: Path, disk: Disk):
    disk.full = True
    with pytest.raises(StoreFull, match="is full; free some space"):
        Store.open(filled, write=True)


def test_a_log_that_must_be_read_is_not_passed_over(filled: Path, make, disk: Disk):
    writer = Store.open(filled, write=True)
    writer.videos.put(make.video("new"))  # in the log alone
    disk.full = True
    with pytest.raises(StoreFull), Store.open(filled) as reader:
        reader.videos.all()
    with pytest.raises(StoreFull):
        check_index(filled)
    writer.close()


@pytest.mark.parametrize("error", ["SQLITE_CORRUPT", "SQLITE_CANTOPEN"])
def test_other_errors_are_no_full_disk(filled: Path, disk: Disk, error: str):
    disk.full, disk.error = True, error
    with pytest.raises(StoreError) as caught:
        Store.open(filled)
    assert not isinstance(caught.value, StoreFull)


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
def test_the_folder_is_named_whatever_file_did_not_fit(number: int, tmp_path: Path):
    for path in (tmp_path, tmp_path / "lock"):
        told = explain(OSError(number, "no room"), path)
        assert isinstance(told, StoreFull)
        assert str(told).startswith(f"the disk below {tmp_path} is full; ")


def test_an_old_index_on_a_full_disk_is_not_taken_for_one_that_may_not_be_written(
    filled: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("lvqa.store.opening.schema_version", lambda path: 4)

    def full(self: WriterLock) -> None:
        raise explain(OSError(errno.ENOSPC, "no room"), self.path)

    monkeypatch.setattr(WriterLock, "acquire", full)
    with pytest.raises(StoreFull):
        Store.open(filled)
