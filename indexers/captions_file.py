"""Ready-made captions from a JSON Lines file into the store, a clip and a note each, and what follows from them.

Runs no model but the embedder, and the chat model that summarises, where one is handed over.
"""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from lvqa.characters import composed
from lvqa.errors import MediaError, UsageError
from lvqa.indexers.hierarchy.summarise import SummaryRules, summarise
from lvqa.indexers.planning.survey import IMPORTED, identify, video_id
from lvqa.indexers.progress import Progress
from lvqa.indexers.report import ImportReport
from lvqa.indexers.run_log import RunLog
from lvqa.indexers.stages.assemble import make_note
from lvqa.indexers.stages.embed import TextVectors, embed_missing
from lvqa.indexers.stages.stage_model import StageModel
from lvqa.settings import Settings
from lvqa.stopping import Asked, Stop
from lvqa.store import Filter, Store
from lvqa.types import Clip, Span, Video

if TYPE_CHECKING:
    from lvqa.models.base import Embedder
    from lvqa.models.profiles import Models
    from lvqa.settings import Summaries

_BATCH = 1000
_FIELDS = ("video", "start_s", "end_s", "text")
_SHOWN = 5
_MOST_S = 1e9
# Bytes of one part of a path: the bound of all common file systems.
_LONGEST_NAME = 255


@dataclass(frozen=True, slots=True)
class Caption:
    """One line of the file."""

    video: str
    span: Span
    text: str


def import_captions(
    jsonl: Path,
    folder: Path,
    store: Store,
    embedder: Embedder | None,
    progress: Progress | None = None,
    *,
    settings: Settings | None = None,
    models: Models | None = None,
    summaries: Summaries | None = None,
    stop: Asked = None,
) -> ImportReport:
    """Take captions `{"video", "start_s", "end_s", "text"}`, one JSON object a line, as notes of source `imported`.

    A video is a file of the folder by relative path, else by name or by stem where one file alone has it; where there
    is none, the captions stand for a video of that name without a file; a name that leads out of the folder is
    refused. Importing the same captions again changes nothing; changed captions are added to those of before.

    Args:
        jsonl: the file.
        folder: the folder of videos; it need not hold any.
        store: opened for writing.
        embedder: embeds the notes, batch by batch; None leaves that to a later `run_index`.
        progress: told how far it is.
        settings: how long segments are and how they are summarised; the defaults when not given.
        models: hold the chat model that summarises as `settings` say; without, summaries are extracted.
        summaries: in place of the settings' own; `none` leaves segments and summaries to a later `run_index`.
        stop: an event, or what says whether to end: the batch under way is committed, and importing again goes on.

    Returns:
        What was done. With `models` the summaries of all videos are brought up to date, without those of the videos
        that captions came for.

    Raises:
        UsageError: no file, or lines that do not hold a caption: the first five are named and nothing is written.
        ModelError, StoreError.
    """
    began = time.monotonic()
    chosen = settings or Settings.load()
    names = {**(models.names if models is not None else {}), "embedder": embedder.name if embedder else ""}
    with RunLog(store.index_dir, "import", progress) as log:
        log.start(chosen.model_dump(), names)
        progress, stopped = log.progress, log.watching(Stop.of(stop))
        stopped()  # from here on somebody listens
        captions = read_captions(jsonl)
        report = ImportReport(captions=len(captions))
        vectors = TextVectors(StageModel(embedder.name, embedder)) if embedder is not None else None
        rules = SummaryRules.of(names, chosen, summaries)
        try:
            seen = _take_in(captions, _Files(Path(folder).absolute(), store), store, report, progress, stopped, log)
            progress.finish()
            if vectors is not None and not stopped():
                report.embeddings = embed_missing(store, vectors, progress, stopped)
            if not stopped():
                # Extracting here what a chat model wrote there would undo its work.
                only = seen if models is None else None
                summarise(store, rules, models, report.summaries, progress, only=only, stop=stopped)
            if vectors is not None and not stopped():
                report.embeddings += embed_missing(store, vectors, progress, stopped)
            store.build_indexes()
        finally:
            progress.finish()
        report.stopped = report.stopped or stopped()
        report.seconds = time.monotonic() - began
        log.end("stopped" if report.stopped else "done", report=asdict(report))
    return report


def _take_in(
    captions: list[Caption],
    files: _Files,
    store: Store,
    report: ImportReport,
    progress: Progress,
    stopped: Callable[[], bool],
    log: RunLog,
) -> set[str]:
    """Write the captions, batch by batch, until all are or it is asked to stop; returns the ids of their videos."""
    by_name: dict[str, list[Caption]] = {}
    for caption in captions:
        by_name.setdefault(caption.video, []).append(caption)
    log.write("plan", videos=len(by_name), captions=len(captions))
    progress.start(len(by_name), len(captions), "captions")
    seen: set[str] = set()
    for name, mine in by_name.items():
        if stopped():
            report.stopped = True
            break
        video = files.find(name)
        if video is None:
            report.without_file += 1
            video = _without_file(name, mine, store)
            with store.atomic():
                store.videos.put(video)
        else:
            _take_over(store, name, video)
        seen.add(video.id)
        for begin in range(0, len(mine), _BATCH):
            batch = mine[begin : begin + _BATCH]
            report.notes += _write(store, video, batch)
            progress.advance(len(batch))
            log.write("batch", video=name, captions=len(batch), last=begin + len(batch) == len(mine))
            if begin + len(batch) < len(mine) and stopped():
                log.finish(name, "video_left")
                break
        else:
            log.finish(name, "video_done")
    report.videos = len(seen)
    return seen


def adopt_imported(folder: Path, store: Store) -> int:
    """Give captions that came before their video's file to the video, now that the file is there.

    Goes by the names of `import_captions`; a name that several files have stays without one. Returns how many videos
    without a file are gone by that. The captions' vectors are left to `embed_missing`. Raises StoreError.
    """
    names = [video.path for video in store.videos.all() if video.content_hash.startswith(IMPORTED)]
    if not names:
        return 0
    files = _Files(Path(folder).absolute(), store)
    adopted = 0
    for name in names:
        try:
            video = files.find(name)
        except UsageError:
            continue
        adopted += video is not None and _take_over(store, name, video)
    return adopted


def read_captions(jsonl: Path) -> list[Caption]:
    """Read and check every line; blank ones do not count. Raises UsageError that names the first five bad lines."""
    captions: list[Caption] = []
    bad: list[str] = []
    count = 0
    for number, line in _lines(jsonl):
        try:
            captions.append(_caption(json.loads(line, parse_constant=_no_constant)))
        except RecursionError:
            bad, count = [*bad, f"line {number}: nested too deep"], count + 1
        except ValueError as error:
            problem = f"not JSON ({error})" if isinstance(error, json.JSONDecodeError) else str(error)
            bad, count = [*bad, f"line {number}: {problem}"], count + 1
    if count:
        more = f"; and {count - _SHOWN} more" if count > _SHOWN else ""
        raise UsageError(
            f"{jsonl} is not imported, {count} of its lines hold no caption: {'; '.join(bad[:_SHOWN])}{more}. "
            'A line is {"video": "a.mp4", "start_s": 0.0, "end_s": 2.5, "text": "..."}'
        )
    if not captions:
        raise UsageError(f"{jsonl} holds no captions; a line is a JSON object with {', '.join(_FIELDS)}")
    return captions


def _lines(jsonl: Path) -> Iterator[tuple[int, str]]:
    try:
        with jsonl.open(encoding="utf-8-sig") as file:
            for number, line in enumerate(file, 1):
                if line.strip():
                    yield number, line
    except OSError as error:
        raise UsageError(f"{jsonl} cannot be read ({error.strerror or error}); name a file of captions") from error
    except UnicodeDecodeError as error:
        raise UsageError(f"{jsonl} is not UTF-8 text ({error.reason} at byte {error.start}); convert it") from error


def _no_constant(name: str) -> float:
    raise ValueError(f"{name} is not a number")


def _caption(value: Any) -> Caption:
    from lvqa.prompts import clean

    if not isinstance(value, dict):
        raise ValueError(f"a JSON object is wanted, this is {type(value).__name__}")
    missing = [name for name in _FIELDS if name not in value]
    if missing:
        raise ValueError(f"lacks {', '.join(missing)}")
    video, text = value["video"], value["text"]
    if not isinstance(video, str) or not video.strip():
        raise ValueError("video must be a name")
    if not _is_below(video.strip()):
        raise ValueError("video must be the name of a file, or its path below the folder")
    if not isinstance(text, str) or not any(character.isalnum() for character in clean(text)):
        raise ValueError("text must be words")
    times: list[float] = []
    for name in ("start_s", "end_s"):
        given = value[name]
        if isinstance(given, bool) or not isinstance(given, int | float) or not abs(given) <= _MOST_S:
            raise ValueError(f"{name} must be a number of seconds")
        times.append(float(given))
    if not 0 <= times[0] < times[1]:
        raise ValueError(f"needs 0 <= start_s < end_s, has {times[0]:g} and {times[1]:g}")
    return Caption(video.strip(), Span(*times), " ".join(clean(text).split()))


def _is_below(name: str) -> bool:
    """Whether a name can be that of a file below a folder: captions must not lead to files elsewhere."""
    parts = name.replace("\\", "/").split("/")
    try:
        too_long = max(map(len, map(os.fsencode, parts))) > _LONGEST_NAME
    except UnicodeEncodeError:
        return False
    return parts[0] != "" and ".." not in parts and "\0" not in name and not too_long


class _Files:
    """The videos of a folder by the names that captions may give them."""

    def __init__(self, folder: Path, store: Store) -> None:
        from lvqa.media.files import find_videos

        self._folder, self._store = folder, store
        self._paths: dict[str, Path] = {}
        self._names: dict[str, list[str]] = {}
        found = find_videos(folder) if folder.is_dir() else []
        for path in found:
            rel = composed(path.relative_to(folder).as_posix())
            self._paths[rel] = path
            pure = PurePosixPath(rel)
            for name in {pure.name, pure.stem, pure.with_suffix("").as_posix()} - {rel}:
                self._names.setdefault(name, []).append(rel)

    def find(self, name: str) -> Video | None:
        """The video of that name, taken into the store; None where there is no file, or it cannot be read as video.

        Raises UsageError where several files have the name.
        """
        rel = composed(PurePosixPath(name.replace("\\", "/")).as_posix())
        if rel not in self._paths:
            known = self._names.get(rel, [])
            if len(known) > 1:
                raise UsageError(
                    f"captions are for {name!r}, and {len(known)} videos have that name ({', '.join(known[:3])}); "
                    "give the path below the folder"
                )
            if not known:
                return None
            rel = known[0]
        path = self._paths[rel]
        rel = path.relative_to(self._folder).as_posix()
        try:
            stat = path.stat()
            row = self._store.files.get(rel)
            if row is not None and row.video_id and (row.size, row.mtime_ns) == (stat.st_size, stat.st_mtime_ns):
                return self._store.videos.get(row.video_id)
            video = identify(path, rel)
        except (OSError, MediaError):
            return None
        with self._store.atomic():
            if (known_video := self._store.videos.get(video.id)) is None:
                self._store.videos.put(video)
            self._store.files.put(rel, video.id, stat.st_size, stat.st_mtime_ns)
        return known_video or video


def _take_over(store: Store, name: str, video: Video) -> bool:
    """Move the captions that stand for a name without a file to its video; False where there are none."""
    stand_in = store.videos.get(video_id(_content_of(name)))
    if stand_in is None:
        return False
    notes = store.notes.select(Filter(frozenset({stand_in.id}), sources=frozenset({"imported"})))
    with store.atomic():
        _write(store, video, [Caption(name, note.span, note.text) for note in notes])
        store.videos.remove(stand_in.id)
    return True


def _content_of(name: str) -> str:
    return IMPORTED + hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()


def _without_file(name: str, captions: list[Caption], store: Store) -> Video:
    content = _content_of(name)
    known = store.videos.get(video_id(content))
    end_s = max(caption.span.end_s for caption in captions)
    return Video(video_id(content), name, content, max(end_s, known.duration_s if known else 0.0))


def _write(store: Store, video: Video, captions: list[Caption]) -> int:
    """Write clips and notes in one transaction; returns how many notes are new."""
    clips = [Clip.of(video.id, caption.span) for caption in captions]
    notes = [make_note(clip, c.span, c.text, "imported") for clip, c in zip(clips, captions, strict=True)]
    unique = {note.id: note for note in notes}
    known = {note.id for note in store.notes.get_many(list(unique))}
    with store.atomic():
        store.clips.put(clips)
        store.notes.put(list(unique.values()))
    return len(unique.keys() - known)
