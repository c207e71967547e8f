"""What an archive is indexed and asked with: one flat, checked record.

A value comes from, first wins: the caller's arguments (the CLI's options), `LVQA_*` variables, `settings.toml` in the
index folder, the profile, the defaults below. This module knows names of models, not models.
"""

from __future__ import annotations

import tomllib
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationError, field_validator
from pydantic_settings import (
    BaseSettings,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from lvqa.errors import UsageError

Profile = Literal["auto", "gpu", "cpu", "text"]
Summaries = Literal["auto", "extractive", "none"]

SETTINGS_FILE = "settings.toml"


class Settings(BaseSettings):
    """Every setting of lvqa. An empty model spec means "what the profile says"; `none` switches a role off."""

    model_config = SettingsConfigDict(env_prefix="LVQA_", extra="forbid", frozen=True)

    profile: Profile = Field("auto", description="which models take all roles")
    vision: str = Field("", description="looks at frames: hf:<id or folder>, openai:<model>@<base url>, none")
    chat: str = Field("", description="reasons: vision, hf:<id>, openai:<model>@<base url>, builtin:extractive, ...")
    embedder: str = Field("", description="embeds texts: st:<id or folder>, minilm (the wheel), none")
    image_embedder: str = Field("", description="embeds frames: st:<id or folder>, hf:<id or folder>, none")
    detector: str = Field("", description="finds named things in frames: hf:<id or folder>, none")
    ocr: str = Field("", description="reads text on the screen: rapidocr, none")
    asr: str = Field("", description="transcribes speech: whisper:<size or folder>, none")
    language: str = Field(
        "", pattern="^([a-z]{2,3})?$", description="what is spoken, as a code such as de; found out where empty"
    )
    device: str = Field("auto", description="auto, cpu, cuda, cuda:1, mps; cuda:0,cuda:1: an hf: vision model on each")
    trust_remote_code: Annotated[tuple[str, ...], NoDecode] = Field(
        (), description="ids or folders of models, as their specs name them, whose own code may be run"
    )

    reader: Literal["pyav", "decord-first"] = Field("pyav", description="what decodes; PyAV where decord reads wrong")
    model_id: str = Field("", description="what a served model is, where the server's own name for it says nothing")
    timeout_s: float = Field(120.0, gt=0, allow_inf_nan=False, description="longest wait for a reply of a server")
    patience_s: float = Field(
        600.0, ge=0, allow_inf_nan=False, description="longest wait for a server that is busy or being started again"
    )
    retries: int = Field(2, ge=0, le=100, description="times that a server is asked again whose reply is a failure")
    think: bool = Field(False, description="let a chat model that can think do so before it plans and answers")
    reply_tokens: int = Field(
        1024, ge=64, description="most tokens of a reply of the chat model; eight times as many where it thinks"
    )
    vision_in_flight: int = Field(64, ge=1, le=1024, description="most requests that a server which sees gets at once")
    chat_in_flight: int = Field(16, ge=1, le=1024, description="most requests that a server which reasons gets at once")
    device_map: str = Field(
        "", description="auto: one hf: vision or chat model over all devices (needs accelerate); empty: on one"
    )
    isolate: bool = Field(True, description="decode in a child process, which a bad file may crash; not on Windows")
    decode_memory_mb: int = Field(4096, ge=256, description="most memory that decoding one video may take, in MiB")
    decode_stall_s: float = Field(
        60.0, gt=0, allow_inf_nan=False, description="longest wait for a sign of life when decoding; then it is ended"
    )
    audio_track: int = Field(
        0, ge=-1, description="audio track that is heard, from 1; 0: the film's own, as players choose it; all: each"
    )
    sample_fps: float = Field(2.0, gt=0, le=60, description="frames a second that are looked at when indexing")
    clip_min_s: float = Field(0.5, ge=0.1, description="no clip is shorter, the last of a video apart")
    clip_max_s: float = Field(8.0, gt=0, description="no clip is longer")
    shot_threshold: float = Field(27.0, gt=0, description="content change that cuts a clip (PySceneDetect's units)")
    frames_per_clip: int = Field(4, ge=1, le=64, description="frames of a clip that the captioner sees at most")
    duplicate_threshold: float = Field(4.0, ge=0, description="largest block difference, 0-255, of near-equal frames")
    clip_batch: int = Field(8, ge=1, description="clips captioned, embedded and committed together")
    caption_tokens: int = Field(192, ge=8, description="most tokens of a caption")
    embed_every_s: float = Field(1.0, gt=0, description="spacing of the visual channel's frames")
    embed_between: bool = Field(True, description="embed a frame between two, too, that alone shows something")
    ocr_every_s: float = Field(1.0, gt=0, description="spacing of the frames whose text is read")
    ocr_processes: int = Field(
        0, ge=0, le=64, description="processes that read text; 0: one for each processor, at most 4"
    )
    max_side: int = Field(
        768, ge=64, description="longer side, in pixels, of frames given to models; OCR sees them whole"
    )
    summaries: Summaries = Field(
        "auto", description="auto: the chat model where there is one, else sentences chosen; extractive; none"
    )
    segment_min_s: float = Field(60.0, ge=1, description="no segment is shorter, that of a shorter video apart")
    segment_max_s: float = Field(180.0, gt=0, description="no segment is longer; at least twice segment_min_s")
    workers: int = Field(1, ge=1, le=64, description="videos decoded at the same time")

    top_k: int = Field(24, ge=1, description="notes that recall brings to the agent")
    rounds: int = Field(2, ge=1, le=8, description="times the agent may go back and look again")
    agent: str = Field("lvqa", description="how questions are answered: lvqa, llovi, videoagent, videotree, uniform")
    searcher: str = Field("lvqa", description="what searches a video for frames: lvqa, uniform, tstar, bolt, aks, ...")
    explore: float = Field(0.2, ge=0, le=1, description="share of the frames looked at where nothing speaks for it")
    budget_frames: int = Field(32, ge=0)
    budget_vlm_calls: int = Field(24, ge=0)
    budget_tokens: int = Field(200_000, ge=0)
    budget_seconds: float = Field(120.0, gt=0)
    budget_money: float = Field(
        0.0, ge=0, allow_inf_nan=False, description="most money for a question at the prices below; 0 is no limit"
    )
    price_in: float = Field(
        0.0, ge=0, allow_inf_nan=False, description="money for a million tokens that the chat model reads; 0 is none"
    )
    price_out: float = Field(0.0, ge=0, allow_inf_nan=False, description="money for a million tokens that it writes")
    price_frame: float = Field(0.0, ge=0, allow_inf_nan=False, description="money for a frame that a model looks at")
    price_call: float = Field(0.0, ge=0, allow_inf_nan=False, description="money for a call of the model that sees")
    currency: str = Field("USD", pattern=r"^\S{1,16}$", description="what money is called; shown as it is")
    abstain_below: float = Field(
        0.2, ge=0, le=1, description="confidence below which the answer is 'not in these videos'"
    )

    calibration: dict[str, list[tuple[float, float]]] = Field(
        default_factory=dict, description="curves from confidence to probability, by way of answering"
    )

    @field_validator("calibration")
    @classmethod
    def _curves(cls, value: dict[str, list[tuple[float, float]]]) -> dict[str, list[tuple[float, float]]]:
        for name, curve in value.items():
            numbers = [number for point in curve for number in point]
            rises = all(a[0] < b[0] and a[1] <= b[1] for a, b in pairwise(curve))
            if not curve or not rises or not all(0 <= number <= 1 for number in numbers):
                raise ValueError(
                    f"{name} must be points (confidence, probability) in [0, 1] that rise from left to right"
                )
        return value

    @field_validator("trust_remote_code", mode="before")
    @classmethod
    def _names(cls, value: Any) -> Any:
        """A list, or names with commas between them, as a variable or an option has them."""
        return tuple(name.strip() for name in value.split(",") if name.strip()) if isinstance(value, str) else value

    @field_validator("audio_track", mode="before")
    @classmethod
    def _track(cls, value: Any) -> Any:
        return -1 if value == "all" else value

    @field_validator("clip_max_s")
    @classmethod
    def _max_above_min(cls, value: float, info: Any) -> float:
        if value < info.data.get("clip_min_s", 0):
            raise ValueError("clip_max_s must not be below clip_min_s")
        return value

    @field_validator("segment_max_s")
    @classmethod
    def _max_twice_min(cls, value: float, info: Any) -> float:
        if value < 2 * info.data.get("segment_min_s", 0):
            raise ValueError("segment_max_s must be at least twice segment_min_s")
        return value

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Arguments, then the environment, then the file that `load` names."""
        return init_settings, env_settings, TomlConfigSettingsSource(settings_cls)

    @classmethod
    def load(cls, index_dir: Path | None = None, **given: Any) -> Settings:
        """Read the settings that hold for an index folder; arguments that are None count as not given.

        Raises UsageError with the setting's name and what is wrong with its value.
        """
        given = {name: value for name, value in given.items() if value is not None}
        sources = cls if index_dir is None else _with_file(cls, index_dir / SETTINGS_FILE)
        try:
            read = sources(**given)
            return cls.model_construct(**read.model_dump())
        except ValidationError as error:
            lines = [f"{'.'.join(str(p) for p in e['loc']) or 'settings'}: {e['msg']}" for e in error.errors()]
            raise UsageError("bad setting: " + "; ".join(lines)) from error
        except tomllib.TOMLDecodeError as error:
            assert index_dir is not None
            raise UsageError(f"{index_dir / SETTINGS_FILE} is not TOML ({error}); mend it or delete it") from error


def _with_file(base: type[Settings], path: Path) -> type[Settings]:
    class FileSettings(base):  # type: ignore[misc, valid-type]
        model_config = SettingsConfigDict(toml_file=path)

    return FileSettings
