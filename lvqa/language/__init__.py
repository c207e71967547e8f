"""Words of a question and of a note, by rule: times, ordinals, names of files, stems. Knows no note and no model."""

from __future__ import annotations

from typing import TYPE_CHECKING

import lazy_loader

if TYPE_CHECKING:
    from lvqa.language.noun_phrases import ARTICLES as ARTICLES
    from lvqa.language.noun_phrases import WORD as WORD
    from lvqa.language.noun_phrases import Phrase as Phrase
    from lvqa.language.noun_phrases import whole_phrase as whole_phrase
    from lvqa.language.stems import STOP_WORDS as STOP_WORDS
    from lvqa.language.stems import content as content
    from lvqa.language.stems import coverage as coverage
    from lvqa.language.stems import stem as stem
    from lvqa.language.stems import words_of as words_of
    from lvqa.language.times import Order as Order
    from lvqa.language.times import Ordinal as Ordinal
    from lvqa.language.times import Position as Position
    from lvqa.language.times import Relation as Relation
    from lvqa.language.times import clock_s as clock_s
    from lvqa.language.times import relation_of as relation_of
    from lvqa.language.times import without_times as without_times
    from lvqa.language.video_names import file_forms as file_forms
    from lvqa.language.video_names import named_videos as named_videos
    from lvqa.language.words import declarative as declarative
    from lvqa.language.words import exact_parts as exact_parts
    from lvqa.language.words import has_exactly as has_exactly
    from lvqa.language.words import names as names
    from lvqa.language.words import parts as parts
    from lvqa.language.words import roots as roots
    from lvqa.language.words import says as says
    from lvqa.language.words import with_article as with_article

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "noun_phrases": ("ARTICLES", "WORD", "Phrase", "whole_phrase"),
        "stems": ("STOP_WORDS", "content", "coverage", "stem", "words_of"),
        "times": ("Order", "Ordinal", "Position", "Relation", "clock_s", "relation_of", "without_times"),
        "video_names": ("file_forms", "named_videos"),
        "words": ("declarative", "exact_parts", "has_exactly", "names", "parts", "roots", "says", "with_article"),
    },
)
