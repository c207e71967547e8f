"""What models reply where a caption was asked for, and the caption in it."""

from __future__ import annotations

import pytest

from lvqa.models.replies import goes_round, usable_caption

SAID = "A man in a red coat opens a door and walks in."
FORMS: dict[str, tuple[str, str | None]] = {
    "as asked": (SAID, SAID),
    "on lines": ("A man in a red coat opens a door\nand walks in.", SAID),
    "a label": (f"Caption: {SAID}", SAID),
    "a bold label": (f"**Caption:** {SAID}", SAID),
    "a bold label, colon outside": (f"**Dense caption**: {SAID}", SAID),
    "a heading": (f"## Caption\n\n{SAID}".replace("## Caption\n\n", "## Caption: "), SAID),
    "a preamble": (f"Sure! Here is a dense caption of this clip:\n\n{SAID}", SAID),
    "a preamble and a label": (f"Sure! Here is the caption:\n\n**Caption:** {SAID}", SAID),
    "here's": (f"Here's a factual caption for the clip: {SAID}", SAID),
    "here is, curly": (f"Here’s the description: “{SAID}”", SAID),
    "certainly": (f"Certainly! {SAID}", SAID),
    "the caption is": (f"The caption is: {SAID}", SAID),
    "quoted": (f'"{SAID}"', SAID),
    "bold": (f"**{SAID}**", SAID),
    "a bullet": (f"- {SAID}", SAID),
    "a fence": (f"```\n{SAID}\n```", SAID),
    "behind a thought": (f"<think>Here is the caption: no.</think>Caption: {SAID}", SAID),
    "text on a sign": ('A sign says "Caption: EXIT" on a wall.', 'A sign says "Caption: EXIT" on a wall.'),
    "here as a place": ("Here, a man opens a door.", "Here, a man opens a door."),
    "two quotes": ('"EXIT" is written beside "ENTRY"', '"EXIT" is written beside "ENTRY"'),
    "a time": ("At 10:30 a man opens a door.", "At 10:30 a man opens a door."),
    "unknown": ("Unknown.", ""),
    "a refusal": ("I'm sorry, but I can't see any images.", None),
    "a refusal behind a courtesy": ("Sure! Unable to see the video, as I am a text model.", None),
    "as an AI": ("As an AI language model I cannot watch videos.", None),
    "nothing": ("", None),
    "marks alone": ("...", None),
    "a thought alone": ("<think>I look at", None),
    "a label alone": ("**Caption:**", None),
    "round in circles": ("A man opens a door. " * 12, None),
    "round in words": ("A man opens " + "the door and " * 30, None),
    "one word for ever": ("no " * 60, None),
    "two that are alike": (
        "A man waits. A man waits. Then he opens a door.",
        "A man waits. A man waits. Then he opens a door.",
    ),
}


@pytest.mark.parametrize("form", list(FORMS))
def test_the_caption_in_a_reply(form: str) -> None:
    reply, caption = FORMS[form]
    assert usable_caption(reply) == caption


@pytest.mark.parametrize("text", ["one two three four five", "yes yes", "a b a b", SAID])
def test_what_is_short_goes_nowhere(text: str) -> None:
    assert not goes_round(text)
