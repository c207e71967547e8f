"""A question as what a search can use: phrases to be near to, words to look up, and what it says about when.

"Describe, don't ask": captions describe, so a question is also searched as the phrase that a caption would use, without
the words that only say where in the video. By rule, in English; what a chat model adds comes as further phrases. This
module knows no notes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from lvqa.language.times import Relation, relation_of, without_times
from lvqa.language.words import declarative


@dataclass(frozen=True, slots=True)
class SearchQuery:
    """What is searched for.

    `meanings` are groups of phrases: the phrases of a group say the same, and their vectors are averaged; a note is as
    near as it is to the nearest group. `words` are texts whose words are looked up, each by itself.
    """

    text: str
    meanings: tuple[tuple[str, ...], ...]
    words: tuple[str, ...]
    relation: Relation = field(default_factory=Relation)

    @property
    def phrases(self) -> tuple[str, ...]:
        """Every phrase that has to be encoded, once."""
        anchor = (self.relation.anchor,) if self.relation.anchor else ()
        return tuple(dict.fromkeys([phrase for group in self.meanings for phrase in group] + [*anchor]))


def understand(
    text: str,
    also: Sequence[str] = (),
    options: Sequence[str] = (),
    *,
    rewrite: bool = True,
    relations: bool = True,
) -> SearchQuery:
    """Read a question.

    Args:
        text: the question, or any text to search for.
        also: further phrases for the same, such as a chat model's.
        options: the answers to choose from: each is a meaning together with the question, their words are one text.
        rewrite: search its declarative form too, and leave out the words that only say where in the video.
        relations: read what it says about when.
    """
    asked = without_times(text)
    plain, relation = relation_of(asked)
    main = [plain, declarative(plain)] if rewrite else [asked]
    extra = [phrase for phrase in dict.fromkeys(also) if phrase.strip() and phrase not in main and phrase != text]
    groups = [tuple(dict.fromkeys(main)), *((phrase,) for phrase in extra)]
    groups += [(f"{asked} {option}",) for option in options]
    words = [main[0], *extra]
    if options:
        words.append(" ".join(options))
    return SearchQuery(
        text, tuple(dict.fromkeys(groups)), tuple(dict.fromkeys(words)), relation if relations else Relation()
    )
