"""Videos, what an index knows of them and who looks at them, as one scripted object: for programs over time."""

from __future__ import annotations

import math
from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import numpy as np

from lvqa.temporal.count import appearances
from lvqa.temporal.inquiry import Inquiry
from lvqa.temporal.localize import Localized, localize
from lvqa.temporal.looks import LookReply, LookRequest
from lvqa.temporal.presence import Candidate, Coverage
from lvqa.temporal.programs import solve
from lvqa.temporal.query import TemporalQuery
from lvqa.temporal.result import Result
from lvqa.tools.eyes import run
from lvqa.types import Note, Span

FRAME_S, EMBEDDED_S = 0.25, 0.5


class World:
    """Videos with a frame every quarter of a second in which things are there in some spans; candidates by thing.

    It stands for the index and for who looks at once: `left` is what it says is left of a budget that never ends,
    `budget` where it does. `yes` is P(yes) on frames that show a thing; `misread` are frames on which things are there
    that are not. `says` is the reply to every question, or a function of a question and a frame's time. `captions` are
    (from, to, text), `cosines` of a phrase those of a frame every half a second, `cuts` the times at which the whole
    picture changes.
    """

    name, filter, cues, proposals = "fake:cosines", None, (), None

    def __init__(self, things: Any = (), candidates: Any = None, **given: Any) -> None:
        self.things = {name: [Span(*span) for span in spans] for name, spans in dict(things).items()}
        self.given, self.left = dict(candidates or {}), given.pop("left", 1000)
        self.seconds, self.yes, self.budget = (
            given.pop("seconds", 100.0),
            given.pop("yes", 0.95),
            given.pop("budget", 9999),
        )
        self.misread, self.says = given.pop("misread", ()), given.pop("says", "middle")
        self.seen = given.pop("coverage", Coverage(0.5, 1.0))
        self.fps, self.no = given.pop("fps", 1 / FRAME_S), given.pop("no", 0.0)
        self.captions, self.cuts = given.pop("captions", ()), given.pop("cuts", ())
        self.cosines = {name: np.asarray(row, np.float32) for name, row in given.pop("cosines", {}).items()}
        assert not given
        self.image_embedder = self if self.cosines else None
        self.asked: list[list[LookRequest]] = []
        self.compared: list[tuple[float, float]] = []
        self.store = SimpleNamespace(
            videos=SimpleNamespace(get=lambda video_id: SimpleNamespace(fps=self.fps, duration_s=self.seconds)),
            notes=SimpleNamespace(select=lambda filter: self.notes()),
            frames=SimpleNamespace(of=lambda name, video_id, span: (self.embedded(), self.vectors())),
        )

    # What an index holds: captions, and vectors of frames with one dimension a phrase.

    def notes(self) -> list[Note]:
        rows = enumerate(self.captions)
        return [Note(f"{n:03}", "v", None, Span(start, end), text, "caption") for n, (start, end, text) in rows]

    def embedded(self) -> np.ndarray:
        return np.arange(0, self.seconds, EMBEDDED_S)

    def vectors(self) -> np.ndarray:
        return np.stack(list(self.cosines.values()), axis=1)

    def encode_query(self, texts: Sequence[str]) -> np.ndarray:
        return np.array([[float(text.endswith(f" {name}")) for name in self.cosines] for text in texts], np.float32)

    # What `Presence` tells.

    def series(self, video_id: str, phrase: str) -> tuple[np.ndarray, np.ndarray]:
        return (self.embedded(), self.cosines[phrase]) if phrase in self.cosines else (np.zeros(0), np.zeros(0))

    def path(self, video_id: str) -> str:
        return video_id

    def within(self, video_id: str) -> Span:
        return Span(0, self.seconds)

    def coverage(self, video_id: str) -> Coverage:
        return self.seen

    def candidates(self, video_id: str, phrase: str, within: Span | None = None) -> list[Candidate]:
        given = self.given.get(phrase, ())
        rows = [row if isinstance(row, tuple) else (row, 100.0 - n) for n, row in enumerate(given)]
        return [Candidate(video_id, t, score, "x") for t, score in rows if within is None or within.contains(t)]

    # Who looks.

    def look(self, asks: list[LookRequest]) -> list[LookReply | None]:
        self.asked.append(list(asks))
        return [self.one(ask) for ask in asks]

    def one(self, ask: LookRequest) -> LookReply | None:
        self.budget -= 1
        if self.budget < 0:
            return None
        pts_s = math.floor(ask.time_s / FRAME_S + 1e-6) * FRAME_S if self.fps else ask.time_s
        if ask.says:
            return LookReply(pts_s, text=self.says(ask.about, pts_s) if callable(self.says) else self.says)
        there = any(span.contains(pts_s) for span in self.things.get(ask.about, ())) or pts_s in self.misread
        return LookReply(pts_s, self.yes if there else self.no)

    def is_cut(self, video_id: str, before_s: float, after_s: float) -> bool:
        self.compared.append((before_s, after_s))
        return any(before_s < cut <= after_s for cut in self.cuts)

    @property
    def looks(self) -> list[LookRequest]:
        return [ask for asks in self.asked for ask in asks]

    @property
    def times(self) -> list[float]:
        return [ask.time_s for ask in self.looks]

    def inquiry(
        self, op: Any = "existence", *targets: str, options: Any = (), videos: Any = ("v",), **given: Any
    ) -> Inquiry:
        presence: Any = self
        return Inquiry(TemporalQuery(op, targets, **given), tuple(options), presence, self, tuple(videos))

    def solved(self, op: Any, *targets: str, **given: Any) -> Result:
        return run(solve(self.inquiry(op, *targets, **given)), self.look)

    def counted(self, most: int = 99) -> list[Span]:
        found = run(appearances(self.inquiry("count_events", "cat"), "cat", most), self.look)
        return [interval.span for interval in found.intervals]

    def found(self, *times: float, **given: Any) -> Localized:
        candidates = [Candidate("v", t, -n, "x") for n, t in enumerate(times)]
        course = localize("cat", candidates, self.within, frame_s=lambda v: FRAME_S, **given)
        return run(course, self.look)
