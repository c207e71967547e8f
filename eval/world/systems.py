"""The agent and its controls: what is asked all the questions of a world. Scores nothing.

`full` is the agent as users have it. The others differ from it in what they are given, and reason by the same programs:
`captions` reads the captions and subtitles of the same index, without a visual channel and without a look; `uniform`
reads the VLM's descriptions of as many frames as the agent may look at, evenly spaced over the videos that the
question is about, and the subtitles; `oracle captions` reads a true description of every second, and the subtitles;
`oracle frames` looks as the agent does, in the gold windows before anywhere else.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from lvqa.agents.budget import Budget, Ledger
from lvqa.agents.plan import plan
from lvqa.agents.recall import Retriever
from lvqa.agents.state import Context, State, initial
from lvqa.agents.timeline.looks import Eyes, run
from lvqa.agents.timeline.node import _draft as draft_of
from lvqa.agents.timeline.presence import Presence
from lvqa.agents.timeline.programs import solve
from lvqa.agents.timeline.query import query_of, videos_of
from lvqa.agents.timeline.scene import Scene
from lvqa.agents.verify import NOT_HERE, verify
from lvqa.eval.world.questions import Question
from lvqa.eval.world.reader import Given, Golden, Reader, note, truth_notes
from lvqa.models.base import VisionRequest
from lvqa.types import Answer, Cost, Note, Span

if TYPE_CHECKING:
    from lvqa.archive import Archive
    from lvqa.eval.world.build import WorldSet

FULL, CAPTIONS, UNIFORM = "full", "captions", "uniform"
ORACLE_CAPTIONS, ORACLE_FRAMES = "oracle captions", "oracle frames"
NAMES = (FULL, CAPTIONS, UNIFORM, ORACLE_CAPTIONS, ORACLE_FRAMES)

_DESCRIBE = "describe the frame."
_TOKENS = 96
_BATCH = 16


class Systems:
    """The agent over one indexed archive of a world, and the controls beside it."""

    def __init__(self, archive: Archive, world: WorldSet) -> None:
        self._archive = archive
        self._ids = {video.path: video.id for video in archive.store.videos()}
        self._truth = {
            self._ids[v.name]: truth_notes(v, self._ids[v.name]) for v in world.videos if v.name in self._ids
        }
        self._uniform: dict[tuple[str, int], list[Note]] = {}
        self._ask: dict[str, Callable[[Question], Answer]] = {
            FULL: lambda q: archive.ask(q.options_question, q.options),
            CAPTIONS: lambda q: self._reason(q, lambda c, cues: Given(c, cues)),
            UNIFORM: self._by_uniform,
            ORACLE_CAPTIONS: lambda q: self._reason(q, lambda c, cues: Given(c, cues, given=self._truth)),
            ORACLE_FRAMES: lambda q: self._reason(
                q, lambda c, cues: Golden(c, cues, windows=self._gold(q)), looks=True
            ),
        }

    def ask(self, system: str, question: Question) -> Answer:
        """What a system answers to a question with its options. Raises KeyError for another name, LvqaError."""
        return self._ask[system](question)

    @property
    def frames(self) -> int:
        """How many frames the agent may look at for one question, as many as the uniform control gets."""
        settings = self._archive.settings
        return min(settings.budget_frames, settings.budget_vlm_calls)

    def _gold(self, question: Question) -> dict[str, list[Span]]:
        found: dict[str, list[Span]] = {}
        for window in question.windows:
            found.setdefault(self._ids.get(window.video, ""), []).append(Span(window.start_s, window.end_s))
        return found

    def _by_uniform(self, question: Question) -> Answer:
        names = [name for name in question.videos if name in self._ids] or list(self._ids)
        each = max(1, self.frames // len(names))
        notes = {self._ids[name]: self._described(name, each) for name in names}
        answer = self._reason(question, lambda c, cues: Given(c, cues, given=notes))
        looked = sum(map(len, notes.values()))
        return replace(answer, cost=answer.cost + Cost(frames=looked, vlm_calls=looked))

    def _described(self, name: str, n: int) -> list[Note]:
        """Descriptions of n frames, each standing for the stretch around it; made once for all questions."""
        key = (name, n)
        if key not in self._uniform:
            from lvqa.media import FrameReader

            archive, vision = self._archive, self._archive.models.vision
            assert vision is not None, "a world is indexed with a vision model"
            settings, video_id = archive.settings, self._ids[name]
            video = archive.store.get_video(video_id)
            assert video is not None
            step = video.duration_s / n
            with FrameReader(archive.folder / name, max_side=settings.max_side, backend=settings.reader) as reader:
                images = [frame.image for frame in reader.at([(k + 0.5) * step for k in range(n)])]
            texts: list[str] = []
            for at in range(0, n, _BATCH):
                texts += vision.generate([VisionRequest([i], _DESCRIBE, _TOKENS) for i in images[at : at + _BATCH]])
            self._uniform[key] = [
                note(video_id, Span(k * step, (k + 1) * step), text or "unknown") for k, text in enumerate(texts)
            ]
        return self._uniform[key]

    def _reason(
        self,
        question: Question,
        presence_of: Callable[[Context, tuple[str, ...]], Presence],
        *,
        looks: bool = False,
    ) -> Answer:
        """What the agent's programs make of a question with another presence, and eyes that read unless it `looks`."""
        context = self._context(question.options_question, question.options)
        runtime: Any = _Runtime(context)
        state: State = initial() | plan(initial(), runtime)  # type: ignore[assignment]
        query, vision = query_of(context), context.models.vision
        if query is None or vision is None:
            return Answer(NOT_HERE, None, 0.0, True, cost=context.ledger.cost)
        presence = presence_of(context, state["plan"].cues)
        with Eyes(context, vision) if looks else Reader(context, vision, presence=presence) as eyes:
            scene = Scene(query, context.options, presence, eyes, videos_of(context, query))
            result = run(solve(scene), eyes.look)
        items, draft = draft_of(context, result)
        answer: Answer = verify({**state, "items": items, "draft": draft}, runtime)["answer"]
        return replace(answer, cost=context.ledger.cost)

    def _context(self, question: str, options: Sequence[str]) -> Context:
        archive = self._archive
        return Context(
            question=question,
            options=tuple(options),
            store=archive.store,
            models=archive.models,
            settings=archive.settings,
            folder=archive.folder,
            ledger=Ledger(Budget.of(archive.settings)),
            retriever=Retriever(archive.store, archive.models.embedder, archive.models.image_embedder),
        )


class _Runtime:
    """All that the nodes want of LangGraph's runtime."""

    def __init__(self, context: Context) -> None:
        self.context = context
