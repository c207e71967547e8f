"""Work in a forked process that may be killed at any moment, by a parent that stays as it was.

Forking spares every process the seconds of importing. The parent must have no threads and must have opened nothing.
Knows no archive.
"""

from __future__ import annotations

import importlib
import json
import os
import select
import signal
import sys
import time
import traceback
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from lvqa.errors import LvqaError


class Forked:
    """A process that does one piece of work and says, as JSON, what came of it."""

    def __init__(self, work: Callable[[], Any], *, quiet: bool = True) -> None:
        self._read, write = os.pipe()
        self.began = time.perf_counter()
        self.pid = os.fork()
        if not self.pid:
            status = 1
            try:
                os.close(self._read)
                if quiet:
                    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stderr.fileno())
                answer: dict[str, Any] = {"value": work()}
                status = 0
            except LvqaError as error:
                answer = {"error": str(error), "kind": type(error).__name__}
            except BaseException as error:
                answer = {"error": traceback.format_exc()[-2000:], "kind": f"unexpected {type(error).__name__}"}
            try:
                with os.fdopen(write, "w") as out:
                    json.dump(answer, out)
            finally:
                os._exit(status)
        os.close(write)

    def kill_after(self, seconds: float) -> bool:
        """Kill it when it has run for so long; False when it had ended by itself before that."""
        left = seconds - (time.perf_counter() - self.began)
        # The pipe closes with the process, whichever way it ends.
        ended = bool(select.select([self._read], [], [], max(0.0, left))[0])
        if ended:
            self.result()
            return False
        os.kill(self.pid, signal.SIGKILL)
        _, status = os.waitpid(self.pid, 0)
        os.close(self._read)
        return os.WIFSIGNALED(status)

    def fileno(self) -> int:
        """What `select` waits on: it can be read once the process has said what came of its work, or has ended."""
        return self._read

    def killed(self) -> bool:
        """Wait for its end; whether a signal ended it. Raises LvqaError with what went wrong in its work."""
        with os.fdopen(self._read) as told:
            text = told.read()
        _, status = os.waitpid(self.pid, 0)
        if text and "error" in (answer := json.loads(text)):
            raise LvqaError(f"{answer['kind']}: {answer['error']}")
        return os.WIFSIGNALED(status)

    def result(self) -> Any:
        """Wait for its end and return what it said. Raises LvqaError with what went wrong in it."""
        with os.fdopen(self._read) as told:
            text = told.read()
        _, status = os.waitpid(self.pid, 0)
        if not text:
            raise LvqaError(f"a process ended with status {status} and said nothing")
        answer = json.loads(text)
        if "error" in answer:
            raise LvqaError(f"{answer['kind']}: {answer['error']}")
        return answer["value"]


def run_forked(work: Callable[[], Any]) -> Any:
    """Do work in a process of its own and return what it returns, which must be JSON. Raises LvqaError."""
    return Forked(work).result()


def preload(work: Callable[[], Any]) -> None:
    """Do work in a process of its own, and import here what it imported there: forks after this begin at once."""

    def named() -> list[str]:
        work()
        return sorted(sys.modules)

    for name in run_forked(named):
        if name not in sys.modules and not name.startswith("__"):
            with suppress(Exception):
                importlib.import_module(name)
