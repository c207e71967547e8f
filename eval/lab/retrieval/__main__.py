"""`python -m lvqa.eval.lab.retrieval --data DIR`: figures of the search on captions with known windows."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from lvqa.cli import output
from lvqa.errors import LvqaError, UsageError
from lvqa.eval.lab.retrieval import format_table, run_retrieval
from lvqa.eval.lab.retrieval.systems import SYSTEMS

if TYPE_CHECKING:
    from lvqa.models.base import Embedder


def main(arguments: Sequence[str] | None = None) -> int:
    """Run from the command line; returns the exit status: 0 measured, 1 failed, 2 the call makes no sense."""
    parser = argparse.ArgumentParser(
        prog="python -m lvqa.eval.lab.retrieval", description="Score search on gold windows."
    )
    parser.add_argument("--data", type=Path, required=True, help="folder with captions.jsonl and questions.jsonl")
    parser.add_argument("-k", type=int, default=8, help="seconds returned for a question")
    parser.add_argument("--archive-size", type=int, default=50, help="videos in one archive")
    parser.add_argument("--channels", default=",".join(SYSTEMS), help="which systems, with commas between")
    parser.add_argument("--pieces", action="store_true", help="the fusion without each of its pieces, too")
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
            with_pieces=options.pieces,
        )
    except LvqaError as error:
        print(f"lvqa: {error}", file=sys.stderr)
        return 2 if isinstance(error, UsageError) else 1
    if options.json:
        output.out_json(result)
    else:
        output.out(format_table(result))
    return 0


if __name__ == "__main__":
    sys.exit(main())
