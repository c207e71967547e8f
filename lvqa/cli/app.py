"""Parses the command line into a plan (cli/plan.py), runs it, and turns errors into one line and an exit status.

Knows typer; knows nothing of archives or models, so that `lvqa --help` loads none of them.
"""

from __future__ import annotations

import contextlib
import io
import os
import sys
from collections.abc import Sequence
from typing import Annotated, Any

import typer

from lvqa.cli import options as o
from lvqa.cli import plan as p
from lvqa.errors import LvqaError, UsageError
from lvqa.secrets import strike, traceback_text
from lvqa.types import Question, Span

OK, ERROR, USAGE, SOME_FAILED, STOPPED, BROKEN_PIPE = 0, 1, 2, 3, 130, 141

app = typer.Typer(
    name="lvqa",
    help="Questions about hours of video, answered with the video and the seconds that show it.",
    epilog="Exit status: 0 ok, 1 error, 2 usage, 3 some videos failed. LVQA_DEBUG=1 shows tracebacks.",
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
eval_app = typer.Typer(help="Measure lvqa against known answers.", rich_markup_mode=None)
app.add_typer(eval_app, name="eval")


def _show_version(value: bool) -> None:
    if value:
        import lvqa

        typer.echo(f"lvqa {lvqa.__version__}")
        raise typer.Exit


@app.callback(invoke_without_command=True)
def _root(
    ctx: typer.Context,
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    if ctx.invoked_subcommand is None:
        typer.echo(ctx.get_help())


@eval_app.callback(invoke_without_command=True)
def _eval_root(ctx: typer.Context) -> None:
    if ctx.invoked_subcommand is None:
        typer.echo(ctx.get_help())


@app.command()
@o.takes_settings
def index(
    folder: o.Folder,
    settings: dict[str, Any],
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would be done and why, and change nothing.")
    ] = False,
    wait: o.Wait = 0.0,
    archive: o.ArchiveDir = None,
    as_json: o.AsJson = False,
) -> p.Request:
    """Index the videos below FOLDER, or go on with it. Ctrl-C ends it after the batch under way."""
    return p.Request(p.Index(p.ArchivePlace(folder, archive, settings), wait, dry_run), as_json)


@app.command()
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
    steps: Annotated[bool, typer.Option("--steps", help="Show each step on stderr as it happens.")] = False,
    seed: Annotated[int, typer.Option("--seed", help="The same seed gives the same answer.")] = 0,
    budget_frames: Annotated[int | None, typer.Option(min=0, help="Most frames a model may look at.")] = None,
    budget_calls: Annotated[int | None, typer.Option(min=0, help="Most calls of the model that sees.")] = None,
    budget_tokens: Annotated[int | None, typer.Option(min=0, help="Most tokens in and out.")] = None,
    budget_seconds: Annotated[float | None, typer.Option(min=0.001, help="Most seconds.")] = None,
    budget_money: Annotated[
        float | None, typer.Option(min=0, help="Most money, at the prices that are set; 0 is no limit.")
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what the answer would take, and ask no model.")
    ] = False,
    agent: o.Agent = None,
    searcher: o.Searcher = None,
    plot: o.Plot = None,
    archive: o.ArchiveDir = None,
    as_json: o.AsJson = False,
) -> p.Request:
    """Answer a question, with the intervals that show it. Ctrl-C ends it with the answer so far."""
    budget = {
        "budget_frames": budget_frames,
        "budget_vlm_calls": budget_calls,
        "budget_tokens": budget_tokens,
        "budget_seconds": budget_seconds,
        "budget_money": budget_money,
        "agent": agent,
        "searcher": searcher,
    }
    settings = settings | {name: value for name, value in budget.items() if value is not None}
    return p.Request(
        p.Ask(
            p.ArchivePlace(folder, archive, settings),
            Question.of(question, option or None, videos=video, between=_between(between), seed=seed),
            steps,
            plot,
            dry_run,
        ),
        as_json,
    )


@app.command()
@o.takes_settings
def chat(
    folder: o.Folder,
    settings: dict[str, Any],
    resume: Annotated[str | None, typer.Option("--resume", metavar="ID", help="Go on with this chat.")] = None,
    list_all: Annotated[bool, typer.Option("--list", help="List the chats that were kept, the latest first.")] = False,
    forget: Annotated[str | None, typer.Option("--forget", metavar="ID", help="Delete this chat.")] = None,
    steps: Annotated[bool, typer.Option("--steps", help="Show each step on stderr as it happens.")] = False,
    seed: Annotated[int, typer.Option("--seed", help="The same seed gives the same answer.")] = 0,
    archive: o.ArchiveDir = None,
    as_json: o.AsJson = False,
) -> p.Request:
    """Ask one question after the other, each in a line of stdin.

    A question may refer to the answers before it: "and before that?", "what colour was it?", "and in kitchen.mp4?". An
    empty line ends. With --json every answer is one line.
    """
    if sum((resume is not None, list_all, forget is not None)) > 1:
        raise UsageError("--resume, --list and --forget go alone; give one of them")
    return p.Request(
        p.Converse(p.ArchivePlace(folder, archive, settings), resume, list_all, forget, steps, seed), as_json
    )


@app.command()
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
            autocompletion=o.complete_source,
            help=f"Only notes of this kind: {', '.join(o.SOURCES)}; repeatable.",
        ),
    ] = None,
    archive: o.ArchiveDir = None,
    as_json: o.AsJson = False,
) -> p.Request:
    """Find the passages that fit a query best."""
    return p.Request(
        p.Search(
            p.ArchivePlace(folder, archive, settings),
            query,
            k,
            tuple(video or ()),
            _between(between),
            tuple(source or ()),
        ),
        as_json,
    )


@app.command()
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
    budget_frames: Annotated[int | None, typer.Option(min=0, help="Most frames a model may look at.")] = None,
    searcher: o.Searcher = None,
    thumbnails: Annotated[
        str | None, typer.Option("--thumbnails", metavar="DIR", help="Write a small picture of each time there.")
    ] = None,
    plot: o.Plot = None,
    seed: Annotated[int, typer.Option("--seed", help="The same seed finds the same.")] = 0,
    archive: o.ArchiveDir = None,
    as_json: o.AsJson = False,
) -> p.Request:
    """Find when something is to be seen, by looking for it."""
    given = {"budget_frames": budget_frames, "searcher": searcher}
    settings = settings | {name: value for name, value in given.items() if value is not None}
    return p.Request(
        p.Find(
            p.ArchivePlace(folder, archive, settings),
            what,
            k,
            tuple(cue or ()),
            tuple(video or ()),
            _between(between),
            thumbnails,
            plot,
            seed,
        ),
        as_json,
    )


@app.command()
def videos(folder: o.Folder, archive: o.ArchiveDir = None, as_json: o.AsJson = False) -> p.Request:
    """List the videos of the index, and those that failed."""
    return p.Request(p.Videos(p.ArchivePlace(folder, archive)), as_json)


@app.command()
def show(folder: o.Folder, video: o.VideoName, archive: o.ArchiveDir = None, as_json: o.AsJson = False) -> p.Request:
    """Show all that is known of one video, in time order."""
    return p.Request(p.Show(p.ArchivePlace(folder, archive), video), as_json)


@app.command()
def status(folder: o.Folder, archive: o.ArchiveDir = None, as_json: o.AsJson = False) -> p.Request:
    """Count what is indexed, what failed, and why."""
    return p.Request(p.Status(p.ArchivePlace(folder, archive)), as_json)


@app.command()
def remove(
    folder: o.Folder,
    video: o.VideoName,
    wait: o.Wait = 0.0,
    archive: o.ArchiveDir = None,
    as_json: o.AsJson = False,
) -> p.Request:
    """Take a video out of the index; its file stays."""
    return p.Request(p.Remove(p.ArchivePlace(folder, archive), video, wait), as_json)


@app.command()
def check(
    folder: o.Folder,
    repair: Annotated[bool, typer.Option("--repair", help="Mend what can be mended.")] = False,
    archive: o.ArchiveDir = None,
    as_json: o.AsJson = False,
) -> p.Request:
    """Look through the index for damage and for what is missing.

    Exit status: 0 whole, 1 damaged, 3 undamaged, but there is work left for lvqa index.
    """
    return p.Request(p.CheckIndex(p.ArchivePlace(folder, archive), repair), as_json)


app.command("verify", hidden=True)(check)  # its earlier name


@app.command(name="import")
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
    archive: o.ArchiveDir = None,
    as_json: o.AsJson = False,
) -> p.Request:
    """Take ready-made captions, or an exported index, into the index."""
    return p.Request(p.Import(p.ArchivePlace(folder, archive, settings), captions, wait), as_json)


@app.command()
def export(
    folder: o.Folder,
    out: o.NewFolder,
    video: o.OnlyVideos = None,
    archive: o.ArchiveDir = None,
    as_json: o.AsJson = False,
) -> p.Request:
    """Write the index as JSON Lines and NumPy arrays, to be read or taken in elsewhere."""
    return p.Request(p.Export(p.ArchivePlace(folder, archive), out, tuple(video or ())), as_json)


@app.command()
def backup(folder: o.Folder, out: o.NewFolder, archive: o.ArchiveDir = None, as_json: o.AsJson = False) -> p.Request:
    """Copy the index, also while it is being written; the copy serves as --archive DIR."""
    return p.Request(p.Backup(p.ArchivePlace(folder, archive), out), as_json)


@app.command()
@o.takes_settings
def models(settings: dict[str, Any], as_json: o.AsJson = False) -> p.Request:
    """Show what each profile would load, and where it is."""
    return p.Request(p.ListModels(settings), as_json)


@app.command()
def demo(
    folder: Annotated[
        str | None, typer.Option("--dir", metavar="DIR", help="Where the videos go; ./demo if not given.")
    ] = None,
    footage: Annotated[bool, typer.Option("--footage", hidden=True, help="What the demo does anyway.")] = False,
    as_json: o.AsJson = False,
) -> p.Request:
    """Make videos, index them, ask, and check the answers."""
    return p.Request(p.Demo(folder, footage), as_json)


@eval_app.command()
def rerun(
    folder: Annotated[str, typer.Argument(metavar="DIR", help="The folder of a run of a task.")],
    question: Annotated[str, typer.Argument(metavar="ID", help="The question's id, as results.jsonl has it.")],
    system: Annotated[
        str | None, typer.Option("--system", metavar="NAME", help="Who answers, as results.jsonl has it; the first.")
    ] = None,
    steps: Annotated[bool, typer.Option("--steps", help="Show each step on stderr as it happens.")] = False,
    as_json: o.AsJson = False,
) -> p.Request:
    """Ask one question of a run again, as it was asked."""
    return p.Request(p.EvalRerun(folder, question, system, steps), as_json)


def _add_task(name: str, title: str) -> None:
    @eval_app.command(name=name, help=f"Score agents and controls on {title}.")
    @o.takes_settings
    def task(
        settings: dict[str, Any],
        data: Annotated[str, typer.Option("--data", metavar="DIR", help="The folder of the task's own files.")],
        videos: Annotated[
            str | None, typer.Option("--videos", metavar="DIR", help="The folder of its videos, if another.")
        ] = None,
        agent: o.Agent = None,
        compare: Annotated[
            str | None, typer.Option("--compare", metavar="NAME", help="Another agent, asked the same questions.")
        ] = None,
        control: Annotated[
            list[str] | None,
            typer.Option(
                "--control", metavar="NAME", help=f"Besides the cheap ones: {', '.join(o.CONTROLS[-2:])}; repeatable."
            ),
        ] = None,
        limit: Annotated[
            int | None, typer.Option("--limit", metavar="N", min=1, help="Most questions, drawn by the seed.")
        ] = None,
        estimate: Annotated[bool, typer.Option("--estimate", help="Say what it would take, and ask nothing.")] = False,
        sample: Annotated[
            int, typer.Option("--sample", metavar="N", min=0, help="Questions asked for an estimate by their mean.")
        ] = 0,
        folder: Annotated[
            str | None, typer.Option("--dir", metavar="DIR", help="Where all goes; ./eval-TASK if not given.")
        ] = None,
        seed: Annotated[int, typer.Option("--seed", help="Decides which questions, and in which order.")] = 0,
        workers: Annotated[int, typer.Option("--workers", metavar="N", min=1, help="Questions asked at a time.")] = 1,
        as_json: o.AsJson = False,
    ) -> p.Request:
        named = tuple(control or ())
        sampled = (estimate or sample > 0, sample)
        plan = p.EvalTask(name, data, settings, videos, agent, compare, named, limit, *sampled, folder, seed, workers)
        return p.Request(plan, as_json)


for _name, _title in o.TASKS.items():
    _add_task(_name, _title)


def _between(text: str | None) -> Span | None:
    return p.parse_between(text) if text is not None else None


def run(argv: Sequence[str]) -> int:
    """Run one command line and return its exit status; every error is one line on stderr."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    try:
        request = app(p.spell_out_wait(argv), prog_name="lvqa", standalone_mode=False)
        # Help, --version and completion end with a status instead of a request.
        status = _execute(request) if isinstance(request, p.Request) else int(request or 0)
        sys.stdout.flush()
    except (KeyboardInterrupt, typer.Abort):
        return _fail(STOPPED, "stopped; run again to go on")
    except BrokenPipeError:
        # What is still buffered would raise again when Python flushes stdout at its end.
        with contextlib.suppress(OSError, ValueError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return BROKEN_PIPE
    except UsageError as error:
        return _fail(USAGE, f"error: {error}")
    except LvqaError as error:
        return _fail(ERROR, f"error: {error}")
    except OSError as error:
        return _fail(ERROR, f"error: {error}")
    except Exception as error:
        # typer carries its own copy of click since 0.2x, so its usage errors are known by what they can do.
        told = getattr(error, "format_message", None)
        if told is not None:
            path = getattr(getattr(error, "ctx", None), "command_path", "lvqa")
            return _fail(USAGE, f"error: {str(told()).rstrip('.')}; see '{path} --help'")
        return _fail(ERROR, f"error: {type(error).__name__}: {error} (a defect; LVQA_DEBUG=1 shows where)")
    return status


def _execute(request: p.Request) -> int:
    from lvqa.cli.commands import execute

    return execute(request)


def _fail(status: int, line: str) -> int:
    from lvqa.phrasing import for_terminal

    error = sys.exc_info()[1]
    if error is not None and os.environ.get("LVQA_DEBUG", "") not in ("", "0"):
        typer.echo(traceback_text(error), err=True, nl=False)
    typer.echo(f"lvqa: {for_terminal(strike(line))}", err=True)
    return status
