"""Videos, the files that hold them, jobs and free-form values. Knows nothing of notes or vectors."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from fnmatch import fnmatchcase
from pathlib import PurePosixPath

from lvqa.errors import StoreError
from lvqa.store.checksums import sum_of, upsert
from lvqa.store.database import Connections, Row
from lvqa.store.keys import clean_text, decode_path, encode_path
from lvqa.store.rows import FileRow, JobRow, JobStatus, RemovedCounts
from lvqa.types import Video

# A video goes by the path of the first file that holds it; imported ones without a file by the one they came with.
_VIDEOS = """
    SELECT v.id, coalesce((SELECT min(f.path) FROM files f WHERE f.video = v.n), v.path) AS shown, v.content_hash,
        v.duration_s, v.width, v.height, v.fps, v.codec, v.has_audio
    FROM videos v
"""
_JOBS = """
    SELECT coalesce(v.id, ''), j.path, j.stage, j.key, j.status, j.progress_s, j.reason, j.spec, j.blank
    FROM jobs j LEFT JOIN videos v ON v.n = j.video
"""


class Meta:
    """Free-form text values of an archive, by name."""

    def __init__(self, connections: Connections) -> None:
        self._connections = connections

    def get(self, key: str, default: str | None = None) -> str | None:
        """The value of a key, or the default."""
        found = self._connections.row("SELECT value FROM meta WHERE key = ?", (key,))
        return default if found is None else str(found[0])

    def set(self, key: str, value: str) -> None:
        """Set the value of a key."""
        with self._connections.atomic():
            self._connections.write(upsert("meta", "(key)"), (key, clean_text(value)))


class Catalog:
    """The part of the store about videos, files and jobs."""

    def __init__(self, connections: Connections) -> None:
        self._c = connections
        self.meta = Meta(connections)

    @contextmanager
    def atomic(self) -> Iterator[None]:
        """Write what happens inside as one transaction, or, after an exception, not at all; nested blocks join.

        Every writing method opens one by itself where none is open. Raises StoreError: full disk, opened for reading.
        """
        with self._c.atomic():
            yield

    def put_video(self, video: Video) -> None:
        """Add a video, or bring what is known about it up to date; its rows stay."""
        values = (
            clean_text(video.id),
            encode_path(video.path),
            clean_text(video.content_hash),
            video.duration_s,
            video.width,
            video.height,
            video.fps,
            clean_text(video.codec),
            int(video.has_audio),
        )
        with self.atomic():
            self._c.write(upsert("videos", "(id)"), values)

    def videos(self) -> list[Video]:
        """All videos by path."""
        return [_video(row) for row in self._c.rows(_VIDEOS + " ORDER BY shown, v.id")]

    def get_video(self, video_id: str) -> Video | None:
        """The video of that id."""
        row = self._c.row(_VIDEOS + " WHERE v.id = ?", (clean_text(video_id),))
        return None if row is None else _video(row)

    def get_videos(self, video_ids: Iterable[str]) -> dict[str, Video]:
        """The videos of those ids, by id; unknown ones are left out."""
        wanted = json.dumps(sorted({clean_text(video_id) for video_id in video_ids}))
        rows = self._c.rows(_VIDEOS + " WHERE v.id IN (SELECT value FROM json_each(?))", (wanted,))
        return {row[0]: _video(row) for row in rows}

    def find_videos(self, name: str) -> list[Video]:
        """Videos that a user may mean, by path: those of that id, else path, else file name or stem, else glob.

        Every file of a video counts, not only the one it goes by. Empty where nothing fits.
        """
        with self._c.reading():
            if (video := self.get_video(name)) is not None:
                return [video]
            videos = self.videos()
            paths = {video.id: {video.path} for video in videos}
            for file in self.files():
                if file.video_id:
                    paths[file.video_id].add(file.path)
        tests = (
            lambda path: path == name,
            lambda path: name in (PurePosixPath(path).name, PurePosixPath(path).stem),
            lambda path: fnmatchcase(path, name) or fnmatchcase(PurePosixPath(path).name, name),
        )
        for test in tests:
            if found := [video for video in videos if any(map(test, paths[video.id]))]:
                return found
        return []

    def put_file(self, path: str, video_id: str, size: int, mtime_ns: int) -> None:
        """Record which video a file holds (empty: none), and what it looked like then.

        A file that now holds a video sheds the job that says it could not be probed. Raises StoreError for an
        unknown video.
        """
        stored = encode_path(path)
        with self.atomic():
            video = self._video_n(video_id) if video_id else None
            self._c.write(upsert("files", "(path)"), (stored, video, size, mtime_ns))
            if video is not None:
                self._c.write("DELETE FROM jobs WHERE video IS NULL AND path = ?", (stored,))

    def forget_size(self, video: int) -> None:
        """Let the files of a video, by its number, be looked into again."""
        self._c.write(f"UPDATE files SET size = -1, sum = {sum_of('files', size='-1')} WHERE video = ?", (video,))

    def get_file(self, path: str) -> FileRow | None:
        """What is known about a file."""
        found = self._files(" WHERE f.path = ?", (encode_path(path),))
        return found[0] if found else None

    def files(self) -> list[FileRow]:
        """All files by path."""
        return self._files("")

    def _files(self, where: str, params: tuple[object, ...] = ()) -> list[FileRow]:
        rows = self._c.rows(
            "SELECT f.path, coalesce(v.id, ''), f.size, f.mtime_ns FROM files f LEFT JOIN videos v ON v.n = f.video"
            + where
            + " ORDER BY f.path",
            params,
        )
        return [FileRow(decode_path(row[0]), *row[1:]) for row in rows]

    def remove_file(self, path: str) -> RemovedCounts:
        """Forget a file and its failed probe, and with the last file of a video the video and all its rows."""
        stored = encode_path(path)
        with self.atomic():
            row = self._c.row(
                "SELECT v.id, (SELECT count(*) FROM files o WHERE o.video = f.video) "
                "FROM files f LEFT JOIN videos v ON v.n = f.video WHERE f.path = ?",
                (stored,),
            )
            self._c.write("DELETE FROM jobs WHERE video IS NULL AND path = ?", (stored,))
            if row is None:
                return RemovedCounts()
            if row[0] is not None and row[1] == 1:
                return self.remove_video(row[0])
            return RemovedCounts(files=self._c.write("DELETE FROM files WHERE path = ?", (stored,)))

    def remove_video(self, video_id: str) -> RemovedCounts:
        """Delete a video with its files, jobs, clips, notes and vectors; nothing where it is unknown."""
        with self.atomic():
            n = self._c.value("SELECT n FROM videos WHERE id = ?", (clean_text(video_id),))
            if n is None:
                return RemovedCounts()
            row = self._c.row(
                """
                SELECT 1, (SELECT count(*) FROM files WHERE video = :n), (SELECT count(*) FROM clips WHERE video = :n),
                    (SELECT count(*) FROM notes WHERE video = :n),
                    (SELECT count(*) FROM embeddings e JOIN notes t ON t.n = e.note WHERE t.video = :n),
                    (SELECT count(*) FROM frames WHERE video = :n)
                """.replace(":n", "?"),
                (n,) * 5,
            )
            assert row is not None
            # Frames and notes first: SQLite's cascade visits the tables one row at a time, this scans an index.
            self._c.write("DELETE FROM videos WHERE n = ?", (n,))
            return RemovedCounts(*row)

    def put_job(self, job: JobRow) -> None:
        """Record how far a stage has come, in place of what was known. Raises StoreError for an unknown video."""
        with self.atomic():
            video = self._video_n(job.video_id) if job.video_id else None
            target = "(video, stage) WHERE video IS NOT NULL" if job.video_id else "(path, stage) WHERE video IS NULL"
            path, reason, spec = encode_path(job.path), clean_text(job.reason), clean_text(job.spec)
            row = (video, path, job.stage, job.key, job.status, job.progress_s, reason, spec, job.blank)
            self._c.write(upsert("jobs", target), row)

    def get_job(self, video_id: str, stage: str, path: str = "") -> JobRow | None:
        """The job of a video's stage or, with an empty `video_id`, of a file that could not be probed."""
        where, key = (
            ("v.id = ?", clean_text(video_id)) if video_id else ("j.video IS NULL AND j.path = ?", encode_path(path))
        )
        found = self._jobs(f" WHERE {where} AND j.stage = ?", (key, stage))
        return found[0] if found else None

    def jobs(self, status: JobStatus | None = None) -> list[JobRow]:
        """All jobs, or those of one status, by path and stage."""
        return self._jobs(*((" WHERE j.status = ?", (status,)) if status is not None else ("", ())))

    def delete_job(self, video_id: str, stage: str, path: str = "") -> None:
        """Forget a job, named as in `get_job`."""
        with self.atomic():
            if video_id:
                sql, key = "video = (SELECT n FROM videos WHERE id = ?)", clean_text(video_id)
            else:
                sql, key = "video IS NULL AND path = ?", encode_path(path)
            self._c.write(f"DELETE FROM jobs WHERE {sql} AND stage = ?", (key, stage))

    def _jobs(self, where: str, params: tuple[object, ...]) -> list[JobRow]:
        rows = self._c.rows(_JOBS + where + " ORDER BY j.path, v.id, j.stage", params)
        return [JobRow(row[0], decode_path(row[1]), *row[2:]) for row in rows]

    def _video_n(self, video_id: str) -> int:
        n = self._c.value("SELECT n FROM videos WHERE id = ?", (clean_text(video_id),))
        if n is None:
            raise StoreError(f"no video {video_id!r} in the index {self._c.path}; put the video first")
        return int(n)


def _video(row: Row) -> Video:
    video_id, path, content_hash, duration_s, width, height, fps, codec, has_audio = row
    return Video(video_id, decode_path(path), content_hash, duration_s, width, height, fps, codec, bool(has_audio))
