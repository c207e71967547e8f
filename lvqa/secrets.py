"""What must not be written down: keys and passwords, known by the environment that holds them or by how they look.

Whatever leaves the process as text about a run (an error's line, a traceback, a log, a job's reason) goes through
`strike`. Knows no provider and no other module.
"""

from __future__ import annotations

import os
import re
import traceback
from collections.abc import Mapping
from typing import Any

STRUCK = "***"
# Shorter values are words that stand everywhere: striking them out would leave nothing to read.
_SHORTEST = 6

_NAMES = re.compile(
    r"(?:^|_)(?:API_?KEY|TOKEN|SECRET|SECRET_KEY|ACCESS_KEY(?:_ID)?|PRIVATE_KEY|PASSWORD|PASSWD|PASSPHRASE|PAT)$"
    r"|PASSWORD|^HUGGING_FACE_HUB_TOKEN$|^HF_TOKEN$",
    re.IGNORECASE,
)
_LOOKS = (
    # What providers hand out: OpenAI, Anthropic, Hugging Face, GitHub, GitLab, Slack, Groq, AWS, Google, web tokens.
    (re.compile(r"\b(?:sk|pk|rk)[-_][A-Za-z0-9*_-]{8,}"), STRUCK),
    (re.compile(r"\b(?:hf|gh[pousr]|github_pat|gsk|xai|r8|nvapi|glpat|xox[abeprs])[-_][A-Za-z0-9_-]{14,}"), STRUCK),
    (re.compile(r"\b(?:AKIA|ASIA)[A-Z0-9]{16}\b|\bAIza[A-Za-z0-9_-]{30,}"), STRUCK),
    (re.compile(r"\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}(?:\.[A-Za-z0-9_-]*)?"), STRUCK),
    (re.compile(r"\b(Bearer|Basic)\s+(?!token\b)[A-Za-z0-9+/._~=*-]{8,}", re.IGNORECASE), rf"\1 {STRUCK}"),
    (re.compile(r"(?<=://)[^/\s@'\"<>]+@"), f"{STRUCK}@"),
    (
        re.compile(
            r"([?&](?:[\w-]*api[-_]?key|key|[\w-]*token|[\w-]*secret|password|passwd|pwd|sig|signature|auth|"
            r"X-Amz-[\w-]+)=)[^&\s'\"<>)]+",
            re.IGNORECASE,
        ),
        rf"\1{STRUCK}",
    ),
    (
        re.compile(
            r"(\b(?:[\w-]*api[-_]?key|access[-_]?token|auth[-_]?token|[\w-]*secret(?:[-_]?key)?|password|passwd)"
            r"['\"]?\s*[:=]\s*['\"]?)(?!\*|None\b|SecretStr\b)[^\s'\",;)}\]&]{6,}",
            re.IGNORECASE,
        ),
        rf"\1{STRUCK}",
    ),
)
_remembered: set[str] = set()


def is_secret_name(name: str) -> bool:
    """Whether a variable of that name holds a secret: `OPENAI_API_KEY`, `HF_TOKEN`, `DB_PASSWORD`."""
    return _NAMES.search(name) is not None


def remember(*values: str) -> None:
    """Strike these out from now on, too: a key that a model was made with, wherever it came from."""
    _remembered.update(value for value in values if len(value) >= _SHORTEST)


def remember_of(model: object) -> None:
    """Strike out from now on what a model of any make holds as a secret: its `SecretStr` fields, as LangChain's do."""
    held = getattr(model, "__dict__", None)
    for value in list(held.values()) if isinstance(held, dict) else ():
        read = getattr(value, "get_secret_value", None)
        if callable(read):
            secret = read()
            if isinstance(secret, str) and secret != "none":  # noqa: S105 - what a server without a key is sent
                remember(secret)


def known_secrets() -> list[str]:
    """The values to be struck out, longest first: one may be the beginning of another."""
    held = {value for name, value in os.environ.items() if len(value) >= _SHORTEST and is_secret_name(name)}
    return sorted(held | _remembered, key=len, reverse=True)


def strike(text: str) -> str:
    """A text with every secret in it replaced by `***`; what is none stays as it is."""
    for value in known_secrets():
        text = text.replace(value, STRUCK)
    for looks, instead in _LOOKS:
        text = looks.sub(instead, text)
    return text


def strike_all(value: Any) -> Any:
    """Plain data (mappings, lists, texts, numbers) with the secrets struck out; the value of a secret's name, whole."""
    if isinstance(value, str):
        return strike(value)
    if isinstance(value, Mapping):
        return {
            key: STRUCK if one and isinstance(key, str) and is_secret_name(key) else strike_all(one)
            for key, one in value.items()
        }
    if isinstance(value, list | tuple):
        return [strike_all(one) for one in value]
    return value


def traceback_text(error: BaseException) -> str:
    """An error with its causes as Python prints it, secrets struck out."""
    return strike("".join(traceback.format_exception(error)))
