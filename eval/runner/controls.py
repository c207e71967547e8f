"""Controls: what a task gives away to somebody who sees no video, and what an agent's choice hangs on besides it.

The cheap ones need the questions, and `blind` an embedder of texts; they are scored here, in expectation over what they
cannot tell apart. `blind` with a chat model and `shuffled` are asked, by `lvqa.eval.runner.asking`.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from pydantic import BaseModel, Field

from lvqa.agents.citations import read_choice
from lvqa.agents.options import options_block
from lvqa.agents.structured import ask_for
from lvqa.errors import ReplyError, TooLong, UsageError
from lvqa.eval.metrics import Mean, clustered_mean
from lvqa.eval.runner.rows import AnswerRow
from lvqa.eval.runner.score import as_json, mean
from lvqa.eval.tasks.base import TaskQuestion
from lvqa.prompts import fence, load
from lvqa.tools.ledger import Ledger
from lvqa.types import Answer, Budget, Step

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel

    from lvqa.models.base import Embedder
    from lvqa.settings import Settings

RANDOM, LONGEST, SHORTEST, SECOND_SHORTEST = "random", "longest", "shortest", "second-shortest"
BLIND, SHUFFLED = "blind", "shuffled"
CONTROLS = (RANDOM, LONGEST, SHORTEST, SECOND_SHORTEST, BLIND, SHUFFLED)
# Those that ask a model about every question, and so run only where they are named.
ASKED = (BLIND, SHUFFLED)
BLIND_CHAT = "blind (chat model)"
_WHAT = {
    RANDOM: "an option at random, in expectation",
    LONGEST: "the option of most characters",
    SHORTEST: "the option of fewest characters",
    SECOND_SHORTEST: "the second-shortest option",
    BLIND: "the option nearest to the question by the text embedder",
}


@dataclass(frozen=True, slots=True)
class Baseline:
    """What a control that asks nothing scores, in all and by type; None where no answer is public."""

    name: str
    what: str
    accuracy: Mean | None
    by_type: dict[str, Mean]

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        by_type = {name: as_json(mean) for name, mean in self.by_type.items()}
        return {"control": self.name, "what": self.what, "accuracy": as_json(self.accuracy), "by_type": by_type}


def check_controls(names: Sequence[str]) -> tuple[str, ...]:
    """The names, each once. Raises UsageError for one that there is not, listing those that there are."""
    for name in names:
        if name not in CONTROLS:
            raise UsageError(f"there is no control {name!r}; there are: {', '.join(CONTROLS)}")
    return tuple(dict.fromkeys(names))


def baselines(questions: Sequence[TaskQuestion], embedder: Embedder | None) -> tuple[Baseline, ...]:
    """The cheap controls on questions with options; `blind` where there is an embedder. Raises ModelError."""
    lengths = [[len(option) for option in question.options] for question in questions]
    scores: dict[str, list[float]] = {
        RANDOM: [_share(question, range(len(question.options))) for question in questions],
        LONGEST: [_at(q, mine, -1) for q, mine in zip(questions, lengths, strict=True)],
        SHORTEST: [_at(q, mine, 0) for q, mine in zip(questions, lengths, strict=True)],
        SECOND_SHORTEST: [_at(q, mine, min(1, len(mine) - 1)) for q, mine in zip(questions, lengths, strict=True)],
    }
    if embedder is not None:
        scores[BLIND] = _nearest(questions, embedder)
    return tuple(_baseline(name, questions, found) for name, found in scores.items())


def _baseline(name: str, questions: Sequence[TaskQuestion], scores: Sequence[float]) -> Baseline:
    known = [(q, score) for q, score in zip(questions, scores, strict=True) if q.choice is not None]
    asked = [pair for pair in known if not pair[0].unanswerable]
    types = dict.fromkeys(q.type for q, _ in known if q.type)
    by_type = {
        type_: found for type_ in types if (found := _mean([p for p in known if p[0].type == type_])) is not None
    }
    return Baseline(name, _WHAT[name], _mean(asked), by_type)


def _mean(pairs: Sequence[tuple[TaskQuestion, float]]) -> Mean | None:
    return clustered_mean([score for _, score in pairs], [q.video for q, _ in pairs]) if pairs else None


def _share(question: TaskQuestion, tied: Sequence[int]) -> float:
    """The chance to be right by one of some options at random."""
    return (question.choice in tied) / len(tied)


def _at(question: TaskQuestion, lengths: Sequence[int], rank: int) -> float:
    wanted = sorted(lengths)[rank]
    return _share(question, [n for n, length in enumerate(lengths) if length == wanted])


def _nearest(questions: Sequence[TaskQuestion], embedder: Embedder) -> list[float]:
    asked = embedder.encode_query([question.text for question in questions])
    offered = embedder.encode_document([option for question in questions for option in question.options])
    scores, at = [], 0
    for vector, question in zip(asked, questions, strict=True):
        near = offered[at : at + len(question.options)] @ vector
        at += len(question.options)
        scores.append(_share(question, np.flatnonzero(np.isclose(near, near.max(), atol=1e-6)).tolist()))
    return scores


@dataclass(frozen=True, slots=True)
class BlindStep(Step):
    """The chat model that sees no evidence was asked twice, and its replies could not be read."""

    node: ClassVar[str] = BLIND

    @property
    def summary(self) -> str:
        """That there is no reply."""
        return "the reply did not parse, twice"

    @property
    def data(self) -> dict[str, Any]:
        """That the reply could not be read."""
        return {"unparsed": self.unparsed}


class BlindReply(BaseModel):
    """The choice as the chat model writes it."""

    choice: str | None = None
    confidence: float = Field(ge=0, le=1)


def ask_blind(question: TaskQuestion, chat: BaseChatModel, settings: Settings) -> Answer:
    """What a chat model chooses that sees question and options and no evidence; unread replies abstain, and say so.

    Raises BudgetSpent, ModelError.
    """
    ledger = Ledger(Budget.of(settings))
    prompt = load("blind").fill(question=fence(question.text), options=options_block(question.options))

    def complaints(reply: BlindReply) -> list[str]:
        bad = read_choice(reply.choice, question.options) is None
        return [f"choice must be the letter of an option, got {reply.choice!r}"] if bad else []

    try:
        reply = ask_for(chat, ledger, prompt, BlindReply, complaints).value
        choice = read_choice(reply.choice, question.options)
    except (ReplyError, TooLong):
        reply, choice = None, None
    if reply is None or choice is None:
        step = BlindStep(unparsed=True)
        return Answer("", None, 0.0, "absent", cost=ledger.cost, steps=(step,))
    return Answer(question.options[choice], choice, reply.confidence, "answered", cost=ledger.cost)


def shuffled_name(agent: str) -> str:
    """The name of the system that is the agent with its options in another order."""
    return f"{agent}, shuffled"


def other_order(question: TaskQuestion, seed: int) -> tuple[int, ...]:
    """Another order of the options than the task's, the same for the same question and seed."""
    rng = random.Random(f"{seed}:{question.id}")
    usual = list(range(len(question.options)))
    order = usual
    while order == usual and len(usual) > 1:
        order = rng.sample(usual, len(usual))
    return tuple(order)


def same_choice(rows: Sequence[AnswerRow], shuffled: Sequence[AnswerRow]) -> Mean | None:
    """The share of questions, answered both times, to which the same option was chosen in either order, or none."""
    by_id = {row.id: row for row in shuffled if not row.error}
    both = [row for row in rows if row.id in by_id and not row.error]
    chosen: Callable[[AnswerRow], float] = lambda row: row.choice == by_id[row.id].choice  # noqa: E731
    return mean(both, chosen)
