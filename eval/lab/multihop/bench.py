"""Asks questions of several hops with sub-questions and without, and says what is right.

An answer is right where it says what is wanted, in one of the wordings that the file gives (one that begins with ^ is a
regular expression), and a piece of its evidence lies in the gold window; so is the answer to a part.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from langchain_core.language_models import BaseChatModel

from lvqa import Archive
from lvqa.agents.steps import SubQuestionStep
from lvqa.eval.lab.multihop.models import scripted
from lvqa.types import Answer, Span

HERE = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class Hop:
    """A sub-question with what is right: one of the wordings of `gold`, in this stretch of this video."""

    text: str
    needs: tuple[int, ...]
    gold: tuple[str, ...]
    video: str
    span: Span

    def is_right(self, answer: Answer, gold: Sequence[str] = ()) -> bool:
        """Whether an answer says so, and shows it there; `gold` in place of the hop's own."""
        said = " ".join(answer.text.lower().split())
        shown = any(one.video == self.video and one.span.overlaps(self.span) for one in answer.evidence)
        return not answer.abstained and shown and any(_says(said, word.lower()) for word in gold or self.gold)


@dataclass(frozen=True, slots=True)
class HopQuestion:
    """A question of several hops; `gold` are wordings of what is right, shown where its last hop is."""

    id: str
    text: str
    gold: tuple[str, ...]
    hops: tuple[Hop, ...]


@dataclass(frozen=True, slots=True)
class Asked:
    """What came of a question: whether it is right part by part, and at once; whether each part stands; the answers."""

    question: HopQuestion
    parted: bool
    at_once: bool
    parts: tuple[bool, ...]
    said: tuple[str, ...]


def questions(name: str) -> list[HopQuestion]:
    """The questions of `name`.jsonl."""
    return [_read(json.loads(line)) for line in (HERE / f"{name}.jsonl").read_text().splitlines()]


def _read(row: dict[str, Any]) -> HopQuestion:
    hops = tuple(
        Hop(sub["text"], tuple(sub["needs"]), tuple(sub["gold"]), sub["video"], Span(sub["start_s"], sub["end_s"]))
        for sub in row["subs"]
    )
    return HopQuestion(row["id"], row["question"], tuple(row["gold"]), hops)


def _says(said: str, word: str) -> bool:
    return re.match(word, said) is not None if word.startswith("^") else word in said


def run(
    opened: Callable[[BaseChatModel], Archive], asked: Sequence[HopQuestion], plan: Callable[[str], str] = lambda q: ""
) -> Iterator[Asked]:
    """What comes of each question; `opened` opens their archive with a chat model, `plan` is `models.scripted`'s."""
    parted = {one.text: [{"text": hop.text, "needs": hop.needs} for hop in one.hops] for one in asked}
    whole: dict[str, list[dict[str, Any]]] = {one.text: [] for one in asked}
    with opened(scripted(parted, plan)) as by_parts, opened(scripted(whole, plan)) as at_once:
        for one in asked:
            answer, plain = by_parts.ask(one.text), at_once.ask(one.text)
            told = {step.sub.place: step.sub.answer for step in answer.steps if isinstance(step, SubQuestionStep)}
            parts = tuple(n in told and hop.is_right(told[n]) for n, hop in enumerate(one.hops))
            said = (*(told[n].text if n in told else "" for n in range(len(one.hops))), answer.text, plain.text)
            last = one.hops[-1]
            yield Asked(one, last.is_right(answer, one.gold), last.is_right(plain, one.gold), parts, said)
