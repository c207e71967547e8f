"""What OCR makes of one and the same text: which readings are equal up to its noise, and which are nothing but noise.

Knows texts alone: no times, no frames, no models.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence
from difflib import SequenceMatcher

# Letters that OCR takes for one another and for digits.
_ALIKE = str.maketrans("olibzs", "011825")
# Characters of a text for each one that may be read wrong.
_FOR_EACH_ERROR = 8
_MOST_ERRORS = 3  # in a whole block: more is another line
_SHORT = 3
_LEAST = 2
_LEAST_AT_ONCE = 4

_Plain = tuple[str, str]


def letters(rows: Iterable[str]) -> int:
    """How many letters and digits there are."""
    return sum(character.isalnum() for row in rows for character in row)


def near(one: str, other: str, most: int | None = None) -> bool:
    """Whether two lines are one up to OCR noise: case, spaces, marks, look-alikes, and a wrong letter in eight.

    A digit that differs is never noise: what it says is another thing. `most` bounds the wrong letters.
    """
    return _near(_plain(one), _plain(other), most)


def _near(one: _Plain, other: _Plain, most: int | None = None) -> bool:
    (raw, plain), (other_raw, other_plain) = one, other
    if plain == other_plain:
        return True
    allowed = min(len(plain), len(other_plain)) // _FOR_EACH_ERROR
    allowed = allowed if most is None else min(allowed, most)
    if not allowed or abs(len(plain) - len(other_plain)) > allowed:
        return False
    errors = 0
    for kind, a0, a1, b0, b1 in SequenceMatcher(None, plain, other_plain, autojunk=False).get_opcodes():
        if kind != "equal":
            errors += max(a1 - a0, b1 - b0)
            if errors > allowed or any(character.isdigit() for character in raw[a0:a1] + other_raw[b0:b1]):
                return False
    return True


def equal_rows(one: Sequence[str], other: Sequence[str]) -> bool:
    """Whether two readings of a block are one up to OCR noise, whichever way its lines were parted.

    Lines of a letter or two that are in one of them alone are noise.
    """
    if near("".join(one), "".join(other), _MOST_ERRORS):
        return True
    left = list(other)
    alone = []
    for row in one:
        same = next((candidate for candidate in left if near(row, candidate)), None)
        if same is None:
            alone.append(row)
        else:
            left.remove(same)
    kept = len(alone) < len(one)
    return kept and not (alone and left) and all(letters([row]) < _SHORT for row in [*alone, *left])


def akin(one: Sequence[str], other: Sequence[str]) -> bool:
    """Whether a block can be what another one turned into: it shares a line, grew, or differs in its digits alone."""
    return any(
        letters([row]) >= _SHORT and (near(row, new) or grown(row, new) or grown(new, row) or _same_shape(row, new))
        for row in one
        for new in other
    ) or any(grown(row, new) for row in one[-1:] for new in other[-1:])


def grown(row: str, new: str) -> bool:
    """Whether a line is the beginning of another, or the same, up to OCR noise."""
    plain, (raw, longer) = _plain(row), _plain(new)
    size = len(plain[0])
    return 0 < size <= len(raw) and _near(plain, (raw[:size], longer[:size]))


def is_noise(rows: Sequence[str], stood: bool) -> bool:
    """Whether what was read is no text: a letter or so; of what was there for a moment only, a few letters."""
    return letters(rows) < (_LEAST if stood else _LEAST_AT_ONCE)


def _same_shape(one: str, other: str) -> bool:
    shape, other_shape = ("".join("0" if c.isdigit() else c for c in row) for row in (one, other))
    return "0" in shape and near(shape, other_shape)


def _plain(text: str) -> _Plain:
    """The letters, digits and vowel signs of a text in lower case, and the same with look-alikes as one."""
    normal = unicodedata.normalize("NFKC", text.lower())
    raw = "".join(character for character in normal if unicodedata.category(character)[0] in "LMN")
    return raw, raw.translate(_ALIKE)
