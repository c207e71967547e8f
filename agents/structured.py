"""The chat model's replies: plain text, or JSON read into a pydantic model, with one repair attempt and never a guess.

Works with any LangChain chat model, tool calling or not: the prompt asks for JSON, and the first JSON object in the
reply that validates is taken; where another one says something else, none is: one of them may be quoted from a note.
This module knows no node, and no prompt but `repair`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from pydantic import BaseModel, ValidationError

from lvqa.errors import ReplyError
from lvqa.models.replies import reply_to
from lvqa.prompts import fence, load
from lvqa.tools.ledger import BudgetSpent, Ledger, estimate_tokens

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel

M = TypeVar("M", bound=BaseModel)

_MAX_COMPLAINTS = 8


@dataclass(frozen=True, slots=True)
class Parsed(Generic[M]):
    """A reply that parsed; whether it took the repair attempt; what `check` still complains of."""

    value: M
    repaired: bool
    complaints: tuple[str, ...]


def say(chat: BaseChatModel, ledger: Ledger, prompt: str) -> str:
    """One reply as text, thoughts left out, charged to the ledger; what does not come back is charged what it was sent.

    Raises BudgetSpent before the call when it does not fit, ModelError when the model fails.
    """
    sent = estimate_tokens(prompt)
    ledger.take_chat(sent)
    try:
        reply = reply_to(chat, prompt)
    except BaseException:
        ledger.add_chat(sent, 0)
        raise
    ledger.add_chat(reply.tokens_in, reply.tokens_out)
    return str(reply)


def ask_for(
    chat: BaseChatModel,
    ledger: Ledger,
    prompt: str,
    schema: type[M],
    check: Callable[[M], list[str]] = lambda value: [],
) -> Parsed[M]:
    """A reply as `schema`. One that does not parse, or that `check` complains of, is asked for once more.

    What the repeated reply is still complained of comes back beside it; the caller drops what is wrong. Raises
    ReplyError when neither reply parses, BudgetSpent when the first call does not fit.
    """
    reply = say(chat, ledger, prompt)
    first, wrong = parse(reply, schema)
    complaints = tuple([wrong] if first is None else check(first))
    if first is not None and not complaints:
        return Parsed(first, False, ())
    repair = load("repair").fill(
        request=prompt, reply=fence(reply), wrong=fence("\n".join(complaints[:_MAX_COMPLAINTS]))
    )
    try:
        again = say(chat, ledger, repair)
    except BudgetSpent:
        if first is None:
            raise
        return Parsed(first, False, complaints)
    second, wrong = parse(again, schema)
    if second is not None:
        return Parsed(second, True, tuple(check(second)))
    if first is not None:
        return Parsed(first, True, complaints)
    raise ReplyError(f"the chat model's reply did not parse, nor did the repeated one ({wrong}); try another model")


def parse(reply: str, schema: type[M]) -> tuple[M | None, str]:
    """The JSON object of a reply that validates, else None; and what was wrong with the first object.

    None also where several validate and do not say the same.
    """
    wrong = "there is no JSON object in the reply"
    valid: list[M] = []
    for number, found in enumerate(_objects(reply)):
        try:
            valid.append(schema.model_validate(found))
        except ValidationError as error:
            if number == 0:
                lines = [f"{'.'.join(str(p) for p in e['loc']) or 'reply'}: {e['msg']}" for e in error.errors()]
                wrong = "; ".join(lines[:_MAX_COMPLAINTS])
    if any(other != valid[0] for other in valid[1:]):
        return None, f"there are {len(valid)} JSON objects in the reply that could be meant; one is wanted"
    return (valid[0], "") if valid else (None, wrong)


def _objects(reply: str) -> Iterator[dict[str, Any]]:
    decoder = json.JSONDecoder(strict=False)
    start = reply.find("{")
    while start >= 0:
        end = start + 1
        try:
            found, end = decoder.raw_decode(reply, start)
        except (ValueError, RecursionError):  # the second for what is nested without end
            pass
        else:
            if isinstance(found, dict):
                yield found
        start = reply.find("{", end)
