"""`python -m lvqa.eval.calibrate RESULTS.jsonl ...`: fit the curves from an agent's confidence to being right.

Reads the answers of runs (`lvqa eval TASK`), one curve a way of answering, and prints each with the expected
calibration error before and after, the latter with the answers of each video held out in turn. `--write DIR` puts the
curves into an index folder's settings.toml, where they hold for that archive; `--ship` into the file that comes with
lvqa. Knows rows, and no agent.
"""

from __future__ import annotations

import argparse
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from lvqa.agents import calibration
from lvqa.agents.calibration import Curve, on_curve
from lvqa.errors import LvqaError, UsageError, needs_extra
from lvqa.eval.metrics import calibration_error
from lvqa.settings import SETTINGS_FILE

Values = npt.NDArray[np.float64]
Answered = tuple[str, float, bool, str]
"""A way of answering, the uncalibrated confidence, whether it was right, and the video."""

# A point of a curve stands for at least so many answers, and there are at most so many points.
_LEAST, _POINTS = 20, 12


def answered(paths: Iterable[Path], systems: Sequence[str] = ("lvqa",)) -> list[Answered]:
    """The answers of these systems that were given and could be scored, abstentions left out.

    Raises UsageError for a file that is missing or holds no answers.
    """
    found: list[Answered] = []
    for path in paths:
        try:
            lines = path.read_text(encoding="utf-8").split("\n")
        except OSError as failed:
            raise UsageError(
                f"{path} cannot be read ({failed.strerror}); name a results.jsonl of lvqa eval"
            ) from failed
        for line in filter(str.strip, lines):
            try:
                row = json.loads(line)
            except ValueError:  # the last line of a run that was killed
                break
            given = row.get("system") in systems and row.get("way") and row.get("gold", 0) is not None
            if given and not row["abstained"] and not row["error"]:
                video = f"{path}:{row['video']}"
                found.append((str(row["way"]), float(row["uncalibrated"]), bool(row["right"]), video))
    if not found:
        raise UsageError(f"there are no answers of {', '.join(systems)} in {', '.join(map(str, paths))}")
    return found


def fit(confidence: Sequence[float] | Values, right: Sequence[bool] | Values) -> Curve:
    """A rising curve through the shares of right answers, by isotonic regression; at least one answer is needed.

    Shares are shrunk by one right and one wrong answer a point, so that no curve promises certainty. It begins at
    (0, 0): of what was too doubtful to be answered there are no answers to fit to.
    """
    with needs_extra("rivals", "calibration"):
        from sklearn.isotonic import IsotonicRegression

    order = np.argsort(np.asarray(confidence, np.float64), kind="stable")
    sure, hits = np.asarray(confidence, np.float64)[order], np.asarray(right, np.float64)[order]
    n = max(1, min(_POINTS, len(sure) // _LEAST))
    groups = np.array_split(np.arange(len(sure)), n)
    xs = np.array([sure[group].mean() for group in groups])
    ys = np.array([(hits[group].sum() + 1) / (len(group) + 2) for group in groups])
    rising = IsotonicRegression().fit_transform(np.arange(n), ys, sample_weight=[len(group) for group in groups])
    points: dict[float, float] = {0.0: 0.0}
    for x, y in zip(xs, rising, strict=True):  # equal confidences are one point
        points[round(float(x), 4)] = round(float(y), 4)
    return [[x, y] for x, y in sorted(points.items())]


def held_out(rows: Sequence[Answered]) -> Values:
    """Each answer's confidence by a curve that saw no answer about its video, float64 (n,)."""
    videos = sorted({row[3] for row in rows})
    made = np.zeros(len(rows))
    for video in videos:
        others = [row for row in rows if row[3] != video]
        curve = fit([row[1] for row in others], [row[2] for row in others]) if others else []
        for n, row in enumerate(rows):
            if row[3] == video:
                made[n] = on_curve(curve, row[1]) if curve else row[1]
    return made


def write_settings(folder: Path, curves: Mapping[str, Curve]) -> Path:
    """Put curves into an index folder's settings.toml, in the place of those that stood there; returns the file."""
    path = folder / SETTINGS_FILE
    text = path.read_text(encoding="utf-8") if path.is_file() else ""
    kept = re.sub(r"(?ms)^\[calibration\]\n.*?(?=^\[|\Z)", "", text).rstrip()
    table = "\n".join(f"{json.dumps(way)} = {json.dumps(list(curve))}" for way, curve in sorted(curves.items()))
    path.write_text(f"{kept}\n\n[calibration]\n{table}\n".lstrip(), encoding="utf-8")
    return path


def main(argv: Sequence[str] | None = None) -> None:
    """Fit, print, and write where that is wanted."""
    parser = argparse.ArgumentParser(prog="python -m lvqa.eval.calibrate", description=__doc__)
    parser.add_argument("results", nargs="+", type=Path)
    parser.add_argument("--system", action="append", help="whose answers; lvqa's unless given")
    parser.add_argument("--write", type=Path, metavar="INDEX_FOLDER")
    parser.add_argument("--ship", action="store_true")
    given = parser.parse_args(argv)
    rows = answered(given.results, given.system or ("lvqa",))
    curves: dict[str, Curve] = {}
    for way in sorted({row[0] for row in rows}):
        mine = [row for row in rows if row[0] == way]
        sure, right = [row[1] for row in mine], [row[2] for row in mine]
        curves[way] = fit(sure, right)
        after = calibration_error(held_out(mine), right)
        print(f"{way}: {len(mine)} answers, error {calibration_error(sure, right):.3f}, held out {after:.3f}")
        print("  " + ", ".join(f"{x:.2f} -> {y:.2f}" for x, y in curves[way]))
    if given.write is not None:
        print(f"written: {write_settings(given.write.expanduser(), curves)}")
    if given.ship:
        path = Path(calibration.__file__).resolve().with_name("calibration.json")
        held = json.loads(path.read_text(encoding="utf-8"))["curves"]
        path.write_text(json.dumps({"curves": {**held, **curves}}, indent=1) + "\n", encoding="utf-8")
        print(f"written: {path}")


if __name__ == "__main__":
    try:
        main()
    except LvqaError as failed:
        raise SystemExit(f"error: {failed}") from failed
