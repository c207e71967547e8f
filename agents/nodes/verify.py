"""The verify node: is each claim supported by what it cites? Then answer, look again, or abstain.

A claim about what is seen is put to the VLM, on frames of the cited interval (yes-probability); any other, or all
where there is no VLM, file or budget, to the chat model beside the cited notes; else the claim's words are compared
with the notes. A claim with too little support goes.

Confidence, in [0, 1], of a chat model's answer is its support (the mean over the claims that stay, times the share
that stays) x (base + closeness + agreement + own, weighed by `VerifyingRules`). Of an answer by rules it
is the support (swung by agreement, without options): closeness or the option's share, both on a measured
scale, and with a VLM the geometric mean of that and the VLM's yes. Who has looked for itself, as a program over
time does, has checked its claims, and has measured its own confidence; what says no more than the answer to a
sub-question, with its evidence, was checked there. A curve fitted on development data,
where there is one for the way of answering (`calibration`), makes it the probability of being right; below
`abstain_below` the answer is "not in these videos". This module writes no answer of its own.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from langgraph.runtime import Runtime
from pydantic import BaseModel, Field

from lvqa.agents.baselines.presets import preset
from lvqa.agents.calibration import calibrated, way_of
from lvqa.agents.citations import NOTE_CHARACTERS
from lvqa.agents.evidence import distinct, letters, same_evidence, scaled_cosines
from lvqa.agents.rules.numbers import VERIFYING
from lvqa.agents.state import Claim, Context, Draft, Item, State, SubAnswer
from lvqa.agents.steps import CheckedClaim, VerifyStep
from lvqa.agents.structured import ask_for
from lvqa.errors import MediaError, ModelError, ReplyError
from lvqa.language import ARTICLES, words_of
from lvqa.media.files import present
from lvqa.prompts import fence, for_prompt, load
from lvqa.recall.relevance import lexical_closeness
from lvqa.tools.eyes import Showing
from lvqa.tools.ledger import BudgetSpent
from lvqa.types import Answer, Evidence, Statement, format_time

NOT_HERE = "Not in these videos"
_BEING = frozenset(("is", "are", "was", "were"))


class Verdict(BaseModel):
    """The chat model's judgement of one claim, by its number from 1."""

    claim: int
    support: float = Field(ge=0, le=1)


class Verdicts(BaseModel):
    """The chat model's reply: a judgement of each claim that it was asked about."""

    verdicts: list[Verdict]


def verify(state: State, runtime: Runtime[Context]) -> dict[str, Any]:
    """Check the draft's claims, rate it, and say where to go: `answer` is set at the end, `missing` when going on."""
    context = runtime.context
    draft = told_by_parts(state["draft"], state["subs"], context.question.text)
    items = {item.note.id: item for item in state["items"]}
    verifies = preset(context.agent).verifies
    checked, how, failed = check(context, draft, items) if verifies else unchecked(draft)
    kept = supported(checked, how)
    raw = confidence(draft, kept, len(checked))
    sure = calibrated(raw, draft, context)
    dropped = [c.text for c in checked if c not in kept]
    missing = what_next(state, context, draft, dropped, sure)
    step = VerifyStep(
        tuple(CheckedClaim(claim, by, claim in kept) for claim, by in zip(checked, how, strict=True)),
        sure,
        raw,
        way_of(draft, context.agent),
        draft.closeness,
        draft.agreement,
        draft.own,
        "again",
        tuple(missing or ()),
        tuple(map(str, failed)),
        tuple(context.ledger.spent),
        unparsed=any(isinstance(one, ReplyError) for one in failed),
    )
    if missing is not None:
        return {"missing": missing, "answer": None, "steps": [step]}
    # What was computed from rows that did not hold is not shown.
    whole = draft.by != "rules" or len(kept) == len(checked)
    made = replace(final(context, draft, kept, items, sure), computed=tuple(state["computed"]) if whole else ())
    return {"answer": made, "steps": [replace(step, route="abstain" if made.abstained else "answer")]}


def told_by_parts(draft: Draft, subs: Sequence[SubAnswer], question: str) -> Draft:
    """The draft; claims that say no more than a sub-question's answer, and cite what supports it, were checked there.

    No more means: no word that is neither in the sub-question, in its answer nor in the question.
    """
    if draft.by != "chat":
        return draft
    parts = [
        (
            {item.note.id for item in sub.items},
            _said(f"{sub.asked} {sub.answer.text} {question}"),
            sub.answer.confidence,
        )
        for sub in subs
        if sub.items and not sub.answer.abstained
    ]

    def checked(claim: Claim) -> Claim:
        said, cites = _said(claim.text), set(claim.note_ids)
        support = max((sure for ids, told, sure in parts if cites and cites <= ids and said <= told), default=None)
        return claim if support is None or claim.checked_by else replace(claim, support=support, checked_by="part")

    return replace(draft, claims=tuple(map(checked, draft.claims)))


def _said(text: str) -> set[str]:
    return set(words_of(text)) - ARTICLES - _BEING


def supported(checked: Sequence[Claim], how: Sequence[str]) -> list[Claim]:
    """The claims that stay, by their support and what they were checked by."""
    least = {"words": VERIFYING.keep_words, "vlm": VERIFYING.keep, "chat": VERIFYING.keep}
    return [c for c, by in zip(checked, how, strict=True) if c.support > 0 and c.support >= least.get(by, 0.0)]


def check(
    context: Context, draft: Draft, items: dict[str, Item]
) -> tuple[list[Claim], list[str], list[str | ModelError]]:
    """Each claim with its support, by what it was checked, and what went wrong.

    By `vlm`, `chat`, `words`, `rules`, or by what checked it before: a `program`, a `part`.
    """
    checked_before = {n: claim for n, claim in enumerate(draft.claims) if claim.checked_by}
    support = {n: claim.support for n, claim in checked_before.items()}
    how = {n: claim.checked_by for n, claim in checked_before.items()}
    failed: list[str | ModelError] = []
    for n, yes in by_vlm(context, draft, items, failed).items():
        prior = draft.claims[n].support
        both = math.sqrt(yes * prior) if yes >= VERIFYING.keep else 0.0
        support[n], how[n] = yes if draft.by == "chat" else both, "vlm"
    rest = [n for n in range(len(draft.claims)) if n not in support]
    if draft.by == "chat" and rest:
        judged = by_chat(context, [draft.claims[n] for n in rest], items, failed)
        for n, value in zip(rest, judged or (), strict=bool(judged)):
            support[n], how[n] = value, "chat"
    for n in [n for n in rest if n not in support]:
        claim = draft.claims[n]
        ruled = draft.by == "rules"
        support[n], how[n] = (claim.support, "rules") if ruled else (by_words(context, claim, items), "words")
    checked = [replace(claim, support=support[n]) for n, claim in enumerate(draft.claims)]
    return checked, [how[n] for n in range(len(checked))], failed


def unchecked(draft: Draft) -> tuple[list[Claim], list[str], list[str | ModelError]]:
    """The claims as a baseline without verification takes them: at the word of the model, or of the rules."""
    own = draft.own if draft.own is not None else 0.0
    claims = [replace(claim, support=claim.support if draft.by != "chat" else own) for claim in draft.claims]
    # The word that `ask --steps --json` shows for a claim that was not checked.
    return claims, ["nobody"] * len(claims), []


def by_vlm(context: Context, draft: Draft, items: dict[str, Item], failed: list[str | ModelError]) -> dict[int, float]:
    """P(yes) for each claim that cites something seen, its file there and its frames within the budget."""
    eyes = context.eyes
    if eyes is None or not context.models.can_be_asked("verify"):
        return {}
    places: list[int] = []

    def showings() -> Iterator[Showing]:
        for n, claim in enumerate(draft.claims):
            if claim.checked_by:
                continue
            seen = [items[i] for i in claim.note_ids if i in items and items[i].note.source not in ("speech", "signs")]
            if not seen:
                continue
            best = max(seen, key=lambda item: item.closeness)
            frames_n = min(context.settings.frames_per_clip, context.ledger.frames_left)
            if frames_n == 0:
                context.ledger.note_no_look()
                return
            if present(context.folder, best.video) is None:
                failed.append(f"{best.video} is not there to look at")
                continue
            try:
                times = eyes.times_in(best.note.video_id, best.note.span, frames_n)
            except MediaError as error:
                failed.append(str(error))
                continue
            start, end = format_time(best.note.span.start_s), format_time(best.note.span.end_s)
            filled = load("verify").fill(frames=frames_n, start=start, end=end, claim=fence(claim.text))
            places.append(n)
            yield Showing(best.note.video_id, times, filled)

    errors: list[ModelError] = []
    shown = eyes.ask_in_turn(showings(), errors)
    failed += [*(one.failed for one in shown if one.failed), *errors]
    return {} if errors else {n: one.yes for n, one in zip(places, shown, strict=True) if one}


def by_chat(
    context: Context, claims: Sequence[Claim], items: dict[str, Item], failed: list[str | ModelError]
) -> list[float] | None:
    """The chat model's support for each claim, read beside its notes; None where it cannot be had."""
    chat = context.models.chat
    if chat is None:
        return None
    blocks = []
    for n, claim in enumerate(claims, 1):
        lines = [
            f"  - {i.note.source} at {format_time(i.note.span.start_s)}: {for_prompt(i.note.text, NOTE_CHARACTERS)}"
            for i in (items[note_id] for note_id in claim.note_ids if note_id in items)
        ]
        blocks.append("\n".join([f"{n}. {for_prompt(claim.text, NOTE_CHARACTERS)}", *lines]))
    prompt = load("support").fill(
        question=fence(context.question.text), claims=fence("\n".join(blocks)), ids=f"1 to {len(claims)}"
    )

    def complaints(reply: Verdicts) -> list[str]:
        lacking = sorted(set(range(1, len(claims) + 1)) - {verdict.claim for verdict in reply.verdicts})
        return [f"no verdict on claim {n}" for n in lacking]

    try:
        reply = ask_for(chat, context.ledger, prompt, Verdicts, complaints).value
    except BudgetSpent:
        return None
    except ModelError as error:  # ReplyError too
        failed.append(error)
        return None
    given: dict[int, float] = {}
    for verdict in reply.verdicts:  # judged twice, the worse counts
        given[verdict.claim] = min(verdict.support, given.get(verdict.claim, 1.0))
    return [given.get(n, 0.0) for n in range(1, len(claims) + 1)]


def by_words(context: Context, claim: Claim, items: dict[str, Item]) -> float:
    """How close the nearest cited note comes to the claim, in meaning or in words."""
    notes = [items[i].note for i in claim.note_ids if i in items]
    dense = scaled_cosines(context, [claim.text], notes)
    lexical = [lexical_closeness(claim.text, note.text) for note in notes]
    return min(1.0, max([float(dense.max(initial=0.0)), *lexical, 0.0]))


def confidence(draft: Draft, kept: Sequence[Claim], claims: int) -> float:
    """How far to trust the draft, in [0, 1]; see the head of this module."""
    if not kept or not claims:
        return 0.0
    if draft.measured is not None:
        return draft.measured
    if draft.by == "rules":
        swing = VERIFYING.swing if draft.choice is None else 0.0
        return min(1.0, kept[0].support * (1 - swing / 2 + swing * draft.agreement) * len(kept) / claims)
    support = sum(claim.support for claim in kept) / len(kept) * len(kept) / claims
    own = draft.own if draft.own is not None else 0.0
    trust = VERIFYING.base + VERIFYING.closeness * draft.closeness + VERIFYING.agreement * draft.agreement
    return min(1.0, support * (trust + VERIFYING.own * own))


def what_next(state: State, context: Context, draft: Draft, dropped: Sequence[str], sure: float) -> list[str] | None:
    """The phrases to look for in another round, empty when there is only more to look at; None to end here.

    They are what the answer lacks, and claims that nothing supported.
    """
    if preset(context.agent).retrieval == "segments":
        return another_look(state, context, draft)
    if sure >= VERIFYING.sure or state["round"] > context.settings.rounds:
        return None
    if draft.measured is not None and draft.claims:
        return None  # it has looked for itself
    if preset(context.agent).retrieval != "recall" or not context.ledger.can_think or context.ledger.spent:
        return None
    tried = set(state["tried"])
    wanted = [*draft.missing]
    if draft.by == "chat":
        wanted += dropped
    fresh = [phrase for phrase in dict.fromkeys(wanted) if phrase and phrase not in tried]
    if context.models.vision is not None and context.ledger.frames_left > 0 and state["looked"]:
        return fresh
    # Rules come to the same with the same notes: another round is for what would be given up otherwise.
    if draft.by == "rules" and sure >= context.settings.abstain_below:
        return None
    return fresh or None


def another_look(state: State, context: Context, draft: Draft) -> list[str] | None:
    """VideoAgent's rule: up to three rounds, until the answer's own confidence is 3 of 3 (arXiv 2403.10517)."""
    sure = draft.own if draft.own is not None and (draft.claims or draft.by == "chat") else 0.0
    ended = sure >= VERIFYING.look_sure or state["round"] >= VERIFYING.look_rounds
    if ended or not context.ledger.frames_left or not context.ledger.can_think:
        return None
    return list(draft.missing)


def final(context: Context, draft: Draft, kept: Sequence[Claim], items: dict[str, Item], sure: float) -> Answer:
    """The answer with its evidence, or an abstention with the closest that was found.

    An agent that does not verify answers however unsure it is.
    """
    nearest = distinct([item.evidence() for item in items.values()], VERIFYING.nearest)
    verifies = preset(context.agent).verifies
    chose = draft.choice is not None and not verifies
    if (verifies and sure < context.settings.abstain_below) or not (kept or chose):
        return Answer(NOT_HERE, None, sure, "absent", nearest)
    cites = [cited(claim, items) for claim in kept]
    shown = _shown(cites)
    statements = tuple(
        Statement(
            claim.text,
            tuple(n for n, one in enumerate(shown) if any(same_evidence(one, other) for other in found)),
            min(1.0, claim.support),
        )
        for claim, found in zip(kept, cites, strict=True)
    )
    # What was not supported is not said either.
    text = " ".join(claim.text for claim in kept) if draft.by == "chat" and kept else draft.text
    if draft.by == "rules" and draft.choice is None and kept and len(kept) < len(draft.claims):
        text = " ".join(
            f"{claim.text} ({found[0].video} at {found[0].span})"
            for claim, found in zip(kept, cites, strict=True)
            if found
        )
    return Answer(text, draft.choice, sure, "answered", shown, statements=statements)


def _shown(cites: Sequence[Sequence[Evidence]]) -> list[Evidence]:
    """The best pieces of evidence, and the best of each claim, so that none is left with nothing to show."""
    pieces = [piece for found in cites for piece in found]
    ranked = distinct(pieces, len(pieces))
    firsts = [
        next((n for n, one in enumerate(ranked) if any(same_evidence(one, piece) for piece in found)), None)
        for found in cites
    ]
    kept = {*range(min(VERIFYING.evidence, len(ranked))), *(n for n in firsts if n is not None)}
    return [ranked[n] for n in sorted(kept)]


def cited(claim: Claim, items: dict[str, Item]) -> list[Evidence]:
    """What a claim cites, scored with its support; readings of one text that follow one another are one piece."""
    found: list[Evidence] = []
    for note_id in claim.note_ids:
        if note_id not in items:
            continue
        one = items[note_id].evidence(claim.support)
        for n, other in enumerate(found):
            same = letters(one.text) == letters(other.text) and one.source == other.source
            if same and one.video == other.video and one.span.gap_s(other.span) <= VERIFYING.same_text_s:
                found[n] = replace(other, span=other.span.hull(one.span))
                break
        else:
            found.append(one)
    return found
