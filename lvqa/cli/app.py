"""The tree of commands; runs one, and turns errors into one line and an exit status.

Knows typer and where each command lies; the modules of the commands load archives and models only once one is called.
"""

from __future__ import annotations

import contextlib
import functools
import io
import os
import sys
from collections.abc import Callable, Sequence
from typing import Annotated, Any

import typer

from lvqa.cli import chat, contents, evals, maintenance, questions
from lvqa.cli import options as o
from lvqa.cli.shared import BROKEN_PIPE, ERROR, STOPPED, USAGE
from lvqa.errors import LvqaError, UsageError
from lvqa.phrasing import for_terminal
from lvqa.secrets import strike, traceback_text

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


def _add(command: Callable[..., int], group: typer.Typer = app, **how: Any) -> None:
    """Let typer parse the command's arguments, and return the call instead of making it.

    `run` makes it, outside of click, which has ways of its own with Ctrl-C and a closed pipe.
    """

    @group.command(**how)
    @functools.wraps(command)
    def parsed(**given: Any) -> Callable[[], int]:
        return functools.partial(command, **given)


for _command in (
    maintenance.index,
    questions.ask,
    chat.chat,
    questions.search,
    questions.find,
    contents.videos,
    contents.show,
    contents.status,
    maintenance.remove,
    maintenance.check,
):
    _add(_command)
_add(maintenance.check, name="verify", hidden=True)  # its earlier name
_add(maintenance.import_, name="import")
for _command in (maintenance.export, maintenance.backup, contents.models, evals.demo):
    _add(_command)
_add(evals.rerun, eval_app)
for _name, _title in o.TASKS.items():
    _task = o.takes_settings(functools.partial(evals.score, _name))
    _add(_task, eval_app, name=_name, help=f"Score agents and controls on {_title}.")


def run(argv: Sequence[str]) -> int:
    """Run one command line and return its exit status; every error is one line on stderr."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    try:
        call = app(o.spell_out_wait(argv), prog_name="lvqa", standalone_mode=False)
        # Help, --version and completion end with a status instead of a call.
        status = call() if isinstance(call, functools.partial) else int(call or 0)
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
    except (LvqaError, OSError) as error:
        return _fail(ERROR, f"error: {error}")
    except Exception as error:
        # typer carries its own copy of click since 0.2x, so its usage errors are known by what they can do.
        told = getattr(error, "format_message", None)
        if told is not None:
            path = getattr(getattr(error, "ctx", None), "command_path", "lvqa")
            return _fail(USAGE, f"error: {str(told()).rstrip('.')}; see '{path} --help'")
        return _fail(ERROR, f"error: {type(error).__name__}: {error} (a defect; LVQA_DEBUG=1 shows where)")
    return status


def _fail(status: int, line: str) -> int:
    error = sys.exc_info()[1]
    if error is not None and os.environ.get("LVQA_DEBUG", "") not in ("", "0"):
        typer.echo(traceback_text(error), err=True, nl=False)
    typer.echo(f"lvqa: {for_terminal(strike(line))}", err=True)
    return status
