"""What an index run would do, all told: files and stages with reasons, summaries, embeddings, and how much that is.

The decisions are those of `lvqa.indexers.planning.survey`, which a run applies as they are. Reads the store, writes
nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from lvqa.errors import UsageError
from lvqa.indexers.hierarchy.summarise import SummaryRules, due_summaries
from lvqa.indexers.planning.survey import IMPORTED, FilePlan, FileState, Known, Survey
from lvqa.indexers.stages.specs import stage_specs
from lvqa.indexers.stages.task import VISUAL, StagePlan
from lvqa.media import PassedOver
from lvqa.secrets import strike
from lvqa.settings import Settings
from lvqa.store import Store
from lvqa.types import format_time

# The stages whose rows a summary depends on.
_TOLD = frozenset({"segment", "caption", "screen", "frames", "speech"})


@dataclass(frozen=True, slots=True)
class IndexPlan:
    """What `lvqa index` would do now.

    `files` are in path order, the gone ones last. `summaries` holds (path, why) of the videos whose summaries are due,
    at most: where the new notes say what the old ones said, they stay. `embeddings` counts notes that have no vector of
    the embedder yet, without those still to be made; `decode_s` and `listen_s` are seconds of footage to decode and of
    sound to hear, `clips` an estimate of those to be captioned. `problems` are lines about folders and subtitles,
    `passed` is what is no video.
    """

    files: tuple[FilePlan, ...] = ()
    summaries: tuple[tuple[str, str], ...] = ()
    embeddings: int = 0
    decode_s: float = 0.0
    listen_s: float = 0.0
    clips: int = 0
    problems: tuple[str, ...] = ()
    passed: tuple[PassedOver, ...] = ()

    @property
    def states(self) -> Counter[FileState]:
        """How many files are what; old names of what was moved are left out."""
        return Counter(file.state for file in self.files if file.state != "left")

    @property
    def videos(self) -> int:
        """How many videos have a stage to do."""
        return sum(file.work for file in self.files)

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON: files of which there is something to tell, totals, and counts of all."""
        return {
            "videos": self.videos,
            "states": dict(self.states),
            "decode_s": round(self.decode_s, 3),
            "listen_s": round(self.listen_s, 3),
            "clips": self.clips,
            "embeddings": self.embeddings,
            "files": [_file(file) for file in self.files if file.state != "left"],
            "summaries": [{"video": path, "why": strike(why)} for path, why in self.summaries],
            "problems": list(self.problems),
            "passed_over": [{**asdict(kind), "paths": list(kind.paths)} for kind in self.passed],
        }


def _file(file: FilePlan) -> dict[str, Any]:
    return {
        "video": file.path,
        "state": file.state,
        "reason": strike(file.reason),
        "was": file.was,
        "duration_s": round(file.video.duration_s, 3) if file.video is not None else None,
        "stages": [
            {
                "stage": stage.stage,
                "action": stage.action,
                "why": strike(stage.why),
                "from_s": round(stage.progress_s, 3),
            }
            for stage in file.stages
            if stage.action != "keep"
        ],
    }


def plan_index(
    folder: Path,
    store: Store | None,
    names: Mapping[Any, str],
    settings: Settings,
    *,
    own_prompts: Mapping[str, str] | None = None,
    only: Collection[str] | None = None,
    retry_failed: bool = True,
    captioner_before: str = "",
    refresh: Collection[str] = (),
) -> IndexPlan:
    """Look a folder over as `run_index` would, and say what it would do; None for the store where there is none yet.

    `captioner_before` and `refresh` as `lvqa.indexers.planning.survey.Survey` takes them. Files whose size or time
    changed are opened. Raises UsageError where the run would.
    """
    folder = Path(folder).absolute()
    if not folder.is_dir():
        raise UsageError(f"there is no folder {folder}; name the folder that holds the videos")
    problems: list[str] = []
    known = Known()
    if store is not None:
        with store.snapshot():
            known = Known.of(store)
    survey = Survey(
        folder,
        known,
        stage_specs(names, settings, own_prompts),
        only=only,
        retry_failed=retry_failed,
        on_problem=lambda path, reason: problems.append(f"{path}: {reason}"),
        quick=True,
        captioner_before=captioner_before,
        refresh=refresh,
    )
    files = tuple(survey.files())
    problems += [f"{folder / file.path}: {file.notice}" for file in files if file.notice]
    work = [(file, {stage.stage: stage for stage in file.stages if stage.open}) for file in files if file.work]
    decode_s = listen_s = caption_s = 0.0
    for file, stages in work:
        assert file.video is not None
        starts = [stage.progress_s for name, stage in stages.items() if name in VISUAL]
        decode_s += max(0.0, file.video.duration_s - min(starts)) if starts else 0.0
        if "caption" in stages:
            caption_s += max(0.0, file.video.duration_s - stages["caption"].progress_s)
        if "speech" in stages and file.video.has_audio and names.get("asr"):
            listen_s += max(0.0, file.video.duration_s - stages["speech"].progress_s)
    return IndexPlan(
        files,
        tuple(_summaries(store, SummaryRules.of(names, settings), files, only, known.imported_ids)),
        len(store.vectors.missing(names["embedder"])) if store is not None and names.get("embedder") else 0,
        decode_s,
        listen_s,
        round(caption_s / _mean_clip_s(store, settings)),
        tuple(problems),
        survey.passed,
    )


def _summaries(
    store: Store | None,
    rules: SummaryRules | None,
    files: Collection[FilePlan],
    only: Collection[str] | None,
    imported_ids: Collection[str],
) -> list[tuple[str, str]]:
    if rules is None:
        return []
    due: dict[str, tuple[str, str]] = {}
    if store is not None:
        ids = None if only is None else {file.video.id for file in files if file.video is not None}
        kept = {file.video.id: file.path for file in files if file.video is not None}
        for one in due_summaries(store, rules, ids)[0]:
            video = one.video
            # Of a video that no file holds any more there will be none.
            stays = video.content_hash.startswith(IMPORTED) or video.id in imported_ids
            if video.id in kept or stays or only is not None:
                due[video.id] = (kept.get(video.id, video.path), one.why)
    for file in files:
        if file.video is not None and any(stage.open and stage.stage in _TOLD for stage in file.stages):
            due.setdefault(file.video.id, (file.path, "its notes or frames are made anew"))
    return sorted(due.values())


def _mean_clip_s(store: Store | None, settings: Settings) -> float:
    """How long a clip is, by those in the index, else by the setting; in seconds."""
    if store is not None:
        done_s = sum(job.progress_s for job in store.jobs.all() if job.stage == "segment")
        held = store.counts()["clips"]
        if held and done_s:
            return done_s / held
    return settings.clip_max_s


def plan_lines(plan: IndexPlan) -> list[str]:
    """The plan as people read it: what is to be done with each file and why, then totals; unchanged files are counted.

    The text is not made safe for terminals.
    """
    lines: list[str] = []
    for file in plan.files:
        told = _told(file)
        if told:
            lines.append(f"{file.path}: {told}")
            lines += [f"  {line}" for line in map(_stage_line, file.stages) if line]
    due = [f"  {path}{f': {why}' if why else ''}" for path, why in plan.summaries]
    if due:
        lines += [f"summaries due: {len(due)}", *due]
    if plan.embeddings:
        lines.append(f"notes to be embedded: {plan.embeddings}")
    lines += plan.problems
    lines += [f"passed over: {line}" for line in map(passed_line, plan.passed)]
    return [strike(line) for line in lines]


def passed_line(kind: PassedOver) -> str:
    """One kind of files that are no videos, as people read it."""
    more = f" and {kind.count - len(kind.paths)} more" if kind.count > len(kind.paths) else ""
    return f"{kind.count} {kind.kind}: {', '.join(kind.paths)}{more}"


def _told(file: FilePlan) -> str:
    reason = f": {file.reason}" if file.reason else ""
    if file.state == "unchanged":
        return "unchanged" if any(stage.action != "keep" for stage in file.stages) else ""
    return {
        "new": "new",
        "moved": f"moved, was {file.was}",
        "replaced": "replaced: the same path, other content",
        "copied": f"copied: the same video as {file.was}; it is indexed once",
        "retried": f"failed before, to be tried again{reason}",
        "growing": f"left for the next run{reason}",
        "unreadable": f"would fail{reason}",
        "passed": f"passed over{reason}",
        "failed": f"failed before, not tried again{reason}",
        "gone": "gone, its rows go",
        "left": "",
    }[file.state]


def _stage_line(stage: StagePlan) -> str:
    at = f" at {format_time(stage.progress_s)}" if stage.progress_s else ""
    why = f": {stage.why}" if stage.why else ""
    return {
        "make": f"{stage.stage}: to do",
        "go on": f"{stage.stage}: go on{at}",
        "retry": f"{stage.stage}: try again{at}{why}",
        "redo": f"{stage.stage}: redo{why}",
        "drop": f"{stage.stage}: left out{why}",
        "lose": f"{stage.stage}: its rows go{why}",
        "keep": "",
    }[stage.action]
