"""Characters that a text from a video has no need of: what reorders, hides, or piles up without end.

Knows code points alone; whether such a character is dropped, shown or kept is for its callers to say.
"""

from __future__ import annotations

import unicodedata
from functools import lru_cache

BIDI = frozenset(map(chr, (0x061C, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A))))
"""The marks and overrides that make a text read in another order than it is written."""

HIDDEN = frozenset(
    map(chr, (0x00AD, 0x034F, 0x200B, *range(0x2060, 0x2070), 0xFEFF, 0xFFF9, 0xFFFA, 0xFFFB, *range(0xE0000, 0xE1000)))
)
"""Characters without a picture, in which a text can be hidden; the joiners of emoji and of Indic scripts are none."""

# Vietnamese stacks two marks on a letter, Hebrew with accents four.
MOST_MARKS = 8


def without_floods(text: str, most: int = MOST_MARKS) -> str:
    """A text without the marks beyond `most` in a row: hundreds on one letter cover the lines around it."""
    if text.isascii() or not any(map(_is_mark, set(text))):
        return text
    kept: list[str] = []
    run = 0
    for character in text:
        run = run + 1 if _is_mark(character) else 0
        if run <= most:
            kept.append(character)
    return "".join(kept)


def composed(name: str) -> str:
    """A name in the form of Unicode (NFC) in which names are compared: systems store an umlaut in one of two ways."""
    return name if name.isascii() else unicodedata.normalize("NFC", name)


@lru_cache(4096)
def _is_mark(character: str) -> bool:
    return unicodedata.category(character) in ("Mn", "Me")
