"""What models think aloud is no part of what they reply."""

from __future__ import annotations

from typing import Any

import pytest

from lvqa.models.hf.template import render
from lvqa.models.thoughts import is_thinking, thoughts_closed, without_thoughts

SAID = "A man opens a door."
# What a model sends, and what of it is the reply.
FORMS = {
    "nothing thought": (SAID, SAID),
    "think": (f"<think>The user wants a caption.</think>\n\n{SAID}", SAID),
    "think, empty": (f"<think>\n\n</think>\n\n{SAID}", SAID),
    "opened in the prompt": (f"Okay, a door. Yes.</think>\n{SAID}", SAID),
    "opened twice": (f"<think>one <think>two</think> three</think>{SAID}", SAID),
    "two thoughts": (f"<think>one</think>no<think>two</think>{SAID}", SAID),
    "ends within": ("<think>Let me look at the frames", ""),
    "ends within the second": ("<think>a</think><think>Let me look", ""),
    "spoken before it thinks": (f"{SAID}<think>was that right?", SAID),
    "thinking": (f"<thinking>hm</thinking>{SAID}", SAID),
    "upper case": (f"<THINK>hm</THINK>{SAID}", SAID),
    "thought": (f"<thought>hm</thought>{SAID}", SAID),
    "reasoning": (f"<reasoning>hm</reasoning>\n<answer>{SAID}</answer>", SAID),
    "answer cut at length": (f"<reasoning>hm</reasoning><answer>{SAID}", SAID),
    "scratchpad": (f"<scratchpad>hm</scratchpad>{SAID}", SAID),
    "reflection": (f"<reflection>hm</reflection>{SAID}", SAID),
    "seed": (f"<seed:think>hm</seed:think>{SAID}", SAID),
    "sky": (f"<|begin_of_thought|>hm<|end_of_thought|><|begin_of_solution|>{SAID}<|end_of_solution|>", SAID),
    "cohere": (f"<|START_THINKING|>hm<|END_THINKING|><|START_RESPONSE|>{SAID}<|END_RESPONSE|>", SAID),
    "magistral": (f"[THINK]hm[/THINK]{SAID}", SAID),
    "kimi": (f"◁think▷hm◁/think▷{SAID}", SAID),
    "kimi, opened in the prompt": (f"hm◁/think▷{SAID}", SAID),
    "gpt-oss": (
        f"<|channel|>analysis<|message|>hm, yes<|end|><|start|>assistant<|channel|>final<|message|>{SAID}<|return|>",
        SAID,
    ),
    "gpt-oss with a form": (
        f"<|channel|>analysis<|message|>hm<|end|><|start|>assistant<|channel|>final <|constrain|>json<|message|>{SAID}",
        SAID,
    ),
    "gpt-oss, cut while it thinks": ("<|channel|>analysis<|message|>The frames show", ""),
    "gpt-oss, speaks aside": (
        f"<|channel|>commentary<|message|>I look.<|end|><|start|>assistant<|channel|>final<|message|>{SAID}",
        SAID,
    ),
    "other tags stay": ("He writes <b>EXIT</b> on it.", "He writes <b>EXIT</b> on it."),
    "a word alone": ("I think a man opens a door.", "I think a man opens a door."),
}


@pytest.mark.parametrize("form", list(FORMS))
def test_no_thought_is_in_a_reply(form: str) -> None:
    sent, said = FORMS[form]
    assert without_thoughts(sent) == said
    assert without_thoughts(without_thoughts(sent)) == said
    assert is_thinking(sent) == (form not in ("nothing thought", "other tags stay", "a word alone"))


@pytest.mark.parametrize(
    ("opened", "closed"),
    [
        ("<|im_start|>assistant\n<think>\n", "<|im_start|>assistant\n<think>\n\n</think>\n\n"),
        ("Assistant: [THINK]", "Assistant: [THINK]\n\n[/THINK]\n\n"),
        ("◁think▷", "◁think▷\n\n◁/think▷\n\n"),
        ("<|begin_of_thought|>", "<|begin_of_thought|>\n\n<|end_of_thought|>\n\n"),
        ("<|START_THINKING|>", "<|START_THINKING|>\n\n<|END_THINKING|>\n\n"),
        ("<|im_start|>assistant\n", "<|im_start|>assistant\n"),
        ("a <think> b", "a <think> b"),
    ],
)
def test_a_thought_that_a_template_opens_is_closed(opened: str, closed: str) -> None:
    assert thoughts_closed(opened) == closed
    if opened != closed:
        assert without_thoughts(thoughts_closed(opened) + SAID) == SAID


class _Processor:
    """A processor whose template may know the switch and opens a thought."""

    def __init__(self, template: str) -> None:
        self.chat_template = template

    def apply_chat_template(self, messages: list[dict[str, Any]], **options: Any) -> str:
        assert options.keys() <= {"add_generation_prompt", "tokenize", "enable_thinking"}
        if "enable_thinking" in self.chat_template:
            return "assistant: " if options["enable_thinking"] is False else "assistant: <think>\n"
        assert "enable_thinking" not in options
        return f"assistant: {self.chat_template}"


@pytest.mark.parametrize(
    ("template", "unthought", "thought"),
    [
        ("{% if enable_thinking %}", "assistant: ", "assistant: <think>\n"),
        ("<think>\n", "assistant: <think>\n\n</think>\n\n", "assistant: <think>\n"),
        ("plain", "assistant: plain", "assistant: plain"),
    ],
)
def test_a_template_is_told_not_to_think(template: str, unthought: str, thought: str) -> None:
    said = [{"role": "user", "content": "hello"}]
    assert render(_Processor(template), said) == unthought
    assert render(_Processor(template), said, think=True) == thought
