"""The format in which an archive travels: a folder of JSON Lines and NumPy arrays that any tool can read.

    manifest.json    {"format": "lvqa-export", "version": 2, lvqa, schema, complete, counts, files, vectors}
    videos.jsonl     id, path, content_hash, duration_s, width, height, fps, codec, has_audio, probe
    files.jsonl      path, video (its id; null for what is no video), size, mtime_ns
    clips.jsonl      id, video, start_s, end_s, level (clip, segment, video)
    notes.jsonl      id, video, clip (its id, or null), start_s, end_s, level, text, source, model, prompt_hash
    jobs.jsonl       video (its id, or null), path, stage, key, status, progress_s, reason, spec, blank
    meta.jsonl       key, value
    vectors/notes-0.npy      float32 (n, d) in C order: the vectors of notes by one model; the next model's are notes-1
    vectors/notes-0.jsonl    note (its id): what each row of the array belongs to
    vectors/frames-0.npy     the same of frames
    vectors/frames-0.jsonl   video (its id), time_s

Every line is one JSON object with just these fields, in UTF-8, ended by a line feed; times are in seconds. In a path
each byte that is no UTF-8 is written as U+FFFD, `%` and two hex digits, and so are the bytes of a U+FFFD before a `%`.
`probe` is JSON text of what the video's file holds (`clock`, `streams`), empty where that is not known; format 1 had
none. In the manifest `files` holds `bytes`, `sha256` and `rows` of every other file, `vectors` holds `kind` (notes,
frames), `model`, `dim`, `rows`, `array` and `of` (the two files), and `complete` is false where only some videos were
taken. The same rows give the same bytes: videos are ordered by id, what belongs to one by time, models by name.

There are no settings, no chats and no search indexes in it, and of `meta` nothing that is about one place alone. This
module knows the format, and neither how it is written nor how it is read.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from lvqa.store.checksums import SUMMED
from lvqa.store.rows import VectorKind

FORMAT = "lvqa-export"
VERSION = 2
MANIFEST = "manifest.json"
VECTORS = "vectors"

Table = Literal["videos", "files", "clips", "notes", "jobs", "meta"]
TABLES: tuple[Table, ...] = ("videos", "files", "clips", "notes", "jobs", "meta")
# The fields of each file, which are the columns of its table: references are ids instead of numbers.
FIELDS: dict[Table, tuple[str, ...]] = {table: SUMMED[table] for table in TABLES}
VECTOR_FIELDS: dict[VectorKind, tuple[str, ...]] = {"notes": ("note",), "frames": ("video", "time_s")}
# Values about the place of an archive, and about all of its videos together.
LOCAL_META = frozenset({"folder", "elsewhere"})
WHOLE_META = frozenset({"digest"})


@dataclass(frozen=True, slots=True)
class VectorFile:
    """The vectors of one kind and model, and the two files that hold them."""

    kind: VectorKind
    model: str
    dim: int
    rows: int
    array: str
    of: str


@dataclass(frozen=True, slots=True)
class ExportReport:
    """What an export holds; `bytes` is its size on the disk."""

    folder: str
    videos: int
    files: int
    clips: int
    notes: int
    jobs: int
    embeddings: int
    frames: int
    models: tuple[str, ...]
    bytes: int


@dataclass(slots=True)
class MergeReport:
    """What an import took of an export: new rows only, those known already do not count.

    `left_out` says in a line each what stayed behind, and why.
    """

    videos: int = 0
    files: int = 0
    clips: int = 0
    notes: int = 0
    jobs: int = 0
    embeddings: int = 0
    frames: int = 0
    left_out: list[str] = field(default_factory=list)
    seconds: float = 0.0


def table_file(table: Table) -> str:
    """The name of a table's file."""
    return f"{table}.jsonl"


def vector_files(kind: str, number: int) -> tuple[str, str]:
    """The names of the files of vectors: the array, and what its rows belong to."""
    return f"{VECTORS}/{kind}-{number}.npy", f"{VECTORS}/{kind}-{number}.jsonl"
