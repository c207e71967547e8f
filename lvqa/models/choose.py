"""The profiles, and what each role gets where a profile's wish is not there: the decision, without the models.

Looks at the disk, and where that leaves a choice open asks the hub for one header; loads no model and imports torch
only where a CUDA driver is there. This module knows no backend.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from lvqa.errors import UsageError
from lvqa.models import registry
from lvqa.models.capabilities import FILE, declared_by
from lvqa.models.registry import ROLES, Role
from lvqa.models.weights import (
    as_folder,
    cuda_present,
    find_weights,
    hub_cache,
    hub_has,
    hub_state,
    installed,
    minilm_zip,
    whisper_wheel,
)

if TYPE_CHECKING:
    from lvqa.settings import Settings

NONE = "none"
# Reasoning without a chat model, by quoting notes.
EXTRACTIVE = "builtin:extractive"
NO_CHAT = (EXTRACTIVE,)
MINILM_ID = "sentence-transformers/all-MiniLM-L6-v2"

# What each profile wants; what is not there gives way as `resolve` says.
_WITH_VISION: dict[Role, str] = {
    "chat": "vision",
    "embedder": f"st:{MINILM_ID}",
    "image_embedder": "hf:google/siglip2-base-patch16-224",
    "detector": "hf:google/owlv2-base-patch16-ensemble",
    "ocr": "rapidocr",
}
PROFILES: dict[str, dict[Role, str]] = {
    "gpu": {**_WITH_VISION, "vision": "hf:Qwen/Qwen2.5-VL-7B-Instruct", "asr": "whisper:small"},
    "cpu": {**_WITH_VISION, "vision": "hf:HuggingFaceTB/SmolVLM2-500M-Video-Instruct", "asr": "whisper:base"},
    "text": {
        "vision": NONE,
        "chat": EXTRACTIVE,
        "embedder": f"st:{MINILM_ID}",
        "image_embedder": NONE,
        "detector": NONE,
        "ocr": "rapidocr",
        "asr": "whisper:base",
    },
}

# What the processors of these models import (transformers 5.23).
VISION_NEEDS = {
    PROFILES["gpu"]["vision"]: ("torchvision",),
    PROFILES["cpu"]["vision"]: ("torchvision", "num2words"),
}


@dataclass(frozen=True, slots=True)
class Choice:
    """The profile that was taken, a spec for each role (`none` when off), and a line for each decision not obvious."""

    profile: str
    specs: Mapping[Role, str]
    reasons: tuple[str, ...]


def resolve(settings: Settings) -> Choice:
    """Decide every role from the settings. Raises UsageError for a spec of unknown kind."""
    reasons: list[str] = []
    profile: str = settings.profile
    if profile == "auto":
        profile, why = _auto()
        reasons.append(f"auto -> {profile}: {why}")
    specs: dict[Role, str] = {}
    for role in ROLES:
        given: str = getattr(settings, role)
        if given:
            if given != NONE:
                registry.check_spec(role, given)
            specs[role] = given
            continue
        specs[role], why = _wish_or_fallback(role, PROFILES[profile][role], profile)
        if why:
            reasons.append(f"{role} -> {specs[role]}: {why}")
    if specs["vision"] == NONE and specs["chat"] == "vision":
        if settings.chat == "vision":
            raise UsageError(
                "chat model 'vision' needs a vision model, and that role is off; name a vision model or another chat"
            )
        specs["chat"] = EXTRACTIVE
        reasons.append(f"chat -> {EXTRACTIVE}: there is no vision model that could reason as well")
    if specs["chat"] == "vision" and not declared_by(specs["vision"]).reasons:
        if settings.chat == "vision":
            raise UsageError(
                f"{specs['vision']} looks and does not reason, as its {FILE} says; "
                f"name another chat model, or {EXTRACTIVE}"
            )
        specs["chat"] = EXTRACTIVE
        reasons.append(f"chat -> {EXTRACTIVE}: {specs['vision']} looks and does not reason")
    return Choice(profile, specs, tuple(reasons))


def _auto() -> tuple[str, str]:
    missing = []
    if cuda_present():
        wanted = PROFILES["gpu"]["vision"]
        lack = _vision_lack(wanted, may_download=True)
        if lack is None:
            return "gpu", "CUDA is there"
        missing.append(f"CUDA is there, but {lack}")
    else:
        missing.append("no CUDA")
    lack = _vision_lack(PROFILES["cpu"]["vision"], may_download=False)
    if lack is None:
        return "cpu", f"{missing[0]}; {PROFILES['cpu']['vision']} is on disk"
    return (
        "text",
        f"{missing[0]}; {lack}; without a vision model, speech, screen text and imported captions are what is known",
    )


def _vision_lack(spec: str, *, may_download: bool) -> str | None:
    """What keeps a vision model from being used, or None."""
    model = spec.partition(":")[2]
    if find_weights(model) is None and not (may_download and hub_has(model)):
        where = f"on disk ({hub_cache()})"
        return f"no weights of {model} {where}" + (f", and {hub_state(model)}" if may_download else "")
    packages = missing_packages(spec)
    return f"{model} needs {packages} (pip install 'lvqa[vlm]')" if packages else None


def missing_packages(spec: str) -> str:
    """The packages that the processor of a profile's vision model needs and that are not installed, as text."""
    return " and ".join(package for package in VISION_NEEDS.get(spec, ()) if not installed(package))


def _wish_or_fallback(role: Role, spec: str, profile: str) -> tuple[str, str]:
    """What a role gets where the profile's wish is not there, and why; the reason is empty for a wish fulfilled."""
    if spec == NONE or spec.startswith("builtin:"):
        return spec, ""
    if role == "embedder":
        return _embedder_or_fallback(spec, profile)
    if role == "asr":
        return _asr_or_fallback(spec)
    if role == "ocr" and not installed("rapidocr", "onnxruntime"):
        return NONE, "rapidocr is not installed (pip install 'lvqa[ocr]')"
    if role in {"image_embedder", "detector"}:
        model = spec.partition(":")[2]
        if find_weights(model) is None and not hub_has(model):
            return NONE, f"{model} is not on disk ({hub_cache()}) and {hub_state(model)}"
    return spec, ""


def _embedder_or_fallback(spec: str, profile: str) -> tuple[str, str]:
    if find_weights(MINILM_ID) is not None:
        return spec, ""
    may_download = profile != "text"
    if may_download and hub_has(MINILM_ID):
        return spec, ""
    missing = f"{MINILM_ID} is not in {hub_cache()}"
    if may_download:
        missing += f" and {hub_state(MINILM_ID)}"
    if minilm_zip() is not None:
        return "minilm", f"{missing}; the wheel holds the same model"
    return NONE, f"{missing}, nor is its wheel installed (pip install 'lvqa[offline]')"


def _asr_or_fallback(spec: str) -> tuple[str, str]:
    if not installed("faster_whisper"):
        return NONE, "faster-whisper is not installed (pip install 'lvqa[asr]')"
    size = spec.partition(":")[2]
    model = whisper_repo(size)
    if find_whisper(size) is not None or hub_has(model):
        return spec, ""
    missing = f"{model} is not in {hub_cache()} and {hub_state(model)}"
    if find_whisper("tiny") is not None:
        return "whisper:tiny", f"{missing}; English speech only"
    return NONE, f'{missing}; name a folder: asr = "whisper:<folder>"'


def whisper_repo(size: str) -> str:
    """The hub id behind a Whisper size; an id stays itself."""
    return size if "/" in size else f"Systran/faster-whisper-{size}"


def find_whisper(size_or_folder: str) -> Path | None:
    """The folder of a faster-whisper model: given, in the hub's cache, or for `tiny` and `tiny.en` in the wheel."""
    folder = as_folder(size_or_folder)
    if folder is not None:
        return folder
    cached = find_weights(whisper_repo(size_or_folder))
    if cached is not None:
        return cached
    return whisper_wheel() if size_or_folder in {"tiny", "tiny.en"} else None
