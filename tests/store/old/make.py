"""Makes the stored archives of this folder, each with the code of its time.

    git worktree add --detach /tmp/old3 b8b65f9      # schema 3; dc6d3a8 has schema 4; a checkout of today the newest
    PYTHONPATH=/tmp/old3 python tests/store/old/make.py

writes `schema3/` beside this file: `archive.db.xz`, closed in order; `archive.db-wal.xz`, the log that a kill left
beside that file some batches later; and what a full read gave then, without the log and with it (`rows.json.xz`). The
footage is in `footage.tar.xz`, made once: another encoder makes other bytes, and then nothing would be recognised. Uses
only names that lvqa has had since schema 3, and fakes for all models. Run it again for the newest schema when that
changes before it is released; a released one stays as it is.
"""

from __future__ import annotations

import hashlib
import json
import lzma
import os
import shutil
import sqlite3
import sys
import tarfile
import tempfile
from contextlib import closing
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
FOOTAGE = HERE / "footage.tar.xz"
TABLES = ("videos", "files", "clips", "notes", "jobs", "meta", "embeddings", "frames")
ODD = os.fsdecode(b"odd\xff name.mp4")
LATE = "late.mp4"
DIM = 12
SETTINGS = {"clip_max_s": 3.0, "clip_batch": 2, "summaries": "extractive"}
QUERY = "a picture that is mostly red"
_BITS = 12


def read_counter(frame: Any) -> str:
    """The number that a frame of the footage shows as a row of black and white blocks."""
    bits = [frame[10:14, 8 * bit + 2 : 8 * bit + 6].mean() > 128 for bit in range(_BITS)]
    return f"number {sum(1 << bit for bit, lit in enumerate(bits) if lit)}"


def models() -> Any:
    """The fakes that all these archives were made with."""
    from lvqa.models.fake import FakeEmbedder, FakeImageEmbedder, FakeReader, FakeVision
    from lvqa.models.profiles import Models

    return Models.of(
        vision=FakeVision(),
        embedder=FakeEmbedder(DIM),
        image_embedder=FakeImageEmbedder(),
        ocr=FakeReader(read_counter),
    )


def unpack(folder: Path) -> Path:
    """Lay out the footage in a folder, times of the files included."""
    with tarfile.open(FOOTAGE) as tar:
        tar.extractall(folder, filter="data")
    return folder


def make_footage() -> None:
    """Write the archive of the footage: shots of plain colours with a number in them, subtitles, and a broken file."""
    import numpy as np

    from lvqa.eval.lab.footage_writer import write_video

    def frames(*shots: tuple[tuple[int, int, int], float]) -> Any:
        number = 0
        for colour, seconds in shots:
            for _ in range(round(seconds * 2)):
                frame = np.full((48, 96, 3), colour, np.uint8)
                for bit in range(_BITS):
                    frame[8:16, 8 * bit : 8 * bit + 8] = 255 if number // 4 >> bit & 1 else 0
                number += 1
                yield frame

    red, green, blue, grey = (255, 0, 0), (0, 160, 0), (0, 0, 255), (128, 128, 128)
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made, "videos")
        (folder / "deep").mkdir(parents=True)
        write_video(folder / "first.mp4", frames((red, 4), (green, 4)), fps=2)
        write_video(folder / ODD, frames((blue, 5), (grey, 3)), fps=2)
        write_video(folder / "deep" / "third.mp4", frames((grey, 3), (red, 3)), fps=2)
        write_video(folder / LATE, frames((green, 6), (blue, 6), (red, 6), (grey, 6)), fps=2)
        (folder / "broken.mp4").write_bytes(b"no video at all")
        said = "1\n00:00:01,000 --> 00:00:02,500\nCafé opens at nine\n\n2\n00:00:03,000 --> 00:00:05,000\nmilk please\n"
        (folder / "first.srt").write_text(said, encoding="utf-8")

        def plain(info: tarfile.TarInfo) -> tarfile.TarInfo:
            info.mtime, info.uid, info.gid, info.uname, info.gname = 1_700_000_000, 0, 0, "", ""
            return info

        with tarfile.open(FOOTAGE, "w:xz", format=tarfile.PAX_FORMAT) as tar:
            tar.add(folder, "videos", filter=plain)


def read_all(path: Path) -> dict[str, list[list[object]]]:
    """All rows of an index by table, under their columns' names in the first; vectors by a hash."""
    read: dict[str, list[list[object]]] = {}
    with closing(sqlite3.connect(path)) as connection:
        for table in TABLES:
            cursor = connection.execute(f"SELECT * FROM {table} ORDER BY 1")
            read[table] = [[column[0] for column in cursor.description]]
            for row in cursor:
                read[table].append([plain_value(value) for value in row])
    return read


def plain_value(value: object) -> object:
    """A value as JSON holds it."""
    return hashlib.sha256(value).hexdigest()[:16] if isinstance(value, bytes) else value


def read_searches(index_dir: Path) -> dict[str, Any]:
    """What searching gives: ids and scores."""
    from lvqa.models.fake import FakeEmbedder, FakeImageEmbedder
    from lvqa.store import Store

    texts, pictures = FakeEmbedder(DIM), FakeImageEmbedder()
    with Store.open(index_dir, create=False) as store:
        if hasattr(store, "search_text"):  # before the tables of a store were objects of their own
            said, like, shown = store.search_text, store.search_vectors, store.search_frames
        else:
            said, like, shown = store.notes.search, store.vectors.search, store.frames.search
        near = like(texts.name, texts.encode_query([QUERY])[0], 5)
        frames = shown(pictures.name, pictures.encode_query(["red"])[0], 5)
        return {
            "text": [list(hit) for hit in said("cafe", 5)],
            "vectors": [list(hit) for hit in near],
            "frames": [[frame.video_id, frame.time_s, frame.score] for frame in frames],
        }


def main() -> None:
    """Make the archives with the lvqa that is imported."""
    from lvqa.indexers import import_captions, run_index
    from lvqa.indexers.progress import NoProgress
    from lvqa.settings import Settings
    from lvqa.store import Store
    from lvqa.store.schema import SCHEMA_VERSION

    if not FOOTAGE.exists():
        make_footage()
    out = HERE / f"schema{SCHEMA_VERSION}"
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir()
    settings = Settings(**SETTINGS)
    with tempfile.TemporaryDirectory() as scratch:
        folder = unpack(Path(scratch)) / "videos"
        index, killed = Path(scratch, "index"), Path(scratch, "killed")

        class Stopping(NoProgress):
            def __init__(self, at_clip: int) -> None:
                self.left = at_clip

            def advance(self, amount: float = 0.0, *, videos: int = 0, clips: int = 0) -> None:
                self.left -= clips
                if self.left <= 0:
                    raise KeyboardInterrupt

        def index_late(folder_of_index: Path, clips: int) -> None:
            with Store.open(folder_of_index, write=True) as store:
                try:
                    run_index(folder, store, models(), settings, progress=Stopping(clips), only={LATE})
                except KeyboardInterrupt:
                    if folder_of_index == killed:
                        killed.rename(f"{killed}-live")
                        shutil.copytree(f"{killed}-live", killed)

        with Store.open(index, write=True) as store:
            run_index(folder, store, models(), settings, only={"first.mp4", ODD, "deep/third.mp4", "broken.mp4"})
            captions = Path(scratch, "captions.jsonl")
            rows = [("she opens the fridge", 0, 2.5), ("milk is on the table", 2.5, 7)]
            lines = [{"video": "elsewhere.mp4", "start_s": a, "end_s": b, "text": text} for text, a, b in rows]
            captions.write_text("\n".join(map(json.dumps, lines)))
            import_captions(captions, folder, store, models().embedder, settings=settings)
        index_late(index, 2)
        shutil.copytree(index, killed)
        index_late(killed, 4)
        found: dict[str, Any] = {"archive": {"rows": read_all(index / "archive.db"), "found": read_searches(index)}}
        if (index / "archive.db").read_bytes() != (killed / "archive.db").read_bytes():
            raise SystemExit("the killed run wrote to archive.db itself; keep that file too")
        for source in (index / "archive.db", killed / "archive.db-wal"):
            packed = lzma.compress(source.read_bytes(), preset=9 | lzma.PRESET_EXTREME)
            (out / f"{source.name}.xz").write_bytes(packed)
        found["killed"] = {"rows": read_all(killed / "archive.db"), "found": read_searches(killed)}
        text = json.dumps(found, ensure_ascii=True, sort_keys=True)
        (out / "rows.json.xz").write_bytes(lzma.compress(text.encode(), preset=9 | lzma.PRESET_EXTREME))
    for file in sorted(out.iterdir()):
        sys.stdout.write(f"{file.relative_to(HERE)} {file.stat().st_size} bytes\n")


if __name__ == "__main__":
    main()
