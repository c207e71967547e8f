"""Summaries by a chat model: notes into a text, texts into a shorter one, in calls of bounded size.

What does not fit one call is summarised group by group, and those texts again, until one call holds them all (map and
reduce); calls become smaller where the model cannot read so much. A reply that is empty or a refusal is asked for once
more. Knows prompts and a chat model; no store.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lvqa.errors import TooLong
from lvqa.indexers.hierarchy.extract import DIGEST_WORDS, SEGMENT_WORDS, VIDEO_WORDS
from lvqa.indexers.report import SummaryReport
from lvqa.models.replies import estimate_tokens, reply_to, usable_summary
from lvqa.prompts import Prompt, fence, for_prompt, load
from lvqa.types import Note, Span, format_time

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel

PROMPTS = ("segment", "overview", "digest")
# The most that the lines of one call may be, by estimate: with prompt and reply it fits a context of 8,192 tokens.
TOKENS_PER_CALL = 6000
# A model that cannot read so much is sent half of it, and so on, down to about this.
_FEWEST_TOKENS = 400
_LINE_CHARACTERS = 4000


@dataclass(frozen=True, slots=True)
class PromptLine:
    """One line of a prompt: the time it stands for, where that is told, and its text, which is data."""

    text: str
    span: Span | None = None


class Condenser:
    """Asks one chat model, which `load` brings when it is first needed, and counts what that takes in a report.

    Thread-safe.
    """

    def __init__(self, load: Callable[[], BaseChatModel], report: SummaryReport) -> None:
        self._load = load
        self._report = report
        self._chat: BaseChatModel | None = None
        self._tokens = TOKENS_PER_CALL
        self._lock = threading.Lock()

    @property
    def at_once(self) -> int:
        """How many texts the model is best asked for at once; more than one where a server says so. Loads it."""
        return getattr(self._model(), "in_flight", 1)

    def segment(self, span: Span, notes: Sequence[Note]) -> str:
        """What happens in a stretch by its notes, in time order; empty where no reply was usable. Raises ModelError."""
        lines = [PromptLine(f"{note.source}: {note.text}", note.span) for note in notes]
        return self._tell(load("segment"), "notes", lines, SEGMENT_WORDS, _times(span))

    def video(self, span: Span, parts: Sequence[tuple[Span, str]]) -> str:
        """A whole video by the texts of its segments, in time order; empty and raises as `segment`."""
        lines = [PromptLine(text, part) for part, text in parts]
        return self._tell(load("overview"), "parts", lines, VIDEO_WORDS, _times(span))

    def archive(self, videos: Sequence[tuple[str, str]]) -> str:
        """An archive by the path and the text of each video; empty and raises as `segment`."""
        lines = [PromptLine(f"{path}: {text}") for path, text in videos]
        return self._tell(load("digest"), "videos", lines, DIGEST_WORDS, {})

    def _tell(self, prompt: Prompt, hole: str, lines: Sequence[PromptLine], words: int, holes: dict[str, str]) -> str:
        while True:
            try:
                return self._told(prompt, hole, lines, words, holes)
            except TooLong:
                with self._lock:
                    if self._tokens < _FEWEST_TOKENS:
                        raise
                    self._tokens //= 2

    def _told(self, prompt: Prompt, hole: str, lines: Sequence[PromptLine], words: int, holes: dict[str, str]) -> str:
        while len(groups := packed(lines, self._tokens)) > 1:
            shorter: list[PromptLine] = []
            for group in groups:
                span = _hull(group)
                text = self._ask(prompt, hole, group, words, _times(span) if span is not None else holes)
                if not text:
                    return ""
                shorter.append(PromptLine(text, span))
            lines = shorter
        return self._ask(prompt, hole, groups[0], words, holes) if groups else ""

    def _ask(self, prompt: Prompt, hole: str, lines: Sequence[PromptLine], words: int, holes: dict[str, str]) -> str:
        filled = prompt.fill(**{hole: fence("\n".join(map(_written, lines)))}, words=words, **holes)
        for _ in range(2):
            with self._lock:
                self._report.llm_calls += 1
            reply = reply_to(self._model(), filled)
            with self._lock:
                self._report.tokens_in += reply.tokens_in
                self._report.tokens_out += reply.tokens_out
            if text := usable_summary(reply, words):
                return text
        return ""

    def _model(self) -> BaseChatModel:
        with self._lock:
            if self._chat is None:
                self._chat = self._load()
            return self._chat


def packed(lines: Sequence[PromptLine], tokens: int = TOKENS_PER_CALL) -> list[list[PromptLine]]:
    """Lines in order, in groups of at most so many tokens each, by estimate, and of about equal size."""
    sizes = [estimate_tokens(_written(line)) + 1 for line in lines]
    if not sizes:
        return []
    most = min(tokens, sum(sizes) / -(-sum(sizes) // tokens) + max(sizes))
    groups: list[list[PromptLine]] = [[]]
    filled = 0
    for line, size in zip(lines, sizes, strict=True):
        if groups[-1] and filled + size > most:
            groups.append([])
            filled = 0
        groups[-1].append(line)
        filled += size
    return groups


def _written(line: PromptLine) -> str:
    text = for_prompt(line.text, _LINE_CHARACTERS)
    return text if line.span is None else f"{line.span} {text}"


def _times(span: Span) -> dict[str, str]:
    return {"start": format_time(span.start_s), "end": format_time(span.end_s)}


def _hull(lines: Sequence[PromptLine]) -> Span | None:
    spans = [line.span for line in lines if line.span is not None]
    return Span(min(s.start_s for s in spans), max(s.end_s for s in spans)) if spans else None
