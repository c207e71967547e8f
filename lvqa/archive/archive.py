"""A folder of videos with its index: the one object that users of the library hold.

Only the door: what a person types becomes a `Question` or a `Scope` here, and each method hands on to what does it: the
rooms below fill and keep the index, `workspace` opens it, `questions` searches and answers, `chats` holds
conversations, `contents` tells what there is. Knows nothing of command lines, and decides nothing that a lower room
decides.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from lvqa.archive.chats import Chats
from lvqa.archive.contents import Contents
from lvqa.archive.questions import Questions
from lvqa.archive.results import HitList, SightingList
from lvqa.archive.workspace import OnWait, Workspace
from lvqa.errors import UsageError
from lvqa.settings import Settings
from lvqa.types import Answer, Budget, Question, Scope, Span, Step, Video

# What can be made anew although it stands, by the stage that makes it.
REFRESHED = {"captions": "caption"}

if TYPE_CHECKING:
    from lvqa.agents.chat.memory import ChatSummary
    from lvqa.agents.cost.estimate import Estimate
    from lvqa.archive.chats import Chat
    from lvqa.archive.check import CheckReport
    from lvqa.archive.contents import VideoReport
    from lvqa.indexers import ImportReport, IndexPlan, IndexReport, Progress
    from lvqa.models.profiles import Models
    from lvqa.store import BackupReport, ExportReport, MergeReport, RemovedCounts, Store
    from lvqa.tools import Workbench


class Archive:
    """The videos below `folder`, and their index in `archive_dir` (`folder/.lvqa` unless told otherwise).

    `profile` and further keywords are settings (see `lvqa.settings.Settings`) and win over `LVQA_*` variables and the
    index folder's settings.toml; `models` hands over models that are loaded already. What decoding may take (`isolate`,
    `decode_memory_mb`, `decode_stall_s`) holds for the process from then on. Making an Archive loads no model
    and writes nothing. Raises UsageError where the folder is missing or a setting is wrong.
    """

    def __init__(
        self,
        folder: str | os.PathLike[str],
        *,
        archive_dir: str | os.PathLike[str] | None = None,
        profile: str | None = None,
        models: Models | None = None,
        **settings: Any,
    ) -> None:
        self._compose(Workspace.at(folder, archive_dir=archive_dir, profile=profile, models=models, **settings))

    def _compose(self, workspace: Workspace) -> None:
        """Put the parts together over a workspace."""
        self.workspace = workspace
        self._contents = Contents(workspace)
        self._questions = Questions(workspace)
        self._chats = Chats(workspace, self._questions)

    @property
    def folder(self) -> Path:
        """The folder that holds the videos."""
        return self.workspace.folder

    @property
    def index_dir(self) -> Path:
        """The folder that holds the index."""
        return self.workspace.index_dir

    @property
    def settings(self) -> Settings:
        """The settings that hold for this archive."""
        return self.workspace.settings

    @property
    def models(self) -> Models:
        """The models of all roles; each loads when it is first used."""
        return self.workspace.models

    @property
    def store(self) -> Store:
        """The index, opened for reading. Raises UsageError where there is none yet."""
        return self.workspace.store

    @property
    def exists(self) -> bool:
        """Whether anything was indexed here before."""
        return self.workspace.exists

    def close(self) -> None:
        """Let go of the index and the chats; the next use opens them again."""
        self.workspace.close()
        self._chats.close()

    def twin(self, models: Models | None = None) -> Archive:
        """The same archive for another thread: it opens index and chats by itself, and shares settings and models.

        With `models` it has those in place of its own. Raises UsageError where the index was embedded with a model that
        is not the one given.
        """
        other = object.__new__(type(self))
        other._compose(self.workspace.twin(models))
        return other

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"Archive({str(self.folder)!r})"

    def _repr_html_(self) -> str:
        return self._contents.html()

    def index(
        self,
        *,
        progress: Progress | None = None,
        only: Collection[str] | None = None,
        refresh: Collection[str] = (),
        wait_s: float = 0.0,
        on_wait: OnWait | None = None,
        stop: threading.Event | Callable[[], bool] | None = None,
    ) -> IndexReport:
        """Index every new or changed video below the folder, and go on where an earlier run stopped.

        `only` are the paths in the folder of those to index now; the others are left as they are. A video that cannot
        be read is one line in the report, and does not stop the others. Captions that an earlier lvqa asked for in
        another way stand, unless `refresh` holds `captions`. Where another process is writing to the index,
        this waits at most `wait_s` (`inf`: for ever), and tells `on_wait` once who that is. Once `stop` is set, or says
        yes, the batches that models are at work on are committed, nothing new is begun, and the report says `stopped`.
        The run is written down in `logs` of the index folder. Raises UsageError where there is no video at all, or none
        of a path in `only`; StoreError where the index cannot be written, StoreLocked where another process went on
        writing to it, ModelNotFound.
        """
        from lvqa.indexers import run_index
        from lvqa.media import find_videos

        folder, settings = self.folder, self.settings
        if not self.exists and not find_videos(folder):
            raise UsageError(f"there are no videos below {folder}; name the folder that holds them")
        stages = _stages_of(refresh)
        with self.workspace.writer("index", wait_s, on_wait, filling=True) as store:
            return run_index(
                folder, store, self.models, settings, progress=progress, only=only, refresh=stages, stop=stop
            )

    def plan_index(self, *, only: Collection[str] | None = None, refresh: Collection[str] = ()) -> IndexPlan:
        """What `index` would do now and why, without doing it: nothing is written, no model is loaded.

        Works while another process indexes, and where there is no index yet. Raises UsageError as `index`.
        """
        from lvqa.indexers import plan_index
        from lvqa.store import Store

        names, own = self.models.names, self.models.own_prompts
        if not self.exists:
            return plan_index(self.folder, None, names, self.settings, own_prompts=own, only=only)
        with Store.open(self.index_dir, create=False) as store:
            self.workspace.check_claim(store)
            return plan_index(
                self.folder,
                store,
                names,
                self.settings,
                own_prompts=own,
                only=only,
                captioner_before=self.models.addressed_names["vision"],
                refresh=_stages_of(refresh),
            )

    def import_captions(
        self,
        path: str | os.PathLike[str],
        *,
        progress: Progress | None = None,
        wait_s: float = 0.0,
        on_wait: OnWait | None = None,
        stop: threading.Event | Callable[[], bool] | None = None,
    ) -> ImportReport:
        """Take ready-made captions: a JSON object a line, `{"video", "start_s", "end_s", "text"}`.

        The video files need not exist. It waits for another writer, and stops, as `index` does; importing the file
        again goes on. Raises UsageError for a file that is missing or malformed, StoreLocked.
        """
        from lvqa.indexers import import_captions

        jsonl = Path(path).expanduser()
        if not jsonl.is_file():
            raise UsageError(f"there is no file {jsonl}; name a file of captions, one JSON object a line")
        with self.workspace.writer("import", wait_s, on_wait, filling=True) as store:
            return import_captions(
                jsonl,
                self.folder,
                store,
                self.models.embedder,
                progress=progress,
                settings=self.settings,
                models=self.models,
                stop=stop,
            )

    def import_archive(
        self, path: str | os.PathLike[str], *, wait_s: float = 0.0, on_wait: OnWait | None = None
    ) -> MergeReport:
        """Take what `export` wrote, beside what is here: rows known already stay, and no model is asked.

        The video files need not exist; one that appears is known by its content, and nothing of it is done anew. Raises
        UsageError that names file and line where the export is not sound, and nothing is written then.
        """
        from lvqa.store import is_export, merge_export

        folder = Path(path).expanduser()
        if not is_export(folder):
            raise UsageError(f"{folder} holds no export: there is no manifest.json; name a folder of lvqa export")
        with self.workspace.writer("import", wait_s, on_wait, filling=True) as store:
            return merge_export(store, folder)

    def export(self, path: str | os.PathLike[str], *, videos: Sequence[str] | None = None) -> ExportReport:
        """Write the archive, or some videos of it, to a new folder in the format of `lvqa.store.exchange.format`.

        No settings and no chats are in it. Raises UsageError where the folder is there already, for an unknown video;
        StoreError where the index is damaged or the disk full, and nothing is left then.
        """
        from lvqa.store import export_archive
        from lvqa.tools.scope import videos_named

        chosen = [video.id for video in videos_named(videos, self.store)] if videos else None
        return export_archive(self.store, _new_folder(path), chosen)

    def backup(self, path: str | os.PathLike[str]) -> BackupReport:
        """Copy the index to a new folder, as it is at this moment, also while it is being written.

        The copy serves as `archive_dir`; chats and settings are in it. Raises UsageError where the folder is there
        already; StoreError where there is no index, it is damaged, or the disk is full, and nothing is left then.
        """
        from lvqa.store import backup

        return backup(self.index_dir, _new_folder(path))

    def remove(self, video: str, *, wait_s: float = 0.0, on_wait: OnWait | None = None) -> RemovedCounts:
        """Take one video out of the index; its file stays, and while it does the next `index` takes it in again.

        It waits for another writer as `index` does. Raises UsageError where there is no such video, or the name fits
        several; StoreLocked.
        """
        from lvqa.tools.scope import video_named

        found = video_named(video, self.store)
        with self.workspace.writer("remove", wait_s, on_wait) as store:
            return store.videos.remove(found.id)

    def check(self, *, repair: bool = False, quick: bool = False) -> CheckReport:
        """Look through the index, row by row, and at the files; with `repair`, mend what can be mended first.

        What the files hold is counted, packet by packet, and held against what was indexed, unless it is to be `quick`.

        What was lost and can be made again is left to the next `index`. Raises UsageError where there is no index;
        StoreError where there is nothing left to mend, StoreLocked, StoreVersionError.
        """
        from lvqa.archive.check import check_archive, repair_archive

        self.close()
        if not self.index_dir.is_dir():
            raise UsageError(f"there is no index of {self.folder} yet; run: {self.workspace.index_command()}")
        # None: the index decides by what it has which model's vectors the notes should have.
        embedder = "" if self.settings.embedder == "none" else None
        return (repair_archive if repair else check_archive)(self.folder, self.index_dir, embedder, quick=quick)

    def verify(self, *, repair: bool = False, quick: bool = False) -> CheckReport:
        """The earlier name of `check`, which stays."""
        return self.check(repair=repair, quick=quick)

    def videos(self) -> list[Video]:
        """Every video of the index, by path."""
        return self.workspace.videos()

    def show(self, video: str) -> VideoReport:
        """What is known of one video, named by path, file name or id. Raises UsageError where there is no such one."""
        return self._contents.show(video)

    def status(self) -> dict[str, Any]:
        """Counts of what is indexed; `videos` holds `indexed`, `failed` and `pending`, `failures` each reason.

        `digest` holds the `text` about all videos, the `model` that wrote it,
        and whether it is `stale`: of videos that have changed since; None where there is none. `run` tells of the run
        that is under way: `pid`, `host`, `since`, `videos` settled of `videos_total`, seconds since it last wrote into
        its log (`quiet_s`), and whether that is too long (`silent`); None where there is none. `passed_over` holds what
        the last `index` did not take for videos: each `kind` with its `count` and the first `paths`.
        """
        return self._contents.status()

    def summaries(self) -> dict[str, str]:
        """What each video holds, by path; those without a summary are left out."""
        return self._contents.summaries()

    @property
    def digest(self) -> str:
        """What the videos hold, all in one text; empty where there is none. Of the videos at the last `index`."""
        return self._contents.digest()

    def search(
        self,
        query: str,
        k: int = 10,
        *,
        videos: Sequence[str] | None = None,
        between: Span | tuple[float, float] | None = None,
        sources: Sequence[str] | None = None,
    ) -> HitList:
        """The `k` passages that together most probably hold what is searched for; none where nothing is relevant.

        `videos` are names as `Store.videos.find` takes them, `between` limits the seconds within each video, `sources`
        the kinds of notes; summaries are found only where `summary` is among them. Raises UsageError for an empty
        query, an unknown video or source.
        """
        return self._questions.search(query, k, Scope.of(videos, between, sources))

    def places(
        self,
        query: str,
        *,
        videos: Sequence[str] | None = None,
        between: Span | tuple[float, float] | None = None,
        sources: Sequence[str] | None = None,
    ) -> HitList:
        """Every place where the words of a query stand, by video, kind of note and time; nothing that is only like it.

        What stands in quotation marks is a phrase, of anything else each word counts. The rest as in `search`.
        """
        return self._questions.places(query, Scope.of(videos, between, sources))

    def find(
        self,
        what: str | Sequence[str],
        k: int = 10,
        *,
        cues: Sequence[str] = (),
        videos: Sequence[str] | None = None,
        between: Span | tuple[float, float] | None = None,
        frames: int | None = None,
        searcher: str | None = None,
        seed: int = 0,
    ) -> SightingList:
        """At most `k` times at which something is to be seen, looked for in the videos themselves (temporal search).

        Args:
            what: a thing or several, as a caption would name them: "a red star".
            k: most times returned.
            cues: what tends to be near, and is easier to spot.
            videos: names as `Store.videos.find` takes them.
            between: the only seconds of each video that are searched.
            frames: most frames looked at; the setting `budget_frames` unless given.
            searcher: one of `lvqa.zoom.SEARCHERS`; the setting `searcher` unless given.
            seed: the same seed finds the same.

        Raises UsageError for an empty name, an unknown video or searcher, and where no model can look; ModelNotFound.
        """
        targets = [what] if isinstance(what, str) else list(what)
        scope = Scope.of(videos, between)
        return self._questions.find(targets, k, scope, cues=cues, frames=frames, searcher=searcher, seed=seed)

    def bench(
        self, scope: Scope | None = None, *, budget: Budget | None = None, seed: int = 0, keep: bool = True
    ) -> AbstractContextManager[Workbench]:
        """What the tools of `lvqa.tools` work with, as a context: `look(bench, "kitchen.mp4", (10, 20), "Who is it?")`.

        It is one question's: frames and what was seen on them are kept until it ends. `scope` is all that tools may
        use, `budget` all that they may spend; that of the settings unless given. `keep` allows captions that are made
        on demand to be written into the index while nobody else writes. Raises UsageError for an unknown video and
        where there is no index, ModelNotFound.
        """
        return self._questions.bench(scope or Scope(), budget=budget, seed=seed, keep=keep)

    def ask(
        self,
        question: str | Question,
        options: Sequence[str] | None = None,
        *,
        videos: Sequence[str] | None = None,
        between: Span | tuple[float, float] | None = None,
        sources: Sequence[str] | None = None,
        budget: Budget | None = None,
        seed: int = 0,
        agent: str | None = None,
        on_step: Callable[[Step], None] | None = None,
        stop: threading.Event | Callable[[], bool] | None = None,
        resume: str | None = None,
    ) -> Answer:
        """Answer a question from the videos, with the intervals that support it, or say that they do not hold it.

        With `options` the answer is one of them. `sources` are the only kinds of notes that may be used. `agent` is one
        of `lvqa.agents.baselines.presets.AGENTS`; the setting `agent` unless given. `on_step` is told of each step as
        it happens. Once `stop` is set, or says yes, and at a first
        Ctrl-C, the answer is what can be said from what was found so far. `resume` is the id of a run that `checkpoint`
        began: it goes on behind the last node that ended, with the budget, agent and searcher that it began with.
        Raises UsageError for an empty question, fewer than two options, an unknown video or run, and for a run of
        another question, another index or other models; StoreError where it cannot be read; ModelNotFound;
        KeyboardInterrupt for a second Ctrl-C.
        """
        asked = Question.of(
            question, options, videos=videos, between=between, sources=sources, budget=budget, seed=seed, agent=agent
        )
        return self._questions.ask(asked, on_step=on_step, stop=stop, resume=resume)

    def stream(
        self,
        question: str | Question,
        options: Sequence[str] | None = None,
        *,
        videos: Sequence[str] | None = None,
        between: Span | tuple[float, float] | None = None,
        sources: Sequence[str] | None = None,
        budget: Budget | None = None,
        seed: int = 0,
        agent: str | None = None,
        stop: threading.Event | Callable[[], bool] | None = None,
        resume: str | None = None,
    ) -> Iterator[Step | Answer]:
        """Like `ask`, as it happens: every Step, and the Answer last. Raises as `ask`, before the first step."""
        asked = Question.of(
            question, options, videos=videos, between=between, sources=sources, budget=budget, seed=seed, agent=agent
        )
        return self._questions.stream(asked, stop=stop, resume=resume)

    def checkpoint(
        self,
        question: str | Question,
        options: Sequence[str] | None = None,
        *,
        videos: Sequence[str] | None = None,
        between: Span | tuple[float, float] | None = None,
        sources: Sequence[str] | None = None,
        budget: Budget | None = None,
        seed: int = 0,
        agent: str | None = None,
    ) -> str | None:
        """The id of a new run for a question: `ask` and `stream` answer it with `resume`, in as many tries as it takes.

        How far it comes is kept in `runs.db` of the index folder, for the latest 32 runs. None, with a warning, where
        that cannot be written. Raises as `ask`; UsageError also where the extra `checkpoints` is not installed.
        """
        asked = Question.of(
            question, options, videos=videos, between=between, sources=sources, budget=budget, seed=seed, agent=agent
        )
        return self._questions.checkpoint(asked)

    def estimate(
        self,
        question: str | Question,
        options: Sequence[str] | None = None,
        *,
        videos: Sequence[str] | None = None,
        between: Span | tuple[float, float] | None = None,
        budget: Budget | None = None,
        agent: str | None = None,
    ) -> Estimate:
        """What `ask` would take, at most and likely, without loading or asking any model. Raises UsageError as `ask`.

        What is likely is the mean of what questions took before with these models in this process, and None before.
        """
        asked = Question.of(question, options, videos=videos, between=between, budget=budget, agent=agent)
        return self._questions.estimate(asked)

    def chat(self, thread: str | None = None) -> Chat:
        """A conversation, whose questions may refer to the answers before them: a new one, or the one of that id.

        It is kept in `chats.db` of the index folder; where that cannot be written, in memory, with a warning. Raises
        UsageError where there is no such chat or no index, StoreError where the file holds something else.
        """
        return self._chats.open(thread)

    def chats(self) -> list[ChatSummary]:
        """The chats that were kept, the latest first: `id`, `turns`, first `question`, `updated`. Raises StoreError."""
        return self._chats.kept()

    def forget(self, thread: str) -> None:
        """Delete a chat. Raises UsageError where there is none of that id, StoreError."""
        self._chats.forget(thread)


def _new_folder(path: str | os.PathLike[str]) -> Path:
    if not os.fspath(path).strip():
        raise UsageError("the name of the folder to write is empty; name one that is not there yet")
    return Path(path).expanduser()


def _stages_of(refresh: Collection[str]) -> list[str]:
    """The stages whose rows are called so. Raises UsageError for what cannot be refreshed."""
    if unknown := sorted(set(refresh) - REFRESHED.keys()):
        raise UsageError(f"there is no {unknown[0]!r} to refresh; there are: {', '.join(REFRESHED)}")
    return [REFRESHED[name] for name in refresh]
