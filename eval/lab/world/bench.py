"""The world's benchmark: a world is rendered, indexed with the tiny models, and asked about by agent and controls.

Everything lies below one folder: `videos/` (the world), `index/`, `results.jsonl` (a line an answer), `report.md`,
`report.png`. A run that was cut off goes on: what stands is kept while the world, the settings and the program are the
same. Knows no drawing and no command line.
"""

from __future__ import annotations

import hashlib
import json
import math
import random
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from lvqa.agents.baselines.presets import AGENTS
from lvqa.archive.archive import Archive
from lvqa.errors import LvqaError, ModelError, UsageError
from lvqa.eval.folder import claim, code_hash
from lvqa.eval.lab.tiny.models import open_archive
from lvqa.eval.lab.world import report, systems
from lvqa.eval.lab.world.build import WorldSet, build
from lvqa.eval.lab.world.outcome import WorldOutcome
from lvqa.eval.lab.world.questions.blind import Blind, train
from lvqa.eval.lab.world.questions.make import TYPES, WorldQuestion, ask
from lvqa.eval.lab.world.scenes.make import make_videos
from lvqa.eval.runner.rows import AnswerRow, Results
from lvqa.eval.runner.score import Gain, gain, summarise
from lvqa.types import Answer

if TYPE_CHECKING:
    from lvqa.indexers import Progress
    from lvqa.models.profiles import Models

BLIND, RANDOM = "blind", "random"
SYSTEMS = (*systems.NAMES, BLIND, RANDOM)
# Errors are clustered by video, so there are several however long they are.
VIDEOS = 6
# The blind control learns from these worlds' questions; none of them is one's own seed.
_SCHOOL = tuple(range(900_001, 900_009))
_SCHOOL_MINUTES = 60.0
_MARK = ".lvqa-eval-world"


def run(
    folder: Path,
    *,
    minutes: float = 60.0,
    seed: int = 0,
    questions: int = 200,
    videos: int | None = None,
    only: Sequence[str] = (),
    models: Models | None = None,
    progress: Progress | None = None,
    say: Callable[[str], None] | None = None,
) -> WorldOutcome:
    """Measure the agent and its controls on one world.

    Args:
        folder: made where it is missing; holds nothing but earlier runs.
        minutes: the length of all videos together.
        seed: decides the world and its questions.
        questions: at most so many are asked, about as many of each type.
        videos: how many, of equal length; six when not given, fewer where they would be shorter than half a minute.
        only: the systems to ask, by name; all unless given. What others answered before is reported too.
        models: in place of the tiny ones, ready-made.
        progress: told how far indexing is.
        say: told what is going on, a line each.

    Raises:
        UsageError: figures that make no sense, or a folder that holds something else; ModelNotFound, StoreError.
    """
    if questions < 1:
        raise UsageError("ask at least one question: --questions 1")
    unknown = [name for name in only if name not in SYSTEMS]
    if unknown:
        raise UsageError(f"there is no system {', '.join(unknown)}; there are: {', '.join(SYSTEMS)}")
    asking = [name for name in SYSTEMS if not only or name in only]
    tell = say or (lambda line: None)
    claim(folder, _MARK)
    seconds: dict[str, float] = {}
    with _timed(seconds, "render"):
        n = videos if videos is not None else _videos(minutes)
        tell(f"rendering {minutes:g} minutes of the world, seed {seed}, as {n} videos")
        world = build(folder / "videos", minutes, seed, videos=n, on_video=lambda name: tell(f"  {name}"))
    # Types take turns in their order, so the first ones are about as many of each.
    asked = world.questions[:questions]
    blind = train([q for other in _SCHOOL if other != seed for q in _school(other)])
    with open_archive(world.folder, folder / "index", models=models) as archive:
        with _timed(seconds, "index"):
            tell("indexing")
            done = archive.index(progress=progress)
            if done.failed:
                raise LvqaError(f"{done.failed[0][0]} cannot be indexed: {done.failed[0][1]}")
        with Results(folder / "results.jsonl", _fingerprint(archive, world)) as results:
            if results.dropped:
                tell(f"{results.dropped} answers of another world, program or setting are asked anew")
            for system in asking:
                with _timed(seconds, system):
                    _ask_all(system, asked, archive, world, blind, results, tell)
            stand = {system: results.of(system, [question.id for question in asked]) for system in SYSTEMS}
            rows = {name: mine for name, mine in stand.items() if len(mine) == len(asked)}
        notes = {"models": {k: v for k, v in archive.models.specs.items() if v != "none"}, "frames": _budget(archive)}
    outcome = WorldOutcome(
        folder,
        world,
        len(asked),
        blind.name,
        tuple(summarise(system, mine, TYPES) for system, mine in rows.items()),
        tuple(_gains(rows)),
        seconds,
        notes,
    )
    report.write(outcome)
    return outcome


def _ask_all(
    system: str,
    questions: Sequence[WorldQuestion],
    archive: Archive,
    world: WorldSet,
    blind: Blind,
    results: Results,
    tell: Callable[[str], None],
) -> None:
    open_ = [question for question in questions if (system, question.id) not in results.done]
    if not open_:
        return
    tell(f"asking {system}: {len(open_)} questions" + (", the others stand" if len(open_) < len(questions) else ""))
    asker = systems.Systems(archive, world) if system in systems.NAMES else None
    for question in open_:
        began = time.monotonic()
        try:
            if asker is not None:
                answer = asker.ask(system, question)
            else:
                answer = blind.ask(question) if system == BLIND else guess(question)
            results.add(AnswerRow.of(system, question.as_task(), answer, event=question.event))
        except UsageError:
            raise
        except LvqaError as error:
            if isinstance(error, ModelError) and not results.of(system, [question.id for question in questions]):
                raise  # a model that fails at the first question fails at all of them
            reason = f"{error} (after {time.monotonic() - began:.1f} s)"
            results.add(AnswerRow.failed(system, question.as_task(), reason, event=question.event))


def guess(question: WorldQuestion) -> Answer:
    """An option at random, the same each time."""
    digest = hashlib.sha256(f"{question.id}:{question.options_question}".encode()).digest()
    choice = random.Random(digest).randrange(len(question.options))
    return Answer(question.options[choice], choice, 1 / len(question.options))


def _gains(rows: dict[str, list[AnswerRow]]) -> list[tuple[str, Gain]]:
    found = []
    for on in ("events", "all"):
        for other in AGENTS[1:]:
            mine, theirs = (
                [r for r in rows.get(name, ()) if not r.unanswerable and (r.event or on == "all")]
                for name in (systems.LVQA, other)
            )
            one = gain(mine, theirs)
            if one is not None:
                found.append((on, one))
    return found


def _videos(minutes: float) -> int:
    """Six, but none shorter than half a minute."""
    return max(1, min(VIDEOS, int(2 * minutes))) if math.isfinite(minutes) else 1


def _school(seed: int) -> tuple[WorldQuestion, ...]:
    return ask(make_videos(_SCHOOL_MINUTES, seed, VIDEOS), seed)


def _budget(archive: Archive) -> int:
    return min(archive.settings.budget_frames, archive.settings.budget_vlm_calls)


def _fingerprint(archive: Archive, world: WorldSet) -> str:
    """What the answers depend on: the world, the settings, the models' files, lvqa's own code."""
    parts = [
        json.dumps([world.minutes, world.seed, len(world.videos)]),
        json.dumps(archive.settings.model_dump(), sort_keys=True, default=str),
        json.dumps(archive.models.specs, sort_keys=True),
    ]
    rooms = (
        "agents",
        "language",
        "recall",
        "temporal",
        "tools",
        "zoom",
        "indexers",
        "prompts",
        "models",
        "eval/lab/tiny",
        "eval/lab/world",
        "eval/lab/wordings",
        "eval/runner",
    )
    return code_hash(rooms, (".py", ".md", ".json", ".safetensors"), "".join(parts).encode())


class _timed:  # noqa: N801
    """Adds the seconds of a part of the run to a table."""

    def __init__(self, into: dict[str, float], name: str) -> None:
        self._into, self._name = into, name

    def __enter__(self) -> None:
        self._began = time.monotonic()

    def __exit__(self, *exc: object) -> None:
        self._into[self._name] = time.monotonic() - self._began
