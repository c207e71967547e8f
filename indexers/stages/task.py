"""What a run has to do on one video: its file as it was when planned, and the stages that are open.

Values and their bookkeeping only: no models, no threads, no store.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from lvqa.indexers.stages.look import Wants
from lvqa.indexers.stages.screen_state import ScreenState
from lvqa.types import Video

Part = Literal["visual", "speech"]
VISUAL: tuple[str, ...] = ("segment", "caption", "screen", "frames")
Action = Literal["make", "go on", "retry", "redo", "keep", "drop", "lose"]
OPEN: frozenset[Action] = frozenset({"make", "go on", "retry", "redo"})


@dataclass(frozen=True, slots=True)
class StagePlan:
    """One stage of one video: what happens to its rows, and why; `go on` from `progress_s`.

    `make` has no rows yet, `retry` failed before, `redo` starts anew, `keep` is done; `drop` forgets a job whose stage
    is off, `lose` is off too, and its rows go with the clips they stand on. `key` is that of its rows, `spec` is JSON
    that tells what the key was made of. Of the clips before `progress_s`, `blank` have no caption, `unparsed` of them
    because the reply was of no use. `screen` is what stood on the screen there.
    """

    stage: str
    action: Action
    why: str = ""
    key: str = ""
    spec: str = ""
    progress_s: float = 0.0
    unparsed: int = 0
    blank: int = 0
    screen: ScreenState | None = None

    @property
    def open(self) -> bool:
        """Whether the stage has work to do."""
        return self.action in OPEN


@dataclass(slots=True, eq=False)
class VideoTask:
    """One video to index: its file as it was when planned, and the stages that are open, by name."""

    video: Video
    path: Path
    size: int
    mtime_ns: int
    jobs: dict[str, StagePlan]
    _lost: dict[Part, int] = field(default_factory=dict, init=False)

    def drop(self, part: Part, seq: int) -> None:
        """Give up the batches of a part from number `seq` on; those before it are still good."""
        self._lost[part] = min(seq, self._lost.get(part, seq))

    @property
    def altered(self) -> bool:
        """Whether the file is not the one that was planned any more."""
        try:
            stat = self.path.stat()
        except OSError:
            return True
        return (stat.st_size, stat.st_mtime_ns) != (self.size, self.mtime_ns)

    def lost(self, part: Part, seq: int) -> bool:
        """Whether a batch was given up, so that no more work should go into it."""
        return part in self._lost and seq >= self._lost[part]

    @property
    def wants(self) -> Wants:
        """From where on each stage of the visual pass wants the video."""
        starts = {f"{stage}_s": self.jobs[stage].progress_s for stage in VISUAL if stage in self.jobs}
        return Wants(**starts)

    @property
    def screen(self) -> ScreenState | None:
        """What stood on the screen where that stage goes on."""
        return self.jobs["screen"].screen if "screen" in self.jobs else None

    @property
    def parts(self) -> set[Part]:
        """The passes that are needed."""
        visual: set[Part] = {"visual"} if any(stage in self.jobs for stage in VISUAL) else set()
        return visual | ({"speech"} if "speech" in self.jobs else set())

    def stages(self, part: Part) -> list[str]:
        """The open stages of a part."""
        return [stage for stage in self.jobs if (stage == "speech") == (part == "speech")]
