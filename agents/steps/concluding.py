"""Steps that say what was made of the notes, sub-questions first, and `stop` where a run ends early."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from lvqa.agents.state import Claim, Draft, SubAnswer
from lvqa.agents.steps.wording import each_after, spent_budget
from lvqa.phrasing import count
from lvqa.prompts import for_prompt
from lvqa.types import Computation, EventRow, Span, Step

Route = Literal["answer", "abstain", "again"]
"""Where `verify` goes on: to the answer, to "not in these videos", or to another round."""


@dataclass(frozen=True, slots=True)
class RowsReading:
    """How the chat model's rows were read: the hash of its prompt, whether it was asked twice, rows left out."""

    prompt: str
    repaired: bool
    dropped: int


@dataclass(frozen=True, slots=True)
class ComputeStep(Step):
    """What an operator over time made of events.

    Attributes:
        operator: its name.
        events: what it worked on.
        rows: for each event, the notes that tell of it.
        computed: what came of it, None where the notes do not tell.
        reading: how the chat model's rows were read; None where they were made by rule.
        reason: why the chat model did not make them, where it was asked in vain.
        failed: whether that was the model's fault, and not the budget's.
    """

    node: ClassVar[str] = "compute"

    operator: str
    events: tuple[str, ...]
    rows: tuple[tuple[EventRow, ...], ...]
    computed: Computation | None
    reading: RowsReading | None = None
    reason: str = ""
    failed: bool = False

    @property
    def by(self) -> str:
        """What made the rows: `chat` or `rules`."""
        return "rules" if self.reading is None else "chat"

    @property
    def summary(self) -> str:
        """What was computed, and from how many rows."""
        pairs = zip(self.events, self.rows, strict=True)
        counts = ", ".join(f"{count(len(rows), 'row')} of {for_prompt(event, 60)}" for event, rows in pairs)
        said = for_prompt(self.computed.text, 160) if self.computed is not None else "the notes do not tell"
        reason = f"; {self.reason}" if self.reason else ""
        return f"{self.operator.replace('_', ' ')}: {said} ({counts}), by {self.by}{reason}"

    @property
    def data(self) -> dict[str, Any]:
        """The operator, how the rows were come by, and the rows."""
        made: dict[str, Any] = {"unparsed": self.unparsed} if self.failed else {}
        if self.reading is not None:
            made = {
                "prompt": self.reading.prompt,
                "repaired": self.reading.repaired,
                "dropped_rows": self.reading.dropped,
            }
        rows = [row.to_dict() for rows in self.rows for row in rows]
        return {"by": self.by, "operator": self.operator, **made, "rows": rows}


@dataclass(frozen=True, slots=True)
class ComputeSkippedStep(Step):
    """The plan asks for nothing to be computed, or there is nothing to compute it from."""

    node: ClassVar[str] = "compute"

    @property
    def summary(self) -> str:
        """That nothing was computed."""
        return "nothing to compute"

    @property
    def data(self) -> dict[str, Any]:
        """Nothing."""
        return {}


@dataclass(frozen=True, slots=True)
class Way:
    """What one way to an answer came to.

    Attributes:
        name: of the way.
        claims: its sentences, each with the notes that it cites.
        choice: the option chosen, from 0.
        own: the confidence that the model stated.
        missing: what it says would have to be found.
        uncited: how many sentences were left out because they cite no note.
        repaired: whether the model was asked a second time.
    """

    name: str
    claims: tuple[Claim, ...]
    choice: int | None
    own: float
    missing: tuple[str, ...]
    uncited: int = 0
    repaired: bool = False


@dataclass(frozen=True, slots=True)
class Reasoning:
    """How the chat model came to an answer.

    Attributes:
        prompts: the hash of each prompt by name.
        summary: of the notes, as the model wrote it.
        ways: all that were gone.
        option_scores: one for each option, or none.
        skipped: a line for each way that was not gone, and why.
    """

    prompts: Mapping[str, str]
    summary: str
    ways: tuple[Way, ...]
    option_scores: tuple[float, ...] = ()
    skipped: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """The fields that `lvqa ask --steps --json` prints in the step `answer`, beside those of the answer."""
        return {
            "prompts": dict(self.prompts),
            "summary": self.summary,
            "ways": [
                {"way": w.name, "choice": w.choice, "own": w.own, "sentences": len(w.claims), "uncited": w.uncited}
                for w in self.ways
            ],
            "option_scores": [round(score, 4) for score in self.option_scores],
            "repaired": any(way.repaired for way in self.ways),
            "uncited_claims": sum(way.uncited for way in self.ways),
            "skipped": list(self.skipped),
        }


@dataclass(frozen=True, slots=True)
class AnswerStep(Step):
    """A draft of the answer, from so many `notes`.

    `reasoning` is the chat model's, None where rules made the draft; `reason` says why the model did not.
    """

    node: ClassVar[str] = "answer"

    draft: Draft
    notes: int
    reasoning: Reasoning | None = None
    reason: str = ""

    @property
    def summary(self) -> str:
        """The draft's text, and what it rests on."""
        draft = self.draft
        basis = f"from {count(self.notes, 'note')}, {count(len(draft.claims), 'claim')}"
        skipped = each_after(self.reasoning.skipped) if self.reasoning is not None else ""
        reason = f"; {self.reason}" if self.reason else ""
        return f"{for_prompt(draft.text, 160) or 'no answer'}, {basis}{skipped}{reason}"

    @property
    def data(self) -> dict[str, Any]:
        """Who drafted it, its claims with the notes that they cite, and how the chat model came to it."""
        draft = self.draft
        return {
            "by": draft.by,
            "choice": draft.choice,
            "claims": [{"text": claim.text, "notes": list(claim.note_ids)} for claim in draft.claims],
            "missing": list(draft.missing),
            "unparsed": self.unparsed,
            **(self.reasoning.to_dict() if self.reasoning is not None else {}),
        }


@dataclass(frozen=True, slots=True)
class CheckedClaim:
    """A claim with its support, by what it was checked, and whether it stays."""

    claim: Claim
    by: str
    kept: bool


@dataclass(frozen=True, slots=True)
class VerifyStep(Step):
    """What became of a draft's claims.

    Attributes:
        claims: each with what it was checked by.
        confidence: the probability that the answer is right, in [0, 1].
        uncalibrated: the confidence that it was made from.
        way: the name of the curve that did so (`lvqa.agents.calibration`).
        closeness: of the draft's best note to the question, in [0, 1].
        agreement: the share of independent ways that come to the same, in [0, 1].
        own: the confidence that the draft states, if any.
        route: where to go on.
        missing: what another round looks for; only on the route `again`.
        failed: a line for each thing that went wrong.
        spent: the parts of the budget that ran out.
    """

    node: ClassVar[str] = "verify"

    claims: tuple[CheckedClaim, ...]
    confidence: float
    uncalibrated: float
    way: str
    closeness: float
    agreement: float
    own: float | None
    route: Route
    missing: tuple[str, ...] = ()
    failed: tuple[str, ...] = ()
    spent: tuple[str, ...] = ()

    @property
    def summary(self) -> str:
        """How many claims hold, the confidence, and where to go on."""
        held = f"{count(len(self.claims), 'claim')} {'holds' if len(self.claims) == 1 else 'hold'}"
        doing = {"answer": "answering", "abstain": "abstaining", "again": "looking again"}[self.route]
        kept = sum(one.kept for one in self.claims)
        return f"{kept} of {held}, confidence {self.confidence:.2f}: {doing}{spent_budget(self.spent)}"

    @property
    def data(self) -> dict[str, Any]:
        """Each claim's support, and what the confidence is made of."""
        return {
            "claims": [
                {"text": one.claim.text, "support": round(one.claim.support, 4), "by": one.by, "kept": one.kept}
                for one in self.claims
            ],
            "confidence": round(self.confidence, 4),
            "uncalibrated": round(self.uncalibrated, 4),
            "way": self.way,
            "closeness": round(self.closeness, 4),
            "agreement": self.agreement,
            "own": self.own,
            "spent": list(self.spent),
            "troubles": list(self.failed),
            "unparsed": self.unparsed,
            "route": self.route,
            **({"missing": list(self.missing)} if self.route == "again" else {}),
        }


@dataclass(frozen=True, slots=True)
class SubQuestionStep(Step):
    """What became of a sub-question, with the steps to its answer."""

    node: ClassVar[str] = "sub"

    sub: SubAnswer

    @property
    def steps(self) -> Sequence[Step]:
        """The steps that the sub-question itself took."""
        return self.sub.answer.steps

    @property
    def summary(self) -> str:
        """The sub-question, and its answer with its confidence, or why there is none."""
        answer, reason = self.sub.answer, f": {self.sub.reason}" if self.sub.reason else ""
        said = f"{for_prompt(answer.text, 160)} (confidence {answer.confidence:.2f})"
        said = f"not answered{reason}" if answer.abstained else said
        return f"{for_prompt(self.sub.asked or self.sub.text, 160)} - {said}"

    @property
    def data(self) -> dict[str, Any]:
        """The sub-question as planned and as asked, its answer with its evidence, and its own steps."""
        sub, answer = self.sub, self.sub.answer
        told = {"answer": answer.text, "confidence": round(answer.confidence, 4), "status": answer.status}
        evidence, steps = ([one.to_dict() for one in some] for some in (answer.evidence, answer.steps))
        asked = {"place": sub.place, "text": sub.text, "asked": sub.asked}
        return {**asked, **told, "reason": sub.reason, "evidence": evidence, "steps": steps}


@dataclass(frozen=True, slots=True)
class NarrowStep(Step):
    """What is left to ask by what sub-questions found, and where; everywhere where nothing was to be found there."""

    node: ClassVar[str] = "narrow"

    asked: str
    videos: tuple[str, ...] = ()
    between: Span | None = None

    @property
    def summary(self) -> str:
        """What is looked for, and where."""
        where = "in " + " at ".join([", ".join(self.videos), *map(str, [self.between] if self.between else [])])
        return (
            f"{for_prompt(self.asked, 160)} - looking {where if self.videos else 'everywhere, for nothing was there'}"
        )

    @property
    def data(self) -> dict[str, Any]:
        """The same as plain values."""
        return {"asked": self.asked, "videos": list(self.videos), "between": str(self.between or "") or None}


@dataclass(frozen=True, slots=True)
class StopStep(Step):
    """A run that ends before it is done.

    Attributes:
        after: the node that ran last; empty where none had.
        drafted: whether there was a draft to answer with.
        confidence: of the answer, in [0, 1].
        abstained: whether nothing supports an answer.
        spent: the parts of the budget that ran out.
    """

    node: ClassVar[str] = "stop"

    after: str
    drafted: bool
    confidence: float
    abstained: bool
    spent: tuple[str, ...] = ()

    @property
    def summary(self) -> str:
        """Where it was stopped."""
        when = f" after {self.after}" if self.after else ""
        return f"interrupted{when}, answering from what there is"

    @property
    def data(self) -> dict[str, Any]:
        """Where it was stopped, and what it came to."""
        return {
            "after": self.after,
            "drafted": self.drafted,
            "confidence": round(self.confidence, 4),
            "spent": list(self.spent),
            "route": "abstain" if self.abstained else "answer",
        }
