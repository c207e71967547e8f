"""How many true sentences are heard: `python -m lvqa.eval.lab.speech FOLDER TRUTH [--least R] [--asr SPEC]`.

FOLDER is indexed afresh with speech alone; TRUTH is JSON, of each video's relative path the sentences that are said in
it. A sentence is heard where at least R of its words stand in the notes of speech, in their order. Uses what `lvqa`
offers alone, so that a checkout of any age can be measured.
"""

from __future__ import annotations

import argparse
import json
import re
import tempfile
from collections.abc import Sequence
from difflib import SequenceMatcher
from pathlib import Path
from typing import Any

from lvqa import Archive

_WORDS = re.compile(r"\w+")
LEAST = 0.5


def recall(sentence: str, heard: str) -> float:
    """The share of a sentence's words that stand in a text in their order, in [0, 1]."""
    said, words = (_WORDS.findall(text.casefold()) for text in (sentence, heard))
    blocks = SequenceMatcher(None, said, words, autojunk=False).get_matching_blocks()
    return sum(block.size for block in blocks) / max(1, len(said))


def main(arguments: Sequence[str] | None = None) -> int:
    """Print each video's count of heard sentences and those that are not; returns 0."""
    parser = argparse.ArgumentParser(description=str(__doc__).partition(": ")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("truth", type=Path)
    parser.add_argument("--least", type=float, default=LEAST)
    parser.add_argument("--asr", default="whisper:tiny")
    options = parser.parse_args(arguments)
    truth: dict[str, list[str]] = json.loads(options.truth.read_text())
    off: dict[str, Any] = dict.fromkeys(
        ("vision", "chat", "embedder", "image_embedder", "detector", "ocr", "summaries"), "none"
    )
    total = heard = 0
    with tempfile.TemporaryDirectory() as place:
        archive = Archive(options.folder, archive_dir=Path(place) / "index", profile="text", asr=options.asr, **off)
        archive.index()
        for video, sentences in truth.items():
            text = " ".join(note.text for note in archive.show(video).notes if note.source == "speech")
            shares = [recall(sentence, text) for sentence in sentences]
            total += len(shares)
            heard += sum(share >= options.least for share in shares)
            print(f"{video}: {sum(share >= options.least for share in shares)} of {len(shares)}: {text[:200]}")
            for sentence, share in zip(sentences, shares, strict=True):
                if share < options.least:
                    print(f"  {share:.2f} {sentence}")
    print(f"heard: {heard} of {total} sentences with a recall of at least {options.least:g}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
