"""Jobs: how far each stage of each video has come. Knows no stage by name."""

from __future__ import annotations

from lvqa.store.checksums import upsert
from lvqa.store.database import Connections
from lvqa.store.keys import clean_text, decode_path, encode_path
from lvqa.store.rows import JobRow, JobStatus
from lvqa.store.tables.videos import video_number

_JOBS = """
    SELECT coalesce(v.id, ''), j.path, j.stage, j.key, j.status, j.progress_s, j.reason, j.spec, j.blank
    FROM jobs j LEFT JOIN videos v ON v.n = j.video
"""


class JobTable:
    """How far each stage of each video has come, by video and stage."""

    def __init__(self, connections: Connections) -> None:
        self._c = connections

    def put(self, job: JobRow) -> None:
        """Record how far a stage has come, in place of what was known. Raises StoreError for an unknown video."""
        with self._c.atomic():
            video = video_number(self._c, job.video_id) if job.video_id else None
            target = "(video, stage) WHERE video IS NOT NULL" if job.video_id else "(path, stage) WHERE video IS NULL"
            path, reason, spec = encode_path(job.path), clean_text(job.reason), clean_text(job.spec)
            row = (video, path, job.stage, job.key, job.status, job.progress_s, reason, spec, job.blank)
            self._c.write(upsert("jobs", target), row)

    def get(self, video_id: str, stage: str, path: str = "") -> JobRow | None:
        """The job of a video's stage or, with an empty `video_id`, of a file that could not be probed."""
        where, key = (
            ("v.id = ?", clean_text(video_id)) if video_id else ("j.video IS NULL AND j.path = ?", encode_path(path))
        )
        found = self._jobs(f" WHERE {where} AND j.stage = ?", (key, stage))
        return found[0] if found else None

    def all(self, status: JobStatus | None = None) -> list[JobRow]:
        """All jobs, or those of one status, by path and stage."""
        return self._jobs(*((" WHERE j.status = ?", (status,)) if status is not None else ("", ())))

    def delete(self, video_id: str, stage: str, path: str = "") -> None:
        """Forget a job, named as in `get`."""
        with self._c.atomic():
            if video_id:
                sql, key = "video = (SELECT n FROM videos WHERE id = ?)", clean_text(video_id)
            else:
                sql, key = "video IS NULL AND path = ?", encode_path(path)
            self._c.write(f"DELETE FROM jobs WHERE {sql} AND stage = ?", (key, stage))

    def _jobs(self, where: str, params: tuple[object, ...]) -> list[JobRow]:
        rows = self._c.rows(_JOBS + where + " ORDER BY j.path, v.id, j.stage", params)
        return [JobRow(row[0], decode_path(row[1]), *row[2:]) for row in rows]
