"""The laboratory's models: two small enough to lie in the repository, for the synthetic world and nothing else.

The VLM and the dual encoder load as any others do, by `hf:<folder>`; what the VLM can be asked, and the prompts that it
was taught, stand in its folder (`lvqa.models.capabilities`). How they are made is told in `lvqa.eval.lab.tiny`.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lvqa.archive.archive import Archive
    from lvqa.models.profiles import Models

__all__ = ["FOLDER", "IMAGE_EMBEDDER", "SETTINGS", "VISION", "open_archive", "world_models"]

FOLDER = Path(__file__).resolve().parent / "weights"
VISION = f"hf:{FOLDER / 'vlm'}"
IMAGE_EMBEDDER = f"hf:{FOLDER / 'dual'}"
# The world says nothing aloud, the VLM reads its signs, and it looks at one frame at a time.
SETTINGS: dict[str, Any] = {
    "profile": "text",
    "vision": VISION,
    "image_embedder": IMAGE_EMBEDDER,
    "ocr": "none",
    "asr": "none",
    "frames_per_clip": 1,
}


def world_models(**settings: Any) -> Models:
    """The models of runs in the world, loaded on use; `settings` in the place of those of SETTINGS.

    Raises UsageError for a bad setting.
    """
    from lvqa.eval.lab.wordings import WorldPlanner
    from lvqa.models.profiles import Models
    from lvqa.settings import Settings

    return Models(Settings.load(**(SETTINGS | settings)), planner=WorldPlanner())


def open_archive(
    folder: Path, archive_dir: Path | None = None, *, models: Models | None = None, **settings: Any
) -> Archive:
    """An archive of the world's videos with the laboratory's models and settings, or with ready-made `models`.

    Raises UsageError, StoreError as `Archive` does.
    """
    from lvqa.archive.archive import Archive

    given = SETTINGS | settings
    return Archive(folder, archive_dir=archive_dir, models=models or world_models(**settings), **given)
