"""A large archive for the search benchmark: captions, their vectors, vectors of frames, and held-out queries.

Nothing here was seen by a model; what decides how hard an archive is to search is made like the real thing. Words are
as unevenly common as in captions (a third of them has "man"), and captions of a video share people and places. A
note's vector is that of its words, weighed by rarity, of its video, and noise. Frames are runs of neighbours of one
shot whose cosines differ in the third decimal, shots of one video lie near each other, and all lie in one cone; half
of the frame queries come from the other side of the gap between words and pictures, at a cosine of 0.3, half look
like a frame. Queries are made anew, from a few of a note's words or a direction near a frame: none is a document.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Vectors = npt.NDArray[np.float32]

NOTE_DIM = 384
FRAME_DIM = 512
PER_VIDEO = 1000

_WHO = "man woman child boy girl person toddler player dog lady baby crowd teacher cook worker singer horse cat"
_HUES = "white blue black red green yellow grey pink brown orange purple striped plaid floral beige golden"
_WORN = "shirt jacket dress hat sweater t-shirt coat pants hoodie uniform apron scarf shorts helmet vest cap"
_DOES = """holds lifts opens carries pushes pulls throws catches cuts washes paints kicks rides climbs stirs pours
    feeds chases hugs drops folds reads plays cleans fixes ties shakes spins stacks hides touches examines packs wipes
    peels breaks fills empties rolls drags waves hammers sweeps digs plants wraps unwraps measures weighs"""
_THINGS = """ball cup table book chair phone bottle toy car bag box camera guitar bicycle plate knife bowl spoon fridge
    laptop kite umbrella rope ladder bucket basket balloon drum piano violin brush towel pillow blanket lamp clock
    mirror suitcase tent canoe oar helmet skateboard surfboard snowboard racket bat glove whistle trophy medal flag
    candle cake bread apple banana carrot onion tomato egg pan kettle teapot jar tin carton tray oven stove sink tap
    hose shovel rake wheelbarrow hammer saw drill wrench nail plank brick tile paint canvas easel puppet puzzle
    domino dice card chess marble swing slide seesaw stroller crib cradle leash collar saddle bridle carriage wagon
    tractor truck bus train boat ferry helicopter drone telescope microscope syringe bandage stethoscope"""
_WHERE = """room kitchen street park garden beach stage field yard playground office classroom hall pool market station
    garage workshop stable forest lake river bridge rooftop balcony staircase corridor bathroom bedroom gym court rink
    slope harbour airport library museum church restaurant bakery farm barn vineyard desert cave tunnel"""
_HOW = "slowly quickly carefully happily quietly again twice together alone suddenly gently proudly"
_HEADS = ("ka", "mo", "ri", "te", "lu", "so", "vi", "pe", "dra", "gu", "ne", "fa", "hol", "bri", "wen", "sta")
_TAILS = ("bar", "den", "fin", "gol", "hem", "jor", "lat", "mis", "nor", "pak", "rud", "tov", "wick", "ley", "son")
# What is written on shirts, boxes and walls: many words, each rare.
_RARE = [a + b + c for c in ("", "a", "er", "ing", "s", "o", "y", "um") for b in _TAILS for a in _HEADS]
_GROUPS = (*(words.split() for words in (_WHO, _HUES, _WORN, _DOES, _THINGS, _WHERE, _HOW)), _RARE)
_STARTS = np.cumsum([0, *map(len, _GROUPS)])
WORDS: list[str] = [word for group in _GROUPS for word in group]


def _shares(count: int, bend: float, power: float = 1.0) -> npt.NDArray[np.float64]:
    weights = 1 / (np.arange(count) + bend) ** power
    shares: npt.NDArray[np.float64] = weights / weights.sum()
    return shares


_ODDS = tuple(
    _shares(len(group), bend) for group, bend in zip(_GROUPS, (1.0, 2.0, 2.0, 6.0, 8.0, 3.0, 5.0, 40.0), strict=True)
)


@dataclass(frozen=True, slots=True)
class Block:
    """The rows of one video, a note and a frame a second: texts, float32 (n, d) vectors of both."""

    number: int
    texts: list[str]
    notes: Vectors
    frames: Vectors


@dataclass(frozen=True, slots=True)
class Queries:
    """Questions, float32 (n, d) vectors of the same in both spaces, and the videos that they were made from."""

    texts: list[str]
    notes: Vectors
    frames: Vectors
    videos: list[int]


class Corpus:
    """The same archive for the same seed; any video can be made without those before it."""

    def __init__(self, rows: int, seed: int = 0) -> None:
        self.rows = rows
        self.videos = max(1, rows // PER_VIDEO)
        self._seed = seed
        rng = np.random.default_rng((seed, 0))
        # Words lie in few directions, of which the first count most, as embeddings of texts do.
        topics = rng.normal(size=(len(WORDS), 64)) * np.arange(1, 65) ** -0.5
        shared = _unit(rng.normal(size=(64, NOTE_DIM)))
        self._words = _unit(_unit(topics) @ shared + 0.35 * _unit(rng.normal(size=(len(WORDS), NOTE_DIM))))
        self._manner = _unit(rng.normal(size=(1, NOTE_DIM)))
        odds = np.concatenate(_ODDS)
        self._weight = np.log(1 + 1 / odds).astype(np.float32)
        spectrum = np.arange(1, 161)[:, None] ** -0.5
        self._basis = (rng.normal(size=(160, FRAME_DIM)) / np.sqrt(FRAME_DIM) * spectrum * 2).astype(np.float32)
        self._cone = (rng.normal(size=FRAME_DIM) / np.sqrt(FRAME_DIM) * 2).astype(np.float32)
        self._gap = _unit(rng.normal(size=(1, FRAME_DIM)))[0]

    def blocks(self, first: int = 0, last: int | None = None) -> Iterator[Block]:
        """Videos one after the other."""
        for number in range(first, self.videos if last is None else last):
            yield self.block(number)

    def block(self, number: int) -> Block:
        """One video."""
        rng = np.random.default_rng((self._seed, 1, number))
        drawn = self._drawn(rng)
        return Block(number, [_caption(row) for row in drawn.tolist()], self._note_vectors(rng, drawn), self._seen(rng))

    def queries(self, count: int, seed: int = 0) -> Queries:
        """Held-out queries about videos spread over the archive."""
        rng = np.random.default_rng((self._seed, 2, seed))
        videos = rng.integers(0, self.videos, count)
        mean = self._cone / np.linalg.norm(self._cone)
        texts, notes, frames = [], [], []
        for at, number in enumerate(videos.tolist()):
            own = np.random.default_rng((self._seed, 1, number))
            drawn = self._drawn(own)
            self._note_vectors(own, drawn)
            row = int(rng.integers(PER_VIDEO))
            frame = self._seen(own)[row]
            who, hue, worn, does, thing, other, where, _, rare = drawn[row].tolist()
            asked = [
                f"what does the {WORDS[who]} in the {WORDS[hue]} {WORDS[worn]} do with the {WORDS[thing]}",
                f"why is there a {WORDS[thing]} beside the {WORDS[other]} in the {WORDS[where]}",
                f"when does the {WORDS[who]} who {WORDS[does]} the {WORDS[thing]} leave the {WORDS[where]}",
                f"where is the {WORDS[hue]} {WORDS[worn]} with {WORDS[rare]} written on it",
            ][at % 4]
            forms = ([who, hue, worn, thing], [thing, other, where], [who, does, thing, where], [hue, worn, rare])
            used = forms[at % 4]
            texts.append(asked)
            vector = (self._words[used] * self._weight[used, None]).sum(axis=0)
            blur = 0.3 * self._manner[0] + 0.4 * _unit(rng.normal(size=(1, NOTE_DIM)))[0]
            notes.append(vector / np.linalg.norm(vector) + blur)
            noise = _unit(rng.normal(size=(1, FRAME_DIM)))[0]
            content = frame - mean * (frame @ mean)
            words = 0.35 * content / np.linalg.norm(content) + 0.75 * self._gap + 0.5 * noise
            frames.append(words if at % 2 else frame + 0.35 * noise)
        return Queries(texts, _unit(np.array(notes)), _unit(np.array(frames)), videos.tolist())

    def _drawn(self, rng: np.random.Generator) -> npt.NDArray[np.int64]:
        """The words of a video's captions, (n, 9); a few people, things and places come again and again."""
        columns = []
        for group, few in ((0, 3), (1, 5), (2, 4), (3, 12), (4, 12), (4, 12), (5, 2), (6, 6), (7, 8)):
            own = rng.choice(len(_GROUPS[group]), few, p=_ODDS[group])
            common = rng.choice(len(_GROUPS[group]), PER_VIDEO, p=_ODDS[group])
            columns.append(_STARTS[group] + np.where(rng.random(PER_VIDEO) < 0.6, rng.choice(own, PER_VIDEO), common))
        # What one second shows, the next mostly shows too.
        drawn = np.stack(columns, axis=1)
        for at in range(1, PER_VIDEO):
            stays = rng.random(drawn.shape[1]) < 0.5
            drawn[at, stays] = drawn[at - 1, stays]
        return drawn

    def _note_vectors(self, rng: np.random.Generator, drawn: npt.NDArray[np.int64]) -> Vectors:
        words = _unit(np.einsum("nwd,nw->nd", self._words[drawn], self._weight[drawn]))
        video = _unit(rng.normal(size=(1, NOTE_DIM)))
        return _unit(words + 0.7 * self._manner + 0.3 * video + 0.2 * _unit(rng.normal(size=words.shape)))

    def _seen(self, rng: np.random.Generator) -> Vectors:
        shot = np.cumsum(rng.random(PER_VIDEO) < 1 / 12)
        drift = np.cumsum(rng.normal(size=(PER_VIDEO, 160)) * 0.05, axis=0)
        drift -= drift[np.searchsorted(shot, shot)]
        content = 0.6 * rng.normal(size=160) + 0.8 * rng.normal(size=(shot[-1] + 1, 160))[shot] + drift
        noise = rng.normal(size=(PER_VIDEO, FRAME_DIM)) * (0.06 / np.sqrt(FRAME_DIM))
        return _unit(self._cone + content.astype(np.float32) @ self._basis + noise)


def _caption(row: list[int]) -> str:
    who, hue, worn, does, thing, other, where, how, rare = (WORDS[word] for word in row)
    return (
        f"The image shows a {who} in a {hue} {worn} who {how} {does} the {thing} in the {where}. "
        f"There is a {other} in the background, and the word {rare} can be read on the wall."
    )


def _unit(vectors: npt.NDArray[np.floating]) -> Vectors:
    found: Vectors = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
    return found
