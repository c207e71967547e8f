"""Archives of every schema there was, as the code of its time wrote them, go on in today's.

`tests/store/old/make.py` tells how they were made.
"""

from __future__ import annotations

import importlib.util
import json
import lzma
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import lvqa.store.opening as module
from lvqa.errors import StoreError, StoreVersionError
from lvqa.indexers import plan_index, plan_lines, run_index
from lvqa.settings import Settings
from lvqa.store import Store, export_archive
from lvqa.store.checksums import SUMMED, register, sum_of
from lvqa.store.schema import SCHEMA_VERSION

OLD = Path(__file__).parent / "old"
_spec = importlib.util.spec_from_file_location("old_make", OLD / "make.py")
assert _spec is not None
assert _spec.loader is not None
made = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(made)

SCHEMAS = sorted(int(path.name.removeprefix("schema")) for path in OLD.glob("schema*"))
every_schema = pytest.mark.parametrize("schema", SCHEMAS)


def unpack(index_dir: Path, schema: int, *, killed: bool = False) -> dict[str, Any]:
    """Lay out a stored archive; returns what a full read of it gave at its time."""
    index_dir.mkdir(parents=True)
    for name in ("archive.db", "archive.db-wal") if killed else ("archive.db",):
        packed = (OLD / f"schema{schema}" / f"{name}.xz").read_bytes()
        (index_dir / name).write_bytes(lzma.decompress(packed))
    expected = json.loads(lzma.decompress((OLD / f"schema{schema}" / "rows.json.xz").read_bytes()))
    return expected["killed" if killed else "archive"]


def check_rows(index_dir: Path, expected: dict[str, list[list[object]]]) -> None:
    """Every table has the rows that it had, in the columns that it had."""
    read = made.read_all(index_dir / "archive.db")
    for table, (columns, *rows) in expected.items():
        names, *now = read[table]
        kept = [names.index(column) for column in columns if column != "sum"]
        have = [[row[place] for place in kept] for row in now]
        want = [[value for name, value in zip(columns, row, strict=True) if name != "sum"] for row in rows]
        assert sorted(have, key=repr) == sorted(want, key=repr), table


def check_sound(store: Store) -> None:
    """Checksums, tallies, references and SQLite's own structures are right."""
    assert store.counts()["schema"] == SCHEMA_VERSION
    assert store.connections.rows("PRAGMA integrity_check") == [("ok",)]
    assert store.connections.rows("PRAGMA foreign_key_check") == []
    for table in SUMMED:
        assert store.connections.value(f"SELECT count(*) FROM {table} WHERE sum <> {sum_of(table)}") == 0, table
    counted = store.connections.rows(
        "SELECT video, 'clips ' || level, count(*) FROM clips GROUP BY 1, 2 "
        "UNION ALL SELECT video, 'notes ' || source, count(*) FROM notes GROUP BY 1, 2 "
        "UNION ALL SELECT video, 'frames ' || model, count(*) FROM frames GROUP BY 1, 2"
    )
    assert sorted(store.connections.rows("SELECT * FROM tallies WHERE count > 0")) == sorted(counted)


def test_every_schema_that_was_is_stored():
    assert list(range(3, SCHEMA_VERSION + 1)) == SCHEMAS
    assert sum(path.stat().st_size for path in OLD.rglob("*.xz")) < 200_000


@every_schema
@pytest.mark.parametrize("killed", [False, True])
@pytest.mark.parametrize("write", [False, True])
def test_it_opens_with_all_its_rows(index_dir: Path, schema: int, killed: bool, write: bool):
    then = unpack(index_dir, schema, killed=killed)
    with Store.open(index_dir, create=False, write=write) as store:
        check_sound(store)
        assert len({job.status for job in store.jobs.all()}) == 3
        assert any("\udcff" in file.path for file in store.files.all())
    check_rows(index_dir, then["rows"])
    found = made.read_searches(index_dir)
    for kind, hits in then["found"].items():
        assert [hit[:-1] for hit in found[kind]] == [hit[:-1] for hit in hits]
        assert [hit[-1] for hit in found[kind]] == pytest.approx([hit[-1] for hit in hits], abs=1e-6)


@every_schema
@pytest.mark.parametrize("killed", [False, True])
def test_indexing_goes_on_from_it(tmp_path: Path, schema: int, killed: bool):
    folder, index = made.unpack(tmp_path) / "videos", tmp_path / "index"
    unpack(index, schema, killed=killed)
    models = made.models()
    with Store.open(index, write=True) as store:
        # Before schema 6 subtitles were read in another way and the text on the screen was not followed over time; what
        # sums them up follows, and all else stays.
        anew = {note.id for note in store.notes.select() if note.source == "speech" and not note.model}
        anew |= {note.id for note in store.notes.select() if note.source == "screen"}
        anew |= {note.id for note in store.notes.select() if note.source == "summary"}
        before = {note.id: note for note in store.notes.select() if note.id not in anew}
        vectors = store.vectors.of("fake:embedder", list(before))
        told = plan_lines(plan_index(folder, store, models.names, Settings(**made.SETTINGS)))
        followed = any("screen: redo: the text on the screen is followed over time now" in line for line in told)
        assert followed == (schema < 6)
        assert not any("caption: redo" in line for line in told)
        report = run_index(folder, store, models, Settings(**made.SETTINGS))
        if schema < 6:
            assert (report.indexed, report.unchanged, len(report.failed)) == (4, 0, 1)
        else:
            assert (report.indexed, report.unchanged, len(report.failed)) == (1, 3, 1)
        assert {note.clip_id for note in store.notes.select() if note.source == "screen"} == {None}
        assert all(video.streams is not None for video in store.videos.all() if video.path != "elsewhere.mp4")
        # The one that was under way goes on from the second it had come to; the others are not looked at.
        assert sum(len(call) for call in models.vision.calls) == (2 if killed else 6)
        assert before.items() <= {note.id: note for note in store.notes.select()}.items()
        assert (store.vectors.of("fake:embedder", list(before)) == vectors).all()
        assert not store.jobs.all("pending")
        check_sound(store)


@every_schema
def test_all_schemas_come_to_the_same_archive(tmp_path: Path, schema: int):
    from lvqa.eval.lab.snapshot import differences, snapshot

    folder = made.unpack(tmp_path) / "videos"
    for name, version in (("old", schema), ("new", SCHEMA_VERSION)):
        unpack(tmp_path / name, version, killed=True)
        with Store.open(tmp_path / name, write=True) as store:
            store.jobs.delete("", "probe", "broken.mp4")  # its reason names the folder of its time
            run_index(folder, store, made.models(), Settings(**made.SETTINGS))
            for job in store.jobs.all():
                if job.stage == "summary":  # what it was made of was not written down at first
                    store.jobs.put(replace(job, spec=""))
    assert differences(snapshot(tmp_path / "new"), snapshot(tmp_path / "old")) == []


def test_a_kill_at_every_statement_of_the_migration(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Before each statement the folder is copied as it lies on disk: that is what a kill there would leave."""
    then = unpack(tmp_path / "index", SCHEMA_VERSION - 1, killed=True)
    connect = module.connect
    left: list[Path] = []

    def traced(path: Path, *args, **kwargs):
        def copy(statement: str) -> None:
            if not statement.startswith("--"):
                left.append(tmp_path / str(len(left)))
                shutil.copytree(tmp_path / "index", left[-1])

        connection = connect(path, *args, **kwargs)
        connection.set_trace_callback(copy)
        # Otherwise the log is written at the commit only, and every copy is the same.
        connection.execute("PRAGMA cache_spill = 1")
        connection.execute("PRAGMA cache_size = 1")
        return connection

    monkeypatch.setattr(module, "connect", traced)
    Store.open(tmp_path / "index", write=True).close()
    monkeypatch.undo()
    assert len(left) > 20
    found = set()
    for folder in left:
        connection = sqlite3.connect(folder / "archive.db")
        version = connection.execute("PRAGMA user_version").fetchone()[0]
        ran = {row[0] for row in connection.execute("SELECT name FROM _sqlite_migrations WHERE migration_set = 'lvqa'")}
        assert len(ran) == version
        connection.close()
        found.add(version)
        check_rows(folder, then["rows"])
        with Store.open(folder, write=True) as store:
            check_sound(store)
        check_rows(folder, then["rows"])
        shutil.rmtree(folder)
    assert SCHEMA_VERSION - 1 in found


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX permissions")
@every_schema
def test_an_old_one_in_a_read_only_folder(schema: int, request: pytest.FixtureRequest):
    # pytest's own folders are closed to others.
    shared = Path(tempfile.mkdtemp(prefix="lvqa-test-"))
    request.addfinalizer(lambda: shutil.rmtree(shared))
    shared.chmod(0o755)
    index = shared / "index"
    then = unpack(index, schema)
    before = (index / "archive.db").read_bytes()
    index.chmod(0o555)
    (index / "archive.db").chmod(0o444)
    code = (
        "import os, pathlib, sys\nfrom lvqa.errors import StoreError\nfrom lvqa.store import Store\n"
        "import filelock, lvqa.store.database\nos.chdir(sys.argv[1])\n"
        "if os.geteuid() == 0: os.setgid(65534); os.setuid(65534)\n"
        "try: print(len(Store.open(pathlib.Path('index'), create=False).notes.select()))\n"
        "except StoreError as error: print(error)"
    )
    said = subprocess.run([sys.executable, "-c", code, str(shared)], capture_output=True, text=True, check=True).stdout
    index.chmod(0o755)
    if schema == SCHEMA_VERSION:
        assert said == f"{len(then['rows']['notes']) - 1}\n"
    else:
        assert f"(schema {schema}, now {SCHEMA_VERSION})" in said
        assert "lvqa backup FOLDER DIR" in said
    assert (index / "archive.db").read_bytes() == before


def from_the_future(index_dir: Path, how: str) -> None:
    unpack(index_dir, SCHEMA_VERSION)
    connection = sqlite3.connect(index_dir / "archive.db")
    if how != "bookkeeping":
        connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION + 1}")
    if how != "header":
        name = f"m{SCHEMA_VERSION + 1:03d}_wonders" if how == "both" else "wonders"
        connection.execute(
            "INSERT INTO _sqlite_migrations(migration_set, name, applied_at) VALUES ('lvqa', ?, '')", [name]
        )
    connection.commit()
    connection.close()


COMMANDS = [
    ["index"],
    ["ask", "what is red?"],
    ["search", "red"],
    ["find", "red"],
    ["videos"],
    ["show", "first.mp4"],
    ["status"],
    ["check"],
    ["check", "--repair"],
    ["remove", "first.mp4"],
    ["import", "{captions}"],
    ["import", "{export}"],
    ["export", "{out}"],
    ["backup", "{out}"],
    ["chat"],
]


@pytest.mark.parametrize("how", ["header", "bookkeeping", "both"])
def test_an_archive_from_the_future_is_refused_by_every_command(tmp_path: Path, how: str, capsys):
    from lvqa.cli import main

    index = tmp_path / "index"
    from_the_future(index, how)
    folder = made.unpack(tmp_path) / "videos"
    captions = tmp_path / "captions.jsonl"
    captions.write_text('{"video": "first.mp4", "start_s": 0, "end_s": 1, "text": "hello"}')
    unpack(tmp_path / "other", SCHEMA_VERSION)
    with Store.open(tmp_path / "other") as other:
        export_archive(other, tmp_path / "export")
    before = {path.name: path.read_bytes() for path in index.iterdir()}
    holes = {"captions": captions, "export": tmp_path / "export", "out": tmp_path / "out"}
    for command, *rest in COMMANDS:
        arguments = [command, str(folder), *(text.format(**holes) for text in rest), "--archive", str(index)]
        text_only = ["--profile", "text"] if command in ("index", "ask", "search") else []
        assert main([*arguments, *text_only]) == 1, command
        said = capsys.readouterr().err.strip().splitlines()
        assert len(said) == 1, said
        assert "update lvqa" in said[0], said
        assert not (tmp_path / "out").exists()
        # The lock file comes and goes with whoever asks to write.
        after = {path.name: path.read_bytes() for path in index.iterdir() if path.name != "lock"}
        assert after == before, command


@pytest.mark.parametrize("version", [0, 3, SCHEMA_VERSION - 1])
@pytest.mark.parametrize("write", [False, True])
def test_a_header_that_says_too_little_is_damage(index_dir: Path, version: int, write: bool):
    """It was a loop without end: there is nothing to migrate, and the version never rises."""
    unpack(index_dir, SCHEMA_VERSION)
    with (index_dir / "archive.db").open("r+b") as file:
        file.seek(60)
        file.write(version.to_bytes(4, "big"))
    with pytest.raises(StoreError, match=r"damaged: .*lvqa check --repair") as raised:
        Store.open(index_dir, write=write)
    assert not isinstance(raised.value, StoreVersionError)
    with (index_dir / "archive.db").open("r+b") as file:
        file.seek(60)
        file.write(SCHEMA_VERSION.to_bytes(4, "big"))
    with Store.open(index_dir, write=True) as store:
        check_sound(store)


def test_a_header_that_says_too_much_is_damage(index_dir: Path):
    unpack(index_dir, SCHEMA_VERSION - 1)
    with (index_dir / "archive.db").open("r+b") as file:
        file.seek(60)
        file.write(SCHEMA_VERSION.to_bytes(4, "big"))
    with pytest.raises(StoreError, match=r"damaged: .*lvqa check --repair"):
        Store.open(index_dir)
    assert [path.name for path in index_dir.iterdir()] == ["archive.db"]


def test_rows_of_a_damaged_older_one_are_saved(tmp_path: Path):
    from lvqa.store.health.check import damage
    from lvqa.store.health.salvage import salvage
    from lvqa.store.opening import make_database

    then = unpack(tmp_path / "old", 5)
    connection = sqlite3.connect(tmp_path / "old" / "archive.db")
    register(connection)
    assert damage(connection) == ""
    connection.close()
    make_database(tmp_path / "new.db")
    saved = salvage(tmp_path / "old" / "archive.db", tmp_path / "new.db")
    assert saved.rows["videos"] == len(then["rows"]["videos"]) - 1
    assert saved.torn == set()
    connection = sqlite3.connect(tmp_path / "new.db")
    register(connection)
    assert damage(connection) == ""
    connection.close()
