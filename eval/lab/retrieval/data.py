"""Captions and questions with known windows, cut into archives; an archive's index, made once and kept.

Captions go in through `import_captions`, the very code that `lvqa import` runs. Knows nothing of searching or scoring.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lvqa.errors import UsageError
from lvqa.eval.tasks.files import read_lines

if TYPE_CHECKING:
    from lvqa.eval.metrics import Moment, Window
    from lvqa.models.base import Embedder, Vectors
    from lvqa.settings import Summaries
    from lvqa.store import Store
    from lvqa.types import Hit


class RememberingEmbedder:
    """An embedder that remembers what it embedded; `learn` embeds many texts at a tenth of the cost of one by one."""

    def __init__(self, embedder: Embedder) -> None:
        self.name = embedder.name
        self.dim = embedder.dim
        self._embedder = embedder
        self._vectors: dict[str, Vectors] = {}

    def learn(self, texts: Iterable[str]) -> None:
        """Embed these queries now."""
        new = [text for text in dict.fromkeys(texts) if text not in self._vectors]
        if new:
            self._vectors.update(zip(new, self._embedder.encode_query(new), strict=True))

    def encode_query(self, texts: Sequence[str]) -> Vectors:
        """Unit vectors, float32 (n, dim)."""
        import numpy as np

        if not texts:
            return self._embedder.encode_query(texts)
        self.learn(texts)
        return np.stack([self._vectors[text] for text in texts])

    def encode_document(self, texts: Sequence[str]) -> Vectors:
        """Unit vectors, float32 (n, dim)."""
        return self._embedder.encode_document(texts)


@dataclass(frozen=True, slots=True)
class GroundedQuestion:
    """A question about one video and the windows that hold its answer, in seconds."""

    id: str
    video: str
    text: str
    windows: tuple[Window, ...]


def read_questions(path: Path) -> list[GroundedQuestion]:
    """Read `questions.jsonl`: `{"id","video","question","windows"}` a line. Raises UsageError."""
    rows = read_lines(path, ("id", "video", "question", "windows"))
    try:
        return [
            GroundedQuestion(
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
