"""Notes with numbers for a prompt, and what a chat model's reply cites: sentences, choices, and what is wrong there.

Every sentence of an answer cites notes by number. A number that stands for no note is an error, which the model may
mend once; a sentence that still cites none goes. This module asks no model.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import BaseModel, Field, field_validator

from lvqa.agents.options import letter
from lvqa.agents.reply_values import UNSTATED
from lvqa.agents.rules.numbers import READING
from lvqa.agents.state import Claim, Item, SubAnswer
from lvqa.prompts import clean, for_prompt, load
from lvqa.types import Computation, format_time

NOTE_CHARACTERS = 400
_MOST_SENTENCES = 12
_EXAMPLE = re.compile(r'"text": "([^"]+)"')


class Sentence(BaseModel):
    """A sentence as the chat model writes it: `evidence` are the numbers of notes."""

    text: str
    evidence: list[int] = Field(default_factory=list)


class AnswerReply(BaseModel):
    """The answer as the chat model writes it."""

    sentences: list[Sentence] = Field(default_factory=list, max_length=_MOST_SENTENCES)
    choice: str | None = None
    confidence: float = Field(ge=0, le=1)
    missing: list[str] = Field(default_factory=list)

    @field_validator("missing", mode="before")
    @classmethod
    def _listed(cls, value: Any) -> Any:
        return [value] if isinstance(value, str) and value.strip() else value or []


def number(items: Sequence[Item], most: int = READING.notes, subs: Sequence[SubAnswer] = ()) -> dict[int, Item]:
    """The closest items, all that was seen or supports a sub-answer, numbered from 1 in the order of video and time."""
    held = {item.note.id for sub in subs for item in sub.items}
    held |= {item.note.id for item in items if item.note.source == "seen"}
    seen = [item for item in items if item.note.id in held]
    rest = [item for item in items if item.note.id not in held][: max(0, most - len(seen))]
    ordered = sorted([*seen, *rest], key=lambda i: (i.video, i.note.span, i.note.id))
    return dict(enumerate(ordered, 1))


def line(n: int, item: Item) -> str:
    """A note as a prompt shows it: `[3] kitchen.mp4 00:03:10 caption: text`."""
    text = for_prompt(item.note.text, NOTE_CHARACTERS)
    return f"[{n}] {for_prompt(item.video, 120)} {format_time(item.note.span.start_s)} {item.note.source}: {text}"


def lines(numbered: Mapping[int, Item]) -> str:
    """All notes as a prompt shows them, a line each."""
    return "\n".join(line(n, item) for n, item in numbered.items())


def ids(numbered: Mapping[int, Item]) -> str:
    """The numbers of the notes that a prompt shows: `1 to 48`; in full where some were left out."""
    shown = sorted(numbered)
    if shown == list(range(1, len(shown) + 1)):
        return f"1 to {len(shown)}" if len(shown) > 1 else ", ".join(map(str, shown)) or "none"
    return ", ".join(map(str, shown))


def computed_lines(computed: Sequence[Computation], numbered: Mapping[int, Item]) -> str:
    """What operators computed, with the numbers of the notes that the rows rest on; `none` where nothing was."""
    by_id = {item.note.id: n for n, item in numbered.items()}
    found = []
    for one in computed:
        rows = []
        for row in one.rows:
            cited = sorted({by_id[i] for i in row.notes if i in by_id})
            marks = "".join(f"[{n}]" for n in cited)
            rows.append(f"{for_prompt(row.event, 120)} {format_time(row.span.start_s)} {marks}".strip())
        found.append(f"{one.operator}: {for_prompt(one.text, 300)} ({'; '.join(rows)})")
    return "\n".join(found) or "none"


def known_lines(subs: Sequence[SubAnswer], numbered: Mapping[int, Item]) -> str:
    """What came of sub-questions, with the numbers of the notes that an answer rests on, a line each."""
    found = []
    for sub in subs:
        held = {item.note.id for item in sub.items}
        marks = "".join(f"[{n}]" for n, item in numbered.items() if item.note.id in held)
        asked, said = (for_prompt(text, NOTE_CHARACTERS) for text in (sub.asked or sub.text, sub.answer.text))
        said = f"{said} (confidence {sub.answer.confidence:.2f}) {marks}".strip()
        found.append(f"{asked} - {'not answered: nothing is known' if sub.answer.abstained else said}")
    return "\n".join(found)


def complaints(reply: AnswerReply, numbered: Mapping[int, Item], options: Sequence[str]) -> list[str]:
    """What is wrong with a reply that parsed: notes that do not exist, sentences that cite none, no such option."""
    found = []
    for sentence in reply.sentences:
        said = for_prompt(sentence.text, 80)
        if is_of_example(sentence.text):
            found.append(f"sentence {said!r} is the example's; say what the notes say")
        elif unknown := [n for n in sentence.evidence if n not in numbered]:
            found.append(f"sentence {said!r} cites notes {unknown}, which do not exist")
        elif not sentence.evidence:
            found.append(f"sentence {said!r} cites no note")
    if options and read_choice(reply.choice, options) is None:
        listed = "; ".join(f"{letter(n)} ({for_prompt(option, 80)})" for n, option in enumerate(options))
        found.append(f"choice must be one of the letters {listed}; got {reply.choice!r}")
    return found


def is_of_example(text: str) -> bool:
    """Whether a sentence is the one that stands in the prompts as an example, which small models copy."""
    return _plain(text) in {_plain(given) for given in _EXAMPLE.findall(load("answer").text)}


def _plain(text: str) -> str:
    return " ".join(text.split()).strip(" .").casefold()


def claims_of(reply: AnswerReply, numbered: Mapping[int, Item]) -> tuple[tuple[Claim, ...], int]:
    """The sentences that cite notes that there are, as claims; and how many sentences go.

    A sentence with one citation that does not exist goes too: what it says may rest on that one; and so does the
    example's.
    """
    kept = []
    written = [sentence for sentence in reply.sentences if sentence.text.strip()]
    for sentence in written:
        cites = sentence.evidence and all(n in numbered for n in sentence.evidence)
        if cites and not is_of_example(sentence.text):
            cited = tuple(dict.fromkeys(numbered[n].note.id for n in sentence.evidence))
            kept.append(Claim(" ".join(clean(sentence.text).split()), cited))
    return tuple(kept), len(written) - len(kept)


def chosen_alone(said: str, options: Sequence[str]) -> AnswerReply | None:
    """A reply that is an option's letter or text and nothing else, as small models write it, in place of the form."""
    choice = read_choice(said, options)
    return AnswerReply(choice=letter(choice), confidence=UNSTATED) if choice is not None else None


def read_choice(written: str | None, options: Sequence[str]) -> int | None:
    """The option meant by `B`, `(b)`, `B. its text` or its very text; None for anything else, numbers included."""
    if written is None:
        return None
    plain = written.strip().casefold()
    bare = plain.strip("()[]. :")
    # The prompt asks for the letter, so that wins where an option's text is the letter of another.
    for n in range(len(options)):
        if bare == letter(n).casefold():
            return n
    for n, option in enumerate(options):
        if plain.rstrip(". ") == option.strip().casefold().rstrip(". "):
            return n
    for n, option in enumerate(options):
        mark = letter(n).casefold()
        rest = plain.lstrip("([").removeprefix(mark)
        if rest != plain.lstrip("([") and rest[:1] in (".", ")", "]", ":") and option.strip().casefold() in rest:
            return n
    return None
