"""The test that the tiny models have to pass, on frames it never saw, through the same loader as any other model.

    python -m lvqa.eval.lab.tiny.check [--frames 2000] [--json]

Whole frames and crops are painted at 512 x 288 and go through a codec's losses; foreign pictures are noise, gradients
and synthetic photographs, and with --photos the frames of real videos.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from lvqa.eval.lab.tiny import lessons as ask
from lvqa.eval.lab.tiny.dual import DualText, phrase
from lvqa.eval.lab.tiny.models import IMAGE_EMBEDDER, VISION
from lvqa.eval.lab.tiny.pictures import Picture, a_foreign, like_video, random_view
from lvqa.eval.lab.world.scenes.draw import Frame, paint
from lvqa.eval.lab.world.words import COLOURS, SHAPES
from lvqa.models.base import UNKNOWN

NEEDED = {
    "colour": 0.95,
    "place": 0.95,
    "count": 0.95,
    "existence": 0.95,
    "caption object F1": 0.95,
    "sign on a crop": 0.95,
    "unknown on foreign pictures": 0.98,
    "frame recall@5": 0.90,
}
_CHUNK = 128


def views(n: int, seed: int) -> list[tuple[Frame, Picture]]:
    """Whole frames at full size."""
    made = []
    for k in range(n):
        rng = random.Random(f"check:{seed}:{k}")
        view = random_view(rng)
        made.append((like_video(paint(view), rng), Picture("frame", view.ground, view.things)))
    return made


def crops(n: int, seed: int) -> list[tuple[Frame, Picture]]:
    """Crops of signs, each wholly inside."""
    from lvqa.eval.lab.tiny.pictures import a_crop

    made: list[tuple[Frame, Picture]] = []
    k = 0
    while len(made) < n:
        rng = random.Random(f"check crop:{seed}:{k}")
        k += 1
        frame, picture = a_crop(rng)
        lesson = ask.crop_lessons(picture, rng)[0]
        if lesson[0] == ask.READ_SIGN and lesson[1] != "nothing":
            made.append((frame, picture))
    return made


def photographs(folder: Path, n: int) -> list[Frame]:
    """Frames of the videos in a folder, evenly spread."""
    from lvqa.media import FrameReader

    paths = sorted(path for path in folder.iterdir() if path.suffix in {".mp4", ".webm", ".mkv"})
    found: list[Frame] = []
    for path in paths:
        with FrameReader(path, max_side=512) as reader:
            each = max(1, n // len(paths))
            times = [(i + 0.5) * reader.info.duration_s / each for i in range(each)]
            found += [frame.image for frame in reader.at(times)]
    return found


def said(vision: Any, frames: Sequence[Frame], questions: Sequence[str]) -> list[str]:
    """The model's replies, one question a frame."""
    from lvqa.models.base import VisionRequest

    replies: list[str] = []
    for start in range(0, len(frames), _CHUNK):
        part = slice(start, start + _CHUNK)
        requests = [VisionRequest([f], q, 96) for f, q in zip(frames[part], questions[part], strict=True)]
        replies += [str(reply).strip().lower() for reply in vision.generate(requests)]
        print(".", end="", flush=True, file=sys.stderr)
    return replies


def listed(text: str) -> set[str]:
    """The things that a description names, each with its place."""
    parts = [part.strip() for part in text.strip(" .").split(",")]
    return {part for part in parts[1:] if part and part != "nothing else"}


def captions_of(vision: Any, whole: Sequence[tuple[Frame, Picture]]) -> dict[str, float]:
    """F1 of the things that descriptions name with size, colour and place, over all frames; the share told exactly."""
    captions = said(vision, [frame for frame, _ in whole], [ask.DESCRIBE] * len(whole))
    true = [ask.describe(picture) for _, picture in whole]
    both = sum(len(listed(a) & listed(b)) for a, b in zip(captions, true, strict=True))
    total = sum(len(listed(a)) + len(listed(b)) for a, b in zip(captions, true, strict=True))
    exact = _mean([a == b for a, b in zip(captions, true, strict=True)])
    return {"caption object F1": 2 * both / max(1, total), "caption word for word": exact}


def check(vision: Any, embedder: Any, n: int, seed: int, photos: Path | None) -> dict[str, float]:
    """Every figure, each a share in [0, 1]."""
    whole = views(n, seed)
    frames = [frame for frame, _ in whole]
    figures: dict[str, float] = {}
    for kind, one in _questions(whole, seed):
        picked = [(frame, qa) for frame, qa in zip(frames, one, strict=True) if qa is not None]
        replies = said(vision, [f for f, _ in picked], [qa[0] for _, qa in picked])
        figures[kind] = _mean([reply == qa[1] for reply, (_, qa) in zip(replies, picked, strict=True)])
    figures |= captions_of(vision, whole)
    signs = crops(n // 2, seed)
    replies = said(vision, [frame for frame, _ in signs], [ask.READ_SIGN] * len(signs))
    texts = [next(t.text for t in picture.things if t.shape == "sign").lower() for _, picture in signs]
    figures["sign on a crop"] = _mean([a == b for a, b in zip(replies, texts, strict=True)])
    strange = [a_foreign(random.Random(f"check foreign:{seed}:{k}"))[0] for k in range(n // 4)]
    figures["unknown on foreign pictures"] = _mean(
        [reply == UNKNOWN for reply in said(vision, strange, [ask.DESCRIBE] * len(strange))]
    )
    if photos is not None:
        real = photographs(photos, n // 4)
        figures["unknown on photographs"] = _mean(
            [reply == UNKNOWN for reply in said(vision, real, [ask.DESCRIBE] * len(real))]
        )
    figures["yes-probability, area under the curve"] = _yes(vision, whole, seed)
    if embedder is not None:
        figures |= _search(embedder, whole[:1000])
    return {name: round(value, 4) for name, value in figures.items()}


def _questions(whole: Sequence[tuple[Frame, Picture]], seed: int) -> Iterator[tuple[str, list[ask.QA | None]]]:
    def each(kind: str, make: Any) -> list[ask.QA | None]:
        return [make(p.things, random.Random(f"{kind}:{seed}:{k}")) for k, (_, p) in enumerate(whole)]

    yield "colour", each("colour", lambda t, r: ask.property_of(t, r, "colour"))
    yield "place", each("place", lambda t, r: ask.property_of(t, r, "place"))
    yield "count", each("count", ask.count)
    yield "existence", each("existence", ask.exists)
    yield "shape", each("shape", lambda t, r: ask.property_of(t, r, "shape"))
    yield "what is at", each("at", ask.at)


def _yes(vision: Any, whole: Sequence[tuple[Frame, Picture]], seed: int) -> float:
    from lvqa.models.base import VisionRequest

    yes: list[float] = []
    no: list[float] = []
    some = whole[: len(whole) // 2]
    for start in range(0, len(some), _CHUNK):
        part = some[start : start + _CHUNK]
        asked = [ask.exists(p.things, random.Random(f"yes:{seed}:{start + k}")) for k, (_, p) in enumerate(part)]
        requests = [VisionRequest([frame], qa[0], 4) for (frame, _), qa in zip(part, asked, strict=True)]
        for value, (_, answer) in zip(vision.yes_probability(requests), asked, strict=True):
            (yes if answer == "yes" else no).append(value)
    a, b = np.array(yes)[:, None], np.array(no)[None]
    return float(((a > b) + 0.5 * (a == b)).mean())


def _search(embedder: Any, whole: Sequence[tuple[Frame, Picture]]) -> dict[str, float]:
    vectors = np.concatenate(
        [embedder.encode_frames([f for f, _ in whole[k : k + _CHUNK]]) for k in range(0, len(whole), _CHUNK)]
    )
    described = [ask.describe(picture) for _, picture in whole]
    alone = [k for k, text in enumerate(described) if described.count(text) == 1]
    ranks = np.argsort(-(embedder.encode_query([described[k] for k in alone]) @ vectors.T), axis=1)
    found = {at: _mean([k in row[:at] for k, row in zip(alone, ranks, strict=True)]) for at in (1, 5)}
    names = [("", colour, shape, "") for colour in COLOURS for shape in SHAPES]
    precisions = []
    for wanted, row in zip(names, embedder.encode_query([phrase(w) for w in names]) @ vectors.T, strict=True):
        there = np.array([DualText("", (wanted,)).holds(p) for _, p in whole])[np.argsort(-row)]
        if there.any():
            precisions.append(float((np.cumsum(there) / np.arange(1, len(there) + 1))[there].mean()))
    return {
        "frame recall@1": found[1],
        "frame recall@5": found[5],
        "mean average precision of names": float(np.mean(precisions)),
    }


def _mean(values: Sequence[bool]) -> float:
    return sum(values) / max(1, len(values))


def main() -> None:
    """Print the figures beside what is needed; exit status 1 where one falls short."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--frames", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=5)
    parser.add_argument("--vision", default=VISION)
    parser.add_argument("--embedder", default=IMAGE_EMBEDDER, help="`none` leaves the dual encoder out")
    parser.add_argument("--photos", type=Path, help="a folder of real videos")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    from lvqa.models.registry import load_image_embedder, load_vision

    embedder = None if given.embedder == "none" else load_image_embedder(given.embedder)
    figures = check(load_vision(given.vision), embedder, given.frames, given.seed, given.photos)
    print(file=sys.stderr)
    short = [name for name, least in NEEDED.items() if name in figures and figures[name] < least]
    if given.json:
        print(json.dumps({"frames": given.frames, "seed": given.seed, "figures": figures, "short": short}))
    else:
        for name, value in figures.items():
            needed = f"   needed {NEEDED[name]:.2f}" if name in NEEDED else ""
            print(f"{name:<40} {value:.4f}{needed}{'   SHORT' if name in short else ''}")
    raise SystemExit(1 if short else 0)


if __name__ == "__main__":
    main()
