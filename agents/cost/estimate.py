"""What an answer would take, before any model is asked: at most, by its budget, and likely, by what others took.

At most is the budget, as far as the models and the files let it be spent. Likely is the mean of the questions that the
same agent answered before with the same models in this process; where there was none, it is not known, and not made
up. Loads and calls no model, searches nothing and writes nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import Any

from lvqa.agents.baselines.presets import DEFAULT_AGENT, preset
from lvqa.agents.cost.measured import measured
from lvqa.agents.run import where_to_look
from lvqa.media.files import present
from lvqa.models.choose import NONE
from lvqa.models.profiles import Models
from lvqa.phrasing import count
from lvqa.settings import Settings
from lvqa.store import Store
from lvqa.tools.ledger import Ledger
from lvqa.tools.prices import Prices
from lvqa.types import Budget, Cost, Question

# The chat model's calls of a round of lvqa's own agent: rows, a summary, two ways to the answer, the options' scores,
# support. All but the summary have to parse, and are asked for twice at most; so is the plan.
_PLAN_CALLS, _PARTS = 2, 9  # a plan has 8 sub-questions at most, each answered as the whole is
_ROUND_CALLS = 9
_OPTIONS_CALLS = 2


@dataclass(frozen=True, slots=True)
class Estimate:
    """What an answer takes at most and likely, and from what that follows.

    Attributes:
        agent: whose answer.
        rounds: how many there are at most.
        most: what the budget allows. It bounds tokens in and out together; here each is as large as both may be. A call
            that was begun within the budget may run over its tokens, seconds and money.
        likely: the mean of the questions measured before, no part above `most`; None where none was.
        prices: what money follows from.
        why: from what all this follows, in a line.
    """

    agent: str
    rounds: int
    most: Cost
    likely: Cost | None
    prices: Prices
    why: str

    @property
    def timed(self) -> bool:
        """Whether questions were measured, so that seconds are told."""
        return self.likely is not None

    def to_dict(self) -> dict[str, Any]:
        """The fields that `lvqa ask --dry-run --json` prints; `likely` is null where it is not known."""
        most = self.most.to_dict()
        if not self.timed:
            del most["seconds"]
        likely = self.likely.to_dict() if self.likely is not None else None
        priced = {"currency": self.prices.currency} if self.prices.are_set else {}
        return {
            "agent": self.agent,
            "rounds": self.rounds,
            "at_most": most,
            "likely": likely,
            **priced,
            "why": self.why,
        }


def estimate(question: Question, *, store: Store, models: Models, settings: Settings, folder: Path) -> Estimate:
    """What `lvqa.agents.ask` would take with the same arguments. Raises UsageError for an unknown video or agent."""
    how = preset(question.agent if question.agent is not None else settings.agent)
    name = how.name
    _, filter = where_to_look(question, store)
    allowed = filter.video_ids
    paths = [video.path for video in store.videos.all() if allowed is None or video.id in allowed]
    prices = Prices.of(settings)
    ledger = Ledger(question.budget_in(settings), prices=prices)
    thinks = not models.reasons_by_rule and ledger.can_think
    looks = how.retrieval != "captions"
    if name == DEFAULT_AGENT:
        rounds = settings.rounds + 1
        llm_calls = _PARTS * (_PLAN_CALLS + rounds * (_ROUND_CALLS + (_OPTIONS_CALLS if question.options else 0)))
    else:
        rounds, llm_calls = how.rounds, how.llm_calls
    reason = _why_blind(models, folder, paths)
    frames = ledger.frames_left if looks and not reason else 0
    calls = min(frames, ledger.calls_left)
    most = _most(ledger.budget, prices, frames, calls, llm_calls if thinks else 0)
    known = measured(models, name)
    # Part by part no more than what is most.
    likely = Cost(*map(min, astuple(known.mean), astuple(most))) if known.questions else None
    if not reason:
        reason = f"{count(frames, 'frame')} may be looked at" if frames or not looks else "the budget leaves no frame"
    basis = f"likely is the mean of {count(known.questions, 'question')} asked before"
    unknown = "what is likely is not known before a question was asked"
    about = f"{count(rounds, 'round')} at most" if thinks else "without a chat model"
    return Estimate(name, rounds, most, likely, prices, f"{about}; {reason}; {basis if known.questions else unknown}")


def _why_blind(models: Models, folder: Path, paths: Sequence[str]) -> str:
    """Why no frame can be looked at; empty where some can."""
    if models.specs["vision"] == NONE:
        return "there is no model that looks at frames"
    if not any(present(folder, path) for path in paths):
        return "no video file is there"
    if any(map(models.can_be_asked, ("inspect", "verify", "timeline_present"))):
        return ""
    return "the vision model answers no questions but its own short ones"


def _most(budget: Budget, prices: Prices, frames: int, vlm_calls: int, llm_calls: int) -> Cost:
    """The budget, as far as so many frames and calls can spend it."""
    tokens = budget.tokens if vlm_calls or llm_calls else 0
    money = prices.looks(frames, vlm_calls)
    if llm_calls:
        money += max(prices.chat(tokens, 0), prices.chat(0, tokens))
    money = min(money, budget.money) if budget.money else money
    return Cost(frames, vlm_calls, llm_calls, tokens, tokens, budget.seconds, money)
