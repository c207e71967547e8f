"""The maker of footage says no to what a file could not hold."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from lvqa.eval.lab.footage_writer import write_video

FRAME = np.zeros((32, 64, 3), np.uint8)


@pytest.mark.parametrize(
    ("name", "frames", "options", "said"),
    [
        ("a.mp4", [], {}, "at least one"),
        ("a.mp4", [FRAME[:31]], {}, "even"),
        ("a.mp4", [FRAME, FRAME[:30]], {}, "one size"),
        ("a.mp4", [FRAME] * 2, {"pts": [1.0, 1.0]}, "rise"),
        ("a.avi", [FRAME], {"codec": "mpeg4", "start_s": 2.0}, "no times"),
        ("a.ts", [FRAME], {"subtitles": [(0, 1, "x")]}, "text track"),
        ("a.mkv", [FRAME], {"rotation": 90}, "rotation"),
        ("a.mp4", [FRAME], {"rotation": 45}, "rotation"),
    ],
)
def test_nonsense_is_refused(tmp_path, name, frames, options, said):
    with pytest.raises(ValueError, match=said):
        write_video(tmp_path / name, frames, **options)


def test_av1_leaves_priorities_alone(tmp_path: Path):
    """As root, SVT-AV1 made every thread real-time, the caller's too: two encoders at once stopped the machine."""
    frames = (np.full((64, 96, 3), k, np.uint8) for k in range(8))
    write_video(tmp_path / "a.mp4", frames, fps=4, codec="libsvtav1")
    tasks = [int(task.name) for task in Path("/proc/self/task").iterdir()] if Path("/proc/self/task").is_dir() else []
    assert {os.sched_getscheduler(task) for task in tasks} <= {os.SCHED_OTHER}
