"""`python -m lvqa.eval.lab.screen --work DIR [--base CHECKOUT]`: how well, and how cheaply, screen text is followed.

Indexes three archives with the profile `text` and OCR, without ASR: the everyday one, made-up kinds of text, and the
moving clips of the shared media; with this checkout, and in turn with another, in a process each. Printed are the notes
for each distinct text (`everyday` says what one is), the texts shown for two seconds or more of which no note covers
nine tenths, and CPU seconds, those of all child processes included, for each second of footage. Status 1 where a bound
on the everyday archive is missed, or one on the cost.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from lvqa.eval.lab.screen import everyday, kinds
from lvqa.eval.lab.screen.everyday import OnScreen
from lvqa.eval.lab.screen.measure import compare, footage_s, notes_of

_HERE = Path(__file__).resolve().parents[3]
_INDEX = (
    "import sys; from lvqa import Archive; "
    "a = Archive(sys.argv[1], archive_dir=sys.argv[2], profile='text', asr='none', ocr='rapidocr'); "
    "a.index(); a.close()"
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Make, index, compare, print; 0 where the bounds hold."""
    parser = argparse.ArgumentParser(prog="python -m lvqa.eval.lab.screen", description=__doc__)
    parser.add_argument("--work", type=Path, required=True, help="folder for the archives and their indexes")
    parser.add_argument("--base", type=Path, help="another checkout, indexed with by turns")
    parser.add_argument("--make", type=Path, default=_HERE.parent / "shared/everyday/make.py")
    parser.add_argument("--only", choices=["everyday", "kinds", "moving"], action="append")
    parser.add_argument("--turns", type=int, default=1)
    options = parser.parse_args(arguments)
    work: Path = options.work
    work.mkdir(parents=True, exist_ok=True)
    passed = True
    for name in options.only or ["everyday", "kinds", "moving"]:
        folder, truth, silent = _archive(name, work, options.make)
        costs: dict[str, list[float]] = {}
        for turn in range(options.turns):
            for place, checkout in (("base", options.base), ("now", _HERE)):
                if checkout is None:
                    continue
                index = work / f"{name}.{place}.index"
                cost = _index(checkout, folder, index) / footage_s(index)
                costs.setdefault(place, []).append(cost)
                if turn:
                    continue
                followed = compare(notes_of(index), truth, silent)
                _say(
                    f"{name} {place}: {followed.notes} notes for {followed.texts} texts ({followed.notes_a_text:.2f} "
                    f"each), {len(followed.missed)} missed, {followed.elsewhere} notes where nobody knows the text"
                )
                for shown, covered in followed.missed:
                    text = shown.text.replace("\n", " | ")
                    _say(f"  missed: {shown.video} {shown.start_s:g}-{shown.end_s:g} s {covered:.2f} {text[:80]}")
                if place == "now" and name == "everyday":
                    passed = passed and followed.passed
        for place, values in costs.items():
            _say(f"{name} {place}: {' '.join(f'{value:.4f}' for value in values)} CPU s a second of footage")
        if "base" in costs:
            ratio = sum(costs["now"]) / sum(costs["base"])
            _say(f"{name}: {ratio:.2f} of base")
            passed = passed and ratio <= (0.45 if name == "everyday" else 1.0)
    return 0 if passed else 1


def _archive(name: str, work: Path, make: Path) -> tuple[Path, list[OnScreen], list[str]]:
    folder = work / name
    if name == "everyday":
        return folder, everyday.build(folder, make), []
    if name == "kinds":
        truth = kinds.build(folder)
        return (
            folder,
            truth,
            [f"{kind}.mp4" for kind in kinds.KINDS if not any(s.video == f"{kind}.mp4" for s in truth)],
        )
    folder.mkdir(exist_ok=True)
    for path in sorted((make.parent.parent / "media").iterdir()):
        if path.suffix in (".mp4", ".webm"):
            shutil.copyfile(path, folder / path.name)
    return folder, [], []


def _say(line: str) -> None:
    print(line, flush=True)


def _index(checkout: Path, folder: Path, index: Path) -> float:
    """CPU seconds that indexing anew takes, those of its child processes included."""
    shutil.rmtree(index, ignore_errors=True)
    environment = {**os.environ, "PYTHONPATH": str(checkout)}
    process = subprocess.Popen(
        [sys.executable, "-c", _INDEX, str(folder), str(index)],
        env=environment,
        cwd=checkout,
        stdout=subprocess.DEVNULL,
    )
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"indexing {folder} with {checkout} failed ({process.returncode})")
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    sys.exit(main())
