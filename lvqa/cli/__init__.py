"""The command line: `lvqa index FOLDER`, `lvqa ask FOLDER QUESTION` and their like."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Sequence


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status: 0 ok, 1 error, 2 usage, 3 some videos failed, 130 stopped."""
    from lvqa.cli.app import run
    from lvqa.cli.shared import STOPPED

    status = run(sys.argv[1:] if argv is None else list(argv))
    if status == STOPPED and any(thread.name.startswith("lvqa-") for thread in threading.enumerate()):
        # Told twice to stop: a model's call that still goes on, such as one to a server, must not hold the process.
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)
    return status
