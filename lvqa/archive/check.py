"""Checks an archive, its index and its files, and repairs what can be repaired. Loads no model."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lvqa import phrasing
from lvqa.errors import MediaError
from lvqa.types import format_time

if TYPE_CHECKING:
    from lvqa.store import FileRow, Finding, Mend, Store
    from lvqa.types import Video

_SHOWN = 5
# Lengths that differ by less say the same.
_LENGTH_S = 1.0


@dataclass(frozen=True, slots=True)
class CheckReport:
    """What `Archive.check` found, and what its `repair` did, a line each.

    `findings` are those that are left after a repair. `checked` counts the rows and files that were looked at.
    """

    findings: tuple[Finding, ...]
    done: tuple[str, ...] = ()
    checked: int = 0

    @property
    def sound(self) -> bool:
        """Whether nothing is damaged; there may be work left to do."""
        return not any(finding.is_damage for finding in self.findings)

    @property
    def complete(self) -> bool:
        """Whether there is nothing to say at all."""
        return not self.findings

    def lines(self) -> list[str]:
        """The report as text, a line for each thing done and found, and one that sums up."""
        from lvqa.store import describe_findings

        head = "whole" if self.complete else "undamaged, with work left" if self.sound else "damaged"
        return [
            *self.done,
            *describe_findings(self.findings),
            f"{head}: {phrasing.count(self.checked, 'row')} and files checked",
        ]

    def to_dict(self) -> dict[str, Any]:
        """The fields that `--json` prints."""
        return {
            "sound": self.sound,
            "complete": self.complete,
            "findings": [finding.to_dict() for finding in self.findings],
            "done": list(self.done),
            "checked": self.checked,
        }


def check_archive(
    folder: Path, index_dir: Path, embedder: str | None, done: Sequence[str] = (), *, quick: bool = False
) -> CheckReport:
    """Look through the index of a folder and at the folder's files; `done` is told in the report.

    Unless it is to be `quick`, the packets of every file are counted, which reads most files whole.
    `embedder` is the model whose vectors all notes should have, empty for none, None for the one that embedded most.
    Raises StoreError where there is no index.
    """
    from lvqa.store import Store, check_index

    findings = check_index(index_dir, embedder=embedder)
    checked = 0
    if not any(finding.kind == "database" for finding in findings):
        with Store.open(index_dir, create=False) as store:
            counts = store.counts()
            checked = len(store.files.all()) + sum(counts[name] for name in ("clips", "notes", "embeddings", "frames"))
            states = list(_file_states(folder, store))
            findings += [*_files(states), *_open_jobs(store)]
            findings += [] if quick else _contents(folder, store, states)
    findings += _chats(index_dir)
    return CheckReport(tuple(findings), tuple(done), checked)


def repair_archive(folder: Path, index_dir: Path, embedder: str | None, *, quick: bool = False) -> CheckReport:
    """Mend what can be mended, and look through again. Raises StoreError where nothing can be, StoreLocked."""
    from lvqa.agents.chat.chat_file import CHATS_FILE
    from lvqa.store import DAMAGED_FOLDER, Store, repair_index

    done = repair_index(index_dir)
    if any(True for _ in _chats(index_dir)):
        kept = index_dir / DAMAGED_FOLDER
        kept.mkdir(exist_ok=True)
        (index_dir / CHATS_FILE).replace(kept / CHATS_FILE)
        done.append(f"the damaged chats were moved to {kept / CHATS_FILE}")
    with Store.open(index_dir, create=False) as store:
        states = list(_file_states(folder, store))
        replaced = [row for row, state in states if state == "replaced"]
        unlike = [] if quick else [video for video, _ in _unlike(folder, store, states) if video.streams is not None]
    if unlike:
        with Store.open(index_dir, write=True) as store, store.atomic():
            for video in unlike:
                store.videos.put(replace(video, clock=(), streams=None))
        done.append(f"{phrasing.count(len(unlike), 'video')} will be looked into by the next lvqa index")
    if replaced:
        with Store.open(index_dir, write=True) as store, store.atomic():
            for row in replaced:
                store.files.put(row.path, row.video_id, -1, row.mtime_ns)
        done.append(f"{len(replaced)} files will be looked into by the next lvqa index")
    return check_archive(folder, index_dir, embedder, done, quick=quick)


def _file_states(folder: Path, store: Store) -> Iterator[tuple[FileRow, str]]:
    """Each file that holds a video, and whether it is `missing`, `changed`, `replaced` or the `same` as when indexed.

    `replaced` has the size and time that it had, and other content.
    """
    from lvqa.media import content_hash, locate
    from lvqa.store import imported_video_ids

    # The file of a video that came with an import need not be here.
    imported = imported_video_ids(store)
    hashes = {video.id: video.content_hash for video in store.videos.all()}
    for row in store.files.all():
        if row.video_id not in hashes:
            continue
        try:
            path = locate(folder, row.path)
            stat = path.stat()
            if (stat.st_size, stat.st_mtime_ns) != (row.size, row.mtime_ns):
                yield row, "changed"
            else:
                yield row, "same" if content_hash(path) == hashes[row.video_id] else "replaced"
        except FileNotFoundError:
            if row.video_id not in imported:
                yield row, "missing"
        except (MediaError, OSError):
            yield row, "changed"


_FILE_FINDINGS: dict[str, tuple[str, Mend]] = {
    "missing": ("not found any more", "index"),
    "changed": ("changed after indexing", "index"),
    "replaced": ("with other content than was indexed, at the same size and time", "repair"),
}


def _files(states: Sequence[tuple[FileRow, str]]) -> Iterator[Finding]:
    from lvqa.store import Finding

    found = [(row.path, state) for row, state in states]
    for state, (text, mend) in _FILE_FINDINGS.items():
        if paths := [path for path, its_state in found if its_state == state]:
            yield Finding(
                "files", f"{phrasing.count(len(paths), 'file')} {text}: {phrasing.listed(paths, _SHOWN)}", mend
            )


def _unlike(folder: Path, store: Store, states: Sequence[tuple[FileRow, str]]) -> Iterator[tuple[Video, str]]:
    """Videos of which the index holds another length, or another number of packets, than their file, and which.

    Counts packets and decodes nothing.
    """
    from lvqa.media import locate, probe

    # Of a video that several files hold, one is enough.
    held = {row.video_id: row.path for row, state in states if state == "same"}
    for video in store.videos.get_many(held).values():
        try:
            now = probe(locate(folder, held[video.id]))
        except MediaError:
            continue  # the next index tells
        if abs(now.duration_s - video.duration_s) > _LENGTH_S:
            yield video, f"{format_time(video.duration_s)} of {format_time(now.duration_s)}"
        elif video.streams is not None and video.streams.packets != now.packets:
            yield video, f"{video.streams.packets} of {now.packets} packets"


def _contents(folder: Path, store: Store, states: Sequence[tuple[FileRow, str]]) -> Iterator[Finding]:
    from lvqa.store import Finding

    # What was never looked into since lvqa keeps what files hold, the next index looks into anyway.
    unlike = list(_unlike(folder, store, states))
    mends: tuple[tuple[Mend, bool], ...] = (("index", False), ("repair", True))
    for mend, known in mends:
        found = [f"{video.path} ({what})" for video, what in unlike if (video.streams is not None) == known]
        if found:
            text = f"{phrasing.count(len(found), 'video')} not indexed as the file has it"
            yield Finding("files", f"{text}: {phrasing.listed(found, _SHOWN)}", mend)


def _open_jobs(store: Store) -> Iterator[Finding]:
    from lvqa.store import Finding

    if paths := sorted({job.path for job in store.jobs.all("pending")}):
        text = f"{phrasing.count(len(paths), 'video')} not indexed to the end: {phrasing.listed(paths, _SHOWN)}"
        yield Finding("work", text, "index")


def _chats(index_dir: Path) -> Iterator[Finding]:
    from lvqa.agents.chat.chat_file import CHATS_FILE
    from lvqa.store import Finding

    path = index_dir / CHATS_FILE
    if not path.is_file():
        return
    try:
        connection = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)
        try:
            problems = [str(row[0]) for row in connection.execute("PRAGMA quick_check(1)")]
        finally:
            connection.close()
    except sqlite3.Error as error:
        problems = [str(error)]
    if problems != ["ok"]:
        yield Finding("chats", f"the chats in {path.name} are damaged ({problems[0]}); the rest does not need them")
