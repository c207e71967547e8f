from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from lvqa.eval.lab.snapshot import differences, snapshot
from lvqa.eval.lab.torture import workload


def test_the_same_footage_gives_the_same_rows_whatever_was_done_in_between(tmp_path: Path):
    folder = tmp_path / "videos"
    videos = workload.make_footage(folder)
    captions = workload.write_captions(tmp_path / "captions.jsonl", folder)

    def perform(action: workload.Action, index: str):
        return workload.perform(action, folder, tmp_path / index, captions=captions, latency_s=0)

    assert len(videos) == 6
    for action in ("index", "import"):
        perform(action, "straight")
    for action in ("import", "index", "remove", "remove", "index", "import"):
        perform(action, "winding")
    assert differences(snapshot(tmp_path / "straight"), snapshot(tmp_path / "winding")) == []
    notes = snapshot(tmp_path / "straight").tables["notes"]
    assert {str(row[5]) for row in notes} == {"caption", "speech", "screen", "summary", "imported"}
    captioned = [row[4] for row in notes if row[5] == "caption"]
    assert len(set(captioned)) == len(captioned) > 40


def test_it_is_there_at_once():
    code = (
        "import sys, lvqa.eval.lab.torture.workload\n"
        "print([m for m in ('torch', 'transformers', 'faiss', 'langgraph', 'av') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
