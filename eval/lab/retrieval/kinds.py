"""`python -m lvqa.eval.lab.retrieval.kinds --shared DIR`: the search on three kinds of data, in one table.

Machine captions, one a second (`nextgqa_dev`, archives of fifty videos, questions); sentences of annotators with their
own windows (`anet_dev`, one archive of all, the sentences of another annotator); subtitles and screens (the everyday
archive, a person's questions). Beside BM25, meaning alone and both, as the search weighs them, stands plain cosine: the
query's own vector against each note's, best first, and nothing else. Errors are clustered by video; below each kind
stands what the fused search gains, question by question, over plain cosine and over its better part.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from lvqa.cli import output
from lvqa.errors import UsageError
from lvqa.eval import metrics
from lvqa.eval.lab.command import Parser, carry_out
from lvqa.eval.lab.multihop import archives
from lvqa.eval.lab.retrieval import measures
from lvqa.eval.lab.retrieval.data import (
    GroundedQuestion,
    RememberingEmbedder,
    cut_archives,
    moments,
    open_archive,
    read_questions,
)
from lvqa.eval.lab.retrieval.systems import FUSED, SINGLE, systems
from lvqa.eval.tasks.files import read_lines
from lvqa.types import Hit

if TYPE_CHECKING:
    from lvqa.models.base import Embedder
    from lvqa.store import Store

COSINE = "plain cosine"
K, SLACK_S, LEAST_IOU = 8, 0.5, 0.5
METRICS = ("video at 1", "video at 5", "hit", "right video", "IoU 0.5", "own span")
Room = tuple[AbstractContextManager["Store"], Sequence[GroundedQuestion]]
Search = Callable[["Store", str], list[Hit]]


@dataclass(slots=True)
class KindScores:
    """What one system scored on one kind of data, a number a question, by metric.

    `video at 1` and `at 5`: whether the right video is among the first hits. `hit` and `right video`: of eight seconds
    returned. `IoU 0.5`: whether the first hit is of the right video and its passage has at least that intersection over
    union with the answer; `own span` the same of the note's own span.
    """

    by_metric: dict[str, list[float]] = field(default_factory=lambda: {name: [] for name in METRICS})

    def add(self, question: GroundedQuestion, hits: Sequence[Hit]) -> None:
        """Score what a search returned."""
        videos = [hit.video for hit in hits]
        returned = moments(hits, K)
        first = hits[0] if hits and hits[0].video == question.video else None
        spans = {"IoU 0.5": first.passage, "own span": first.note.span} if first is not None else {}
        found = {
            "video at 1": float(videos[:1] == [question.video]),
            "video at 5": float(question.video in videos[:5]),
            "hit": float(measures.is_hit(returned, question.video, question.windows, slack_s=SLACK_S)),
            "right video": float(measures.has_video(returned, question.video)),
        }
        for name in ("IoU 0.5", "own span"):
            span = spans.get(name)
            fits = span is not None and metrics.iou((span.start_s, span.end_s), question.windows) >= LEAST_IOU
            found[name] = float(fits)
        for name, value in found.items():
            self.by_metric[name].append(value)


def by_cosine(embedder: Embedder, store: Store, query: str) -> list[Hit]:
    """The notes nearest to the query's own vector, best first."""
    from lvqa.store import Filter

    (vector,) = embedder.encode_query([query])
    found = store.vectors.search(embedder.name, vector, 4 * K, Filter(level="clip"))
    notes = {note.id: note for note in store.notes.get_many([note_id for note_id, _ in found])}
    paths = {video.id: video.path for video in store.videos.all()}
    return [Hit(paths[notes[i].video_id], notes[i], score, {}) for i, score in found]


def rooms(shared: Path, embedder: Embedder, work_dir: Path | None) -> Iterator[tuple[str, list[Room]]]:
    """Each kind of data: its name, and its archives with the questions that are asked of each. Raises UsageError."""
    for name, size in (("nextgqa_dev", 50), ("anet_dev", 0)):
        data = shared / "data" / name
        captions = read_lines(data / "captions.jsonl", ("video", "start_s", "end_s", "text"))
        questions = read_questions(data / "questions.jsonl")
        videos = {str(row["video"]) for row in captions}
        made: list[Room] = []
        for members in cut_archives(videos, size or len(videos)):
            inside = set(members)
            rows = [row for row in captions if str(row["video"]) in inside]
            asked = [question for question in questions if question.video in inside]
            made.append((open_archive(rows, embedder, work_dir), asked))
        yield name, made
    yield "everyday", [(_everyday(shared, embedder, work_dir), everyday_questions(shared))]


def everyday_questions(shared: Path) -> list[GroundedQuestion]:
    """The questions of the everyday archive that have an answer in one video of which notes are there."""
    lines = (shared / "everyday/questions.jsonl").read_text().splitlines()
    found = []
    for n, row in enumerate(map(json.loads, filter(str.strip, lines)), 1):
        named = {window["video"] for window in row["windows"]}
        if len(named) == 1:
            windows = tuple((float(w["start_s"]), float(w["end_s"])) for w in row["windows"])
            found.append(GroundedQuestion(str(n), named.pop(), row["question"], windows))
    return found


@contextmanager
def _everyday(shared: Path, embedder: Embedder, work_dir: Path | None) -> Iterator[Store]:
    from lvqa.store import Store

    folder = (work_dir or Path.cwd()) / "everyday"
    archives.fill(folder, archives.everyday(shared / "everyday/make.py"), embedder)
    with Store.open(folder / ".lvqa", create=False) as store:
        yield store


def measure(made: Sequence[Room], embedder: Embedder) -> tuple[dict[str, KindScores], list[str]]:
    """The scores of each system on the archives of one kind, and the video of each question."""
    from lvqa.recall import hybrid_search

    ready = RememberingEmbedder(embedder)
    searches: dict[str, Search] = {COSINE: partial(by_cosine, ready)}
    for name in (*SINGLE, FUSED):
        one = systems()[name]
        searches[name] = lambda store, query, one=one: hybrid_search(  # type: ignore[misc]
            store, ready, query, K, channels=one.channels, rules=one.rules
        )
    scores = {name: KindScores() for name in searches}
    asked: list[str] = []
    for archive, questions in made:
        with archive as store:
            there = {video.path for video in store.videos.all()}
            for question in questions:
                if question.video not in there:
                    continue
                asked.append(question.video)
                for name, search in searches.items():
                    scores[name].add(question, search(store, question.text))
    return scores, asked


def lines(kind: str, scores: dict[str, KindScores], asked: Sequence[str]) -> list[str]:
    """The table of one kind, and the paired gains of the fused search."""
    said = [f"{kind}: {len(asked)} questions", f"{'':16}" + "".join(f"{name:>17}" for name in METRICS)]
    for name, one in scores.items():
        cells = [metrics.clustered_mean(one.by_metric[metric], asked) for metric in METRICS]
        said.append(f"{name:16}" + "".join(f"{cell.value:9.3f} +- {cell.error:.3f}" for cell in cells))
    fused = scores[FUSED].by_metric
    for metric in METRICS[:-1]:
        best = max(SINGLE, key=lambda name: sum(scores[name].by_metric[metric]))
        parts = []
        for other in (COSINE, best):
            gain = measures.paired_bootstrap(scores[other].by_metric[metric], fused[metric], asked)
            parts.append(f"{gain.difference:+.3f} [{gain.low:+.3f}, {gain.high:+.3f}] over {other}")
        said.append(f"  {metric:12} {'; '.join(parts)}")
    return said


def main(arguments: Sequence[str] | None = None) -> int:
    """Run from the command line; returns the exit status: 0 measured, 1 failed, 2 the call makes no sense."""
    parser = Parser(prog="python -m lvqa.eval.lab.retrieval.kinds", description=__doc__)
    parser.add_argument("--shared", required=True, type=Path, metavar="DIR", help="holds data/ and everyday/")
    parser.add_argument("--work-dir", type=Path, metavar="DIR", help="where the indexes are kept")
    parser.add_argument("--embedder", default="minilm", metavar="SPEC", help="minilm unless given")
    parser.add_argument("--only", action="append", metavar="KIND", help="one kind alone; repeatable")

    def work() -> int:
        from lvqa.models.registry import load_embedder

        given = parser.parse_args(arguments)
        if not (given.shared / "data").is_dir():
            raise UsageError(f"{given.shared} holds no data/; name the folder with nextgqa_dev and anet_dev in it")
        embedder = load_embedder(given.embedder)
        for kind, made in rooms(given.shared, embedder, given.work_dir):
            if given.only and kind not in given.only:
                continue
            output.out(*lines(kind, *measure(made, embedder)), "")
        return 0

    return carry_out(work)


if __name__ == "__main__":
    sys.exit(main())
