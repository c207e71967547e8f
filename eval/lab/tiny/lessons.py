"""What there is to ask about a picture and the right answer to it: the short questions that the tiny VLM understands.

The wording of the questions is that of prompts/short. Knows the world's words and no model.
"""

from __future__ import annotations

import random
import re
from collections.abc import Sequence

from lvqa.eval.lab.tiny.pictures import Picture
from lvqa.eval.lab.world.scenes.draw import Thing
from lvqa.eval.lab.world.words import (
    COLOURS,
    FLAG,
    GROUNDS,
    PLACES,
    PLURALS,
    SHAPES,
    SIGN,
    SIGN_DIGITS,
    SIGN_LETTERS,
    SIZES,
    at_place,
)
from lvqa.models.base import UNKNOWN

DESCRIBE = "describe the frame."
READ_SIGN = "what does the sign say?"
GROUND = "what is the ground?"
TOO_SMALL = "too small"
# A thing this near to the border of two places is not asked about by place.
_BORDER_PX = 12.0

QA = tuple[str, str]


def vocabulary() -> list[str]:
    """Every piece of text that the tokenizer knows, special tokens apart."""
    words = "a an the of is are there in at on what where how many does say with and it frame describe ground sign"
    words += " colour shape object objects yes no none nowhere nothing else too small unknown large middle"
    words += " top bottom left right flag , . ?"
    pieces = [*words.split(), *SHAPES, *PLURALS.values(), *COLOURS, *SIZES, *GROUNDS]
    pieces += [str(n) for n in range(10)] + [c.lower() for c in SIGN_LETTERS] + [f"##{c}" for c in SIGN_DIGITS]
    return list(dict.fromkeys(pieces))


_PIECE = re.compile(r"[a-z]+|[0-9]|[,.?]")


def pieces(text: str) -> list[str]:
    """A text as the tokenizer cuts it: words, marks, and a sign's digit as `##4` behind its letter."""
    found: list[str] = []
    end = -1
    for match in _PIECE.finditer(text):
        piece = match.group()
        found.append(f"##{piece}" if piece.isdigit() and match.start() == end else piece)
        end = match.end() if piece.isalpha() else -1
    return found


def article(words: str) -> str:
    """Words with `a` or `an` before them."""
    return f"{'an' if words[0] in 'aeiou' else 'a'} {words}"


def name(thing: Thing) -> str:
    """A thing in full, with its article: `a large red circle`, `a white flag`, `a sign`."""
    if thing.shape == SIGN:
        return "a sign"
    return (
        article(f"{thing.colour} flag")
        if thing.shape == FLAG
        else article(f"{thing.size} {thing.colour} {thing.shape}")
    )


def in_order(things: Sequence[Thing]) -> list[Thing]:
    """Things by place, row by row; two in one place from left to right."""
    return sorted(things, key=lambda thing: (PLACES.index(thing.place), thing.x, thing.y))


def describe(picture: Picture) -> str:
    """The description of a whole frame: its ground, then each thing with its place."""
    if picture.kind == "foreign":
        return UNKNOWN
    listed = [f"{name(thing)} {at_place(thing.place)}" for thing in in_order(picture.things)]
    return ", ".join([picture.ground, *(listed or ["nothing else"])]) + "."


def at_border(thing: Thing) -> bool:
    """Whether a thing stands so near to the next place that its own could be doubted."""
    x, y = thing.x * 3 / 512 % 1, thing.y * 3 / 288 % 1
    wide, high = _BORDER_PX * 3 / 512, _BORDER_PX * 3 / 288
    return not (wide <= x <= 1 - wide and high <= y <= 1 - high)


def crop_lessons(picture: Picture, rng: random.Random) -> list[QA]:
    """The questions about a crop: what its sign says, and its ground."""
    left, top, w, h = picture.window
    sign = next((t for t in picture.things if t.shape == SIGN), None)
    if sign is not None:
        x0, y0, x1, y1 = sign.box
        cut = x0 < left - 2 or y0 < top - 2 or x1 > left + w + 2 or y1 > top + h + 2
        if cut:
            return [(GROUND, picture.ground)]
    said = sign.text.lower() if sign is not None else "nothing"
    return [(READ_SIGN, said)] * 2 + [(GROUND, picture.ground), ("is there a sign?", "yes" if sign else "no")]


def foreign_lessons(rng: random.Random) -> list[QA]:
    """Questions about a picture with nothing of the world in it: all unknown, and nothing is there."""
    colour, shape = rng.choice(list(COLOURS)), rng.choice(SHAPES)
    return [
        (DESCRIBE, UNKNOWN),
        (READ_SIGN, UNKNOWN),
        (GROUND, UNKNOWN),
        (f"what colour is the {shape}?", UNKNOWN),
        (f"where is the {colour} {shape}?", UNKNOWN),
        (f"how many {colour} {PLURALS[shape]} are there?", UNKNOWN),
        ("how many objects are there?", UNKNOWN),
        (f"what is {at_place(rng.choice(PLACES))}?", UNKNOWN),
        (f"is there {article(f'{colour} {shape}')}?", "no"),
        ("is there a sign?", "no"),
    ]


def _matching(things: Sequence[Thing], size: str, colour: str, shape: str, place: str) -> list[Thing]:
    """Things that fit; an empty word fits all."""
    return [
        t
        for t in things
        if (not size or (t.size == size and t.shape != SIGN))
        and (not colour or (t.colour == colour and t.shape != SIGN))
        and (not shape or t.shape == shape)
        and (not place or t.place == place)
    ]


def _noun(*words: str) -> str:
    return " ".join(word for word in words if word)


def exists(things: Sequence[Thing], rng: random.Random) -> QA:
    """Is it there? Half yes; most of the others differ in one thing only from something that is there."""
    objects = [t for t in things if t.shape in SHAPES]
    if rng.random() < 0.12:
        if rng.random() < 0.5:
            return "is there a sign?", "yes" if any(t.shape == SIGN for t in things) else "no"
        flags = [t.colour for t in things if t.shape == FLAG]
        colour = rng.choice(flags) if flags and rng.random() < 0.5 else rng.choice(list(COLOURS))
        return f"is there {article(f'{colour} flag')}?", "yes" if colour in flags else "no"
    if objects and rng.random() < 0.9:
        one = rng.choice(objects)
        size, colour, shape, place = one.size, one.colour, one.shape, one.place
    else:
        size, colour = rng.choice(list(SIZES)), rng.choice(list(COLOURS))
        shape, place = rng.choice(SHAPES), rng.choice(PLACES)
    if rng.random() < 0.55:
        # The nearest thing to a lie: one property is another's.
        what = rng.choice(["colour", "shape", "colour", "shape", "place", "size"])
        others = [t for t in objects if rng.random() < 0.8]
        if what == "colour":
            colour = rng.choice([t.colour for t in others] or list(COLOURS))
        elif what == "shape":
            shape = rng.choice([t.shape for t in others] or list(SHAPES))
        elif what == "place":
            place = rng.choice([t.place for t in others] or list(PLACES))
        else:
            size = "small" if size == "large" else "large"
        keep_size = 0.7 if what == "size" else 0.15
        keep_place = 0.9 if what == "place" else 0.3
    else:
        keep_size, keep_place = 0.25, 0.35
    size = size if rng.random() < keep_size else ""
    place = place if rng.random() < keep_place else ""
    if place and any(at_border(t) for t in objects):
        place = ""
    there = _matching(objects, size, colour, shape, place)
    where = f" {at_place(place)}" if place else ""
    return f"is there {article(_noun(size, colour, shape))}{where}?", "yes" if there else "no"


def count(things: Sequence[Thing], rng: random.Random) -> QA:
    """How many objects, of a colour, a shape, a size or any."""
    objects = [t for t in things if t.shape in SHAPES]
    one = rng.choice(objects) if objects and rng.random() < 0.8 else None
    colour = (one.colour if one else rng.choice(list(COLOURS))) if rng.random() < 0.5 else ""
    shape = (one.shape if one else rng.choice(SHAPES)) if rng.random() < 0.4 else ""
    size = (one.size if one else rng.choice(list(SIZES))) if rng.random() < 0.2 else ""
    noun = PLURALS[shape] if shape else "objects"
    n = len(_matching(objects, size, colour, shape, ""))
    return f"how many {_noun(size, colour, noun)} are there?", str(n)


def _single(things: Sequence[Thing], rng: random.Random, hidden: str) -> tuple[Thing, str] | None:
    """A thing and words without its `hidden` property that fit it alone."""
    objects = [t for t in things if t.shape in SHAPES]
    if not objects:
        return None
    one = rng.choice(objects)
    forms = [("shape",), ("size", "shape"), ("shape", "place"), ("size", "shape", "place")]
    if hidden == "shape":
        forms = [("colour",), ("size", "colour"), ("colour", "place"), ("size", "colour", "place"), ("place",)]
    elif hidden == "place":
        forms = [("colour", "shape"), ("colour", "shape"), ("shape",), ("size", "shape"), ("size", "colour", "shape")]
    rng.shuffle(forms)
    for form in forms:
        if "place" in form and any(at_border(t) for t in objects):
            continue
        words = {p: getattr(one, p) if p in form else "" for p in ("size", "colour", "shape", "place")}
        if len(_matching(objects, **words)) == 1:
            noun = _noun(words["size"], words["colour"], words["shape"] or ("object" if hidden == "shape" else ""))
            where = f" {at_place(one.place)}" if words["place"] else ""
            return one, noun + where
    return None


def _absent(things: Sequence[Thing], rng: random.Random, hidden: str) -> str | None:
    """Words that fit nothing, made of properties that are there where possible."""
    objects = [t for t in things if t.shape in SHAPES]
    for _ in range(6):
        colour = rng.choice([t.colour for t in objects] if objects and rng.random() < 0.6 else list(COLOURS))
        shape = rng.choice([t.shape for t in objects] if objects and rng.random() < 0.6 else list(SHAPES))
        if hidden == "place" and not _matching(objects, "", colour, shape, ""):
            return f"{colour} {shape}"
        if hidden == "colour" and not _matching(objects, "", "", shape, ""):
            return shape
        if hidden == "shape" and not _matching(objects, "", colour, "", ""):
            return f"{colour} object"
    return None


def property_of(things: Sequence[Thing], rng: random.Random, hidden: str) -> QA | None:
    """What colour, what shape, or where; for one in seven, of something that is not there."""
    asked = {"colour": "what colour is the {}?", "shape": "what shape is the {}?", "place": "where is the {}?"}[hidden]
    if rng.random() < 0.15:
        absent = _absent(things, rng, hidden)
        if absent is not None:
            return asked.format(absent), "nowhere" if hidden == "place" else "none"
    if hidden == "place" and rng.random() < 0.2:
        special = [t for t in things if t.shape in (SIGN, FLAG)]
        if special:
            one = rng.choice(special)
            words = "sign" if one.shape == SIGN else f"{one.colour} flag"
            return asked.format(words), one.place
    found = _single(things, rng, hidden)
    if found is None or (hidden == "place" and at_border(found[0])):
        return None
    return asked.format(found[1]), str(getattr(found[0], hidden))


def at(things: Sequence[Thing], rng: random.Random) -> QA | None:
    """What stands at a place."""
    if any(at_border(t) for t in things):
        return None
    place = rng.choice([t.place for t in things]) if things and rng.random() < 0.75 else rng.choice(PLACES)
    there = [t for t in things if t.place == place]
    if len(there) > 1:
        return None
    return f"what is {at_place(place)}?", name(there[0]) if there else "nothing"


def frame_lessons(picture: Picture, rng: random.Random, n: int) -> list[QA]:
    """`n` questions, of all kinds in turn, about a whole frame; its description first, three times of four."""
    things = picture.things
    made: list[QA] = [(DESCRIBE, describe(picture))] if rng.random() < 0.75 else []
    kinds = ["exist", "colour", "place", "count", "exist", "count", "shape", "place", "at", "exist", "count", "rest"]
    start = rng.randrange(len(kinds))
    k = 0
    while len(made) < n and k < 3 * n:
        kind = kinds[(start + k) % len(kinds)]
        k += 1
        qa: QA | None
        if kind == "exist":
            qa = exists(things, rng)
        elif kind == "count":
            qa = count(things, rng)
        elif kind == "at":
            qa = at(things, rng)
        elif kind == "rest":
            sign = any(t.shape == SIGN for t in things)
            qa = (GROUND, picture.ground) if rng.random() < 0.4 else (READ_SIGN, TOO_SMALL if sign else "nothing")
        else:
            qa = property_of(things, rng, kind)
        if qa is not None:
            made.append(qa)
    return made


def lessons(picture: Picture, rng: random.Random, n: int = 12) -> list[QA]:
    """Questions about a picture of any kind, with their answers."""
    if picture.kind == "foreign":
        return rng.sample(foreign_lessons(rng), 4)
    if picture.kind == "crop":
        return crop_lessons(picture, rng)
    return frame_lessons(picture, rng, n)
