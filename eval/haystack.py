"""How often search finds the second that answers a question, in archives of fifty captioned videos.

Captions go in through `import_captions` and questions through `hybrid_search`, the very code that `lvqa import` and
`lvqa search` run. Imports nothing heavy until it runs; knows nothing of answering.

    python -m lvqa.eval.haystack --data DIR [--json]
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lvqa.errors import LvqaError, UsageError

if TYPE_CHECKING:
    from lvqa.agents.recall import Channel
    from lvqa.eval.metrics import Mean, Moment, Paired, Window
    from lvqa.models.base import Embedder, Vectors
    from lvqa.settings import Summaries
    from lvqa.store import Store
    from lvqa.types import Hit

CHANNELS: dict[str, tuple[Channel, ...]] = {"bm25": ("text",), "dense": ("dense",), "hybrid": ("text", "dense")}
TITLES = {"bm25": "BM25", "dense": "dense", "hybrid": "hybrid"}
SLACK_S = 0.5
TOLERANCE_S = 5.0


@dataclass(frozen=True, slots=True)
class Question:
    """A question about one video and the windows that hold its answer, in seconds."""

    id: str
    video: str
    text: str
    windows: tuple[Window, ...]


@dataclass(slots=True)
class Scores:
    """What one system scored, a number a question."""

    hit: list[float] = field(default_factory=list)
    right_video: list[float] = field(default_factory=list)
    f1: list[float] = field(default_factory=list)
    ms: list[float] = field(default_factory=list)


class Remembering:
    """An embedder that has embedded all questions beforehand, in batches, which takes a tenth of one by one."""

    def __init__(self, embedder: Embedder, questions: Sequence[str]) -> None:
        self.name = embedder.name
        self.dim = embedder.dim
        self._embedder = embedder
        texts = list(dict.fromkeys(questions))
        self._vectors = dict(zip(texts, embedder.encode_query(texts), strict=True))

    def encode_query(self, texts: Sequence[str]) -> Vectors:
        """Unit vectors, float32 (n, dim)."""
        import numpy as np

        if not texts or any(text not in self._vectors for text in texts):
            return self._embedder.encode_query(texts)
        return np.stack([self._vectors[text] for text in texts])

    def encode_document(self, texts: Sequence[str]) -> Vectors:
        """Unit vectors, float32 (n, dim)."""
        return self._embedder.encode_document(texts)


def read_questions(path: Path) -> list[Question]:
    """Read `questions.jsonl`: `{"id","video","question","windows"}` a line. Raises UsageError."""
    rows = _rows(path, ("id", "video", "question", "windows"))
    try:
        return [
            Question(
                str(row["id"]),
                str(row["video"]),
                str(row["question"]),
                tuple((float(a), float(b)) for a, b in row["windows"]),
            )
            for row in rows
        ]
    except (TypeError, ValueError) as error:
        raise UsageError(
            f"{path} has windows that are not pairs of seconds ({error}); write [[start, end], ...]"
        ) from error


def cut_archives(videos: Iterable[str], size: int) -> list[list[str]]:
    """Sort videos by the SHA-256 of their name and cut them into archives of `size`; what is left over is dropped."""
    ordered = sorted(set(videos), key=lambda name: hashlib.sha256(name.encode()).hexdigest())
    return [ordered[start : start + size] for start in range(0, len(ordered) - size + 1, size)]


def moments(hits: Iterable[Hit], k: int) -> list[Moment]:
    """The middles of the hits' spans, best first: at most `k`, no two within the same second of a video."""
    kept: dict[tuple[str, int], Moment] = {}
    for hit in hits:
        kept.setdefault((hit.video, int(hit.span.middle_s)), (hit.video, hit.span.middle_s))
    return list(kept.values())[:k]


def run_retrieval(
    data: Path,
    *,
    k: int = 8,
    archive_size: int = 50,
    embedder: Embedder | None = None,
    work_dir: Path | None = None,
    channels: Sequence[str] = tuple(CHANNELS),
) -> dict[str, Any]:
    """Measure retrieval by the haystack protocol.

    Args:
        data: a folder with `captions.jsonl` (`{"video","start_s","end_s","text"}`) and `questions.jsonl`.
        k: distinct seconds returned for a question.
        archive_size: videos in one archive; what is left over after the last full one is dropped.
        embedder: embeds captions and questions; the MiniLM wheel when not given. Not asked where only BM25 is measured.
        work_dir: where the indexes are kept, so that a second run embeds no caption again; the user's cache folder when
            not given.
        channels: which of `bm25`, `dense` and `hybrid` to measure.

    Returns:
        `{"questions","videos","archives","captions","k","embedder","seconds","systems","paired"}`; a system holds
        `hit`, `right_video` and `f1`, each a `metrics.Mean`, and `ms` a search, its question embedded before; `paired`
        holds the gain in hits of each later system over each earlier one, a `metrics.Paired`. Gold moments of F1 are
        the middles of the gold windows.

    Raises:
        UsageError: a file that is missing or not as described, an unknown channel, or fewer videos than one archive.
    """
    from lvqa.eval.metrics import clustered_mean, paired_bootstrap

    unknown = [name for name in channels if name not in CHANNELS]
    if unknown or not channels:
        raise UsageError(f"unknown channel {', '.join(unknown) or '(none)'}; measure some of {', '.join(CHANNELS)}")
    if k < 1 or archive_size < 1:
        raise UsageError("k and the size of an archive must be at least 1")
    captions = _rows(data / "captions.jsonl", ("video", "start_s", "end_s", "text"))
    questions = read_questions(data / "questions.jsonl")
    archives = cut_archives((str(row["video"]) for row in captions), archive_size)
    if not archives:
        raise UsageError(f"{data} has captions of fewer than {archive_size} videos; give a smaller archive size")
    if embedder is None and any("dense" in CHANNELS[name] for name in channels):
        from lvqa.models.registry import load_embedder

        embedder = load_embedder("minilm")

    started = time.perf_counter()
    scores = {name: Scores() for name in channels}
    asked: list[str] = []
    notes = 0
    for names in archives:
        members = set(names)
        rows = [row for row in captions if str(row["video"]) in members]
        chosen = [question for question in questions if question.video in members]
        asked += [question.video for question in chosen]
        notes += len(rows)
        ready = Remembering(embedder, [question.text for question in chosen]) if embedder is not None else None
        with open_archive(rows, embedder, work_dir) as store:
            for name in channels:
                _measure(store, ready, name, chosen, k, scores[name])
    if not asked:
        raise UsageError(f"{data} has no question about the videos of its archives")
    return {
        "questions": len(asked),
        "videos": sum(len(names) for names in archives),
        "archives": len(archives),
        "captions": notes,
        "k": k,
        "embedder": embedder.name if embedder is not None else "",
        "seconds": round(time.perf_counter() - started, 1),
        "systems": {
            name: {
                "hit": _as_dict(clustered_mean(scores[name].hit, asked)),
                "right_video": _as_dict(clustered_mean(scores[name].right_video, asked)),
                "f1": _as_dict(clustered_mean(scores[name].f1, asked)),
                "ms": round(sum(scores[name].ms) / len(asked), 2),
            }
            for name in channels
        },
        "paired": {
            f"{second} - {first}": _as_dict(paired_bootstrap(scores[first].hit, scores[second].hit, asked))
            for at, first in enumerate(channels)
            for second in channels[at + 1 :]
        },
    }


def _measure(
    store: Store, embedder: Embedder | None, channel: str, questions: Sequence[Question], k: int, into: Scores
) -> None:
    from lvqa.agents.recall import hybrid_search
    from lvqa.eval import metrics

    for question in questions:
        started = time.perf_counter()
        hits = hybrid_search(store, embedder, question.text, k, channels=CHANNELS[channel])
        into.ms.append((time.perf_counter() - started) * 1000)
        returned = moments(hits, k)
        gold = [(question.video, (start + end) / 2) for start, end in question.windows]
        into.hit.append(metrics.is_hit(returned, question.video, question.windows, slack_s=SLACK_S))
        into.right_video.append(metrics.has_video(returned, question.video))
        into.f1.append(metrics.temporal_f1(returned, gold, tolerance_s=TOLERANCE_S))


@contextmanager
def open_archive(
    rows: Sequence[dict[str, Any]], embedder: Embedder | None, work_dir: Path | None, summaries: Summaries = "none"
) -> Iterator[Store]:
    """Index caption rows through `import_captions`, or open the index that an earlier run made of the same rows.

    The index lies below `work_dir` in a folder named by the rows, the embedder and `summaries`, which search of single
    captions does without; an import that was cut off goes on.
    """
    from lvqa.indexers import import_captions
    from lvqa.store import Store

    lines = "".join(json.dumps(row, ensure_ascii=False, sort_keys=True) + "\n" for row in rows)
    above = "" if summaries == "none" else f"{summaries} summaries\n"
    key = hashlib.sha256(f"{embedder.name if embedder else ''}\n{above}{lines}".encode()).hexdigest()[:16]
    folder = (work_dir or _cache_dir()) / key
    folder.mkdir(parents=True, exist_ok=True)
    captions, finished = folder / "captions.jsonl", folder / "finished"
    if not finished.exists():
        captions.write_text(lines, encoding="utf-8")
        with Store.open(folder / ".lvqa", write=True) as store:
            import_captions(captions, folder, store, embedder, summaries=summaries)
        finished.touch()
    with Store.open(folder / ".lvqa", create=False) as store:
        yield store


def _cache_dir() -> Path:
    import platformdirs

    return platformdirs.user_cache_path("lvqa") / "haystack"


def _rows(path: Path, fields: Sequence[str]) -> list[dict[str, Any]]:
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except OSError as error:
        reason = error.strerror or str(error)
        raise UsageError(f"cannot read {path}: {reason}; --data names the folder that holds {path.name}") from error
    rows: list[dict[str, Any]] = []
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except json.JSONDecodeError as error:
            raise UsageError(f"{path}, line {number} is not JSON ({error}); mend or remove it") from error
        missing = [name for name in fields if not isinstance(row, dict) or name not in row]
        if missing:
            raise UsageError(f"{path}, line {number} lacks {', '.join(missing)}; mend or remove it")
        rows.append(row)
    return rows


def _as_dict(record: Mean | Paired) -> dict[str, float]:
    return {name: round(value, 4) for name, value in asdict(record).items()}


def format_table(result: dict[str, Any]) -> str:
    """Lay the figures out as a table: a row a system, `mean +- clustered standard error` in each column."""
    heads = ("hit", "right video", "F1 at 5 s", "ms a search")
    lines = [
        f"{result['questions']} questions on {result['archives']} archives of "
        f"{result['videos'] // result['archives']} videos ({result['captions']} captions), "
        f"{result['k']} seconds returned; +- is one standard error, clustered by video",
        "",
        f"{'':8}" + "".join(f"{head:>18}" for head in heads),
    ]
    for name, system in result["systems"].items():
        cells = [f"{system[key]['value']:.3f} +- {system[key]['error']:.3f}" for key in ("hit", "right_video", "f1")]
        lines.append(f"{TITLES[name]:8}" + "".join(f"{cell:>18}" for cell in [*cells, f"{system['ms']:.1f}"]))
    if result["paired"]:
        lines += ["", "gain in hits, question by question (95 % interval, bootstrap over videos)"]
    for name, gain in result["paired"].items():
        interval = f"[{gain['low']:+.3f}, {gain['high']:+.3f}]"
        lines.append(f"  {name:16} {gain['difference']:+.3f}  {interval}  p = {gain['p_value']:.4f}")
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run from the command line; returns the exit status: 0 measured, 1 failed, 2 the call makes no sense."""
    parser = argparse.ArgumentParser(prog="python -m lvqa.eval.haystack", description=str(__doc__).partition("\n")[0])
    parser.add_argument("--data", type=Path, required=True, help="folder with captions.jsonl and questions.jsonl")
    parser.add_argument("-k", type=int, default=8, help="seconds returned for a question")
    parser.add_argument("--archive-size", type=int, default=50, help="videos in one archive")
    parser.add_argument("--channels", default=",".join(CHANNELS), help="which systems, with commas between")
    parser.add_argument("--embedder", default="", help="spec of the embedder; the MiniLM wheel when not given")
    parser.add_argument("--work-dir", type=Path, help="where indexes are kept; the user's cache folder when not given")
    parser.add_argument("--json", action="store_true", help="print the figures as JSON")
    options = parser.parse_args(arguments)
    channels = tuple(name.strip() for name in options.channels.split(",") if name.strip())
    try:
        embedder: Embedder | None = None
        if options.embedder:
            from lvqa.models.registry import load_embedder

            embedder = load_embedder(options.embedder)
        result = run_retrieval(
            options.data,
            k=options.k,
            archive_size=options.archive_size,
            embedder=embedder,
            work_dir=options.work_dir,
            channels=channels,
        )
    except LvqaError as error:
        print(f"lvqa: {error}", file=sys.stderr)
        return 2 if isinstance(error, UsageError) else 1
    print(json.dumps(result, indent=2) if options.json else format_table(result))
    return 0


if __name__ == "__main__":
    sys.exit(main())
