"""Bytes of a subtitle file into text, guided by the language that its name says."""

from __future__ import annotations

import codecs
import re

from lvqa.media.language_names import charsets_of

_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_DECLARED = re.compile(rb"""^\s*<\?xml[^>]*encoding=["']([\w-]+)["']""")
# Of the characters beyond ASCII, so many may be damaged in a file that is UTF-8 all the same.
_MOST_DAMAGE = 0.1
# What a file without a language in its name may be written in: where most letters are ASCII, and where few are.
_LATIN = ["cp1250", "cp1254", "cp1257", "cp1252"]
_OTHERS = [
    *("cp1251", "gb18030", "cp932", "cp949", "big5hkscs", "euc_jp", "cp1253", "cp1255", "cp1256", "cp874"),
    *("koi8_r", "cp866"),
]
_LETTER = "[^\\W\\d_]"
_SYMBOL_IN_A_WORD = re.compile(f"{_LETTER}[^\\w\\s\\x00-\\x7f‘’´·]+{_LETTER}")
# Letters of ISO 8859-2 (ą ś ź Ą Ś Ź; Š Ž š ž) that are symbols, or letters of one other language, in cp1250.
_ISO_POLISH, _ISO_OTHER = frozenset(b"\xb1\xb6\xbc\xa1\xa6\xac"), frozenset(b"\xa9\xae\xb9\xbe")
_MOST_SAMPLED = 200  # lines


def decode_text(data: bytes, language: str = "") -> str:
    """The text of a subtitle file: by its mark, as UTF-16 or UTF-8, else in the charset that fits it best."""
    for mark, name in _MARKS:
        if data.startswith(mark):
            return data.decode(name, "replace")
    # Times are ASCII: in UTF-16 every other byte of them is 0.
    zeros = data.count(0)
    if zeros > len(data) // 5:
        return data.decode("utf-16-le" if data[1::2].count(0) * 2 > zeros else "utf-16-be", "replace")
    if b"\x1b$" in data:
        return data.decode("iso2022_jp", "replace")
    if (declared := _DECLARED.match(data)) is not None:
        try:
            return data.decode(declared.group(1).decode())
        except (LookupError, UnicodeDecodeError):
            pass
    text = data.decode("utf-8", "replace")
    damaged = text.count("\ufffd")
    if damaged <= _MOST_DAMAGE * sum(1 for c in text if c > "\x7f"):
        return text
    return data.decode(_charset(data, language), "replace")


def _charset(data: bytes, language: str) -> str:
    from charset_normalizer import from_bytes

    sample = b"\n".join([line for line in data.splitlines() if not line.isascii()][:_MOST_SAMPLED])
    names = charsets_of(language) or _likely(sample)
    if names[0] == "cp1250" and names[-1] == "iso8859_2":
        old = _ISO_POLISH | (frozenset() if language[:2] == "pl" else _ISO_OTHER)
        # What cp1250 has from 0x80 on are control characters there.
        return "iso8859_2" if old & set(sample) and not any(0x80 <= byte < 0xA0 for byte in sample) else "cp1250"
    if len(names) == 1:
        return names[0]
    best = from_bytes(sample, cp_isolation=names, preemptive_behaviour=False).best()
    return best.encoding if best is not None else names[0]


def _likely(sample: bytes) -> list[str]:
    """Charsets for text without a language: by how many letters are ASCII, and whether it reads as Western Europe's."""
    beyond = sum(byte >= 0x80 for byte in sample)
    if beyond >= sum(bytes([byte]).isalpha() for byte in sample):
        return _OTHERS
    return _LATIN if _SYMBOL_IN_A_WORD.search(sample.decode("cp1252", "replace")) else ["cp1252"]
