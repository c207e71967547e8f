"""Ids and keys that follow from content, and text made fit for SQLite. Knows nothing of the database.

SQLite stores text as UTF-8, which has no place for the lone surrogates that stand for undecodable bytes in file names
(PEP 383). `encode_path` writes each such byte as U+FFFD, `%` and two hex digits; `decode_path` brings the name back.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from typing import Any

from lvqa.types import Source, Span

_MARK = "\ufffd%"
_ESCAPED = re.compile("(?:\ufffd%[0-9A-F]{2})+")
_SURROGATE = re.compile("[\ud800-\udfff]")
_NEEDS_ESCAPE = re.compile("[\ud800-\udfff]|\ufffd(?=%)")


def _digest(parts: list[Any]) -> str:
    text = json.dumps(parts, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)
    return hashlib.sha256(text.encode("ascii")).hexdigest()


def stage_key(content_hash: str, stage: str, model: str, prompt_hash: str, params: Mapping[str, Any]) -> str:
    """The key of what a stage would write: 64 hex digits that change with anything its rows depend on.

    `params` holds JSON values; their order does not matter. Raises TypeError for anything else, ValueError for NaN.
    """
    return _digest([content_hash, stage, model, prompt_hash, dict(params)])


def note_id(video_id: str, source: Source, span: Span, model: str, prompt_hash: str, text: str) -> str:
    """The id of a note, from its content: 32 hex digits; times count to the millisecond."""
    span_ms = [round(span.start_s * 1000), round(span.end_s * 1000)]
    return _digest(["note", video_id, source, span_ms, model, prompt_hash, text])[:32]


def encode_path(path: str) -> str:
    """Write a path as SQLite can store it; ordinary names stay as they are."""
    return _NEEDS_ESCAPE.sub(_escape, path)


def _escape(match: re.Match[str]) -> str:
    char = match.group()
    raw = bytes([ord(char) - 0xDC00]) if 0xDC80 <= ord(char) <= 0xDCFF else char.encode("utf-8", "surrogatepass")
    return "".join(f"{_MARK}{byte:02X}" for byte in raw)


def decode_path(stored: str) -> str:
    """Undo `encode_path`: undecodable bytes come back as surrogate escapes, so that `open` finds the file."""
    if _MARK not in stored:
        return stored
    return _ESCAPED.sub(_unescape, stored)


def _unescape(match: re.Match[str]) -> str:
    return bytes.fromhex(match.group().replace(_MARK, "")).decode("utf-8", "surrogateescape")


def clean_text(text: str) -> str:
    """Replace lone surrogates, which no UTF-8 database can hold, by U+FFFD."""
    return _SURROGATE.sub("\ufffd", text)
