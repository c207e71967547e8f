"""Trains the tiny VLM from nothing: first its tower on dense labels, then all of it on questions.

Binding a question to its object is what comes late (a trial without dense labels had 0.44 on hard negatives when it
described frames well already), so the tower first learns, patch by patch, which shape, colour and size is where; the
language model then finds objects ready to be looked up. Every figure of the log comes from pictures not trained on.

    python -m lvqa.eval.lab.tiny.train --work DIR [--out FOLDER]
"""

from __future__ import annotations

import argparse
import copy
import json
import random
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TextIO

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from lvqa.eval.lab.tiny import checkpoint, shards
from lvqa.eval.lab.tiny.batches import (
    DENSE,
    IGNORE,
    MOST_TOKENS,
    Packed,
    dense_labels,
    features_of,
    forward,
    pack,
    pixels_of,
)
from lvqa.eval.lab.tiny.lessons import lessons
from lvqa.eval.lab.tiny.model import WIDTH, make_model, save
from lvqa.eval.lab.tiny.models import FOLDER
from lvqa.eval.lab.tiny.pictures import Picture, render

SEED = 20
# AdamW's rate, as a share of Muon's.
OTHERS = 0.4
# Pictures a step while the tower learns alone.
TOWER_BATCH = 64


class Pictures:
    """The training pictures, drawn at random."""

    def __init__(self, folder: Path, n_shards: int, shares: Mapping[str, float] = shards.LESSONS) -> None:
        shards.make(folder, n_shards, shares)
        self._pixels, self.pictures = shards.load(folder, n_shards)
        self._dense = np.stack([dense_labels(picture) for picture in self.pictures])
        self._crops = [k for k, picture in enumerate(self.pictures) if picture.kind == "crop"]

    def draw(
        self, rng: random.Random, n: int, crops: int = 0
    ) -> tuple[npt.NDArray[np.uint8], list[Picture], torch.Tensor]:
        """n pictures, at least `crops` of them crops: pixels, what is on them, dense labels (n, 5, 8, 8)."""
        chosen = [rng.randrange(len(self.pictures)) for _ in range(n - crops)]
        chosen += rng.choices(self._crops, k=crops)
        pixels = np.stack([self._pixels[k // shards.SHARD][k % shards.SHARD] for k in chosen])
        return pixels, [self.pictures[k] for k in chosen], torch.from_numpy(self._dense[chosen]).long()


class Heads(nn.Module):
    """One linear reading of every picture token for each dense lesson."""

    def __init__(self) -> None:
        super().__init__()
        self.heads = nn.ModuleDict({name: nn.Linear(WIDTH, classes) for name, classes in DENSE.items()})

    def loss(self, features: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        """Mean cross-entropy over the lessons; patches with something and patches with nothing weigh the same."""
        losses = []
        for k, head in enumerate(self.heads.values()):
            target = labels[:, k].flatten(1)
            logits = head(features)
            each = nn.functional.cross_entropy(
                logits.flatten(0, 1).float(), target.flatten(), ignore_index=IGNORE, reduction="none"
            )
            something, nothing = target.flatten() > 0, target.flatten() == 0
            losses.append(each[something].sum() / something.sum().clamp(min=1))
            losses.append(each[nothing].sum() / nothing.sum().clamp(min=1))
        return torch.stack(losses).mean()


def make_optimizers(named: Sequence[tuple[str, nn.Parameter]], peak: float) -> list[torch.optim.Optimizer]:
    """Muon (Jordan and others, 2024) for the matrices inside the layers, AdamW for the rest.

    Groups that belong to the language model are marked `late`: they start when the tower is done.
    """
    groups: dict[tuple[bool, str], list[nn.Parameter]] = defaultdict(list)
    for name, parameter in named:
        inside = parameter.ndim == 2 and ("layers." in name or "projector" in name)
        kind = "matrix" if inside else "wide" if parameter.ndim >= 2 else "narrow"
        groups["language_model" in name or "lm_head" in name, kind].append(parameter)
    matrices = [{"params": p, "late": late} for (late, kind), p in groups.items() if kind == "matrix"]
    others = [
        {"params": p, "late": late, "weight_decay": 0.03 if kind == "wide" else 0.0}
        for (late, kind), p in groups.items()
        if kind != "matrix"
    ]
    return [
        torch.optim.Muon(matrices, lr=peak, weight_decay=0.03, adjust_lr_fn="match_rms_adamw"),
        torch.optim.AdamW(others, lr=OTHERS * peak, betas=(0.9, 0.98)),
    ]


def descend(
    loss: torch.Tensor, optimizers: Sequence[torch.optim.Optimizer], parameters: Sequence[nn.Parameter]
) -> None:
    """One step down the gradient of a loss, its norm over the parameters cut at 1."""
    for optimizer in optimizers:
        optimizer.zero_grad(set_to_none=True)
    torch.autograd.backward(loss)
    nn.utils.clip_grad_norm_(parameters, 1.0)
    for optimizer in optimizers:
        optimizer.step()


def reopen(path: Path, step: int) -> TextIO:
    """A log to go on with behind a step: what a run that was cut off had logged after its last checkpoint goes."""
    lines = path.read_text().splitlines() if path.exists() else []
    path.write_text("".join(f"{line}\n" for line in lines if json.loads(line)["step"] <= step))
    return path.open("a")


def set_rates(optimizers: Sequence[torch.optim.Optimizer], peak: float, shares: tuple[float, float]) -> None:
    """Give Muon's and AdamW's groups their rates: `shares` of the peak for the tower and for the language model."""
    for optimizer, most in zip(optimizers, (peak, OTHERS * peak), strict=True):
        for group in optimizer.param_groups:
            group["lr"] = most * shares[group["late"]]


def rates(step: int, tower_steps: int, end: int, warm: int = 150, fall: float = 0.35) -> tuple[float, float]:
    """The shares of the peak rate for the tower and for the language model.

    The tower's falls to 0.3 while it learns alone; both are level then, and fall to a hundredth over the last `fall` of
    the steps on questions. While they are level, `end` may still be moved: a run that goes on with another one is as
    good.
    """
    down = max(0.01, min(1.0, (end - step) / max(1.0, fall * (end - tower_steps))))
    alone = min(1.0, step / warm) * max(0.3, 1 - 0.7 * step / max(1, tower_steps))
    return alone * down, min(1.0, max(0.0, (step - tower_steps) / warm)) * down


def kind_of(question: str, answer: str) -> str:
    """The row of the log that a question counts in."""
    for kind, opening in {
        "describe": "describe",
        "colour": "what colour",
        "shape": "what shape",
        "place": "where",
        "count": "how many",
        "exist": "is there",
        "at": "what is ",
        "sign": "what does",
    }.items():
        if question.startswith(opening):
            return "ground" if question.startswith("what is the ground") else kind
    raise ValueError(question)


@torch.no_grad()
def examine(model: Any, heads: Heads, held: Sequence[tuple[npt.NDArray[np.uint8], Picture]]) -> dict[str, float]:
    """Whole answers right, by kind; each token is foretold from the right ones, which greedy decoding would give."""
    right: dict[str, list[float]] = defaultdict(list)
    rng = random.Random(7)
    for start in range(0, len(held), 64):
        part = held[start : start + 64]
        asked = [lessons(picture, rng) for _, picture in part]
        packed = pack(asked)
        with torch.autocast("cpu", torch.bfloat16):
            features = features_of(model, pixels_of(np.stack([pixels for pixels, _ in part])))
            logits, due = forward(model, features, packed)
            dense = {name: head(features).argmax(-1) for name, head in heads.heads.items()}
        labels = torch.from_numpy(np.stack([dense_labels(picture) for _, picture in part])).long()
        for k, name in enumerate(DENSE):
            target = labels[:, k].flatten(1)
            right[f"dense {name}"] += (dense[name] == target)[target > 0].float().tolist()
        hit = logits.argmax(-1) == due
        _collect(right, packed, asked, hit, [picture.kind for _, picture in part])
    return {kind: round(sum(values) / len(values), 4) for kind, values in sorted(right.items()) if values}


def _collect(right: dict[str, list[float]], packed: Packed, asked: Any, hit: torch.Tensor, kinds: list[str]) -> None:
    spots = (packed.labels != IGNORE).nonzero()
    by_answer: dict[tuple[int, int], bool] = {}
    for (row, column), good in zip(spots.tolist(), hit.tolist(), strict=True):
        key = (row, int(packed.segments[row, column]))
        by_answer[key] = by_answer.get(key, True) and good
    for (row, segment), good in by_answer.items():
        question, answer = asked[row][segment - 1]
        kind = kind_of(question, answer)
        prefix = {"foreign": "foreign ", "crop": "crop "}.get(kinds[row], "")
        right[prefix + kind].append(float(good))


def train(
    work: Path, out: Path, *, n_shards: int, tower_steps: int, steps: int, batch: int, peak: float, compiled: bool
) -> None:
    """Train, going on where a run that was cut off had saved; write the model to `out` now and then and at the end."""
    work.mkdir(parents=True, exist_ok=True)
    data = Pictures(work / "data", n_shards)
    crowds = Pictures(work / "crowds", max(1, n_shards // 3), shards.CROWDS)
    held_kinds = ["frame"] * 448 + ["crop"] * 128 + ["foreign"] * 64
    held = list(zip(*render(held_kinds, 999), strict=True))
    model, heads = make_model(SEED), Heads()
    # On a CPU in bfloat16 the plain form of attention is a third faster than the fused one, backwards above all.
    model.set_attn_implementation("eager")
    model.train()
    named = [*model.named_parameters(), *heads.named_parameters()]
    optimizers = make_optimizers(named, peak)
    language: Any = model.model.language_model
    if compiled:
        language = torch.compile(language)
    average = copy.deepcopy(model).eval()
    first = 0
    saved = work / "last.safetensors"
    if saved.exists():
        state = checkpoint.load(saved)
        model.load_state_dict(state["model"])
        average.load_state_dict(state["average"])
        heads.load_state_dict(state["heads"])
        for optimizer, its in zip(optimizers, state["optimizers"], strict=True):
            optimizer.load_state_dict(its)
        first = state["step"]
    log = reopen(work / "log.jsonl", first)
    began = time.time()
    dense_losses: list[float] = []
    answer_losses: list[float] = []
    for step in range(first, steps):
        rng = random.Random(f"{SEED}:{step}")
        tower_only = step < tower_steps
        now = rates(step, tower_steps, steps)
        set_rates(optimizers, peak, now)
        drawn = (
            (crowds if step % 4 else data).draw(rng, TOWER_BATCH) if tower_only else data.draw(rng, batch, batch // 8)
        )
        pixels, pictures, dense = drawn
        with torch.autocast("cpu", torch.bfloat16):
            features = features_of(model, pixels_of(pixels, rng))
            dense_loss = heads.loss(features, dense)
            loss = dense_loss
            if not tower_only:
                packed = pack([lessons(picture, rng) for picture in pictures], MOST_TOKENS)
                logits, due = forward(model, features, packed, language)
                each = nn.functional.cross_entropy(logits.float(), due, reduction="none")
                weights = packed.weights[packed.labels != IGNORE]
                answer_loss = (each * weights).sum() / weights.sum()
                loss = answer_loss + 0.5 * dense_loss
                answer_losses.append(answer_loss.item())
        descend(loss, optimizers, [p for _, p in named])
        dense_losses.append(dense_loss.item())
        with torch.no_grad():
            keep = min(0.999, (step + 1) / (step + 10))
            for slow, fast in zip(average.parameters(), model.parameters(), strict=True):
                slow.lerp_(fast, 1 - keep)
        if (step + 1) % 100 == 0 or step + 1 == steps:
            line: dict[str, Any] = {"step": step + 1, "minutes": round((time.time() - began) / 60, 1)}
            for name, losses in (("dense_loss", dense_losses), ("answer_loss", answer_losses)):
                line[name] = round(sum(losses) / max(1, len(losses)), 4)
                losses.clear()
            if (step + 1) % 500 == 0 or step + 1 == steps:
                line["held"] = examine(average, heads, held)
                parts = {"model": model, "average": average, "heads": heads}
                state = {"step": step + 1, **{k: v.state_dict() for k, v in parts.items()}}
                checkpoint.save(saved, state | {"optimizers": [o.state_dict() for o in optimizers]})
                if not tower_only:
                    save(average, out)
            print(json.dumps(line), file=log, flush=True)
    save(average, out)


def main() -> None:
    """Parse the arguments and train."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--work", type=Path, required=True, help="pictures, checkpoints and the log go here")
    parser.add_argument("--out", type=Path, default=FOLDER / "vlm")
    parser.add_argument("--shards", type=int, default=16, help="of 5,000 pictures each")
    parser.add_argument("--tower-steps", type=int, default=1500)
    parser.add_argument("--steps", type=int, default=4700)
    parser.add_argument("--batch", type=int, default=40)
    parser.add_argument("--rate", type=float, default=3e-3)
    parser.add_argument("--compile", action=argparse.BooleanOptionalAction, default=True, help="a sixth faster")
    given = parser.parse_args()
    train(
        given.work,
        given.out,
        n_shards=given.shards,
        tower_steps=given.tower_steps,
        steps=given.steps,
        batch=given.batch,
        peak=given.rate,
        compiled=given.compile,
    )


if __name__ == "__main__":
    main()
