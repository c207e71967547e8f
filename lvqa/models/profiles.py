"""The models of a Settings, loaded on use, and what every profile would load.

`lvqa.models.choose` decides which model takes which role; this module knows no backend.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lvqa.errors import UsageError
from lvqa.models import registry
from lvqa.models.base import Detector, Embedder, ImageEmbedder, TextReader, Thinker, Transcriber, VisionModel
from lvqa.models.capabilities import Capabilities, capabilities_of, declared_by
from lvqa.models.choose import (
    EXTRACTIVE,
    NO_CHAT,
    NONE,
    PROFILES,
    Choice,
    find_whisper,
    missing_packages,
    resolve,
)
from lvqa.models.registry import ROLES, Role
from lvqa.models.replies import name_of
from lvqa.models.served.remote import Address, Serving, identity, is_nameless
from lvqa.models.weights import (
    find_weights,
    folder_size,
    hub_cache,
    installed,
    minilm_zip,
    package_folder,
)
from lvqa.secrets import remember_of

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel

    from lvqa.settings import Settings


class Models:
    """The models of a Settings, each loaded when first asked for and then kept. Thread-safe.

    A role that is off is None; so is `chat` when reasoning goes without a chat model (`builtin:extractive`). Access
    raises ModelNotFound or ModelError where loading fails, the same way each time. `planner`, a
    `lvqa.agents.planner.QuestionPlanner`, plans questions where there is no chat model.
    """

    def __init__(self, settings: Settings, *, planner: object | None = None) -> None:
        self.settings: Settings | None = settings
        self._planner = planner
        self._loaded: dict[Role, Any] = {}
        self._choice: Choice | None = None
        self._locks = {role: threading.RLock() for role in ROLES}
        self._choosing = threading.Lock()

    @classmethod
    def of(
        cls,
        *,
        vision: VisionModel | None = None,
        chat: BaseChatModel | str | None = None,
        embedder: Embedder | None = None,
        image_embedder: ImageEmbedder | None = None,
        detector: Detector | None = None,
        ocr: TextReader | None = None,
        asr: Transcriber | None = None,
        planner: object | None = None,
    ) -> Models:
        """Take ready-made models; a role left out is off, and reasoning without a chat model is extractive.

        `chat` may be `builtin:extractive`. Raises UsageError for another spec.
        """
        no_chat = EXTRACTIVE if chat is None else chat if isinstance(chat, str) else ""
        if no_chat:
            if no_chat not in NO_CHAT:
                raise UsageError(f"a ready-made chat model is a model, or one of {', '.join(NO_CHAT)}; got {chat!r}")
            chat = None
        given: dict[Role, Any] = {
            "vision": vision,
            "chat": chat,
            "embedder": embedder,
            "image_embedder": image_embedder,
            "detector": detector,
            "ocr": ocr,
            "asr": asr,
        }
        for model in given.values():
            remember_of(model)
        models = cls.__new__(cls)
        models.settings = None
        models._planner = planner
        models._loaded = given
        specs: dict[Role, str] = {role: NONE if model is None else name_of(model) for role, model in given.items()}
        if no_chat:
            specs["chat"] = no_chat
        models._choice = Choice("given", specs, ())
        models._locks = {role: threading.RLock() for role in ROLES}
        models._choosing = threading.Lock()
        return models

    @property
    def choice(self) -> Choice:
        """The decision about every role, made on first access; loads nothing."""
        with self._choosing:
            if self._choice is None:
                assert self.settings is not None
                self._choice = resolve(self.settings)
            return self._choice

    @property
    def profile(self) -> str:
        """The profile taken: never `auto`; `given` for ready-made models."""
        return self.choice.profile

    @property
    def specs(self) -> dict[Role, str]:
        """The spec of each role, `none` when off; loads nothing."""
        return dict(self.choice.specs)

    @property
    def names(self) -> dict[Role, str]:
        """The name of each role, as it stands in notes and keys; empty when off; loads nothing.

        That is the name that the model's folder declares (`lvqa.models.capabilities`), else its spec; of a model on a
        server, without the address.
        """
        given, model_id = self.choice.specs.items(), self.settings.model_id if self.settings is not None else ""
        if self.settings is None:
            return {role: "" if spec == NONE else identity(spec) for role, spec in given}
        return {
            role: "" if spec == NONE else declared_by(spec).name or identity(spec, model_id) for role, spec in given
        }

    @property
    def addressed_names(self) -> dict[Role, str]:
        """The names as an earlier lvqa wrote them down, with the address of the server; loads nothing."""
        names, specs = self.names, self.choice.specs
        return {role: specs[role] if specs[role].startswith("openai:") else name for role, name in names.items()}

    @property
    def capabilities(self) -> Capabilities:
        """What the vision model declares that it can be asked. Loads nothing. Raises ModelError where it is damaged."""
        if self.settings is None:
            return capabilities_of(self._loaded["vision"])
        return declared_by(self.choice.specs["vision"])

    def can_be_asked(self, prompt: str) -> bool:
        """Whether there is a vision model that can be asked the prompt of this name; loads nothing."""
        return self.choice.specs["vision"] != NONE and self.capabilities.can_be_asked(prompt)

    @property
    def own_prompts(self) -> Mapping[str, str]:
        """The texts of the vision model's own prompts by name, in the place of lvqa's; loads nothing."""
        return self.capabilities.prompts

    @property
    def planner(self) -> object | None:
        """Plans questions in a chat model's place (`lvqa.agents.planner.QuestionPlanner`); None where there is none."""
        return self._planner

    @property
    def reasons_by_rule(self) -> bool:
        """Whether there is no chat model. Loads nothing."""
        return self.choice.specs["chat"] in (NONE, *NO_CHAT)

    @property
    def reasons(self) -> list[str]:
        """Lines that say what was chosen and why, where that is not what the profile says anyway."""
        return [*self.choice.reasons, *self._nameless()]

    def _nameless(self) -> list[str]:
        if self.settings is None or self.settings.model_id:
            return []
        served = {spec for spec in self.choice.specs.values() if spec.startswith("openai:")}
        addresses = [(spec, Address.of(spec)) for spec in sorted(served)]
        return [
            f"{spec}: the server's name for the model says nothing, so an index made with it stays with this address; "
            "give --model-id with what it is"
            for spec, address in addresses
            if address.base_url is not None and is_nameless(address.model)
        ]

    @property
    def vision(self) -> VisionModel | None:
        """Looks at frames."""
        model: VisionModel | None = self._get("vision")
        return model

    @property
    def chat(self) -> BaseChatModel | None:
        """Reasons; None means without a model."""
        model: BaseChatModel | None = self._get("chat")
        return model

    @property
    def embedder(self) -> Embedder | None:
        """Embeds texts."""
        model: Embedder | None = self._get("embedder")
        return model

    @property
    def image_embedder(self) -> ImageEmbedder | None:
        """Embeds frames."""
        model: ImageEmbedder | None = self._get("image_embedder")
        return model

    @property
    def detector(self) -> Detector | None:
        """Finds named things in frames."""
        model: Detector | None = self._get("detector")
        return model

    @property
    def ocr(self) -> TextReader | None:
        """Reads text on the screen."""
        model: TextReader | None = self._get("ocr")
        return model

    @property
    def asr(self) -> Transcriber | None:
        """Transcribes speech."""
        model: Transcriber | None = self._get("asr")
        return model

    def _get(self, role: Role) -> Any:
        with self._locks[role]:
            if role not in self._loaded:
                self._loaded[role] = self._load(role, self.choice.specs[role])
            return self._loaded[role]

    def _load(self, role: Role, spec: str) -> Any:
        assert self.settings is not None
        if spec in {NONE, *NO_CHAT}:
            return None
        settings = self.settings
        # The vision model alone is put on each of several devices.
        device = settings.device if role == "vision" else settings.device.partition(",")[0].strip()
        more: dict[str, Any] = {"device": device}
        if self.settings.trust_remote_code:
            more["trusted"] = self.settings.trust_remote_code
        most = settings.vision_in_flight if role == "vision" else settings.chat_in_flight
        waits = (settings.timeout_s, settings.patience_s, settings.retries)
        serving = Serving(*waits, most, settings.reply_tokens, settings.think)
        if role in ("vision", "chat"):
            if settings.device_map:
                more["device_map"] = settings.device_map
            more["serving"] = serving
        if role == "asr" and self.settings.language:
            more["language"] = self.settings.language
        if role == "chat":
            # One folder seen and reasoned with is one model in memory, whichever way it was spelled.
            of_vision = self.choice.specs["vision"]
            if spec == "vision" and settings.think and of_vision.startswith("openai:"):
                spec = of_vision  # which may think here, and not where it looks
            shared = spec == "vision" or (spec == of_vision and spec.startswith("hf:"))
            chat = registry.load_chat("vision", vision=self.vision, device=device) if shared else None
            chat = chat or registry.load_chat(spec, **more)
            if isinstance(chat, Thinker):
                chat.think, chat.max_tokens = serving.think, serving.most_tokens
            return chat
        load: Any = {
            "vision": registry.load_vision,
            "embedder": registry.load_embedder,
            "image_embedder": registry.load_image_embedder,
            "detector": registry.load_detector,
            "ocr": registry.load_reader,
            "asr": registry.load_transcriber,
        }[role]
        return load(spec, **more)


@dataclass(frozen=True, slots=True)
class RoleStatus:
    """One line of `lvqa models`: whether a spec could be used now, how big its files are, where, and what to do."""

    profile: str
    role: Role
    spec: str
    available: bool
    bytes: int | None
    where: str
    hint: str


def describe(settings: Settings) -> list[RoleStatus]:
    """What every profile would load, whether it is there and how big; the settings' own choice stands first, as `now`.

    Loads nothing. The other profiles are shown as they wish, not as they would give way.
    """
    choice = resolve(settings)
    rows = [_status(f"now ({choice.profile})", role, choice.specs[role]) for role in ROLES]
    for profile, wishes in PROFILES.items():
        rows += [_status(profile, role, wishes[role]) for role in ROLES]
    return rows


def _status(profile: str, role: Role, spec: str) -> RoleStatus:
    return RoleStatus(profile, role, spec, *_state(role, spec))


def _state(role: Role, spec: str) -> tuple[bool, int | None, str, str]:
    """The last four fields of a RoleStatus."""
    kind, _, rest = spec.partition(":")
    if spec == NONE:
        return True, None, "", "off"
    if spec in NO_CHAT:
        return True, 0, "lvqa", "reasons without a model"
    if spec == "vision":
        return True, 0, "the vision model", "one loaded model for both"
    if kind == "openai":
        address = rest.rpartition("@")[2] if "@" in rest else "https://api.openai.com/v1"
        ready = installed("langchain_openai")
        return ready, None, address, "" if ready else "pip install 'lvqa[openai]'"
    if kind == "lc":
        ready = installed("langchain")
        return ready, None, rest, "" if ready else "pip install langchain"
    if kind == "minilm":
        path = minilm_zip()
        return (True, path.stat().st_size, str(path), "") if path else (False, None, "", "pip install 'lvqa[offline]'")
    if kind == "rapidocr":
        folder = package_folder("rapidocr")
        if folder is None or not installed("onnxruntime"):
            return False, None, "", "pip install 'lvqa[ocr]'"
        return True, folder_size(folder / "models"), str(folder / "models"), ""
    if role == "asr" and not installed("faster_whisper"):
        return False, None, "", "pip install 'lvqa[asr]'"
    path = find_whisper(rest) if role == "asr" else find_weights(rest)
    if path is None:
        hint = f"downloaded on first use where the hub can be reached; or give a folder: {kind}:<folder>"
        return False, None, f"not in {hub_cache()}", hint
    packages = missing_packages(spec) if role == "vision" else ""
    hint = f"its processor needs {packages}: pip install 'lvqa[vlm]'" if packages else ""
    return not packages, folder_size(path), str(path), hint
