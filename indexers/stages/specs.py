"""What a stage's rows are made with, and what of it changed since: model, prompt, settings, subtitles.

Knows names and values; opens no file, reads no store.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from lvqa.indexers.stages.task import VISUAL
from lvqa.media import PICTURE_SUFFIXES, Sidecar
from lvqa.settings import Settings
from lvqa.store import stage_key

STAGES: tuple[str, ...] = (*VISUAL, "speech")
# Raised when the code of a stage changes what it writes, so that older rows are made anew.
_VERSION = 1
# The version of the way that the text on the screen is followed over time; it hangs on no clip.
_FOLLOWED = 1
# Raised when what is read of the same subtitle files changes; stands behind those files.
READING = 2
# What the setting was by default before; the prompt of captions did not change yet.
EARLIER_CAPTION_TOKENS = (96,)
# As a parameter of speech, of a video with subtitles that are pictures: the OCR model that reads them, None where text
# stands in for them; of other videos it is not there.
PICTURES = "pictures"
_FOLLOWED_NOW = "the text on the screen is followed over time now"
UNKNOWN_CHANGE = "its model, prompt or settings changed"
# What a summary was made of is told in words: a hash says nothing.
_PLAIN = {
    "version": "lvqa makes it in another way now",
    "notes": "the notes changed",
    "frames": "the frames' vectors changed",
    "embedder": "the embedder changed",
}


@dataclass(frozen=True, slots=True)
class StageSpec:
    """What a stage's rows depend on beside the video: the model's name, the prompt's hash, parameters."""

    model: str
    prompt_hash: str
    params: Mapping[str, Any]

    def key(self, content_hash: str, stage: str) -> str:
        """The stage's key for one video."""
        return stage_key(content_hash, stage, self.model, self.prompt_hash, self.params)

    @property
    def told(self) -> str:
        """The same as JSON, as it stands in the stage's job."""
        made_with = {"model": self.model, "prompt_hash": self.prompt_hash, "params": dict(self.params)}
        return json.dumps(made_with, sort_keys=True, separators=(",", ":"))


def earlier_of(spec: StageSpec) -> Iterator[StageSpec]:
    """What captions were made with that stand although lvqa asks for them in another way now: its earlier defaults.

    `lvqa index --refresh captions` makes those anew. What a user sets is no default, and changes captions at once.
    """
    if spec.params.get("caption_tokens") == Settings.model_fields["caption_tokens"].default:
        for tokens in EARLIER_CAPTION_TOKENS:
            yield replace(spec, params={**spec.params, "caption_tokens": tokens})


def stage_specs(
    names: Mapping[Any, str], settings: Settings, own_prompts: Mapping[str, str] | None = None
) -> dict[str, StageSpec]:
    """The stages that are on, in the order of their dependence; `names` holds each role's model, empty for off.

    `own_prompts` are the texts of the vision model's own.
    """
    from lvqa.prompts import load

    clips = {
        "version": _VERSION,
        "sample_fps": settings.sample_fps,
        "clip_min_s": settings.clip_min_s,
        "clip_max_s": settings.clip_max_s,
        "shot_threshold": settings.shot_threshold,
    }
    caption = {
        **clips,
        "frames_per_clip": settings.frames_per_clip,
        "duplicate_threshold": settings.duplicate_threshold,
        "caption_tokens": settings.caption_tokens,
        "max_side": settings.max_side,
    }
    screen = {
        "followed": _FOLLOWED,
        "ocr_every_s": settings.ocr_every_s,
        "duplicate_threshold": settings.duplicate_threshold,
    }
    frames: dict[str, Any] = {
        "version": _VERSION,
        "embed_every_s": settings.embed_every_s,
        "max_side": settings.max_side,
    }
    if not settings.embed_between:  # else older rows, which have none, would have to be made anew
        frames["between"] = False
    specs = {"segment": StageSpec("", "", clips)}
    if names.get("vision"):
        specs["caption"] = StageSpec(names["vision"], load("caption", own_prompts).hash, caption)
    if names.get("ocr"):
        specs["screen"] = StageSpec(names["ocr"], "", screen)
    if names.get("image_embedder"):
        specs["frames"] = StageSpec(names["image_embedder"], "", frames)
    speech: dict[str, Any] = {"version": _VERSION}
    if settings.audio_track:
        speech["audio_track"] = settings.audio_track
    if names.get("asr") and settings.language:
        speech["language"] = settings.language
    specs["speech"] = StageSpec(names.get("asr", ""), "", speech)
    return specs


def params_of(spec: str) -> dict[str, Any]:
    """The parameters in a job's `spec`; none where it cannot be read."""
    try:
        return dict(json.loads(spec)["params"])
    except (ValueError, KeyError, TypeError):
        return {}


def picture_params(beside: Sequence[Sidecar], inside: bool | None, ocr: str, before: str) -> dict[str, str | None]:
    """The parameter of the speech of a video with subtitles that are pictures; none for another video.

    Args:
        beside: the video's subtitle files.
        inside: whether subtitles inside it are pictures; None where that was not looked at now.
        ocr: the OCR model's name, empty for off.
        before: the job's `spec`, empty for none.
    """
    was = params_of(before)
    suffixes = {sidecar.path: sidecar.path.suffix.lower() for sidecar in beside}
    pictures = [sidecar for sidecar in beside if suffixes[sidecar.path] in PICTURE_SUFFIXES]
    held = PICTURES in was if inside is None else inside
    if not pictures and not held:
        return {}
    # Where an .idx stands beside it, a .sub is no text.
    others = (s for s in beside if suffixes[s.path] != ".sub" or s.path.with_suffix(".idx") not in suffixes)
    texts = [sidecar for sidecar in others if sidecar not in pictures and sidecar.label.kind == "full"]
    told = {sidecar.label.language.partition("-")[0] for sidecar in texts}
    spoken = {sidecar.label.language.partition("-")[0] for sidecar in pictures}
    # A text in full hides what is inside; files of pictures tell other languages beside it.
    if texts and ("" in told or spoken <= told):
        return {PICTURES: None}
    # Where OCR is off now, what an earlier run read is kept, as captions are.
    return {PICTURES: ocr or was.get(PICTURES)}


def stands_on_clips(stage: str, job_spec: str) -> bool:
    """Whether the rows of a job hang on the clips: captions do, texts of the screen did in an older lvqa."""
    return stage == "caption" or (stage == "screen" and '"followed"' not in job_spec)


def changes(before: str, now: StageSpec) -> str:
    """What changed between a job's `spec` and a stage's, in words; of what is not known, that something did."""
    try:
        old = json.loads(before)
        model, prompt_hash, params = str(old["model"]), str(old["prompt_hash"]), dict(old["params"])
    except (ValueError, KeyError, TypeError):
        # Of an older lvqa, which did not write down what rows were made with.
        return _FOLLOWED_NOW if not before and "followed" in now.params else UNKNOWN_CHANGE
    found: list[str] = []
    if model != now.model:
        found.append(_model_change(model, now.model))
    elif prompt_hash != now.prompt_hash:
        found.append("the prompt changed")
    if "followed" in now.params and "followed" not in params:
        found.append(_FOLLOWED_NOW)
        params = {"followed": _FOLLOWED} | {name: params.get(name) for name in now.params if name != "followed"}
    # By way of JSON, so that 2 and 2.0, a tuple and a list, compare as they were stored.
    current = json.loads(now.told)["params"]
    for name in sorted(params.keys() | current.keys()):
        was, is_now = params.get(name), current.get(name)
        if was != is_now:
            found.append(_change(name, was, is_now))
    return "; ".join(found) or UNKNOWN_CHANGE


def _model_change(was: str, now: str) -> str:
    if was and now:
        return f"the model changed from {was} to {now}"
    return f"a model is on now: {now}" if now else f"its model is off now: {was}"


def _change(name: str, was: Any, now: Any) -> str:
    if name in _PLAIN:
        return _PLAIN[name]
    if name == "between":
        return f"frames between them are {'embedded too' if now is None else 'no longer embedded'}"
    if name == PICTURES:
        return f"subtitles that are pictures are read {'now' if now and not was else 'in another way now'}"
    if name == "subtitles":
        before, after = ([part for part in value or [] if isinstance(part, list)] for value in (was, now))
        if before and before == after:
            return "subtitles are read in another way now"
        return "subtitles changed" if was and now else "subtitles were added" if now else "subtitles were removed"
    return f"{name} {_shown(was)} -> {_shown(now)}"


def _shown(value: Any) -> str:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return "none" if value is None else value if isinstance(value, str) else json.dumps(value)
    return f"{value:g}"
