"""`lvqa videos`, `lvqa show`, `lvqa status` and `lvqa models`: print what there is, and ask no model."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from lvqa import phrasing
from lvqa.cli import options as o
from lvqa.cli import output
from lvqa.cli.shared import OK, checked_settings, open_archive
from lvqa.types import Note, Video, clock_lines


def videos(folder: o.Folder, archive_dir: o.ArchiveDir = None, as_json: o.AsJson = False) -> int:
    """List the videos of the index, and those that failed."""
    with open_archive(folder, archive_dir) as archive, archive.store.snapshot():
        found = archive.videos()
        failures = archive.status()["failures"]
        summaries = archive.summaries() if as_json else {}
    if as_json:
        output.out_json([{**_video_dict(video), "summary": summaries.get(video.path, "")} for video in found])
        return OK
    output.out(*output.table(map(_video_row, found), indent=""))
    for failure in failures:
        output.note(f"lvqa: {phrasing.escaped(failure['video'])}: failed: {phrasing.for_terminal(failure['reason'])}")
    return OK


def show(folder: o.Folder, video: o.VideoName, archive_dir: o.ArchiveDir = None, as_json: o.AsJson = False) -> int:
    """Show all that is known of one video, in time order."""
    with open_archive(folder, archive_dir) as archive:
        report = archive.show(video)
    if as_json:
        output.out_json(
            {
                "video": _video_dict(report.video),
                "summary": _note_dict(report.summary) if report.summary is not None else None,
                "segments": [_note_dict(note) for note in report.segments],
                "clips": [
                    {"start_s": clip.span.start_s, "end_s": clip.span.end_s, "level": clip.level}
                    for clip in report.clips
                ],
                "notes": [_note_dict(note) for note in report.notes],
                "tracks": list(report.tracks),
            }
        )
        return OK
    output.out(*output.table([_video_row(report.video)], indent=""))
    output.out(*(f"  {line}" for line in report.tracks))
    output.out(*(f"  {line}" for line in clock_lines(report.video.clock, report.video.duration_s)))
    if report.summary is not None:
        output.out(f"  {phrasing.for_terminal(report.summary.text)}")
    # A single segment says what the video's summary says.
    segments = report.segments if len(report.segments) > 1 else ()
    for notes, kind in ((segments, "segment"), (report.notes, None)):
        rows = ((phrasing.span_text(n.span), f"[{kind or n.source}]", phrasing.for_terminal(n.text)) for n in notes)
        output.out(*output.table(rows))
    return OK


def status(folder: o.Folder, archive_dir: o.ArchiveDir = None, as_json: o.AsJson = False) -> int:
    """Count what is indexed, what failed, and why."""
    with open_archive(folder, archive_dir) as archive:
        counts = archive.status()
    if as_json:
        output.out_json(counts)
        return OK
    of_videos = counts["videos"]
    sources = ", ".join(f"{number} {source}" for source, number in counts["sources"].items() if number)
    rows = [
        ("videos", f"{of_videos['indexed']} indexed, {of_videos['failed']} failed, {of_videos['pending']} pending"),
        ("clips", str(counts["clips"])),
        ("segments", str(counts["segments"])),
        ("notes", f"{counts['notes']}{f' ({sources})' if sources else ''}"),
        ("embeddings", f"{counts['embeddings']} of notes, {counts['frames']} of frames"),
        ("models", ", ".join(counts["models"]) or "none"),
        ("size", phrasing.size_text(counts["bytes"])),
    ]
    if digest := counts["digest"]:
        late = " (of videos that have changed since: index again)" if digest["stale"] else ""
        rows.append(("digest", f"{phrasing.for_terminal(digest['text'])}{late}"))
    if run := counts["run"]:
        rows.insert(0, ("running", output.run_line(run)))
    output.out(*output.table(rows, indent=""))
    for failure in counts["failures"]:
        output.out(f"failed      {phrasing.escaped(failure['video'])}: {phrasing.for_terminal(failure['reason'])}")
    for kind in counts["passed_over"]:
        output.out(
            f"passed over {kind['count']} {phrasing.for_terminal(kind['kind'])}: {phrasing.listed(kind['paths'])}"
        )
    return OK


@o.takes_settings
def models(settings: dict[str, Any], as_json: o.AsJson = False) -> int:
    """Show what each profile would load, and where it is."""
    from lvqa.models.profiles import describe

    described = describe(checked_settings(settings))
    if as_json:
        output.out_json([asdict(row) for row in described])
        return OK
    rows = (
        (
            row.profile,
            row.role,
            row.spec,
            "off" if row.spec == "none" else "there" if row.available else "missing",
            phrasing.size_text(row.bytes) if row.bytes is not None else "",
            (row.where if row.available else row.hint) if row.spec != "none" else "",
        )
        for row in described
    )
    output.out(*output.table(rows, indent=""))
    return OK


def _video_dict(video: Video) -> dict[str, Any]:
    return {
        "video": video.path,
        "id": video.id,
        "duration_s": round(video.duration_s, 3),
        "width": video.width,
        "height": video.height,
        "fps": round(video.fps, 3),
        "codec": video.codec,
        "has_audio": video.has_audio,
        "clock": [asdict(piece) for piece in video.clock],
    }


def _video_row(video: Video) -> tuple[str, ...]:
    size = f"{video.width}x{video.height}" if video.width else "no file"
    sound = "sound" if video.has_audio else ""
    return video.path, phrasing.duration_text(video.duration_s), size, video.codec, sound


def _note_dict(note: Note) -> dict[str, Any]:
    return {
        "start_s": round(note.span.start_s, 3),
        "end_s": round(note.span.end_s, 3),
        "text": note.text,
        "source": note.source,
        "model": note.model,
    }
