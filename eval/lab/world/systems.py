"""The agent, the field's baselines and the oracles: what is asked all the questions of a world. Scores nothing.

`lvqa` is the agent as users have it; `llovi`, `videoagent`, `videotree` and `uniform` are presets of the same graph
(`lvqa.agents.baselines.presets`), with the same models and the same budget: without a chat model they reason by the
same programs, on descriptions. `chat planner` is the agent with a scripted chat model that plans, from the text of the
question alone, and answers nothing. `oracle captions` reads a true description of every second, and the subtitles;
`oracle frames` looks as the agent does, in the gold windows before anywhere else.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any

from lvqa.agents.baselines.presets import AGENTS
from lvqa.agents.nodes.plan import plan
from lvqa.agents.nodes.verify import NOT_HERE, verify
from lvqa.agents.planner import planner_of
from lvqa.agents.programs import draft_of, presence_of, program_of, result_of
from lvqa.agents.state import Context, State, initial
from lvqa.eval.lab.wordings.chat import planning_chat
from lvqa.eval.lab.world.questions.make import WorldQuestion
from lvqa.eval.lab.world.reader import Golden, truth_notes
from lvqa.eval.lab.world.remember import Remembering
from lvqa.recall import Retriever
from lvqa.temporal.looks import Viewer
from lvqa.tools.eyes import Eyes
from lvqa.tools.ledger import Ledger
from lvqa.types import Answer, Budget, Question, Span
from lvqa.zoom import frame_cache

if TYPE_CHECKING:
    from lvqa.archive.archive import Archive
    from lvqa.eval.lab.world.build import WorldSet

LVQA, LLOVI, UNIFORM = "lvqa", "llovi", "uniform"
CHAT_PLANNER = "chat planner"
ORACLE_CAPTIONS, ORACLE_FRAMES = "oracle captions", "oracle frames"
NAMES = (*AGENTS, CHAT_PLANNER, ORACLE_CAPTIONS, ORACLE_FRAMES)


class Systems:
    """The agent over one indexed archive of a world, and the controls beside it."""

    def __init__(self, archive: Archive, world: WorldSet) -> None:
        self._archive = archive
        self._ids = {video.path: video.id for video in archive.store.videos.all()}
        self._truth = {
            self._ids[v.name]: truth_notes(v, self._ids[v.name]) for v in world.videos if v.name in self._ids
        }
        self._ask: dict[str, Callable[[WorldQuestion], Answer]] = {
            **{name: partial(self._by_agent, name) for name in AGENTS},
            CHAT_PLANNER: self._by_chat_plans,
            ORACLE_CAPTIONS: self._reason,
            ORACLE_FRAMES: lambda q: self._reason(q, self._gold(q)),
        }

    def ask(self, system: str, question: WorldQuestion) -> Answer:
        """What a system answers to a question with its options. Raises KeyError for another name, LvqaError."""
        return self._ask[system](question)

    def _by_agent(self, agent: str, question: WorldQuestion) -> Answer:
        archive = self._archive if agent == LVQA else self._describing
        return archive.ask(question.options_question, question.options, agent=agent)

    def _by_chat_plans(self, question: WorldQuestion) -> Answer:
        return self._planned.ask(question.options_question, question.options)

    @cached_property
    def _planned(self) -> Archive:
        """The same archive, with a scripted chat model that plans in the planner's place."""
        from lvqa.models.profiles import Models

        models = self._archive.models
        given = Models.of(
            vision=models.vision,
            chat=planning_chat(),
            embedder=models.embedder,
            image_embedder=models.image_embedder,
        )
        return self._archive.twin(given)

    @cached_property
    def _describing(self) -> Archive:
        """The same archive, whose vision model describes no frame twice: baselines see the same ones every time."""
        from lvqa.models.profiles import Models

        own, models = self._archive, self._archive.models
        vision = models.vision
        given = Models.of(
            vision=Remembering(vision) if vision is not None else None,
            chat=models.chat,
            embedder=models.embedder,
            image_embedder=models.image_embedder,
            planner=models.planner,
        )
        return own.twin(given)

    def _gold(self, question: WorldQuestion) -> dict[str, list[Span]]:
        found: dict[str, list[Span]] = {}
        for window in question.windows:
            found.setdefault(self._ids.get(window.video, ""), []).append(Span(window.start_s, window.end_s))
        return found

    def _reason(self, question: WorldQuestion, gold: Mapping[str, Sequence[Span]] | None = None) -> Answer:
        """What the agent's programs make of a question: reading true descriptions, or looking where it is `gold`."""
        context = self._context(question.options_question, question.options)
        runtime: Any = _Runtime(context)
        state: State = initial() | plan(initial(), runtime)  # type: ignore[assignment]
        planner, program = planner_of(context.models), program_of(state, context)
        if planner is None or program is None or context.eyes is None:
            return Answer(NOT_HERE, None, 0.0, "absent", cost=context.ledger.cost)
        presence = presence_of(context, state["plan"].cues)
        looker: Viewer = context.eyes
        if gold is not None:
            presence = Golden(presence.store, presence.image_embedder, presence.filter, presence.cues, windows=gold)
        else:
            presence, looker = planner.reading(presence, self._truth, context.settings.budget_frames)
        query, videos = program
        result = result_of(context, query, videos, presence, looker)
        items, draft = draft_of(context, query, result)
        # No further round: what an oracle does not find is not there.
        last = {**state, "items": items, "draft": draft, "round": context.settings.rounds + 1}
        answer: Answer = verify(last, runtime)["answer"]  # type: ignore[arg-type]
        return replace(answer, cost=context.ledger.cost)

    def _context(self, question: str, options: Sequence[str]) -> Context:
        archive, vision, settings = self._archive, self._archive.models.vision, self._archive.settings
        ledger, frames = Ledger(Budget.of(settings)), frame_cache(settings.max_side, settings.reader)
        retriever = Retriever(archive.store, archive.models.embedder, archive.models.image_embedder)
        return Context(
            question=Question(question, tuple(options)),
            store=archive.store,
            models=archive.models,
            settings=settings,
            folder=archive.folder,
            ledger=ledger,
            retriever=retriever,
            frames=frames,
            eyes=Eyes(vision, ledger, archive.folder, settings, retriever.path, frames) if vision is not None else None,
        )


class _Runtime:
    """All that the nodes want of LangGraph's runtime."""

    def __init__(self, context: Context) -> None:
        self.context = context
