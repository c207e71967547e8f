"""Every prompt, as a Markdown file with named holes `{{name}}`, strict about missing and unused ones.

A prompt's hash goes into every note and answer that was made with it, so that changing a file re-does what it made.
A line `---` parts the instructions, which a chat model gets as its system message, from what is asked. They may be
another prompt's: `system: reader` above that line takes those of `reader.md`, so that all prompts that show notes begin
with the same words, and a server reads the notes once.

Texts that come from videos (speech, subtitles, text on the screen, captions, file names) are data: put them through
`fence`, `for_prompt` or `quoted` before they go into a hole. This module knows no model and no stage.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from lvqa.characters import BIDI, HIDDEN, without_floods
from lvqa.errors import PromptError

__all__ = ["Filled", "Prompt", "clean", "fence", "for_prompt", "load", "names", "quoted", "whole"]

_FOLDER = Path(__file__).resolve().parent
_HOLE = re.compile(r"\{\{\s*([A-Za-z_][A-Za-z0-9_]*)\s*\}\}")
_SYSTEM_OF = re.compile(r"system: (\w+)\s*")
_FENCE = "```"
# U+1FEF and U+FF40 become backticks in tokenizers that compose their input (NFC, NFKC); joiners between are not seen.
_BACKTICKS = re.compile("(?:[`\u1fef\uff40][\u200c\u200d]*){3,}")
# What a tokenizer or a chat template could take for its own marks: `<image>`, `<|im_start|>`, `</s>`, `[INST]`.
_MARKS = str.maketrans({"<": "‹", ">": "›", "\uff1c": "‹", "\uff1e": "›"})
_SQUARE_MARK = re.compile(r"\[(/?[a-z]?[A-Z][A-Z_0-9]{2,})\]")
# How prompts number notes, and replies cite them.
_CITATION = re.compile(r"[\[\uff3b\u3010]\s*(\d+(?:\s*[,;]\s*\d+)*)\s*[\]\uff3d\u3011]")


class Filled(str):
    """What is asked, and the instructions that go before it as `system`, empty for none."""

    __slots__ = ("system",)
    system: str

    def __new__(cls, text: str, system: str = "") -> Filled:
        """Make it of both texts."""
        filled = super().__new__(cls, text)
        filled.system = system
        return filled


def whole(prompt: str) -> str:
    """A prompt with the instructions that go before it, as one text."""
    system = prompt.system if isinstance(prompt, Filled) else ""
    return f"{system}\n\n{prompt}" if system else str(prompt)


@dataclass(frozen=True, slots=True)
class Prompt:
    """A prompt's name, text, the names of its holes, the first 12 hex digits of the SHA-256 of all it says, and system.

    `system` is what its model is told before; no hole stands there.
    """

    name: str
    text: str
    holes: frozenset[str]
    hash: str
    system: str = ""

    @classmethod
    def of(cls, name: str, text: str, system: str = "") -> Prompt:
        """Make a prompt from its text. Raises PromptError where braces stand that are no hole."""
        holes = frozenset(_HOLE.findall(text))
        rest = _HOLE.sub("", text)
        if "{{" in rest:  # what closes a JSON object in another may stand there
            raise PromptError(f"prompt {name!r} has braces that are no hole; write a hole as {{{{name}}}}")
        if "{{" in system:
            raise PromptError(
                f"prompt {name!r} has a hole among its instructions, which are the same for all questions"
            )
        return cls(name, text, holes, hashlib.sha256((system + text).encode()).hexdigest()[:12], system.strip())

    def fill(self, **values: str | int | float) -> Filled:
        """Put a value into every hole, in one pass: what a value contains is never taken for a hole.

        Raises PromptError when a hole got no value, or a value has no hole.
        """
        missing = sorted(self.holes - values.keys())
        unused = sorted(values.keys() - self.holes)
        if missing or unused:
            parts = [f"no value for {', '.join(missing)}"] if missing else []
            parts += [f"no hole for {', '.join(unused)}"] if unused else []
            raise PromptError(
                f"prompt {self.name!r}: {' and '.join(parts)}; its holes are {', '.join(sorted(self.holes)) or 'none'}"
            )
        return Filled(_HOLE.sub(lambda match: str(values[match.group(1)]), self.text).strip(), self.system)


def names() -> list[str]:
    """The names of all prompts, sorted."""
    return sorted(path.stem for path in _FOLDER.glob("*.md"))


def load(name: str, own: Mapping[str, str] | None = None) -> Prompt:
    """Read a prompt by name, from `own`, the texts of a model's own prompts, where one of the name is among them.

    Raises PromptError for an unknown name, listing the known ones.
    """
    return _read(name, own.get(name) if own else None)


@lru_cache(256)
def _read(name: str, own: str | None) -> Prompt:
    if name not in names():
        raise PromptError(f"there is no prompt {name!r}; the prompts are {', '.join(names())}")
    if own is not None:
        return Prompt.of(f"{name} of the model", own)
    text = (_FOLDER / f"{name}.md").read_text(encoding="utf-8")
    before, parted, asked = text.partition("\n---\n")
    if not parted:
        return Prompt.of(name, text)
    shared = _SYSTEM_OF.fullmatch(before)
    return Prompt.of(name, asked, _read(shared[1], None).text if shared is not None else before)


def clean(text: str) -> str:
    """Text without control characters but newline and tab, nor what reorders or hides text, nor floods of marks."""
    kept = text.replace("\r\n", "\n").replace("\r", "\n")
    # Each character is judged once, however often it stands there: this runs over every note of every prompt.
    gone = {ord(character): None for character in set(kept) - {"\n", "\t"} if _is_control(character)}
    return without_floods(kept.translate(gone) if gone else kept)


@lru_cache(1 << 11)  # a question shows a note in several prompts
def for_prompt(text: str, limit: int = 2000) -> str:
    """Untrusted text on one line: cleaned, defused as in `fence`, spaces collapsed, cut at `limit` characters.

    Numbers in square brackets get round ones: those are how a prompt names its own notes.
    """
    line = _CITATION.sub(r"(\1)", " ".join(_defuse(clean(text)).split()))
    return line if len(line) <= limit else line[: limit - 1].rstrip() + "…"


def quoted(text: str, limit: int = 2000) -> str:
    """Untrusted text for a hole between quotation marks: `for_prompt`, with no mark of its own that would end them."""
    return for_prompt(text, limit).replace('"', "'")


def fence(text: str) -> str:
    """Wrap untrusted text so that it stands in a prompt as data and cannot end its own fence.

    Control characters go; runs of three or more backticks become apostrophes; angle brackets, which special tokens
    are made of, become ‹ and ›.
    """
    return f"{_FENCE}data\n{_defuse(clean(text)).strip()}\n{_FENCE}"


def _defuse(text: str) -> str:
    text = _BACKTICKS.sub(lambda run: "'" * len(run.group()), text)
    return _SQUARE_MARK.sub(r"(\1)", text.translate(_MARKS))


@lru_cache(4096)
def _is_control(character: str) -> bool:
    if character in BIDI or character in HIDDEN:
        return True
    return unicodedata.category(character) in ("Cc", "Cs", "Co", "Zl", "Zp")
