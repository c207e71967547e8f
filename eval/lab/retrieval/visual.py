"""`python -m lvqa.eval.lab.retrieval.visual --world DIR`: what the visual channel adds to the search, on a world.

DIR is what `python -m lvqa.eval.lab.world --dir DIR` made: videos with true windows, indexed with the tiny models. The
question is searched as it is, without its options; the file that it names is taken out of it. Knows nothing of
answering.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lvqa.errors import LvqaError, UsageError
from lvqa.eval.tasks.files import read_lines

if TYPE_CHECKING:
    from lvqa.recall import Channel
    from lvqa.types import Hit

WAYS: dict[str, tuple[Channel, ...]] = {
    "words and meaning": ("text", "dense"),
    "frames": ("frames",),
    "all": ("text", "dense", "frames"),
}


@dataclass(frozen=True, slots=True)
class VisualQuestion:
    """A question without the file that it names, that file's id, and the windows by path."""

    text: str
    named: frozenset[str]
    windows: tuple[tuple[str, float, float], ...]

    def score(self, hits: Sequence[Hit]) -> tuple[bool, bool]:
        """Whether a hit overlaps a gold window, and whether one is of its video."""
        found = any(
            hit.video == path and hit.span.start_s < end_s and hit.span.end_s > start_s
            for hit in hits
            for path, start_s, end_s in self.windows
        )
        return found, any(hit.video == path for hit in hits for path, _, _ in self.windows)


def run(world: Path, k: int = 8) -> list[dict[str, Any]]:
    """Search every answerable question of a world in each way, everywhere and in the video that it names.

    Raises UsageError where the folder holds no world.
    """
    from lvqa.eval.lab.tiny.models import open_archive
    from lvqa.eval.metrics import clustered_mean
    from lvqa.language.video_names import named_videos
    from lvqa.recall import Retriever
    from lvqa.store import Filter

    rows = read_lines(world / "videos" / "questions.jsonl", ("question", "windows", "unanswerable"))
    results = []
    with open_archive(world / "videos", world / "index") as archive:
        ids = {video.path: video.id for video in archive.videos()}
        asked = []
        for row in rows:
            windows = tuple((w["video"], float(w["start_s"]), float(w["end_s"])) for w in row["windows"])
            text, named = named_videos(str(row["question"]), ids)
            if windows and not row["unanswerable"]:
                asked.append(VisualQuestion(text, frozenset(ids[path] for path in named), windows))
        if not asked:
            raise UsageError(
                f"{world} holds no question with windows; make one with python -m lvqa.eval.lab.world --dir {world}"
            )
        clusters = [one.windows[0][0] for one in asked]
        for where in ("everywhere", "in the named video"):
            for name, channels in WAYS.items():
                scores = []
                for one in asked:
                    only = Filter(one.named) if one.named and where != "everywhere" else None
                    retriever = Retriever(
                        archive.store, archive.models.embedder, archive.models.image_embedder, channels=channels
                    )
                    scores.append(one.score(retriever.search(one.text, k, only)))
                hit, video = (clustered_mean([float(score[i]) for score in scores], clusters) for i in (0, 1))
                results.append(
                    {
                        "where": where,
                        "channels": name,
                        "questions": len(asked),
                        "hit": round(hit.value, 4),
                        "hit_error": round(hit.error, 4),
                        "right_video": round(video.value, 4),
                        "right_video_error": round(video.error, 4),
                    }
                )
    return results


def main(arguments: Sequence[str] | None = None) -> int:
    """Run from the command line; returns the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m lvqa.eval.lab.retrieval.visual", description=str(__doc__).split("\n")[0]
    )
    parser.add_argument("--world", type=Path, required=True, help="folder that lvqa.eval.lab.world made")
    parser.add_argument("-k", type=int, default=8, help="hits returned for a question")
    parser.add_argument("--json", action="store_true", help="print the figures as JSON")
    options = parser.parse_args(arguments)
    try:
        results = run(options.world, options.k)
    except LvqaError as error:
        print(f"lvqa: {error}", file=sys.stderr)
        return 2 if isinstance(error, UsageError) else 1
    if options.json:
        print(json.dumps(results, indent=2))
        return 0
    print(f"{results[0]['questions']} questions; +- is one standard error, clustered by video")
    for row in results:
        hit = f"{row['hit']:.3f} +- {row['hit_error']:.3f}"
        video = f"{row['right_video']:.3f} +- {row['right_video_error']:.3f}"
        print(f"{row['where']:20}{row['channels']:20}  hit {hit}  right video {video}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
