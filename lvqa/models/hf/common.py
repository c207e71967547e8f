"""What the transformers backends share: device, dtype, finding weights, and errors that name the model.

Knows transformers' ways of failing; knows no particular model.
"""

from __future__ import annotations

import logging
import re
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

from lvqa.errors import ModelError, ModelNotFound, UsageError
from lvqa.models.weights import as_folder, find_weights, hub_cache, hub_has, hub_state, installed
from lvqa.secrets import strike

S = TypeVar("S")
T = TypeVar("T")

_LOADING = threading.RLock()
_log = logging.getLogger("lvqa.models")

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


def pick_dtype(device: str, declared: str = "") -> Any:
    """The torch dtype that a model declares by name, else bfloat16 on CUDA and float32 elsewhere."""
    import torch

    if declared:
        return getattr(torch, declared)
    return torch.bfloat16 if device.startswith("cuda") else torch.float32


@contextmanager
def quiet() -> Iterator[None]:
    """Silence, inside the `with`, the warnings of loading that ask nothing of the user; errors still come through.

    One thread at a time: levels are global, and so is what transformers patches while it loads.
    """
    with _LOADING:
        from transformers.utils import logging as untyped

        hf_logging: Any = untyped
        shown = hf_logging.is_progress_bar_enabled()
        levels = [(logger, logger.level) for logger in map(logging.getLogger, _NOISY)]
        for logger, _ in levels:
            logger.setLevel(logging.ERROR)
        hf_logging.disable_progress_bar()
        try:
            yield
        finally:
            if shown:
                hf_logging.enable_progress_bar()
            for logger, level in levels:
                logger.setLevel(level)


def load_pretrained(spec: str, load: Callable[..., T], *, trust_remote_code: bool = False, **options: Any) -> T:
    """Call a `from_pretrained` for a spec, and turn what it raises into one clear line.

    Code that comes with a model is run only with `trust_remote_code`.

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
                trust_remote_code=trust_remote_code,
                **options,
            )
    except ImportError as error:
        raise _lacking_package(spec, error) from error
    except (OSError, ValueError, KeyError, RuntimeError, AttributeError, TypeError) as error:
        raise explain(spec, error) from error


def load_both(
    spec: str,
    model: str,
    processor: str,
    device: str,
    *,
    dtype: str = "",
    trust_remote_code: bool = False,
    device_map: str = "",
) -> tuple[Any, Any, str]:
    """The model and the processor of a spec by the transformers classes of these names, and the device they are on.

    bfloat16 on CUDA and float32 elsewhere, unless a `dtype` is named; safetensors only. With a `device_map` (`auto`,
    `balanced`, ...) accelerate lays the model over the devices that there are. Raises as `load_pretrained`.
    """
    if device_map and not installed("accelerate"):
        raise UsageError(f"device_map {device_map!r} needs accelerate: pip install 'lvqa[gpu]'")
    with quiet():
        import transformers
    device = pick_device(device)
    processes = load_pretrained(
        spec, getattr(transformers, processor).from_pretrained, trust_remote_code=trust_remote_code
    )
    made: Any = load_pretrained(
        spec,
        getattr(transformers, model).from_pretrained,
        trust_remote_code=trust_remote_code,
        dtype=pick_dtype(device, dtype),
        use_safetensors=True,
        **({"device_map": device_map} if device_map else {}),
    )
    if device_map:
        return made.eval(), processes, str(made.device)
    return made.to(device).eval(), processes, device


def explain(spec: str, error: BaseException) -> ModelError:
    """The ModelNotFound or ModelError that says in one line why a model did not load."""
    kind, _, model = spec.partition(":")
    text = first_line(error)
    if "trust_remote_code" in str(error):
        return ModelError(
            f"{spec} brings code of its own, which lvqa does not run; choose a model that transformers knows, or, if "
            f"you trust it, add it by name: --set trust_remote_code={model}"
        )
    if any(package in str(error).lower() for package in VLM_PACKAGES):
        return _lacking_package(spec, error)
    if as_folder(model) is not None:
        return ModelError(f"{spec}: the folder {model} does not hold a model this role can use: {text}")
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
    """The first line of an error that says something, secrets struck out, cut to `limit` characters."""
    for line in strike(str(error)).splitlines():
        line = re.sub(r"\s+", " ", line).strip()
        if line:
            return line if len(line) <= limit else line[: limit - 1] + "…"
    return type(error).__name__


class DeviceMemoryFull(ModelError):
    """The device's memory does not hold the batch."""


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error of any backend says that a memory does not hold what was asked: torch's, CUDA's, Python's."""
    if isinstance(error, DeviceMemoryFull | MemoryError) or type(error).__name__ == "OutOfMemoryError":
        return True
    text = str(error).lower()
    return isinstance(error, RuntimeError) and ("out of memory" in text or "alloc_failed" in text)


@contextmanager
def device_errors(spec: str, device: str) -> Iterator[None]:
    """Turn what a model raises while it runs into ModelError, and a full device into OutOfMemory."""
    try:
        yield
    except (RuntimeError, MemoryError) as error:
        if is_out_of_memory(error):
            raise DeviceMemoryFull(
                f"{spec}: out of memory on {device}; use smaller or fewer frames (--max-side), a smaller model, "
                "or --device cpu"
            ) from error
        raise ModelError(f"{spec} failed: {first_line(error)}") from error
    except (ValueError, IndexError, TypeError, KeyError) as error:
        raise ModelError(f"{spec} failed: {first_line(error)}") from error


class Batches:
    """Runs items some at a time; where that does not fit the memory, by halves, and from then on by no more.

    `size` None begins with all that come at once; `name` is the model's, for the line that tells of a halving.
    """

    def __init__(self, size: int | None, name: str = "a model") -> None:
        self.size = size
        self.name = name

    def run(self, items: Sequence[S], call: Callable[[Sequence[S]], Sequence[T]]) -> list[T]:
        """`call` on stretches of items, its results joined in order.

        Raises what `call` does, a full memory only where one item is too much; ModelError where it gives another
        number of results than it was given items.
        """
        results: list[T] = []
        while len(results) < len(items):
            part = items[len(results) : len(results) + (self.size or len(items))]
            try:
                got = call(part)
            except Exception as error:
                if len(part) == 1 or not is_out_of_memory(error):
                    raise
                size = (len(part) + 1) // 2
            else:
                if len(got) != len(part):
                    raise ModelError(f"{self.name} gave {len(got)} replies to {len(part)} requests; use another model")
                results.extend(got)
                continue
            # Outside the `except`: the error's traceback holds on to what fills the memory.
            self.size = size
            told = {"model": self.name, "batch": len(part), "now": size}
            _log.warning(
                "%s: out of memory with %d at once; goes on with %d",
                self.name,
                len(part),
                size,
                extra={"event": "halved", "told": told},
            )
            _empty_cache()
        return results


def _empty_cache() -> None:
    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_available():
        torch.cuda.empty_cache()
