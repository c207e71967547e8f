"""The options of a question, as prompts list them and as the index is searched for them. Asks nothing."""

from __future__ import annotations

from lvqa.language.times import without_times
from lvqa.prompts import fence, for_prompt


def options_block(options: tuple[str, ...]) -> str:
    """Options as lettered lines, fenced; `none` where there are none."""
    if not options:
        return "none"
    return fence("\n".join(f"{letter(n)}. {for_prompt(option)}" for n, option in enumerate(options)))


def option_phrases(question: str, options: tuple[str, ...]) -> list[str]:
    """A search phrase for each option: the question and the option."""
    asked = without_times(question)
    return [f"{asked} {option}" for option in options]


def letter(index: int) -> str:
    """A, B, ... Z, then A1, B1, ... for an option's index."""
    return chr(ord("A") + index % 26) + (str(index // 26) if index >= 26 else "")
