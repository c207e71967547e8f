"""What the transformers backends share: device, dtype, finding weights, and errors that name the model.

Knows transformers' ways of failing; knows no particular model.
"""

from __future__ import annotations

import logging
import re
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

from lvqa.errors import ModelError, ModelNotFound, UsageError
from lvqa.models.weights import as_folder, find_weights, hub_cache, hub_has, hub_state

S = TypeVar("S")
T = TypeVar("T")

_LOADING = threading.RLock()

# What the extra `vlm` brings: processors of several vision models ask for it when they are loaded.
VLM_PACKAGES = ("torchvision", "num2words")

# Loggers that warn once a load about things a user of lvqa can do nothing about: image processors that fall back to
# PIL without torchvision, unused weights of a head, generation flags of a checkpoint.
_NOISY = (
    "transformers.image_processing_utils_fast",
    "transformers.image_processing_backends",
    "transformers.models.auto.image_processing_auto",
    "transformers.models.auto.processing_auto",
    "transformers.processing_utils",
    "transformers.configuration_utils",
    "transformers.modeling_utils",
    "transformers.utils.loading_report",
    "transformers.generation.configuration_utils",
    "transformers.video_processing_utils",
    "transformers.distributed.tensor_parallel",
)


def pick_device(device: str) -> str:
    """`auto` as cuda where there is one, else cpu (mps only when asked for).

    Raises UsageError for what is not there.
    """
    import torch

    if device == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    kind = device.partition(":")[0]
    if kind == "cuda" and not torch.cuda.is_available():
        raise UsageError(f"device {device!r} was asked for and torch sees no CUDA device; use --device cpu, or auto")
    if kind == "mps" and not torch.backends.mps.is_available():
        raise UsageError(f"device {device!r} was asked for and torch sees no Metal device; use --device cpu, or auto")
    if kind not in {"cpu", "cuda", "mps"}:
        raise UsageError(f"unknown device {device!r}; use auto, cpu, cuda, cuda:1 or mps")
    return device


def pick_dtype(device: str) -> Any:
    """bfloat16 on CUDA, float32 elsewhere."""
    import torch

    return torch.bfloat16 if device.startswith("cuda") else torch.float32


@contextmanager
def quiet() -> Iterator[None]:
    """Silence, inside the `with`, the warnings of loading that ask nothing of the user; errors still come through.

    One thread at a time: levels are global, and so is what transformers patches while it loads.
    """
    with _LOADING:
        levels = [(logger, logger.level) for logger in map(logging.getLogger, _NOISY)]
        for logger, _ in levels:
            logger.setLevel(logging.ERROR)
        try:
            with _no_progress_bars():
                yield
        finally:
            for logger, level in levels:
                logger.setLevel(level)


@contextmanager
def _no_progress_bars() -> Iterator[None]:
    from transformers.utils import logging as untyped

    hf_logging: Any = untyped
    shown = hf_logging.is_progress_bar_enabled()
    hf_logging.disable_progress_bar()
    try:
        yield
    finally:
        if shown:
            hf_logging.enable_progress_bar()


def load_pretrained(spec: str, load: Callable[..., T], **options: Any) -> T:
    """Call a `from_pretrained` for a spec, without code from the hub, and turn what it raises into one clear line.

    Raises ModelNotFound where the weights, the hub or a package are not there, ModelError where they cannot be loaded.
    """
    model = spec.partition(":")[2]
    folder = as_folder(model)
    on_disk = folder is not None or find_weights(model) is not None
    if not on_disk and not hub_has(model):
        raise not_found(spec)
    try:
        with quiet():
            return load(
                str(folder) if folder else model,
                local_files_only=on_disk,
                trust_remote_code=False,
                **options,
            )
    except ImportError as error:
        raise _lacking_package(spec, error) from error
    except (OSError, ValueError, KeyError, RuntimeError, AttributeError, TypeError) as error:
        raise explain(spec, error) from error


def explain(spec: str, error: BaseException) -> ModelError:
    """The ModelNotFound or ModelError that says in one line why a model did not load."""
    kind, _, model = spec.partition(":")
    text = first_line(error)
    if any(package in str(error).lower() for package in VLM_PACKAGES):
        return _lacking_package(spec, error)
    if as_folder(model) is not None:
        return ModelError(f"{spec}: the folder {model} does not hold a model this role can use: {text}")
    if "trust_remote_code" in str(error):
        return ModelError(f"{spec} needs code from the hub, which lvqa does not run; choose a model transformers knows")
    if isinstance(error, OSError):
        return ModelNotFound(f"{spec}: {text}; look at {hub_cache()}, or give a folder that holds it: {kind}:<folder>")
    return ModelError(f"{spec} cannot be loaded: {text}")


def not_found(spec: str) -> ModelNotFound:
    """The error for a model that is neither on disk nor to be had from the hub."""
    kind, _, model = spec.partition(":")
    if model.startswith((".", "/", "~")) or model.count("/") > 1 or "\\" in model:
        return ModelNotFound(
            f"{spec}: there is no folder {model}; give an existing one, or a hub id: {kind}:<org>/<name>"
        )
    return ModelNotFound(
        f"{spec}: no weights of {model} in {hub_cache()}, and {hub_state(model)}; "
        f"download it there, or give a folder that holds it: {kind}:<folder>"
    )


def _lacking_package(spec: str, error: BaseException) -> ModelNotFound:
    for package in VLM_PACKAGES:
        if package in str(error).lower():
            return ModelNotFound(f"the processor of {spec} needs {package}: pip install 'lvqa[vlm]'")
    name = getattr(error, "name", None) or first_line(error)
    return ModelNotFound(f"{spec} needs a package that is not installed: {name}; pip install it")


def first_line(error: BaseException, limit: int = 200) -> str:
    """The first line of an error that says something, cut to `limit` characters."""
    for line in str(error).splitlines():
        line = re.sub(r"\s+", " ", line).strip()
        if line:
            return line if len(line) <= limit else line[: limit - 1] + "…"
    return type(error).__name__


class OutOfMemory(ModelError):
    """The device's memory does not hold the batch."""


@contextmanager
def device_errors(spec: str, device: str) -> Iterator[None]:
    """Turn what a model raises while it runs into ModelError, and a full device into OutOfMemory."""
    import torch

    try:
        yield
    except torch.OutOfMemoryError as error:
        raise OutOfMemory(
            f"{spec}: out of memory on {device}; use smaller or fewer frames (--max-side), a smaller model, "
            "or --device cpu"
        ) from error
    except (RuntimeError, ValueError, IndexError, TypeError, KeyError) as error:
        raise ModelError(f"{spec} failed: {first_line(error)}") from error


class Batches:
    """Runs items some at a time; where that does not fit the device, by halves, and from then on by no more."""

    def __init__(self, size: int) -> None:
        self.size = size

    def run(self, items: Sequence[S], call: Callable[[Sequence[S]], Sequence[T]]) -> list[T]:
        """`call` on stretches of items, its results joined in order. Raises OutOfMemory where one item is too much."""
        results: list[T] = []
        while len(results) < len(items):
            part = items[len(results) : len(results) + self.size]
            try:
                results += call(part)
            except OutOfMemory:
                if len(part) == 1:
                    raise
                self.size = (len(part) + 1) // 2
                _empty_cache()
        return results


def _empty_cache() -> None:
    import torch

    if torch.cuda.is_available():
        torch.cuda.empty_cache()
