"""The values of a run as JSON, and back: what LangGraph's checkpointer writes and reads them with.

A value of a class is written with the class's name, and read as what `CLASSES` has under that name and nothing else:
what is read from a file is never unpickled, and no name in it is imported.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from functools import cache
from typing import Any

import numpy as np
from langgraph.types import Send
from pydantic import BaseModel, TypeAdapter

from lvqa import types
from lvqa.agents import state, steps
from lvqa.errors import StoreError
from lvqa.temporal.query import TemporalQuery
from lvqa.zoom.base import Round, Trace

_OF, _HELD = "!", "of"
_OTHERS = (TemporalQuery, Round, Trace)
_KEPT = (state.Plan, state.SubQuestion, state.Item, state.Claim, state.Draft, state.SubAnswer, *_OTHERS)
CLASSES: Mapping[str, type] = {
    made.__name__: made
    for made in (*_KEPT, *(getattr(room, name) for room in (types, steps) for name in dir(room)))
    if isinstance(made, type) and (is_dataclass(made) or issubclass(made, BaseModel))
}


class PlainJson:
    """The serializer that a checkpointer of LangGraph takes."""

    def dumps_typed(self, obj: Any) -> tuple[str, bytes]:
        """As `("json", bytes)`. Raises TypeError for what is of no class that can be read again."""
        return "json", dumps(obj).encode()

    def loads_typed(self, data: tuple[str, bytes]) -> Any:
        """From what `dumps_typed` made. Raises StoreError for anything else."""
        kind, raw = data
        if kind != "json":
            raise StoreError(f"it is stored as {kind!r}, which lvqa does not read")
        return loads(raw)


def dumps(value: Any) -> str:
    """A value as JSON text. Raises TypeError for what is of no class that can be read again."""
    return json.dumps(_plain(value))


def loads(text: str | bytes) -> Any:
    """The value that `dumps` wrote. Raises StoreError for anything else."""
    try:
        return json.loads(text, object_hook=_made)
    except (ValueError, TypeError, RecursionError) as error:  # pydantic's errors are ValueErrors
        raise StoreError(" ".join(str(error).split())[:200]) from error


def _plain(value: Any) -> Any:
    if value is None or isinstance(value, str | int | float):
        return value
    if isinstance(value, list):
        return [_plain(one) for one in value]
    if isinstance(value, tuple):
        return {_OF: "tuple", _HELD: [_plain(one) for one in value]}
    if isinstance(value, Mapping):
        if all(isinstance(key, str) for key in value) and _OF not in value:
            return {key: _plain(one) for key, one in value.items()}
        return {_OF: "pairs", _HELD: [[_plain(key), _plain(one)] for key, one in value.items()]}
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, BaseException):  # LangGraph notes what ended a node
        return repr(value)
    if isinstance(value, Send):
        return {_OF: "Send", _HELD: [value.node, _plain(value.arg)]}
    name = type(value).__name__
    if name not in CLASSES or CLASSES[name] is not type(value):
        raise TypeError(f"a {name} cannot be kept in a checkpoint")
    return {_OF: name, _HELD: {field: _plain(getattr(value, field)) for field in sorted(_fields(CLASSES[name]))}}


def _made(read: dict[str, Any]) -> Any:
    if _OF not in read:
        return read
    name, held = read[_OF], read.get(_HELD)
    if name in ("tuple", "pairs", "Send") and isinstance(held, list):
        return tuple(held) if name == "tuple" else dict(held) if name == "pairs" else Send(*held)
    made = CLASSES.get(name) if isinstance(name, str) else None
    if made is None or not isinstance(held, dict) or held.keys() != _fields(made):
        raise ValueError(f"there is no value {name!r} as this lvqa writes it")
    _checked(made).validate_python(held)
    return made(**held)


@cache
def _fields(made: Any) -> frozenset[str]:
    return frozenset(made.model_fields if issubclass(made, BaseModel) else (field.name for field in fields(made)))


@cache
def _checked(made: Any) -> TypeAdapter[Any]:
    return TypeAdapter(made)
