"""Where a searcher that was asked for by name puts a thing, for a program over time; what it looks at is charged."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from lvqa.errors import MediaError
from lvqa.settings import Settings
from lvqa.store import Filter, Store
from lvqa.temporal.presence import Candidate
from lvqa.temporal.rules import RULES as PROGRAM_RULES
from lvqa.tools.ledger import Ledger
from lvqa.tools.rules import RULES
from lvqa.tools.vision_calls import charge_looks, charge_to
from lvqa.types import Span
from lvqa.zoom import Query, SearchBudget, Searcher, make_searcher
from lvqa.zoom.across import Opener
from lvqa.zoom.scorers import Scorers, Yes

if TYPE_CHECKING:
    from lvqa.media import FrameCache
    from lvqa.models.profiles import Models


@dataclass(frozen=True, slots=True, eq=False)
class SearcherProposals:
    """A searcher over the videos of one archive, as `lvqa.temporal.presence.Presence` takes one.

    Args:
        searcher: a name of `lvqa.zoom.SEARCHERS`, or a searcher.
        store: the index, open for reading.
        models: what the searcher sees with.
        settings: how frames are read.
        folder: what the videos' paths are relative to.
        ledger: is charged what the searcher looks at on its way.
        filter: the only videos and time that may be searched.
        cues: things that tend to be near what is looked for.
        seed: same searcher, seed and models: same candidates.
        cache: where frames are decoded and kept; the searcher's own where there is none.
    """

    searcher: str | Searcher
    store: Store
    models: Models
    settings: Settings
    folder: Path
    ledger: Ledger
    filter: Filter | None = None
    cues: tuple[str, ...] = ()
    seed: int = 0
    cache: FrameCache | None = None

    def __call__(self, video_id: str, phrase: str, within: Span) -> list[Candidate]:
        """The keyframes of the searcher inside a part of a video, best first; none where it cannot be read.

        Raises UsageError for an unknown searcher, ModelError.
        """
        video = self.store.videos.get(video_id)
        if video is None:
            return []
        scorers = Scorers.of(self.models)
        query = Query((phrase,), self.cues)
        searcher = make_searcher(self.searcher, scorers) if isinstance(self.searcher, str) else self.searcher
        each = len(query.things) if isinstance(scorers.look, Yes) else 1
        looks = int(RULES.search_share * min(self.ledger.frames_left, self.ledger.calls_left)) // each
        charge, charge_vlm = charge_to(self.ledger, scorers, query), charge_looks(self.ledger, query)
        budget = SearchBudget(PROGRAM_RULES.candidates, looks, charge, RULES.apart_s, charge_vlm)
        opener = Opener(self.store, self.folder, self.settings, scorers.similarity, self.filter, cache=self.cache)
        with opener(video) as footage:
            try:
                found = searcher.search(footage, query, budget, self.seed)
            except MediaError:
                return []
        frames = [frame for frame in found.keyframes if within.contains(frame.time_s)]
        # Equal scores are taken in an order that halves what is open, not from the start on.
        order = {place: n for n, place in enumerate(_halving(len(frames)))}
        ranked = sorted(enumerate(frames), key=lambda pair: (-pair[1].score, order[pair[0]]))
        return [Candidate(video_id, frame.time_s, frame.score, searcher.name) for _, frame in ranked]


def _halving(n: int) -> list[int]:
    """0 to n - 1, each in the middle of what the earlier ones left open."""
    order: list[int] = []
    parts = [(0, n)]
    while parts:
        low, high = parts.pop(0)
        if low < high:
            middle = (low + high) // 2
            order.append(middle)
            parts += [(low, middle), (middle + 1, high)]
    return order
