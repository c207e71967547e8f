"""`lvqa eval TASK`: a task's videos are indexed, agents and controls are asked, their answers scored.

Everything lies below one folder: `index/`, `results.jsonl` (a line an answer), `report.md`, `report.png`. A run that
was cut off goes on: what stands is kept while the task, its data, the settings, the models and the program are the
same; else the old answers are kept in a file of their own. Knows no task by name and no command line.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import lvqa
from lvqa.agents.baselines.presets import check_agent
from lvqa.archive.archive import Archive
from lvqa.errors import UsageError
from lvqa.eval.folder import claim
from lvqa.eval.runner import controls as c
from lvqa.eval.runner import place, report
from lvqa.eval.runner.asking import AskedSystem, ask_all, by_agent
from lvqa.eval.runner.outcome import TaskOutcome
from lvqa.eval.runner.rows import AnswerRow, Results
from lvqa.eval.runner.score import gain, summarise
from lvqa.eval.runner.task import chosen, sources_of
from lvqa.eval.tasks.base import TaskData, TaskQuestion
from lvqa.eval.tasks.registry import Task
from lvqa.eval.tasks.subtitles import lay_out

if TYPE_CHECKING:
    from lvqa.indexers import Progress
    from lvqa.models.profiles import Models


# Where videos stand beside their subtitles, as links.
_LAID_OUT = "with-subtitles"


def run(
    task: Task,
    data: TaskData,
    folder: Path,
    *,
    agent: str | None = None,
    compare: str | None = None,
    limit: int | None = None,
    seed: int = 0,
    workers: int = 1,
    controls: Sequence[str] = (),
    settings: Mapping[str, Any] | None = None,
    models: Models | None = None,
    source: Path | None = None,
    reports: bool = True,
    progress: Progress | None = None,
    say: Callable[[str], None] | None = None,
) -> TaskOutcome:
    """Put an agent to a task.

    Args:
        task: names, prompt, version and scorer.
        data: its questions, with footage or captions.
        folder: where all goes; made where it is missing; holds nothing but earlier runs of the task.
        agent: a name of `lvqa.agents.baselines.presets.AGENTS`; the setting `agent` unless given.
        compare: another agent, asked the same questions.
        limit: at most so many questions, drawn by the seed; the same for all that is asked.
        seed: of the draw, the agents and the shuffled options.
        workers: questions asked at the same time.
        controls: names of `lvqa.eval.runner.controls.CONTROLS`; the cheap ones run anyway.
        settings: of the archive, as `Archive` takes them.
        models: in place of those that the settings name, ready-made.
        source: the data folder, for the record.
        reports: write `report.md` and its chart; not for a sample, which would take the place of a whole run's.
        progress: told how far indexing and asking are.
        say: told what is going on, a line each.

    Raises:
        UsageError: names or figures that make no sense, or a folder that holds something else; whatever the first
            questions fail with, where none is answered; ModelNotFound, StoreError.
    """
    tell = say or (lambda line: None)
    if workers < 1:
        raise UsageError(f"one worker is the least, got {workers}")
    named = c.check_controls(controls)
    asked = chosen(task, data, limit, seed)
    for name in (agent, compare):
        if name is not None:
            check_agent(name)
    claim(folder, place.MARK, task.name)
    data = lay_out(data, folder / _LAID_OUT)
    seconds: dict[str, float] = {}
    with place.open_archive(data, folder, settings or {}, models) as archive:
        first = check_agent(agent if agent is not None else archive.settings.agent)
        if compare == first:
            raise UsageError(f"--compare names the agent itself, {first}; name another")
        agents = [first] if compare is None else [first, compare]
        with _timed(seconds, "index"):
            missing = place.fill(archive, data, asked, progress=progress, say=tell)
        archive = archive.twin()
        with _timed(seconds, "controls"):
            cheap = c.baselines(asked, archive.models.embedder)
        header = _header(task, data, archive, agents, seed, source)
        path = folder / place.RESULTS
        with archive, Results(path, place.fingerprint(task, data, archive, seed), header, keep=True) as results:
            if results.kept is not None:
                tell(f"{results.dropped} answers of other data, settings, models or program are kept in {results.kept}")
            systems = _systems(task, agents, named, archive, seed)
            if c.BLIND in named and archive.models.chat is None and archive.models.embedder is None:
                raise UsageError("--control blind needs a chat model or a text embedder; name one, or leave it out")
            for system in systems:
                with _timed(seconds, system.name):
                    ask_all(
                        system,
                        asked,
                        archive,
                        results,
                        seed=seed,
                        workers=workers,
                        missing=missing,
                        progress=progress,
                        say=tell,
                    )
            rows = {system.name: results.of(system.name, [question.id for question in asked]) for system in systems}
        specs: dict[str, str] = {role: spec for role, spec in archive.models.specs.items() if spec != "none"}
    outcome = _outcome(task, data, folder, asked, agents, seed, rows, cheap, specs, seconds)
    if reports:
        report.write(outcome)
    return outcome


def _systems(task: Task, agents: Sequence[str], named: Sequence[str], archive: Archive, seed: int) -> list[AskedSystem]:
    made = []
    for agent in agents:
        ask = by_agent(agent, seed, sources_of(task))
        made.append(AskedSystem(agent, ask, agent))
        if c.SHUFFLED in named:
            made.append(AskedSystem(c.shuffled_name(agent), ask, agent, lambda question: c.other_order(question, seed)))
    chat = archive.models.chat if c.BLIND in named else None
    if chat is not None:
        made.append(
            AskedSystem(c.BLIND_CHAT, lambda archive, question, order: c.ask_blind(question, chat, archive.settings))
        )
    return made


def _outcome(
    task: Task,
    data: TaskData,
    folder: Path,
    asked: Sequence[TaskQuestion],
    agents: Sequence[str],
    seed: int,
    rows: Mapping[str, list[AnswerRow]],
    cheap: tuple[c.Baseline, ...],
    specs: dict[str, str],
    seconds: dict[str, float],
) -> TaskOutcome:
    types = list(dict.fromkeys(question.type for question in data.questions if question.type))
    pairs = [(agents[0], other) for other in (*agents[1:], c.BLIND_CHAT)]
    pairs += [(agent, c.shuffled_name(agent)) for agent in agents]
    found = (
        gain(_answerable(rows[one]), _answerable(rows[other])) for one, other in pairs if one in rows and other in rows
    )
    same = {
        agent: mean
        for agent in agents
        if (mean := c.same_choice(rows[agent], rows.get(c.shuffled_name(agent), []))) is not None
    }
    random = next(one for one in cheap if one.name == c.RANDOM)
    videos = {question.video for question in asked if question.video}
    return TaskOutcome(
        folder,
        task.name,
        task.title,
        str(task.version),
        task.scorer,
        agents[0],
        seed,
        len(asked),
        len(videos),
        random.accuracy.value if random.accuracy is not None else 0.0,
        tuple(summarise(name, mine, types) for name, mine in rows.items()),
        cheap,
        tuple(one for one in found if one is not None),
        same,
        tuple(_failures(rows)),
        (*data.notes, *_unscored(asked)),
        specs,
        seconds,
    )


def _answerable(rows: Sequence[AnswerRow]) -> list[AnswerRow]:
    return [row for row in rows if not row.unanswerable]


def _failures(rows: Mapping[str, Sequence[AnswerRow]]) -> Iterator[tuple[str, str, int, str]]:
    for system, mine in rows.items():
        counts: Counter[str] = Counter()
        first: dict[str, str] = {}
        for row in mine:
            reason = row.error.partition(" (after ")[0]
            if row.unparsed:
                reason = f"a reply could not be read, in: {row.unparsed}"
                reason += " (it abstained, which counts as wrong)" if row.abstained else " (it answered nonetheless)"
            if reason:
                counts[reason] += 1
                first.setdefault(reason, row.id)
        for reason, n in counts.most_common():
            yield system, reason, n, first[reason]


def _unscored(asked: Sequence[TaskQuestion]) -> list[str]:
    n = sum(question.choice is None for question in asked)
    return [f"{n} of the questions asked have no public answer: their answers stand in {place.RESULTS}"] if n else []


def _header(
    task: Task, data: TaskData, archive: Archive, agents: Sequence[str], seed: int, source: Path | None
) -> dict[str, Any]:
    """What, beside its line, is needed to ask a question again."""
    return {
        "lvqa": lvqa.__version__,
        "task": task.name,
        "version": str(task.version),
        "prompt": task.prompt,
        "sources": sources_of(task),
        "data": str(source.absolute()) if source is not None else None,
        "footage": str(archive.folder),
        "captions": str(data.captions) if data.captions is not None else None,
        "index": str(archive.index_dir.absolute()),
        "settings": archive.settings.model_dump(mode="json"),
        "models": dict(archive.models.specs),
        "agents": list(agents),
        "seed": seed,
    }


@contextmanager
def _timed(into: dict[str, float], name: str) -> Iterator[None]:
    began = time.monotonic()
    try:
        yield
    finally:
        into[name] = time.monotonic() - began
