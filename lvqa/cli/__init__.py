"""The command line: `lvqa index FOLDER`, `lvqa ask FOLDER QUESTION` and their like."""

from __future__ import annotations

import sys
from collections.abc import Sequence


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status: 0 ok, 1 error, 2 usage, 3 some videos failed, 130 stopped."""
    from lvqa.cli.app import run

    return run(sys.argv[1:] if argv is None else list(argv))
