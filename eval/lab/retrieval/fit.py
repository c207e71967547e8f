"""`python -m lvqa.eval.lab.retrieval.fit --data DIR`: the weights of recall at the maximum of likelihood.

Three numbers: nats of log-odds a standard deviation of cosine, and a unit of bm25; the share of them that also tells
the second. They are fitted by maximum likelihood on every other archive and scored on the rest, then the other way
round, so that what is printed as held out was. Nothing is written: `RecallRules` says what was taken from it. Knows no
metric.
"""

from __future__ import annotations

import argparse
import itertools
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from lvqa.errors import LvqaError
from lvqa.eval.lab.retrieval.data import RememberingEmbedder, cut_archives, open_archive, read_questions
from lvqa.eval.lab.retrieval.measures import in_window
from lvqa.eval.tasks.files import read_lines

if TYPE_CHECKING:
    from lvqa.models.base import Embedder

Values = npt.NDArray[np.float64]

# Tried in turn, one number at a time, until none gets better.
GRID: dict[str, tuple[float, ...]] = {
    "dense": (0.8, 1.0, 1.2, 1.4, 1.6, 1.8, 2.0, 2.4),
    "text": (0.0, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.4),
    "time_share": (0.0, 0.1, 0.2, 0.3, 0.375, 0.5, 0.7, 1.0),
}


@dataclass(frozen=True, slots=True)
class FitQuestion:
    """The candidates of one question: z-scores, bm25, numbers of videos; which are right, by video and by second."""

    z: Values
    bm25: Values
    videos: npt.NDArray[np.int64]
    n_videos: int
    right_video: npt.NDArray[np.bool_]
    in_window: npt.NDArray[np.bool_]


def gather(
    data: Path, embedder: Embedder, *, archive_size: int = 50, work_dir: Path | None = None
) -> list[list[FitQuestion]]:
    """The questions of each archive of which the right video is among the candidates. Raises UsageError."""
    from lvqa.recall import RecallRules, Retriever
    from lvqa.recall.query import understand

    captions = read_lines(data / "captions.jsonl", ("video", "start_s", "end_s", "text"))
    questions = read_questions(data / "questions.jsonl")
    # Without what a question says about when: that is not weighed here.
    rules = replace(RecallRules(), relations=False)
    by_z, by_words = replace(rules, dense=1.0, text=0.0), replace(rules, dense=0.0, text=1.0)
    ready = RememberingEmbedder(embedder)
    result = []
    for names in cut_archives((str(row["video"]) for row in captions), archive_size):
        members = set(names)
        chosen = [question for question in questions if question.video in members]
        ready.learn(phrase for q in chosen for phrase in understand(q.text, relations=False).phrases)
        asked = []
        with open_archive([row for row in captions if str(row["video"]) in members], embedder, work_dir) as store:
            for question in chosen:
                retriever = Retriever(store, ready)
                z = retriever.candidates(question.text, 8, rules=by_z)
                bm25 = retriever.candidates(question.text, 8, rules=by_words)
                words = {note.id: score for note, score in zip(bm25.notes, bm25.scores.tolist(), strict=True)}
                right = np.array([retriever.path(note.video_id) == question.video for note in z.notes])
                inside = [in_window(note.span.middle_s, question.windows, slack_s=0.5) for note in z.notes]
                if right.any():
                    scores = np.array([words.get(note.id, 0.0) for note in z.notes])
                    asked.append(
                        FitQuestion(z.scores, scores, z.videos, len(z.video_ids), right, right & np.array(inside, bool))
                    )
        result.append(asked)
    return result


def log_likelihood(asked: Sequence[FitQuestion], weights: dict[str, float]) -> tuple[float, float]:
    """The mean log-probability of the right video, and of the right seconds within it where they are candidates."""
    from lvqa.recall.passages import posterior

    of_video, of_second = [], []
    for one in asked:
        scores = weights["dense"] * one.z + weights["text"] * one.bm25
        shares = posterior(scores, one.videos, one.n_videos, time_share=weights["time_share"])
        video = float(shares[one.right_video].sum())
        of_video.append(np.log(max(video, 1e-12)))
        if one.in_window.any():
            # What the seconds in the window hold on average, so that long windows weigh no more than short ones.
            of_second.append(np.log(np.maximum(shares[one.in_window] / video, 1e-12)).mean())
    return float(np.mean(of_video)), float(np.mean(of_second))


def fit(asked: Sequence[FitQuestion]) -> dict[str, float]:
    """The weights of the grid with the highest likelihood, found one at a time from the defaults."""
    from lvqa.recall import RecallRules

    rules = RecallRules()
    weights = {"dense": rules.dense, "text": rules.text, "time_share": rules.time_share}
    best = sum(log_likelihood(asked, weights))
    while True:
        before = best
        for name, values in GRID.items():
            for value in values:
                tried = {**weights, name: value}
                score = sum(log_likelihood(asked, tried))
                if score > best + 1e-9:
                    best, weights = score, tried
        if best <= before + 1e-6:
            return weights


def main(arguments: Sequence[str] | None = None) -> int:
    """Fit on one half of the archives, score on the other, both ways; then on all. Returns the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m lvqa.eval.lab.retrieval.fit", description="Fit the weights of recall."
    )
    parser.add_argument("--data", type=Path, required=True, help="folder with captions.jsonl and questions.jsonl")
    parser.add_argument("--archive-size", type=int, default=50, help="videos in one archive")
    options = parser.parse_args(arguments)
    try:
        from lvqa.models.registry import load_embedder
        from lvqa.recall import RecallRules

        archives = gather(options.data, load_embedder("minilm"), archive_size=options.archive_size)
        rules = RecallRules()
        default: dict[str, float] = {"dense": rules.dense, "text": rules.text, "time_share": rules.time_share}
        halves: list[list[FitQuestion]] = [list(itertools.chain(*archives[part::2])) for part in (0, 1)]
        rows: list[tuple[str, dict[str, Any], list[FitQuestion]]] = []
        if all(halves):
            rows += [(f"fitted on half {p + 1}, held out", fit(halves[p]), halves[1 - p]) for p in (0, 1)]
        every = [*halves[0], *halves[1]]
        rows += [("fitted on all", fit(every), every), ("the defaults, on all", default, every)]
    except LvqaError as error:
        print(f"lvqa: {error}", file=sys.stderr)
        return 1
    print(f"{'':28}{'dense':>8}{'text':>8}{'share':>8}{'log P(video)':>14}{'log P(second)':>15}")
    for name, weights, asked in rows:
        video, second = log_likelihood(asked, weights)
        numbers = "".join(f"{weights[key]:>8g}" for key in GRID)
        print(f"{name:28}{numbers}{video:>14.3f}{second:>15.3f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
