"""The haystack protocol: how often a search finds the second that answers a question, and how well its window fits.

Questions go through `hybrid_search`, the very code that `lvqa search` and the agent run. Archives of fifty videos, k
seconds returned; the same within the one right video; off-topic questions, which should find nothing. Imports nothing
heavy until it runs; knows nothing of answering.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lvqa.errors import UsageError
from lvqa.eval.lab.retrieval.data import (
    GroundedQuestion,
    RememberingEmbedder,
    cut_archives,
    moments,
    open_archive,
    read_questions,
)
from lvqa.eval.lab.retrieval.offtopic import MEASURED
from lvqa.eval.lab.retrieval.systems import FUSED, SINGLE, SYSTEMS, RetrievalSystem, pieces, systems
from lvqa.eval.tasks.files import read_lines

if TYPE_CHECKING:
    from lvqa.eval.lab.retrieval.measures import Paired
    from lvqa.eval.metrics import Mean, Window
    from lvqa.models.base import Embedder
    from lvqa.store import Store
    from lvqa.types import Hit

SLACK_S = 0.5
TOLERANCE_S = 5.0
METRICS: tuple[str, ...] = ("hit", "right_video", "f1")
WITHIN: tuple[str, ...] = ("hit", "iou")


@dataclass(slots=True)
class Scores:
    """What one system scored, a number a question."""

    hit: list[float] = field(default_factory=list)
    right_video: list[float] = field(default_factory=list)
    f1: list[float] = field(default_factory=list)
    iou: list[float] = field(default_factory=list)
    stated: list[float] = field(default_factory=list)
    nothing: list[float] = field(default_factory=list)
    ms: list[float] = field(default_factory=list)

    def add(self, question: GroundedQuestion, hits: Sequence[Hit], k: int, ms: float) -> None:
        """Score what a search returned for a question."""
        from lvqa.eval import metrics
        from lvqa.eval.lab.retrieval import measures

        returned = moments(hits, k)
        gold = [(question.video, (start + end) / 2) for start, end in question.windows]
        self.hit.append(measures.is_hit(returned, question.video, question.windows, slack_s=SLACK_S))
        self.right_video.append(measures.has_video(returned, question.video))
        self.f1.append(measures.temporal_f1(returned, gold, tolerance_s=TOLERANCE_S))
        best: Window | None = (hits[0].passage.start_s, hits[0].passage.end_s) if hits else None
        self.iou.append(metrics.iou(best, question.windows) if best is not None else 0.0)
        self.stated.append(sum(hit.score for hit in hits))
        self.nothing.append(not hits)
        self.ms.append(ms)


@dataclass(slots=True)
class _Run:
    """What is measured along the way."""

    archive: dict[str, Scores]
    within: dict[str, Scores]
    asked: list[str] = field(default_factory=list)
    off_topic: list[float] = field(default_factory=list)


def run_retrieval(
    data: Path,
    *,
    k: int = 8,
    archive_size: int = 50,
    embedder: Embedder | None = None,
    work_dir: Path | None = None,
    channels: Sequence[str] = SYSTEMS,
    with_pieces: bool = False,
) -> dict[str, Any]:
    """Measure retrieval by the haystack protocol.

    Args:
        data: a folder with `captions.jsonl` (`{"video","start_s","end_s","text"}`) and `questions.jsonl`.
        k: distinct seconds returned for a question.
        archive_size: videos in one archive; what is left over after the last full one is dropped.
        embedder: embeds captions and questions; the MiniLM wheel when not given. Not asked where only BM25 is measured.
        work_dir: where the indexes are kept, so that a second run embeds no caption again; the user's cache folder when
            not given.
        channels: which of `bm25`, `dense`, `hybrid` and `precise` to measure.
        with_pieces: measure the fusion without each of its pieces too.

    Returns:
        `{"questions","videos","archives","captions","k","embedder","seconds","systems","within","paired","best_single",
        "off_topic","pieces"}`. A system holds `hit`, `right_video`, `f1` and `stated` (the probability of a hit that
        the search gave), each a `metrics.Mean`, and `ms` a search, its question embedded before. `within` has `hit` and
        `iou` (of the first hit's window) in the one right video, for even spacing and the whole video too. `paired`
        holds the gain in hits of each later system over each earlier one, `best_single` that of the fusion over the
        better single channel by each metric, all `measures.Paired`. Gold moments of F1 are the middles of the windows.

    Raises:
        UsageError: a file that is missing or not as described, an unknown channel, or fewer videos than one archive.
    """
    unknown = [name for name in channels if name not in SYSTEMS]
    if unknown or not channels:
        raise UsageError(f"unknown channel {', '.join(unknown) or '(none)'}; measure some of {', '.join(SYSTEMS)}")
    if k < 1 or archive_size < 1:
        raise UsageError("k and the size of an archive must be at least 1")
    captions = read_lines(data / "captions.jsonl", ("video", "start_s", "end_s", "text"))
    questions = read_questions(data / "questions.jsonl")
    archives = cut_archives((str(row["video"]) for row in captions), archive_size)
    if not archives:
        raise UsageError(f"{data} has captions of fewer than {archive_size} videos; give a smaller archive size")
    measured = {name: system for name, system in systems().items() if name in channels}
    taken_apart = pieces() if with_pieces else {}
    if embedder is None and any("dense" in system.channels for system in (*measured.values(), *taken_apart.values())):
        from lvqa.models.registry import load_embedder

        embedder = load_embedder("minilm")
    ready = RememberingEmbedder(embedder) if embedder is not None else None

    started = time.perf_counter()
    every = {**measured, **taken_apart}
    names = [*every, "uniform", "whole video"]
    run = _Run({name: Scores() for name in every}, {name: Scores() for name in names})
    notes = 0
    for videos in archives:
        members = set(videos)
        rows = [row for row in captions if str(row["video"]) in members]
        chosen = [question for question in questions if question.video in members]
        notes += len(rows)
        if ready is not None:
            ready.learn(_phrases((question.text for question in chosen), every))
        with open_archive(rows, embedder, work_dir, "extractive" if with_pieces else "none") as store:
            _measure(store, ready, every, chosen, k, run)
    if not run.asked:
        raise UsageError(f"{data} has no question about the videos of its archives")
    return {
        "questions": len(run.asked),
        "videos": sum(len(videos) for videos in archives),
        "archives": len(archives),
        "captions": notes,
        "k": k,
        "embedder": embedder.name if embedder is not None else "",
        "seconds": round(time.perf_counter() - started, 1),
        "systems": {name: _summary(run.archive[name], run.asked) for name in measured},
        "within": {
            name: {metric: _mean(getattr(run.within[name], metric), run.asked) for metric in WITHIN}
            for name in [*measured, "uniform", "whole video"]
        },
        "paired": {
            f"{second} - {first}": _gain(run.archive[first].hit, run.archive[second].hit, run.asked)
            for at, first in enumerate(measured)
            for second in list(measured)[at + 1 :]
        },
        "best_single": _against_best(run, measured),
        "off_topic": {
            "questions": len(run.off_topic),
            "nothing_found": sum(run.off_topic) / len(run.off_topic) if run.off_topic else None,
        },
        "pieces": {
            name: {
                **_summary(run.archive[name], run.asked),
                "within": {metric: _mean(getattr(run.within[name], metric), run.asked) for metric in WITHIN},
                "gain": {
                    metric: _gain(getattr(run.archive[name], metric), getattr(run.archive[FUSED], metric), run.asked)
                    for metric in METRICS
                    if FUSED in run.archive
                },
            }
            for name in taken_apart
        },
    }


def _phrases(texts: Iterable[str], every: Mapping[str, RetrievalSystem]) -> list[str]:
    from lvqa.recall.query import understand

    forms = {(system.rules.rewrite, system.rules.relations) for system in every.values()}
    return [
        phrase
        for text in (*texts, *MEASURED)
        for rewrite, relations in sorted(forms)
        for phrase in understand(text, rewrite=rewrite, relations=relations).phrases
    ]


def _measure(
    store: Store,
    embedder: Embedder | None,
    every: Mapping[str, RetrievalSystem],
    questions: Sequence[GroundedQuestion],
    k: int,
    run: _Run,
) -> None:
    from lvqa.recall import hybrid_search
    from lvqa.store import Filter

    by_path = {video.path: video for video in store.videos.all()}
    for question in questions:
        run.asked.append(question.video)
        video = by_path[question.video]
        only = Filter(frozenset({video.id}))
        for name, system in every.items():
            for where, wanted in ((run.archive, None), (run.within, only)):
                began = time.perf_counter()
                hits = hybrid_search(
                    store, embedder, question.text, k, wanted, channels=system.channels, rules=system.rules
                )
                where[name].add(question, hits, k, (time.perf_counter() - began) * 1000)
        _add_plain(run, question, video.duration_s, k)
    if FUSED in every:
        system = every[FUSED]
        for text in MEASURED:
            found = hybrid_search(store, embedder, text, k, channels=system.channels, rules=system.rules)
            run.off_topic.append(not found)


def _add_plain(run: _Run, question: GroundedQuestion, duration_s: float, k: int) -> None:
    """Even spacing, and the whole video as the window: what needs no search."""
    from lvqa.eval import metrics
    from lvqa.eval.lab.retrieval import measures

    even = [(question.video, (n + 0.5) * duration_s / k) for n in range(k)]
    uniform, whole = run.within["uniform"], run.within["whole video"]
    uniform.hit.append(measures.is_hit(even, question.video, question.windows, slack_s=SLACK_S))
    uniform.iou.append(metrics.iou((0.0, duration_s / k), question.windows))
    whole.hit.append(1.0)
    whole.iou.append(metrics.iou((0.0, duration_s), question.windows))


def _summary(scores: Scores, asked: Sequence[str]) -> dict[str, Any]:
    return {
        **{metric: _mean(getattr(scores, metric), asked) for metric in (*METRICS, "stated", "nothing")},
        "ms": round(sum(scores.ms) / len(asked), 2),
    }


def _against_best(run: _Run, measured: Mapping[str, RetrievalSystem]) -> dict[str, Any]:
    """By each metric, the better single channel and the gain of the fusion over it."""
    single = [name for name in SINGLE if name in measured]
    if FUSED not in measured or not single:
        return {}
    result = {}
    for metric in METRICS:
        best = max(single, key=lambda name: sum(getattr(run.archive[name], metric)))
        gain = _gain(getattr(run.archive[best], metric), getattr(run.archive[FUSED], metric), run.asked)
        result[metric] = {"channel": best, **gain}
    return result


def _mean(scores: Sequence[float], asked: Sequence[str]) -> dict[str, float]:
    from lvqa.eval.metrics import clustered_mean

    return _as_dict(clustered_mean(scores, asked))


def _gain(first: Sequence[float], second: Sequence[float], asked: Sequence[str]) -> dict[str, float]:
    from lvqa.eval.lab.retrieval.measures import paired_bootstrap

    return _as_dict(paired_bootstrap(first, second, asked))


def _as_dict(record: Mean | Paired) -> dict[str, float]:
    return {name: round(value, 4) for name, value in asdict(record).items()}
