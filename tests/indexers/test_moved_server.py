"""A model is the same wherever it is served: moving its server captions nothing again, in old archives neither."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lvqa.indexers import plan_index
from lvqa.models.fake import FakeVision
from lvqa.models.profiles import Models
from lvqa.models.served.remote import identity
from lvqa.settings import Settings
from lvqa.store.checksums import register, sum_of
from lvqa.store.migrations import renamed_job

HERE, THERE = "openai:qwen@http://here:1/v1", "openai:qwen@https://there.example:8443/openai/v1"


@pytest.mark.parametrize(
    ("spec", "model_id", "name"),
    [
        (HERE, "", "openai:qwen"),
        (THERE, "", "openai:qwen"),
        (HERE, "other", "openai:qwen"),
        ("openai:Qwen/Qwen3-VL-8B@http://here:1/v1", "", "openai:Qwen/Qwen3-VL-8B"),
        ("openai:@cf/meta/llama@https://host/v1", "", "openai:@cf/meta/llama"),
        ("openai:gpt-5", "", "openai:gpt-5"),
        ("openai:default@http://here:1/v1", "", "openai:default@http://here:1/v1"),
        ("openai:default@http://here:1/v1", "qwen", "openai:qwen"),
        ("hf:Qwen/Qwen3-VL-8B", "x", "hf:Qwen/Qwen3-VL-8B"),
        ("lc:anthropic:claude", "x", "lc:anthropic:claude"),
    ],
)
def test_what_a_model_is_called(spec: str, model_id: str, name: str) -> None:
    assert identity(spec, model_id) == name
    models = Models(Settings(vision=spec, chat="builtin:extractive", model_id=model_id))
    assert models.names["vision"] == name
    assert models.addressed_names["vision"] == spec


def test_a_name_that_says_nothing_is_told() -> None:
    nameless = Settings(profile="text", vision="openai:default@http://here:1/v1")
    (line,) = (reason for reason in Models(nameless).reasons if "says nothing" in reason)
    assert "--model-id" in line
    named = Settings(profile="text", vision="openai:default@http://here:1/v1", model_id="qwen")
    assert not any("says nothing" in reason for reason in Models(named).reasons)


def _served(kit: Any, spec: str) -> None:
    kit.vision = FakeVision(name=spec)


def _as_schema_6(index_dir: Path, *, without_specs: bool) -> None:
    """Make the index what an earlier lvqa would have written: the model with its server's address."""
    connection = sqlite3.connect(index_dir / "archive.db")
    register(connection)
    with connection:
        connection.execute(f"UPDATE notes SET model = '{HERE}' WHERE model = 'openai:qwen'")
        jobs = "SELECT j.n, j.stage, j.key, j.spec, v.content_hash FROM jobs j JOIN videos v ON v.n = j.video"
        for n, stage, key, spec, content_hash in connection.execute(jobs).fetchall():
            if '"openai:qwen"' in spec:
                key, spec = renamed_job(stage, key, spec, content_hash, lambda model: HERE)
            spec = "" if without_specs else spec
            connection.execute("UPDATE jobs SET key = ?, spec = ? WHERE n = ?", (key, spec, n))
        for table in ("notes", "jobs"):
            connection.execute(f"UPDATE {table} SET sum = {sum_of(table)}")
        connection.execute("DELETE FROM _sqlite_migrations WHERE name LIKE 'm007%'")
        connection.execute("PRAGMA user_version = 6")
    connection.close()


@pytest.mark.parametrize("without_specs", [False, True])
def test_an_older_archive_goes_on_with_a_server_that_moved(
    kit: Any, counter: Callable[..., Path], without_specs: bool
) -> None:
    counter("a.mp4", 8)
    counter("b.mp4", 6)
    kit.settings["summaries"] = "extractive"
    _served(kit, HERE)
    kit.run()
    with kit.store() as store:
        before = {note.id: note for note in store.notes.select()}
    assert {note.model for note in before.values() if note.source == "caption"} == {"openai:qwen"}
    _as_schema_6(kit.index_dir, without_specs=without_specs)
    # An archive of before kept no `spec` and was not moved at the same time.
    _served(kit, HERE if without_specs else THERE)
    with kit.store() as store:
        assert {note.id: note for note in store.notes.select()} == before  # whatever cites them still does
        models = kit.models()
        plan = plan_index(
            kit.folder,
            store,
            models.names,
            Settings(**kit.settings),
            captioner_before=models.addressed_names["vision"],
        )
    assert [file["stages"] for file in plan.to_dict()["files"]] == [[], []]
    assert kit.run().unchanged == 2
    assert kit.looked() == 0
    _served(kit, THERE)
    assert kit.run().unchanged == 2
    assert kit.looked() == 0
    with kit.store() as store:
        assert {note.id: note for note in store.notes.select()} == before


def test_another_model_at_the_same_server_captions_anew(kit: Any, counter: Callable[..., Path]) -> None:
    counter("a.mp4", 8)
    _served(kit, HERE)
    kit.run()
    _served(kit, HERE.replace("qwen", "gemma"))
    assert kit.run().indexed == 1
    assert kit.looked() > 0
