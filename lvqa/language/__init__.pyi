from .lengths import cut_words as cut_words, sentences as sentences, word_count as word_count
from .noun_phrases import (
    ARTICLES as ARTICLES,
    WORD as WORD,
    Phrase as Phrase,
    is_verb as is_verb,
    noun_phrases as noun_phrases,
    whole_phrase as whole_phrase,
)
from .stems import (
    STOP_WORDS as STOP_WORDS,
    content as content,
    coverage as coverage,
    stem as stem,
    words_of as words_of,
)
from .times import (
    Order as Order,
    Ordinal as Ordinal,
    Position as Position,
    Relation as Relation,
    clock_s as clock_s,
    names_time as names_time,
    relation_of as relation_of,
    without_times as without_times,
)
from .video_names import file_forms as file_forms, mentioned_videos as mentioned_videos, named_videos as named_videos
from .words import (
    declarative as declarative,
    exact_parts as exact_parts,
    has_exactly as has_exactly,
    keywords as keywords,
    names as names,
    parts as parts,
    roots as roots,
    says as says,
    with_article as with_article,
)
