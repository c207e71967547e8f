"""What a run did, as plain values. Knows nothing of how."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(slots=True)
class SummaryReport:
    """What bringing the summaries up to date did.

    `videos` were summarised in this run, in `segments`; `reused` texts of a chat model were taken over from the index.
    `unparsed` counts texts that were extracted because the chat model's reply, asked for twice, was empty or a refusal.
    `digest` tells whether the archive's digest was made anew. `failed` holds (path, reason).
    """

    videos: int = 0
    segments: int = 0
    reused: int = 0
    unparsed: int = 0
    digest: bool = False
    llm_calls: int = 0
    tokens_in: int = 0
    tokens_out: int = 0
    failed: list[tuple[str, str]] = field(default_factory=list)


@dataclass(slots=True)
class IndexReport:
    """What one run of `run_index` did.

    `indexed` videos were completed in this run, `unchanged` ones needed nothing. `failed` holds (path, reason),
    `duplicates` (path, path of the video it is a copy of), `removed` the paths of files that are gone. The counts below
    are of rows written in this run; `captioned` counts clips with a caption, `unparsed` those without one because the
    model's reply, asked for twice, was empty or a refusal. `unfamiliar` are the paths of videos of which the vision
    model said, for most of the clips captioned in this run, that it does not know what they show. What failed in
    `summaries` stands in `failed`, too. `stopped` where the run was asked to end before it was done: `settled` of
    `planned` videos with work were, and the next run goes on.
    """

    indexed: int = 0
    failed: list[tuple[str, str]] = field(default_factory=list)
    unchanged: int = 0
    duplicates: list[tuple[str, str]] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)
    unfamiliar: list[str] = field(default_factory=list)
    seconds: float = 0.0
    clips: int = 0
    notes: int = 0
    embeddings: int = 0
    frames: int = 0
    captioned: int = 0
    unparsed: int = 0
    summaries: SummaryReport = field(default_factory=SummaryReport)
    planned: int = 0
    settled: int = 0
    stopped: bool = False

    @property
    def mostly_unparsed(self) -> bool:
        """Whether most clips that were to be captioned in this run have no caption, whatever was tried."""
        return self.unparsed > self.captioned


@dataclass(slots=True)
class ImportReport:
    """What `import_captions` did: captions read, notes that are new, notes embedded, videos they are about.

    `without_file` of the videos have no file in the folder. `embeddings` counts those of summaries, too. `stopped`
    where it was asked to end before it was done; importing the file again goes on.
    """

    captions: int = 0
    notes: int = 0
    embeddings: int = 0
    videos: int = 0
    without_file: int = 0
    seconds: float = 0.0
    summaries: SummaryReport = field(default_factory=SummaryReport)
    stopped: bool = False
