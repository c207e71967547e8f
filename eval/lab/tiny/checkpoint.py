"""A training's state on disk: tensors in one safetensors file, the tree that they hang in as JSON in its header.

Nothing is pickled. Knows trees of dicts, lists, tensors and plain values, and no model.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from safetensors.torch import save_file


def save(path: Path, tree: Any) -> None:
    """Write a tree, beside `path` first, so that a kill leaves the one before."""
    tensors: dict[str, torch.Tensor] = {}
    text = json.dumps(_taken(tree, tensors))
    partial = path.with_name(path.name + ".part")
    # An empty file is none that safetensors reads.
    save_file(tensors or {"empty": torch.zeros(1)}, partial, {"tree": text})
    partial.replace(path)


def load(path: Path) -> Any:
    """The tree that `save` wrote, its tensors on the CPU."""
    with safe_open(path, "pt") as file:
        return _put_back(json.loads(file.metadata()["tree"]), file)


def _taken(value: Any, tensors: dict[str, torch.Tensor]) -> Any:
    if isinstance(value, torch.Tensor):
        name = str(len(tensors))
        # A copy of its own: tied weights share memory, which the format does not.
        tensors[name] = value.detach().cpu().contiguous().clone()
        return {"tensor": name}
    if isinstance(value, dict):
        # Pairs, because optimizers have numbers for keys.
        return {"dict": [[key, _taken(one, tensors)] for key, one in value.items()]}
    if isinstance(value, list | tuple):
        return {"list": [_taken(one, tensors) for one in value]}
    return {"plain": value}


def _put_back(node: dict[str, Any], file: Any) -> Any:
    ((kind, value),) = node.items()
    if kind == "tensor":
        return file.get_tensor(value)
    if kind == "dict":
        return {key: _put_back(one, file) for key, one in value}
    if kind == "list":
        return [_put_back(one, file) for one in value]
    return value
