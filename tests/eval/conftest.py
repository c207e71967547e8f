from __future__ import annotations

import json
from pathlib import Path

import pytest
from small_videos import light as light
from small_videos import lvqa as lvqa

THINGS = ["kettle", "bicycle", "parrot", "ladder", "violin"]


@pytest.fixture
def haystack_data(tmp_path: Path) -> Path:
    """Five videos of ten seconds; second 4 of each shows a thing that no other video has."""
    folder = tmp_path / "data"
    folder.mkdir()
    captions, questions = [], []
    for number, thing in enumerate(THINGS):
        video = f"video{number}"
        for second in range(10):
            text = f"a man holds a {thing}" if second == 4 else f"a wall in room {number} at dusk, part {second}"
            captions.append({"video": video, "start_s": second, "end_s": second + 1, "text": text})
        questions.append(
            {"id": f"{number}_0", "video": video, "question": f"why does he hold the {thing}", "windows": [[4.0, 5.0]]}
        )
        questions.append(
            {"id": f"{number}_1", "video": video, "question": "zebra xylophone", "windows": [[0.0, 1.0], [8.0, 9.0]]}
        )
    (folder / "captions.jsonl").write_text("".join(json.dumps(row) + "\n" for row in captions), encoding="utf-8")
    (folder / "questions.jsonl").write_text("".join(json.dumps(row) + "\n" for row in questions), encoding="utf-8")
    return folder
