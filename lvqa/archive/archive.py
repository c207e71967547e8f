"""A folder of videos with its index: the one object that users of the library hold.

Joins settings, models, store, indexers and agents; loads each on its first use. Where the index lies is told in
`lvqa.archive.workspace`, how it is filled and kept in `lvqa.archive.maintenance`; what is asked of it stands here.
Knows nothing of command lines, and decides nothing that a lower room decides: how to index, to search and to answer is
theirs.
"""

from __future__ import annotations

import copy
import threading
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, cast

from lvqa import phrasing, render
from lvqa.archive.maintenance import Keeping
from lvqa.archive.results import ArchivedAnswer, HitList, SightList, link_base, no_picture, thumbnailer
from lvqa.errors import UsageError
from lvqa.types import SOURCES, Answer, Clip, Level, Note, Source, Span, Step, Video

if TYPE_CHECKING:
    from lvqa.agents.chat.memory import ChatSummary, Memory
    from lvqa.agents.cost.estimate import Estimate
    from lvqa.archive.chats import Chat
    from lvqa.store import Filter
    from lvqa.tools.ledger import Budget

_SHOWN_VIDEOS = 24


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


class Archive(Keeping):
    """The videos below `folder`, and their index in `archive_dir` (`folder/.lvqa` unless told otherwise).

    `profile` and further keywords are settings (see `lvqa.settings.Settings`) and win over `LVQA_*` variables and the
    index folder's settings.toml; `models` hands over models that are loaded already. What decoding may take (`isolate`,
    `decode_memory_mb`, `decode_stall_s`) holds for the process from then on. Making an Archive loads no model
    and writes nothing. Raises UsageError where the folder is missing or a setting is wrong.
    """

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

        `videos` are names as `Store.videos.find` takes them, `between` limits the seconds within each video, `sources`
        the kinds of notes; summaries are found only where `summary` is among them. Raises UsageError for an empty
        query, an unknown video or source.
        """
        from lvqa.recall import hybrid_search

        _require_text(query, "query")
        if k < 1:
            raise UsageError(f"k must be at least 1, got {k}")

        def search() -> HitList:
            store = self._filled_store()
            chosen = self._filter(videos, between, sources)
            self._match_embedder()
            images = self.models.image_embedder if store.vectors.models("frames") else None
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
            videos: names as `Store.videos.find` takes them.
            between: the only seconds of each video that are searched.
            frames: most frames looked at; the setting `budget_frames` unless given.
            searcher: one of `lvqa.zoom.SEARCHERS`; the setting `searcher` unless given.
            seed: the same seed finds the same.

        Raises UsageError for an empty name, an unknown video or searcher, and where no model can look; ModelNotFound.
        """
        from lvqa import tools
        from lvqa.zoom import Query

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
            finding = tools.find(
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
        of `lvqa.agents.baselines.presets.AGENTS`; the setting `agent` unless given. `on_step` is told of each step as
        it happens. Once `stop` is set, or says yes, and at a first
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

        What is likely is the mean of what questions took before with these models in this process, and None before.
        """
        from lvqa.agents.cost.estimate import estimate

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
        from lvqa.archive.chats import Chat

        memory = self._chats()
        if thread is not None and not memory.turns(thread):
            known = [chat.id for chat in memory.chats()]
            raise UsageError(f"there is no chat {thread!r}; there are: {phrasing.listed(known) or 'none'}")
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
            raise UsageError(f"there is no chat {thread!r}; there are: {phrasing.listed(known) or 'none'}")

    def show(self, video: str) -> VideoReport:
        """What is known of one video, named by path, file name or id. Raises UsageError where there is no such one."""
        from lvqa.store import Filter

        with self.store.snapshot():
            found = self._find_one(video)

            def notes(level: Level) -> list[Note]:
                return self.store.notes.select(Filter(video_ids=frozenset([found.id]), level=level))

            summary = next(iter(notes("video")), None)
            return VideoReport(found, self.store.clips.of(found.id), notes("clip"), notes("segment"), summary)

    def twin(self) -> Archive:
        """The same archive for another thread: it reads the index by itself and shares the models and settings.

        Raises UsageError where the index was embedded with a model that is not the one given.
        """
        if self.exists:
            self._match_embedder()
        other = copy.copy(self)
        other._models, other._reader = self.models, None
        return other

    def _repr_html_(self) -> str:
        if not self.exists:
            return render.archive_html(
                str(self.folder), f"not indexed yet; run: {self._index_command()}", [], no_picture
            )
        with self.store.snapshot():
            videos, counts = self.videos(), self.status()
        summary = (
            f"{phrasing.count(len(videos), 'video')}, {phrasing.duration_text(sum(v.duration_s for v in videos))}, "
            f"{phrasing.count(counts['clips'], 'clip')}, {phrasing.count(counts['notes'], 'note')}"
        )
        if counts["videos"]["failed"]:
            summary += f"; {counts['videos']['failed']} could not be read"
        if len(videos) > _SHOWN_VIDEOS:
            summary += f"; the first {_SHOWN_VIDEOS}:"
        return render.archive_html(
            str(self.folder), summary, videos[:_SHOWN_VIDEOS], thumbnailer(self.folder), link_base(self.folder)
        )

    @property
    def _has_chats(self) -> bool:
        from lvqa.agents.chat.chat_file import CHATS_FILE

        return self._memory is not None or (self.index_dir / CHATS_FILE).exists()

    def _chats(self) -> Memory:
        if self._memory is None:
            from lvqa.agents.chat.chat_file import CHATS_FILE
            from lvqa.agents.chat.memory import Memory

            self._filled_store()
            self._memory = Memory.open(self.index_dir / CHATS_FILE)
        return self._memory

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
        return {v.path: v.duration_s for v in self.store.videos.all()}

    def _archived(self, answer: Answer) -> ArchivedAnswer:
        values = {f.name: getattr(answer, f.name) for f in fields(Answer)}
        from lvqa.tools.prices import Prices

        currency = Prices.of(self.settings).shown
        return ArchivedAnswer(**values, folder=self.folder, durations=self._durations(), currency=currency)


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
