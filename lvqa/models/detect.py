"""Open-vocabulary detection through transformers' `AutoModelForZeroShotObjectDetection`: OWLv2, GroundingDINO, OmDet.

Knows nothing of questions: labels are what the caller names.
"""

from __future__ import annotations

import inspect
import re
import threading
from collections.abc import Sequence
from typing import Any

from PIL import Image

from lvqa.errors import ModelError
from lvqa.models.base import Box, Frame
from lvqa.models.hf.common import Batches, device_errors, load_both


class HfDetector:
    """A Detector. Boxes below `threshold` are dropped; scores of different models do not compare."""

    def __init__(
        self, name: str, model: Any, processor: Any, device: str, *, threshold: float = 0.1, batch: int = 8
    ) -> None:
        if not hasattr(processor, "post_process_grounded_object_detection"):
            raise ModelError(f"{name} does not detect things by name; take OWLv2, GroundingDINO or OmDet")
        self.name = name
        self.threshold = threshold
        self._model = model
        self._processor = processor
        self._device = device
        self._batches = Batches(batch, name)
        self._lock = threading.Lock()

    def detect(self, images: Sequence[Frame], labels: Sequence[str]) -> list[list[Box]]:
        """Boxes for each image, best first, in pixels and inside it; no labels, no boxes. Raises ModelError."""
        wanted = list(dict.fromkeys(label.strip() for label in labels if label.strip()))
        if not wanted:
            return [[] for _ in images]
        return self._batches.run(images, lambda part: self._detect(part, wanted))

    def _detect(self, images: Sequence[Frame], labels: list[str]) -> list[list[Box]]:
        import torch

        texts = [labels for _ in images]
        sizes = [image.shape[:2] for image in images]
        with self._lock, device_errors(self.name, self._device), torch.inference_mode():
            pictures = [Image.fromarray(image) for image in images]
            # A query longer than the text tower reads would not fail, but index beyond its positions.
            inputs = self._processor(images=pictures, text=texts, return_tensors="pt", truncation=True)
            moved = {
                key: value.to(self._device, self._model.dtype) if value.is_floating_point() else value.to(self._device)
                for key, value in inputs.items()
                if hasattr(value, "is_floating_point")
            }
            outputs = self._model(**moved)
            post_process = self._processor.post_process_grounded_object_detection
            offered = {
                "input_ids": moved.get("input_ids"),
                "threshold": self.threshold,
                "target_sizes": sizes,
                "text_labels": texts,
            }
            takes = inspect.signature(post_process).parameters
            found = post_process(outputs, **{key: value for key, value in offered.items() if key in takes})
        return [self._boxes(one, labels, size) for one, size in zip(found, sizes, strict=True)]

    def _boxes(self, found: Any, labels: list[str], size: tuple[int, ...]) -> list[Box]:
        height, width = size[:2]
        named = found.get("text_labels")
        if named is None:
            named = [labels[int(i)] for i in found["labels"]]
        boxes = []
        for name, score, corners in zip(named, found["scores"].tolist(), found["boxes"].tolist(), strict=True):
            x0, x1 = (min(max(float(x), 0.0), float(width)) for x in corners[::2])
            y0, y1 = (min(max(float(y), 0.0), float(height)) for y in corners[1::2])
            if x0 < x1 and y0 < y1:
                boxes.append(Box(nearest_label(str(name), labels), float(score), (x0, y0, x1, y1)))
        return sorted(boxes, key=lambda box: (-box.score, box.label, box.xyxy))


def nearest_label(found: str, labels: Sequence[str]) -> str:
    """The label that a model's words stand for: GroundingDINO names a box by the words it matched, not by a label."""
    if found in labels:
        return found
    words = set(re.findall(r"\w+", found.lower()))
    return max(labels, key=lambda label: len(words & set(re.findall(r"\w+", label.lower()))))


def load(spec: str, *, device: str = "auto", trust_remote_code: bool = False) -> HfDetector:
    """Load `hf:<id or folder>`. Raises ModelNotFound, ModelError."""
    model, processor, device = load_both(
        spec, "AutoModelForZeroShotObjectDetection", "AutoProcessor", device, trust_remote_code=trust_remote_code
    )
    return HfDetector(spec, model, processor, device)
