"""The chat model's replies: plain text, or JSON read into a pydantic model, with one repair attempt and never a guess.

Works with any LangChain chat model, tool calling or not: the prompt asks for JSON, and the first JSON object in the
reply that validates is taken; where another one says something else, none is: one of them may be quoted from a note.
This module knows no node, and no prompt but `repair`.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, Generic, TypeVar, cast

from pydantic import BaseModel, ValidationError

from lvqa.agents.reply_values import UNSTATED, as_asked, is_share
from lvqa.errors import LateReply, ReplyError, TooLong
from lvqa.models.base import Reply
from lvqa.models.replies import reply_to
from lvqa.prompts import fence, load, whole
from lvqa.tools.ledger import BudgetSpent, Ledger, estimate_tokens

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel

M = TypeVar("M", bound=BaseModel)

_log = logging.getLogger("lvqa.agents")
_MAX_COMPLAINTS = 8
# So many rounds of leaving out what is wrong; and what is longer is no reply to be mended.
_MOST_WRONG = 8
_MOST_MENDED = 100_000
_TYPOGRAPHIC = str.maketrans("“”„‟", '""""')
# A reply that was cut sooner had no room beside what was sent.
_LEAST_ROOM = 64
_DECODER = json.JSONDecoder(strict=False)
_NOTHING: tuple[Any, ...] = (None, "", (), [], {})


@dataclass(frozen=True, slots=True)
class Parsed(Generic[M]):
    """A reply that parsed; whether it took the repair attempt; what `check` still complains of."""

    value: M
    repaired: bool
    complaints: tuple[str, ...]


def say(chat: BaseChatModel, ledger: Ledger, prompt: str, schema: Mapping[str, Any] | None = None) -> Reply:
    """One reply as text, thoughts left out, charged to the ledger; what does not come back is charged what it was sent.

    A server that takes a `schema` is held to it. Raises BudgetSpent before the call when it does not fit, TooLong when
    the model cannot read so much, which nothing is charged for, or hardly reply to it, ModelError when the model fails.
    """
    sent = estimate_tokens(whole(prompt))
    ledger.take_chat(sent)
    try:
        reply = reply_to(chat, prompt, schema)
    except LateReply as late:
        ledger.add_chat(sent, 0)
        raise ledger.out_of_seconds() from late
    except TooLong:
        ledger.give_back_chat()
        raise
    except BaseException:
        ledger.add_chat(sent, 0)
        raise
    ledger.add_chat(reply.tokens_in, reply.tokens_out)
    if reply.cut and reply.tokens_out < _LEAST_ROOM:
        raise TooLong(f"what was sent left room for {reply.tokens_out} tokens of a reply; give the model less")
    return reply


def ask_for(
    chat: BaseChatModel,
    ledger: Ledger,
    prompt: str,
    schema: type[M],
    check: Callable[[M], list[str]] = lambda value: [],
    alone: Callable[[str], M | None] = lambda said: None,
) -> Parsed[M]:
    """A reply as `schema`. One that does not parse, or that `check` complains of, is asked for once more.

    `alone` reads a reply that is no form. What is to be mended is sent with its faults and the form alone. What the
    repeated reply is still complained of comes back beside it; the caller drops what is wrong. Raises ReplyError when
    neither reply parses, TooLong when the model cannot read so much, BudgetSpent when the first call does not fit.
    """
    form = schema_of(schema)
    reply = say(chat, ledger, prompt, form)
    first, wrong = parse(reply, schema)
    first = alone(reply) if first is None else first
    complaints = tuple([wrong] if first is None else check(first))
    if first is not None and not complaints:
        return _told(schema, Parsed(first, False, ()))
    repair = load("repair").fill(
        reply=fence(reply[:_MOST_MENDED]),
        wrong=fence("\n".join(complaints[:_MAX_COMPLAINTS])),
        schema=json.dumps(form, separators=(",", ":")),
    )
    try:
        again = say(chat, ledger, repair, form)
    except (BudgetSpent, TooLong):
        if first is None:
            raise
        return _told(schema, Parsed(first, False, complaints))
    second, wrong = parse(again, schema)
    if second is not None:
        return _told(schema, Parsed(second, True, tuple(check(second))))
    if first is not None:
        return _told(schema, Parsed(first, True, complaints))
    for attempt in (again, reply):
        if (part := readable(attempt, schema)) is not None:
            return _told(schema, Parsed(part[0], True, (*part[1], *check(part[0]))))
    _log.info("a reply as %s: unread (%s)", schema.__name__, wrong)
    raise ReplyError(f"the chat model's reply did not parse, nor did the repeated one ({wrong}); try another model")


def _told(schema: type[BaseModel], parsed: Parsed[M]) -> Parsed[M]:
    """The same, told to who listens how it was read."""
    how = "repaired" if parsed.repaired else "read"
    _log.info("a reply as %s: %s, %d faults left", schema.__name__, how, len(parsed.complaints))
    return parsed


@cache
def schema_of(schema: type[BaseModel]) -> dict[str, Any]:
    """The JSON Schema of a reply, without what only says again what it is called."""
    return cast("dict[str, Any]", _plain(schema.model_json_schema()))


def _plain(part: Any) -> Any:
    if isinstance(part, list):
        return [_plain(one) for one in part]
    if not isinstance(part, dict):
        return part
    kept = {
        key: value for key, value in part.items() if not (key in ("title", "description") and isinstance(value, str))
    }
    return {key: _plain(value) for key, value in kept.items()}


def parse(reply: str, schema: type[M]) -> tuple[M | None, str]:
    """The JSON object of a reply that validates, else None; and what was wrong with the first object.

    None also where several validate and do not say the same. What is no JSON is read as what it is meant for: trailing
    commas, quotes of Python, comments, a reply that was cut at length. An object inside another is not looked at, but
    for one that the other only wraps.
    """
    wrong = "there is no JSON object in the reply"
    valid: list[M] = []
    for number, found in enumerate(_objects(reply, schema)):
        try:
            valid.append(schema.model_validate(as_asked(schema, found)))
        except ValidationError as error:
            if number == 0:
                lines = [f"{'.'.join(str(p) for p in e['loc']) or 'reply'}: {e['msg']}" for e in error.errors()]
                wrong = "; ".join(lines[:_MAX_COMPLAINTS])
    if any(other != valid[0] for other in valid[1:]):
        return None, f"there are {len(valid)} JSON objects in the reply that could be meant; one is wanted"
    return (valid[0], "") if valid else (None, wrong)


def readable(reply: str, schema: type[M]) -> tuple[M, tuple[str, ...]] | None:
    """What can be used of a reply that does not validate, without the fields and items that are wrong, and which.

    None where nothing is left, or something that has to be there, and where there are several objects: one of them may
    be quoted from a note.
    """
    objects = list(_objects(reply, schema))
    if not objects or any(other != objects[0] for other in objects[1:]):
        return None
    read, told = as_asked(schema, objects[0]), list[str]()
    said = set(read)
    for _ in range(_MOST_WRONG):
        try:
            value = schema.model_validate(read)
        except ValidationError as error:
            if not all(_unstated(schema, read, e) or _drop(read, e["loc"]) for e in reversed(error.errors())):
                return None
            told += [f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors()]
            continue
        there = any(getattr(value, name) not in _NOTHING for name in said & value.model_fields_set)
        return (value, tuple(told[:_MAX_COMPLAINTS])) if there else None
    return None


def _unstated(schema: type[BaseModel], read: dict[str, Any], problem: Mapping[str, Any]) -> bool:
    """Put in how sure a model is that does not say so: neither sure nor unsure. No other field is put in."""
    name = str(problem["loc"][0]) if problem["type"] == "missing" and len(problem["loc"]) == 1 else ""
    if not name or not is_share(schema.model_fields[name]):
        return False
    read[name] = UNSTATED
    return True


def _drop(read: Any, place: Sequence[int | str]) -> bool:
    """Take out what is wrong: the item of the innermost list it stands in, else its field."""
    lists = [depth for depth, step in enumerate(place) if isinstance(step, int)]
    path = place[: lists[-1] + 1] if lists else place[:1]
    held = read
    for step in path[:-1]:
        held = held[step]
    try:
        del held[path[-1]]
    except (KeyError, IndexError, TypeError):
        return False
    return True


def _objects(reply: str, schema: type[BaseModel]) -> Iterator[dict[str, Any]]:
    """The objects of a reply that may be meant for the schema: those that have one of its fields."""
    (only,) = schema.model_fields if len(schema.model_fields) == 1 else ("",)
    start = _next(reply, 0)
    while start >= 0:
        found, end = _decoded(reply, start)
        if isinstance(found, list) and len(found) == 1 and isinstance(found[0], dict) and as_asked(schema, found[0]):
            found = found[0]
        if isinstance(found, list) and only and found and all(isinstance(item, dict) for item in found):
            found = {only: found}
        if isinstance(found, dict):
            if (
                not as_asked(schema, found)
                and len(found) == 1
                and isinstance(inner := next(iter(found.values())), dict)
            ):
                found = inner  # {"answer": {...}}
            if as_asked(schema, found):
                yield found
        start = _next(reply, end)


def _next(reply: str, start: int) -> int:
    return min((place for place in (reply.find("{", start), reply.find("[", start)) if place >= 0), default=-1)


def _decoded(reply: str, start: int) -> tuple[Any, int]:
    """What stands at a place of a reply, mended where it is no JSON, and where it ends."""
    try:
        return _DECODER.raw_decode(reply, start)
    except (ValueError, RecursionError):  # the second for what is nested without end
        pass
    if reply[start] != "{":
        return None, start + 1
    end = _balanced(reply, start)
    part = reply[start : end if end > 0 else len(reply)]
    if '"' not in part:
        part = part.translate(_TYPOGRAPHIC)
    if len(part) > _MOST_MENDED or ":" not in part:
        return None, start + 1
    from json_repair import repair_json

    try:
        found: Any = repair_json(part, return_objects=True)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        return None, start + 1
    # What is never closed may be no object at all: what stands inside is looked at by itself then.
    return found, end if end > 0 else len(reply)


def _balanced(reply: str, start: int) -> int:
    """Where an object that begins at a place ends, texts in quotes left out; 0 where it does not."""
    depth, quoted, escaped = 0, "", False
    for place in range(start, len(reply)):
        character = reply[place]
        if quoted:
            if escaped:
                escaped = False
            elif character == "\\":
                escaped = True
            elif character == quoted:
                quoted = ""
        elif character == '"':
            quoted = character
        elif character == "{":
            depth += 1
        elif character == "}":
            depth -= 1
            if not depth:
                return place + 1
    return 0
