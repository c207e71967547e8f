"""The answer node: LLoVi's two rounds (arXiv 2312.17235) with the chat model, or the rules of `extractive` without it.

First a summary of the notes conditioned on the question, then the answer from that summary, each claim with the notes
that it cites. A citation of a note that does not exist is asked to be mended once, else the claim goes; a reply that
does not parse twice is recorded as unread, never replaced by a guess. This module verifies nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from langchain_core.language_models import BaseChatModel
from langgraph.runtime import Runtime
from pydantic import BaseModel, Field, field_validator

from lvqa.agents import extractive
from lvqa.agents.budget import BudgetSpent
from lvqa.agents.evidence import MOST_NOTES, pool
from lvqa.agents.plan import letter, options_block
from lvqa.agents.state import Claim, Context, Draft, Item, State
from lvqa.agents.structured import ask_for, say
from lvqa.errors import ReplyError
from lvqa.prompts import fence, load, one_line
from lvqa.render import count
from lvqa.types import Step, format_time

SUMMARY_WORDS = 300
NOTE_CHARACTERS = 400
_NEAREST = 6
# Closeness from which a note counts as what the rules would have answered with.
_RULES_AGREE = 0.8


class ClaimReply(BaseModel):
    """A claim as the chat model writes it: `evidence` are the numbers of notes."""

    text: str
    evidence: list[int] = Field(default_factory=list)


class AnswerReply(BaseModel):
    """The answer as the chat model writes it."""

    answer: str
    choice: str | None = None
    claims: list[ClaimReply] = Field(default_factory=list)
    confidence: float = Field(ge=0, le=1)
    missing: list[str] = Field(default_factory=list)

    @field_validator("missing", mode="before")
    @classmethod
    def _listed(cls, value: Any) -> Any:
        return [value] if isinstance(value, str) and value.strip() else value or []


def answer(state: State, runtime: Runtime[Context]) -> dict[str, Any]:
    """Draft an answer from what was recalled and seen."""
    context = runtime.context
    items = pool(state, context)
    rules = extractive.draft(context, state["plan"], items)
    chat = context.models.chat
    draft, note = rules, ""
    data: dict[str, Any] = {}
    if chat is not None and items:
        try:
            draft, data = by_chat(context, chat, items, rules)
        except BudgetSpent as spent:
            note = f"; {spent.reason}, so from the notes by rule"
        except ReplyError as error:
            draft, note = Draft("", None, (), by="chat", unread=True), f"; {error}"
    basis = f"from {count(len(items), 'note')}, {count(len(draft.claims), 'claim')}"
    summary = f"{one_line(draft.text, 160) or 'no answer'}, {basis}{note}"
    cited = [{"text": c.text, "notes": list(c.note_ids)} for c in draft.claims]
    about = {"by": draft.by, "choice": draft.choice, "claims": cited, "missing": list(draft.missing)}
    return {
        "items": items,
        "draft": draft,
        "steps": [Step("answer", summary, {**about, "unparsed": draft.unread, **data})],
    }


def by_chat(context: Context, chat: BaseChatModel, items: Sequence[Item], rules: Draft) -> tuple[Draft, dict[str, Any]]:
    """Summarise, then answer. Raises BudgetSpent, ReplyError, ModelError."""
    numbered = number(items)
    summary = say(chat, context.ledger, summarise_prompt(context, numbered))
    prompt = answer_prompt(context, items, numbered, summary)
    parsed = ask_for(
        chat, context.ledger, prompt, AnswerReply, lambda reply: complaints(reply, numbered, context.options)
    )
    reply = parsed.value
    choice = read_choice(reply.choice, context.options)
    if context.options and choice is None:
        raise ReplyError("the chat model chose none of the options, twice; try another chat model")
    claims = [Claim(c.text.strip(), cited(c, numbered)) for c in reply.claims if c.text.strip()]
    kept = tuple(claim for claim in claims if claim.note_ids)
    by_id = {item.note.id: item for item in items}
    own = [by_id[note_id] for claim in kept for note_id in claim.note_ids]
    draft = Draft(
        reply.answer.strip() or (context.options[choice] if choice is not None else ""),
        choice,
        kept,
        own=reply.confidence,
        closeness=max((item.closeness for item in own), default=0.0),
        agreement=agreement(context, choice, own, items, rules),
        missing=tuple(phrase.strip() for phrase in reply.missing if phrase.strip())[:3],
        by="chat",
    )
    dropped = len(claims) - len(kept)
    prompts = {name: load(name).hash for name in ("summarise", "answer")}
    return draft, {"prompts": prompts, "summary": summary, "repaired": parsed.repaired, "uncited_claims": dropped}


def summarise_prompt(context: Context, numbered: Mapping[int, Item]) -> str:
    """What the chat model is asked for a summary of numbered notes."""
    return load("summarise").fill(notes=_listed(numbered), question=fence(context.question), words=SUMMARY_WORDS)


def answer_prompt(context: Context, items: Sequence[Item], numbered: Mapping[int, Item], summary: str) -> str:
    """What the chat model is asked for the answer: from a summary, or from all notes where that is empty."""
    nearest = {item.note.id for item in items[:_NEAREST]}
    return load("answer").fill(
        question=fence(context.question),
        options=options_block(context.options),
        summary=fence(summary) if summary else _listed(numbered),
        notes=_listed({n: item for n, item in numbered.items() if item.note.id in nearest}),
        ids=", ".join(map(str, numbered)),
    )


def _listed(numbered: Mapping[int, Item]) -> str:
    return fence("\n".join(line(n, item) for n, item in numbered.items()))


def number(items: Sequence[Item]) -> dict[int, Item]:
    """The closest items, and all that was seen, numbered from 1 in the order of video and time."""
    seen = [item for item in items if item.note.source == "seen"]
    rest = [item for item in items if item.note.source != "seen"][: max(0, MOST_NOTES - len(seen))]
    ordered = sorted([*seen, *rest], key=lambda i: (i.video, i.note.span, i.note.id))
    return dict(enumerate(ordered, 1))


def line(n: int, item: Item) -> str:
    """A note as a prompt shows it: `[3] kitchen.mp4 00:03:10 caption: text`."""
    text = one_line(item.note.text, NOTE_CHARACTERS)
    return f"[{n}] {one_line(item.video, 120)} {format_time(item.note.span.start_s)} {item.note.source}: {text}"


def complaints(reply: AnswerReply, numbered: dict[int, Item], options: tuple[str, ...]) -> list[str]:
    """What is wrong with a reply that parsed: notes that do not exist, claims that cite none, no such option."""
    found = []
    for claim in reply.claims:
        if unknown := [n for n in claim.evidence if n not in numbered]:
            found.append(f"claim {one_line(claim.text, 80)!r} cites notes {unknown}, which do not exist")
        elif not claim.evidence:
            found.append(f"claim {one_line(claim.text, 80)!r} cites no note")
    if options and read_choice(reply.choice, options) is None:
        found.append(f"choice must be one of the letters A to {letter(len(options) - 1)}, got {reply.choice!r}")
    return found


def cited(claim: ClaimReply, numbered: dict[int, Item]) -> tuple[str, ...]:
    """The ids of the notes that a claim cites, without those that do not exist."""
    return tuple(dict.fromkeys(numbered[n].note.id for n in claim.evidence if n in numbered))


def read_choice(written: str | None, options: Sequence[str]) -> int | None:
    """The option meant by `B`, `(b)`, `B. its text` or its very text; None for anything else, numbers included."""
    if written is None:
        return None
    plain = written.strip().casefold()
    for n, option in enumerate(options):
        if plain == option.strip().casefold():
            return n
    bare = plain.strip("()[]. :")
    for n, option in enumerate(options):
        mark = letter(n).casefold()
        if bare == mark:
            return n
        rest = plain.lstrip("([").removeprefix(mark)
        if rest != plain.lstrip("([") and rest[:1] in (".", ")", "]", ":", " ") and option.strip().casefold() in rest:
            return n
    return None


def agreement(context: Context, choice: int | None, own: Sequence[Item], items: Sequence[Item], rules: Draft) -> float:
    """Whether the rules, which never saw the model's reply, come to the same: 1 or 0 (after AKeyS)."""
    if context.options:
        return float(choice == rules.choice)
    best = items[0]
    near = [i for i in items if i.closeness >= _RULES_AGREE * best.closeness]
    return float(any(a.video == b.video and a.note.span.overlaps(b.note.span) for a in own for b in near))
