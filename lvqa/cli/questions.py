"""`lvqa ask`, `lvqa search` and `lvqa find`: what is asked of an archive, and prints what it answers."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Annotated, Any

import typer

from lvqa import phrasing
from lvqa.cli import options as o
from lvqa.cli import output
from lvqa.cli.shared import OK, STOPPED, open_archive, reasons
from lvqa.types import Question


@o.takes_settings
def ask(
    folder: o.Folder,
    question: Annotated[str, typer.Argument(metavar="QUESTION", help="A question in plain words.")],
    settings: dict[str, Any],
    option: Annotated[
        list[str] | None, typer.Option("--option", metavar="TEXT", help="A possible answer; give two or more.")
    ] = None,
    video: o.OnlyVideos = None,
    between: o.Between = None,
    steps: o.Steps = False,
    seed: o.Seed = 0,
    budget_frames: o.BudgetFrames = None,
    budget_calls: Annotated[int | None, typer.Option(min=0, help="Most calls of the model that sees.")] = None,
    budget_tokens: Annotated[int | None, typer.Option(min=0, help="Most tokens in and out.")] = None,
    budget_seconds: Annotated[float | None, typer.Option(min=0.001, help="Most seconds.")] = None,
    budget_money: Annotated[
        float | None, typer.Option(min=0, help="Most money, at the prices that are set; 0 is no limit.")
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what the answer would take, and ask no model.")
    ] = False,
    checkpoint: Annotated[
        bool, typer.Option("--checkpoint", help="Keep how far the answer comes, and say by which ID it is resumed.")
    ] = False,
    resume: Annotated[
        str | None,
        typer.Option("--resume", metavar="ID", help="Go on with what was asked with --checkpoint."),
    ] = None,
    agent: o.Agent = None,
    searcher: o.Searcher = None,
    think: o.Think = False,
    plot: o.Plot = None,
    archive_dir: o.ArchiveDir = None,
    as_json: o.AsJson = False,
) -> int:
    """Answer a question, with the intervals that show it. Ctrl-C ends it with the answer so far."""
    from lvqa.agents.stop import Stop, until_answered, was_stopped
    from lvqa.archive.results import ArchivedAnswer

    asked = Question.of(question, option or None, videos=video, between=o.parse_between(between), seed=seed)
    settings |= o.given(
        budget_frames=budget_frames,
        budget_vlm_calls=budget_calls,
        budget_tokens=budget_tokens,
        budget_seconds=budget_seconds,
        budget_money=budget_money,
        agent=agent,
        searcher=searcher,
        think=think or None,
    )
    with open_archive(folder, archive_dir, settings) as archive:
        if dry_run:
            expected = archive.estimate(asked)
            if as_json:
                output.out_json(expected.to_dict())
            else:
                output.out(*output.estimate_lines(expected))
            return OK
        if checkpoint and resume is None:
            with warnings.catch_warnings(record=True) as caught:
                warnings.simplefilter("always", UserWarning)
                resume = archive.checkpoint(asked)
            output.note(*(f"lvqa: {phrasing.for_terminal(str(one.message))}" for one in caught))
        ending = Stop()
        events = archive.stream(asked, stop=ending, resume=resume)
        if resume is not None:
            output.note(f"lvqa: run {phrasing.for_terminal(resume)}; where it is interrupted, --resume goes on with it")
        output.note(*reasons(archive)[:1])
        answer = until_answered(events, ending, output.note_step if steps else None)
    stopped = was_stopped(answer)
    if stopped:
        output.note("lvqa: stopped: answered from what was found so far")
    archived = answer if isinstance(answer, ArchivedAnswer) else None
    if plot is not None and archived is not None:
        drawn = archived.plot(plot)
        output.note(*(f"lvqa: drawn: {phrasing.escaped(str(path))}" for path in drawn))
        if not drawn:
            output.note("lvqa: nothing was searched for in the videos, so there is nothing to draw")
    if as_json:
        output.out_json(output.answer_dict(answer, steps) | ({} if resume is None else {"run": resume}))
    else:
        output.out(*output.answer_lines(answer, archived.currency if archived is not None else ""))
    return STOPPED if stopped else OK


@o.takes_settings
def search(
    folder: o.Folder,
    query: Annotated[str, typer.Argument(metavar="QUERY", help="Words, a sentence, or text seen on the screen.")],
    settings: dict[str, Any],
    k: Annotated[int, typer.Option("-k", min=1, help="Number of results.")] = 10,
    video: o.OnlyVideos = None,
    between: o.Between = None,
    source: Annotated[
        list[str] | None,
        typer.Option(
            "--source",
            metavar="SOURCE",
            autocompletion=o.completes(o.SOURCES),
            help=f"Only notes of this kind: {', '.join(o.SOURCES)}; repeatable.",
        ),
    ] = None,
    every: Annotated[
        bool, typer.Option("--all", help="Every place where the very words stand, by video, kind of note and time.")
    ] = False,
    archive_dir: o.ArchiveDir = None,
    as_json: o.AsJson = False,
) -> int:
    """Find the passages that fit a query best."""
    within = o.parse_between(between)
    with open_archive(folder, archive_dir, settings) as archive:
        if every:
            hits = archive.places(query, videos=video, between=within, sources=source)
        else:
            hits = archive.search(query, k, videos=video, between=within, sources=source)
    if as_json:
        output.out_json([hit.to_dict() for hit in hits])
        return OK
    if hits.did_you_mean:
        output.note(f"lvqa: did you mean {phrasing.for_terminal(hits.did_you_mean)}?")
    if not hits:
        output.note("lvqa: nothing relevant found" if not every else "lvqa: these words stand nowhere")
    rows = ((hit.video, hit.passage if every else hit.span, hit.note.text, hit.note.source) for hit in hits)
    output.out(*output.moments(rows, indent=""))
    return OK


@o.takes_settings
def find(
    folder: o.Folder,
    what: Annotated[str, typer.Argument(metavar="THING", help='What to look for, such as "a red star".')],
    settings: dict[str, Any],
    k: Annotated[int, typer.Option("-k", min=1, help="Most times returned.")] = 10,
    cue: Annotated[
        list[str] | None,
        typer.Option("--cue", metavar="THING", help="What tends to be near it and is easier to spot; repeatable."),
    ] = None,
    video: o.OnlyVideos = None,
    between: o.Between = None,
    budget_frames: o.BudgetFrames = None,
    searcher: o.Searcher = None,
    thumbnails: Annotated[
        str | None, typer.Option("--thumbnails", metavar="DIR", help="Write a small picture of each time there.")
    ] = None,
    plot: o.Plot = None,
    seed: Annotated[int, typer.Option("--seed", help="The same seed finds the same.")] = 0,
    archive_dir: o.ArchiveDir = None,
    as_json: o.AsJson = False,
) -> int:
    """Find when something is to be seen, by looking for it."""
    within = o.parse_between(between)
    settings |= o.given(budget_frames=budget_frames, searcher=searcher)
    with open_archive(folder, archive_dir, settings) as archive:
        sights = archive.find(what, k, cues=cue or (), videos=video, between=within, seed=seed)
    pictures = output.thumbnails(sights, Path(thumbnails)) if thumbnails is not None else {}
    plots = [str(path) for path in sights.plot(plot)] if plot is not None else []
    if not as_json and not any(sight.seen for sight in sights):
        output.note("lvqa: it was not seen" + ("; where it is most likely:" if sights else ""))
    troubles = [f"lvqa: {phrasing.for_terminal(trouble)}" for trouble in sights.troubles]
    if as_json:
        searches = [{"video": video, **found.trace.to_dict()} for video, found in sights.searches]
        rows = [
            sight.to_dict() | ({"thumbnail": pictures[n]} if n in pictures else {}) for n, sight in enumerate(sights)
        ]
        cost = {"frames": sights.frames, "seconds": round(sights.seconds, 3)}
        output.out_json({"sights": rows, **cost, "searches": searches, "plots": plots})
        output.note(*troubles)
        return OK
    output.note(*troubles)
    output.out(*output.sight_lines(sights, pictures), f"cost: {sights.summary()}")
    output.note(*(f"lvqa: drawn: {phrasing.escaped(path)}" for path in plots))
    return OK
