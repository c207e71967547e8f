"""From a spec such as `hf:Qwen/Qwen2.5-VL-7B-Instruct` to a model: a table of import strings, resolved on use.

A spec is `kind` or `kind:rest`. This module knows kinds and where their loaders live; it imports none until asked.
"""

from __future__ import annotations

import importlib
from collections.abc import Collection
from typing import TYPE_CHECKING, Any, Literal, cast, get_args

from lvqa.errors import UsageError
from lvqa.models.base import (
    Detector,
    Embedder,
    ImageEmbedder,
    TextReader,
    Transcriber,
    VisionModel,
)

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel

    from lvqa.models.served.remote import Serving

Role = Literal["vision", "chat", "embedder", "image_embedder", "detector", "ocr", "asr"]
ROLES: tuple[Role, ...] = get_args(Role)

# role -> kind -> (loader called with the whole spec and the device, how the spec is written)
_KINDS: dict[Role, dict[str, tuple[str, str]]] = {
    "vision": {
        "hf": ("lvqa.models.hf.vision:load", "hf:<id or folder>"),
        "openai": ("lvqa.models.served.remote:load_vision", "openai:<model>@<base url>"),
        "lc": ("lvqa.models.served.remote:load_vision", "lc:<provider>:<model>"),
    },
    "chat": {
        "vision": ("lvqa.models.registry:_chat_of_vision", "vision"),
        "builtin": ("lvqa.models.registry:_no_chat", "builtin:extractive"),
        "hf": ("lvqa.models.hf.chat:load", "hf:<id or folder>"),
        "openai": ("lvqa.models.served.remote:load_chat", "openai:<model>@<base url>"),
        "lc": ("lvqa.models.served.remote:load_chat", "lc:<provider>:<model>"),
    },
    "embedder": {
        "st": ("lvqa.models.embed:load", "st:<id or folder>"),
        "minilm": ("lvqa.models.embed:load", "minilm"),
    },
    "image_embedder": {
        "st": ("lvqa.models.embed_image:load", "st:<id or folder>"),
        "hf": ("lvqa.models.embed_image:load", "hf:<id or folder>"),
    },
    "detector": {"hf": ("lvqa.models.detect:load", "hf:<id or folder>")},
    "ocr": {"rapidocr": ("lvqa.models.ocr:load", "rapidocr")},
    "asr": {"whisper": ("lvqa.models.speech:load", "whisper:<size or folder>")},
}


def check_spec(role: Role, spec: str) -> None:
    """Raise UsageError, listing the known kinds, unless a spec is one that the role's loaders understand."""
    kind, colon, rest = spec.partition(":")
    known = _KINDS[role]
    if kind not in known:
        raise UsageError(f"unknown {role} model {spec!r}; write one of: {_known(role)}")
    form = known[kind][1]
    if ":" not in form and colon:
        raise UsageError(f"{role} model {spec!r} takes nothing after a colon; write {form}")
    if "<" in form and not rest.strip():
        raise UsageError(f"{role} model {spec!r} lacks its name; write {form}")
    if kind == "openai":
        from lvqa.models.served.remote import Address

        Address.of(spec)
    if kind == "builtin" and spec not in form.split(", "):
        raise UsageError(f"unknown {role} model {spec!r}; write one of: {_known(role)}")


def _known(role: Role) -> str:
    return ", ".join([form for _, form in _KINDS[role].values()] + ["none"])


def _load(role: Role, spec: str, device: str, trusted: Collection[str] = (), **more: Any) -> Any:
    check_spec(role, spec)
    kind, _, model = spec.partition(":")
    if kind in ("hf", "st") and model in trusted:
        more["trust_remote_code"] = True
    module, _, function = _KINDS[role][kind][0].partition(":")
    return getattr(importlib.import_module(module), function)(spec, device=device, **more)


def load_vision(
    spec: str,
    *,
    device: str = "auto",
    trusted: Collection[str] = (),
    serving: Serving | None = None,
    device_map: str = "",
) -> VisionModel:
    """Load a model that looks at frames. Of those in `trusted`, by id or folder, code of their own is run.

    `serving` says how a server is called, `device_map` how transformers lays one model over several devices.
    Raises UsageError for an unknown kind, ModelNotFound, ModelError.
    """
    return cast(VisionModel, _load("vision", spec, device, trusted, **_options(spec, serving, device_map)))


def _options(spec: str, serving: Serving | None, device_map: str) -> dict[str, Any]:
    if spec.startswith("hf:"):
        return {"device_map": device_map} if device_map else {}
    return {"serving": serving} if serving is not None and spec.startswith(("openai:", "lc:")) else {}


def load_chat(
    spec: str,
    *,
    vision: VisionModel | None = None,
    device: str = "auto",
    trusted: Collection[str] = (),
    serving: Serving | None = None,
    device_map: str = "",
) -> BaseChatModel:
    """Load a chat model; `vision` makes the given vision model reason too. Raises as `load_vision`."""
    more = {"vision": vision} if spec == "vision" else _options(spec, serving, device_map)
    return cast("BaseChatModel", _load("chat", spec, device, trusted, **more))


def load_embedder(spec: str, *, device: str = "auto", trusted: Collection[str] = ()) -> Embedder:
    """Load a text embedder. Raises as `load_vision`."""
    return cast(Embedder, _load("embedder", spec, device, trusted))


def load_image_embedder(spec: str, *, device: str = "auto", trusted: Collection[str] = ()) -> ImageEmbedder:
    """Load an embedder of frames and queries. Raises as `load_vision`."""
    return cast(ImageEmbedder, _load("image_embedder", spec, device, trusted))


def load_detector(spec: str, *, device: str = "auto", trusted: Collection[str] = ()) -> Detector:
    """Load a zero-shot detector. Raises as `load_vision`."""
    return cast(Detector, _load("detector", spec, device, trusted))


def load_reader(spec: str, *, device: str = "auto", trusted: Collection[str] = ()) -> TextReader:
    """Load a reader of screen text. Raises as `load_vision`."""
    return cast(TextReader, _load("ocr", spec, device, trusted))


def load_transcriber(
    spec: str, *, device: str = "auto", trusted: Collection[str] = (), language: str = ""
) -> Transcriber:
    """Load a transcriber of speech, of one language where it is named by its code. Raises as `load_vision`."""
    return cast(Transcriber, _load("asr", spec, device, trusted, **({"language": language} if language else {})))


def _chat_of_vision(spec: str, *, device: str, vision: VisionModel | None = None) -> BaseChatModel:
    if vision is None:
        raise UsageError("chat model 'vision' needs a vision model, and there is none; name one, or another chat model")
    as_chat = getattr(vision, "as_chat", None)
    if as_chat is None:
        raise UsageError(
            f"vision model {vision.name!r} cannot reason about text alone (it has no as_chat); name a chat model"
        )
    return cast("BaseChatModel", as_chat())


def _no_chat(spec: str, *, device: str) -> BaseChatModel:
    raise UsageError(f"{spec} is reasoning without a chat model, there is nothing to load; Models.chat is None for it")
