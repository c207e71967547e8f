"""The agents by name: lvqa's own, and the baselines of the field as presets of the same graph.

A preset says where notes come from (`retrieval`), how the answer is reasoned out and whether it is verified; the nodes
do the rest, with the same models, the same budget and the same ledger for all. What the baselines' released code does
wrong (random answers on failure, uncharged looks, ratings on the wrong cluster) is not in them. This module knows no
node.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from lvqa.errors import UsageError

Retrieval = Literal["recall", "captions", "uniform", "segments", "tree"]
DEFAULT_AGENT = "lvqa"


@dataclass(frozen=True, slots=True)
class Preset:
    """How an agent goes about a question.

    `retrieval`: `recall` searches the index and zooms; `captions` reads all captions in order of time; `uniform`
    describes frames evenly spaced; `segments` begins with a few and asks which stretch lacks something; `tree` clusters
    the visual channel and descends where it is relevant. `plans` says that the chat model plans, `ways` how many
    independent ways to an answer are gone, `notes` how many notes a prompt shows at most, `summary_words` how long
    LLoVi's summary is. `verifies` says that claims are checked and that there is an answer "not in these videos".
    `rounds` and `llm_calls` are how many a baseline takes at most, each reply that has to parse asked for twice.
    """

    name: str
    paper: str
    retrieval: Retrieval
    plans: bool = False
    ways: int = 1
    notes: int = 48
    summary_words: int = 300
    verifies: bool = False
    rounds: int = 1
    llm_calls: int = 3


PRESETS: Mapping[str, Preset] = {
    one.name: one
    for one in (
        Preset("lvqa", "", "recall", plans=True, ways=2, verifies=True),
        # Captions of short clips in order of time, a summary of some 500 words conditioned on the question.
        Preset("llovi", "2312.17235", "captions", notes=240, summary_words=500),
        # 5 uniform frames, at most 3 rounds (answer, rate it, ask for more), self-rated confidence of 3 to stop.
        Preset("videoagent", "2403.10517", "segments", rounds=3, llm_calls=18),
        # 8 clusters, doubled up to 32 until 4 are rated highly relevant; 4 and 4 x 4 below them; then the answer.
        Preset("videotree", "2405.19209", "tree", rounds=3, llm_calls=9),
        Preset("uniform", "", "uniform"),
    )
}
AGENTS = tuple(PRESETS)


def preset(name: str) -> Preset:
    """The preset of an agent; raises UsageError with the names that there are."""
    if name not in PRESETS:
        raise UsageError(f"there is no agent {name!r}; there are: {', '.join(AGENTS)}")
    return PRESETS[name]


def check_agent(name: str) -> str:
    """The name, where there is such an agent; raises UsageError with the names that there are."""
    return preset(name).name
