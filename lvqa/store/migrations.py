"""The tables, as a list of migrations that each run in one transaction. Knows nothing of what is done with them.

Tables refer to each other by the integer `n`; the text ids are what the rest of lvqa sees. `notes`, `embeddings` and
`frames` are AUTOINCREMENT because the in-memory index takes "a larger n" to mean "new since I looked". `versions`
changes whenever a vector comes or goes: `changes` rises, which tells older from newer, and `token` is drawn anew, so
that two equal tokens mean the same vectors even where an older copy of the file was put back.

`bases` names the files that stand for all rows of a kind up to `last` (kinds `notes` and `frames`, a model each, and
`texts`), and `gone` the rows among those that were deleted since. A row's `n` never comes back with another content in
one history of the file, and a copy that was put back names the base of its own history: so a base that the database
names by its stamp, less `gone`, plus the rows above `last`, is what the database holds, without reading it through.

What shows damage is there twice: every row has a checksum (`lvqa.store.checksums`), and `tallies` counts what each
video has of each kind of row, kept by triggers, so that a row that vanished is missed. `commits` counts transactions; a
file beside the database does too, so that commits that were lost are missed (`lvqa.store.commits`).
"""

from __future__ import annotations

import json
from collections.abc import Callable

from sqlite_utils import Database
from sqlite_utils.migrations import Migrations

from lvqa.store.checksums import SUMMED, register, sum_of, summed
from lvqa.store.keys import stage_key
from lvqa.store.schema import APPLICATION_ID

MIGRATIONS = Migrations("lvqa")


@MIGRATIONS()
def m001_videos_clips_notes(db: Database) -> None:
    """Videos, the files that hold them, clips, notes, jobs and free-form values."""
    db.executescript(
        f"""
        PRAGMA application_id = {APPLICATION_ID};
        CREATE TABLE videos (
            n INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, path TEXT NOT NULL, content_hash TEXT NOT NULL,
            duration_s REAL NOT NULL, width INTEGER NOT NULL, height INTEGER NOT NULL, fps REAL NOT NULL,
            codec TEXT NOT NULL, has_audio INTEGER NOT NULL
        );
        CREATE TABLE files (
            path TEXT PRIMARY KEY, video INTEGER REFERENCES videos(n) ON DELETE CASCADE,
            size INTEGER NOT NULL, mtime_ns INTEGER NOT NULL
        );
        CREATE INDEX files_video ON files(video);
        CREATE TABLE clips (
            n INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE,
            video INTEGER NOT NULL REFERENCES videos(n) ON DELETE CASCADE,
            start_s REAL NOT NULL, end_s REAL NOT NULL, level TEXT NOT NULL
        );
        CREATE INDEX clips_video ON clips(video, level, start_s);
        CREATE TABLE notes (
            n INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE,
            video INTEGER NOT NULL REFERENCES videos(n) ON DELETE CASCADE,
            clip INTEGER REFERENCES clips(n) ON DELETE CASCADE,
            start_s REAL NOT NULL, end_s REAL NOT NULL, level TEXT NOT NULL, text TEXT NOT NULL,
            source TEXT NOT NULL, model TEXT NOT NULL, prompt_hash TEXT NOT NULL
        );
        CREATE INDEX notes_filter ON notes(video, start_s, end_s, source, level);
        CREATE INDEX notes_clip ON notes(clip);
        CREATE TABLE jobs (
            n INTEGER PRIMARY KEY, video INTEGER REFERENCES videos(n) ON DELETE CASCADE, path TEXT NOT NULL,
            stage TEXT NOT NULL, key TEXT NOT NULL, status TEXT NOT NULL, progress_s REAL NOT NULL,
            reason TEXT NOT NULL
        );
        CREATE UNIQUE INDEX jobs_of_videos ON jobs(video, stage) WHERE video IS NOT NULL;
        CREATE UNIQUE INDEX jobs_of_files ON jobs(path, stage) WHERE video IS NULL;
        CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
        PRAGMA user_version = 1;
        """
    )


@MIGRATIONS()
def m002_full_text(db: Database) -> None:
    """FTS5 over the notes' texts, kept right by triggers. Porter stems English only."""
    db.executescript(
        """
        CREATE VIRTUAL TABLE notes_fts USING fts5(
            text, content='notes', content_rowid='n', tokenize='porter unicode61 remove_diacritics 2'
        );
        CREATE TRIGGER notes_fts_insert AFTER INSERT ON notes BEGIN
            INSERT INTO notes_fts(rowid, text) VALUES (new.n, new.text);
        END;
        CREATE TRIGGER notes_fts_delete AFTER DELETE ON notes BEGIN
            INSERT INTO notes_fts(notes_fts, rowid, text) VALUES ('delete', old.n, old.text);
        END;
        CREATE TRIGGER notes_fts_update AFTER UPDATE OF n, text ON notes BEGIN
            INSERT INTO notes_fts(notes_fts, rowid, text) VALUES ('delete', old.n, old.text);
            INSERT INTO notes_fts(rowid, text) VALUES (new.n, new.text);
        END;
        INSERT INTO notes_fts(notes_fts) VALUES ('rebuild');
        PRAGMA user_version = 2;
        """
    )


@MIGRATIONS()
def m003_vectors(db: Database) -> None:
    """Float32 blobs of notes and frames, and a token that tells whether they changed."""
    db.executescript(
        """
        CREATE TABLE embeddings (
            n INTEGER PRIMARY KEY AUTOINCREMENT, model TEXT NOT NULL,
            note INTEGER NOT NULL REFERENCES notes(n) ON DELETE CASCADE,
            dim INTEGER NOT NULL, vector BLOB NOT NULL, UNIQUE (model, note)
        );
        CREATE INDEX embeddings_note ON embeddings(note);
        CREATE TABLE frames (
            n INTEGER PRIMARY KEY AUTOINCREMENT, model TEXT NOT NULL,
            video INTEGER NOT NULL REFERENCES videos(n) ON DELETE CASCADE,
            time_s REAL NOT NULL, dim INTEGER NOT NULL, vector BLOB NOT NULL, UNIQUE (model, video, time_s)
        );
        CREATE INDEX frames_video ON frames(video);
        CREATE TABLE versions (
            kind TEXT NOT NULL, model TEXT NOT NULL, changes INTEGER NOT NULL, token INTEGER NOT NULL,
            PRIMARY KEY (kind, model)
        ) WITHOUT ROWID;
        """
        + "".join(
            f"""
            CREATE TRIGGER {table}_{event.lower()} AFTER {event} ON {table} BEGIN
                INSERT INTO versions(kind, model, changes, token) VALUES ('{kind}', {row}.model, 1, random())
                ON CONFLICT (kind, model) DO UPDATE SET changes = changes + 1, token = excluded.token;
            END;
            """
            for table, kind in (("embeddings", "notes"), ("frames", "frames"))
            for event, row in (("INSERT", "new"), ("UPDATE", "new"), ("DELETE", "old"))
        )
        + "PRAGMA user_version = 3;"
    )


@MIGRATIONS()
def m004_bases(db: Database) -> None:
    """Which index files on disk stand for which rows, what was deleted since, and a token for the notes' texts."""
    drawn = "INSERT INTO versions(kind, model, changes, token) VALUES ('texts', '', 1, random()) "
    drawn += "ON CONFLICT (kind, model) DO UPDATE SET changes = changes + 1, token = excluded.token;"
    tables = (("embeddings", "notes", "old.model"), ("frames", "frames", "old.model"), ("notes", "texts", "''"))
    db.executescript(
        """
        CREATE TABLE bases (
            n INTEGER PRIMARY KEY AUTOINCREMENT, kind TEXT NOT NULL, model TEXT NOT NULL, stamp TEXT NOT NULL,
            last INTEGER NOT NULL, size INTEGER NOT NULL, UNIQUE (kind, model)
        );
        CREATE TABLE gone (
            base INTEGER NOT NULL REFERENCES bases(n) ON DELETE CASCADE, row INTEGER NOT NULL, PRIMARY KEY (base, row)
        ) WITHOUT ROWID;
        """
        + "".join(
            f"""
            CREATE TRIGGER {table}_gone AFTER DELETE ON {table} BEGIN
                INSERT OR IGNORE INTO gone(base, row) SELECT b.n, old.n FROM bases b
                WHERE b.kind = '{kind}' AND b.model = {model} AND b.last >= old.n;
            END;
            """
            for table, kind, model in tables
        )
        + f"""
        CREATE TRIGGER notes_token_insert AFTER INSERT ON notes BEGIN {drawn} END;
        CREATE TRIGGER notes_token_delete AFTER DELETE ON notes BEGIN {drawn} END;
        CREATE TRIGGER notes_token_update AFTER UPDATE OF n, video, start_s, end_s, level, text, source ON notes BEGIN
            {drawn}
            DELETE FROM bases WHERE kind IN ('notes', 'texts');
        END;
        CREATE TRIGGER embeddings_base AFTER UPDATE ON embeddings BEGIN
            DELETE FROM bases WHERE kind = 'notes';
        END;
        CREATE TRIGGER frames_base AFTER UPDATE ON frames BEGIN
            DELETE FROM bases WHERE kind = 'frames';
        END;
        PRAGMA user_version = 4;
        """
    )


@MIGRATIONS()
def m005_checks(db: Database) -> None:
    """Checksums of rows, tallies of what each video has, and what a job's key was made of."""
    register(db.conn)
    tallied = (
        ("clips", "'clips ' || {row}.level"),
        ("notes", "'notes ' || {row}.source"),
        ("frames", "'frames ' || {row}.model"),
    )
    db.executescript(
        "ALTER TABLE jobs ADD COLUMN spec TEXT NOT NULL DEFAULT '';"
        "ALTER TABLE jobs ADD COLUMN blank INTEGER NOT NULL DEFAULT 0;"
        + "".join(f"ALTER TABLE {table} ADD COLUMN sum INTEGER NOT NULL DEFAULT 0;" for table in SUMMED)
        # These fired for any column, and a checksum changes no vector.
        + "".join(
            f"""
            DROP TRIGGER {table}_update;
            DROP TRIGGER {table}_base;
            CREATE TRIGGER {table}_update AFTER UPDATE OF {", ".join(("n", *SUMMED[table]))} ON {table} BEGIN
                INSERT INTO versions(kind, model, changes, token) VALUES ('{kind}', new.model, 1, random())
                ON CONFLICT (kind, model) DO UPDATE SET changes = changes + 1, token = excluded.token;
                DELETE FROM bases WHERE kind = '{kind}';
            END;
            """
            for table, kind in (("embeddings", "notes"), ("frames", "frames"))
        )
        + """
        UPDATE jobs SET blank = (
            SELECT count(*) FROM clips c WHERE c.video = jobs.video AND c.level = 'clip'
            AND NOT EXISTS (SELECT 1 FROM notes t WHERE t.clip = c.n AND t.source IN ('caption', 'imported'))
        ) WHERE stage = 'caption' AND video IS NOT NULL;
        CREATE TABLE tallies (
            video INTEGER NOT NULL REFERENCES videos(n) ON DELETE CASCADE, kind TEXT NOT NULL, count INTEGER NOT NULL,
            PRIMARY KEY (video, kind)
        ) WITHOUT ROWID;
        CREATE TABLE commits (n INTEGER NOT NULL);
        INSERT INTO commits(n) VALUES (1);
        """
        + "".join(
            f"""
            CREATE TRIGGER {table}_tally_insert AFTER INSERT ON {table} BEGIN
                INSERT INTO tallies(video, kind, count) VALUES (new.video, {kind.format(row="new")}, 1)
                ON CONFLICT (video, kind) DO UPDATE SET count = count + 1;
            END;
            CREATE TRIGGER {table}_tally_delete AFTER DELETE ON {table} BEGIN
                UPDATE tallies SET count = count - 1 WHERE video = old.video AND kind = {kind.format(row="old")};
            END;
            INSERT INTO tallies(video, kind, count)
                SELECT video, {kind.format(row=table)}, count(*) FROM {table} GROUP BY 1, 2;
            """
            for table, kind in tallied
        )
        + "".join(f"UPDATE {table} SET sum = lvqa_sum({', '.join(summed(table, 5))});" for table in SUMMED)
        + "PRAGMA user_version = 5;"
    )


@MIGRATIONS()
def m006_probe(db: Database) -> None:
    """What a video's file was found to hold: its clock, tracks and packets, as JSON; empty where that is not known."""
    register(db.conn)
    db.executescript(
        "ALTER TABLE videos ADD COLUMN probe TEXT NOT NULL DEFAULT '';"
        f"UPDATE videos SET sum = {sum_of('videos')};"
        "PRAGMA user_version = 6;"
    )


@MIGRATIONS()
def m007_identities(db: Database) -> None:
    """A model on a server goes by its name without the address: in notes, in jobs and their keys, and in the digest.

    Ids of notes stay, so that whatever cites them still does.
    """
    from lvqa.models.served.remote import identity

    connection = db.conn
    register(connection)
    served = "LIKE 'openai:%@http%'"
    for (model,) in connection.execute(f"SELECT DISTINCT model FROM notes WHERE model {served}").fetchall():
        changed = sum_of("notes", model="?1")
        connection.execute(f"UPDATE notes SET model = ?1, sum = {changed} WHERE model = ?2", (identity(model), model))
    jobs = "SELECT j.n, j.stage, j.key, j.spec, v.content_hash FROM jobs j JOIN videos v ON v.n = j.video"
    for n, stage, key, spec, content_hash in connection.execute(
        f"{jobs} WHERE j.spec LIKE '%openai:%@http%'"
    ).fetchall():
        now_key, now_spec = renamed_job(stage, key, spec, content_hash, identity)
        changed = sum_of("jobs", key="?1", spec="?2")
        connection.execute(f"UPDATE jobs SET key = ?1, spec = ?2, sum = {changed} WHERE n = ?3", (now_key, now_spec, n))
    for (text,) in connection.execute("SELECT value FROM meta WHERE key = 'digest' AND value <> ''").fetchall():
        told = json.loads(text)
        model, _, rest = told["key"].partition(" ")
        told |= {"model": identity(told["model"]), "key": f"{identity(model)} {rest}"}
        changed = sum_of("meta", value="?1")
        connection.execute(f"UPDATE meta SET value = ?1, sum = {changed} WHERE key = 'digest'", (json.dumps(told),))
    connection.execute("PRAGMA user_version = 7")


def renamed_job(stage: str, key: str, spec: str, content_hash: str, rename: Callable[[str], str]) -> tuple[str, str]:
    """A job's key and spec with its model renamed; as they are where the key is not that of the spec."""
    try:
        told = json.loads(spec)
        model, prompt_hash, params = told["model"], told["prompt_hash"], told["params"]
    except (ValueError, KeyError, TypeError):
        return key, spec
    if stage_key(content_hash, stage, model, prompt_hash, params) != key:
        return key, spec
    told["model"] = rename(model)
    text = json.dumps(told, sort_keys=True, separators=(",", ":"))
    return stage_key(content_hash, stage, told["model"], prompt_hash, params), text
