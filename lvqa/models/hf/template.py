"""A conversation as the text that a transformers model continues: by its chat template, or in plain lines without one.

Knows no model.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from lvqa.models.thoughts import thoughts_closed

Message = dict[str, Any]


def render(processor: Any, conversation: Sequence[Message], *, think: bool = False) -> str:
    """A conversation as the text the model continues: by the chat template where there is one, else in plain lines.

    Unless it is to `think`, a template that knows the switch is told so, and a thought that one opens is closed again.
    """
    template_of = next(
        (p for p in (processor, getattr(processor, "tokenizer", None)) if getattr(p, "chat_template", None)), None
    )
    if template_of is None:
        return _plain(processor, conversation)
    from jinja2 import TemplateError

    messages = [dict(m) for m in conversation]
    if template_of is not processor:  # a tokenizer's template writes text, not parts
        messages = [{"role": m["role"], "content": _flat(processor, m["content"])} for m in messages]
    # A template that does not know the switch would hand it to the processor, which refuses or heeds it as its own.
    switch = {"enable_thinking": think} if "enable_thinking" in _source(template_of) else {}

    def applied(said: Sequence[Message]) -> str:
        options: dict[str, Any] = {"add_generation_prompt": True, "tokenize": False, **switch}
        text = str(template_of.apply_chat_template(said, **options))
        return text if think else thoughts_closed(text)

    try:
        return applied(messages)
    except TemplateError:
        # Not every template knows the system role: its text then opens the first user message.
        merged = _without_system(messages)
        if len(merged) == len(messages):
            raise
        return applied(merged)


def _source(template_of: Any) -> str:
    template = template_of.chat_template
    return "\n".join(template.values()) if isinstance(template, dict) else str(template)


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
