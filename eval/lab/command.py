"""What the laboratory's commands share: arguments, exit statuses, and errors in one line.

Knows no measurement.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable
from typing import Any, NoReturn

from lvqa.cli import output
from lvqa.cli.shared import ERROR, OK, STOPPED, USAGE
from lvqa.errors import LvqaError, UsageError
from lvqa.phrasing import for_terminal
from lvqa.secrets import strike

__all__ = ["Parser", "carry_out", "print_outcome", "whole"]


class Parser(argparse.ArgumentParser):
    """Raises UsageError where argparse would print the usage and exit."""

    def error(self, message: str) -> NoReturn:
        """Raise UsageError."""
        raise UsageError(f"{message}; see {self.prog} --help")


def whole(text: str) -> int:
    """An argument that is a whole number of at least 1. Raises argparse.ArgumentTypeError."""
    try:
        number = int(text)
    except ValueError:
        number = 0
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number of at least 1")
    return number


def carry_out(work: Callable[[], int]) -> int:
    """Do the work of a command and return its exit status; an error is one line on stderr, as of `lvqa`."""
    try:
        return work()
    except KeyboardInterrupt:
        return _fail(STOPPED, "stopped; run again to go on")
    except UsageError as error:
        return _fail(USAGE, f"error: {error}")
    except (LvqaError, OSError) as error:
        return _fail(ERROR, f"error: {error}")


def print_outcome(outcome: Any, lines: Callable[[Any], list[str]], *, as_json: bool) -> int:
    """Print what a measurement came to, its document or its report's lines; returns the exit status."""
    if as_json:
        output.out_json(outcome.to_json())
    else:
        for line in lines(outcome):
            output.out(line)
    return OK


def _fail(status: int, line: str) -> int:
    if os.environ.get("LVQA_DEBUG", "") not in ("", "0"):
        raise
    print(f"lvqa: {for_terminal(strike(line))}", file=sys.stderr)
    return status
