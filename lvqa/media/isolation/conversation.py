"""One request to a child that decodes, and its answers; what goes wrong with the child is said of the video.

Knows that a request ends with an answer that is final, and how that is put into words; not what is asked for.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar

from lvqa.errors import MediaError, NoVideo, SubtitleError
from lvqa.media.bounds import limits_in_use
from lvqa.media.files import shown
from lvqa.media.isolation.process import POOL, Child, Died, Lied, Patience, Stalled
from lvqa.media.isolation.wire import Header
from lvqa.types import format_time

T = TypeVar("T")

# Reading a whole video may take so much longer than it lasts, and a disk may be so slow, before it counts as a trap.
_SLOWEST = 10.0
_SLOWEST_BYTES_S = 1_000_000
_STOP_S = 0.5
_LONGEST_TEXT = 2000


class Conversation:
    """A request about a video, as a context manager; `next` gives its answers one by one.

    Leaving it early takes the request back. `at_s` is where in the video it is, for what is said when it fails;
    `allowed_s` is how long the child may be waited for.

    Args:
        path: the video.
        request: what the child is asked.
        length_s: how much of the video is to be read; it and the file's size bound the time.
        reader: the number of the reader that the child should have open.
    """

    def __init__(self, path: Path, request: Header, *, length_s: float = 0.0, reader: int | None = None) -> None:
        self.path = path
        self._request = request
        self._limits = limits_in_use()
        self._reader = reader
        self.allowed_s = self._limits.stall_s + _SLOWEST * length_s + _size(path) / _SLOWEST_BYTES_S
        self._patience = Patience(self._limits.stall_s, self.allowed_s)
        self._child: Child | None = None
        self._last: Header | None = None
        self.at_s: float | None = None

    @property
    def waited_s(self) -> float:
        """How long the child was waited for so far, of the `allowed_s` in all."""
        return self.allowed_s - self._patience.whole_s

    def __enter__(self) -> Self:
        self._ask(fresh=False)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        child, self._child = self._child, None
        if child is None:
            return
        well = False
        if kind in (None, GeneratorExit):
            with suppress(Stalled, Died, Lied):
                last = self._last or child.stop(Patience(_STOP_S, _STOP_S))
                well = last["kind"] == "done" and last["clean"] is True
        # One that has met damage is not trusted with the next video.
        if well:
            POOL.give(child)
        else:
            child.kill()

    def next(self) -> Header | None:
        """The next answer, or None after the last. Raises MediaError, SubtitleError."""
        header = self._guard(self._receive)
        if "clean" not in header:
            return header
        self._last = header
        if header["kind"] != "done":
            raise self._failure(header)
        return None

    def take(self, room: memoryview) -> None:
        """Fill `room` with the bytes of the last answer, which must be as many. Raises MediaError."""
        child = self._child
        assert child is not None
        self._guard(lambda: child.take(room, self._patience))

    def allow(self, length_s: float) -> None:
        """So much more of the video was read, and may take its time."""
        self._patience.whole_s += _SLOWEST * length_s
        self.allowed_s += _SLOWEST * length_s

    def end(self) -> None:
        """Hear the last answer out, after all that were due. Raises MediaError."""
        if self.next() is not None:
            raise self.lie("more than was asked for")

    def lie(self, what: str) -> MediaError:
        """The error for an answer that cannot be; ends the child."""
        return self._lost(Lied(what))

    def number(self, header: Header, name: str, least: float, most: float) -> float:
        """A number of an answer, within bounds. Raises MediaError, and ends the child, where it is none."""
        value = header.get(name)
        if isinstance(value, bool) or not isinstance(value, int | float) or not least <= value <= most:
            raise self.lie(f"no such number as {name}")
        return float(value)

    def told(self, text: str) -> str:
        """What the child says, as one printable line that names the video as it was named here."""
        told = shown(text[:_LONGEST_TEXT])
        if not self.path.is_absolute():
            told = told.replace(shown(self.path.absolute()), shown(self.path))
        return told

    def _ask(self, *, fresh: bool) -> None:
        self._child = POOL.take(self._limits.memory_mb, self._reader, fresh=fresh)
        if self._reader is not None:
            self._child.opened(self._reader)
        child = self._child
        self._guard(lambda: child.ask(self._request, self._patience))

    def _receive(self) -> Header:
        while True:
            assert self._child is not None
            try:
                header = self._child.receive(self._patience)
            except Died as error:
                if not error.untried:
                    raise
                # What ended it may have come from a video before, or from outside: one more try, in a new one.
                self._child.kill()
                self._ask(fresh=True)
                continue
            if header["kind"] != "beat":
                return header

    def _guard(self, call: Callable[[], T]) -> T:
        try:
            return call()
        except (Stalled, Died, Lied) as error:
            raise self._lost(error) from error

    def _lost(self, error: Stalled | Died | Lied) -> MediaError:
        if self._child is not None:
            self._child.kill()
            self._child = None
        name = shown(self.path)
        at = f" at {format_time(self.at_s)}" if self.at_s is not None else ""
        if isinstance(error, Stalled):
            waited_s = self.allowed_s if self._patience.whole_s <= 0 else self._limits.stall_s
            return MediaError(
                f"{name} took longer than {waited_s:.0f} s to decode{at}; it is damaged or a trap: convert it, or "
                "raise decode_stall_s where it is only large"
            )
        if isinstance(error, Died):
            return MediaError(
                f"{name} cannot be decoded{at}: the process that decodes {error.how}; it is damaged or a trap: convert "
                "it, or leave it out"
            )
        return MediaError(
            f"{name} cannot be decoded{at}: the process that decodes sent {error}; it is damaged or a trap: convert "
            "it, or leave it out"
        )

    def _failure(self, header: Header) -> MediaError:
        name = shown(self.path)
        text = header.get("text")
        told = self.told(text) if isinstance(text, str) else "no reason given"
        if header["kind"] == "subtitle":
            return SubtitleError(told)
        if header["kind"] == "none":
            return NoVideo(told)
        if header["kind"] == "media":
            return MediaError(told)
        if header["kind"] == "memory":
            return MediaError(
                f"{name} needs more than {self._limits.memory_mb} MB of memory to decode; convert it, or "
                "raise decode_memory_mb where it is only large"
            )
        return MediaError(f"{name} cannot be read ({told}); it is damaged: copy it again, or convert it")


def close_reader(reader: int) -> None:
    """Have the child that waits with a reader open close it."""
    child = POOL.holding(reader)
    if child is None:
        return
    patience = Patience(_STOP_S, _STOP_S)
    try:
        child.ask({"op": "close", "reader": reader}, patience)
        child.last(patience)
    except (Stalled, Died, Lied):
        child.kill()
    else:
        child.open.pop(reader, None)
        POOL.give(child)


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except (OSError, ValueError):
        return 0
