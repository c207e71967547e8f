"""The files of an archive's folder: which video each holds, and what it looked like then. Opens none of them."""

from __future__ import annotations

from lvqa.store.checksums import sum_of, upsert
from lvqa.store.database import Connections
from lvqa.store.keys import decode_path, encode_path
from lvqa.store.rows import FileRow, RemovedCounts
from lvqa.store.tables.videos import VideoTable, video_number


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
