"""What a model thinks aloud before it replies, cut off: nothing of a thought is part of a caption, a look or an answer.

Models mark their thoughts in many ways, and templates that open one in the prompt leave its end alone in the reply. A
reply that ends within a thought is empty. Knows text, no model.
"""

from __future__ import annotations

import re

# As models of 2024 to 2026 write them: R1 and Qwen, Hermes, Claude-like prompts, Sky-T1, Magistral, Kimi, Seed, Cohere.
_PAIRS = (
    (r"<think(?:ing)?>", r"</think(?:ing)?>"),
    (r"<(?:thought|thoughts)>", r"</(?:thought|thoughts)>"),
    (
        r"<(?:reason|reasoning|reflection|scratchpad|analysis)>",
        r"</(?:reason|reasoning|reflection|scratchpad|analysis)>",
    ),
    (r"<seed:think>", r"</seed:think>"),
    (r"<\|begin_of_thought\|>", r"<\|end_of_thought\|>"),
    (r"<\|START_THINKING\|>", r"<\|END_THINKING\|>"),
    (r"\[THINK\]", r"\[/THINK\]"),
    (r"◁think▷", r"◁/think▷"),
)
_OPEN = re.compile("|".join(begin for begin, _ in _PAIRS), re.IGNORECASE)
_CLOSE = re.compile("|".join(end for _, end in _PAIRS), re.IGNORECASE)
# gpt-oss: what is meant for the user stands in the channel "final", thoughts in others.
_CHANNEL = re.compile(r"<\|channel\|>\s*(\w+)[^<]*(?:<\|constrain\|>[^<]*)?<\|message\|>")
_CONTROL = re.compile(r"<\|(?:start|end|return|call|message|channel)\|>(?:assistant)?")
# The sign of the end that some servers leave in the reply.
_SIGNS = r"<\|(?:im_end|eot_id|end|endoftext|eom_id)\|>|</s>|<eos>|<end_of_turn>|<｜end▁of▁sentence｜>"
_ENDS = re.compile(rf"(?:\s*(?:{_SIGNS}))+\s*\Z")
# What some put around the reply itself.
_WRAPPED = re.compile(
    r"\A\s*(?:<answer>|<response>|<\|begin_of_solution\|>|<\|START_RESPONSE\|>)(.*?)"
    r"(?:</answer>|</response>|<\|end_of_solution\|>|<\|END_RESPONSE\|>|\Z)\s*\Z",
    re.DOTALL | re.IGNORECASE,
)


def without_thoughts(text: str) -> str:
    """The reply that a text holds: what stands behind the last thought; empty where it ends within one."""
    if (channels := list(_CHANNEL.finditer(text))) or text.lstrip().startswith("<|start|>"):
        text = _of_channels(text, channels)
    if ends := [closed.end() for closed in _CLOSE.finditer(text)]:
        # Whatever stands before the last end was thought, whether its beginning is there or stood in the prompt.
        text = text[ends[-1] :]
    if (opened := _OPEN.search(text)) is not None:
        text = text[: opened.start()]
    if (wrapped := _WRAPPED.match(text)) is not None:
        text = wrapped[1]
    return _ENDS.sub("", text).strip()


def is_thinking(text: str) -> bool:
    """Whether a text holds a thought, or ends within one: the reply may need more room."""
    return bool(_OPEN.search(text) or _CLOSE.search(text) or _CHANNEL.search(text))


def thoughts_closed(prompt: str) -> str:
    """A rendered prompt without an open thought at its end: what templates open is closed again, unthought."""
    for begin, _ in _PAIRS:
        if (opened := re.search(rf"({begin})\s*\Z", prompt, re.IGNORECASE)) is not None:
            return f"{prompt[: opened.end(1)]}\n\n{_close_of(opened[1])}\n\n"
    return prompt


def _of_channels(text: str, channels: list[re.Match[str]]) -> str:
    parts: list[str] = []
    for number, channel in enumerate(channels):
        end = channels[number + 1].start() if number + 1 < len(channels) else len(text)
        if channel[1] == "final":
            parts.append(_CONTROL.split(text[channel.end() : end])[0])
    return "\n".join(parts)


def _close_of(opened: str) -> str:
    if opened.startswith("<|"):
        return opened.replace("begin", "end").replace("START", "END")
    return f"{opened[0]}/{opened[1:]}"
