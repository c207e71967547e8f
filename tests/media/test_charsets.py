"""Bytes of subtitle files into text."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lvqa.media.decoding.charsets import decode_text

SENTENCES = {
    "en": ["“Smart quotes” — it’s €5…", "I don’t know what you’re talking about."],
    "de": ["Der Zug fährt um zwölf Uhr ab.", "Größe und Straße, übermäßig schön."],
    "fr": ["Où est la clé de la voiture ?", "C’était très différent, déjà à l’époque."],
    "es": ["¿Dónde está la llave?", "El niño comió mañana en España."],
    "pl": ["Pociąg odjeżdża w południe.", "Zażółć gęślą jaźń, dziękuję bardzo."],
    "cs": ["Vlak odjíždí v poledne.", "Příliš žluťoučký kůň úpěl ďábelské ódy."],
    "hu": ["A vonat délben indul.", "Árvíztűrő tükörfúrógép, őszintén."],
    "ru": ["Поезд отправляется в полдень.", "Я потерял свой паспорт, помогите мне!"],
    "uk": ["Потяг відправляється опівдні.", "Де мій ключ? Я його загубив."],
    "el": ["Το τρένο φεύγει το μεσημέρι.", "Πού είναι το κλειδί;"],
    "tr": ["Tren öğlen kalkıyor.", "Şimdi ne yapacağız, değil mi?"],
    "he": ["הרכבת יוצאת בצהריים.", "איפה המפתח שלי?"],
    "ar": ["يغادر القطار عند الظهر.", "أين مفتاح السيارة؟"],
    "th": ["รถไฟออกตอนเที่ยง", "กุญแจอยู่ที่ไหน"],
    "zh": ["火车中午出发。", "钥匙在哪里？我把护照弄丢了。"],
    "zh-tw": ["火車中午出發。", "鑰匙在哪裡？我把護照弄丟了。"],
    "ja": ["電車は正午に出発します。", "鍵はどこですか？パスポートをなくしました。"],
    "ko": ["기차는 정오에 출발합니다.", "열쇠가 어디에 있습니까?"],
    "lt": ["Traukinys išvyksta vidurdienį.", "Kur yra raktas? Ačiū, šiandien."],
}
OLD = {
    "en": ["cp1252"], "de": ["cp1252"], "fr": ["cp1252"], "es": ["cp1252"], "pl": ["cp1250", "iso8859_2"],
    "cs": ["cp1250", "iso8859_2"], "hu": ["cp1250", "iso8859_2"], "ru": ["cp1251", "koi8_r", "cp866", "iso8859_5"],
    "uk": ["cp1251", "koi8_u"], "el": ["cp1253", "iso8859_7"], "tr": ["cp1254"], "he": ["cp1255"], "ar": ["cp1256"],
    "th": ["cp874"], "zh": ["gb18030", "gb2312"], "zh-tw": ["big5"], "ja": ["cp932", "euc_jp", "iso2022_jp"],
    "ko": ["cp949"], "lt": ["cp1257"],
}  # fmt: skip
UNICODE = ("utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32")


def _srt(lines):
    cues = [f"{n}\n00:00:0{n},000 --> 00:00:0{n},900\n{line}" for n, line in enumerate(lines)]
    return "\n\n".join(cues)


@pytest.mark.parametrize("language", OLD)
@pytest.mark.parametrize("count", [1, 2, 6])
def test_old_charsets_of_a_language_that_the_name_says(language, count):
    text = _srt((SENTENCES[language] * 3)[:count])
    for charset in OLD[language]:
        assert decode_text(text.encode(charset), language) == text, charset


@pytest.mark.parametrize("language", SENTENCES)
@pytest.mark.parametrize("charset", UNICODE)
@pytest.mark.parametrize("named", [True, False])
def test_unicode_is_itself_whatever_the_name_says(language, charset, named):
    text = _srt(SENTENCES[language])
    assert decode_text(text.encode(charset), language if named else "") == text


@pytest.mark.parametrize(
    ("language", "charset"),
    [("en", "cp1252"), ("de", "cp1252"), ("fr", "cp1252"), ("es", "cp1252"), ("pl", "cp1250"), ("cs", "cp1250"),
     ("ru", "cp1251"), ("uk", "cp1251"), ("el", "cp1253"), ("ar", "cp1256"), ("th", "cp874"), ("zh", "gb18030"),
     ("zh-tw", "big5"), ("ja", "cp932"), ("ko", "cp949")],
)  # fmt: skip
def test_the_usual_charsets_without_a_language(language, charset):
    text = _srt(SENTENCES[language] * 3)
    assert decode_text(text.encode(charset)) == text


def test_a_wrong_byte_does_not_make_utf_8_something_else():
    text = _srt(SENTENCES["de"] * 3)
    broken = text.encode().replace("ß".encode(), b"\xc3", 1)
    assert decode_text(broken, "de") == text.replace("ß", "\ufffd", 1)


def test_an_encoding_that_xml_declares_is_taken():
    text = '<?xml version="1.0" encoding="windows-1251"?><tt><body><p>Поезд</p></body></tt>'
    assert decode_text(text.encode("cp1251")) == text
    assert decode_text(text.replace("windows-1251", "no-such").encode()) == text.replace("windows-1251", "no-such")


@given(st.binary(max_size=300), st.sampled_from(["", "en", "ru", "pl", "zh", "ja", "xx"]))
def test_any_bytes_become_some_text(data, language):
    assert isinstance(decode_text(data, language), str)
