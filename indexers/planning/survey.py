"""What an index run would do, file by file and stage by stage, and why: the decision alone, nothing is written.

`lvqa index --dry-run` shows it, a run applies it (`lvqa.indexers.planning.plan`), so that the two never disagree. Opens
files only where size or time changed; knows what the store held when it began, and no store.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal

from lvqa.characters import composed
from lvqa.errors import MediaError, NoVideo, UsageError
from lvqa.indexers.planning.again import stages_anew
from lvqa.indexers.stages.screen_state import ScreenState
from lvqa.indexers.stages.specs import (
    READING,
    STAGES,
    StageSpec,
    changes,
    earlier_of,
    picture_params,
    stands_on_clips,
)
from lvqa.indexers.stages.task import StagePlan
from lvqa.media import NO_FILM, PassedOver, PassedTally, promises_film
from lvqa.store import FileRow, JobRow, Store, imported_video_ids
from lvqa.types import Video

if TYPE_CHECKING:
    from lvqa.media import VideoInfo
    from lvqa.media.sidecars import Sidecar

TRANSCRIBERS = "transcribers"
SCREEN = "screen "  # and a video's id: what stands on its screen where its stage has come to
GROWING = "is still being written; run index again when it is finished"
IMPORTED = "imported:"
# A file that changed so recently, and changes again while it is looked at, is being written.
RECENT_S = 5.0

FileState = Literal[
    "new",
    "unchanged",
    "moved",
    "replaced",
    "copied",
    "retried",
    "growing",
    "unreadable",
    "passed",
    "failed",
    "gone",
    "left",
]


@dataclass(frozen=True, slots=True)
class FilePlan:
    """One file: what it is compared with what the index knows, and what its video's stages have to do.

    `was` is the path that a moved file had, or the path of the video that a copy is of. `unreadable` files would fail
    for `reason`, `failed` ones failed before and are not tried again, `passed` ones hold no film, as `reason` says,
    `growing` ones are being written, `left` ones are the old names of what was moved. `notice` is something people
    should know.
    """

    path: str
    state: FileState
    reason: str = ""
    was: str = ""
    video: Video | None = None
    size: int = 0
    mtime_ns: int = 0
    stages: tuple[StagePlan, ...] = ()
    notice: str = ""
    taken: bool = False  # the file must be recorded anew: other content, or another time

    @property
    def work(self) -> bool:
        """Whether its video has a stage to do."""
        return any(stage.open for stage in self.stages)


@dataclass(frozen=True, slots=True)
class Known:
    """What the index holds about files, videos and jobs, at one moment.

    The videos of `imported_ids` came with an import, and were not here as files yet: they are not gone. Of those in
    `unheard` there is no speech.
    """

    files: Mapping[str, FileRow] = field(default_factory=dict)
    videos: Mapping[str, Video] = field(default_factory=dict)
    jobs: Mapping[tuple[str, str], JobRow] = field(default_factory=dict)
    probes: Mapping[str, JobRow] = field(default_factory=dict)
    transcribers: tuple[str, ...] = ()
    unheard: frozenset[str] = frozenset()
    imported_ids: frozenset[str] = frozenset()
    screens: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, store: Store) -> Known:
        """Read it from a store."""
        jobs = store.jobs.all()
        return cls(
            {row.path: row for row in store.files.all()},
            {video.id: video for video in store.videos.all()},
            {(job.video_id, job.stage): job for job in jobs if job.video_id},
            {job.path: job for job in jobs if not job.video_id},
            tuple(json.loads(store.meta.get(TRANSCRIBERS) or "[]")),
            frozenset(store.videos.without("speech")),
            imported_video_ids(store),
            store.meta.starting(SCREEN),
        )


class Survey:
    """Looks at a folder. Iterate over `files` once; what that yields may be applied as it comes.

    Args:
        folder: absolute.
        known: what the index held when it began.
        specs: the stages that are on.
        only: relative paths of the files to look at; all of them, and those that are gone, when not given.
        retry_failed: try videos again that failed before.
        on_problem: told of what cannot be looked at.
        quick: new files are not gone through for their clock: to say what would be done, not to do it.
        captioner_before: what an earlier lvqa called the model that captions, with its server's address.
        refresh: stages, of which `caption` is one, whose rows are made anew where lvqa makes them in another way now
            and they would stand otherwise.
    """

    def __init__(
        self,
        folder: Path,
        known: Known,
        specs: Mapping[str, StageSpec],
        *,
        only: Collection[str] | None = None,
        retry_failed: bool = True,
        on_problem: Callable[[Path, str], None] = lambda path, reason: None,
        quick: bool = False,
        captioner_before: str = "",
        refresh: Collection[str] = (),
    ) -> None:
        self.folder = folder
        self.known = known
        self.specs = specs
        self.only = only
        self._retry_failed = retry_failed
        self.on_problem = on_problem
        self._quick = quick
        self._captioner_before = captioner_before
        self._refresh = frozenset(refresh)
        self._passed = PassedTally(folder)
        self._track: int = specs["speech"].params.get("audio_track", 0) if "speech" in specs else 0
        self._ocr = specs["screen"].model if "screen" in specs else ""
        self._first: dict[str, str] = {}
        self._subtitles: dict[Path, dict[str, list[Sidecar]]] = {}
        self._names: dict[Path, list[str]] = {}
        self._holders: dict[str, list[str]] = {}
        for row in known.files.values():
            if row.video_id:
                self._holders.setdefault(row.video_id, []).append(row.path)

    @property
    def seen(self) -> frozenset[str]:
        """The ids of the videos that a file here holds, of those files that were looked at."""
        return frozenset(self._first)

    @property
    def passed(self) -> tuple[PassedOver, ...]:
        """What is not taken for a video, once all of `files` was looked at; of those in `only`, too, of all others."""
        return self._passed.kinds()

    def files(self) -> Iterator[FilePlan]:
        """A plan for every video file of the folder, or those in `only`, in path order, then for files that are gone.

        Raises UsageError where there is no video to index, or `only` names one that is not there.
        """
        from lvqa.media.files import find_videos

        paths = find_videos(self.folder, on_problem=self.on_problem, on_passed=self._passed.add)
        found = {path.relative_to(self.folder).as_posix(): path for path in paths}
        if self.only is not None:
            forms = {composed(rel): rel for rel in found}
            self.only = {name if name in found else forms.get(composed(name), name) for name in self.only}
        if self.only is not None and (missing := sorted(set(self.only) - found.keys())):
            raise UsageError(f"{missing[0]} is no video below {self.folder}; the videos are found by relative path")
        if not found:
            self._refuse_empty()
        for path in paths:
            self._names.setdefault(path.parent, []).append(path.name)
        for rel, path in found.items():
            if self.only is None or rel in self.only:
                yield self._file(rel, path)
            elif (row := self.known.files.get(rel)) is not None and row.video_id:
                self._first.setdefault(row.video_id, rel)
        if self.only is None:
            yield from self._gone(found.keys())

    def _refuse_empty(self) -> None:
        imported_ids = self.known.imported_ids
        held = [row for row in self.known.files.values() if row.video_id and row.video_id not in imported_ids]
        if held:
            raise UsageError(
                f"there are no videos below {self.folder}, but its index holds {len(held)}; is the disk mounted? "
                "Nothing was changed; to take videos out of the index use lvqa remove"
            )
        if not self.known.videos:
            raise UsageError(f"there are no videos below {self.folder}; name the folder that holds them")

    def _file(self, rel: str, path: Path) -> FilePlan:
        try:
            stat = path.stat()
        except OSError as error:
            return FilePlan(rel, "unreadable", f"the file cannot be read ({error.strerror}); check its permissions")
        plan = FilePlan(rel, "new", size=stat.st_size, mtime_ns=stat.st_mtime_ns)
        row, probe = self.known.files.get(rel), self.known.probes.get(rel)
        if row is not None and (row.size, row.mtime_ns) == (stat.st_size, stat.st_mtime_ns):
            video = self.known.videos.get(row.video_id)
            if video is not None:
                again = self._again(plan, path, video) if video.streams is None else None
                return again or self._video(replace(plan, state="unchanged"), replace(video, path=rel))
            if probe is not None and probe.status == "done":
                return self._no_film(plan, probe.reason)
            if not self._retry_failed and probe is not None and not row.video_id:
                return replace(plan, state="failed", reason=probe.reason)
        try:
            video, info = looked_into(path, rel, exact=not self._quick)
            now = path.stat()
        except MediaError as error:
            if isinstance(error, NoVideo) and not promises_film(rel):
                return self._no_film(replace(plan, taken=True), str(error))
            if _growing(path, stat):
                return replace(plan, state="growing", reason=GROWING)
            return replace(plan, state="unreadable", reason=str(error), taken=True)
        except OSError as error:
            return replace(
                plan,
                state="unreadable",
                reason=f"the file cannot be read ({error.strerror or error}); check its permissions",
            )
        if (now.st_size, now.st_mtime_ns) != (stat.st_size, stat.st_mtime_ns):
            return replace(plan, state="growing", reason=GROWING)
        return self._video(
            replace(self._compared(plan, video, row, probe), notice="; ".join(info.streams.told(self._track))), video
        )

    def _again(self, plan: FilePlan, path: Path, before: Video) -> FilePlan | None:
        """A file that was indexed before lvqa kept what it holds is looked into once more.

        None where that fails: what is there stays, and the next run tries again.
        """
        try:
            video, info = looked_into(path, plan.path)
        except NoVideo as error:
            return None if promises_film(plan.path) else self._no_film(replace(plan, taken=True), str(error))
        except (MediaError, OSError):
            return None
        if video.id != before.id:
            return None
        speech = self.known.jobs.get((video.id, "speech"))
        listened = bool(self.specs["speech"].model) and speech is not None and speech.status == "done"
        why = stages_anew(before, video, unheard=listened and video.id in self.known.unheard)
        notice = "; ".join(info.streams.told(self._track))
        return self._video(replace(plan, state="unchanged", taken=True, notice=notice), video, why)

    def _no_film(self, plan: FilePlan, reason: str) -> FilePlan:
        self._passed.add(str(self.folder / plan.path), NO_FILM)
        return replace(plan, state="passed", reason=reason)

    def _compared(self, plan: FilePlan, video: Video, row: FileRow | None, probe: JobRow | None) -> FilePlan:
        """What a file is whose content was looked at."""
        plan = replace(plan, taken=True)
        others = [path for path in self._holders.get(video.id, []) if path != plan.path]
        if row is not None and row.video_id == video.id:
            return replace(plan, state="unchanged")
        if others:
            there = [path for path in others if self._still_holds(path)]
            return replace(plan, state="copied" if there else "moved", was=(there or others)[0])
        if row is not None and row.video_id:
            return replace(plan, state="replaced")
        if row is None and probe is None:
            return plan
        return replace(plan, state="retried", reason=probe.reason if probe is not None else "")

    def _still_holds(self, rel: str) -> bool:
        """Whether a file of the index is where it was, and as it was."""
        row = self.known.files[rel]
        try:
            stat = (self.folder / rel).stat()
        except OSError:
            return not gone(self.folder / rel)
        return (stat.st_size, stat.st_mtime_ns) == (row.size, row.mtime_ns)

    def _video(self, plan: FilePlan, video: Video, anew: Mapping[str, str] = MappingProxyType({})) -> FilePlan:
        plan = replace(plan, video=video)
        if (first := self._first.setdefault(video.id, plan.path)) != plan.path:
            notices = [plan.notice, self._unread_subtitles(plan.path, first)]
            return replace(plan, state="copied", was=first, notice="; ".join(filter(None, notices)))
        stages = tuple(self._stages(video, self.folder / plan.path, anew))
        if not self._retry_failed:
            failed = next((stage for stage in stages if stage.action == "retry"), None)
            if failed is not None:
                return replace(plan, state="failed", reason=failed.why)
        return replace(plan, stages=stages)

    def _stages(self, video: Video, path: Path, anew: Mapping[str, str]) -> Iterator[StagePlan]:
        cut_anew = False
        for stage in STAGES:
            spec, job = self.specs.get(stage), self.known.jobs.get((video.id, stage))
            if spec is None:
                if job is not None and cut_anew and stands_on_clips(stage, job.spec):
                    yield StagePlan(stage, "lose", "its clips are cut anew, and no model for it is on")
                elif job is not None and job.status != "done":
                    # Switched off: what is whole stays, an open job would stay open for ever.
                    yield StagePlan(stage, "drop", "no model for it is on")
                continue
            if stage == "speech":
                spec = self._heard(spec, video, path, job)
            plan = self._stage(video, stage, spec, job)
            if stage in anew and plan.action in ("keep", "go on", "retry"):
                plan = replace(plan, action="redo", why=anew[stage], progress_s=0.0, unparsed=0, blank=0)
            cut_anew = cut_anew or (stage == "segment" and plan.action == "redo")
            yield plan

    def _stage(self, video: Video, stage: str, spec: StageSpec, job: JobRow | None) -> StagePlan:
        key = spec.key(video.content_hash, stage)
        plan = StagePlan(stage, "make", key=key, spec=spec.told)
        if job is None:
            return plan
        if stage == "caption" and job.key != key and (earlier := self._earlier(video, spec, job)) is not None:
            if stage in self._refresh:
                return replace(plan, action="redo", why="captions are refreshed: lvqa asks for them in another way now")
            # They stay what they were made with, so that they can be refreshed later.
            plan = replace(plan, key=job.key, spec=earlier.told)
        elif job.key != key and not (stage == "caption" and self._by_address(video, spec, job)):
            return replace(plan, action="redo", why=changes(job.spec, spec))
        if job.status == "done":
            return replace(plan, action="keep")
        plan = replace(plan, progress_s=job.progress_s, unparsed=unparsed_of(job.reason), blank=job.blank)
        if stage == "screen" and job.progress_s:
            screen = ScreenState.read(self.known.screens.get(SCREEN + video.id), job.progress_s)
            # Where it is not known what stood there, from the start: else a text would be cut in two.
            plan = replace(plan, screen=screen, progress_s=job.progress_s if screen is not None else 0.0)
        if job.status == "failed":
            return replace(plan, action="retry", why=job.reason)
        return replace(plan, action="go on")

    def _earlier(self, video: Video, spec: StageSpec, job: JobRow) -> StageSpec | None:
        """What captions were made with by an earlier lvqa's defaults, which still hold for them; None for others."""
        named = (spec, replace(spec, model=self._captioner_before)) if not job.spec else (spec,)
        earlier = (one for now in named for one in earlier_of(now))
        return next((one for one in earlier if job.key == one.key(video.content_hash, "caption")), None)

    def _by_address(self, video: Video, spec: StageSpec, job: JobRow) -> bool:
        """Whether captions are those of the same model, named with its address, by an lvqa that kept no `spec`."""
        before = replace(spec, model=self._captioner_before)
        return not job.spec and job.key == before.key(video.content_hash, "caption")

    def _heard(self, spec: StageSpec, video: Video, path: Path, job: JobRow | None) -> StageSpec:
        """What the speech of one video is made with: its subtitles, and a transcriber where there is sound."""
        sidecars: list[Any] = self._sidecars(path)
        if sidecars:
            sidecars.append(READING)
        before = job.spec if job is not None else ""
        inside = video.streams.picture_subtitles > 0 if video.streams is not None else None
        read = picture_params(self._beside(path), inside, self._ocr, before)
        params = {**spec.params, "subtitles": sidecars, **read}

        def by(model: str) -> StageSpec:
            # A video without sound says the same to every transcriber.
            return StageSpec(model if video.has_audio else "", spec.prompt_hash, params)

        if not spec.model and job is not None:
            # The transcriber is off now: a transcript of an earlier run is kept, as captions are.
            for earlier in self.known.transcribers:
                if job.key == by(earlier).key(video.content_hash, "speech"):
                    return by(earlier)
        return by(spec.model)

    def _beside(self, path: Path) -> list[Sidecar]:
        """The subtitle files of a video."""
        from lvqa.media.sidecars import sidecars_in

        if path.parent not in self._subtitles:
            self._subtitles[path.parent] = sidecars_in(path.parent, self._names.get(path.parent, ()))
        return self._subtitles[path.parent].get(path.name, [])

    def _sidecars(self, path: Path) -> list[list[Any]]:
        """Names, size and time of the subtitle files of a video: what tells that they changed, its own name apart."""
        signature: list[list[Any]] = []
        for sidecar in self._beside(path):
            with contextlib.suppress(OSError):
                stat = sidecar.path.stat()
                signature.append([sidecar.name, stat.st_size, stat.st_mtime_ns])
        return sorted(signature)

    def _unread_subtitles(self, rel: str, first: str) -> str:
        # Copied along with the video they say the same, whatever their time is.
        read = [[suffix, size] for suffix, size, _ in self._sidecars(self.folder / first)]
        if all([suffix, size] in read for suffix, size, _ in self._sidecars(self.folder / rel)):
            return ""
        return f"its subtitles are not read, those of {first} are; put them beside that one"

    def _gone(self, found: Collection[str]) -> Iterator[FilePlan]:
        imported_ids = self.known.imported_ids - self.seen
        for rel in sorted(set(self.known.files) - set(found)):
            row = self.known.files[rel]
            if row.video_id in imported_ids or not gone(self.folder / rel):
                continue
            kept = not row.video_id or row.video_id in self._first
            yield FilePlan(rel, "left" if kept else "gone", size=row.size, mtime_ns=row.mtime_ns)


def identify(path: Path, rel: str) -> Video:
    """Probe and hash a file: the video it holds, by the name `rel`. Raises MediaError, OSError."""
    return looked_into(path, rel)[0]


def looked_into(path: Path, rel: str, *, exact: bool = True) -> tuple[Video, VideoInfo]:
    """As `identify`, with all that is known of the file; `exact` as in `lvqa.media.probe`."""
    from lvqa.media import content_hash, probe

    info = probe(path, exact=exact)
    digest = content_hash(path)
    shape = (info.duration_s, info.width, info.height, info.fps, info.codec, info.has_audio)
    video = Video(video_id(digest), rel, digest, *shape, info.clock, info.streams)
    return video, info


def video_id(content: str) -> str:
    """The id of a video with that content hash: 16 hex digits."""
    return hashlib.sha256(content.encode()).hexdigest()[:16]


def unparsed_of(reason: str) -> int:
    """How many clips a caption job's reason says have no caption."""
    number, _, rest = reason.partition(" ")
    return int(number) if number.isdecimal() and rest.startswith("clip") else 0


def gone(path: Path) -> bool:
    """Whether a file does not exist any more; one that cannot be looked at still does."""
    try:
        path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return True
    except OSError:
        return False
    return False


def _growing(path: Path, before: os.stat_result) -> bool:
    try:
        now = path.stat()
    except OSError:
        return False
    return (now.st_size, now.st_mtime_ns) != (before.st_size, before.st_mtime_ns)


def being_written(path: Path, size: int) -> bool:
    """Whether a file that changed since it was planned is still growing, as far as its size and time tell."""
    try:
        stat = path.stat()
    except OSError:
        return False
    return stat.st_size > size and time.time() - stat.st_mtime < RECENT_S
