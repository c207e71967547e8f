"""`python -m lvqa.eval.lab.retrieval.words --shared DIR`: are the very words that are looked for found first?

On the notes of the everyday archive: words that stand in one to three of them, drawn by a seed, and phrases of three
words in quotation marks; a query is right where the first hit holds it. And of the first ten hits of each query, and of
the questions, how many say the same one after the other.
"""

from __future__ import annotations

import random
import re
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from lvqa.cli import output
from lvqa.eval.lab.command import Parser, carry_out, whole
from lvqa.eval.lab.multihop import archives
from lvqa.language.words import has_exactly
from lvqa.recall import hybrid_search
from lvqa.recall.candidates import runs_of
from lvqa.types import Hit, Note

SEED, WORDS, PHRASES, SHOWN = 19, 150, 40, 10
# A word stands in so many notes at most.
_FEW = 3
_WORD = re.compile(r"[^\W_]+(?:[._\-/'’][^\W_]+)*")


def rare_words(texts: Sequence[str]) -> list[str]:
    """The words, as they are written, that stand in one to three of the texts, in any case; sorted."""
    held = Counter(word for text in texts for word in {found.casefold() for found in _WORD.findall(text)})
    written = {found.casefold(): found for text in texts for found in _WORD.findall(text)}
    return [written[word] for word, n in sorted(held.items()) if n <= _FEW]


def phrases(texts: Sequence[str]) -> list[str]:
    """Every three words that stand one after the other, as they are written; sorted."""
    found = set[str]()
    for text in texts:
        words = text.split()
        found |= {" ".join(words[n : n + 3]) for n in range(len(words) - 2)}
    return sorted(phrase for phrase in found if '"' not in phrase)


def repeated(hits: Sequence[Hit]) -> bool:
    """Whether two hits say the same one after the other."""
    notes: list[Note] = sorted((hit.note for hit in hits), key=lambda n: (n.video_id, n.span.start_s, n.id))
    return any(len(run) > 1 for run in runs_of(notes))


def main(arguments: Sequence[str] | None = None) -> int:
    """Run from the command line; returns the exit status: 0 measured, 1 failed, 2 the call makes no sense."""
    parser = Parser(prog="python -m lvqa.eval.lab.retrieval.words", description=__doc__)
    parser.add_argument("--shared", required=True, type=Path, metavar="DIR", help="holds everyday/make.py")
    parser.add_argument("--work-dir", required=True, type=Path, metavar="DIR", help="where the index is kept")
    parser.add_argument("--words", type=whole, default=WORDS, help="words drawn; 150")

    def work() -> int:
        from lvqa.store import Store

        given = parser.parse_args(arguments)
        folder, rows = given.work_dir / "everyday", archives.everyday(given.shared / "everyday/make.py")
        embedder = archives.embedder_of(folder)
        archives.fill(folder, rows, embedder)
        texts = [text for *_, text in rows]
        draw = random.Random(SEED)
        asked = {
            "words": draw.sample(rare_words(texts), given.words),
            "phrases": [f'"{phrase}"' for phrase in draw.sample(phrases(texts), PHRASES)],
        }
        with Store.open(folder / ".lvqa", create=False) as store:
            twice = 0
            for kind, queries in asked.items():
                missed = []
                for query in queries:
                    hits = hybrid_search(store, embedder, query, SHOWN)
                    twice += repeated(hits)
                    if not hits or has_exactly(hits[0].note.text, query.strip('"')) < 1:
                        missed.append(query)
                output.out(f"{kind}: first in {len(queries) - len(missed)} of {len(queries)}")
                output.out(*(f"  not first: {query}" for query in missed))
        output.out(f"queries of whose first {SHOWN} hits two say the same, one after the other: {twice}")
        return 0

    return carry_out(work)


if __name__ == "__main__":
    sys.exit(main())
