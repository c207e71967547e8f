"""Videos and the files that hold them: what is known of each, and which a user means. Opens no file, knows no notes."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict
from fnmatch import fnmatchcase
from pathlib import PurePosixPath

from lvqa.characters import composed
from lvqa.errors import StoreError
from lvqa.store.checksums import sum_of, upsert
from lvqa.store.database import Connections, Row
from lvqa.store.keys import clean_text, decode_path, encode_path
from lvqa.store.rows import FileRow, RemovedCounts
from lvqa.types import Clock, Source, Streams, Video, clock_of, clock_rows

# A video goes by the path of the first file that holds it; imported ones without a file by the one they came with.
_VIDEOS = """
    SELECT v.id, coalesce((SELECT min(f.path) FROM files f WHERE f.video = v.n), v.path) AS shown, v.content_hash,
        v.duration_s, v.width, v.height, v.fps, v.codec, v.has_audio, v.probe
    FROM videos v
"""


class VideoTable:
    """The videos of an index, each known by the id that follows from its content."""

    def __init__(self, connections: Connections) -> None:
        self._c = connections

    def put(self, video: Video) -> None:
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
            _told(video),
        )
        with self._c.atomic():
            self._c.write(upsert("videos", "(id)"), values)

    def all(self) -> list[Video]:
        """All videos by path."""
        return [_video(row) for row in self._c.rows(_VIDEOS + " ORDER BY shown, v.id")]

    def get(self, video_id: str) -> Video | None:
        """The video of that id."""
        row = self._c.row(_VIDEOS + " WHERE v.id = ?", (clean_text(video_id),))
        return None if row is None else _video(row)

    def get_many(self, video_ids: Iterable[str]) -> dict[str, Video]:
        """The videos of those ids, by id; unknown ones are left out."""
        wanted = json.dumps(sorted({clean_text(video_id) for video_id in video_ids}))
        rows = self._c.rows(_VIDEOS + " WHERE v.id IN (SELECT value FROM json_each(?))", (wanted,))
        return {row[0]: _video(row) for row in rows}

    def without(self, source: Source) -> list[str]:
        """The ids of the videos that have no note of that source."""
        sql = "SELECT id FROM videos v WHERE NOT EXISTS (SELECT 1 FROM notes t WHERE t.video = v.n AND t.source = ?)"
        return [row[0] for row in self._c.rows(sql, (source,))]

    def find(self, name: str) -> list[Video]:
        """Videos that a user may mean, by path: those of that id, else path, else file name or stem, else glob.

        Every file of a video counts, not only the one it goes by; names fit in either form of Unicode. Empty where
        nothing fits.
        """
        with self._c.reading():
            if (video := self.get(name)) is not None:
                return [video]
            videos = self.all()
            paths = {video.id: {video.path} for video in videos}
            for video_id, path in self._c.rows("SELECT v.id, f.path FROM files f JOIN videos v ON v.n = f.video"):
                paths[video_id].add(decode_path(path))
        wanted = composed(name)
        tests = (
            lambda path: path == name,  # of two files whose names are two forms of one, the one that is meant
            lambda path: composed(path) == wanted,
            lambda path: wanted in (PurePosixPath(composed(path)).name, PurePosixPath(composed(path)).stem),
            lambda path: fnmatchcase(composed(path), wanted) or fnmatchcase(PurePosixPath(composed(path)).name, wanted),
        )
        for test in tests:
            if found := [video for video in videos if any(map(test, paths[video.id]))]:
                return found
        return []

    def remove(self, video_id: str) -> RemovedCounts:
        """Delete a video with its files, jobs, clips, notes and vectors; nothing where it is unknown."""
        with self._c.atomic():
            n = self._c.value("SELECT n FROM videos WHERE id = ?", (clean_text(video_id),))
            if n is None:
                return RemovedCounts()
            row = self._c.row(
                """
                SELECT 1, (SELECT count(*) FROM files WHERE video = ?1), (SELECT count(*) FROM clips WHERE video = ?1),
                    (SELECT count(*) FROM notes WHERE video = ?1),
                    (SELECT count(*) FROM embeddings e JOIN notes t ON t.n = e.note WHERE t.video = ?1),
                    (SELECT count(*) FROM frames WHERE video = ?1)
                """,
                (n,),
            )
            assert row is not None
            # Frames and notes first: SQLite's cascade visits the tables one row at a time, this scans an index.
            self._c.write("DELETE FROM videos WHERE n = ?", (n,))
            return RemovedCounts(*row)


class FileTable:
    """The files of an archive's folder, by path; a video goes with the last file that holds it."""

    def __init__(self, connections: Connections, videos: VideoTable) -> None:
        self._c = connections
        self._videos = videos

    def put(self, path: str, video_id: str, size: int, mtime_ns: int) -> None:
        """Record which video a file holds (empty: none), and what it looked like then.

        A file that now holds a video sheds the job that says it could not be probed. Raises StoreError for an
        unknown video.
        """
        stored = encode_path(path)
        with self._c.atomic():
            video = video_number(self._c, video_id) if video_id else None
            self._c.write(upsert("files", "(path)"), (stored, video, size, mtime_ns))
            if video is not None:
                self._c.write("DELETE FROM jobs WHERE video IS NULL AND path = ?", (stored,))

    def get(self, path: str) -> FileRow | None:
        """What is known about a file."""
        found = self._files(" WHERE f.path = ?", (encode_path(path),))
        return found[0] if found else None

    def all(self) -> list[FileRow]:
        """All files by path."""
        return self._files("")

    def forget_size(self, video: int) -> None:
        """Let the files of a video, by its number, be looked into again."""
        self._c.write(f"UPDATE files SET size = -1, sum = {sum_of('files', size='-1')} WHERE video = ?", (video,))

    def remove(self, path: str) -> RemovedCounts:
        """Forget a file and its failed probe, and with the last file of a video the video and all its rows."""
        stored = encode_path(path)
        with self._c.atomic():
            row = self._c.row(
                "SELECT v.id, (SELECT count(*) FROM files o WHERE o.video = f.video) "
                "FROM files f LEFT JOIN videos v ON v.n = f.video WHERE f.path = ?",
                (stored,),
            )
            self._c.write("DELETE FROM jobs WHERE video IS NULL AND path = ?", (stored,))
            if row is None:
                return RemovedCounts()
            if row[0] is not None and row[1] == 1:
                return self._videos.remove(row[0])
            return RemovedCounts(files=self._c.write("DELETE FROM files WHERE path = ?", (stored,)))

    def _files(self, where: str, params: tuple[object, ...] = ()) -> list[FileRow]:
        rows = self._c.rows(
            "SELECT f.path, coalesce(v.id, ''), f.size, f.mtime_ns FROM files f LEFT JOIN videos v ON v.n = f.video"
            + where
            + " ORDER BY f.path",
            params,
        )
        return [FileRow(decode_path(row[0]), *row[1:]) for row in rows]


def video_number(connections: Connections, video_id: str) -> int:
    """The number by which rows refer to a video. Raises StoreError for an unknown video."""
    n = connections.value("SELECT n FROM videos WHERE id = ?", (clean_text(video_id),))
    if n is None:
        raise StoreError(f"no video {video_id!r} in the index {connections.path}; put the video first")
    return int(n)


def _video(row: Row) -> Video:
    video_id, path, content_hash, duration_s, width, height, fps, codec, has_audio, probe = row
    clock, streams = read_probe(probe)
    return Video(
        video_id,
        decode_path(path),
        content_hash,
        duration_s,
        width,
        height,
        fps,
        codec,
        bool(has_audio),
        clock,
        streams,
    )


def read_probe(text: str) -> tuple[Clock, Streams | None]:
    """What a row says of its file: how its clock runs, and what it holds. Raises ValueError, TypeError, KeyError."""
    if not text:
        return (), None
    told = json.loads(text)
    streams = dict(told["streams"])
    return clock_of(told["clock"]), Streams(**{**streams, "audio_languages": tuple(streams.get("audio_languages", ()))})


def _told(video: Video) -> str:
    if video.streams is None:
        return ""
    told = {"clock": clock_rows(video.clock), "streams": asdict(video.streams)}
    return clean_text(json.dumps(told, sort_keys=True, separators=(",", ":")))
