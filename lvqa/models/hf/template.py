"""A conversation as the text that a transformers model continues: by its chat template, or in plain lines without one.

Knows no model.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

Message = dict[str, Any]


def render(processor: Any, conversation: Sequence[Message]) -> str:
    """A conversation as the text the model continues: by the chat template where there is one, else in plain lines."""
    template_of = next(
        (p for p in (processor, getattr(processor, "tokenizer", None)) if getattr(p, "chat_template", None)), None
    )
    if template_of is None:
        return _plain(processor, conversation)
    from jinja2 import TemplateError

    messages = [dict(m) for m in conversation]
    if template_of is not processor:  # a tokenizer's template writes text, not parts
        messages = [{"role": m["role"], "content": _flat(processor, m["content"])} for m in messages]
    try:
        return str(template_of.apply_chat_template(messages, add_generation_prompt=True, tokenize=False))
    except TemplateError:
        # Not every template knows the system role: its text then opens the first user message.
        merged = _without_system(messages)
        if len(merged) == len(messages):
            raise
        return str(template_of.apply_chat_template(merged, add_generation_prompt=True, tokenize=False))


def _without_system(messages: Sequence[Message]) -> list[Message]:
    system = [m["content"] for m in messages if m["role"] == "system"]
    rest = [dict(m) for m in messages if m["role"] != "system"]
    for content in reversed(system):
        if not rest:
            rest = [{"role": "user", "content": content}]
            continue
        first = rest[0]["content"]
        rest[0]["content"] = f"{content}\n\n{first}" if isinstance(content, str) else [*content, *first]
    return rest


def _flat(processor: Any, content: Any) -> str:
    if isinstance(content, str):
        return content
    image = getattr(processor, "image_token", None) or "<image>"
    return "".join(image + "\n" if part["type"] == "image" else part["text"] for part in content)


def _plain(processor: Any, conversation: Sequence[Message]) -> str:
    if len(conversation) == 1:
        return _flat(processor, conversation[0]["content"])
    lines = [f"{m['role'].capitalize()}: {_flat(processor, m['content'])}" for m in conversation]
    return "\n".join([*lines, "Assistant:"])
