"""The figures of a run as tables for people. Knows nothing of how they were measured."""

from __future__ import annotations

from typing import Any

from lvqa.eval.lab.retrieval.systems import pieces, systems

_HEADS = {"hit": "hit", "right_video": "right video", "f1": "F1 at 5 s"}
_NAME_WIDTH = 36


def format_table(result: dict[str, Any]) -> str:
    """Lay the figures out: a row a system, `mean +- clustered standard error` in each column; then the paired tests."""
    titles = {name: system.title for name, system in (systems() | pieces()).items()}
    lines = [
        f"{result['questions']} questions on {result['archives']} archives of "
        f"{result['videos'] // result['archives']} videos ({result['captions']} captions), "
        f"{result['k']} seconds returned; +- is one standard error, clustered by video",
        "",
        _row("", [*_HEADS.values(), "stated", "ms a search"]),
    ]
    for name, system in result["systems"].items():
        lines.append(_row(titles[name], [*(_cell(system[key]) for key in (*_HEADS, "stated")), f"{system['ms']:.1f}"]))
    lines += ["", "within the one right video", _row("", ["hit", "window IoU"])]
    for name, system in result["within"].items():
        hit = "" if name == "whole video" else _cell(system["hit"])
        iou = "" if name == "uniform" else _cell(system["iou"])
        lines.append(_row(titles.get(name, name), [hit, iou]))
    if result["best_single"]:
        lines += ["", "hybrid against the best single channel, question by question (bootstrap over videos)"]
        for metric, gain in result["best_single"].items():
            lines.append(f"  {_HEADS[metric]:12} {_gain(gain)}  over {titles[gain['channel']]}")
    if result["paired"]:
        lines += ["", "gain in hits, question by question (95 % interval, bootstrap over videos)"]
        lines += [f"  {name:18} {_gain(gain)}" for name, gain in result["paired"].items()]
    off = result["off_topic"]
    if off["questions"]:
        lost = result["systems"]["hybrid"]["nothing"]["value"]
        lines += [
            "",
            f"off-topic questions that find nothing: {off['nothing_found']:.2f} of {off['questions']}; "
            f"questions about the archive that find nothing: {lost:.3f}",
        ]
    if result["pieces"]:
        lines += ["", *_pieces(result)]
    return "\n".join(lines)


def _pieces(result: dict[str, Any]) -> list[str]:
    heads = [*_HEADS.values(), "hit within", "IoU within"]
    lines = [
        "the hybrid search with one piece changed; below each row, what the default gains over it",
        _row("", heads),
    ]
    whole = {**result["systems"].get("hybrid", {}), "within": result["within"].get("hybrid", {})}
    for name, system in [("hybrid", whole), *result["pieces"].items()]:
        if not system["within"]:
            continue
        cells = [_cell(system[key]) for key in _HEADS]
        cells += [_cell(system["within"][key]) for key in ("hit", "iou")]
        lines.append(_row(name, cells))
        if name in result["pieces"] and system["gain"]:
            gains = [f"{gain['difference']:+.3f} p={gain['p_value']:.3f}" for gain in system["gain"].values()]
            lines.append(_row("", gains))
    return lines


def _row(name: str, cells: list[str]) -> str:
    return f"{name:{_NAME_WIDTH}}" + "".join(f"{cell:>18}" for cell in cells)


def _cell(mean: dict[str, float]) -> str:
    return f"{mean['value']:.3f} +- {mean['error']:.3f}"


def _gain(gain: dict[str, Any]) -> str:
    return f"{gain['difference']:+.3f}  [{gain['low']:+.3f}, {gain['high']:+.3f}]  p = {gain['p_value']:.4f}"
