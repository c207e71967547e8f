"""Carries out plans: one function a plan, each returning the exit status.

Knows the library, not typer: `execute(Request(Search(ArchivePlace("videos"), "milk")))` does what a person typed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lvqa import phrasing
from lvqa.archive.archive import Archive
from lvqa.archive.results import ArchivedAnswer
from lvqa.cli import output
from lvqa.cli import plan as p
from lvqa.cli.evals import EVALS
from lvqa.cli.shared import checked_settings, progress_bar, stoppable
from lvqa.types import Note, Video

if TYPE_CHECKING:
    from lvqa.agents.cost.estimate import Estimate
    from lvqa.store import ExportReport, MergeReport

OK, ERROR, SOME_FAILED, STOPPED = 0, 1, 3, 130


def execute(request: p.Request) -> int:
    """Run a plan, print what it found, and return the exit status."""
    command: Callable[[Any, bool], int] = _COMMANDS[type(request.plan)]
    return command(request.plan, request.as_json)


def _index(plan: p.Index, as_json: bool) -> int:
    if plan.dry_run:
        return _index_plan(plan, as_json)
    with _open(plan.place) as archive, stoppable() as stop, progress_bar(_reasons(archive)) as progress:
        report = archive.index(progress=progress, wait_s=plan.wait_s, on_wait=_waiting, stop=stop)
    if as_json:
        output.out_json(
            {
                **asdict(report),
                "failed": [{"video": path, "reason": reason} for path, reason in report.failed],
                "duplicates": [{"video": path, "same_as": other} for path, other in report.duplicates],
                "summaries": _summaries_dict(asdict(report.summaries)),
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
        made += [(report.summaries.segments, "segment")]
        rows = ", ".join(phrasing.count(number, noun) for number, noun in made if number) or "nothing new"
        output.out(f"{', '.join(parts)} in {phrasing.duration_text(report.seconds)}: {rows}")
        for line in output.summary_lines(report.summaries):
            output.out(line)
    for path, reason in report.failed:
        output.note(f"lvqa: {phrasing.escaped(path)}: {phrasing.for_terminal(reason)}")
    if report.stopped:
        done = f"{report.settled} of {phrasing.count(report.planned, 'video')} done"
        return _stopped(done if report.planned else "while looking at the files")
    return SOME_FAILED if report.failed else OK


def _stopped(how_far: str) -> int:
    output.note(f"lvqa: stopped after the batch under way: {how_far}; run the same command to go on")
    return STOPPED


def _index_plan(plan: p.Index, as_json: bool) -> int:
    from lvqa.indexers import plan_lines

    with _open(plan.place) as archive:
        expected = archive.plan_index()
    if as_json:
        output.out_json(expected.to_dict())
        return OK
    for line in plan_lines(expected):
        output.out(phrasing.escaped(line))
    states = ", ".join(f"{number} {state}" for state, number in expected.states.items())
    facts = [f"{phrasing.count(expected.videos, 'video')} to index ({states})"]
    if expected.decode_s:
        facts.append(f"{phrasing.duration_text(expected.decode_s)} to decode")
    if expected.listen_s:
        facts.append(f"{phrasing.duration_text(expected.listen_s)} to listen to")
    if expected.clips:
        facts.append(f"about {phrasing.count(expected.clips, 'clip')} to caption")
    output.out("; ".join(facts))
    return OK


def _import(plan: p.Import, as_json: bool) -> int:
    if Path(plan.captions).expanduser().is_dir():
        return _import_archive(plan, as_json)
    with _open(plan.place) as archive, stoppable() as stop, progress_bar() as progress:
        report = archive.import_captions(
            plan.captions, progress=progress, wait_s=plan.wait_s, on_wait=_waiting, stop=stop
        )
    failed = report.summaries.failed
    counts = asdict(report)
    counts["summaries"] = _summaries_dict(counts["summaries"])
    if as_json:
        output.out_json(counts)
    else:
        left_out = ("summaries", "stopped")
        facts = [f"{value} {name.replace('_', ' ')}" for name, value in counts.items() if name not in left_out]
        if report.summaries.segments:
            facts.append(phrasing.count(report.summaries.segments, "segment"))
        output.out(f"imported: {', '.join(facts)}")
        for line in output.summary_lines(report.summaries):
            output.out(line)
    for path, reason in failed:
        output.note(f"lvqa: {phrasing.escaped(path)}: {phrasing.for_terminal(reason)}")
    if report.stopped:
        return _stopped(f"the captions of {phrasing.count(report.videos, 'video')} are in the index")
    return SOME_FAILED if failed else OK


def _import_archive(plan: p.Import, as_json: bool) -> int:
    with _open(plan.place) as archive:
        report = archive.import_archive(plan.captions, wait_s=plan.wait_s, on_wait=_waiting)
    if as_json:
        output.out_json(asdict(report))
        return OK
    output.out(f"imported in {phrasing.duration_text(report.seconds)}: {_rows_text(report) or 'nothing new'}")
    for line in report.left_out:
        output.note(f"lvqa: left out: {phrasing.for_terminal(line)}")
    return OK


def _export(plan: p.Export, as_json: bool) -> int:
    with _open(plan.place) as archive:
        report = archive.export(plan.out, videos=plan.videos)
    if as_json:
        output.out_json(asdict(report))
    else:
        rows = _rows_text(report) or "nothing"
        output.out(f"exported to {phrasing.escaped(report.folder)}: {rows}, {phrasing.size_text(report.bytes)}")
    return OK


def _backup(plan: p.Backup, as_json: bool) -> int:
    with _open(plan.place) as archive:
        report = archive.backup(plan.out)
    if as_json:
        output.out_json(asdict(report))
    else:
        output.out(
            f"copied to {phrasing.escaped(report.folder)}: {', '.join(report.files)}, "
            f"{phrasing.size_text(report.bytes)}; it serves as --archive DIR"
        )
    return OK


def _rows_text(report: ExportReport | MergeReport) -> str:
    named = [(report.videos, "video"), (report.clips, "clip"), (report.notes, "note")]
    named += [(report.embeddings, "embedding"), (report.frames, "frame")]
    return ", ".join(phrasing.count(number, noun) for number, noun in named if number)


def _ask(plan: p.Ask, as_json: bool) -> int:
    from lvqa.agents.stop import Stop, until_answered, was_stopped

    told = (lambda step: output.note(output.step_line(step))) if plan.steps else None
    with _open(plan.place) as archive:
        if plan.dry_run:
            expected = archive.estimate(plan.question)
            return _estimated(expected, as_json)
        ending = Stop()
        events = archive.stream(plan.question, stop=ending)
        for reason in _reasons(archive)[:1]:
            output.note(reason)
        answer = until_answered(events, ending, told)
    stopped = was_stopped(answer)
    if stopped:
        output.note("lvqa: stopped: answered from what was found so far")
    if plan.plot is not None and isinstance(answer, ArchivedAnswer):
        drawn = answer.plot(plan.plot)
        for path in drawn:
            output.note(f"lvqa: drawn: {phrasing.escaped(str(path))}")
        if not drawn:
            output.note("lvqa: nothing was searched for in the videos, so there is nothing to draw")
    if as_json:
        steps = {"steps": [step.to_dict() for step in answer.steps]} if plan.steps else {}
        output.out_json(answer.to_dict() | steps)
    else:
        for line in output.answer_lines(answer, answer.currency if isinstance(answer, ArchivedAnswer) else ""):
            output.out(line)
    return STOPPED if stopped else OK


def _estimated(expected: Estimate, as_json: bool) -> int:
    """Print what an answer would take."""
    if as_json:
        output.out_json(expected.to_dict())
    else:
        for line in output.estimate_lines(expected):
            output.out(line)
    return OK


def _chat(plan: p.Converse, as_json: bool) -> int:
    from lvqa.cli import chat

    with _open(plan.place) as archive:
        if plan.list_all:
            return chat.list_all(archive, as_json)
        if plan.forget is not None:
            return chat.forget(archive, plan.forget, as_json)
        return chat.converse(archive, plan, as_json, lambda: _reasons(archive)[:1])


def _check(plan: p.CheckIndex, as_json: bool) -> int:
    with _open(plan.place) as archive:
        report = archive.check(repair=plan.repair)
    if as_json:
        output.out_json(report.to_dict())
    else:
        for line in report.lines():
            output.out(phrasing.for_terminal(line, 1000))
    return OK if report.complete else SOME_FAILED if report.sound else ERROR


def _search(plan: p.Search, as_json: bool) -> int:
    with _open(plan.place) as archive:
        hits = archive.search(plan.query, plan.k, videos=plan.videos, between=plan.between, sources=plan.sources)
    if as_json:
        output.out_json([hit.to_dict() for hit in hits])
        return OK
    if not hits:
        output.note("lvqa: nothing relevant found")
    for line in output.moments((hit.video, hit.span, hit.note.text, hit.note.source) for hit in hits):
        output.out(line.removeprefix("  "))
    return OK


def _find(plan: p.Find, as_json: bool) -> int:
    with _open(plan.place) as archive:
        sights = archive.find(
            plan.what, plan.k, cues=plan.cues, videos=plan.videos, between=plan.between, seed=plan.seed
        )
    pictures = output.thumbnails(sights, Path(plan.thumbnails)) if plan.thumbnails is not None else {}
    plots = [str(path) for path in sights.plot(plan.plot)] if plan.plot is not None else []
    if as_json:
        searches = [{"video": video, **found.trace.to_dict()} for video, found in sights.searches]
        rows = [
            sight.to_dict() | ({"thumbnail": pictures[n]} if n in pictures else {}) for n, sight in enumerate(sights)
        ]
        cost = {"frames": sights.frames, "seconds": round(sights.seconds, 3)}
        output.out_json({"sights": rows, **cost, "searches": searches, "plots": plots})
        for trouble in sights.troubles:
            output.note(f"lvqa: {phrasing.for_terminal(trouble)}")
        return OK
    if not any(sight.seen for sight in sights):
        output.note("lvqa: it was not seen" + ("; where it is most likely:" if sights else ""))
    for trouble in sights.troubles:
        output.note(f"lvqa: {phrasing.for_terminal(trouble)}")
    for line in output.sight_lines(sights, pictures):
        output.out(line)
    output.out(f"cost: {sights.summary()}")
    for path in plots:
        output.note(f"lvqa: drawn: {phrasing.escaped(path)}")
    return OK


def _videos(plan: p.Videos, as_json: bool) -> int:
    with _open(plan.place) as archive, archive.store.snapshot():
        videos = archive.videos()
        failures = archive.status()["failures"]
        summaries = archive.summaries() if as_json else {}
    if as_json:
        output.out_json([{**_video_dict(video), "summary": summaries.get(video.path, "")} for video in videos])
        return OK
    for line in output.table((_video_row(video) for video in videos), indent=""):
        output.out(line)
    for failure in failures:
        output.note(f"lvqa: {phrasing.escaped(failure['video'])}: failed: {phrasing.for_terminal(failure['reason'])}")
    return OK


def _show(plan: p.Show, as_json: bool) -> int:
    with _open(plan.place) as archive:
        report = archive.show(plan.video)
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
            }
        )
        return OK
    for line in output.table([_video_row(report.video)], indent=""):
        output.out(line)
    if report.summary is not None:
        output.out(f"  {phrasing.for_terminal(report.summary.text)}")
    # A single segment says what the video's summary says.
    segments = report.segments if len(report.segments) > 1 else ()
    rows = ((phrasing.span_text(n.span), "[segment]", phrasing.for_terminal(n.text)) for n in segments)
    for line in output.table(rows):
        output.out(line)
    rows = ((phrasing.span_text(n.span), f"[{n.source}]", phrasing.for_terminal(n.text)) for n in report.notes)
    for line in output.table(rows):
        output.out(line)
    return OK


def _status(plan: p.Status, as_json: bool) -> int:
    with _open(plan.place) as archive:
        status = archive.status()
    if as_json:
        output.out_json(status)
        return OK
    videos = status["videos"]
    sources = ", ".join(f"{number} {source}" for source, number in status["sources"].items() if number)
    rows = [
        ("videos", f"{videos['indexed']} indexed, {videos['failed']} failed, {videos['pending']} pending"),
        ("clips", str(status["clips"])),
        ("segments", str(status["segments"])),
        ("notes", f"{status['notes']}{f' ({sources})' if sources else ''}"),
        ("embeddings", f"{status['embeddings']} of notes, {status['frames']} of frames"),
        ("models", ", ".join(status["models"]) or "none"),
        ("size", phrasing.size_text(status["bytes"])),
    ]
    if digest := status["digest"]:
        late = " (of videos that have changed since: index again)" if digest["stale"] else ""
        rows.append(("digest", f"{phrasing.for_terminal(digest['text'])}{late}"))
    if run := status["run"]:
        rows.insert(0, ("running", output.run_line(run)))
    for line in output.table(rows, indent=""):
        output.out(line)
    for failure in status["failures"]:
        output.out(f"failed      {phrasing.escaped(failure['video'])}: {phrasing.for_terminal(failure['reason'])}")
    return OK


def _remove(plan: p.Remove, as_json: bool) -> int:
    with _open(plan.place) as archive:
        removed = archive.remove(plan.video, wait_s=plan.wait_s, on_wait=_waiting)
    if as_json:
        output.out_json(asdict(removed))
    else:
        output.out(
            f"removed {phrasing.escaped(plan.video)}: {phrasing.count(removed.clips, 'clip')}, "
            f"{phrasing.count(removed.notes, 'note')}; its file stays, and `lvqa index` takes it in again"
        )
    return OK


def _models(plan: p.ListModels, as_json: bool) -> int:
    from lvqa.models.profiles import describe

    rows = describe(checked_settings(plan.settings))
    if as_json:
        output.out_json([asdict(row) for row in rows])
        return OK
    lines = output.table(
        (
            row.profile,
            row.role,
            row.spec,
            "off" if row.spec == "none" else "there" if row.available else "missing",
            phrasing.size_text(row.bytes) if row.bytes is not None else "",
            (row.where if row.available else row.hint) if row.spec != "none" else "",
        )
        for row in rows
    )
    for line in lines:
        output.out(line.removeprefix("  "))
    return OK


def _demo(plan: p.Demo, as_json: bool) -> int:
    from lvqa import demo

    with progress_bar() as progress:
        report = demo.run(Path(plan.folder or "demo"), progress=progress, say=_quiet if as_json else output.out)
    if as_json:
        output.out_json(report.to_dict())
    return OK if report.passed else ERROR


def _open(place: p.ArchivePlace) -> Archive:
    checked_settings(place.settings)  # before they mix with the arguments that are no settings
    return Archive(place.folder, archive_dir=place.archive_dir, **place.settings)


def _reasons(archive: Archive) -> list[str]:
    """What the `auto` profile chose, and why."""
    if archive.settings.profile != "auto":
        return []
    return [f"lvqa: {phrasing.for_terminal(reason)}" for reason in archive.models.reasons]


def _waiting(holder: str) -> None:
    output.note(
        f"lvqa: waiting for {phrasing.for_terminal(holder)}, which is writing to this index; Ctrl-C ends the wait"
    )


def _quiet(line: str) -> None:
    pass


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
    }


def _video_row(video: Video) -> tuple[str, ...]:
    size = f"{video.width}x{video.height}" if video.width else "no file"
    sound = "sound" if video.has_audio else ""
    return video.path, phrasing.duration_text(video.duration_s), size, video.codec, sound


def _summaries_dict(counts: dict[str, Any]) -> dict[str, Any]:
    return {**counts, "failed": [{"video": path, "reason": reason} for path, reason in counts["failed"]]}


def _note_dict(note: Note) -> dict[str, Any]:
    return {
        "start_s": round(note.span.start_s, 3),
        "end_s": round(note.span.end_s, 3),
        "text": note.text,
        "source": note.source,
        "model": note.model,
    }


_COMMANDS: dict[type, Callable[[Any, bool], int]] = {
    p.Index: _index,
    p.Import: _import,
    p.Export: _export,
    p.Backup: _backup,
    p.Ask: _ask,
    p.Converse: _chat,
    p.Search: _search,
    p.Videos: _videos,
    p.Show: _show,
    p.Status: _status,
    p.Remove: _remove,
    p.CheckIndex: _check,
    p.ListModels: _models,
    p.Demo: _demo,
    p.Find: _find,
    **EVALS,
}
