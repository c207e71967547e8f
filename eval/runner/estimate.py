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
from lvqa.eval.runner.task import TaskLike, chosen, videos_of
from lvqa.eval.tasks.base import TaskData, TaskQuestion
from lvqa.phrasing import count
from lvqa.settings import Settings
from lvqa.tools.prices import Prices
from lvqa.types import Cost

if TYPE_CHECKING:
    from lvqa.models.profiles import Models

# Questions of which it is told what they would take, where nothing was asked yet.
_SAMPLE = 20
_COUNTED = ("frames", "vlm_calls", "llm_calls", "money")
PARTS = ("frames", "vlm_calls", "llm_calls", "tokens", "hours", "money")


@dataclass(frozen=True, slots=True)
class AgentEstimate:
    """What an agent takes for the questions that are still to be asked: at most, likely, and as the answers suggest.

    All map frames, vlm_calls, llm_calls, tokens, hours and money to totals; None where nothing bounds a part. `mean` is
    None where no answer of the same run stands; it rests on `answered` answers. `likely` is what
    `Archive.estimate` says, None where nothing was asked in this process; it knows no hours.
    """

    agent: str
    questions: int
    most: Mapping[str, float | None]
    mean: Mapping[str, float] | None
    answered: int
    likely: Mapping[str, float] | None = None

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return {
            "agent": self.agent,
            "questions": self.questions,
            "at_most": {name: _rounded(value) for name, value in self.most.items()},
            "expected": None if self.mean is None else {name: _rounded(value) for name, value in self.mean.items()},
            "answered": self.answered,
            "likely": None if self.likely is None else {name: _rounded(value) for name, value in self.likely.items()},
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
    task: TaskLike,
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
        made = tuple(_of(name, asked, rows if same else (), archive, workers) for name in agents)
        currency = Prices.of(archive.settings).currency
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
            currency,
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
        elif one.likely is not None:
            shown.append(f"  likely:   {_parts(one.likely, found.currency)} (no answer stands to go by)")
        else:
            shown.append("  likely:   not known before a question was asked; `--sample 20` asks some")
    return [*shown, *found.notes]


def _of(
    agent: str, asked: Sequence[TaskQuestion], rows: Sequence[AnswerRow], archive: Archive, workers: int
) -> AgentEstimate:
    settings = archive.settings
    mine = [row for row in rows if row.system == agent and not row.error]
    answered = {row.id for row in mine}
    open_ = [question for question in asked if question.id not in answered]
    left = len(open_)
    most: dict[str, float | None] = {
        "frames": left * settings.budget_frames,
        "vlm_calls": left * settings.budget_vlm_calls,
        "llm_calls": None,
        "tokens": left * settings.budget_tokens,
        "hours": left * settings.budget_seconds / 3600 / workers,
        "money": left * _money(settings),
    }
    sampled = _sampled(agent, open_, archive)
    likely: dict[str, float] | None = None
    if sampled is not None:
        upper, lower = sampled
        for name, value in upper.items():
            bound = most[name]
            most[name] = left * value if bound is None else min(bound, left * value)
        likely = {name: left * value for name, value in lower.items()} if lower is not None else None
    if not mine:
        return AgentEstimate(agent, left, most, None, 0, likely)
    n = len(mine)
    mean = {name: left * sum(getattr(row, name) for row in mine) / n for name in ("frames", "vlm_calls", "llm_calls")}
    mean["tokens"] = left * sum(row.tokens_in + row.tokens_out for row in mine) / n
    mean["hours"] = left * sum(row.seconds for row in mine) / n / 3600 / workers
    mean["money"] = left * sum(row.money or _price(row, settings) for row in mine) / n
    return AgentEstimate(agent, left, most, mean, n, likely)


def _sampled(
    agent: str, questions: Sequence[TaskQuestion], archive: Archive
) -> tuple[dict[str, float], dict[str, float] | None] | None:
    """What a question takes at most and likely, each part the mean over a sample; None where that is not known."""
    if not questions or not archive.exists or not archive.store.videos.all():
        return None
    known = {video.path for video in archive.store.videos.all()}
    there = [q for q in questions if set(q.videos) <= known][:_SAMPLE]
    found = [
        archive.estimate(q.text, q.options, videos=q.videos or None, between=q.between, agent=agent) for q in there
    ]
    if not found:
        return None

    def mean(costs: Sequence[Cost]) -> dict[str, float]:
        parts = {name: sum(getattr(c, name) for c in costs) / len(costs) for name in _COUNTED}
        parts["tokens"] = sum(c.tokens_in + c.tokens_out for c in costs) / len(costs)
        return parts

    likely = [one.likely for one in found if one.likely is not None]
    return mean([one.most for one in found]), mean(likely) if likely else None


def _price(row: AnswerRow, settings: Settings) -> float:
    """What an answer would have cost at these prices."""
    prices = Prices.of(settings)
    return prices.chat(row.tokens_in, row.tokens_out) + row.frames * prices.frame + row.vlm_calls * prices.call


def _money(settings: Settings) -> float:
    """The most that one question can cost."""
    prices, tokens = Prices.of(settings), settings.budget_tokens
    most = max(prices.chat(tokens, 0), prices.chat(0, tokens))
    most += settings.budget_frames * prices.frame + settings.budget_vlm_calls * prices.call
    return min(most, settings.budget_money) if settings.budget_money else most


def _lengths(archive: Archive, data: TaskData, videos: Sequence[str] | None) -> tuple[dict[str, float], set[str], int]:
    """Seconds of each video that can be read, those not or not wholly indexed, and how many cannot be read."""
    known = {video.path: video.duration_s for video in archive.store.videos.all()} if archive.exists else {}
    open_ = {job.path for job in archive.store.jobs.all(status="pending")} if archive.exists else set()
    if data.footage is None:
        return _of_captions(data.captions, videos), set(), 0
    from lvqa.media import find_videos, locate, probe

    there = {path.relative_to(archive.folder).as_posix(): path for path in find_videos(archive.folder)}
    if archive.exists:
        of_id = {video.id: video.duration_s for video in archive.store.videos.all()}
        known |= {row.path: of_id[row.video_id] for row in archive.store.files.all() if row.video_id in of_id}
    lengths, to_index, unreadable = {}, set(), 0
    for name in sorted(there) if videos is None else videos:
        if name in known:
            lengths[name] = known[name]
            if name not in open_:
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
    for name in PARTS:
        if name not in totals:
            continue
        value = totals[name]
        if name == "money" and not value:
            continue
        text = "no bound on" if value is None else f"{value:,.1f}" if name == "hours" else f"{value:,.0f}"
        if name == "money" and value is not None:
            text = f"{value:,.2f}"
        unit = currency if name == "money" else name.replace("vlm_", "VLM ").replace("llm_", "LLM ")
        shown.append(f"{text.replace(',', ' ')} {unit}")
    return ", ".join(shown)


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 4)
