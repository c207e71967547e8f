"""What is asked of an archive: searches, finding by looking, and questions, each handed to the room that does it.

Takes a `Question` or a `Scope` that is made already; the keywords that a person types stand in `lvqa.archive.archive`.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import fields, replace
from typing import TYPE_CHECKING, Any

from lvqa.archive.results import ArchivedAnswer, HitList, SightingList
from lvqa.archive.workspace import Workspace
from lvqa.errors import UsageError, needs_extra
from lvqa.stopping import Asked
from lvqa.types import Answer, Budget, Question, Scope, Step

if TYPE_CHECKING:
    from lvqa.agents.checkpoints.runs import Run, Runs
    from lvqa.agents.cost.estimate import Estimate
    from lvqa.tools import Workbench

_UNLIMITED = 10**9


class Questions:
    """Searches and answers over a workspace."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace

    def search(self, query: str, k: int, scope: Scope) -> HitList:
        """The `k` windows that most probably hold what is searched for; see `Archive.search`."""
        from lvqa.recall import did_you_mean, hybrid_search
        from lvqa.tools.scope import filter_of

        _require_text(query, "query")
        if k < 1:
            raise UsageError(f"k must be at least 1, got {k}")
        workspace = self._workspace

        def search() -> HitList:
            store = workspace.filled_store()
            chosen = filter_of(scope, store)
            workspace.match_embedder()
            images = workspace.models.image_embedder if store.vectors.models("frames") else None
            hits = hybrid_search(store, workspace.models.embedder, query, k, chosen, image_embedder=images)
            return HitList(hits, workspace.folder, workspace.durations(), did_you_mean(store, query, chosen))

        return workspace.store.consistent(search)

    def places(self, query: str, scope: Scope) -> HitList:
        """Every place where the words of a query stand; see `Archive.places`."""
        from lvqa.recall import did_you_mean, places
        from lvqa.tools.scope import filter_of

        _require_text(query, "query")
        workspace = self._workspace

        def search() -> HitList:
            store = workspace.filled_store()
            chosen = filter_of(scope, store)
            found, meant = places(store, query, chosen), did_you_mean(store, query, chosen)
            return HitList(found, workspace.folder, workspace.durations(), meant)

        return workspace.store.consistent(search)

    def find(
        self,
        targets: Sequence[str],
        k: int,
        scope: Scope,
        *,
        cues: Sequence[str] = (),
        frames: int | None = None,
        searcher: str | None = None,
        seed: int = 0,
    ) -> SightingList:
        """At most `k` times at which something is to be seen; see `Archive.find`."""
        from lvqa.tools.find import find

        for thing in targets or [""]:
            _require_text(thing, "thing to find")
        for cue in cues:
            _require_text(cue, "cue")
        if k < 1 or (frames is not None and frames < 0):
            raise UsageError(f"k must be at least 1, and frames at least 0; got {k} and {frames}")
        workspace = self._workspace
        # `frames` alone limit it, as they always did.
        free = Budget(_UNLIMITED, _UNLIMITED, _UNLIMITED, float(_UNLIMITED))
        with workspace.store.snapshot(), self.bench(scope, budget=free, seed=seed) as bench:
            finding = find(bench, targets, cues, k=k, frames=frames, searcher=searcher)
            return SightingList(finding, workspace.folder, workspace.durations())

    @contextmanager
    def bench(
        self, scope: Scope, *, budget: Budget | None = None, seed: int = 0, keep: bool = True
    ) -> Iterator[Workbench]:
        """What the tools work with, for one question; see `Archive.bench`."""
        from lvqa.archive.on_demand import OnDemandCaptions
        from lvqa.recall import Retriever
        from lvqa.tools import Eyes, Ledger, Prices, Workbench, filter_of
        from lvqa.zoom import frame_cache

        workspace = self._workspace
        store = workspace.filled_store()
        filter = filter_of(scope, store)
        workspace.match_embedder()
        models, settings, folder = workspace.models, workspace.settings, workspace.folder
        retriever, vision = Retriever(store, models.embedder, models.image_embedder), models.vision
        ledger = Ledger(budget if budget is not None else Budget.of(settings), prices=Prices.of(settings))
        with frame_cache(settings.max_side, settings.reader) as frames:
            eyes = Eyes(vision, ledger, folder, settings, retriever.path, frames) if vision is not None else None
            captioner = OnDemandCaptions(workspace, keep)
            yield Workbench(store, models, settings, folder, ledger, retriever, frames, eyes, filter, captioner, seed)

    def ask(
        self,
        question: Question,
        *,
        on_step: Callable[[Step], None] | None = None,
        stop: Asked = None,
        resume: str | None = None,
    ) -> Answer:
        """The answer to a question; see `Archive.ask`."""
        from lvqa.agents.stop import Stop, until_answered

        ending = Stop.of(stop)
        return until_answered(self.stream(question, stop=ending, resume=resume), ending, on_step)

    def stream(self, question: Question, *, stop: Asked = None, resume: str | None = None) -> Iterator[Step | Answer]:
        """Every step, and the answer last; see `Archive.stream`."""
        from lvqa import agents
        from lvqa.tools.scope import filter_of

        workspace = self._workspace
        store = workspace.filled_store()
        filter_of(question.scope, store)  # a video that is not there is said before the first step
        workspace.match_embedder()
        given: dict[str, Any] = {
            "store": store,
            "models": workspace.models,
            "settings": workspace.settings,
            "folder": workspace.folder,
        }
        if resume is None:
            events = agents.stream(question, **given, stop=stop)
        else:
            runs = self._runs()
            if runs is None:
                raise UsageError(f"{workspace.index_dir} cannot be written, so no run goes on there; ask anew")
            try:
                run = runs.take_up(resume, question, self._began_with())
            except BaseException:
                runs.close()
                raise
            events = _resumed(runs, run, given, stop)
        return (self._archived(event) if isinstance(event, Answer) else event for event in events)

    def checkpoint(self, question: Question) -> str | None:
        """The id of a new run for a question; see `Archive.checkpoint`."""
        from lvqa.tools.scope import filter_of

        workspace = self._workspace
        filter_of(question.scope, workspace.filled_store())
        workspace.match_embedder()
        settings, runs = workspace.settings, self._runs()
        if runs is None:
            warnings.warn(f"{workspace.index_dir} cannot be written, so this run cannot be resumed", stacklevel=3)
            return None
        with closing(runs):
            asked = replace(
                question,
                budget=question.budget_in(settings),
                agent=question.agent or settings.agent,
                searcher=question.searcher or settings.searcher,
            )
            return runs.begin(asked, self._began_with())

    def _runs(self) -> Runs | None:
        with needs_extra("checkpoints", "a run that can be resumed"):
            from lvqa.agents.checkpoints.runs import RUNS_FILE, Runs

        return Runs.open(self._workspace.index_dir / RUNS_FILE)

    def _began_with(self) -> dict[str, str]:
        """What a run goes on with alone, by the name that it has in a sentence."""
        models = " ".join(f"{role}={name}" for role, name in sorted(self._workspace.models.names.items()))
        return {"the index": self._workspace.store.version(), "the choice of models": models}

    def estimate(self, question: Question) -> Estimate:
        """What an answer would take; see `Archive.estimate`."""
        from lvqa.agents.cost.estimate import estimate

        workspace = self._workspace
        return estimate(
            question,
            store=workspace.filled_store(),
            models=workspace.models,
            settings=workspace.settings,
            folder=workspace.folder,
        )

    def _archived(self, answer: Answer) -> ArchivedAnswer:
        from lvqa.tools.prices import Prices

        values = {f.name: getattr(answer, f.name) for f in fields(Answer)}
        workspace = self._workspace
        currency = Prices.of(workspace.settings).shown
        return ArchivedAnswer(**values, folder=workspace.folder, durations=workspace.durations(), currency=currency)


def _resumed(runs: Runs, run: Run, given: Mapping[str, Any], stop: Asked) -> Iterator[Step | Answer]:
    """The steps of a run, those before it was interrupted too, and its answer, which is kept unless it was stopped."""
    from lvqa import agents

    ending = agents.Stop.of(stop)
    with closing(runs):
        if run.answer is not None:
            yield from run.answer.steps
            yield run.answer
            return
        saver = runs.checkpoints(ending)
        for event in agents.stream(run.question, **given, checkpointer=saver, thread_id=run.id, stop=ending):
            if isinstance(event, Answer) and not agents.was_stopped(event):
                runs.end(run.id, event)
            yield event


def _require_text(text: str, what: str) -> None:
    if not text.strip():
        raise UsageError(f"the {what} is empty; write one")
