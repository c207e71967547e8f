"""What models write in place of the values that a form asks for, as those values: "95 %" for a share, "[3]" for 3.

Small models know what to say and not how to write it. Nothing is invented here: a value is read in the one way in which
it can be meant, or left as it is, for the form to refuse.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

# Words for how sure one is, as prompts name them; between them, as far apart as they sound.
_WORDS = {
    "certain": 0.95,
    "very high": 0.95,
    "high": 0.85,
    "medium": 0.5,
    "moderate": 0.5,
    "low": 0.15,
    "very low": 0.05,
    "none": 0.0,
    "yes": 1.0,
    "no": 0.0,
    "true": 1.0,
    "false": 0.0,
}
# How sure a model is that does not say so.
UNSTATED = 0.5
_NOTHING = frozenset({"", "null", "none", "n/a", "na", "nil", "-"})
_NUMBER = re.compile(r"[-+]?\d+(?:[.,]\d+)?")
_SHARE_OF = re.compile(r"([-+]?\d+(?:[.,]\d+)?)\s*(?:/|out of|of)\s*(\d+)", re.IGNORECASE)


def as_asked(schema: type[BaseModel], found: Mapping[str, Any]) -> dict[str, Any]:
    """An object of a reply with its fields as the schema has them, as far as they can be read so.

    Names are matched whatever their case, spaces and hyphens; what the schema does not know is left out.
    """
    names = {_plain(name): name for name in schema.model_fields}
    read: dict[str, Any] = {}
    for key, value in found.items():
        if (name := names.get(_plain(str(key)))) is not None and name not in read:
            read[name] = _field(schema.model_fields[name], value)
    return read


def _plain(name: str) -> str:
    return re.sub(r"[\s_-]+", "", name).casefold()


def _field(field: FieldInfo, value: Any) -> Any:
    share = is_share(field)
    if value is None and not field.is_required() and not _takes_none(field.annotation):
        return field.get_default(call_default_factory=True)
    return _value(field.annotation, value, share=share)


def is_share(field: FieldInfo) -> bool:
    """Whether a field says how sure or how much something is, from 0 to 1."""
    return any(getattr(bound, "le", None) == 1 for bound in field.metadata)


def _takes_none(annotation: Any) -> bool:
    return get_origin(annotation) in (Union, UnionType) and NoneType in get_args(annotation)


def _value(annotation: Any, value: Any, *, share: bool = False) -> Any:
    origin, args = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return _value(args[0], value, share=share)
    if origin in (Union, UnionType):
        if value is None or (isinstance(value, str) and value.strip().casefold() in _NOTHING):
            return None
        return _value(next(arg for arg in args if arg is not NoneType), value, share=share)
    if origin is Literal:
        return _word(args, value)
    if origin in (list, tuple):
        return _listed(args, value)
    if origin is dict:
        return _table(args, value)
    if isinstance(annotation, type):
        if issubclass(annotation, BaseModel):
            return _object(annotation, value)
        reader = {bool: _truth, int: _whole, float: lambda v: _real(v, share=share), str: _text}.get(annotation)
        if reader is not None:
            return reader(value)
    return value


def _word(words: Sequence[Any], value: Any) -> Any:
    value = _text(value)
    plain = {_plain(str(word)): word for word in words}
    return plain.get(_plain(value), value) if isinstance(value, str) else value


def _listed(args: Sequence[Any], value: Any) -> Any:
    item = args[0] if args else str
    if value is None:
        return []
    if isinstance(value, str):
        if value.strip().casefold() in _NOTHING:
            return []
        if item in (int, float):
            return [_value(item, number) for number in _NUMBER.findall(value)] or value
        value = [value]
    elif isinstance(value, Mapping) or not isinstance(value, list | tuple):
        value = _by_name(item, value) if isinstance(value, Mapping) else [value]
    if item is str:  # a number is no phrase
        return [_text(one) if not isinstance(one, int | float) else one for one in value if one is not None]
    return [_value(item, one) for one in value if one is not None]


def _by_name(item: Any, found: Mapping[str, Any]) -> list[Any]:
    """Rows that were written as a table, by the first field of each: `{"A": "high"}`; one row otherwise."""
    if not (isinstance(item, type) and issubclass(item, BaseModel)) or not found:
        return [found]
    names = list(item.model_fields)
    if {_plain(str(key)) for key in found} & {_plain(name) for name in names}:
        return [found]
    rows = ((key, held if isinstance(held, Mapping) else {names[1]: held}) for key, held in found.items())
    return [{names[0]: key, **held} for key, held in rows]


def _table(args: Sequence[Any], value: Any) -> Any:
    if isinstance(value, list | tuple):
        # A list of rows with a name and a value each.
        rows = [list(row.values()) for row in value if isinstance(row, Mapping)]
        value = {str(row[0]): row[1] for row in rows if len(row) > 1} if rows else value
    if not isinstance(value, Mapping):
        return value
    return {_value(args[0], str(key)): _value(args[1], one, share=True) for key, one in value.items()}


def _object(schema: type[BaseModel], value: Any) -> Any:
    if isinstance(value, Mapping):
        return as_asked(schema, value)
    required = [name for name, field in schema.model_fields.items() if field.is_required()]
    if value is None or isinstance(value, bool) or len(required) != 1:
        return value
    field = schema.model_fields[required[0]]
    fits = isinstance(value, str) or (field.annotation is float and isinstance(value, int | float))
    return {required[0]: _field(field, value)} if field.annotation in (str, float) and fits else value


def _truth(value: Any) -> Any:
    if isinstance(value, str):
        return {"yes": True, "no": False, "": False}.get(value.strip().casefold(), value)
    return False if value is None else value


def _whole(value: Any) -> Any:
    value = _alone(value)
    if isinstance(value, str) and len(found := _NUMBER.findall(value)) == 1:
        number = float(found[0].replace(",", "."))
        return int(number) if number.is_integer() else value
    return value


def _real(value: Any, *, share: bool) -> Any:
    value = _alone(value)
    if isinstance(value, str):
        word = value.strip().strip(".").casefold()
        if share and word in _WORDS:
            return _WORDS[word]
        if share and (of := _SHARE_OF.search(word)) and float(of[2]) > 0:
            return float(of[1].replace(",", ".")) / float(of[2])
        found = _NUMBER.findall(word)
        if len(found) != 1:
            return value
        number = float(found[0].replace(",", "."))
        return number / 100 if share and ("%" in word or "percent" in word) else number
    return value


def _text(value: Any) -> Any:
    value = _alone(value)
    if isinstance(value, bool) or value is None:
        return value
    return str(value) if isinstance(value, int | float) else value


def _alone(value: Any) -> Any:
    """What stands alone in a list or an object."""
    while isinstance(value, list | tuple | Mapping) and len(value) == 1:
        value = next(iter(value.values() if isinstance(value, Mapping) else value))
    return value
