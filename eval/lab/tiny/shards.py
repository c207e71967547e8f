"""The training pictures, rendered once into shards on disk by several processes. Knows nothing of lessons or models."""

from __future__ import annotations

import json
import random
from collections.abc import Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from lvqa.eval.lab.tiny.pictures import Picture, render
from lvqa.eval.lab.world.scenes.draw import Thing

SHARD = 5000
# What the lessons are about, and what the tower learns to see from.
LESSONS = {"frame": 0.78, "crop": 0.12, "foreign": 0.10}
CROWDS = {"crowd": 0.75, "crowded crop": 0.25}


def make(folder: Path, n_shards: int, shares: Mapping[str, float], seed: int = 1, processes: int = 2) -> None:
    """Render the shards that are missing, with kinds by share; a shard is there as soon as its last file is."""
    folder.mkdir(parents=True, exist_ok=True)
    missing = [(folder, k, seed, dict(shares)) for k in range(n_shards) if not (folder / f"{k}.json").exists()]
    if processes == 1:
        for job in missing:
            _one(job)
    elif missing:
        # Not forked: torch's threads would not survive that.
        with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
            list(pool.map(_one, missing))


def _one(job: tuple[Path, int, int, dict[str, float]]) -> None:
    folder, k, seed, shares = job
    kinds = random.Random(f"kinds:{seed}:{k}").choices(list(shares), list(shares.values()), k=SHARD)
    pixels, pictures = render(kinds, seed * 100_000 + 1000 * ("crowd" in shares) + k)
    np.save(folder / f"{k}.npy", pixels)
    partial = folder / f"{k}.part"
    partial.write_text(json.dumps([asdict(picture) for picture in pictures]))
    partial.rename(folder / f"{k}.json")


def load(folder: Path, n_shards: int) -> tuple[list[npt.NDArray[np.uint8]], list[Picture]]:
    """The shards' pixels, each uint8 (5000, 128, 128, 3), and all pictures in the same order."""
    pixels = [np.load(folder / f"{k}.npy", allow_pickle=False) for k in range(n_shards)]
    rows = [row for k in range(n_shards) for row in json.loads((folder / f"{k}.json").read_text())]
    return pixels, [_picture(row) for row in rows]


def _picture(row: dict[str, Any]) -> Picture:
    things = tuple(Thing(**thing) for thing in row["things"])
    return Picture(row["kind"], row["ground"], things, tuple(row["window"]))
