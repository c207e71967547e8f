"""The archives that questions of several hops are asked of: what an index holds, as notes, made once into a folder."""

from __future__ import annotations

import ast
import hashlib
import json
from collections import defaultdict
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

from langchain_core.language_models import BaseChatModel

from lvqa import Archive
from lvqa.errors import UsageError
from lvqa.eval.lab.tiny.models import open_archive, world_models
from lvqa.eval.lab.world.build import build
from lvqa.models.base import Embedder
from lvqa.models.profiles import Models
from lvqa.store import Store, note_id
from lvqa.types import Note, Span, Video

Row = tuple[str, float, float, str, str]
"""A note: its video's path, start and end in seconds, source, text."""

WORLD_MINUTES, WORLD_SEED, WORLD_VIDEOS = 24, 71, 4
# As many frames as the world's own questions have, for each of three parts and for the whole.
WORLD_FRAMES = 4 * 24
CAPTIONED = 26  # videos of captions, the first by the SHA-256 of their names
_LECTURES = (
    ("photo", "PHOTO", 120, "Lectures/2024/Lecture 03.mp4"),
    ("resp", "RESP", 45, "Lectures/2024/Lecture 04.mp4"),
)
_MEETING = ("meet", "MEET", 100, "Meetings/2024-03-12 budget meeting.mkv")


def fill(folder: Path, rows: Iterable[Row], embedder: Embedder | None) -> None:
    """Write an index of these notes below a folder; one that is there already stays."""
    index = folder / ".lvqa"
    if (index / "archive.db").exists():
        return
    folder.mkdir(parents=True, exist_ok=True)
    by_video: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        by_video[row[0]].append(row)
    with Store.open(index, write=True) as store, store.atomic():
        for path, held in by_video.items():
            video = "v" + hashlib.sha256(path.encode()).hexdigest()[:16]
            store.videos.put(Video(video, path, video, max(row[2] for row in held)))
            made = []
            for _, start_s, end_s, source, text in held:
                given: Any = source
                span = Span(start_s, end_s)
                made.append(Note(note_id(video, given, span, "", "", text), video, None, span, text, given))
            store.notes.put(made)
            if embedder is not None:
                vectors = embedder.encode_document([note.text for note in made])
                store.vectors.put(embedder.name, [note.id for note in made], vectors)


def opened(folder: Path, chat: BaseChatModel) -> Archive:
    """A folder that `fill` filled, to be read with this chat model and the profile `text`."""
    return Archive(folder, profile="text", models=Models.of(chat=chat, embedder=embedder_of(folder)))


def embedder_of(folder: Path) -> Embedder | None:
    """What embeds texts in a folder with the profile `text`."""
    with Archive(folder, profile="text") as plain:
        return plain.models.embedder


def world(folder: Path, chat: BaseChatModel) -> Archive:
    """The synthetic world that `world.jsonl` asks about, rendered and indexed unless it is; read with a chat model."""
    made = build(folder / "videos", WORLD_MINUTES, WORLD_SEED, videos=WORLD_VIDEOS)
    own = world_models()
    models = Models.of(
        vision=own.vision, chat=chat, embedder=own.embedder, image_embedder=own.image_embedder, ocr=own.ocr
    )
    archive = open_archive(
        made.folder,
        folder / "index",
        models=models,
        summaries="none",
        budget_frames=WORLD_FRAMES,
        budget_vlm_calls=WORLD_FRAMES,
    )
    archive.index()
    return archive


def captions(data: Path) -> list[Row]:
    """The captions of the first videos of NExT-GQA's development set, a second each."""
    with (data / "captions.jsonl").open() as lines:
        rows = [json.loads(line) for line in lines]
    names = sorted({row["video"] for row in rows}, key=lambda name: hashlib.sha256(name.encode()).hexdigest())[
        :CAPTIONED
    ]
    return [(r["video"], r["start_s"], r["end_s"], "caption", r["text"]) for r in rows if r["video"] in names]


def everyday(make: Path) -> list[Row]:
    """What subtitles and screens of the everyday archive say, by the script that makes it; no film is made.

    Raises UsageError where the script is another one.
    """
    given = tables_of(make)
    rows: list[Row] = []
    for _, table, each_s, path in (*_LECTURES, _MEETING):
        for n, (title, points, said) in enumerate(given[table]):
            begin_s = float(n * each_s)
            rows.append((path, begin_s, begin_s + each_s, "screen", "\n".join([title, *points])))
            gap_s = each_s / len(said)
            for k, sentence in enumerate(said):
                at_s = begin_s + k * gap_s + 0.5
                rows.append((path, at_s, at_s + min(gap_s - 0.3, max(2, len(sentence) / 14)), "speech", sentence))
    return rows + _screens(make)


def tables_of(make: Path) -> dict[str, Any]:
    """What the script writes out under a name, anywhere in it; nothing of it is run."""
    held: dict[str, Any] = {}
    for node in ast.walk(ast.parse(make.read_text())):
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            with suppress(ValueError):  # computed, not written out
                held[node.targets[0].id] = ast.literal_eval(node.value)
    missing = {"script", "items", _MEETING[1], *(table for _, table, *_ in _LECTURES)} - held.keys()
    if missing:
        raise UsageError(f"{make} is not the script of the everyday archive: it has no {', '.join(sorted(missing))}")
    return held


def _screens(make: Path) -> list[Row]:
    """What the terminal and the news tape show, as the script writes it."""
    held, found = tables_of(make), list[Row]()
    shown = ""
    for (start_s, said), (end_s, _) in zip(held["script"], held["script"][1:], strict=False):
        shown = f"{shown}\n{said}".strip()
        if said:
            found.append((TERMINAL, float(start_s), float(end_s), "screen", "\n".join(shown.split("\n")[-18:])))
    for n, (title, below, _) in enumerate(held["items"]):
        found.append((NEWS, 25.0 * n, 25.0 * n + 25, "screen", f"{title}\n{below}"))
    return found


TERMINAL = "Screen Recordings/Screen Recording 2024-05-01 at 10.22.33.mov"
NEWS = "VHS/Tape #7 [news] (1998) – Oma's copy 100%.avi"
