"""`lvqa index`, `import`, `export`, `backup`, `remove` and `check`: what changes an index or copies it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lvqa import phrasing
from lvqa.cli import options as o
from lvqa.cli import output
from lvqa.cli.shared import ERROR, OF_NO_USE, OK, SOME_FAILED, STOPPED, open_archive, progress_bar, reasons, stoppable

if TYPE_CHECKING:
    from lvqa.archive.archive import Archive
    from lvqa.store import ExportReport, MergeReport


@o.takes_settings
def index(
    folder: o.Folder,
    settings: dict[str, Any],
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would be done and why, and change nothing.")
    ] = False,
    refresh: Annotated[
        list[str] | None,
        typer.Option(
            "--refresh",
            metavar="WHAT",
            help="captions: make those anew that an earlier lvqa asked for in another way.",
        ),
    ] = None,
    audio_track: Annotated[
        str | None,
        typer.Option(
            "--audio-track", metavar="N|all", help="The audio track to hear, from 1, or each; else the film's own."
        ),
    ] = None,
    wait: o.Wait = 0.0,
    archive_dir: o.ArchiveDir = None,
    as_json: o.AsJson = False,
) -> int:
    """Index the videos below FOLDER, or go on with it. Ctrl-C ends it after the batch under way."""
    with open_archive(folder, archive_dir, settings | o.given(audio_track=audio_track)) as archive:
        if dry_run:
            return _plan(archive, as_json, refresh or ())
        with stoppable() as stop, progress_bar(reasons(archive)) as progress:
            report = archive.index(progress=progress, refresh=refresh or (), wait_s=wait, on_wait=_waiting, stop=stop)
    if as_json:
        output.out_json(
            {
                **asdict(report),
                "failed": _failed_dicts(report.failed),
                "duplicates": [{"video": path, "same_as": other} for path, other in report.duplicates],
                "summaries": {**asdict(report.summaries), "failed": _failed_dicts(report.summaries.failed)},
            }
        )
    else:
        parts = [phrasing.count(report.indexed, "video") + " indexed"]
        if report.unchanged:
            parts.append(f"{report.unchanged} unchanged")
        if report.duplicates:
            parts.append(f"{len(report.duplicates)} of the same content")
        if report.removed:
            parts.append(f"{len(report.removed)} gone")
        if report.failed:
            parts.append(f"{len(report.failed)} failed")
        made = [(report.clips, "clip"), (report.notes, "note"), (report.embeddings, "embedding")]
        rows = _counted([*made, (report.summaries.segments, "segment")]) or "nothing new"
        output.out(
            f"{', '.join(parts)} in {phrasing.duration_text(report.seconds)}: {rows}",
            *output.summary_lines(report.summaries),
        )
    _note_failed(report.failed)
    if report.stopped:
        done = f"{report.settled} of {phrasing.count(report.planned, 'video')} done"
        return _stopped(done if report.planned else "while looking at the files")
    if report.mostly_unparsed:
        output.note(
            f"lvqa: NO CAPTIONS TO USE: {report.unparsed} of {report.unparsed + report.captioned} replies of "
            f"{archive.models.names['vision']} were empty, refusals or went round in circles; index with another "
            "vision model, or look at what it replies: lvqa models --help"
        )
        return OF_NO_USE
    return SOME_FAILED if report.failed else OK


def _plan(archive: Archive, as_json: bool, refresh: Sequence[str]) -> int:
    """Print what `lvqa index` would do."""
    from lvqa.indexers import plan_lines

    expected = archive.plan_index(refresh=refresh)
    if as_json:
        output.out_json(expected.to_dict())
        return OK
    states = ", ".join(f"{number} {state}" for state, number in expected.states.items())
    facts = [f"{phrasing.count(expected.videos, 'video')} to index ({states})"]
    if expected.decode_s:
        facts.append(f"{phrasing.duration_text(expected.decode_s)} to decode")
    if expected.listen_s:
        facts.append(f"{phrasing.duration_text(expected.listen_s)} to listen to")
    if expected.clips:
        facts.append(f"about {phrasing.count(expected.clips, 'clip')} to caption")
    output.out(*map(phrasing.escaped, plan_lines(expected)), "; ".join(facts))
    return OK


@o.takes_settings
def import_(
    folder: o.Folder,
    captions: Annotated[
        str,
        typer.Argument(
            metavar="CAPTIONS",
            help='A JSON object a line: {"video", "start_s", "end_s", "text"}; or a folder of lvqa export.',
        ),
    ],
    settings: dict[str, Any],
    wait: o.Wait = 0.0,
    archive_dir: o.ArchiveDir = None,
    as_json: o.AsJson = False,
) -> int:
    """Take ready-made captions, or an exported index, into the index."""
    with open_archive(folder, archive_dir, settings) as archive:
        if Path(captions).expanduser().is_dir():
            return _import_archive(archive, captions, wait, as_json)
        with stoppable() as stop, progress_bar() as progress:
            report = archive.import_captions(captions, progress=progress, wait_s=wait, on_wait=_waiting, stop=stop)
    failed = report.summaries.failed
    counts = asdict(report)
    if as_json:
        output.out_json({**counts, "summaries": {**counts["summaries"], "failed": _failed_dicts(failed)}})
    else:
        left_out = ("summaries", "stopped")
        facts = [f"{value} {name.replace('_', ' ')}" for name, value in counts.items() if name not in left_out]
        if report.summaries.segments:
            facts.append(phrasing.count(report.summaries.segments, "segment"))
        output.out(f"imported: {', '.join(facts)}", *output.summary_lines(report.summaries))
    _note_failed(failed)
    if report.stopped:
        return _stopped(f"the captions of {phrasing.count(report.videos, 'video')} are in the index")
    return SOME_FAILED if failed else OK


def _import_archive(archive: Archive, exported: str, wait_s: float, as_json: bool) -> int:
    report = archive.import_archive(exported, wait_s=wait_s, on_wait=_waiting)
    if as_json:
        output.out_json(asdict(report))
        return OK
    output.out(f"imported in {phrasing.duration_text(report.seconds)}: {_rows_text(report) or 'nothing new'}")
    output.note(*(f"lvqa: left out: {phrasing.for_terminal(line)}" for line in report.left_out))
    return OK


def export(
    folder: o.Folder,
    out: o.NewFolder,
    video: o.OnlyVideos = None,
    archive_dir: o.ArchiveDir = None,
    as_json: o.AsJson = False,
) -> int:
    """Write the index as JSON Lines and NumPy arrays, to be read or taken in elsewhere."""
    with open_archive(folder, archive_dir) as archive:
        report = archive.export(out, videos=video)
    if as_json:
        output.out_json(asdict(report))
    else:
        rows = _rows_text(report) or "nothing"
        output.out(f"exported to {phrasing.escaped(report.folder)}: {rows}, {phrasing.size_text(report.bytes)}")
    return OK


def backup(folder: o.Folder, out: o.NewFolder, archive_dir: o.ArchiveDir = None, as_json: o.AsJson = False) -> int:
    """Copy the index, also while it is being written; the copy serves as --archive DIR."""
    with open_archive(folder, archive_dir) as archive:
        report = archive.backup(out)
    if as_json:
        output.out_json(asdict(report))
    else:
        output.out(
            f"copied to {phrasing.escaped(report.folder)}: {', '.join(report.files)}, "
            f"{phrasing.size_text(report.bytes)}; it serves as --archive DIR"
        )
    return OK


def remove(
    folder: o.Folder,
    video: o.VideoName,
    wait: o.Wait = 0.0,
    archive_dir: o.ArchiveDir = None,
    as_json: o.AsJson = False,
) -> int:
    """Take a video out of the index; its file stays."""
    with open_archive(folder, archive_dir) as archive:
        removed = archive.remove(video, wait_s=wait, on_wait=_waiting)
    if as_json:
        output.out_json(asdict(removed))
    else:
        output.out(
            f"removed {phrasing.escaped(video)}: {phrasing.count(removed.clips, 'clip')}, "
            f"{phrasing.count(removed.notes, 'note')}; its file stays, and `lvqa index` takes it in again"
        )
    return OK


def check(
    folder: o.Folder,
    repair: Annotated[bool, typer.Option("--repair", help="Mend what can be mended.")] = False,
    quick: Annotated[bool, typer.Option("--quick", help="Do not count what the video files hold.")] = False,
    archive_dir: o.ArchiveDir = None,
    as_json: o.AsJson = False,
) -> int:
    """Look through the index for damage and for what is missing, and count what the video files hold.

    Exit status: 0 whole, 1 damaged, 3 undamaged, but there is work left for lvqa index.
    """
    with open_archive(folder, archive_dir) as archive:
        report = archive.check(repair=repair, quick=quick)
    if as_json:
        output.out_json(report.to_dict())
    else:
        output.out(*(phrasing.for_terminal(line, 1000) for line in report.lines()))
    return OK if report.complete else SOME_FAILED if report.sound else ERROR


def _stopped(how_far: str) -> int:
    output.note(f"lvqa: stopped after the batch under way: {how_far}; run the same command to go on")
    return STOPPED


def _waiting(holder: str) -> None:
    output.note(
        f"lvqa: waiting for {phrasing.for_terminal(holder)}, which is writing to this index; Ctrl-C ends the wait"
    )


def _counted(named: Sequence[tuple[int, str]]) -> str:
    """`2 clips, 1 note`: those of which there are any."""
    return ", ".join(phrasing.count(number, noun) for number, noun in named if number)


def _rows_text(report: ExportReport | MergeReport) -> str:
    rows = [(report.videos, "video"), (report.clips, "clip"), (report.notes, "note")]
    return _counted([*rows, (report.embeddings, "embedding"), (report.frames, "frame")])


def _failed_dicts(failed: Sequence[tuple[str, str]]) -> list[dict[str, str]]:
    return [{"video": path, "reason": reason} for path, reason in failed]


def _note_failed(failed: Sequence[tuple[str, str]]) -> None:
    output.note(*(f"lvqa: {phrasing.escaped(path)}: {phrasing.for_terminal(reason)}" for path, reason in failed))
