"""What a run would take, before it is begun: from the budget at most, and from answers that stand already on average.

Looks at files and at an index; loads no model and asks nothing.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lvqa.agents.baselines.presets import check_agent
from lvqa.archive.archive import Archive
from lvqa.errors import MediaError, UsageError
from lvqa.eval.folder import claim
from lvqa.eval.runner import place
from lvqa.eval.runner.rows import AnswerRow, read_results
from lvqa.eval.runner.task import chosen, videos_of
from lvqa.eval.tasks.base import TaskData, TaskQuestion
from lvqa.eval.tasks.registry import Task
from lvqa.phrasing import count
from lvqa.settings import Settings
from lvqa.tools.prices import Prices

if TYPE_CHECKING:
    from lvqa.models.profiles import Models


@dataclass(frozen=True, slots=True)
class AgentEstimate:
    """What an agent takes for the questions that are still to be asked: at most, and as the answers suggest.

    Both map frames, vlm_calls, llm_calls, tokens, hours and money to totals. `most` follows from the budget, None where
    nothing bounds a part. `mean` is None where no answer of the same run stands; it rests on `answered` answers.
    """

    agent: str
    questions: int
    most: Mapping[str, float | None]
    mean: Mapping[str, float] | None
    answered: int

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return {
            "agent": self.agent,
            "questions": self.questions,
            "at_most": {name: None if value is None else round(value, 4) for name, value in self.most.items()},
            "expected": None if self.mean is None else {name: round(value, 4) for name, value in self.mean.items()},
            "answered": self.answered,
        }


@dataclass(frozen=True, slots=True)
class RunEstimate:
    """The size of a run: questions, videos, hours of them, how many hours are not indexed yet, and each agent's cost.

    `unreadable` videos are counted in no hours.
    """

    task: str
    questions: int
    videos: int
    hours: float
    hours_to_index: float
    unreadable: int
    agents: tuple[AgentEstimate, ...]
    notes: tuple[str, ...]
    currency: str = "USD"

    def to_json(self) -> dict[str, Any]:
        """The document that `lvqa eval TASK --estimate --json` prints."""
        return {
            "task": self.task,
            "questions": self.questions,
            "videos": self.videos,
            "hours": round(self.hours, 3),
            "hours_to_index": round(self.hours_to_index, 3),
            "unreadable": self.unreadable,
            "agents": {one.agent: one.to_json() for one in self.agents},
            "notes": list(self.notes),
        }


def estimate(
    task: Task,
    data: TaskData,
    folder: Path,
    *,
    agent: str | None = None,
    compare: str | None = None,
    limit: int | None = None,
    seed: int = 0,
    workers: int = 1,
    settings: Mapping[str, Any] | None = None,
    models: Models | None = None,
) -> RunEstimate:
    """Say what `run` with the same arguments would take. Raises UsageError as it does."""
    asked = chosen(task, data, limit, seed)
    claim(folder, place.MARK, task.name)
    with place.open_archive(data, folder, settings or {}, models) as archive:
        first = check_agent(agent if agent is not None else archive.settings.agent)
        agents = dict.fromkeys([first] if compare is None else [first, check_agent(compare)])
        videos = videos_of(asked)
        lengths, to_index, unreadable = _lengths(archive, data, videos)
        run = place.fingerprint(task, data, archive, seed)
        header, rows = read_results(folder / place.RESULTS)
        same = header.get("run") == run
        made = tuple(_of(name, asked, rows if same else (), archive.settings, workers) for name in agents)
        notes = list(data.notes)
        if rows and not same:
            notes.append(
                "the answers that stand are of other data, settings, models or program; all would be asked anew"
            )
        return RunEstimate(
            task.name,
            len(asked),
            len(lengths) + unreadable,
            sum(lengths.values()) / 3600,
            sum(lengths[name] for name in to_index if name in lengths) / 3600,
            unreadable,
            made,
            tuple(notes),
            Prices.of(archive.settings).currency,
        )


def lines(found: RunEstimate) -> list[str]:
    """An estimate as people read it."""
    shown = [
        f"{count(found.questions, 'question')} about {count(found.videos, 'video')}, {found.hours:.1f} hours of them; "
        f"{found.hours_to_index:.1f} hours are not indexed yet"
    ]
    if found.unreadable:
        shown.append(f"{count(found.unreadable, 'video')} cannot be read, or are not there")
    for one in found.agents:
        shown.append(f"{one.agent}: {count(one.questions, 'question')} still to ask")
        shown.append(f"  at most:  {_parts(one.most, found.currency)}")
        if one.mean is not None:
            mean = _parts(one.mean, found.currency)
            shown.append(f"  expected: {mean} (the mean of {count(one.answered, 'answer')})")
        else:
            shown.append("  expected: not known before a question was asked; `--sample 20` asks some")
    return [*shown, *found.notes]


def _of(
    agent: str, asked: Sequence[TaskQuestion], rows: Sequence[AnswerRow], settings: Settings, workers: int
) -> AgentEstimate:
    mine = [row for row in rows if row.system == agent and not row.error]
    answered = {row.id for row in mine}
    left, n = sum(question.id not in answered for question in asked), len(mine)
    prices, tokens = Prices.of(settings), settings.budget_tokens
    money = max(prices.chat(tokens, 0), prices.chat(0, tokens))
    money += prices.looks(settings.budget_frames, settings.budget_vlm_calls)
    most = {
        "frames": left * settings.budget_frames,
        "vlm_calls": left * settings.budget_vlm_calls,
        "llm_calls": None,
        "tokens": left * tokens,
        "hours": left * settings.budget_seconds / 3600 / workers,
        "money": left * (min(money, settings.budget_money) if settings.budget_money else money),
    }
    if not mine:
        return AgentEstimate(agent, left, most, None, 0)
    mean = {name: left * sum(getattr(row, name) for row in mine) / n for name in ("frames", "vlm_calls", "llm_calls")}
    mean["tokens"] = left * sum(row.tokens_in + row.tokens_out for row in mine) / n
    mean["hours"] = left * sum(row.seconds for row in mine) / n / 3600 / workers
    mean["money"] = left * sum(row.money or _price(row, prices) for row in mine) / n
    return AgentEstimate(agent, left, most, mean, n)


def _price(row: AnswerRow, prices: Prices) -> float:
    """What an answer would have cost at these prices."""
    return prices.chat(row.tokens_in, row.tokens_out) + prices.looks(row.frames, row.vlm_calls)


def _lengths(archive: Archive, data: TaskData, videos: Sequence[str] | None) -> tuple[dict[str, float], set[str], int]:
    """Seconds of each video that can be read, those not or not wholly indexed, and how many cannot be read."""
    if data.footage is None:
        return _of_captions(data.captions, videos), set(), 0
    from lvqa.media import find_videos, locate, probe

    known: dict[str, float] = {}
    pending: set[str] = set()
    if archive.exists:
        of_id = {video.id: video.duration_s for video in archive.store.videos.all()}
        known = {video.path: video.duration_s for video in archive.store.videos.all()}
        known |= {row.path: of_id[row.video_id] for row in archive.store.files.all() if row.video_id in of_id}
        pending = {job.path for job in archive.store.jobs.all(status="pending")}
    if videos is None:
        videos = sorted(path.relative_to(archive.folder).as_posix() for path in find_videos(archive.folder))
    lengths, to_index, unreadable = {}, set(), 0
    for name in videos:
        if name in known:
            lengths[name] = known[name]
            if name not in pending:
                continue
        to_index.add(name)
        try:
            lengths[name] = probe(locate(archive.folder, name)).duration_s
        except MediaError:
            unreadable += 1
    return lengths, to_index, unreadable


def _of_captions(path: Path | None, videos: Sequence[str] | None) -> dict[str, float]:
    """How long each video is at least: until its last caption ends."""
    ends: dict[str, float] = {}
    assert path is not None
    with path.open(encoding="utf-8") as file:
        for number, line in enumerate(file, 1):
            try:
                row = json.loads(line) if line.strip() else None
                if row is not None and (videos is None or row["video"] in videos):
                    ends[row["video"]] = max(ends.get(row["video"], 0.0), float(row["end_s"]))
            except (ValueError, TypeError, KeyError) as error:
                raise UsageError(f"{path}, line {number}, is no caption ({error}); mend it") from error
    return ends


def _parts(totals: Mapping[str, float | None] | Mapping[str, float], currency: str) -> str:
    shown = []
    for name, value in totals.items():
        if name == "money" and not value:
            continue
        digits = {"hours": 1, "money": 2}.get(name, 0)
        text = "no bound on" if value is None else f"{value:,.{digits}f}".replace(",", " ")
        unit = currency if name == "money" else name.replace("vlm_", "VLM ").replace("llm_", "LLM ")
        shown.append(f"{text} {unit}")
    return ", ".join(shown)
