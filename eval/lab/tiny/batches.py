"""Lessons packed for training: one picture, many questions, each of which sees the picture and itself alone.

Packing gives some eight answers for one pass over a picture's tokens, in a layout whose every question looks to the
model as if it stood alone: positions start anew behind the picture. Knows tensors, no optimiser.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from lvqa.eval.lab.tiny.lessons import QA, pieces
from lvqa.eval.lab.tiny.model import GRID, IMAGE_TOKENS, token_ids
from lvqa.eval.lab.tiny.pictures import SIDE, Picture
from lvqa.eval.lab.world.scenes.draw import CHARACTER_W
from lvqa.eval.lab.world.words import COLOURS, FLAG, GROUNDS, SHAPES, SIGN, SIGN_DIGITS, SIGN_LETTERS, SIZES

PREFIX = 3 + IMAGE_TOKENS - 1  # <s> <user> <image> x 64
MOST_TOKENS = 166
IGNORE = -100

_SHAPE = {name: k + 1 for k, name in enumerate((*SHAPES, FLAG, SIGN))}
_COLOUR = {name: k + 1 for k, name in enumerate(COLOURS)}
_SIZE = {name: k + 1 for k, name in enumerate(SIZES)}
_CHARACTER = {name: k + 1 for k, name in enumerate(SIGN_LETTERS + SIGN_DIGITS)}
_GROUND = {name: k + 1 for k, name in enumerate(GROUNDS)}
# The dense lessons of the tower: how many classes each has, 0 being none.
DENSE = {
    "shape": len(_SHAPE) + 1,
    "colour": len(_COLOUR) + 1,
    "size": len(_SIZE) + 1,
    "character": len(_CHARACTER) + 1,
    "ground": len(_GROUND) + 1,
}


def dense_labels(picture: Picture) -> npt.NDArray[np.int8]:
    """What each patch shows, (5, 8, 8): a thing is named by the patch that holds its middle, its others are ignored."""
    labels = np.zeros((len(DENSE), GRID, GRID), np.int8)
    labels[4] = _GROUND.get(picture.ground, 0)
    left, top, w, h = picture.window
    whole = picture.kind in ("frame", "crowd")
    for thing in picture.things:
        x0, y0, x1, y1 = thing.box
        columns = slice(*_patches(x0, x1, left, w))
        rows = slice(*_patches(y0, y1, top, h))
        if whole:
            labels[:3, rows, columns] = IGNORE
        elif thing.shape == SIGN:
            labels[3, rows, columns] = IGNORE
    for thing in picture.things:
        if whole:
            at = _patch(thing.x, thing.y, picture)
            if at is not None:
                sign = thing.shape == SIGN
                labels[(0, *at)] = _SHAPE[thing.shape]
                labels[(1, *at)] = IGNORE if sign else _COLOUR[thing.colour]
                labels[(2, *at)] = IGNORE if sign else _SIZE[thing.size]
        elif thing.shape == SIGN:
            for k, character in enumerate(thing.text):
                at = _patch(thing.x + (k - (len(thing.text) - 1) / 2) * CHARACTER_W, thing.y, picture)
                if at is not None:
                    labels[(3, *at)] = _CHARACTER[character]
    if not whole and picture.kind != "foreign":
        labels[:3] = IGNORE
    return labels


def _patches(low: float, high: float, origin: float, extent: float) -> tuple[int, int]:
    first, last = (int(np.floor((v - origin) / extent * GRID)) for v in (low, high))
    return max(0, first), max(0, min(GRID, last + 1))


def _patch(x: float, y: float, picture: Picture) -> tuple[int, int] | None:
    left, top, w, h = picture.window
    column, row = int(np.floor((x - left) / w * GRID)), int(np.floor((y - top) / h * GRID))
    return (row, column) if 0 <= row < GRID and 0 <= column < GRID else None


@dataclass(frozen=True, slots=True)
class Packed:
    """A batch: tokens (b, l), their positions, the segment of each (0 the picture, -1 padding), answers as labels.

    `weights` are those of the labels in the loss: the tokens of an answer together count as the root of their number,
    so that a description does not drown eight short answers.
    """

    tokens: torch.Tensor
    positions: torch.Tensor
    segments: torch.Tensor
    labels: torch.Tensor
    weights: torch.Tensor

    def mask(self) -> torch.Tensor:
        """Who may look at whom, as what eager attention adds: 0 or very little, bfloat16 (b, 1, l, l)."""
        length = self.tokens.shape[1]
        same = self.segments[:, :, None] == self.segments[:, None, :]
        allowed = (same | (self.segments == 0)[:, None, :]) & torch.ones(length, length, dtype=torch.bool).tril()
        return torch.zeros(allowed.shape, dtype=torch.bfloat16).masked_fill_(~allowed, -30000.0)[:, None]


def pack(asked: Sequence[Sequence[QA]], length: int = 0) -> Packed:
    """Pictures' questions as one batch; what does not fit any more is left out.

    With `length`, rows are filled up to that many tokens behind the picture's: compiled code wants one shape.
    """
    ids = token_ids()
    start = [ids["<s>"], ids["<user>"], *[ids["<image>"]] * IMAGE_TOKENS]
    rows = []
    for questions in asked:
        tokens, positions, segments = list(start), list(range(PREFIX)), [0] * PREFIX
        labels = [IGNORE] * PREFIX
        weights = [0.0] * PREFIX
        for n, (question, answer) in enumerate(questions, 1):
            q, a = _encoded(question), _encoded(answer)
            if len(tokens) + len(q) + len(a) + 2 > PREFIX + MOST_TOKENS:
                continue
            tokens += [*q, ids["<assistant>"], *a, ids["</s>"]]
            positions += range(PREFIX, PREFIX + len(q) + len(a) + 2)
            segments += [n] * (len(q) + len(a) + 2)
            # A token's label is the token after it.
            labels += [IGNORE] * len(q) + [*a, ids["</s>"], IGNORE]
            weights += [(len(a) + 1) ** -0.5] * (len(q) + len(a) + 2)
        rows.append((tokens, positions, segments, labels, weights))
    longest = PREFIX + length if length else max(len(row[0]) for row in rows)
    fill = (ids["<pad>"], 0, -1, IGNORE, 0.0)
    stacked = [
        torch.tensor([[*row[k], *[fill[k]] * (longest - len(row[k]))] for row in rows]) for k in range(len(fill))
    ]
    return Packed(*stacked)


@cache
def _encoded(text: str) -> tuple[int, ...]:
    ids = token_ids()
    return tuple(ids[piece] for piece in pieces(text))


def pixels_of(batch: npt.NDArray[np.uint8], rng: random.Random | None = None) -> torch.Tensor:
    """Pictures as the processor gives them, float (b, 3, 128, 128) in [-1, 1]; with `rng`, light and grain vary."""
    values = torch.from_numpy(batch).permute(0, 3, 1, 2).float() / 127.5 - 1
    if rng is not None:
        generator = torch.Generator().manual_seed(rng.randrange(1 << 30))
        n = len(batch)
        values = values * (1 + 0.06 * torch.randn(n, 1, 1, 1, generator=generator))
        values = values + 0.04 * torch.randn(n, 3, 1, 1, generator=generator)
        values = values + 0.02 * torch.rand(n, 1, 1, 1, generator=generator) * torch.randn(
            n, 3, SIDE, SIDE, generator=generator
        )
    return values


def forward(
    model: Any, features: torch.Tensor, packed: Packed, language: Any = None
) -> tuple[torch.Tensor, torch.Tensor]:
    """Logits (m, vocabulary) where an answer's token is due, and those m tokens, from the projected picture tokens.

    `language` may be the compiled form of the model's own.
    """
    language = model.model.language_model if language is None else language
    embedded = model.model.language_model.embed_tokens(packed.tokens).clone()
    embedded[:, 2 : 2 + IMAGE_TOKENS] = features.to(embedded.dtype)
    hidden = language(
        inputs_embeds=embedded, attention_mask=packed.mask(), position_ids=packed.positions, use_cache=False
    ).last_hidden_state
    due = packed.labels != IGNORE
    return model.lm_head(hidden[due]), packed.labels[due]


def features_of(model: Any, pixels: torch.Tensor) -> torch.Tensor:
    """The projected picture tokens, (b, 64, width), by the same path as in use."""
    return torch.stack(list(model.get_image_features(pixel_values=pixels).pooler_output))
