"""Languages as people write them into the names of files and tracks: codes, names, and the charsets of old files."""

from __future__ import annotations

import unicodedata

# The code of ISO 639-1, the other codes that are seen for it, its name in English and in itself.
_NAMES = """
af afr afrikaans | ar ara arabic العربية | az aze azerbaijani | be bel belarusian беларуская
bg bul bulgarian български | bn ben bengali bangla | bs bos bosnian bosanski | ca cat catalan català
cs ces cze cz czech čeština cestina cesky | cy cym wel welsh | da dan dk danish dansk
de deu ger german deutsch allemand | el ell gre gr greek ελληνικά
en eng english englisch anglais inglés ingles inglese | es spa esp spanish español espanol castellano castilian latino
et est estonian eesti | eu eus baq basque euskara | fa fas per farsi persian فارسی | fi fin finnish suomi
fr fra fre french français francais französisch | ga gle irish gaeilge | gl glg galician galego | gu guj gujarati
he heb iw hebrew עברית | hi hin hindi हिन्दी | hr hrv scr croatian hrvatski | hu hun hungarian magyar
hy hye arm armenian | id ind indonesian indonesia | is isl ice icelandic íslenska | it ita italian italiano
ja jpn jp jap japanese 日本語 | ka kat geo georgian | kk kaz kazakh | km khm khmer | kn kan kannada
ko kor kr korean 한국어 | la lat | lt lit lithuanian lietuvių | lv lav latvian latviešu
mk mkd mac macedonian македонски | ml mal malayalam | mn mon mongolian | mr mar marathi | ms msa may malay melayu
my mya bur burmese | nl nld dut dutch nederlands flemish | no nor nob nno nb nn norwegian norsk bokmål nynorsk
pa pan punjabi | pl pol polish polski | pt por pob ptb portuguese português portugues brazilian brazil
ro ron rum romanian română | ru rus russian русский | sk slk slo slovak slovenčina
sl slv slovenian slovene slovenščina | sq sqi alb albanian shqip | sr srp scc serbian srpski српски
sv swe swedish svenska | sw swa swahili | ta tam tamil | te tel telugu | th tha thai ไทย | tl tgl fil tagalog filipino
tr tur turkish türkçe turkce | uk ukr ua ukrainian українська | ur urd urdu | uz uzb uzbek | vi vie vn vietnamese việt
zh zho chi chs cht cn zhs zht yue chinese mandarin cantonese
zh simplified traditional 中文 简体 繁體 繁体 简中 繁中 简体中文 繁體中文
"""
# Charsets of text that is no Unicode, the likeliest first.
_CHARSETS = {
    "cp1250 iso8859_2": "bs cs hr hu pl ro sk sl sq",
    "cp1251 koi8_u cp866 iso8859_5": "be bg kk mk mn ru sr uk",
    "cp1253 iso8859_7": "el",
    "cp1254": "az tr",
    "cp1255": "he",
    "cp1256": "ar fa ur",
    "cp1257": "et lt lv",
    "cp1258": "vi",
    "cp874": "th",
    "gb18030 big5hkscs": "zh",
    "cp932 euc_jp": "ja",
    "cp949": "ko",
}
_CODES = {
    unicodedata.normalize("NFC", name).casefold(): row.split()[0]
    for line in _NAMES.strip().splitlines()
    for row in line.split("|")
    for name in row.split()
}
_CHARSETS_OF = {code: names.split() for names, codes in _CHARSETS.items() for code in codes.split()}


def language_code(word: str) -> str:
    """The code (ISO 639-1) of a language by one of its codes or names, folded and composed; empty if it is none."""
    return _CODES.get(word, "")


def charsets_of(language: str) -> list[str]:
    """Charsets in which files of a language (a code, maybe with a region) were written before Unicode.

    The likeliest first; empty for no language, those of Western Europe for one that is not known.
    """
    if not language:
        return []
    primary, _, region = language.partition("-")
    found = _CHARSETS_OF.get(language_code(primary) or primary, ["cp1252"])
    return found[::-1] if primary == "zh" and region in ("tw", "hk", "mo", "hant") else found
