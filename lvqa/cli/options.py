"""Options that several commands share, in one place, and how what is typed for them is read.

Knows typer and the names of settings, agents and tasks; tests hold them against `lvqa.settings.Settings` and the like,
which are not imported here because `lvqa --help` is to be quick.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Sequence
from typing import Annotated, Any, TypeVar

import typer

from lvqa.errors import UsageError
from lvqa.types import Span, parse_time

T = TypeVar("T")

PROFILES = ("auto", "gpu", "cpu", "text")
SEARCHERS = ("lvqa", "uniform", "tstar", "bolt", "aks", "qframe", "maxinfo", "videotree", "gens")
SOURCES = ("caption", "speech", "screen", "summary", "imported", "seen", "signs")
AGENTS = ("lvqa", "llovi", "videoagent", "videotree", "uniform")
CONTROLS = ("random", "longest", "shortest", "second-shortest", "blind", "shuffled")
TASKS = {
    "egoschema": "EgoSchema",
    "nextqa": "NExT-QA",
    "nextgqa": "NExT-GQA",
    "intentqa": "IntentQA",
    "videomme": "Video-MME",
    "videomme-subs": "Video-MME with subtitles",
    "longvideobench": "LongVideoBench",
    "mlvu": "MLVU",
    "lvbench": "LVBench",
    "hourvideo": "HourVideo",
    "lv-haystack": "LV-Haystack",
}


def completes(names: Sequence[str]) -> Callable[[str], list[str]]:
    """What a shell asks for completions: those of the names that begin with what is typed."""
    return lambda incomplete: [name for name in names if name.startswith(incomplete)]


Folder = Annotated[str, typer.Argument(metavar="FOLDER", help="The folder that holds the videos.")]
ArchiveDir = Annotated[
    str | None,
    typer.Option("--archive", metavar="DIR", help="Folder of the index, instead of FOLDER/.lvqa."),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON to stdout.")]
Searcher = Annotated[
    str | None,
    typer.Option(
        "--searcher",
        metavar="NAME",
        autocompletion=completes(SEARCHERS),
        help=f"What chooses frames: {', '.join(SEARCHERS)}.",
    ),
]
Plot = Annotated[
    str | None, typer.Option("--plot", metavar="FILE", help="Draw what was looked at in each video, as PNG.")
]
Agent = Annotated[
    str | None,
    typer.Option(
        "--agent",
        metavar="NAME",
        autocompletion=completes(AGENTS),
        help=f"What answers: {', '.join(AGENTS)}.",
    ),
]
Steps = Annotated[bool, typer.Option("--steps", help="Show each step on stderr as it happens.")]
Seed = Annotated[int, typer.Option("--seed", help="The same seed gives the same answer.")]
BudgetFrames = Annotated[int | None, typer.Option("--budget-frames", min=0, help="Most frames a model may look at.")]
Wait = Annotated[
    float,
    typer.Option(
        "--wait",
        metavar="[SECONDS]",
        min=0,
        show_default=False,
        help="Where another process is writing to the index, wait so long; without a number, as long as it takes.",
    ),
]
Think = Annotated[
    bool, typer.Option("--think", help="Let a chat model that can think do so before it plans and answers.")
]
NewFolder = Annotated[str, typer.Argument(metavar="OUT", help="A folder that is not there yet.")]
VideoName = Annotated[str, typer.Argument(metavar="VIDEO", help="A video's path in the folder, file name or id.")]
OnlyVideos = Annotated[
    list[str] | None,
    typer.Option("--video", metavar="VIDEO", help="Only this video, or those that a pattern fits; repeatable."),
]
Between = Annotated[
    str | None,
    typer.Option("--between", metavar="A-B", help="Only this stretch of each video, such as 10:00-12:30."),
]

# setting -> (metavar, help)
MODEL_OPTIONS = {
    "profile": ("PROFILE", f"Models for all roles at once: {', '.join(PROFILES)}."),
    "vision": ("SPEC", "The model that looks at frames."),
    "chat": ("SPEC", "The model that reasons."),
    "embedder": ("SPEC", "The model that embeds texts."),
    "image_embedder": ("SPEC", "The model that embeds frames."),
    "detector": ("SPEC", "The model that finds named things in frames."),
    "ocr": ("SPEC", "The reader of text on the screen."),
    "asr": ("SPEC", "The transcriber of speech."),
    "model_id": ("NAME", "What a served model is, where the server's own name for it says nothing."),
    "device": ("DEVICE", "auto, cpu, cuda, cuda:1 or mps; cuda:0,cuda:1: an hf: vision model on each."),
}


def takes_settings(command: Callable[..., T]) -> Callable[..., T]:
    """Give a command --profile, an option for each role, and --set; it receives them as one mapping, `settings`."""
    extra = [
        inspect.Parameter(
            name,
            inspect.Parameter.KEYWORD_ONLY,
            default=None,
            annotation=Annotated[
                str | None,
                typer.Option(
                    f"--{name.replace('_', '-')}",
                    metavar=metavar,
                    help=text,
                    autocompletion=completes(PROFILES) if name == "profile" else None,
                ),
            ],
        )
        for name, (metavar, text) in MODEL_OPTIONS.items()
    ]
    assign = Annotated[
        list[str] | None,
        typer.Option("--set", metavar="NAME=VALUE", help="Any other setting, such as sample_fps=1; repeatable."),
    ]
    extra.append(inspect.Parameter("assign", inspect.Parameter.KEYWORD_ONLY, default=None, annotation=assign))

    @functools.wraps(command)
    def wrapper(*args: Any, **options: Any) -> T:
        named = {name: options.pop(name) for name in MODEL_OPTIONS}
        settings = parse_assignments(options.pop("assign") or ()) | given(**named)
        return command(*args, settings=settings, **options)

    signature = inspect.signature(command, eval_str=True)
    own = [
        p.replace(kind=inspect.Parameter.KEYWORD_ONLY) for p in signature.parameters.values() if p.name != "settings"
    ]
    parameters = [*own, *extra]
    wrapper.__signature__ = signature.replace(parameters=parameters)  # type: ignore[attr-defined]
    wrapper.__annotations__ = {p.name: p.annotation for p in parameters}
    return wrapper


def given(**options: Any) -> dict[str, Any]:
    """Those of the options that were given: that are not None."""
    return {name: value for name, value in options.items() if value is not None}


def parse_between(text: str | None) -> Span | None:
    """Read `A-B`, each a time as `parse_time` takes it; None where it was not given. Raises UsageError."""
    if text is None:
        return None
    start, dash, end = text.partition("-")
    try:
        if not dash:
            raise ValueError("two times with a '-' between them are needed")
        return Span(parse_time(start), parse_time(end))
    except ValueError as error:
        raise UsageError(f"--between {text!r}: {error}; write it like 10:00-12:30") from error


def spell_out_wait(arguments: Sequence[str]) -> list[str]:
    """The arguments, with the number that `--wait` may go without: as long as it takes."""
    spelt: list[str] = []
    for number, argument in enumerate(arguments):
        spelt.append(argument)
        if argument == "--wait" and not _is_number(arguments[number + 1 : number + 2]):
            spelt.append("inf")
    return spelt


def _is_number(texts: Sequence[str]) -> bool:
    try:
        return all(float(text) == float(text) for text in texts) and bool(texts)
    except ValueError:
        return False


def parse_assignments(pairs: Sequence[str]) -> dict[str, Any]:
    """Read `name=value` pairs. Raises UsageError for one without a name or an equals sign."""
    settings: dict[str, Any] = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not equals or not name.strip():
            raise UsageError(f"--set {pair!r}: write it like --set sample_fps=1")
        settings[name.strip().replace("-", "_")] = value
    return settings
