"""Trains the tiny dual encoder: frames and descriptions into one space (SigLIP, arXiv 2303.15343).

Its tower starts from the VLM's. Since the world's truth is known, every text of a batch is compared with every frame
of it under the right label, not only with its own: a red star is a match wherever there is one.

    python -m lvqa.eval.lab.tiny.dual --work DIR [--tower FOLDER] [--out FOLDER]
"""

from __future__ import annotations

import argparse
import json
import random
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from lvqa.eval.lab.tiny.batches import pixels_of
from lvqa.eval.lab.tiny.lessons import at_border, describe, pieces
from lvqa.eval.lab.tiny.model import WIDTH, image_processor, make_tokenizer, token_ids, vision_config
from lvqa.eval.lab.tiny.models import FOLDER
from lvqa.eval.lab.tiny.pictures import Picture, render
from lvqa.eval.lab.tiny.train import SEED, Pictures, descend, make_optimizers, rates, set_rates
from lvqa.eval.lab.world.scenes.draw import Thing
from lvqa.eval.lab.world.words import COLOURS, FLAG, SHAPES, SIGN, at_place

TEXT_TOKENS = 72
# Layers of the tower, of five, that stay as the VLM's training left them.
LOCKED = 3


@dataclass(frozen=True, slots=True)
class DualText:
    """A text and what has to be in a frame for it to hold: things by (size, colour, shape, place), empty for any."""

    text: str
    things: tuple[tuple[str, str, str, str], ...] = ()
    ground: str = ""
    whole: bool = False

    def holds(self, picture: Picture) -> bool:
        """Whether the text is true of a frame; a whole description also leaves nothing out."""
        if picture.kind != "frame" or (self.ground and picture.ground != self.ground):
            return False
        if self.whole and len(picture.things) != len(self.things):
            return False
        return all(any(_fits(thing, wanted) for thing in picture.things) for wanted in self.things)


def _fits(thing: Thing, wanted: tuple[str, str, str, str]) -> bool:
    size, colour, shape, place = wanted
    return (
        (not size or thing.size == size)
        and (not colour or thing.colour == colour)
        and (not shape or thing.shape == shape)
        and (not place or thing.place == place)
    )


def query_about(picture: Picture, rng: random.Random) -> DualText:
    """A text that holds in a frame: its description, some of its things, or its ground."""
    kind = rng.random()
    things = [t for t in picture.things if not at_border(t)]
    if kind < 0.25 or not things:
        everything = tuple(_wanted(t, size=True, place=True) for t in picture.things)
        return DualText(describe(picture), everything, picture.ground, whole=True)
    if kind < 0.30:
        return DualText(picture.ground, (), picture.ground)
    chosen = rng.sample(things, min(len(things), 1 if kind < 0.85 else 2))
    parts: list[str] = []
    wanted_things: list[tuple[str, str, str, str]] = []
    for thing in chosen:
        size, place = rng.random() < 0.2, rng.random() < 0.35
        colour = thing.shape == SIGN or rng.random() < 0.9
        wanted = _wanted(thing, size=size, place=place, colour=colour)
        parts.append(phrase(wanted))
        wanted_things.append(wanted)
    return DualText(", ".join(parts), tuple(wanted_things))


def _wanted(thing: Thing, *, size: bool, place: bool, colour: bool = True) -> tuple[str, str, str, str]:
    plain = thing.shape in (SIGN, FLAG)
    return (
        thing.size if size and not plain else "",
        thing.colour if colour and thing.shape != SIGN else "",
        thing.shape,
        thing.place if place else "",
    )


def phrase(wanted: tuple[str, str, str, str]) -> str:
    """`a large red star at the top left`, of whatever is given."""
    size, colour, shape, place = wanted
    words = " ".join(word for word in (size, colour, shape) if word)
    where = f" {at_place(place)}" if place else ""
    return f"{'an' if words[0] in 'aeiou' else 'a'} {words}{where}"


def make_model(tower: Path | None) -> Any:
    """A SiglipModel of 2.7 M parameters, its tower's layers taken from a trained VLM where one is given."""
    from transformers import AutoModelForImageTextToText, SiglipConfig, SiglipModel, SiglipTextConfig

    ids = token_ids()
    torch.manual_seed(SEED)
    text = SiglipTextConfig(
        vocab_size=len(ids),
        hidden_size=128,
        intermediate_size=320,
        num_hidden_layers=2,
        num_attention_heads=4,
        max_position_embeddings=TEXT_TOKENS,
        projection_size=WIDTH,
        pad_token_id=ids["<pad>"],
        bos_token_id=ids["<s>"],
        eos_token_id=ids["</s>"],
    )
    vision = vision_config()
    vision.vision_use_head = True
    model = SiglipModel(SiglipConfig(text_config=text.to_dict(), vision_config=vision.to_dict()))
    with torch.no_grad():
        model.logit_scale.fill_(np.log(10.0))
        model.logit_bias.fill_(-6.0)
    if tower is not None:
        trained = AutoModelForImageTextToText.from_pretrained(tower, dtype=torch.float32).model.vision_tower
        missing = model.vision_model.load_state_dict(trained.state_dict(), strict=False)
        left_out = [name for name in missing.missing_keys if "head." not in name]
        if left_out or missing.unexpected_keys:
            raise ValueError(f"the tower of {tower} does not fit: {left_out}, {missing.unexpected_keys}")
    return model


def lock(model: Any) -> None:
    """Keep the lower layers of a trained tower as they are (LiT, arXiv 2111.07991): that saves half of the time."""
    vision = model.vision_model
    for part in (vision.embeddings, *vision.encoder.layers[:LOCKED]):
        part.requires_grad_(False)


def tokens_of(texts: Sequence[str]) -> torch.Tensor:
    """Texts as token numbers, padded to the full length, (n, 72)."""
    ids = token_ids()
    rows = [[ids[piece] for piece in pieces(text)][:TEXT_TOKENS] for text in texts]
    return torch.tensor([row + [ids["<pad>"]] * (TEXT_TOKENS - len(row)) for row in rows])


def embed(model: Any, pixels: torch.Tensor | None, texts: Sequence[str] | None) -> torch.Tensor:
    """Unit vectors of pictures or of texts, (n, width)."""
    if pixels is not None:
        out = model.get_image_features(pixel_values=pixels)
    else:
        assert texts is not None
        out = model.get_text_features(input_ids=tokens_of(texts))
    return nn.functional.normalize(getattr(out, "pooler_output", out).float(), dim=-1)


def save(model: Any, folder: Path) -> None:
    """Model in half precision, and processor."""
    import copy

    import transformers

    copy.deepcopy(model).to(torch.float16).save_pretrained(folder)
    tokenizer = make_tokenizer()
    tokenizer.padding_side = "right"
    tokenizer.model_max_length = TEXT_TOKENS
    processor: Any = transformers.SiglipProcessor
    processor(image_processor(), tokenizer).save_pretrained(folder)


@torch.no_grad()
def examine(model: Any, pixels: npt.NDArray[np.uint8], pictures: Sequence[Picture]) -> dict[str, float]:
    """Recall of the frame that a description singles out, and how well a thing's name ranks the frames that have it."""
    with torch.autocast("cpu", torch.bfloat16):
        frames = torch.cat([embed(model, pixels_of(pixels[k : k + 100]), None) for k in range(0, len(pixels), 100)])
        described = [describe(picture) for picture in pictures]
        alone = [k for k, text in enumerate(described) if described.count(text) == 1]
        texts = embed(model, None, [described[k] for k in alone])
        ranks = (texts @ frames.T).argsort(dim=1, descending=True)
        place = (ranks == torch.tensor(alone)[:, None]).float().argmax(1)
        figures = {"recall@1": (place < 1).float().mean().item(), "recall@5": (place < 5).float().mean().item()}
        names = [("", colour, shape, "") for colour in COLOURS for shape in SHAPES]
        scores = embed(model, None, [phrase(wanted) for wanted in names]) @ frames.T
    precisions = []
    for wanted, row in zip(names, scores, strict=True):
        there = torch.tensor([DualText("", (wanted,)).holds(picture) for picture in pictures])[
            row.argsort(descending=True)
        ]
        if there.any():
            hits = there.float().cumsum(0) / torch.arange(1, len(there) + 1)
            precisions.append(hits[there].mean().item())
    figures["mean average precision of names"] = sum(precisions) / len(precisions)
    return {key: round(value, 4) for key, value in figures.items()}


def train(work: Path, tower: Path | None, out: Path, *, n_shards: int, steps: int, batch: int, peak: float) -> None:
    """Train and write the model to `out`, now and then and at the end."""
    data = Pictures(work / "data", n_shards)
    held_pixels, held = render(["frame"] * 1000, 998)
    model = make_model(tower)
    model.set_attn_implementation("eager")
    model.train()
    if tower is not None:
        lock(model)
    optimizers = make_optimizers([(n, p) for n, p in model.named_parameters() if p.requires_grad], peak)
    log = (work / "dual.jsonl").open("w")
    began = time.time()
    losses: list[float] = []
    for step in range(steps):
        rng = random.Random(f"dual:{SEED}:{step}")
        share = rates(step, 0, steps)[1]
        set_rates(optimizers, peak, (share, share))
        pixels, pictures, _ = data.draw(rng, batch)
        queries = [query_about(p, rng) for p in pictures if p.kind == "frame" for _ in range(2)]
        labels = torch.tensor([[query.holds(picture) for picture in pictures] for query in queries]).float()
        with torch.autocast("cpu", torch.bfloat16):
            frames = embed(model, pixels_of(pixels, rng), None)
            texts = embed(model, None, [query.text for query in queries])
        logits = texts @ frames.T * model.logit_scale.exp() + model.logit_bias
        sigmoid = nn.functional.binary_cross_entropy_with_logits(logits, labels, reduction="none").sum(1).mean()
        # Among the frames of a batch, a text's share goes to those where it holds: ranking is what search needs.
        shares = labels / labels.sum(1, keepdim=True).clamp(min=1)
        ranking = -(shares * logits.log_softmax(dim=1)).sum(1).mean()
        loss = 0.5 * sigmoid + ranking
        descend(loss, optimizers, list(model.parameters()))
        losses.append(loss.item())
        if (step + 1) % 100 == 0 or step + 1 == steps:
            line: dict[str, Any] = {"step": step + 1, "minutes": round((time.time() - began) / 60, 1)}
            line["loss"] = round(sum(losses) / len(losses), 4)
            losses.clear()
            if (step + 1) % 500 == 0 or step + 1 == steps:
                model.eval()
                line["held"] = examine(model, held_pixels, held)
                save(model, out)
                model.train()
            print(json.dumps(line), file=log, flush=True)


def main() -> None:
    """Parse the arguments and train."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--work", type=Path, required=True, help="pictures and the log go here")
    parser.add_argument("--tower", type=Path, default=FOLDER / "vlm")
    parser.add_argument("--out", type=Path, default=FOLDER / "dual")
    parser.add_argument("--shards", type=int, default=16)
    parser.add_argument("--steps", type=int, default=2000)
    parser.add_argument("--batch", type=int, default=80)
    parser.add_argument("--rate", type=float, default=2e-3)
    given = parser.parse_args()
    train(
        given.work,
        given.tower,
        given.out,
        n_shards=given.shards,
        steps=given.steps,
        batch=given.batch,
        peak=given.rate,
    )


if __name__ == "__main__":
    main()
