"""A folder of videos with its index: the one object that users of the library hold.

Joins settings, models, store, indexers and agents; loads each on its first use. Knows nothing of command lines, and
decides nothing that a lower room decides: how to index, to search and to answer is theirs.
"""

from __future__ import annotations

import copy
import json
import os
import shlex
import sys
import threading
import warnings
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from lvqa import render
from lvqa.errors import UsageError
from lvqa.media.bounds import Limits, use_limits
from lvqa.results import ArchivedAnswer, HitList, SightList, link_base, no_picture, thumbnailer
from lvqa.settings import Settings
from lvqa.types import SOURCES, Answer, Clip, Level, Note, Source, Span, Step, Video

if TYPE_CHECKING:
    from lvqa.agents.budget import Budget
    from lvqa.agents.estimate import Estimate
    from lvqa.agents.memory import ChatSummary, Memory
    from lvqa.chat import Chat
    from lvqa.indexers import ImportReport, IndexPlan, IndexReport, Progress
    from lvqa.models.profiles import Models
    from lvqa.store import Filter, RemovedCounts, Store
    from lvqa.store.backup import BackupReport
    from lvqa.store.exchange import ExportReport, MergeReport
    from lvqa.upkeep import VerifyReport

INDEX_FOLDER = ".lvqa"
_FOLDER = "folder"  # where the index keeps whose it is
_SHOWN_VIDEOS = 24
OnWait = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class VideoReport:
    """All that is known of one video: its clips and notes in time order, and what was written of them.

    `segments` are the summaries of stretches of one to three minutes, `summary` is that of the whole video, None where
    there is none. `notes` holds neither.
    """

    video: Video
    clips: Sequence[Clip]
    notes: Sequence[Note]
    segments: Sequence[Note] = ()
    summary: Note | None = None


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
        self.folder = _folder(folder)
        self.index_dir = Path(archive_dir).expanduser() if archive_dir is not None else self.folder / INDEX_FOLDER
        if archive_dir is not None and not os.fspath(archive_dir).strip():
            raise UsageError("the index folder's name is empty; give --archive a folder")
        self.settings = Settings.load(self.index_dir, profile=profile, **settings)
        isolate = self.settings.isolate and sys.platform != "win32"
        use_limits(Limits(isolate, self.settings.decode_memory_mb, self.settings.decode_stall_s))
        self._models = models
        self._given_models = models is not None
        self._reader: Store | None = None
        self._memory: Memory | None = None

    @property
    def models(self) -> Models:
        """The models of all roles; each loads when it is first used."""
        if self._models is None:
            from lvqa.models.profiles import Models

            self._models = Models(self.settings)
        return self._models

    @property
    def exists(self) -> bool:
        """Whether anything was indexed here before."""
        return (self.index_dir / "archive.db").is_file()

    @property
    def store(self) -> Store:
        """The index, opened for reading. Raises UsageError where there is none yet."""
        if self._reader is None:
            from lvqa.store import Store

            if not self.exists:
                raise UsageError(f"there is no index of {self.folder} yet; run: {self._index_command()}")
            self._reader = Store.open(self.index_dir, create=False)
        return self._reader

    def index(
        self,
        *,
        progress: Progress | None = None,
        only: Collection[str] | None = None,
        wait_s: float = 0.0,
        on_wait: OnWait | None = None,
        stop: threading.Event | Callable[[], bool] | None = None,
    ) -> IndexReport:
        """Index every new or changed video below the folder, and go on where an earlier run stopped.

        `only` are the paths in the folder of those to index now; the others are left as they are. A video that cannot
        be read is one line in the report, and does not stop the others. Where another process is writing to the index,
        this waits at most `wait_s` (`inf`: for ever), and tells `on_wait` once who that is. Once `stop` is set, or says
        yes, the batches that models are at work on are committed, nothing new is begun, and the report says `stopped`.
        The run is written down in `logs` of the index folder. Raises UsageError where there is no video at all, or none
        of a path in `only`; StoreError where the index cannot be written, StoreLocked where another process went on
        writing to it, ModelNotFound.
        """
        from lvqa.indexers import run_index
        from lvqa.media import find_videos

        if not self.exists and not find_videos(self.folder):
            raise UsageError(f"there are no videos below {self.folder}; name the folder that holds them")
        with self._writer("index", wait_s, on_wait, filling=True) as store:
            return run_index(self.folder, store, self.models, self.settings, progress=progress, only=only, stop=stop)

    def plan_index(self, *, only: Collection[str] | None = None) -> IndexPlan:
        """What `index` would do now and why, without doing it: nothing is written, no model is loaded.

        Works while another process indexes, and where there is no index yet. Raises UsageError as `index`.
        """
        from lvqa.indexers import plan_index
        from lvqa.store import Store

        names, prompt_set = self.models.names, self.models.prompt_set
        if not self.exists:
            return plan_index(self.folder, None, names, self.settings, prompt_set=prompt_set, only=only)
        with Store.open(self.index_dir, create=False) as store:
            self._check_claim(store)
            return plan_index(self.folder, store, names, self.settings, prompt_set=prompt_set, only=only)

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
        with self._writer("import", wait_s, on_wait, filling=True) as store:
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

    def export(self, path: str | os.PathLike[str], *, videos: Sequence[str] | None = None) -> ExportReport:
        """Write the archive, or some videos of it, to a new folder in the format of `lvqa.store.exchange`.

        No settings and no chats are in it. Raises UsageError where the folder is there already, for an unknown video;
        StoreError where the index is damaged or the disk full, and nothing is left then.
        """
        chosen = [video.id for video in self._find(videos)] if videos else None
        return self.store.export(_new_folder(path), chosen)

    def import_archive(
        self, path: str | os.PathLike[str], *, wait_s: float = 0.0, on_wait: OnWait | None = None
    ) -> MergeReport:
        """Take what `export` wrote, beside what is here: rows known already stay, and no model is asked.

        The video files need not exist; one that appears is known by its content, and nothing of it is done anew. Raises
        UsageError that names file and line where the export is not sound, and nothing is written then.
        """
        from lvqa.store.incoming import is_export

        folder = Path(path).expanduser()
        if not is_export(folder):
            raise UsageError(f"{folder} holds no export: there is no manifest.json; name a folder of lvqa export")
        with self._writer("import", wait_s, on_wait, filling=True) as store:
            return store.merge(folder)

    def backup(self, path: str | os.PathLike[str]) -> BackupReport:
        """Copy the index to a new folder, as it is at this moment, also while it is being written.

        The copy serves as `archive_dir`; chats and settings are in it. Raises UsageError where the folder is there
        already; StoreError where there is no index, it is damaged, or the disk is full, and nothing is left then.
        """
        from lvqa.store.backup import backup

        return backup(self.index_dir, _new_folder(path))

    def search(
        self,
        query: str,
        k: int = 10,
        *,
        videos: Sequence[str] | None = None,
        between: Span | tuple[float, float] | None = None,
        sources: Sequence[str] | None = None,
    ) -> HitList:
        """The `k` moments that together most probably hold what is searched for; none where nothing is relevant.

        `videos` are names as `Store.find_videos` takes them, `between` limits the seconds within each video, `sources`
        the kinds of notes; summaries are found only where `summary` is among them. Raises UsageError for an empty
        query, an unknown video or source.
        """
        from lvqa.agents import hybrid_search

        _require_text(query, "query")
        if k < 1:
            raise UsageError(f"k must be at least 1, got {k}")

        def search() -> HitList:
            store = self._filled_store()
            chosen = self._filter(videos, between, sources)
            self._match_embedder()
            images = self.models.image_embedder if store.vector_models("frames") else None
            hits = hybrid_search(store, self.models.embedder, query, k, chosen, image_embedder=images)
            return HitList(hits, self.folder, self._durations())

        return self.store.consistent(search)

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
    ) -> SightList:
        """At most `k` times at which something is to be seen, looked for in the videos themselves (temporal search).

        Args:
            what: a thing or several, as a caption would name them: "a red star".
            k: most times returned.
            cues: what tends to be near, and is easier to spot.
            videos: names as `Store.find_videos` takes them.
            between: the only seconds of each video that are searched.
            frames: most frames looked at; the setting `budget_frames` unless given.
            searcher: one of `lvqa.agents.zoom.SEARCHERS`; the setting `searcher` unless given.
            seed: the same seed finds the same.

        Raises UsageError for an empty name, an unknown video or searcher, and where no model can look; ModelNotFound.
        """
        from lvqa import agents
        from lvqa.agents.zoom import Query

        targets = [what] if isinstance(what, str) else list(what)
        for thing in targets or [""]:
            _require_text(thing, "thing to find")
        for cue in cues:
            _require_text(cue, "cue")
        if k < 1 or (frames is not None and frames < 0):
            raise UsageError(f"k must be at least 1, and frames at least 0; got {k} and {frames}")
        with self.store.snapshot():
            store = self._filled_store()
            chosen = self._filter(videos, between, None)
            self._match_embedder()
            finding = agents.find(
                Query(tuple(targets), tuple(cues)),
                store=store,
                models=self.models,
                settings=self.settings,
                folder=self.folder,
                filter=chosen,
                k=k,
                frames=frames,
                seed=seed,
                searcher=searcher,
            )
            return SightList(finding, self.folder, self._durations())

    def ask(
        self,
        question: str,
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
    ) -> Answer:
        """Answer a question from the videos, with the intervals that support it, or say that they do not hold it.

        With `options` the answer is one of them. `sources` are the only kinds of notes that may be used. `agent` is one
        of `lvqa.agents.presets.AGENTS`; the setting `agent` unless given. `on_step` is told of each step as it happens.
        Once `stop` is set, or says yes, and at a first
        Ctrl-C, the answer is what can be said from what was found so far. Raises UsageError for an empty question,
        fewer than two options, an unknown video; ModelNotFound; KeyboardInterrupt for a second Ctrl-C.
        """
        from lvqa.agents.stop import Stop, until_answered

        ending = Stop.of(stop)
        events = self.stream(
            question,
            options,
            videos=videos,
            between=between,
            sources=sources,
            budget=budget,
            seed=seed,
            agent=agent,
            stop=ending,
        )
        return until_answered(events, ending, on_step)

    def estimate(
        self,
        question: str,
        options: Sequence[str] | None = None,
        *,
        videos: Sequence[str] | None = None,
        between: Span | tuple[float, float] | None = None,
        budget: Budget | None = None,
        agent: str | None = None,
    ) -> Estimate:
        """What `ask` would take, at most and likely, without loading or asking any model. Raises UsageError as `ask`.

        Seconds are told where answers with these models were timed before in this process.
        """
        from lvqa.agents.estimate import estimate

        _require_question(question, options)
        store = self._filled_store()
        return estimate(
            question,
            options,
            store=store,
            models=self.models,
            settings=self.settings,
            folder=self.folder,
            filter=self._filter(videos, between, None),
            budget=budget,
            agent=agent,
        )

    def stream(
        self,
        question: str,
        options: Sequence[str] | None = None,
        *,
        videos: Sequence[str] | None = None,
        between: Span | tuple[float, float] | None = None,
        sources: Sequence[str] | None = None,
        budget: Budget | None = None,
        seed: int = 0,
        agent: str | None = None,
        stop: threading.Event | Callable[[], bool] | None = None,
    ) -> Iterator[Step | Answer]:
        """Like `ask`, as it happens: every Step, and the Answer last. Raises as `ask`, before the first step."""
        from lvqa import agents

        _require_question(question, options)
        store = self._filled_store()
        chosen = self._filter(videos, between, sources)
        self._match_embedder()
        events = agents.stream(
            question,
            options,
            store=store,
            models=self.models,
            settings=self.settings,
            folder=self.folder,
            filter=chosen,
            budget=budget,
            seed=seed,
            agent=agent,
            stop=stop,
        )
        return (self._archived(event) if isinstance(event, Answer) else event for event in events)

    def chat(self, thread: str | None = None) -> Chat:
        """A conversation, whose questions may refer to the answers before them: a new one, or the one of that id.

        It is kept in `chats.db` of the index folder; where that cannot be written, in memory, with a warning. Raises
        UsageError where there is no such chat or no index, StoreError where the file holds something else.
        """
        from lvqa.chat import Chat

        memory = self._chats()
        if thread is not None and not memory.turns(thread):
            known = [chat.id for chat in memory.chats()]
            raise UsageError(f"there is no chat {thread!r}; there are: {_list(known) or 'none'}")
        chat = Chat(self, self._chats, thread if thread is not None else memory.begin())
        if chat.notice:
            warnings.warn(chat.notice, stacklevel=2)
        return chat

    def chats(self) -> list[ChatSummary]:
        """The chats that were kept, the latest first: `id`, `turns`, first `question`, `updated`. Raises StoreError."""
        return self._chats().chats() if self._has_chats else []

    def forget(self, thread: str) -> None:
        """Delete a chat. Raises UsageError where there is none of that id, StoreError."""
        if not self._has_chats or not self._chats().forget(thread):
            known = [chat.id for chat in self.chats()]
            raise UsageError(f"there is no chat {thread!r}; there are: {_list(known) or 'none'}")

    def videos(self) -> list[Video]:
        """Every video of the index, by path."""
        return sorted(self.store.videos(), key=lambda v: v.path)

    def show(self, video: str) -> VideoReport:
        """What is known of one video, named by path, file name or id. Raises UsageError where there is no such one."""
        from lvqa.store import Filter

        with self.store.snapshot():
            (found, *others) = self._find([video])
            if others:
                paths = _list([v.path for v in (found, *others)])
                raise UsageError(f"{video!r} names {len(others) + 1} videos: {paths}")

            def notes(level: Level) -> list[Note]:
                return self.store.notes(Filter(video_ids=frozenset([found.id]), level=level))

            summary = next(iter(notes("video")), None)
            return VideoReport(found, self.store.clips(found.id), notes("clip"), notes("segment"), summary)

    @property
    def digest(self) -> str:
        """What the videos hold, all in one text; empty where there is none. Of the videos at the last `index`."""
        from lvqa.indexers import read_digest

        found = read_digest(self.store)
        return found.text if found is not None else ""

    def summaries(self) -> dict[str, str]:
        """What each video holds, by path; those without a summary are left out."""
        from lvqa.store import Filter

        with self.store.snapshot():
            paths = {video.id: video.path for video in self.store.videos()}
            notes = self.store.notes(Filter(sources=frozenset({"summary"}), level="video"))
        return {paths[note.video_id]: note.text for note in notes if note.video_id in paths}

    def status(self) -> dict[str, Any]:
        """Counts of what is indexed; `videos` holds `indexed`, `failed` and `pending`, `failures` each reason.

        `digest` holds the `text` about all videos, the `model` that wrote it,
        and whether it is `stale`: of videos that have changed since; None where there is none. `run` tells of the run
        that is under way: `pid`, `host`, `since`, `videos` settled of `videos_total`, seconds since it last wrote into
        its log (`quiet_s`), and whether that is too long (`silent`); None where there is none.
        """
        from lvqa.indexers import find_run, is_stale, read_digest

        run = find_run(self.index_dir)
        told = run.to_dict() if run is not None else None
        with self.store.snapshot():
            failures = [{"video": job.path, "reason": job.reason} for job in self.store.jobs(status="failed")]
            found = read_digest(self.store)
            digest = found and {"text": found.text, "model": found.model, "stale": is_stale(self.store, found)}
            return {**self.store.counts(), "digest": digest, "failures": failures, "run": told}

    def remove(self, video: str, *, wait_s: float = 0.0, on_wait: OnWait | None = None) -> RemovedCounts:
        """Take one video out of the index; its file stays, and while it does the next `index` takes it in again.

        It waits for another writer as `index` does. Raises UsageError where there is no such video, or the name fits
        several; StoreLocked.
        """
        found = self.show(video).video
        with self._writer("remove", wait_s, on_wait) as store:
            return store.remove_video(found.id)

    def verify(self, *, repair: bool = False) -> VerifyReport:
        """Look through the index, row by row, and at the files; with `repair`, mend what can be mended first.

        What was lost and can be made again is left to the next `index`. Raises UsageError where there is no index;
        StoreError where there is nothing left to mend, StoreLocked, StoreVersionError.
        """
        from lvqa.upkeep import repair_archive, verify_archive

        if not self.index_dir.is_dir():
            raise UsageError(f"there is no index of {self.folder} yet; run: {self._index_command()}")
        self.close()
        return (repair_archive if repair else verify_archive)(self.folder, self.index_dir, self._expected_embedder())

    def _expected_embedder(self) -> str | None:
        """The model whose vectors the notes should have; None where the index decides, by what it has."""
        return "" if self.settings.embedder == "none" else None

    def twin(self) -> Archive:
        """The same archive for another thread: it reads the index by itself and shares the models and settings.

        Raises UsageError where the index was embedded with a model that is not the one given.
        """
        if self.exists:
            self._match_embedder()
        other = copy.copy(self)
        other._models, other._reader = self.models, None
        return other

    def close(self) -> None:
        """Let go of the index; the next use opens it again."""
        if self._reader is not None:
            self._reader.close()
            self._reader = None
        if self._memory is not None:
            self._memory.close()
            self._memory = None

    def __enter__(self) -> Archive:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"Archive({str(self.folder)!r})"

    def _repr_html_(self) -> str:
        if not self.exists:
            return render.archive_html(
                str(self.folder), f"not indexed yet; run: {self._index_command()}", [], no_picture
            )
        with self.store.snapshot():
            videos, counts = self.videos(), self.status()
        summary = (
            f"{render.count(len(videos), 'video')}, {render.duration_text(sum(v.duration_s for v in videos))}, "
            f"{render.count(counts['clips'], 'clip')}, {render.count(counts['notes'], 'note')}"
        )
        if counts["videos"]["failed"]:
            summary += f"; {counts['videos']['failed']} could not be read"
        if len(videos) > _SHOWN_VIDEOS:
            summary += f"; the first {_SHOWN_VIDEOS}:"
        return render.archive_html(
            str(self.folder), summary, videos[:_SHOWN_VIDEOS], thumbnailer(self.folder), link_base(self.folder)
        )

    @contextmanager
    def _writer(self, doing: str, wait_s: float, on_wait: OnWait | None, *, filling: bool = False) -> Iterator[Store]:
        from lvqa.store import Store

        with Store.open(self.index_dir, write=True, wait_s=wait_s, on_wait=on_wait, doing=doing) as store:
            if filling:
                self._claim(store)
            yield store

    def _claim(self, store: Store) -> None:
        """Note whose index this is: another folder's videos would count as gone, and be dropped.

        A folder that was moved, or copied with its index, takes it over.
        """
        self._check_claim(store)
        if store.meta.get(_FOLDER) != (mine := json.dumps(str(self.folder))):
            store.meta.set(_FOLDER, mine)

    def _check_claim(self, store: Store) -> None:
        held = store.meta.get(_FOLDER)
        if held is not None and self.index_dir.resolve() != (self.folder / INDEX_FOLDER).resolve():
            other = Path(json.loads(held))
            if other.is_dir() and not other.samefile(self.folder):
                raise UsageError(
                    f"the index in {self.index_dir} is that of {other}, not of {self.folder}; give --archive another "
                    "folder, or delete this one to start anew"
                )

    @property
    def _has_chats(self) -> bool:
        from lvqa.agents.chatfile import CHATS_FILE

        return self._memory is not None or (self.index_dir / CHATS_FILE).exists()

    def _chats(self) -> Memory:
        if self._memory is None:
            from lvqa.agents.chatfile import CHATS_FILE
            from lvqa.agents.memory import Memory

            self._filled_store()
            self._memory = Memory.open(self.index_dir / CHATS_FILE)
        return self._memory

    def _filled_store(self) -> Store:
        if not self.store.videos():
            raise UsageError(f"the index of {self.folder} holds no videos; run: {self._index_command()}")
        return self.store

    def _match_embedder(self) -> None:
        """Embed queries with what embedded the notes: in another model's space they would silently find nothing."""
        name = self.models.names["embedder"]
        held = self.store.vector_models("notes")
        if not name or not held or name in held:
            return
        if self._given_models or self.settings.embedder:
            raise UsageError(
                f"the index was embedded with {', '.join(held)}, not with {name}; take --embedder {held[-1]}, or embed "
                f"it anew: {self._index_command()} --embedder {name}"
            )
        from lvqa.models.profiles import Models

        self._models = Models(self.settings.model_copy(update={"embedder": held[-1]}))

    def _find(self, names: Sequence[str]) -> list[Video]:
        found: dict[str, Video] = {}
        for name in names:
            matches = self.store.find_videos(name) if name.strip() else []
            if not matches:
                known = [v.path for v in self.videos()]
                raise UsageError(f"there is no video {name!r} in the index; there are: {_list(known) or 'none'}")
            found |= {v.id: v for v in matches}
        return list(found.values())

    def _filter(
        self,
        videos: Sequence[str] | None,
        between: Span | tuple[float, float] | None,
        sources: Sequence[str] | None,
    ) -> Filter:
        from lvqa.store import Filter

        for source in sources or ():
            if source not in SOURCES:
                raise UsageError(f"there is no source {source!r}; there are: {', '.join(SOURCES)}")
        if between is not None and not isinstance(between, Span):
            try:
                between = Span(*between)
            except (TypeError, ValueError) as error:
                raise UsageError(f"bad time range {between!r}: {error}") from error
        # A summary says again what notes of its time say: it comes where it was asked for, not beside them.
        level: Level | None = None if "summary" in (sources or ()) else "clip"
        return Filter(
            level=level,
            video_ids=frozenset(v.id for v in self._find(videos)) if videos else None,
            span=between,
            sources=frozenset(cast("Sequence[Source]", sources)) if sources else None,
        )

    def _durations(self) -> dict[str, float]:
        return {v.path: v.duration_s for v in self.store.videos()}

    def _archived(self, answer: Answer) -> ArchivedAnswer:
        values = {f.name: getattr(answer, f.name) for f in fields(Answer)}
        from lvqa.agents.prices import Prices

        currency = Prices.of(self.settings).shown
        return ArchivedAnswer(**values, folder=self.folder, durations=self._durations(), currency=currency)

    def _index_command(self) -> str:
        command = f"lvqa index {shlex.quote(str(self.folder))}"
        if self.index_dir != self.folder / INDEX_FOLDER:
            command += f" --archive {shlex.quote(str(self.index_dir))}"
        return command


def _folder(folder: str | os.PathLike[str]) -> Path:
    text = os.fspath(folder)
    if not text.strip():
        raise UsageError("the archive's name is empty; name the folder that holds the videos")
    path = Path(text).expanduser().absolute()
    try:
        if path.is_dir():
            return path
        known = path.exists()
    except OSError as error:
        raise UsageError(f"{path} cannot be opened: {error.strerror}") from error
    if known:
        raise UsageError(f"{path} is a file; name the folder that holds it: {shlex.quote(str(path.parent))}")
    raise UsageError(f"there is no folder {path}; check the name")


def _new_folder(path: str | os.PathLike[str]) -> Path:
    if not os.fspath(path).strip():
        raise UsageError("the name of the folder to write is empty; name one that is not there yet")
    return Path(path).expanduser()


def _require_text(text: str, what: str) -> None:
    if not text.strip():
        raise UsageError(f"the {what} is empty; write one")


def _require_question(question: str, options: Sequence[str] | None) -> None:
    _require_text(question, "question")
    if options is not None:
        if len(options) < 2:
            raise UsageError("a multiple-choice question needs at least two options")
        for option in options:
            _require_text(option, "option")


def _list(names: Sequence[str], most: int = 8) -> str:
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(render.one_line(name, 200) for name in names[:most]) + more
