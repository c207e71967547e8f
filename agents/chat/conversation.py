"""A follow-up made a question that stands by itself: by the chat model, or by English rules without one.

What earlier turns said (answers, captions, file names) goes to the model as fenced data. A reply that does not parse, a
refusal and a spent budget leave the rules. Knows no store and no graph.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from pydantic import BaseModel, Field, field_validator

from lvqa.agents.chat.references import by_rules
from lvqa.agents.chat.turns import Turn, Understood, clock
from lvqa.agents.rules.numbers import READING
from lvqa.agents.state import Stretch
from lvqa.agents.structured import ask_for
from lvqa.errors import ReplyError, TooLong
from lvqa.prompts import fence, for_prompt, load
from lvqa.tools.ledger import BudgetSpent, Ledger
from lvqa.types import Budget, Span

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel

_EVIDENCE = 3
_EVIDENCE_CHARACTERS = 200
_ANSWER_CHARACTERS = 400
_QUESTION_CHARACTERS = 1000
# Of more videos than these the prompt lists only those that were spoken of.
_VIDEOS = 40
_REFUSAL = re.compile(
    r"^\W*(?:i['’]?m\s+(?:sorry|unable)|i\s+am\s+(?:sorry|unable)|sorry\b|i\s+(?:can['’]?t|cannot|won['’]?t)\b|as\s+an\s+ai\b)",
    re.IGNORECASE,
)


class Standalone(BaseModel):
    """The chat model's reply: the question by itself, the video and the seconds that it refers to, if any."""

    question: str = Field(min_length=1)
    video: str | None = None
    between: Stretch | None = None

    @field_validator("question")
    @classmethod
    def _says_something(cls, value: str) -> str:
        if not value.strip():
            raise ValueError("the question is empty")
        if _REFUSAL.match(value):
            raise ValueError("that is no question; nothing is to be answered here")
        return value


def understand(
    question: str,
    turns: Sequence[Turn],
    durations: Mapping[str, float],
    *,
    chat: BaseChatModel | None = None,
    ledger: Ledger | None = None,
) -> Understood:
    """A follow-up as a question that stands by itself, and where to look; unchanged where it refers to none.

    Args:
        question: as asked.
        turns: those before it, oldest first; without any the question stands as it is, and no model is asked.
        durations: seconds of each video of the archive, by path.
        chat: rewrites it; rules do where there is none, its replies do not parse, or the budget is spent.
        ledger: what the chat model's calls are charged to; a fresh one with the usual budget unless given.

    Raises ModelError when the chat model fails.
    """
    if not turns or chat is None:
        return by_rules(question, turns, durations)
    prompt = load("follow_up")
    filled = prompt.fill(
        turns=fence("\n".join(_told(n, turn) for n, turn in enumerate(turns[-READING.told_turns :], 1))),
        videos=fence("\n".join(_listed(turns, durations))),
        question=fence(question),
    )
    try:
        parsed = ask_for(
            chat, ledger or Ledger(Budget()), filled, Standalone, lambda reply: _complaints(reply, durations)
        )
    except BudgetSpent as spent:
        return replace(by_rules(question, turns, durations), failure=spent.reason)
    except ReplyError:
        failure = "the chat model's reply did not parse, twice"
        return replace(by_rules(question, turns, durations), failure=failure)
    except TooLong as error:
        return replace(by_rules(question, turns, durations), failure=str(error))
    return _understood(question, parsed.value, durations, prompt.hash)


def _understood(question: str, reply: Standalone, durations: Mapping[str, float], prompt_hash: str) -> Understood:
    """What a reply comes to; a video that is not there, and seconds outside of it, are left out."""
    named = _path(reply.video, durations)
    videos = (named,) if named is not None else ()
    between = Span(*reply.between) if reply.between is not None else None
    if between is not None and named is not None:
        between = between.clamp(durations[named])
    text = _short(reply.question)
    if not videos and between is None and text == _short(question):
        return Understood(question, why="it refers to nothing before it", by="chat", prompt_hash=prompt_hash)
    why = "the chat model's reading of the conversation"
    return Understood(text, videos, between, why, "chat", prompt_hash)


def _complaints(reply: Standalone, durations: Mapping[str, float]) -> list[str]:
    if reply.video is None:
        return []
    named = _path(reply.video, durations)
    if named is None:
        return [f"video: {for_prompt(reply.video, 100)} is not in the list of videos; copy a name from it, or null"]
    if reply.between is not None and reply.between[0] >= durations[named]:
        return [f"between: that video is {durations[named]:.1f} seconds long"]
    return []


def _path(name: str | None, durations: Mapping[str, float]) -> str | None:
    """The video of that name, as it is or as the prompt wrote it."""
    if name is None or name in durations:
        return name
    return next((path for path in durations if _name(path) == " ".join(name.split())), None)


def _name(path: str) -> str:
    return for_prompt(path, 200)


def _told(number: int, turn: Turn) -> str:
    lines = [f"{number}. asked: {for_prompt(turn.question, _QUESTION_CHARACTERS)}"]
    if turn.understood != turn.question:
        lines.append(f"   meaning: {for_prompt(turn.understood, _QUESTION_CHARACTERS)}")
    found = "nothing was found" if turn.abstained else for_prompt(turn.answer, _ANSWER_CHARACTERS)
    lines.append(f"   answered: {found}")
    for e in turn.evidence[:_EVIDENCE] if not turn.abstained else ():
        seconds = f"{e.span.start_s:.1f} to {e.span.end_s:.1f} s ({clock(e.span)})"
        lines.append(f"   shown by: {_name(e.video)}, {seconds}: {for_prompt(e.text, _EVIDENCE_CHARACTERS)}")
    return "\n".join(lines)


def _listed(turns: Sequence[Turn], durations: Mapping[str, float]) -> list[str]:
    spoken_of = dict.fromkeys(e.video for turn in reversed(turns) for e in turn.evidence if e.video in durations)
    names = list(dict.fromkeys([*spoken_of, *durations]))
    lines = [f"{_name(name)}, {durations[name]:.1f}" for name in names[:_VIDEOS]]
    return lines + ([f"and {len(names) - _VIDEOS} more"] if len(names) > _VIDEOS else [])


def _short(text: str) -> str:
    """A question on one line, cut where it is longer than any question."""
    return " ".join(text.split())[:_QUESTION_CHARACTERS]
