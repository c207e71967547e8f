"""How light `import lvqa` and `lvqa --help` are: the heavy packages they load (none is allowed), and their time.

Each is measured in fresh interpreters, and their time is shown beside that of an interpreter that imports nothing.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import time

from lvqa.eval.lab.bench.outcome import BenchOutcome

_HEAVY = """
av cv2 decord faiss faster_whisper langchain langchain_core langgraph numpy onnxruntime pandas rapidocr scenedetect
scipy sentence_transformers sklearn sqlite_utils torch transformers
"""
HEAVY = frozenset(_HEAVY.split())
ROUNDS = 5
PROGRAMS = {
    "nothing": "pass",
    "import lvqa": "import lvqa",
    "lvqa --help": "import sys; sys.argv = ['lvqa', '--help']\nfrom lvqa.cli import main\nmain()",
}
_PROBE = """
import atexit, json, sys
atexit.register(lambda: print("\\n" + json.dumps(sorted({name.partition(".")[0] for name in sys.modules}))))
"""


def measure(rounds: int = ROUNDS) -> BenchOutcome:
    """Start each program a few times; the value is how many heavy packages any of them loaded."""
    loaded: set[str] = set()
    times_ms: dict[str, list[float]] = {name: [] for name in PROGRAMS}
    for _ in range(rounds):
        for name, program in PROGRAMS.items():
            started = time.perf_counter()
            command = [sys.executable, "-c", _PROBE + program]
            done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
            times_ms[name].append((time.perf_counter() - started) * 1000)
            loaded |= set(json.loads(done.stdout.strip().splitlines()[-1])) & HEAVY
    facts = {f"{name}, ms": statistics.median(times) for name, times in times_ms.items()}
    what = "heavy packages that `import lvqa` and `lvqa --help` load"
    return BenchOutcome("startup", what, len(loaded), 0, "at most", "modules", {**facts, "loaded": sorted(loaded)})


if __name__ == "__main__":
    print(json.dumps(measure().to_dict()))
