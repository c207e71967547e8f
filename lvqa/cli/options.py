"""Options that several commands share, in one place.

Knows typer and the names of settings, agents and tasks; tests hold them against `lvqa.settings.Settings` and the like,
which are not imported here because `lvqa --help` is to be quick.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Annotated, Any, TypeVar

import typer

from lvqa.cli.plan import parse_assignments

T = TypeVar("T")

PROFILES = ("auto", "gpu", "cpu", "text")
SEARCHERS = ("lvqa", "uniform", "tstar", "bolt", "aks", "qframe", "maxinfo", "videotree", "gens")
SOURCES = ("caption", "speech", "screen", "summary", "imported", "seen")
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
        autocompletion=lambda incomplete: [name for name in SEARCHERS if name.startswith(incomplete)],
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
        autocompletion=lambda incomplete: [name for name in AGENTS if name.startswith(incomplete)],
        help=f"What answers: {', '.join(AGENTS)}.",
    ),
]
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
    "device": ("DEVICE", "auto, cpu, cuda, cuda:1 or mps."),
}


def _profiles(incomplete: str) -> list[str]:
    return [name for name in PROFILES if name.startswith(incomplete)]


def complete_source(incomplete: str) -> list[str]:
    """The kinds of notes that begin so."""
    return [name for name in SOURCES if name.startswith(incomplete)]


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
                    autocompletion=_profiles if name == "profile" else None,
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
    def wrapper(*args: Any, **given: Any) -> T:
        named = {name: given.pop(name) for name in MODEL_OPTIONS}
        settings: dict[str, Any] = dict(parse_assignments(given.pop("assign") or ()))
        settings |= {name: value for name, value in named.items() if value is not None}
        return command(*args, settings=settings, **given)

    signature = inspect.signature(command, eval_str=True)
    own = [
        p.replace(kind=inspect.Parameter.KEYWORD_ONLY) for p in signature.parameters.values() if p.name != "settings"
    ]
    parameters = [*own, *extra]
    wrapper.__signature__ = signature.replace(parameters=parameters)  # type: ignore[attr-defined]
    wrapper.__annotations__ = {p.name: p.annotation for p in parameters}
    return wrapper
